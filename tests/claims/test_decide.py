"""All claims on no records, and what a faulty claim or check does."""

import shlex

import pytest
import typer

from fastres import paper, paths
from fastres.claims import decide as module
from fastres.claims.check import CHECKS
from fastres.claims.checks.trained import MEASURE
from fastres.claims.decide import Entry, decide
from fastres.claims.finding import BUILT, CORRECTED, FASTRES, NOT_RUN, OUTSIDE, REPRODUCED, VERDICTS, WRONG
from fastres.cli import app
from fastres.experiments import PROFILES
from fastres.paper import Claim


@pytest.fixture(scope="module")
def empty() -> list[Entry]:
    return decide()


def test_without_records_every_claim_has_a_verdict_or_a_command(empty):
    assert [entry.claim for entry in empty] == paper.claims()
    for entry in empty:
        finding = entry.finding
        assert finding.text.endswith(".") and not finding.records
        assert bool(finding.commands) == bool(finding.missing) == (finding.verdict == NOT_RUN)
        assert bool(finding.scope) == (finding.verdict not in (NOT_RUN, OUTSIDE))
        assert bool(finding.numbers) == bool(finding.scope), entry.claim.id  # nothing is settled without numbers
        if entry.claim.kind in ("error", "time") and entry.claim.check != "outside":
            assert finding.verdict == NOT_RUN
        if entry.claim.kind in ("equation", "arithmetic", "memory"):
            assert finding.verdict != NOT_RUN
        assert "our reading of the paper expects" not in finding.text


def test_what_needs_no_run_comes_out_as_a_careful_reader_finds(empty):
    by_id = {entry.claim.id: entry.finding for entry in empty}
    expected = {
        REPRODUCED: (
            "eq3-convolution",
            "eq4-relu",
            "activation-layers-halved",
            "memory-saved",
            "t2-error-gain-printed",
            "conv-affine",
            "eq10-equal-at-one-zero",
        ),
        CORRECTED: (
            "eq3-gradients",
            "eq5-batch-norm",
            "eq10-same-form",
            "eq11-two-convolutions",
            "eq12-composed-kernel",
            "eq13-single-convolution",
            "bn-parameters-adjusted",
        ),
        WRONG: ("bn-gaussian", "eq9-activation-affine", "eq9-fold", "saves-computation"),
        BUILT: (
            "eq6-to-8-blocks",
            "block-layers",
            "bn-initial",
            "bn-parameters-many",
            "depth-formula",
            "network-parts",
            "stem-kernels",
        ),
    }
    for verdict, claims in expected.items():
        assert {claim: by_id[claim].verdict for claim in claims} == dict.fromkeys(claims, verdict)
    assert by_id["bn-parameters-many"].numbers["bn_parameters"] == 448 * 111 + 32
    assert by_id["saving-grows-printed"].numbers["limit"] == pytest.approx(32.1, abs=0.05)
    assert by_id["speed-increase-printed"].numbers["increase D110"] == pytest.approx(56.04, abs=0.01)
    more = by_id["simplified-2-otherwise-same"].numbers
    assert more["bn_elements more % D20"] == pytest.approx(13.6, abs=0.05)
    assert more["saved_elements more % D20"] == pytest.approx(4.4, abs=0.05)


def test_commands_exist(empty):
    known = typer.main.get_command(app).commands
    commands = {command for entry in empty for command in entry.finding.commands}
    for command in {*commands, MEASURE}:
        if command.startswith("make"):
            assert command.removeprefix("make reproduce PROFILE=") in PROFILES
        else:
            assert command.startswith(f"{FASTRES} ")
            name, *arguments = shlex.split(command.removeprefix(FASTRES))
            known[name].make_context(name, arguments)  # fails on an unknown option or a bad value
    assert FASTRES in (paths.ROOT / "README.md").read_text(encoding="utf-8")
    with pytest.raises(Exception, match="No such option"):
        known["time"].make_context("time", ["--layers", "20"])


def test_every_check_is_registered_and_used():
    assert {claim.check for claim in paper.claims()} == set(CHECKS)


def test_every_verdict_in_the_history_is_one_of_the_old_words():
    old = {"reproduced", "reproduced with a correction", "not reproduced", "not decidable by a run", "not yet run"}
    changes = [change for claim in paper.claims() for change in claim.history]
    assert {change.verdict for change in changes if change.rule} <= old | set(VERDICTS)
    assert all(bool(change.verdict) == bool(change.rule) for change in changes)


def test_an_unknown_check_is_named():
    claim = Claim(id="a", place="Eq. (1)", paraphrase="x", kind="count", check="no_such", rule="x")
    with pytest.raises(module.UnknownCheckError, match=r"claim a: unknown check 'no_such'.*eq_relu"):
        decide(claims=[claim])


def test_a_failing_check_surfaces_and_hides_no_other(monkeypatch):
    monkeypatch.setitem(CHECKS, "eq_relu", lambda evidence: 1 / 0)
    chosen = [claim for claim in paper.claims() if claim.id in ("eq4-relu", "conv-affine")]
    with pytest.raises(module.ClaimsError, match="claim eq4-relu: ZeroDivisionError") as caught:
        decide(claims=chosen)
    assert [entry.claim.id for entry in caught.value.entries] == ["conv-affine"]
