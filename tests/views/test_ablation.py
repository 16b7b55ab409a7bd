import math

from made_up import ERRORS, square_runs, square_times, timing
from matplotlib.transforms import Bbox

from fastres.experiments import PYRAMID, SQUARE
from fastres.views import ablation


def texts(figure) -> set[str]:
    return {text.get_text() for ax in figure.axes for text in ax.texts}


def test_the_setting_with_most_structures_is_shown():
    long = square_runs({"basic": 8.0, "simplified-1": 8.0}, epochs=2, device_name="Other CPU")
    where, found = ablation.chosen([*long, *square_runs()])
    assert "Some CPU" in where and found.keys() == set(SQUARE)
    assert ablation.chosen([]) == ("", {})
    assert ablation.chosen(square_runs({"basic": 8.0}, depth=8)) == ("", {})


def test_only_a_timing_of_all_pairs_is_used():
    assert ablation.timed([square_times(), timing(20, basic=1.0, simplified_1=0.7)]) == [square_times()]
    shared = square_times().model_copy(update={"environment": {"runs_at_once": 2}})
    assert ablation.timed([shared, square_times()]) == [square_times(), shared]


def test_the_table_has_every_pair_and_says_what_diverged():
    _, found = ablation.chosen(square_runs(ended=("none/none",)))
    table = ablation.frame(found, [square_times(simplified_1=7.0)]).set_index("structure")
    assert set(table.index) == set(SQUARE)
    assert table.loc["none/none", "test error %"] == "diverged" and table.index[-1] == "none/none"
    assert table.loc["none/none", "n"] == "0 of 1" and table.loc["basic", "n"] == "1 of 1"
    (column,) = [name for name in table if name.startswith("less time")]
    assert table.loc["simplified-1", column].startswith("30.0 %") and table.loc["basic", column] == "–"
    assert table.loc["basic", "less activation memory"] == "0.0 %"
    assert "nan" not in table.to_string()
    _, more = ablation.chosen(square_runs({**ERRORS, PYRAMID: 19.0}, seeds=3))
    assert ablation.frame(more, []).structure.iloc[0] == PYRAMID


def test_of_two_timings_of_one_device_the_better_is_shown():
    _, found = ablation.chosen(square_runs())
    best, other = square_times(simplified_1=7.0), square_times(simplified_1=8.0)
    table = ablation.frame(found, [best, other]).set_index("structure")
    (column,) = [name for name in table if name.startswith("less time")]
    assert table.loc["simplified-1", column].startswith("30.0 %")


def test_a_control_without_runs_or_with_diverged_ones_says_so():
    _, found = ablation.chosen(square_runs(ended=("none/none",)))
    table = ablation.controls(found).set_index("difference")["points of test error"]
    assert table["none/none − simplified-2"] == "none/none diverged"
    assert table[f"{PYRAMID} − bn/bn-relu"] == ablation.NOT_HERE == "not run in this setting"
    assert table["simplified-1 − simplified-2"].startswith("−9.00 [")


def test_a_control_has_the_training_error_too_with_an_interval_from_three_seeds_on():
    for seeds, shown in ((1, "−4.50"), (2, "−4.50"), (3, "−4.50 [−4.50, −4.50]")):
        _, found = ablation.chosen(square_runs(seeds=seeds))
        table = ablation.controls(found).set_index("difference")["points of training error"]
        assert table["simplified-1 − simplified-2"] == shown
        assert table[f"{PYRAMID} − bn/bn-relu"] == "–"


def test_squares_show_every_number_and_what_diverged():
    _, found = ablation.chosen(square_runs(ended=("none/none",)))
    figure = ablation.squares(found, square_times(simplified_1=7.0))
    assert len(figure.axes) == 3
    assert {"diverged", "35.0", "70.0", "100.0"} <= texts(figure)
    assert "n = 1" in figure.axes[0].get_title()
    assert len(ablation.squares(found, None).axes) == 2
    assert texts(ablation.squares({}, None)) >= {"–"}


def test_the_front_is_what_no_other_beats_in_both():
    errors = {**ERRORS, "simplified-1": 19.0, "relu/relu": 25.0, "basic": 30.0}
    _, found = ablation.chosen(square_runs(errors, ended=("none/none",)))
    seconds = {"simplified_1": 7.0, "relu/relu": 6.0, "none/none": 1.0}
    figure = ablation.pareto(found, square_times(**seconds))
    line = figure.axes[0].lines[-1].get_xydata()
    assert line.tolist() == [[60.0, 25.0], [70.0, 19.0]]
    assert "none/none" not in texts(figure) and "simplified-1" in texts(figure)
    assert ablation.front({"a": (1.0, math.inf), "b": (1.0, 3.0)}) == ["b"]
    assert ablation.pareto({}, square_times(**seconds)) is None


def test_names_in_the_pareto_plot_cover_neither_each_other_nor_a_point_nor_a_bar():
    """All 16 in a corner, and one far off, as a structure that does not train is."""
    errors = {name: 20.0 + place % 3 for place, name in enumerate(SQUARE)} | {"none/none": 60.0}
    seconds = {name.replace("-", "_"): 9.0 + place / 16 for place, name in enumerate(SQUARE)}
    figure = ablation.pareto(ablation.chosen(square_runs(errors))[1], square_times(**seconds))
    figure.draw_without_rendering()
    assert [len(ax.texts) for ax in figure.axes] == [1, 15]  # the right panel enlarges and names what is near
    for ax in figure.axes:
        boxes = [text.get_window_extent() for text in ax.texts]
        points = ax.transData.transform([text.xy for text in ax.texts])
        assert not [1 for place, box in enumerate(boxes) for other in boxes[:place] if box.overlaps(other)]
        assert not [1 for box in boxes for point in points if box.contains(*point)]


def test_names_leave_the_bars_free_where_there_is_room():
    errors = {"basic": 20.0, "bn/bn-relu": 20.2, "simplified-1": 22.0, "none/none": 60.0}
    figure = ablation.pareto(ablation.chosen(square_runs(errors))[1], square_times(simplified_1=7.0))
    figure.draw_without_rendering()
    (_, ax) = figure.axes
    bars = [path for bar in ax.collections for path in bar.get_paths()]
    corners = [Bbox(ax.transData.transform(path.vertices)) for path in bars]
    assert not [1 for text in ax.texts for bar in corners if text.get_window_extent().overlaps(bar)]


def test_findings_leave_out_what_diverged():
    _, found = ablation.chosen(square_runs(ended=("none/none",)))
    told = ablation.findings(found)
    assert told[0].startswith("Of 15 structures with an error, none/bn has the least: 21.00 %")
    assert told[1] == "Not distinguishable from it: none/relu."  # a point more, on 10,000 images
    assert len(told) == 3 and ablation.findings({}) == []
