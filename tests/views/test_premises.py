from made_up import activations

from fastres.views.premises import signs


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
