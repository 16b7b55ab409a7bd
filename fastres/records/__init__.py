"""What was measured, as JSON files: training runs, timings, activations. Nothing here needs torch."""

from fastres.records.runs import RunRecord, load_run, load_runs, to_frame

__all__ = ["RunRecord", "load_run", "load_runs", "to_frame"]
