import math

from made_up import record, timing

from fastres.experiments import PYRAMID, SQUARE
from fastres.stats import Interval
from fastres.views import ablation, removals

ERRORS = {name: 20.0 + place for place, name in enumerate(SQUARE)}


def runs(errors=None, ended=(), seeds=1, **fields) -> list:
    return [
        record((), diverged="soon", structure=name, seed=seed, epochs=2, **fields)
        if name in ended
        else record((50.0, error + seed), structure=name, seed=seed, **fields)
        for name, error in (errors or ERRORS).items()
        for seed in range(seeds)
    ]


def times(**seconds: float):
    return timing(20, rounds=6, **{name.replace("-", "_"): 10.0 for name in SQUARE} | seconds)


def texts(figure) -> set[str]:
    return {text.get_text() for ax in figure.axes for text in ax.texts}


def test_the_setting_with_most_structures_is_shown():
    long = runs({"basic": 8.0, "simplified-1": 8.0}, epochs=2, device_name="Other CPU")
    where, found = ablation.chosen([*long, *runs()])
    assert "Some CPU" in where and found.keys() == set(SQUARE)
    assert ablation.chosen([]) == ("", {})
    assert ablation.chosen(runs({"basic": 8.0}, depth=8)) == ("", {})


def test_only_a_timing_of_all_pairs_is_used():
    assert ablation.timed([times(), timing(20, basic=1.0, simplified_1=0.7)]) == [times()]
    shared = times().model_copy(update={"environment": {"runs_at_once": 2}})
    assert ablation.timed([shared, times()]) == [times(), shared]


def test_the_table_has_every_pair_and_says_what_diverged():
    _, found = ablation.chosen(runs(ended=("none/none",)))
    table = ablation.frame(found, [times(simplified_1=7.0)]).set_index("structure")
    assert set(table.index) == set(SQUARE)
    assert table.loc["none/none", "test error %"] == "diverged" and table.index[-1] == "none/none"
    assert table.loc["none/none", "n"] == "0 of 1" and table.loc["basic", "n"] == "1 of 1"
    (column,) = [name for name in table if name.startswith("time saved")]
    assert table.loc["simplified-1", column].startswith("30.0 %") and table.loc["basic", column] == "–"
    assert table.loc["basic", "activation memory saved"] == "0.0 %"
    assert "nan" not in table.to_string()
    _, more = ablation.chosen(runs({**ERRORS, PYRAMID: 19.0}, seeds=3))
    assert ablation.frame(more, []).structure.iloc[0] == PYRAMID


def test_a_control_without_runs_or_with_diverged_ones_says_so():
    _, found = ablation.chosen(runs(ended=("none/none",)))
    table = ablation.controls(found).set_index("difference")["points of test error"]
    assert table["none/none − simplified-2"] == "none/none diverged"
    assert table[f"{PYRAMID} − bn/bn-relu"] == "not yet run"
    assert table["simplified-1 − simplified-2"].startswith("−9.00 [")


def test_squares_show_every_number_and_what_diverged():
    _, found = ablation.chosen(runs(ended=("none/none",)))
    figure = ablation.squares(found, times(simplified_1=7.0))
    assert len(figure.axes) == 3
    assert {"diverged", "35.0", "70.0", "100.0"} <= texts(figure)
    assert "n = 1" in figure.axes[0].get_title()
    assert len(ablation.squares(found, None).axes) == 2
    assert texts(ablation.squares({}, None)) >= {"–"}


def test_the_front_is_what_no_other_beats_in_both():
    errors = {**ERRORS, "simplified-1": 19.0, "relu/relu": 25.0, "basic": 30.0}
    _, found = ablation.chosen(runs(errors, ended=("none/none",)))
    seconds = {"simplified_1": 7.0, "relu/relu": 6.0, "none/none": 1.0}
    figure = ablation.pareto(found, times(**seconds))
    line = figure.axes[0].lines[-1].get_xydata()
    assert line.tolist() == [[60.0, 25.0], [70.0, 19.0]]
    assert "none/none" not in texts(figure) and "simplified-1" in texts(figure)
    assert ablation.front({"a": (1.0, math.inf), "b": (1.0, 3.0)}) == ["b"]


def test_names_in_the_pareto_plot_cover_neither_each_other_nor_a_point():
    """All 16 in a corner, and one far off, as a structure that does not train is."""
    errors = {name: 20.0 + place % 3 for place, name in enumerate(SQUARE)} | {"none/none": 60.0}
    seconds = {name.replace("-", "_"): 9.0 + place / 16 for place, name in enumerate(SQUARE)}
    figure = ablation.pareto(ablation.chosen(runs(errors))[1], times(**seconds))
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in figure.axes[0].texts]
    points = figure.axes[0].transData.transform([text.xy for text in figure.axes[0].texts])
    assert len(boxes) == 16
    assert not [1 for place, box in enumerate(boxes) for other in boxes[:place] if box.overlaps(other)]
    assert not [1 for box in boxes for point in points if box.contains(*point)]


def test_findings_leave_out_what_diverged():
    _, found = ablation.chosen(runs(ended=("none/none",)))
    told = ablation.findings(found)
    assert told[0].startswith("Of 15 structures with an error, none/bn has the least: 21.00 %")
    assert "Not distinguishable from it: none/relu." in told[0]  # a point more, on 10,000 images
    assert "none before the first convolution: 21.0 to 23.0 % (structures: 3)." in told
    assert len(told) == 9 and ablation.findings({}) == []


def test_removals_are_timed_on_a_machine_of_their_own():
    shared = times().model_copy(update={"environment": {"runs_at_once": 2}})
    few = timing(20, rounds=9, basic=10.0, simplified_1=8.0)
    assert removals.quiet([shared]) is removals.quiet([timing(56, basic=1.0)]) is None
    assert removals.quiet([shared, few]) == few and removals.quiet([shared, few, times()]) == times()
    _, found = ablation.chosen(runs())
    assert set(removals.removals(found, None)["s/epoch saved"]) == {"not timed"}
    assert "nothing to compare" in removals.cheapest(found, None)


def test_the_cheapest_removal_per_second_comes_first():
    errors = {**ERRORS, "basic": 20.0, "simplified-1": 21.0, "bn/bn-relu": 20.1, "relu/bn-relu": 20.4}
    _, found = ablation.chosen(runs(errors))
    table = removals.removals(found, times(basic=10.0, simplified_1=7.0, **{"bn/bn_relu": 9.0, "relu/bn_relu": 11.0}))
    assert table["left"].iloc[0] == "bn/bn-relu"  # 0.1 points for a tenth of the time
    assert table.set_index("left").loc["relu/bn-relu", "points per second"] == "–"  # it saves none
    assert set(table.n) == {1}


def test_the_cheapest_removal_is_named_where_the_intervals_tell():
    seconds = times(simplified_1=7.0, **{"bn/bn_relu": 9.0})
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
    assert told(far).startswith("Least error per second saved: ReLU of f1 removed, +")


def test_a_quotient_of_intervals_by_hand():
    found = removals._quotient(Interval(1.0, -0.5, 2.0, 3), Interval(10.0, 5.0, 20.0, 9))
    assert (found.value, found.low, found.high, found.n) == (0.1, -0.1, 0.4, 3)
