"""What a profile would do on this machine, before anything is trained: runs, what is recorded, time and disk."""

import time
from pathlib import Path

import pandas as pd
import torch
import torch.nn.functional as F

from fastres.config import RunConfig
from fastres.datasets.catalogue import CATALOGUE
from fastres.device import arithmetic, choose_device, synchronize
from fastres.models.resnet import build_model
from fastres.models.structures import blocks_per_stage
from fastres.records.runs import load_runs, record_path
from fastres.theory.counts import costs
from fastres.training.run import CHECKPOINT

PROBE_BATCH = 128


BYTES_KEPT = 4  # per parameter of a finished run: its float32 weights


def plan_runs(runs: list[RunConfig], device: str, runs_dir: Path) -> pd.DataFrame:
    """One row per run: its state ("recorded", "begun", "to do"), estimated minutes and MiB left on disk.

    The estimate times a few steps of the shallowest network of each structure and precision here, and
    scales them with the number of blocks and images; it leaves out evaluation, start-up, and what compiling saves.
    """
    where = choose_device(device)
    recorded = {record.run_id for record in load_runs(runs_dir)}
    rows = []
    per_block_step: dict[tuple[str, str], float] = {}
    for run in runs:
        folder = record_path(run, runs_dir).parent
        state = "recorded" if run.run_id in recorded else "to do"
        if state == "to do" and (folder / CHECKPOINT).exists():
            state = "begun"
        key = (run.structure, run.precision)
        if state != "recorded" and key not in per_block_step:
            per_block_step[key] = _seconds_per_block(*key, where)
        # a folder is not opened for a plan: taken as large as CIFAR-10
        images = run.epochs * CATALOGUE.get(run.dataset, CATALOGUE["cifar10"]).train_size
        blocks = 3 * blocks_per_stage(run.structure, run.depth)
        seconds = 0.0 if state == "recorded" else per_block_step[key] * blocks * images / PROBE_BATCH
        size = BYTES_KEPT * costs(run.structure, run.depth).parameters / 2**20
        rows.append({"run": run.run_id, "state": state, "minutes": seconds / 60, "MiB": size})
    return pd.DataFrame(rows, columns=["run", "state", "minutes", "MiB"])


def _seconds_per_block(structure: str, precision: str, device: torch.device, steps: int = 3) -> float:
    """Seconds of a training step per residual block, from one block per stage at batch 128."""
    layers = 11 if structure.count("/") == 2 or structure == "bottleneck" else 8
    model = build_model(structure, layers).to(device, memory_format=torch.channels_last)
    images = torch.randn(PROBE_BATCH, 3, 32, 32, device=device).contiguous(memory_format=torch.channels_last)
    labels = torch.zeros(PROBE_BATCH, dtype=torch.int64, device=device)
    seconds = []
    for _ in range(steps + 1):
        synchronize(device)
        start = time.perf_counter()
        with arithmetic(precision, device):
            F.cross_entropy(model(images), labels).backward()
        synchronize(device)
        seconds.append(time.perf_counter() - start)
    return min(seconds[1:]) / 3
