"""Against depth: which points share an axis."""

import pytest
from made_up import record, timing

from fastres import paper
from fastres.views import by_depth


def drawn(ax) -> list[list[float]]:
    """What each line is drawn through: neither entries of the legend nor the invisible lines of error bars."""
    of_bars = [bars.lines[0] for bars in ax.containers]
    lines = [line for line in ax.get_lines() if line not in of_bars and len(line.get_ydata())]
    return [[float(y) for y in line.get_ydata()] for line in lines]


def test_the_paper_alone():
    time_ax, error_ax = by_depth.seconds_and_errors([]).axes
    *fits, basic, fast = drawn(time_ax)
    assert basic == [30.07, 84.22, 208.26, 3953.02] and fast == [22.08, 58.84, 133.47, 2020.92]
    assert [fit[:2] for fit in fits] == [pytest.approx(basic[:2]), pytest.approx(fast[:2])]
    assert drawn(error_ax) == [[7.62, 6.31, 5.75, 6.03], [7.68, 5.81, 5.29, 5.09]]


def test_seconds_of_a_setting_have_an_axis_of_their_own():
    runs = [record((9.0, 8.0 + d / 10), depth=d, seed=seed) for d in (8, 14) for seed in (0, 1)]
    runs += [record((9.0, 8.0), depth=d, device_name="Other CPU") for d in (8, 14)]
    runs += [record((9.0, 8.0), depth=8, precision="bf16")]  # one depth alone: nothing to draw against
    alone = by_depth.seconds_and_errors([]).axes
    figure = by_depth.seconds_and_errors(runs)
    assert list(map(drawn, figure.axes[:2])) == list(map(drawn, alone))
    assert [drawn(ax) for ax in figure.axes[2:]] == [[[11.0, 11.0]], [[8.0, 8.0]], [[11.0, 11.0]], [[8.8, 9.4]]]


def test_errors_of_the_papers_recipe_stand_beside_the_papers_but_seconds_do_not():
    run = record((20.0,) * 159 + (7.0,), dataset="cifar10")
    short = record((9.0, 8.0), dataset="cifar10")
    time_ax, error_ax = by_depth.seconds_and_errors([run, short]).axes
    assert drawn(time_ax) == drawn(by_depth.seconds_and_errors([]).axes[0])
    assert [7.0] in drawn(error_ax) and [8.0] not in drawn(error_ax) and len(drawn(error_ax)) == 3


def test_reductions_of_every_record_stand_beside_the_papers():
    for records in ([], [timing(20, basic=4.0, simplified_1=3.0), timing(56, basic=4.0, simplified_1=3.0)]):
        figure = by_depth.reductions(records)
        (ax,) = figure.axes
        labels = [text.get_text() for text in figure.legends[0].get_texts()]
        assert set(labels) == {"paper, GTX 1070", "Some CPU, fp32" if records else "no timing recorded yet"}
        assert list(ax.get_lines()[0].get_ydata()) == [paper.reduction("time", d) for d in (20, 56, 110, 668)]


def test_two_ways_of_computing_are_two_lines():
    records = [timing(20, basic=4.0, simplified_1=3.0)]
    records += [records[0].model_copy(update={"precision": "bf16"}), timing(20, basic=1.0)]  # the last has no pair
    (ax,) = by_depth.reductions(records).axes
    assert len(ax.containers) == 2
    assert len({bar.lines[0].get_marker() for bar in ax.containers}) == 2
