from made_up import found, run, timing

from fastres.claims.finding import CORRECTED, DEVICE, NOT_REPRODUCED, NOT_RUN, OPEN, PAPER, REPRODUCED, SHORT, SMALLER
from fastres.experiments import SQUARE


def verdict(first: float, others: float, errors: dict[str, float] | None = None, **seconds: float):
    """Of simplified-1's time and the others', basic's being 10, with an error of 8 % where none is given."""
    names = {name.replace("-", "_"): others for name in SQUARE} | {"basic": 10.0, "simplified_1": first}
    timed = [timing(20, rounds=6, **names | seconds)]
    runs = [run(name, (errors or {}).get(name, 8.0), seed=seed) for name in SQUARE for seed in range(3)]
    return found("practical-value", *runs, timings=timed).verdict


def test_slower_or_worse_than_simplified_1_is_what_every_other_pair_must_be():
    assert verdict(7.0, 9.0) == REPRODUCED
    assert verdict(9.0, 9.5) == SMALLER
    assert verdict(7.0, 6.0) == OPEN  # the others are faster and as good
    assert verdict(7.0, 6.0, {"simplified-1": 6.0}) == REPRODUCED
    assert verdict(7.0, 9.0, {"relu/relu": 6.0}, **{"relu/relu": 6.0}) == NOT_REPRODUCED
    assert verdict(7.0, 9.0, {"basic": 5.0}) == NOT_REPRODUCED  # it does not keep the error
    assert verdict(7.0, 9.0, {"basic": 7.8}) == CORRECTED  # surely higher, by little
    assert verdict(11.0, 12.0) == NOT_REPRODUCED


def test_it_takes_all_pairs_timed_and_trained():
    everything = [timing(20, rounds=6, **{name.replace("-", "_"): 10.0 for name in SQUARE})]
    timed = found("practical-value", timings=everything)
    assert (timed.verdict, timed.scope) == (OPEN, (DEVICE,)) and "takes 0.0 %" in timed.so_far[0]
    missing = found("practical-value", *[run(name) for name in SQUARE])
    assert missing.verdict == NOT_RUN and "time --depth 20" in missing.commands[0]
    complete = found("practical-value", *[run(name) for name in SQUARE], timings=everything)
    assert complete.scope == (DEVICE, PAPER) and len(complete.records) == 1 + len(SQUARE)


def test_short_runs_are_told_and_decide_nothing():
    everything = [timing(20, rounds=6, **{name.replace("-", "_"): 10.0 for name in SQUARE} | {"simplified_1": 7.0})]
    finding = found("practical-value", *[run(name, epochs=5) for name in SQUARE], timings=everything)
    assert (finding.verdict, finding.scope) == (OPEN, (DEVICE, SHORT)) and "full runs of all 16" in finding.missing[0]
    assert "faster and of less error: none" in finding.so_far[1]


def test_a_diverged_pair_is_no_rival():
    timed = [timing(20, rounds=6, **{n.replace("-", "_"): 6.0 for n in SQUARE} | {"basic": 10.0, "simplified_1": 7.0})]
    others = [name for name in SQUARE if name != "simplified-1"]
    ended = [run(name, diverged="the loss is nan", epochs=160) for name in others if name != "basic"]
    runs = [run("simplified-1", 7.0), run("basic", 8.0), *ended]
    assert found("practical-value", *runs, timings=timed).verdict == REPRODUCED
