"""Against depth: which points share an axis."""

import pytest
from made_up import record, timing

from fastres import paper, stats
from fastres.views import by_depth


def drawn(ax) -> list[list[float]]:
    """What each named line is drawn through."""
    return [list(map(float, line.get_ydata())) for line in ax.get_lines() if not line.get_label().startswith("_")]


def test_the_paper_alone():
    ten, hundred = by_depth.errors_by_depth([]).axes
    assert drawn(ten) == [[7.62, 6.31, 5.75, 6.03], [7.68, 5.81, 5.29, 5.09]]
    assert drawn(hundred) == [[27.93, 26.02], [26.91, 24.80]]
    bars = [list(line.get_ydata()) for line in ten.get_lines() if line.get_label().startswith("_")]
    found = stats.binomial_interval(7.62, 10_000)
    assert len(bars) == 8 and bars[0] == [found.low, found.high]
    assert {text.get_text() for text in ten.texts} == {"basic", "simplified-1"}


def by_setting(runs):
    return by_depth.settings_by_depth(by_depth.series(runs))


def test_a_setting_has_axes_of_its_own_and_one_depth_alone_is_not_drawn():
    runs = [record((9.0, 8.0 + d / 10), depth=d, seed=seed) for d in (8, 14) for seed in (0, 1)]
    runs += [record((9.0, 8.0), depth=d, device_name="Other CPU") for d in (8, 14)]
    runs += [record((9.0, 8.0), depth=8, precision="bf16")]
    found = [[pytest.approx(values) for values in drawn(ax) if values] for ax in by_setting(runs).axes]
    seconds = [[11.0, 11.0]]
    assert found == [[[4.0, 4.0]], [[8.0, 8.0]], seconds, [[4.4, 4.7]], [[8.8, 9.4]], seconds]
    assert by_setting(runs[-1:]) is None


def test_seconds_of_a_shared_machine_are_not_drawn():
    runs = [record((9.0, 8.0), depth=d) for d in (8, 14)]
    shared = [run.model_copy(update={"environment": {**run.environment, "runs_at_once": 2}}) for run in runs]
    training_ax, test_ax = by_setting(shared).axes
    assert drawn(training_ax) == [[4.0, 4.0], []] and drawn(test_ax) == [[8.0, 8.0], []]
    assert len(by_setting([*runs[:1], *shared[1:]]).axes) == 2  # seconds of one depth show nothing
    *_, seconds_ax = by_setting([*runs, record((9.0, 8.0), depth=20)]).axes
    assert drawn(seconds_ax) == [[11.0, 11.0, 11.0], []]


def test_steps_in_depth_are_paired_over_common_seeds():
    runs = [record((9.0, 20.0 + seed - d), depth=d, seed=seed) for d in (8, 14) for seed in range(3)]
    runs += [record((9.0, 10.0 + seed), depth=20, seed=seed) for seed in (2, 3)]
    first, second = by_depth.steps(by_depth.series(runs)).to_dict("records")
    assert (first["network"], first["step"], first["n"]) == ("basic", "D = 8 to 14", 3)
    assert first["test error, points"] == "−6.00 [−6.00, −6.00]" and first["training error, points"][:5] == "−3.00"
    assert (second["step"], second["n"]) == ("D = 14 to 20", 1) and second["training error, points"] == "+2.00"
    assert second["test error, points"].startswith("+4.00 [")  # binomial: of the test images
    assert by_depth.steps({}).empty


def test_smoke_runs_are_marked_and_never_beside_the_paper():
    runs = [record(depth=d, dataset="digits") for d in (8, 14)]
    assert [text.get_text() for text in by_setting(runs).texts] == ["SMOKE RUN"]
    assert [drawn(ax) for ax in by_depth.errors_by_depth(runs).axes] == [
        drawn(ax) for ax in by_depth.errors_by_depth([]).axes
    ]


def test_errors_of_the_papers_recipe_stand_beside_the_papers():
    full = (20.0,) * 159
    runs = [record((*full, 7.0), dataset="cifar10"), record((*full, 26.5), dataset="cifar100", depth=56)]
    short = record((9.0, 8.0), dataset="cifar10")
    axes = by_depth.errors_by_depth([*runs, short]).axes
    assert [drawn(ax) for ax in axes] == [drawn(ax) for ax in by_depth.errors_by_depth([]).axes]
    alone = [[list(line.get_ydata()) for line in ax.get_lines() if len(line.get_ydata()) == 1] for ax in axes]
    assert alone == [[[7.0]], [[26.5]]]


def test_every_device_has_a_panel_with_the_papers_points():
    records = [timing(20, basic=4.0, simplified_1=3.0), timing(56, basic=4.0, simplified_1=3.0)]
    records += [timing(20, basic=4.0, simplified_1=2.0, device_name="Some GPU")]
    theirs = [paper.reduction("time", d) for d in (20, 56, 110, 668)]
    for given in ([], records):
        axes = by_depth.reductions(given).axes
        assert [ax.get_title(loc="left") for ax in axes] == (
            ["Some CPU", "Some GPU"] if given else ["no timing recorded yet"]
        )
        assert all(list(ax.get_lines()[0].get_ydata()) == theirs for ax in axes)
    assert [[bar.lines[0].get_ydata().tolist() for bar in ax.containers] for ax in axes] == [[[25.0, 25.0]], [[50.0]]]


def test_two_ways_of_computing_are_two_lines():
    records = [timing(20, basic=4.0, simplified_1=3.0)]
    records += [records[0].model_copy(update={"precision": "bf16"}), timing(20, basic=1.0)]  # the last has no pair
    (ax,) = by_depth.reductions(records).axes
    assert len({bar.lines[0].get_marker() for bar in ax.containers}) == len(ax.containers) == 2


def test_a_line_joins_the_depths_of_one_session():
    def at(depth, commit, **seconds):
        return timing(depth, **seconds).model_copy(update={"commit": commit})

    first = [at(20, "a", basic=4.0, simplified_1=3.0), at(56, "a", basic=4.0, simplified_1=2.0)]
    (ax,) = by_depth.reductions([at(20, "b", basic=4.0, simplified_1=1.0), *first]).axes
    assert [bar.lines[0].get_ydata().tolist() for bar in ax.containers] == [[25.0, 50.0], [75.0]]
    low, high = ax.get_ylim()
    assert low <= -10 and high > 50


def test_compiled_steps_have_hollow_markers():
    eager = timing(20, basic=4.0, simplified_1=3.0)
    compiled = eager.model_copy(update={"environment": {**eager.environment, "compiled": True}})
    (ax,) = by_depth.reductions([compiled, eager]).axes
    faces = [bar.lines[0].get_markerfacecolor() for bar in ax.containers]
    assert faces[1] == "white" != faces[0]
    assert len({bar.lines[0].get_marker() for bar in ax.containers}) == 1
