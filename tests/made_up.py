"""Records with known numbers, made without training or timing, and the ledger's finding on them."""

from fastres import paper
from fastres.claims.decide import decide
from fastres.claims.finding import Finding
from fastres.config import RunConfig
from fastres.experiments import EXPERIMENTS, SQUARE
from fastres.records.activations import ActivationRecord, BlockActivations
from fastres.records.linearity import ActivationLinearity, BlockLinearity, LinearityRecord
from fastres.records.runs import DataSource, Epoch, RunRecord
from fastres.records.timings import TimingRecord
from fastres.training.recipe import learning_rate

ENVIRONMENT = {"device": "cpu", "device_name": "Some CPU", "threads": 2, "torch": "2.14.1"}


def record(
    errors=(30.0, 20.0),
    device_name="Some CPU",
    sha256="a" * 64,
    train_size=50_000,
    test_size=10_000,
    compiled=False,
    train_error=None,
    diverged="",
    **fields,
) -> RunRecord:
    """A run whose test errors per epoch are given; the training error is half of each, seconds count up from 10.

    diverged: why it ended, in the epoch after the last of these.
    """
    config = RunConfig(**{"dataset": "folder:photos", "epochs": len(errors) + bool(diverged), **fields})
    epochs = [
        Epoch(
            epoch=number,
            lr=learning_rate(config, number),
            train_loss=error / 10,
            train_error=error / 2 if train_error is None else train_error,
            test_error=error,
            train_seconds=9.0 + number,
            test_seconds=1.0,
        )
        for number, error in enumerate(errors, start=1)
    ]
    classes = 100 if config.dataset.endswith("100") else 10
    data = DataSource(source="made up", sha256=sha256, train_size=train_size, test_size=test_size, num_classes=classes)
    return RunRecord(
        config=config,
        epochs=epochs,
        environment={**ENVIRONMENT, "device_name": device_name, "compiled": compiled},
        data=data,
        commit="0" * 40,
        finished="2026-01-01T00:00:00+00:00",
        diverged=diverged,
    )


def run(structure="basic", error=7.0, curve=None, **fields) -> RunRecord:
    """A full run on CIFAR-10 whose last error is given; at epoch 1, chosen on the test set, it has 1 %."""
    errors = curve or [1.0, *[50.0] * (fields.get("epochs", 160) - 2), error]
    return record(errors, **{"dataset": "cifar10", "structure": structure, **fields})


def pairs(first: list[float], second: list[float], name="simplified-1", reference="basic", **fields) -> list[RunRecord]:
    """Runs of two structures whose last errors are given by seed."""
    return [
        run(structure, error, seed=seed, **fields)
        for structure, errors in ((name, first), (reference, second))
        for seed, error in enumerate(errors)
    ]


def study(experiment: str, errors: dict[str, float], ended: str = "", **fields) -> list[RunRecord]:
    """The runs of an experiment in short, by structure; `ended`: one that diverged at rates other than the paper's."""
    found = []
    for config in EXPERIMENTS[experiment].runs("beyond"):
        diverged = "the loss is nan" * (config.structure == ended and config.lr != 0.1)
        errors_by_epoch = [errors[config.structure] + config.seed / 10] * (config.epochs - bool(diverged))
        recipe = {**config.model_dump(exclude={"epochs"}), **fields}
        found.append(record(errors_by_epoch, diverged=diverged, **recipe))
    return found


def timing(
    depth=20, device_name="Some CPU", precision="fp32", batch_size=128, rounds=6, **seconds: float | list[float]
) -> TimingRecord:
    """Seconds of each structure, the same in every round or one by one; names with "_" for "-"."""
    return TimingRecord(
        depth=depth,
        batch_size=batch_size,
        precision=precision,
        steps=2,
        seconds={
            name.replace("_", "-"): value if isinstance(value, list) else [value] * rounds
            for name, value in seconds.items()
        },
        warmup_seconds={},
        environment={"device": "cpu" if "CPU" in device_name else "cuda", "device_name": device_name},
        commit="",
        finished="",
    )


def activations(share: float, first_drift=0.1, paths=(), **fields) -> ActivationRecord:
    """Two blocks alike: this share of all values is positive, half of the outputs were at the start."""
    of = run(**fields)
    block = BlockActivations(
        outputs=10,
        input_positive=share,
        normalised_positive=share,
        output_positive=share,
        output_positive_at_start=0.5,
        first_drift=first_drift,
        second_drift=0.2,
    )
    measured = {"images": 10, "blocks": [block] * 2, "path_gradients": list(paths)}
    return ActivationRecord(config=of.config, data=of.data, environment=of.environment, **measured)


def linearity(share: float, **fields) -> LinearityRecord:
    """Two blocks alike, one of them without a first activation: every share is this one."""
    of = run(**fields)
    shares = dict.fromkeys(ActivationLinearity.model_fields, share)
    block = BlockLinearity(first=ActivationLinearity(**shares), second=None, branch_r2=share)
    without = BlockLinearity(first=None, second=None, branch_r2=share)
    blocks = [block, without]
    return LinearityRecord(config=of.config, data=of.data, environment=of.environment, images=10, blocks=blocks)


def found(claim_id: str, *runs: RunRecord, timings=(), activations=(), linearity=()) -> Finding:
    """The ledger's finding on one claim from these records alone."""
    wanted = [claim for claim in paper.claims() if claim.id == claim_id]
    (entry,) = decide(runs, timings, activations, linearity, wanted)
    return entry.finding


ERRORS = {name: 20.0 + place for place, name in enumerate(SQUARE)}


def square_runs(errors=None, ended=(), seeds=1, **fields) -> list[RunRecord]:
    """Runs of all pairs of activations, by ERRORS or others; `ended`: structures that diverged."""
    return [
        record((), diverged="soon", structure=name, seed=seed, epochs=2, **fields)
        if name in ended
        else record((50.0, error + seed), structure=name, seed=seed, **fields)
        for name, error in (errors or ERRORS).items()
        for seed in range(seeds)
    ]


def square_times(**seconds: float) -> TimingRecord:
    """A timing of all pairs of activations, 10 s each where no other time is given."""
    return timing(20, rounds=6, **{name.replace("-", "_"): 10.0 for name in SQUARE} | seconds)
