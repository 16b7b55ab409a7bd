import pytest
from made_up import found, pairs, timing

from fastres.claims.finding import CORRECTED, NOT_REPRODUCED, NOT_RUN, OPEN, OUTSIDE, REPRODUCED, SMALLER

DEPTHS = (20, 56, 110, 668)
EQUAL = pairs([6.9, 6.91, 6.92], [7.0, 7.0, 7.0])
BETTER = [
    *[r for d in (56, 110) for name in ("cifar10", "cifar100") for r in pairs([4.0], [7.0], depth=d, dataset=name)],
    *pairs([4.0], [7.0], depth=668),
]


def times(ratio: float, depths=DEPTHS):
    return [timing(depth, rounds=6, basic=1.0, simplified_1=ratio) for depth in depths]


def test_faster_and_better():
    finding = found("conclusion-faster-better", *EQUAL, *BETTER, timings=times(0.5))
    assert finding.verdict == REPRODUCED and all(i.high < 100 for i in finding.intervals.values())
    assert found("accuracy-kept", *EQUAL, *BETTER, timings=times(0.5)).verdict == REPRODUCED
    assert found("accuracy-kept", *EQUAL, *BETTER, timings=times(0.8)).verdict == SMALLER
    assert found("accuracy-kept", *EQUAL, *BETTER, timings=times(1.1)).verdict == NOT_REPRODUCED
    assert found("accuracy-kept", *EQUAL, *BETTER, timings=times(0.5, DEPTHS[1:])).verdict == OPEN
    assert found("accuracy-kept").verdict == NOT_RUN
    worse = pairs([8.0, 8.01, 8.02], [7.0, 7.0, 7.0])
    assert found("accuracy-kept", *worse, *BETTER, timings=times(0.5)).verdict == NOT_REPRODUCED


def test_merely_equal_errors_at_the_least_depth_correct_the_conclusion():
    equal = pairs([6.98, 7.0, 7.02], [7.0, 7.0, 7.0])
    assert found("conclusion-faster-better", *equal, *BETTER, timings=times(0.5)).verdict == CORRECTED
    unclear = pairs([6.0, 7.0, 8.0], [7.0, 7.0, 7.0])
    assert found("conclusion-faster-better", *unclear, *BETTER, timings=times(0.5)).verdict == OPEN


def test_a_conclusion_stands_without_its_proof():
    assert found("simplified-1-replaces-basic", *EQUAL).verdict == CORRECTED  # a step of the argument is wrong
    assert found("simplified-1-replaces-basic").verdict == NOT_RUN
    worse = pairs([9.0, 9.1, 9.2], [7.0, 7.0, 7.0])
    assert found("simplified-1-replaces-basic", *worse).verdict == NOT_REPRODUCED


def test_all_commands_are_given_each_once():
    commands = found("accuracy-kept").commands
    assert commands[0] == "make reproduce PROFILE=paper" and len(commands) == len(set(commands)) == 5
    assert [command.split()[5] for command in commands[1:]] == list(map(str, DEPTHS))


@pytest.mark.parametrize("claim", ["novel-structure", "alexnet-first-relu", "cortex-rectifier"])
def test_what_no_run_can_show_has_a_reason_and_no_scope(claim):
    finding = found(claim)
    assert finding.verdict == OUTSIDE and finding.statement and finding.scope_text == "–"
