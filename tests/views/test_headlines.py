"""The rows of the READMEs, of notebook 00 and of the report's first page."""

import pytest
from made_up import pairs, timing

from fastres import paper
from fastres.claims.decide import decide
from fastres.claims.timings import LEAST_ROUNDS
from fastres.views import chinese, headlines

CLAIMS = [claim for claim in paper.claims() if claim.id in headlines.CLAIMS]


def test_the_same_claims_in_both_languages():
    assert tuple(chinese.CLAIMS) == headlines.CLAIMS


def test_a_row_has_the_papers_number_and_ours():
    saved = timing(20, basic=4.0, simplified_1=3.0, rounds=LEAST_ROUNDS)
    frame = headlines.frame(decide(pairs([7.7, 7.9, 7.8], [7.6, 7.6, 7.6]), [saved], claims=CLAIMS))
    rows = dict(zip(headlines.CLAIMS, frame.to_dict("records"), strict=True))
    assert rows["t1-error-equal"]["here [95 %]"].endswith("3 seeds: +0.20 [−0.05, +0.45]")
    assert rows["t1-time"]["paper"] == "26.6 % less time (GTX 1070)"
    assert f"{LEAST_ROUNDS} rounds: 25.0 % [25.0, 25.0]" in rows["t1-time"]["here [95 %]"]
    assert rows["eq9-fold"]["verdict"] == "≠ wrong as stated" and rows["eq9-fold"]["paper"] == "no number"


def test_the_setting_of_runs_that_decide_nothing_stands_apart():
    short = pairs([9.0, 9.1, 9.2], [9.0, 9.0, 9.0], epochs=15)
    row = headlines.frame(decide(short, claims=CLAIMS)).iloc[0]
    assert row["here [95 %]"].startswith("+0.10 points [") and "epochs" not in row["here [95 %]"]
    assert "cifar10, 15 epochs, fp32" in row["setting"] and row["verdict"] == "? open"


def test_a_ledger_without_them_is_refused():
    with pytest.raises(KeyError):
        headlines.rows([])
