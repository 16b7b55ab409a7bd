import pytest

from fastres.claims.finding import (
    BRIEF,
    BUILT,
    CORRECTED,
    COUNTING,
    DEVICE,
    NOT_REPRODUCED,
    NOT_RUN,
    OF_PARTS,
    OPEN,
    REPRODUCED,
    SHORT,
    SMALLER,
    VERDICTS,
    WRONG,
    Finding,
    combine,
    effect,
    judge,
    overall,
    unsettled,
)
from fastres.stats import Interval


def test_a_finding_refuses_what_is_no_verdict_and_no_scope():
    with pytest.raises(ValueError, match=r"unknown verdict 'true'.*reproduced"):
        Finding("true")
    with pytest.raises(ValueError, match=r"unknown scope 'here'.*the devices named"):
        Finding(REPRODUCED, scope=("here",))
    with pytest.raises(ValueError, match="needs a command"):
        Finding(NOT_RUN)
    with pytest.raises(ValueError, match="no settled verdict"):
        Finding(REPRODUCED, commands=("make",))


def test_the_text_is_made_of_the_fields():
    full = Finding(OPEN, "A.", (DEVICE,), "a CPU", missing=("b", "c"), so_far=("d",), commands=("e", "f"))
    assert full.text == ("A. Missing: b; c. Other evidence, which decides nothing: d. To run it: `e`; then `f`.")
    assert full.scope_text == "the devices named (a CPU)"
    assert Finding(REPRODUCED, "A.").text == "A."
    assert unsettled("b", ["e"]).scope_text == "–"
    assert "nothing: a; b; c; and 2 more." in Finding(OPEN, so_far=tuple("abcde")).text


def test_a_brief_text_ends_with_a_sentence_or_a_clause():
    brief = Finding(REPRODUCED, "One. " + "Two words; " * 40).brief
    assert brief.startswith("One. Two words; ") and brief.endswith("words.") and len(brief) <= BRIEF
    assert Finding(REPRODUCED, "One; two.").brief == "One; two."
    assert Finding(REPRODUCED, "By Eq. (1). " + "X" * BRIEF).brief == "By Eq. (1)."


@pytest.mark.parametrize(
    ("interval", "printed", "least", "expected"),
    [
        (Interval(26, 25, 27), 26.6, 0, REPRODUCED),
        (Interval(40, 39, 41), 26.6, 0, REPRODUCED),  # more than printed
        (Interval(16, 15, 17), 26.6, 0, SMALLER),
        (Interval(1, 0.5, 1.5), 48.9, 0, SMALLER),
        (Interval(1, -1, 3), 26.6, 0, OPEN),
        (Interval(-2, -3, -1), 26.6, 0, NOT_REPRODUCED),
        (Interval(3, 2, 4), 0, 5, NOT_REPRODUCED),
        (Interval(7, 6, 8), 0, 5, REPRODUCED),
        (Interval(float("nan"), float("nan"), float("nan")), 1, 0, OPEN),
    ],
)
def test_a_saving_must_reach_the_printed_size(interval, printed, least, expected):
    assert effect(interval, printed, least) == expected


def test_judge():
    assert [judge(True), judge(False, True), judge(False), judge(False, otherwise=NOT_REPRODUCED)] == [
        REPRODUCED,
        CORRECTED,
        WRONG,
        NOT_REPRODUCED,
    ]


def test_one_contradicted_part_decides_and_else_the_least_settled():
    assert set(OF_PARTS) == set(VERDICTS)
    assert overall([REPRODUCED, NOT_RUN, CORRECTED]) == OPEN  # something bears on it
    assert overall([NOT_RUN, NOT_RUN]) == NOT_RUN
    assert overall([REPRODUCED, NOT_RUN, NOT_REPRODUCED]) == NOT_REPRODUCED
    assert overall([REPRODUCED, OPEN, SMALLER]) == OPEN
    assert overall([CORRECTED, SMALLER]) == SMALLER
    assert overall([BUILT, BUILT]) == BUILT


def test_parts_are_joined_field_by_field():
    interval = Interval(1, 0, 2, sd=0.5)  # NaN, the default, equals nothing
    first = Finding(REPRODUCED, "A.", numbers={"a": 1}, intervals={"i": interval}, records=("r",))
    second = unsettled("b", ["c", "d"], ["e"])
    both = combine([first, second, unsettled("f", ["c"])])
    assert (both.verdict, both.statement, both.scope) == (OPEN, "A.", (COUNTING, SHORT))
    assert (both.missing, both.so_far, both.commands) == (("b", "f"), ("e",), ("c", "d"))
    assert (both.numbers, both.intervals, both.records) == ({"a": 1}, {"i": interval}, ("r",))
    settled = combine([Finding(NOT_REPRODUCED, "N."), second])
    assert settled.commands == () and settled.missing == ("b",)


def test_what_is_missing_is_open_where_other_records_bear_on_it():
    assert unsettled("b", ["c"]).verdict == NOT_RUN
    assert unsettled("b", ["c"], ["e"]).verdict == OPEN
    assert unsettled("b", ["c"], ["e"], (DEVICE,)).scope == (DEVICE,)
