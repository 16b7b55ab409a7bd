import math

from made_up import record, timing

from fastres.experiments import PYRAMID, SQUARE
from fastres.views import ablation

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
    assert ablation.about(times()).startswith("Some CPU, fp32, eager, 6 rounds") and "shared" not in ablation.about(
        times()
    )
    shared = times().model_copy(update={"environment": {"runs_at_once": 2}})
    assert "shared with other processes" in ablation.about(shared)


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


def test_the_cheapest_removal_per_second_comes_first():
    errors = {**ERRORS, "basic": 20.0, "simplified-1": 21.0, "bn/bn-relu": 20.1, "relu/bn-relu": 20.4}
    _, found = ablation.chosen(runs(errors))
    table = ablation.removals(found, times(basic=10.0, simplified_1=7.0, **{"bn/bn_relu": 9.0, "relu/bn_relu": 11.0}))
    assert table["left"].iloc[0] == "bn/bn-relu"  # 0.1 points for a tenth of the time
    assert table.set_index("left").loc["relu/bn-relu", "points per second"] == "–"  # it saves none
    assert set(table.n) == {1}


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


def test_findings_leave_out_what_diverged():
    _, found = ablation.chosen(runs(ended=("none/none",)))
    told = ablation.findings(found)
    assert told[0].startswith("Of 15 structures with an error, none/bn has the least: 21.00 %")
    assert "none before the first convolution: 21.0 to 23.0 % (structures: 3)." in told
    assert len(told) == 9 and ablation.findings({}) == []
