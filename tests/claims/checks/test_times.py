import pytest
from made_up import found, timing

from fastres.claims.finding import CORRECTED, DEVICE, NOT_REPRODUCED, OPEN, REPRODUCED, SMALLER, Finding

SECONDS = {
    "basic": [1.0, 2.0, 1.5] * 2,
    "simplified_1": [0.73, 1.46, 1.095] * 2,
    "simplified_2": [0.73, 1.46, 1.095] * 2,
}


def timed(depth=20, rounds=6, **fields):
    return timing(depth, rounds=rounds, **fields)


def test_a_known_ratio_of_times():
    finding = found("t1-time", timings=[timing(device_name="a GPU", **SECONDS)])
    assert (finding.verdict, finding.scope) == (REPRODUCED, (DEVICE,)) and "a GPU" in finding.where
    assert finding.intervals["reduction D20"].value == pytest.approx(27)
    assert found("t1-time-simplified-2", timings=[timing(**SECONDS)]).verdict == REPRODUCED


@pytest.mark.parametrize(
    ("claim", "depth", "ratio", "expected"),
    [
        ("t1-time", 20, 1.1, NOT_REPRODUCED),
        ("t1-time", 20, 0.9, SMALLER),
        ("t1-time", 20, 0.5, REPRODUCED),
        ("deep-time", 668, 0.99, SMALLER),  # 1 % is not half
        ("deep-time", 668, 0.864, SMALLER),
        ("deep-time", 668, 0.5, REPRODUCED),
    ],
)
def test_a_saving_must_reach_the_printed_one(claim, depth, ratio, expected):
    assert found(claim, timings=[timed(depth, basic=1.0, simplified_1=ratio)]).verdict == expected


def test_fp32_decides_and_other_precisions_are_told():
    fp32, bf16 = timed(basic=1.0, simplified_1=0.73), timed(precision="bf16", basic=1.0, simplified_1=1.5)
    assert found("t1-time", timings=[bf16]).verdict == OPEN
    finding = found("t1-time", timings=[bf16, fp32])
    assert finding.verdict == REPRODUCED and finding.records == (fp32.identity,)
    assert "bf16, eager, batch 128, 6 rounds: −50.0 %" in finding.so_far[0]


def test_few_rounds_or_another_batch_are_told_and_decide_nothing():
    for record in (timed(rounds=5, basic=1.0, simplified_1=0.73), timed(batch_size=64, basic=1.0, simplified_1=0.73)):
        finding = found("t1-time", timings=[record])
        assert (finding.verdict, finding.scope) == (OPEN, (DEVICE,))
        assert f"batch {record.batch_size}, {len(record.seconds['basic'])} rounds: 27.0 %" in finding.so_far[0]


def test_nothing_timed_gives_the_commands_of_the_depths():
    finding = found("saving-grows", timings=[timed(20, basic=1.0, simplified_1=0.8)])
    assert [command.split()[5] for command in finding.commands] == ["56", "110", "668"]


def test_savings_at_several_depths_come_from_one_device():
    def growing(savings: dict[int, float], **fields):
        return [timed(depth, basic=1.0, simplified_1=1 - saved, **fields) for depth, saved in savings.items()]

    def verdict(records) -> str:
        return found("saving-grows", timings=records).verdict

    records = growing({20: 0.2, 56: 0.3, 110: 0.4, 668: 0.5})
    assert verdict(records) == REPRODUCED
    assert verdict([*records[:-1], *growing({668: 0.5}, device_name="another CPU")]) == OPEN
    assert verdict(growing({20: 0.2, 56: 0.3, 110: 0.25, 668: 0.5})) == CORRECTED
    wide = [0.6] * 3 + [0.75] * 3 + [0.8] * 3  # [20, 40] %: growth is neither shown nor excluded
    rounds = {20: wide, 56: wide, 110: wide, 668: [0.59] * 3 + [0.62] * 3 + [0.74] * 3}
    assert verdict([timing(depth, basic=[1.0] * 9, simplified_1=row) for depth, row in rounds.items()]) == OPEN


def test_a_cpu_does_not_show_what_a_gpus_memory_does():
    flat = dict.fromkeys((20, 56, 110, 668), 0.7)

    def finding(device: str):
        records = [timed(depth, device_name=device, basic=1.0, simplified_1=ratio) for depth, ratio in flat.items()]
        return found("saving-grows", timings=records)

    assert finding("Some CPU").verdict == finding("a GPU").verdict == NOT_REPRODUCED
    assert "GPU" in finding("Some CPU").missing[0] and not finding("a GPU").missing


def test_a_bottleneck_block_is_compared_per_block():
    def verdict(seconds: float):
        return found("bottleneck-slower", timings=[timed(56, basic=3.0, bottleneck=seconds)])

    assert verdict(2.5).verdict == REPRODUCED  # of 9 and 6 blocks: 2.5 / 6 over 3 / 9
    assert verdict(2.5).intervals["ratio"].value == pytest.approx(1.25)
    assert verdict(1.9).verdict == NOT_REPRODUCED


SHARES = {"basic": 10.0, "simplified_1": 7.0, "relu/bn_relu": 8.0, "relu/relu": 6.0}
FROZEN = {"frozen_bn_relu/bn_relu": 8.2, "frozen_bn_relu/frozen_bn_relu": 7.5}


def test_the_share_of_the_statistics_in_the_saving():
    def finding(seconds: float) -> Finding:
        return found(
            "statistics-cause-saving", timings=[timed(**SHARES | FROZEN | {"frozen_bn_relu/bn_relu": seconds})]
        )

    assert finding(8.2).intervals["share"].value == pytest.approx(0.6)
    # more than half of the saving, the smaller part of it, and none
    assert [finding(s).verdict for s in (8.2, 9.5, 10.5)] == [REPRODUCED, CORRECTED, NOT_REPRODUCED]
    assert found("statistics-cause-saving", timings=[timed(**SHARES)]).commands


def test_what_bn_costs_lies_between_freezing_and_removing_it():
    def verdict(frozen: float, removed: float) -> str:
        seconds = {"frozen_bn_relu/frozen_bn_relu": frozen, "relu/relu": removed}
        return found("bn-costs-time", timings=[timed(**SHARES | seconds)]).verdict

    assert [verdict(9.0, 8.0), verdict(9.8, 8.0), verdict(9.9, 9.8)] == [REPRODUCED, OPEN, NOT_REPRODUCED]


def test_no_saving_has_no_share():
    none = SHARES | FROZEN | {"simplified_1": 10.0}
    assert found("statistics-cause-saving", timings=[timed(**none)]).verdict == OPEN
    rounds = {name: [value] * 10 + [10.0] for name, value in (SHARES | FROZEN).items()}  # no saving in one of 11 rounds
    assert found("statistics-cause-saving", timings=[timing(**rounds)]).verdict == REPRODUCED


def test_time_grows_with_depth():
    def verdict(factor: float) -> str:
        depths = (20, 56, 110)
        records = [timed(d, basic=factor**i, simplified_1=0.7 * factor**i) for i, d in enumerate(depths)]
        return found("depth-costs-time", timings=records).verdict

    assert [verdict(2.0), verdict(1.2), verdict(0.9)] == [REPRODUCED, SMALLER, NOT_REPRODUCED]


def test_a_claim_is_decided_on_every_device_and_open_where_they_differ():
    """A GPU, as the paper's, decides alone where one was timed."""
    cpus = [timing(device_name=name, **SECONDS) for name in ("a CPU", "another CPU")]
    both = found("t1-time", timings=cpus)
    assert both.verdict == found("t1-time", timings=cpus[:1]).verdict and len(both.records) == len(both.intervals) == 2
    assert "a CPU: " in both.statement and "another CPU: " in both.statement
    slow = timing(device_name="a slow CPU", basic=SECONDS["simplified_1"], simplified_1=SECONDS["basic"])
    assert found("t1-time", timings=[slow]).verdict != both.verdict
    assert found("t1-time", timings=[*cpus, slow]).verdict == OPEN


def test_two_thread_counts_of_one_processor_are_told_apart():
    one, two = timed(basic=1.0, simplified_1=0.7), timed(basic=1.0, simplified_1=1.2)
    records = [
        record.model_copy(update={"environment": {**record.environment, "threads": threads}})
        for threads, record in enumerate((one, two), 1)
    ]
    finding = found("t1-time", timings=records)
    shown = {name: round(interval.value) for name, interval in finding.intervals.items()}
    assert shown == {"reduction D20, Some CPU, 1 thread": 30, "reduction D20, Some CPU, 2 threads": -20}
    assert finding.verdict == OPEN and "Some CPU, 2 threads: D = 20" in finding.statement


def test_depths_are_compared_within_a_session_where_one_has_all():
    def session(commit: str, basic: float, depths=(20, 56, 110), rounds=6):
        return [
            timed(depth, rounds=rounds, basic=basic * factor, simplified_1=basic * factor).model_copy(
                update={"commit": commit, "finished": f"{commit}, {rounds} rounds"}
            )
            for depth, factor in zip(depths, (1, 1.6, 2.56), strict=False)
        ]

    whole, more_rounds = session("one", 1.0), session("two", 1.5, (20,), rounds=12)
    finding = found("depth-costs-time", timings=[*whole, *more_rounds])
    assert finding.verdict == REPRODUCED  # 1.6 times; across the sessions 1.07
    assert found("t1-time", timings=[*whole, *more_rounds]).records == (more_rounds[0].identity,)
    assert found("depth-costs-time", timings=[*whole[1:], *more_rounds]).verdict == SMALLER
    elsewhere = session("one", 1.0, (20, 56), rounds=6)[:1] + session("one", 1.0, (56,), rounds=99)
    assert found("t1-time", timings=[*elsewhere, *more_rounds]).records == (more_rounds[0].identity,)


def test_a_timing_of_a_machine_that_was_shared_is_told_and_decides_nothing():
    alone = timing(20, rounds=6, basic=1.0, simplified_1=0.7)
    shared = alone.model_copy(update={"environment": {**alone.environment, "runs_at_once": 2}})
    finding = found("t1-time", timings=[shared])
    assert finding.verdict == OPEN and "shared with other processes" in finding.so_far[0]
    assert found("t1-time", timings=[alone, shared]).verdict == found("t1-time", timings=[alone]).verdict != OPEN
