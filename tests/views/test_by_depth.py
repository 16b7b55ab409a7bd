"""Against depth: which points share an axis."""

from made_up import record, timing

from fastres import paper
from fastres.views import by_depth


def points(ax) -> dict[str, list[float]]:
    return {line.get_label(): list(line.get_ydata()) for line in ax.get_lines() if line.get_marker() != "None"}


def test_the_paper_alone():
    time_ax, error_ax = by_depth.seconds_and_errors([]).axes
    assert points(time_ax)["paper, basic (ResNet)"] == [30.07, 84.22, 208.26, 3953.02]
    assert sorted(map(len, points(error_ax).values())) == [4, 4]


def test_seconds_of_a_setting_have_an_axis_of_their_own():
    runs = [record((9.0, 8.0 + d / 10), depth=d, seed=seed) for d in (8, 14) for seed in (0, 1)]
    runs += [record((9.0, 8.0), depth=d, device_name="Other CPU") for d in (8, 14)]
    runs += [record((9.0, 8.0), depth=8, precision="bf16")]  # one depth alone: nothing to draw against
    figure = by_depth.seconds_and_errors(runs)
    assert len(figure.axes) == 6
    paper_time, paper_error, *ours = figure.axes
    assert not any("ours" in label for ax in (paper_time, paper_error) for label in points(ax))
    assert [list(points(ax)) for ax in ours] == [["basic (ResNet)"]] * 4
    assert points(ours[3])["basic (ResNet)"] == [8.8, 9.4] and points(ours[2])["basic (ResNet)"] == [11.0, 11.0]


def test_errors_of_the_papers_recipe_stand_beside_the_papers_but_seconds_do_not():
    run = record((20.0,) * 159 + (7.0,), dataset="cifar10")
    time_ax, error_ax = by_depth.seconds_and_errors([run, record((9.0, 8.0), dataset="cifar10")]).axes
    assert points(error_ax)["ours, basic (ResNet)"] == [7.0]
    assert all(label.startswith(("paper", "_child", "affine")) for label in points(time_ax))


def test_reductions_of_every_record_stand_beside_the_papers():
    for records in ([], [timing(20, basic=4.0, simplified_1=3.0), timing(56, basic=4.0, simplified_1=3.0)]):
        (ax,) = by_depth.reductions(records).axes
        labels = [text.get_text() for text in ax.get_legend().get_texts()]
        assert set(labels) == {"paper, GTX 1070", "Some CPU, fp32" if records else "no timing recorded yet"}
        assert list(ax.get_lines()[0].get_ydata()) == [paper.reduction("time", d) for d in (20, 56, 110, 668)]


def test_two_ways_of_computing_are_two_lines():
    records = [timing(20, basic=4.0, simplified_1=3.0)]
    records += [records[0].model_copy(update={"precision": "bf16"}), timing(20, basic=1.0)]  # the last has no pair
    (ax,) = by_depth.reductions(records).axes
    assert len(ax.containers) == 2
    assert len({bar.lines[0].get_marker() for bar in ax.containers}) == 2
