"""Against depth: which points share an axis."""

import pytest
from made_up import record, timing

from fastres import paper
from fastres.views import by_depth


def drawn(ax) -> list[list[float]]:
    """What each named line is drawn through."""
    return [list(map(float, line.get_ydata())) for line in ax.get_lines() if not line.get_label().startswith("_")]


def test_the_paper_alone():
    time_ax, error_ax = by_depth.seconds_and_errors([]).axes
    assert drawn(time_ax) == [[30.07, 84.22, 208.26, 3953.02], [22.08, 58.84, 133.47, 2020.92]]
    assert drawn(error_ax) == [[7.62, 6.31, 5.75, 6.03], [7.68, 5.81, 5.29, 5.09]]
    fits = [list(line.get_ydata()) for line in time_ax.get_lines() if line.get_linestyle() == ":"]
    assert [fit[:2] for fit in fits] == [pytest.approx([30.07, 84.22]), pytest.approx([22.08, 58.84])]
    assert {text.get_text() for text in time_ax.texts} == {"basic", "simplified-1"}


def test_seconds_of_a_setting_have_an_axis_of_their_own():
    runs = [record((9.0, 8.0 + d / 10), depth=d, seed=seed) for d in (8, 14) for seed in (0, 1)]
    runs += [record((9.0, 8.0), depth=d, device_name="Other CPU") for d in (8, 14)]
    runs += [record((9.0, 8.0), depth=8, precision="bf16")]  # one depth alone: nothing to draw against
    assert list(map(drawn, by_depth.seconds_and_errors(runs).axes)) == list(
        map(drawn, by_depth.seconds_and_errors([]).axes)
    )
    axes = by_depth.settings_by_depth(runs).axes
    found = [[pytest.approx(values) for values in drawn(ax) if values] for ax in axes]
    assert found == [[[11.0, 11.0]], [[8.0, 8.0]], [[11.0, 11.0]], [[8.8, 9.4]]]
    assert by_depth.settings_by_depth(runs[-1:]) is None


def test_seconds_of_a_shared_machine_are_not_drawn():
    runs = [record((9.0, 8.0), depth=d) for d in (8, 14)]
    shared = [run.model_copy(update={"environment": {**run.environment, "runs_at_once": 2}}) for run in runs]
    time_ax, error_ax = by_depth.settings_by_depth(shared).axes
    assert drawn(time_ax) == [[], []] and drawn(error_ax) == [[8.0, 8.0], []]


def test_smoke_runs_are_marked_and_never_beside_the_paper():
    runs = [record(depth=d, dataset="digits") for d in (8, 14)]
    assert [text.get_text() for text in by_depth.settings_by_depth(runs).texts] == ["SMOKE RUN"]
    assert list(map(drawn, by_depth.seconds_and_errors(runs).axes))[1] == [
        [7.62, 6.31, 5.75, 6.03],
        [7.68, 5.81, 5.29, 5.09],
    ]


def test_errors_of_the_papers_recipe_stand_beside_the_papers_but_seconds_do_not():
    run = record((20.0,) * 159 + (7.0,), dataset="cifar10")
    short = record((9.0, 8.0), dataset="cifar10")
    time_ax, error_ax = by_depth.seconds_and_errors([run, short]).axes
    assert drawn(time_ax) == drawn(by_depth.seconds_and_errors([]).axes[0])
    points = [list(line.get_ydata()) for line in error_ax.get_lines()]
    assert [7.0] in points and [8.0] not in points and len(points) == 3


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
