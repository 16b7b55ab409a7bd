"""The overview's sentences follow the records."""

from made_up import pairs, record, timing

from fastres import paper, paths
from fastres.claims.decide import decide
from fastres.claims.finding import BUILT
from fastres.views import story

CLAIMS = [claim for claim in paper.claims() if claim.id in (*story.ERRORS, story.TIME, "absolute-seconds")]


def entries(runs=(), timings=()):
    return decide(runs, timings, claims=CLAIMS)


def summary(runs=(), timings=()) -> str:
    return story.summary(entries(runs, timings), runs).text


def test_without_records_nothing_is_said_of_runs():
    text = summary()
    assert "Of 4 claims 0 are decided, 0 of them by mathematics" in text and "3 are not yet run" in text
    assert "simplified-1" not in text and "no network was trained" in text and "no run used a GPU" in text


def test_what_our_modules_guarantee_is_no_decided_claim():
    claims = [claim for claim in paper.claims() if claim.id in ("eq4-relu", "eq9-fold", "eq6-to-8-blocks")]
    found = [*entries(timings=[timing(20, basic=4.0, simplified_1=3.0, rounds=9)]), *decide(claims=claims)]
    assert [entry.verdict for entry in found].count(BUILT) == 1
    text = story.summary(found, []).text
    assert "Of 6 claims 3 are decided, 2 of them by mathematics and counting alone; 0 are open, 2 are not yet" in text
    assert "1 further statements hold by construction of our modules." in text


def test_a_full_run_is_preferred_and_decides():
    full = pairs([7.7, 7.9, 7.8], [7.6, 7.6, 7.6])
    short = [
        record((9.0, 8.0 + seed), structure=name, seed=seed) for name in ("basic", "simplified-1") for seed in range(5)
    ]
    interval, run = story.difference([*short, *full], "simplified-1")
    assert round(interval.value, 6) == 0.2 and interval.n == 3 and run.config.epochs == 160
    assert "shorter than the paper's" not in summary(full)
    assert "no run follows the paper's recipe" not in summary(full) and "no network deeper than D = 20" in summary(full)


def test_short_runs_are_said_to_decide_nothing():
    runs = [record((9.0, 8.0), structure=name, seed=seed) for name in ("basic", "simplified-1") for seed in range(3)]
    text = summary(runs)
    assert "by +0.00 [+0.00, +0.00] points (folder:photos, 2 epochs, fp32, n = 3 seeds); the claim is “open”" in text
    assert f"shorter than the paper's {paper.setup()['training']['epochs']} epochs" in text


def test_smoke_runs_say_nothing():
    runs = [record(dataset="digits", structure=name) for name in ("basic", "simplified-1")]
    assert story.difference(runs, "simplified-1") is None and "no network was trained" in summary(runs)


def test_times_name_their_device():
    timings = [timing(20, basic=4.0, simplified_1=3.0, rounds=9)]
    assert (
        "simplified-1 saves 25.0 % [25.0, 25.0] on Some CPU, fp32, eager, batch 128 (95 % intervals), "
        "and 26.6 % in the paper" in summary((), timings)
    )


def test_verdicts_are_the_ledgers():
    frame = story.verdicts(["eq9-fold", "t1-time"], [paths.RECORDED])
    assert list(frame["id"]) == ["eq9-fold", "t1-time"] and frame["verdict"][0] == "≠ wrong as stated"
    assert frame["setting"][0] == "–" and "fp32, eager" in frame["setting"][1]  # the devices that the scope names
