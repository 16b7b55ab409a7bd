import pytest
from made_up import activations, found, linearity, run

from fastres.claims.checks.trained import MEASURE
from fastres.claims.finding import COPY, NOT_REPRODUCED, NOT_RUN, OPEN, PAPER, REPRODUCED, SHORT


def test_positive_outputs():
    claim = "block-inputs-positive"
    assert found(claim, activations=[activations(0.7)]).verdict == REPRODUCED
    assert found(claim, activations=[activations(0.4)]).verdict == NOT_REPRODUCED
    assert found(claim, activations=[activations(0.7), activations(0.4, seed=1)]).verdict == OPEN


def test_stability_of_the_inputs():
    assert found("first-input-stable", activations=[activations(0.7)]).verdict == REPRODUCED
    assert found("first-input-stable", activations=[activations(0.7, first_drift=0.3)]).verdict == NOT_REPRODUCED


@pytest.mark.parametrize(
    ("claim", "structure", "holds", "fails"),
    [
        ("eq9-trained-affine", "basic", 0.95, 0.6),
        ("eq9-trained-fold", "basic", 0.05, 0.4),
        ("simplified-2-nearly-linear", "simplified-2", 0.95, 0.6),
    ],
)
def test_linearity_of_trained_blocks(claim, structure, holds, fails):
    good, bad = linearity(holds, structure=structure), linearity(fails, structure=structure, seed=1)
    finding = found(claim, linearity=[good])
    assert (finding.verdict, finding.scope, finding.records) == (REPRODUCED, (PAPER,), (good.run_id,))
    assert found(claim, linearity=[bad]).verdict == NOT_REPRODUCED
    assert found(claim, linearity=[good, bad]).verdict == OPEN
    assert found(claim, linearity=[linearity(holds, structure="simplified-1")]).verdict == NOT_RUN


def test_short_runs_are_told_and_copies_decide():
    short = found("block-inputs-positive", activations=[activations(0.7, epochs=15)])
    assert (short.verdict, short.scope) == (OPEN, (SHORT,))
    assert "70 %" in short.so_far[0] and short.commands[0].startswith("make")
    copied = found("block-inputs-positive", activations=[activations(0.7, dataset="folder:cifar10-jpeg")])
    assert (copied.verdict, copied.scope) == (REPRODUCED, (COPY,))


def test_a_trained_network_needs_only_to_be_measured():
    assert found("block-inputs-positive", run()).commands == (MEASURE,)
