"""Run records with known numbers, made without training."""

from fastres.config import RunConfig
from fastres.records.runs import DataSource, Epoch, RunRecord
from fastres.records.timings import TimingRecord
from fastres.training.recipe import learning_rate

ENVIRONMENT = {"device": "cpu", "device_name": "Some CPU", "threads": 2, "torch": "2.14.1"}


def record(
    errors=(30.0, 20.0), device_name="Some CPU", sha256="a" * 64, test_size=10_000, compiled=False, **fields
) -> RunRecord:
    """A run whose test errors per epoch are given; training error is half of each, seconds count up from 10."""
    config = RunConfig(**{"dataset": "folder:photos", "epochs": len(errors), **fields})
    epochs = [
        Epoch(
            epoch=number,
            lr=learning_rate(config, number),
            train_loss=error / 10,
            train_error=error / 2,
            test_error=error,
            train_seconds=9.0 + number,
            test_seconds=1.0,
        )
        for number, error in enumerate(errors, start=1)
    ]
    classes = 100 if config.dataset.endswith("100") else 10
    data = DataSource(source="made up", sha256=sha256, train_size=50_000, test_size=test_size, num_classes=classes)
    return RunRecord(
        config=config,
        epochs=epochs,
        environment={**ENVIRONMENT, "device_name": device_name, "compiled": compiled},
        data=data,
        commit="0" * 40,
        finished="2026-01-01T00:00:00+00:00",
    )


def timing(depth: int, **seconds: float) -> TimingRecord:
    """Each structure takes the same in each of three rounds; names with "_" for "-"."""
    return TimingRecord(
        depth=depth,
        batch_size=128,
        precision="fp32",
        steps=2,
        seconds={name.replace("_", "-"): [value] * 3 for name, value in seconds.items()},
        warmup_seconds={},
        environment={"device": "cpu", "device_name": "Some CPU"},
        commit="",
        finished="",
    )
