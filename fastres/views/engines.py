"""What compiling changes: the reduction of the time in eager and in compiled steps, side by side."""

from collections.abc import Iterable
from typing import NamedTuple

import pandas as pd

from fastres.experiments import THREE
from fastres.records.provenance import engine_of, was_shared
from fastres.records.timings import TimingRecord, device_of
from fastres.stats import Interval

REFERENCE = "basic"


class Pair(NamedTuple):
    """The reduction of the time by one structure on one device, in %, in eager and in compiled steps."""

    depth: int
    device: str
    precision: str
    structure: str
    eager: Interval
    compiled: Interval

    @property
    def smaller(self) -> bool:
        """Whether the median is smaller in compiled steps."""
        return self.compiled.value < self.eager.value

    @property
    def overlap(self) -> bool:
        """Whether the two intervals have a value in common; so too where one of them is not known."""
        return not (self.compiled.high < self.eager.low or self.eager.high < self.compiled.low)


def pairs(records: Iterable[TimingRecord]) -> list[Pair]:
    """Every device, precision, depth and structure of the paper that was timed in both ways, on a machine of its own.

    Of several eager timings that of the compiled one's session (commit) is taken, else that of most rounds.
    """
    alone = [record for record in records if not was_shared(record.environment) and REFERENCE in record.seconds]
    found = []
    for fused in (record for record in alone if engine_of(record.environment) == "compiled"):
        same = (fused.depth, device_of(fused), fused.precision, "eager")
        there = [r for r in alone if (r.depth, device_of(r), r.precision, engine_of(r.environment)) == same]
        plain = max(there, key=lambda r: (r.commit == fused.commit, len(r.seconds[REFERENCE])), default=None)
        for name in THREE[1:]:
            if plain is not None and name in plain.seconds.keys() & fused.seconds.keys():
                both = [each.ratio(name, REFERENCE).reduction() for each in (plain, fused)]
                found.append(Pair(*same[:3], name, *both))
    return sorted(found, key=lambda each: each[:4])


def frame(found: Iterable[Pair]) -> pd.DataFrame:
    """One row per device, precision and depth: the reductions in eager and in compiled steps."""
    rows: dict[tuple, dict[str, object]] = {}
    for each in found:
        key = (each.depth, each.device, each.precision)
        row = rows.setdefault(key, dict(zip(("D", "device", "precision"), key, strict=True)))
        row[f"{each.structure}, eager"] = each.eager.percent()
        row[f"{each.structure}, compiled"] = each.compiled.percent()
    return pd.DataFrame(rows.values()).fillna("–")


def told(found: Iterable[Pair]) -> list[str]:
    """A sentence for each structure: in how many pairs compiled steps have the smaller reduction, and how surely."""
    found = list(found)
    sentences = []
    for name in dict.fromkeys(each.structure for each in found):
        of = [each for each in found if each.structure == name]
        smaller, apart = sum(each.smaller for each in of), sum(each.smaller and not each.overlap for each in of)
        sentences.append(
            f"{name}: the median of the reduction is smaller in compiled steps in {smaller} of {len(of)} pairs; "
            f"in {apart} of these the intervals are apart, in {smaller - apart} they overlap."
        )
    return sentences
