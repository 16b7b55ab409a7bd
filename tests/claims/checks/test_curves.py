import math

import pytest
from made_up import found, run

from fastres.claims.finding import COPY, CORRECTED, NOT_REPRODUCED, NOT_RUN, OPEN, REPRODUCED, SMALLER

NOISY = [50.0 + 5 * (epoch % 2) for epoch in range(80)]
CALM = [*NOISY, *[8.6] * 40, *[7.6 + 0.01 * (epoch % 2) for epoch in range(40)]]
WILD = [*[50.0 + 20 * (epoch % 2) for epoch in range(80)], *[11.0] * 40, *[10.0] * 40]
STRUCTURES = ("basic", "simplified-1", "simplified-2")


def all_curves(**fields):
    runs = [run(name, curve=CALM, seed=seed, **fields) for name in STRUCTURES[:2] for seed in range(3)]
    return runs + [run("simplified-2", curve=WILD, seed=seed, **fields) for seed in range(3)]


def test_the_curves_of_the_figure():
    runs = all_curves()
    assert found("fig6-drops", *runs).verdict == REPRODUCED
    assert found("fig6-overlap", *runs).verdict == REPRODUCED
    assert found("fig6-level", *runs).verdict == CORRECTED  # near 7.6 % from epoch 121 on only
    unstable = found("fig6-simplified-2-unstable", *runs)
    assert unstable.verdict == REPRODUCED and unstable.intervals["difference"].value == pytest.approx(15)


def test_re_encoded_images_decide_the_shape_of_curves_and_not_their_level():
    runs = all_curves(dataset="folder:cifar10-jpeg")
    drops, level = found("fig6-drops", *runs), found("fig6-level", *runs)
    assert (drops.verdict, drops.scope) == (REPRODUCED, (COPY,))
    assert (level.verdict, level.scope) == (OPEN, (COPY,)) and "original images" in level.missing[0]


def test_curves_that_lie_apart_in_some_epochs_leave_it_open():
    def verdict(apart: int) -> str:
        other = [*[50.0] * 80, *[9.0] * apart, *[8.0] * (80 - apart)]
        curves = {"basic": [*[50.0] * 80, *[8.0] * 80], "simplified-1": other}
        return found("fig6-overlap", *[run(name, curve=curve) for name, curve in curves.items()]).verdict

    assert [verdict(0), verdict(20), verdict(60)] == [REPRODUCED, OPEN, NOT_REPRODUCED]


def test_a_curve_that_calms_down():
    def verdict(tail: list[float], start: list[float] = NOISY, others: tuple[str, ...] = STRUCTURES) -> str:
        return found("fig6-calms-down", *[run(name, curve=[*start, *tail]) for name in others]).verdict

    assert verdict([8.0 + 0.1 * (epoch % 2) for epoch in range(80)]) == REPRODUCED
    assert verdict([8.0 + 3.0 * (epoch % 2) for epoch in range(80)]) == SMALLER
    assert verdict([8.0 + 5.0 * (epoch % 2) for epoch in range(80)]) == NOT_REPRODUCED
    assert verdict([8.0] * 80) == REPRODUCED  # a late change of 0
    assert verdict([8.0] * 80, [50.0] * 80) == OPEN
    assert verdict([8.0] * 80, others=STRUCTURES[:2]) == NOT_RUN


def test_one_seed_does_not_show_who_is_less_steady():
    assert found("fig6-simplified-2-unstable", run(curve=CALM), run("simplified-2", curve=WILD)).verdict == OPEN


def test_the_setting_of_most_seeds_gives_the_curves():
    few = [run(name, curve=CALM, device_name="A") for name in STRUCTURES[:2]]
    many = [run(name, curve=CALM, device_name="B", seed=seed) for name in STRUCTURES[:2] for seed in range(3)]
    assert "B" in found("fig6-overlap", *few, *many).where


def test_a_diverged_run_shows_no_curve():
    for other in (run("simplified-1", math.nan), run("simplified-1", diverged="the loss is nan", epochs=160)):
        assert found("fig6-overlap", run("basic", curve=CALM), other).verdict == OPEN
