"""The statistics of the result tables: means, paired differences, Welch's test, binomial intervals.

Every interval is at 95 %. What one run cannot give (a deviation, an interval) is NaN, never 0.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence

import numpy as np
from scipy import stats as scipy_stats


@dataclasses.dataclass(frozen=True)
class Ratio:
    """How long one candidate takes relative to another: median over rounds, with a 95 % bootstrap interval."""

    median: float
    low: float
    high: float
    n: int

    def __str__(self) -> str:
        return f"{self.median:.3f} [{self.low:.3f}, {self.high:.3f}] (n = {self.n} rounds)"


def ratio_of(seconds: list[float], reference: list[float], resamples: int = 2000, seed: int = 0) -> Ratio:
    """The ratio of two candidates measured in the same rounds: its median and 95 % bootstrap interval."""
    if len(seconds) != len(reference) or not seconds:
        raise ValueError(f"a ratio needs the same rounds of both: {len(seconds)} and {len(reference)} given")
    ratios = np.asarray(seconds) / np.asarray(reference)
    draws = np.random.default_rng(seed).choice(ratios, size=(resamples, len(ratios)))
    low, high = np.percentile(np.median(draws, axis=1), [2.5, 97.5])
    return Ratio(float(np.median(ratios)), float(low), float(high), len(ratios))


LEVEL = 0.95


@dataclasses.dataclass(frozen=True)
class Mean:
    """Mean of n values, sample standard deviation (n - 1), and Student's 95 % interval of the mean."""

    n: int
    mean: float
    sd: float
    low: float
    high: float

    def __str__(self) -> str:
        if self.n == 0:
            return "not yet run"
        if self.n == 1:
            return f"{self.mean:.2f} (single run)"
        return f"{self.mean:.2f} ± {self.sd:.2f} (n = {self.n})"

    @property
    def interval(self) -> str:
        return "–" if math.isnan(self.low) else f"[{self.low:.2f}, {self.high:.2f}]"


def mean(values: Sequence[float]) -> Mean:
    """NaN values (diverged runs) make the mean NaN: they are not left out in silence."""
    n = len(values)
    if n == 0:
        return Mean(0, math.nan, math.nan, math.nan, math.nan)
    centre = float(np.mean(values))
    if n == 1:
        return Mean(1, centre, math.nan, math.nan, math.nan)
    sd = float(np.std(values, ddof=1))
    half = float(scipy_stats.t.ppf((1 + LEVEL) / 2, n - 1)) * sd / math.sqrt(n)
    return Mean(n, centre, sd, centre - half, centre + half)


def paired_difference(values: Mapping[int, float], reference: Mapping[int, float]) -> Mean:
    """Mean of values[seed] - reference[seed] over the seeds that both have."""
    return mean([values[seed] - reference[seed] for seed in sorted(values.keys() & reference.keys())])


@dataclasses.dataclass(frozen=True)
class Welch:
    """Welch's test of two means from their summaries: difference, t, degrees of freedom, two-sided p, interval."""

    difference: float
    t: float
    degrees: float
    p: float
    low: float
    high: float


def welch(mean1: float, sd1: float, n1: int, mean2: float, sd2: float, n2: int) -> Welch:
    """mean1 - mean2 of two independent samples. Raises ValueError for n < 2, which has no deviation.

    Where both deviations are 0, t is infinite (NaN for equal means), and the interval is the difference alone.
    """
    if min(n1, n2) < 2:
        raise ValueError(f"Welch's test needs at least two runs of each: {n1} and {n2} given")
    difference = mean1 - mean2
    variance1, variance2 = sd1**2 / n1, sd2**2 / n2
    if variance1 + variance2 == 0:
        t, p = (math.copysign(math.inf, difference), 0.0) if difference else (math.nan, math.nan)
        return Welch(difference, t, math.nan, p, difference, difference)
    test = scipy_stats.ttest_ind_from_stats(mean1, sd1, n1, mean2, sd2, n2, equal_var=False)
    degrees = (variance1 + variance2) ** 2 / (variance1**2 / (n1 - 1) + variance2**2 / (n2 - 1))
    half = float(scipy_stats.t.ppf((1 + LEVEL) / 2, degrees)) * math.sqrt(variance1 + variance2)
    return Welch(difference, float(test.statistic), degrees, float(test.pvalue), difference - half, difference + half)


def binomial_interval(error: float, images: int) -> tuple[float, float]:
    """Wilson interval in % of a single run's error in % on so many test images (the images' chance alone).

    A diverged run, whose error is NaN, has none: (NaN, NaN).
    """
    if math.isnan(error):
        return math.nan, math.nan
    test = scipy_stats.binomtest(round(error / 100 * images), images)
    interval = test.proportion_ci(LEVEL, method="wilson")
    return 100 * float(interval.low), 100 * float(interval.high)


def binomial_difference(error: float, reference: float, images: int) -> tuple[float, float]:
    """Normal interval, in points, of the difference of two errors in % on so many images.

    From the binomial variance of both; the noise of training is left out. Means of several runs have the same
    interval: their seeds share the images, whose chance does not average out.
    """
    variance = sum(share * (1 - share) for share in (error / 100, reference / 100)) / images
    half = 100 * float(scipy_stats.norm.ppf((1 + LEVEL) / 2)) * math.sqrt(variance)
    return error - reference - half, error - reference + half


def ratio_of_medians(
    values: Sequence[float], reference: Sequence[float], resamples: int = 2000, seed: int = 0
) -> tuple[float, float, float]:
    """(low, ratio, high) of two samples that are not paired: ratio of medians, bootstrap interval."""
    generator = np.random.default_rng(seed)
    medians = [
        np.median(generator.choice(np.asarray(sample), size=(resamples, len(sample))), axis=1)
        for sample in (values, reference)
    ]
    low, high = np.percentile(medians[0] / medians[1], [2.5, 97.5])
    return float(low), float(np.median(values) / np.median(reference)), float(high)


def share_of_medians(
    part: Sequence[float], whole: Sequence[float], resamples: int = 2000, seed: int = 0
) -> tuple[float, float, float]:
    """(low, share, high): median(part) / median(whole) of paired rounds, bootstrap interval over the rounds.

    All NaN where the interval of median(whole) reaches 0, as there is nothing to share then.
    """
    pairs = np.array([part, whole], dtype=float)
    rounds = np.random.default_rng(seed).integers(pairs.shape[1], size=(resamples, pairs.shape[1]))
    of_part, of_whole = np.median(pairs[:, rounds], axis=2)
    if np.percentile(of_whole, 2.5) <= 0 or np.median(whole) <= 0:
        return math.nan, math.nan, math.nan
    low, high = np.percentile(of_part[of_whole > 0] / of_whole[of_whole > 0], [2.5, 97.5])
    return float(low), float(np.median(part) / np.median(whole)), float(high)


def reduction(ratio: Ratio) -> tuple[float, float, float]:
    """100 (1 - ratio) in %, with the ends of its interval."""
    return 100 * (1 - ratio.median), 100 * (1 - ratio.high), 100 * (1 - ratio.low)


def percent(values: tuple[float, float, float]) -> str:
    return f"{values[0]:.1f} % [{values[1]:.1f}, {values[2]:.1f}]"
