from made_up import activations, linearity
from matplotlib.backends.backend_agg import FigureCanvasAgg

from fastres.views.trained import branch_frame, linearity_by_block, linearity_frame, signs, signs_frame


def test_a_row_is_a_run_and_one_of_its_activations():
    """Of two blocks one has a first activation, and none a second."""
    frame = linearity_frame([linearity(0.25, structure="basic", seed=3), linearity(0.5, structure="simplified-2")])
    assert list(frame.structure) == ["basic", "simplified-2"] and list(frame.activation) == ["first", "first"]
    row = frame.iloc[0]
    assert row["n"] == 1 and row["variance explained by an affine map, %"] == "25 to 25"
    assert row["channels always on or off, %"] == "50 to 50" and row["β / |γ|, median"] == "0.25 to 0.25"
    assert row["run"].endswith("seed 3")


def test_a_branch_is_told_only_where_there_is_one_without_second_activation():
    record = linearity(0.25, structure="simplified-2")
    none = record.model_copy(update={"blocks": [b.model_copy(update={"branch_r2": None}) for b in record.blocks]})
    frame = branch_frame([record, none])
    assert len(frame) == 1 and frame.iloc[0]["n"] == 2 and frame.iloc[0].iloc[-1] == "25 to 25"


def test_the_figure_has_a_panel_for_each_activation_and_stands_without_records():
    for records in ([], [linearity(0.25, structure="basic")]):
        figure = linearity_by_block(records)
        FigureCanvasAgg(figure).draw()
        first, second = figure.axes
        assert len(first.lines) == len(second.lines) + len(records)


def test_signs_are_told_over_the_seeds_of_one_recipe():
    records = [activations(0.25, seed=0, epochs=2), activations(0.75, seed=1, epochs=2), activations(0.5, epochs=3)]
    frame = signs_frame(records)
    assert list(frame.n) == [2, 1] and list(frame["outputs positive, %"]) == ["25 to 75", "50 to 50"]


def test_shares_and_drifts_are_told_by_seed():
    """Made-up blocks: half of their outputs are positive at the start."""
    text = signs([activations(0.75, first_drift=0.3, seed=1), activations(0.25, seed=0)]).text
    assert "25 to 75 % are positive after training" in text and "is met in 1 of 2" in text
    assert "the share grew in 1 of 2 runs" in text
    assert "in 2 of 2 (seed 0), 0 of 2 (seed 1) blocks: in more than half of them in 1 of 2 runs." in text


def test_another_recipe_is_another_paragraph():
    shown = signs([activations(0.25, epochs=2), activations(0.25, epochs=3)])
    assert shown.markup.count("<p>") == 2 == len(shown.text.splitlines())


def test_without_records_the_command_is_given():
    assert "`python -m fastres activations`" in signs([]).text
