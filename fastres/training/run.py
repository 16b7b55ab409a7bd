"""A training run from its config to its record, with a checkpoint after every epoch and bit-exact resumption."""

import contextlib
import datetime
import math
from collections.abc import Callable, Iterator
from pathlib import Path

import torch

from fastres import paths
from fastres.config import RunConfig
from fastres.datasets.dataset import Dataset, check_last_batch
from fastres.datasets.sources import load_dataset
from fastres.device import check_precision, choose_device, emulates_bf16
from fastres.errors import ConfigError, TrainingDiverged, shown
from fastres.files import locked, make_folder, remove_unfinished
from fastres.records.activations import FILE_NAME as ACTIVATIONS
from fastres.records.linearity import FILE_NAME as LINEARITY
from fastres.records.provenance import Environment, code_commit, describe
from fastres.records.runs import DataSource, Epoch, RunRecord, load_run, record_path, save_run
from fastres.training import checkpoint, out_of_memory
from fastres.training.loop import Trainer
from fastres.training.progress import Progress
from fastres.training.stochastic_depth import as_evaluated
from fastres.training.weights import WEIGHTS, save_weights

WORTH_COMPILING = 1000  # steps of a run from which on compiling takes less time than it saves
SAME_TO_THE_BIT = (
    "device",
    "device_name",
    "threads",
    "torch",
    "cuda",
    "cudnn",
    "system",
    "compiled",
    "cuda_graph",
)  # of the environment


def train(
    config: RunConfig,
    dataset: Dataset | None = None,
    device: str | torch.device = "auto",
    runs_dir: str | Path | None = None,
    resume: bool = True,
    data_root: str | Path | None = None,
    compiled: bool | None = None,
    on_epoch: Callable[[Epoch], None] | None = None,
) -> RunRecord:
    """Carry out a run, or return its record if it exists.

    dataset: default load_dataset(config.dataset, data_root).
    device: "auto", "cpu", "cuda", "cuda:1", "mps".
    runs_dir: receives RUN_ID/record.json and the trained weights; default fastres.paths.runs().
    resume: continue from the checkpoint of an interrupted run, bit for bit in the same environment; False starts
        again, and renames existing files to NAME.replaced.
    compiled: with fastres.training.engine, equal within rounding; default: for runs of 1,000 steps or more.
    on_epoch: called with every finished Epoch, for loggers.

    A run in which a number stops being finite ends there, with a record that says so (`diverged`) and no weights.
    Raises ConfigError or DataError before anything is trained or written, OutOfMemory when a step does not fit; then
    the last checkpoint is kept.
    """
    dataset = _checked_dataset(config, dataset, choose_device(device), data_root)
    data = data_source(dataset)
    path = record_path(config, Path(runs_dir) if runs_dir is not None else paths.runs())
    make_folder(path.parent)
    with locked(path.parent, config.run_id), _own_defaults():
        remove_unfinished(path.parent)
        if not resume:
            _set_aside(path.parent)
        elif path.exists():
            record = recorded(path, config, data)
            checkpoint.remove(path.parent)  # of a process that was killed right after the record was whole
            return record
        return _train(config, dataset, data, path, compiled, on_epoch)


def _checked_dataset(
    config: RunConfig, dataset: Dataset | None, device: torch.device, data_root: str | Path | None
) -> Dataset:
    """The images of a run on its device, after all checks of the request."""
    if not isinstance(config, RunConfig):
        raise ConfigError(f"config is {shown(config)}: give a RunConfig, as RunConfig(dataset='digits')")
    if not (dataset is None or isinstance(dataset, Dataset)):
        raise ConfigError(f"dataset is {shown(dataset)}: give a Dataset of load_dataset, or its name in the RunConfig")
    check_precision(config.precision, device)
    if config.precision == "bf16" and emulates_bf16(device):
        print("bf16 is emulated on this processor, which has neither AVX-512 BF16 nor AMX: fp32 is faster.", flush=True)
    if dataset is not None and dataset.name != config.dataset:
        raise ConfigError(f"the run is on {config.dataset!r}, the images given are {dataset.name!r}")
    dataset = dataset or load_dataset(config.dataset, data_root)
    check_last_batch(dataset, config.batch_size)
    return dataset.to(device)


def data_source(dataset: Dataset) -> DataSource:
    """What a record says of the images."""
    return DataSource(
        source=dataset.source,
        sha256=dataset.checksum(),
        train_size=len(dataset.train_labels),
        test_size=len(dataset.test_labels),
        num_classes=dataset.num_classes,
    )


def recorded(path: Path, config: RunConfig, data: DataSource) -> RunRecord:
    """The record at `path`. Raises ConfigError if it is of another config, or of other images."""
    record = load_run(path)
    if record.config != config:
        raise ConfigError(f"{path}: the record of another run ({record.run_id}); move it away")
    if record.data.sha256 != data.sha256:
        raise ConfigError(f"{path}: recorded with other images; move it away")
    return record


def _train(
    config: RunConfig,
    dataset: Dataset,
    data: DataSource,
    path: Path,
    compiled: bool | None,
    on_epoch: Callable[[Epoch], None] | None,
) -> RunRecord:
    if compiled is None:
        compiled = config.epochs * math.ceil(data.train_size / config.batch_size) >= WORTH_COMPILING
    with out_of_memory.explained(config, dataset):
        trainer = Trainer(config, dataset, compiled)
        environment = {**describe(dataset.device), **trainer.environment()}
        changes = _resume(trainer, path.parent, data, environment)
        about = {"config": config.model_dump(), "data": data.model_dump(), "environment": environment}
        diverged = ""
        with Progress(config, trainer.steps_per_epoch).running() as progress:
            while len(trainer.epochs) < config.epochs and not diverged:
                progress.epoch_starts(len(trainer.epochs) + 1)
                try:
                    epoch = trainer.run_epoch(progress.step)
                except TrainingDiverged as error:
                    diverged = str(error)
                    continue
                checkpoint.save({**trainer.state(), **about, "changes": changes}, path.parent)
                progress.epoch_ends(epoch)
                if on_epoch is not None:
                    on_epoch(epoch)
        if changes:
            environment["resumed"] = changes
        return _save(trainer, {**environment, **trainer.environment()}, data, path, diverged)


def _save(trainer: Trainer, environment: Environment, data: DataSource, path: Path, diverged: str) -> RunRecord:
    """Write weights (of a run that did not diverge) and record, and remove the checkpoints, in this order."""
    weights = (trainer.model, trainer.dataset, trainer.config, path.with_name(WEIGHTS))
    with as_evaluated(trainer.model, trainer.rate):
        written = None if diverged else save_weights(*weights)
    record = RunRecord(
        config=trainer.config,
        epochs=trainer.epochs,
        environment=environment,
        data=data,
        commit=code_commit(),
        finished=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        weights_sha256=written,
        diverged=diverged,
    )
    save_run(record, path.parents[1])
    checkpoint.remove(path.parent)
    return record


def _resume(trainer: Trainer, folder: Path, data: DataSource, environment: Environment) -> str:
    """Restore a trainer from its last checkpoint, if there is one.

    Returns the changes of the environment, "" for none: with other threads or another processor a resumed run equals
    an uninterrupted one only within rounding, and on CUDA always, as its kernels may add in any order.
    Raises ConfigError for another run's checkpoint.
    """
    state = checkpoint.load(folder)
    if state is None:
        return ""
    if RunConfig(**state["config"]) != trainer.config or state["data"]["sha256"] != data.sha256:
        where = folder / checkpoint.FILE_NAME
        raise ConfigError(f"{where}: checkpoint of another run or of other images; delete it, or use --no-resume")
    trainer.load_state(state)
    before = state["environment"]
    changed = [
        f"{key} {before.get(key)} -> {environment.get(key)}"
        for key in SAME_TO_THE_BIT
        if before.get(key) != environment.get(key)
    ]
    if str(environment["device"]).startswith("cuda"):
        changed.append("kernels on CUDA are not deterministic")
    if not changed:
        return state["changes"]
    change = f"after epoch {len(trainer.epochs)}: {', '.join(changed)}"
    print(f"Resumed; equal only within rounding to a run without a break: {change}", flush=True)
    return f"{state['changes']}; {change}" if state["changes"] else change


def _set_aside(folder: Path) -> None:
    """Rename the files of an earlier run, so that none is mistaken for this run's."""
    for name in ("record.json", WEIGHTS, ACTIVATIONS, LINEARITY):
        if (folder / name).exists():
            (folder / name).replace(folder / f"{name}.replaced")
    checkpoint.remove(folder)


@contextlib.contextmanager
def _own_defaults() -> Iterator[None]:
    """Independent of the caller's torch settings: gradients are enabled, and new tensors are float32."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float32)
    try:
        with torch.enable_grad():
            yield
    finally:
        torch.set_default_dtype(before)
