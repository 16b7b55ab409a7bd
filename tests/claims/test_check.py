import pytest

from fastres.claims.check import CHECKS, check
from fastres.claims.finding import REPRODUCED, WRONG, Finding


@pytest.fixture(autouse=True)
def register(monkeypatch):
    monkeypatch.setattr("fastres.claims.check.CHECKS", CHECKS.copy())


def test_a_check_is_registered_by_its_name():
    @check()
    def a_new_check(evidence):
        return Finding(WRONG, "No.")

    from fastres.claims import check as module

    assert module.CHECKS["a_new_check"](None).statement == "No."
    with pytest.raises(ValueError, match="two checks named 'a_new_check'"):
        check()(a_new_check)


def test_another_verdict_than_the_explained_one_is_said():
    @check(explains=REPRODUCED)
    def explained(evidence, verdict):
        return Finding(verdict, "As it should be.", numbers={"error": 1})

    assert explained(None, REPRODUCED).statement == "As it should be."
    other = explained(None, WRONG)
    assert other.verdict == WRONG
    assert "expects 'reproduced'" in other.statement and "error 1" in other.statement
