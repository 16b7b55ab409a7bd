"""The statistics of tables, figures and verdicts: one interval type; of medians, means, differences and shares.

Every interval is at 95 %, that of a median at least. With too few observations for one, its ends are NaN, never 0.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence

import numpy as np
import scipy  # which loads scipy.stats, a second of work, when it is first used

LEVEL = 0.95


def signed(value: float, spec: str) -> str:
    """A number in a format, with the minus sign that every table has: -0.5 in "+.2f" is "−0.50"."""
    text = f"{value:{spec}}"
    return f"−{text[1:]}" if text.startswith("-") else text


@dataclasses.dataclass(frozen=True)
class Interval:
    """An estimate from n observations (runs, rounds or images), and the ends of its 95 % interval.

    sd: sample standard deviation (n - 1) of the observations, where the estimate is their mean; else NaN.
    """

    value: float
    low: float = math.nan
    high: float = math.nan
    n: int = 1
    sd: float = math.nan

    def __str__(self) -> str:
        return f"{self:.3f} (n = {self.n})"

    def __format__(self, spec: str) -> str:
        """The value and its ends in one format: `f"{interval:+.2f}"` is "+0.37 [−0.43, +1.17]", or "+0.37" alone."""
        return f"{signed(self.value, spec)}{self._ends(spec)}" if spec else str(self)

    def ends(self, spec: str = ".2f") -> str:
        """ "[low, high]", or "–" where there is no interval."""
        return "–" if math.isnan(self.low) else f"[{signed(self.low, spec)}, {signed(self.high, spec)}]"

    def _ends(self, spec: str) -> str:
        return "" if math.isnan(self.low) else f" {self.ends(spec)}"

    def percent(self, spec: str = ".1f") -> str:
        """ "16.0 % [14.8, 17.0]" of a value in %, or "16.0 %"."""
        return f"{signed(self.value, spec)} %{self._ends(spec)}"

    def with_sd(self) -> str:
        """ "7.62 ± 0.15 (n = 5)", or its defined parts for fewer than two observations."""
        if self.n == 0:
            return "not yet run"
        return f"{self.value:.2f} (single run)" if self.n == 1 else f"{self.value:.2f} ± {self.sd:.2f} (n = {self.n})"

    def times(self, factor: float) -> "Interval":
        """The same estimate in another unit; factor > 0."""
        return dataclasses.replace(
            self, value=factor * self.value, low=factor * self.low, high=factor * self.high, sd=factor * self.sd
        )

    def reduction(self) -> "Interval":
        """100 (1 - ratio) in %, of a ratio; the ends of the interval change places."""
        return Interval(100 * (1 - self.value), 100 * (1 - self.high), 100 * (1 - self.low), self.n)


def median(values: Sequence[float] | np.ndarray) -> Interval:
    """Median, between the order statistics that hold the distribution's median with at least 95 % probability.

    The binomial distribution gives them; nothing is assumed of the observations but that they are independent. Fewer
    than six have no such interval.
    """
    found = scipy.stats.quantile_test(values, p=0.5).confidence_interval(LEVEL)
    return Interval(float(np.median(values)), float(found.low), float(found.high), len(values))


def ratio_of(seconds: Sequence[float], reference: Sequence[float]) -> Interval:
    """Median over rounds of seconds / reference, both measured in the same rounds.

    Raises ValueError for no rounds, or another number of rounds.
    """
    if len(seconds) != len(reference) or len(seconds) == 0:
        raise ValueError(f"a ratio needs the same rounds of both: {len(seconds)} and {len(reference)} given")
    return median(np.asarray(seconds) / np.asarray(reference))


def ratio_of_medians(values: Sequence[float], reference: Sequence[float]) -> Interval:
    """median(values) / median(reference) of two positive samples that are not paired.

    Its ends are those of the medians' intervals divided, so it is wider than 95 %.
    """
    above, below = median(values), median(reference)
    return Interval(above.value / below.value, above.low / below.high, above.high / below.low, min(above.n, below.n))


def share_of_medians(part: Sequence[float], whole: Sequence[float]) -> Interval:
    """median(part) / median(whole) of paired rounds, with its percentile bootstrap interval.

    All NaN where the interval of median(whole) reaches 0, as the share is then undefined. In a resample
    whose median(whole) is not above 0 the share has no bound, and the interval widens accordingly.
    """
    n = len(whole)
    if not median(whole).low > 0:
        return Interval(math.nan, n=n)
    value = float(_medians_ratio(np.asarray(part), np.asarray(whole), axis=-1))
    found = scipy.stats.bootstrap(
        (part, whole),
        _medians_ratio,
        n_resamples=2000,
        vectorized=True,
        paired=True,
        confidence_level=LEVEL,
        method="percentile",
        rng=np.random.default_rng(0),
    )
    return Interval(value, float(found.confidence_interval.low), float(found.confidence_interval.high), n)


def _medians_ratio(values: np.ndarray, reference: np.ndarray, axis: int) -> np.ndarray:
    return np.median(values, axis=axis) / np.maximum(np.median(reference, axis=axis), np.finfo(float).eps)


def mean(values: Sequence[float]) -> Interval:
    """Mean with Student's interval. NaN values (diverged runs) make it NaN: they are never dropped silently."""
    n = len(values)
    if n < 2:
        return Interval(float(values[0]) if n else math.nan, n=n)
    centre, sd = float(np.mean(values)), float(np.std(values, ddof=1))
    half = float(scipy.stats.t.ppf((1 + LEVEL) / 2, n - 1)) * sd / math.sqrt(n)
    return Interval(centre, centre - half, centre + half, n, sd)


def paired_difference(values: Mapping[int, float], reference: Mapping[int, float]) -> Interval:
    """Mean of values[seed] - reference[seed] over the seeds that both have."""
    return mean([values[seed] - reference[seed] for seed in sorted(values.keys() & reference.keys())])


@dataclasses.dataclass(frozen=True)
class Welch:
    """Welch's test of two means: their difference, t, degrees of freedom, two-sided p."""

    difference: Interval
    t: float
    degrees: float
    p: float


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
        return Welch(Interval(difference, difference, difference, n1 + n2), t, math.nan, p)
    test = scipy.stats.ttest_ind_from_stats(mean1, sd1, n1, mean2, sd2, n2, equal_var=False)
    degrees = (variance1 + variance2) ** 2 / (variance1**2 / (n1 - 1) + variance2**2 / (n2 - 1))
    half = float(scipy.stats.t.ppf((1 + LEVEL) / 2, degrees)) * math.sqrt(variance1 + variance2)
    interval = Interval(difference, difference - half, difference + half, n1 + n2)
    return Welch(interval, float(test.statistic), degrees, float(test.pvalue))


def binomial_interval(error: float, images: int) -> Interval:
    """Wilson interval, in %, of a single run's error in % on so many test images (sampling of the images alone).

    A diverged run, whose error is NaN, has none.
    """
    if math.isnan(error):
        return Interval(math.nan, n=images)
    found = scipy.stats.binomtest(round(error / 100 * images), images).proportion_ci(LEVEL, method="wilson")
    return Interval(error, 100 * float(found.low), 100 * float(found.high), images)


def binomial_difference(error: float, reference: float, images: int) -> Interval:
    """Normal interval, in points, of the difference of two errors in % on so many images.

    From the binomial variance of both; the variance of training is left out. Means of several runs have the same
    interval: their seeds share the images, so the sampling error of these does not average out.
    """
    variance = sum(share * (1 - share) for share in (error / 100, reference / 100)) / images
    half = 100 * float(scipy.stats.norm.ppf((1 + LEVEL) / 2)) * math.sqrt(variance)
    return Interval(error - reference, error - reference - half, error - reference + half, images)
