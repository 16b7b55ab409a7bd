"""What was measured, as JSON files: training runs, timings, activations, benchmarks. Reading them needs no torch."""

from fastres.records.runs import RunRecord, load_run, load_runs, to_frame

__all__ = ["RunRecord", "load_run", "load_runs", "to_frame"]
