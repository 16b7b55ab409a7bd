"""A training run from its config to its record: every epoch checkpointed, and resumed to the bit."""

import contextlib
import datetime
import math
from collections.abc import Iterator
from pathlib import Path

import torch

from fastres import paths
from fastres.config import RunConfig
from fastres.datasets.dataset import Dataset
from fastres.datasets.sources import load_dataset
from fastres.device import check_precision, choose_device, memory_bytes
from fastres.errors import ConfigError, OutOfMemory
from fastres.files import atomic_write, make_folder
from fastres.models.resnet import ResNet
from fastres.records.provenance import code_commit, describe
from fastres.records.runs import DataSource, RunRecord, load_run, record_path, save_run
from fastres.training.loop import Trainer
from fastres.training.progress import Progress

WORTH_COMPILING = 1000  # steps of a run from which on compiling takes less time than it saves


CHECKPOINT = "checkpoint.pt"


WEIGHTS = "model.safetensors"


def train(
    config: RunConfig,
    dataset: Dataset | None = None,
    device: str | torch.device = "auto",
    runs_dir: str | Path | None = None,
    resume: bool = True,
    data_root: str | Path | None = None,
    compiled: bool | None = None,
) -> RunRecord:
    """Carry out a run, or return its record if it is already there.

    dataset: default load_dataset(config.dataset, data_root).
    device: "auto", "cpu", "cuda", "cuda:1", "mps".
    runs_dir: receives RUN_ID/record.json and the trained weights; default fastres.paths.runs().
    compiled: as fastres.training.engine does, equal within rounding; default: for runs of 1,000 steps or more.
    resume: go on from the checkpoint of an interrupted run, to the bit on the same machine; False starts anew.

    Raises ConfigError or DataError before anything is trained or written, OutOfMemory when a step does not fit,
    TrainingDiverged when the loss stops being finite (after both, the last checkpoint is kept).
    """
    device = choose_device(device)
    check_precision(config.precision, device)
    path = record_path(config, Path(runs_dir) if runs_dir is not None else paths.runs())
    if dataset is not None and dataset.name != config.dataset:
        raise ConfigError(f"the run is on {config.dataset!r}, the images given are {dataset.name!r}")
    if resume and path.exists():
        return _recorded(path, dataset)
    dataset = (dataset or load_dataset(config.dataset, data_root)).to(device)
    data = DataSource(
        source=dataset.source,
        sha256=dataset.checksum(),
        train_size=len(dataset.train_labels),
        test_size=len(dataset.test_labels),
        num_classes=dataset.num_classes,
    )
    make_folder(path.parent)
    if compiled is None:
        compiled = config.epochs * math.ceil(data.train_size / config.batch_size) >= WORTH_COMPILING
    checkpoint = path.with_name(CHECKPOINT)
    with _memory_explained(config, data, device):
        trainer = Trainer(config, dataset, compiled)
        if resume and checkpoint.exists():
            _resume(trainer, checkpoint, data)
        _run_epochs(trainer, checkpoint, data)
    record = RunRecord(
        config=config,
        epochs=trainer.epochs,
        environment={**describe(device), **trainer.environment()},
        data=data,
        commit=code_commit(),
        finished=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    )
    _save_weights(trainer.model, path.with_name(WEIGHTS))
    save_run(record, path.parents[1])
    checkpoint.unlink()
    return record


def _recorded(path: Path, dataset: Dataset | None) -> RunRecord:
    """The record that is there, refused if it is of other images than those given."""
    record = load_run(path)
    if dataset is not None and dataset.checksum() != record.data.sha256:
        raise ConfigError(f"{path}: recorded with other images; move it away, or use --no-resume")
    return record


def _run_epochs(trainer: Trainer, checkpoint: Path, data: DataSource) -> None:
    with Progress(trainer.config, trainer.steps_per_epoch).running() as progress:
        while len(trainer.epochs) < trainer.config.epochs:
            progress.epoch_ends(trainer.run_epoch(progress))
            with atomic_write(checkpoint, "wb") as file:
                torch.save(trainer.state(data), file)


@contextlib.contextmanager
def _memory_explained(config: RunConfig, data: DataSource, device: torch.device) -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        # CUDA has a kind of its own; the CPU's allocator and MPS say it in words.
        words = ("can't allocate memory", "out of memory")
        if not isinstance(error, torch.OutOfMemoryError) and not any(word in str(error) for word in words):
            raise
        raise OutOfMemory(_what_fits(config, data, device)) from error


def _what_fits(config: RunConfig, data: DataSource, device: torch.device) -> str:
    from fastres.theory.memory import batch_that_fits, needed_bytes

    there = memory_bytes(device)
    network = (config.structure, config.depth)
    needed = needed_bytes(*network, config.batch_size, config.precision, data.num_classes)
    fits = batch_that_fits(*network, there, config.precision, data.num_classes)
    return (
        f"out of memory: a step of {config.structure}, D = {config.depth}, batch {config.batch_size}, "
        f"{config.precision} needs about {needed / 2**30:.1f} GiB; {device.type} has {there / 2**30:.1f} GiB in all, "
        f"enough for a batch of about {fits} if nothing else uses it. The last checkpoint is kept."
    )


def _resume(trainer: Trainer, path: Path, data: DataSource) -> None:
    """Put a trainer where its checkpoint was written. Raises ConfigError for a damaged file or another run's."""
    advice = "delete it, or use --no-resume"
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        same = state["config"] == trainer.config.model_dump() and state["data"]["sha256"] == data.sha256
        if same:
            trainer.load_state(state)
    except Exception as error:  # torch raises many kinds for a damaged file
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ConfigError(f"{path}: not a checkpoint ({reason}); {advice}") from error
    if not same:
        raise ConfigError(f"{path}: checkpoint of another run or of other images; {advice}")


def _save_weights(model: ResNet, path: Path) -> None:
    from safetensors.torch import save

    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
    with atomic_write(path, "wb") as file:
        file.write(save(tensors))
