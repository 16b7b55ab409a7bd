"""Intervals against values computed by hand, and how often they hold what they estimate."""

import math

import numpy as np
import pytest
from scipy.stats import binom

from fastres import stats
from fastres.stats import Interval


def test_mean_by_hand():
    mean = stats.mean([1.0, 2.0, 6.0])
    assert (mean.n, mean.value, mean.sd) == (3, 3.0, pytest.approx(math.sqrt(7)))
    assert mean.high - mean.value == pytest.approx(4.302653 * math.sqrt(7 / 3), rel=1e-6)  # t(0.975, 2)
    assert mean.value - mean.low == pytest.approx(mean.high - mean.value)


def test_one_value_has_no_spread_and_says_so():
    one = stats.mean([6.31])
    assert one.value == 6.31 and all(map(math.isnan, (one.sd, one.low, one.high)))
    assert one.ends() == "–" and one.with_sd() == "6.31 (single run)"
    none = stats.mean([])
    assert none.n == 0 and math.isnan(none.value) and none.with_sd() == "not yet run"


def test_a_diverged_run_makes_the_mean_nan():
    mean = stats.mean([1.0, math.nan, 2.0])
    assert mean.n == 3 and all(map(math.isnan, (mean.value, mean.low, mean.high, mean.sd)))


def test_paired_difference_by_hand_uses_common_seeds_only():
    difference = stats.paired_difference({0: 10.0, 1: 12.0, 2: 11.0, 9: 99.0}, {0: 9.0, 1: 10.0, 2: 8.0, 5: 0.0})
    assert (difference.n, difference.value, difference.sd) == (3, 2.0, 1.0)
    assert stats.paired_difference({0: 1.0}, {1: 1.0}).n == 0


@pytest.mark.parametrize("n", [6, 7, 9, 15, 41])
def test_a_median_lies_between_order_statistics_that_hold_it_in_95_of_100_samples(n):
    """Of n observations, each below the distribution's median with probability 1/2, k - 1 or fewer are."""
    found = stats.median(np.arange(1.0, n + 1))
    k = max(k for k in range(1, n) if 2 * binom.cdf(k - 1, n, 0.5) <= 0.05)
    assert (found.value, found.low, found.high, found.n) == ((n + 1) / 2, k, n + 1 - k, n)


@pytest.mark.parametrize("n", [1, 2, 5])
def test_too_few_observations_have_a_median_and_no_interval(n):
    found = stats.median([3.0] * n)
    assert found.value == 3.0 and math.isnan(found.low) and math.isnan(found.high) and found.n == n


def test_a_ratio_is_taken_round_by_round():
    ratio = stats.ratio_of([2.0, 30.0, 8.0] * 2, [1.0, 10.0, 2.0] * 2)
    assert (ratio.value, ratio.low, ratio.high, ratio.n) == (3.0, 2.0, 4.0, 6)
    same = stats.ratio_of([3.0] * 6, [4.0] * 6)
    assert (same.low, same.value, same.high) == (0.75, 0.75, 0.75)
    one = stats.ratio_of([3.0], [4.0])
    assert one.value == 0.75 and math.isnan(one.low) and one.n == 1
    for rounds in ([1.0], []):
        with pytest.raises(ValueError, match="same rounds"):
            stats.ratio_of(rounds, [])


def test_a_ratio_is_recovered_in_19_of_20_samples_of_few_rounds():
    """Seven rounds: a percentile bootstrap of the median holds it in 88 of 100."""
    rng = np.random.default_rng(0)
    inside = 0
    for _ in range(400):
        found = stats.ratio_of(0.8 * np.exp(0.05 * rng.normal(size=7)), np.ones(7))
        inside += found.low <= 0.8 <= found.high
    assert inside / 400 > 0.96


def test_a_ratio_of_medians_that_are_not_paired_is_as_wide_as_both():
    sample = [1.0, 2.0] * 6
    apart = stats.ratio_of_medians(sample, sample)
    assert (apart.value, apart.low, apart.high, apart.n) == (1.0, 0.5, 2.0, 12)
    shown = stats.ratio_of_medians([float(n) for n in range(2, 8)], [1.0] * 7)
    assert (shown.value, shown.low, shown.high, shown.n) == (4.5, 2.0, 7.0, 6)
    together = stats.share_of_medians(sample, sample)
    assert (together.value, together.low, together.high) == (1.0, 1.0, 1.0)


def test_a_share_of_what_may_be_nothing_is_nan():
    share = stats.share_of_medians([1.0, 2.0, 3.0, 2.0] * 2, [4.0] * 8)
    assert share.value == 0.5 and 0.25 <= share.low < 0.5 < share.high <= 0.75
    for nothing in ([-1.0, 0.1, 2.0, 0.2] * 2, [0.0] * 8, [math.nan] * 8, [-3.0] * 8):
        assert math.isnan(stats.share_of_medians([1.0] * 8, nothing).value)


def test_a_share_has_no_bound_where_a_resample_saves_nothing():
    whole = [0.0] * 2 + [1.0] * 11  # the median of about one resample in 1,000 is 0: no division by it
    share = stats.share_of_medians([0.5] * 13, whole)
    assert (share.value, share.low) == (0.5, 0.5) and math.isfinite(share.high)


def test_a_reduction_turns_its_ends_around():
    saved = Interval(0.8, 0.75, 0.9, 5).reduction()
    assert (saved.value, saved.low, saved.high, saved.n) == (pytest.approx(20), pytest.approx(10), pytest.approx(25), 5)
    assert saved.percent() == "20.0 % [10.0, 25.0]"
    doubled = Interval(1.0, 0.5, 2.0, 4, sd=0.1).times(2)
    assert doubled == Interval(2.0, 1.0, 4.0, 4, sd=0.2)


def test_an_interval_as_text():
    interval = Interval(0.84, 0.8331, 0.851, 15)
    assert str(interval) == "0.840 [0.833, 0.851] (n = 15)"
    assert f"{interval:+.2f}" == "+0.84 [+0.83, +0.85]" and interval.ends(".1f") == "[0.8, 0.9]"
    assert f"{Interval(-0.4, -1e-5, 0.2):+.2g}" == "−0.4 [−1e-05, +0.2]"
    assert Interval(7.62, 7.4, 7.8, 5, sd=0.15).with_sd() == "7.62 ± 0.15 (n = 5)"
    assert f"{Interval(1.0):.1f}" == "1.0" and Interval(1.0).percent() == "1.0 %"


def test_welch_of_table_1():
    near = stats.welch(7.68, 0.20, 5, 7.62, 0.15, 5)
    assert near.t == pytest.approx(0.06 / math.sqrt((0.04 + 0.0225) / 5))
    assert near.difference.low < 0 < near.difference.high and near.difference.value == pytest.approx(0.06)
    assert stats.welch(10.04, 0.18, 5, 7.62, 0.15, 5).t == pytest.approx(23.1, abs=0.1)
    with pytest.raises(ValueError, match="at least two runs"):
        stats.welch(1, 1, 1, 2, 2, 5)


def test_welch_without_deviations():
    apart = stats.welch(2.0, 0, 3, 1.0, 0, 3)
    assert (apart.t, apart.difference.low, apart.difference.high) == (math.inf, 1.0, 1.0)
    assert stats.welch(1.0, 0, 3, 2.0, 0, 3).t == -math.inf
    assert math.isnan(stats.welch(1.0, 0, 3, 1.0, 0, 3).t)


def test_binomial_intervals():
    wilson = stats.binomial_interval(6.31, 10_000)
    assert (wilson.low, wilson.high) == (pytest.approx(5.85, abs=0.01), pytest.approx(6.80, abs=0.01))
    assert stats.binomial_interval(0.0, 100).low == 0 < stats.binomial_interval(0.0, 100).high
    diverged = stats.binomial_interval(math.nan, 10_000)
    assert math.isnan(diverged.low) and diverged.ends() == "–"
    apart = stats.binomial_difference(5.0, 6.5, 10_000)
    half = 196 * math.sqrt((0.05 * 0.95 + 0.065 * 0.935) / 10_000)
    assert (apart.value, apart.low, apart.high) == (
        -1.5,
        pytest.approx(-1.5 - half, abs=1e-3),
        pytest.approx(-1.5 + half, abs=1e-3),
    )
