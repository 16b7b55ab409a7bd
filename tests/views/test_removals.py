from made_up import ERRORS, record, square_runs, square_times, timing

from fastres.stats import Interval
from fastres.views import ablation, removals


def test_removals_are_timed_on_a_machine_of_their_own():
    shared = square_times().model_copy(update={"environment": {"runs_at_once": 2}})
    few = timing(20, rounds=9, basic=10.0, simplified_1=8.0)
    assert removals.quiet([shared]) is removals.quiet([timing(56, basic=1.0)]) is None
    assert removals.quiet([shared, few]) == few and removals.quiet([shared, few, square_times()]) == square_times()
    _, found = ablation.chosen(square_runs())
    assert set(removals.removals(found, None)["s/epoch less"]) == {"not timed"}
    assert "nothing to compare" in removals.cheapest(found, None)


def test_the_cheapest_removal_per_second_comes_first():
    errors = {**ERRORS, "basic": 20.0, "simplified-1": 21.0, "bn/bn-relu": 20.1, "relu/bn-relu": 20.4}
    _, found = ablation.chosen(square_runs(errors))
    table = removals.removals(
        found, square_times(basic=10.0, simplified_1=7.0, **{"bn/bn_relu": 9.0, "relu/bn_relu": 11.0})
    )
    assert table["left"].iloc[0] == "bn/bn-relu"  # 0.1 points for a tenth of the time
    assert table.set_index("left").loc["relu/bn-relu", "points per second"] == "–"  # it saves none
    assert set(table.n) == {1}


def test_the_cheapest_removal_is_named_where_the_intervals_tell():
    seconds = square_times(simplified_1=7.0, **{"bn/bn_relu": 9.0})
    near = {"basic": [20.0, 20.1, 20.2], "bn/bn-relu": [20.2, 20.4, 20.3], "simplified-1": [21.0, 21.3, 20.9]}
    far = near | {"simplified-1": [30.0, 30.3, 29.9]}

    def told(errors: dict[str, list[float]]) -> str:
        made = [
            record((50.0, error), structure=name, seed=seed)
            for name, three in errors.items()
            for seed, error in enumerate(three)
        ]
        return removals.cheapest(ablation.chosen(made)[1], seconds)

    assert (
        told(near) == "Which removal costs least is not shown: the interval of ReLU of f1 overlaps those of f1, both."
    )
    assert told(far).startswith("Least error for each second less: ReLU of f1 removed, +")


def test_a_quotient_of_intervals_by_hand():
    found = removals._quotient(Interval(1.0, -0.5, 2.0, 3), Interval(10.0, 5.0, 20.0, 9))
    assert (found.value, found.low, found.high, found.n) == (0.1, -0.1, 0.4, 3)


def test_which_of_bn_and_relu_matters_is_told_with_intervals():
    errors = {"basic": 20.0, "bn/bn-relu": 20.1, "relu/bn-relu": 23.0, "simplified-1": 24.0}
    where, runs = ablation.chosen(square_runs(errors))
    setting, first, second = removals.parts(where, runs)
    assert where in setting and "D = 20" in setting
    relu, bn, both = first.split("; without ")
    assert "without only its ReLU, +0.10 points [" in relu and "n = 1, binomial; contains 0" in relu
    assert "only its BN, +3.00 points [" in bn and "both, +4.00 points [" in both
    assert "excludes 0" in bn and "excludes 0" in both
    assert second.count(ablation.NOT_HERE) == 3
    _, many = ablation.chosen(square_runs(errors, seeds=3))
    assert "+0.10 points [+0.10, +0.10] (n = 3; excludes 0)" in removals.parts("", many)[1]
    assert removals.parts("", {}) == []
