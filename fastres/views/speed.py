"""The training loop's speed on every device that was benchmarked: the README's table."""

from collections.abc import Iterable

import pandas as pd

from fastres import paths
from fastres.records.benchmarks import DATA, PUBLIC, BenchmarkRecord, load_benchmarks
from fastres.records.timings import device_of

LOOP = "loop"


def table(records: Iterable[BenchmarkRecord]) -> pd.DataFrame:
    """One row per loop, one column per device: milliseconds of a step, and how many times as fast as the public loop.

    Of several records of one device and depth, the one of most rounds is shown.
    """
    best: dict[str, BenchmarkRecord] = {}
    for record in sorted(records, key=lambda record: len(record.seconds[PUBLIC])):
        best[_column(record)] = record
    loops = dict.fromkeys(name for record in best.values() for name in record.seconds)
    rows = [{LOOP: name, **{column: _cell(record, name) for column, record in best.items()}} for name in loops]
    columns = sorted(best, key=lambda column: (device_of(best[column]), best[column].depth))
    return pd.DataFrame(rows, columns=[LOOP, *columns])


def _column(record: BenchmarkRecord) -> str:
    return f"{device_of(record)}, {record.environment.get('threads', '?')} threads, D = {record.depth}"


def _cell(record: BenchmarkRecord, name: str) -> str:
    if name not in record.seconds:
        return "not timed"
    step = f"{1000 * record.seconds_of_step(name):.1f} ms"
    if name == DATA:
        return step
    return step if name == PUBLIC else f"{step}; {record.speedup(name, PUBLIC):.2f} times as fast"


def readme_block() -> str:
    """The README's table, from the committed benchmark records alone."""
    records = load_benchmarks(paths.RECORDED_BENCHMARKS)
    lines = [table(records).to_markdown(index=False), ""]
    for record in records:
        floors = ", ".join(f"{name}: {record.floors_above(name):.2f}" for name in record.floors)
        versions = ", ".join(f"{package} {version}" for package, version in record.packages.items())
        steps = f"{record.steps} step{'s' * (record.steps > 1)}"
        rounds = len(record.seconds[PUBLIC])
        few = " (too few for an interval)" * (record.speedup(DATA, PUBLIC).ends() == "–")
        lines.append(
            f"{_column(record)}: {record.structure}, batches of {record.batch_size}, {steps} in each of "
            f"{rounds} interleaved rounds{few}; torch {record.environment['torch']}, {versions}. "
            f"Multiples of the roofline's reference time: {floors}."
        )
    return "\n".join(lines)
