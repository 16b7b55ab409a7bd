import json
import math
import re

import pytest
from made_up import pairs, record, timing

from fastres import paper
from fastres.claims import ledger
from fastres.claims.decide import Entry, decide
from fastres.claims.finding import BUILT, NOT_RUN, SCOPES, VERDICTS
from fastres.errors import ConfigError
from fastres.views import chinese, headlines


@pytest.fixture(scope="module")
def empty() -> list[Entry]:
    return decide()


def entry(claim_id: str, *runs, timings=()) -> Entry:
    return decide(runs, timings, claims=[claim for claim in paper.claims() if claim.id == claim_id])[0]


def test_every_form_shows_verdict_scope_rule_and_id(empty):
    text, frame = ledger.to_text(empty), ledger.to_frame(empty)
    rows = json.loads(ledger.to_json(empty))
    assert len(frame) == len(rows) == len(empty)
    for one, row, (_, of_frame) in zip(empty, rows, frame.iterrows(), strict=True):
        claim, finding = one.claim, one.finding
        assert f"[{finding.verdict}] {claim.id}: {claim.paraphrase}" in text
        for shown in (finding.scope_text, claim.rule, finding.text, claim.id):
            assert shown in text and shown in set(of_frame)
        assert (row["id"], row["verdict"], row["rule"]) == (claim.id, finding.verdict, claim.rule)
        assert row["scope"] == list(finding.scope) and row["commands"] == list(finding.commands)
        assert len(row["history"]) == len(claim.history)


def test_amendments_are_shown_with_what_stood_before(empty):
    amended = [change for one in empty for change in one.claim.history if change.rule]
    assert len(amended) > 30
    text = ledger.to_text(empty)
    for change in amended:
        assert change.rule in text and change.reason in text and f'"{change.verdict}"' in text
    rows = {row["id"]: row for row in json.loads(ledger.to_json(empty))}
    assert rows["t1-time"]["history"][0]["date"] == "2026-11-25"
    assert "Listed 2026-11-25" in ledger.to_text([one for one in empty if one.claim.id == "stem-kernels"])


def test_amendments_are_counted_with_the_verdicts_before(empty):
    of = [one for one in empty if one.claim.id == "bn-parameters-overfit"]
    changes = [change.verdict for change in of[0].claim.history if change.rule]
    line = ledger.amended_line(of)
    assert f"1 of 1 have been, {len(changes)} times" in line and all(verdict in line for verdict in changes)
    unchanged = [one for one in empty if not any(change.rule for change in one.claim.history)]
    assert f"0 of {len(unchanged)} have been, 0 times" in ledger.amended_line(unchanged)


def test_what_was_built_as_stated_is_counted_apart(empty):
    counted = ledger.counts(empty)
    assert list(counted) == list(VERDICTS) and sum(counted.values()) == len(empty)
    line = ledger.count_line(empty)
    assert line.startswith(f"{len(empty) - counted[BUILT]} claims: ")
    assert line.endswith(f"Counted apart: {counted[BUILT]} built as stated.")


def test_entries_are_selected_by_verdict_and_section(empty):
    built = ledger.select(empty, BUILT)
    assert built and {one.verdict for one in built} == {BUILT}
    assert ledger.select(empty) == empty and ledger.select(empty, BUILT.upper()) == built
    claims = ledger.claims_of("conclusion")
    assert claims and {ledger.section(claim) for claim in claims} == {"Conclusion"}
    conclusion = [one for one in empty if one.claim in claims]
    assert [claim.id for claim in ledger.claims_of(name="eq9-fold")] == ["eq9-fold"]
    with pytest.raises(ConfigError, match=r"proved.*smaller effect"):
        ledger.select([], "proved")
    for wrong in ({"part": "Appendix"}, {"name": "eq9-fould"}):
        with pytest.raises(ConfigError, match=r"Appendix.*Conclusion|eq9-fould.*did you mean 'eq9-fold'"):
            ledger.claims_of(**wrong)
    assert "=\n" in ledger.to_text(conclusion) and "Abstract" not in ledger.to_text(conclusion).split("[")[0]


def test_numbers_and_intervals_are_in_the_json():
    found = entry("t1-error-equal", *pairs([7.1, 7.2, 7.3], [7.0, 7.0, 7.0]))
    (row,) = json.loads(ledger.to_json([found]))
    (interval,) = row["intervals"].values()
    assert interval["value"] == pytest.approx(0.2) and interval["n"] == 3 and len(row["records"]) == 6
    diverged = entry("t1-error-equal", *pairs([math.nan] * 3, [7.0] * 3))
    (row,) = json.loads(ledger.to_json([diverged]))
    assert next(iter(row["intervals"].values()))["value"] is None


def test_a_verdict_names_its_records(empty):
    found = entry("t1-error-equal", *pairs([7.1, 7.2, 7.3], [7.0, 7.0, 7.0]))
    assert ledger.records_of(found) == f"Records: `{found.finding.records[0]}` and 5 more."
    assert ledger.records_of(found) in ledger.to_text([found])
    one = entry("t1-time", timings=[timing(rounds=6, basic=1.0, simplified_1=0.74)])
    assert ledger.records_of(one) == f"Records: `{one.finding.records[0]}`."
    assert "Records:" not in ledger.to_text(empty)


def test_the_word_of_a_claim():
    assert ledger.word_of("eq9-fold") == "wrong as stated"
    assert ledger.word_of("eq12-composed-kernel") == "holds once corrected"
    with pytest.raises(KeyError, match="no claim 'eq14'"):
        ledger.word_of("eq14")


def test_the_chinese_block_has_every_verdict_and_scope_and_leaves_no_english_word(empty):
    assert list(chinese.VERDICTS) == list(VERDICTS) and set(chinese.SCOPES) == set(SCOPES)
    assert tuple(chinese.CLAIMS) == headlines.CLAIMS
    text = chinese.block(empty)
    assert text.count(f"**{chinese.VERDICTS[NOT_RUN]}**") == 4 and "| –" in text
    known = {
        "basic",
        "simplified",
        "folder",
        "photos",
        "fp",
        "venv",
        "bin",
        "python",
        "fastres",
        "claims",
        "make",
        "readme",
    }
    runs = [record((9.0, 8.0), structure=name, seed=seed) for name in ("basic", "simplified-1") for seed in range(3)]
    block = chinese.block(decide(runs, [timing(rounds=6, basic=1.0, simplified_1=0.74)]))
    assert set(re.findall(r"[a-z]{2,}", block)) - known <= {"aaaaaaaa", "ome"}
    assert "第一类 − 基本型（D = 20）：+0.00 个百分点 [+0.00, +0.00] (n = 3 个随机种子)" in block
    assert "D = 20：26.0 % [26.0, 26.0]" in block
    decided = chinese.block(decide(pairs([7.1, 7.2, 7.3], [7.2, 7.4, 7.3])))
    assert (
        "−0.10 [−0.35, +0.15] points" not in decided and "−0.10 [−0.35, +0.15] 个百分点 (n = 3 个随机种子)" in decided
    )
