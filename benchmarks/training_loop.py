"""The training loop of fastres against the loop that most public CIFAR repositories use.

    python benchmarks/training_loop.py --steps 20 --rounds 7

All candidates run the same number of steps on the same images, with the same network and recipe, interleaved in
one process; ratios are taken round by round. "public" is torchvision transforms on PIL images in a
DataLoader with two workers, float32, eager, with losses and errors read at every step. Lightning and timm take part
where they are installed (pip install -c requirements.lock -e ".[peers]").

The table is printed, and the seconds are written to outputs/benchmarks.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Annotated

import peers
import torch
import torchvision
import typer
from pil_images import PILImages
from torch import nn
from torch.utils.data import DataLoader
from torchvision import transforms

from fastres import RunConfig, build_model, paths
from fastres.datasets.augmentation import EpochPlan, crop_and_flip, pad_images
from fastres.datasets.dataset import Dataset, Normalizer
from fastres.datasets.sources import synthetic
from fastres.device import arithmetic, choose_device, native_precisions
from fastres.measure.bench import fields, one_pass
from fastres.measure.rates import rates
from fastres.records.benchmarks import DATA, PUBLIC, BenchmarkRecord
from fastres.records.timings import save_timing
from fastres.theory.roofline import step_floor
from fastres.timers import compare
from fastres.training.loop import Trainer
from fastres.views import speed


@dataclasses.dataclass(frozen=True)
class Request:
    """What is timed: one pass over `dataset` with the network and recipe of `config`, the loader with `workers`."""

    dataset: Dataset
    config: RunConfig
    workers: int


def public_loader(request: Request) -> DataLoader:
    dataset, config, workers = request.dataset, request.config, request.workers
    mean, std = ((part / 255).tolist() for part in dataset.mean_and_std())
    augment = transforms.Compose(
        [
            transforms.RandomCrop(32, padding=config.crop_padding),
            transforms.RandomHorizontalFlip(),
            transforms.ToTensor(),
            transforms.Normalize(mean, std),
        ]
    )
    images = PILImages(dataset, augment)
    return DataLoader(
        images, batch_size=config.batch_size, shuffle=True, num_workers=workers, persistent_workers=workers > 0
    )


def our_batches(dataset: Dataset, config: RunConfig):
    """The data path of fastres, as an iterable that the public loop can use."""
    padded = pad_images(dataset.train_images, config.crop_padding)
    normalize = Normalizer(*dataset.mean_and_std()).to(dataset.device)
    generator = torch.Generator().manual_seed(config.seed)

    class Batches:
        def __iter__(self):
            plan = EpochPlan.draw(len(dataset.train_labels), config, generator, dataset.device)
            for start in range(0, len(dataset.train_labels), config.batch_size):
                batch = plan[start : start + config.batch_size]
                images = normalize(crop_and_flip(padded, batch, config.crop_padding))
                yield images.contiguous(), dataset.train_labels[batch.index]

    return Batches()


def public_loop(batches, dataset: Dataset, config: RunConfig) -> Callable[[], None]:
    """One epoch as most public repositories write it."""
    device = dataset.device
    model: nn.Module = build_model(config.structure, config.depth, dataset.num_classes, seed=config.seed).to(device)
    optimizer = torch.optim.SGD(
        model.parameters(), lr=config.lr, momentum=config.momentum, nesterov=True, weight_decay=config.weight_decay
    )
    criterion = nn.CrossEntropyLoss()

    def epoch() -> None:
        model.train()
        total_loss, correct = 0.0, 0
        for images, labels in batches:
            images, labels = images.to(device), labels.to(device)
            optimizer.zero_grad()
            outputs = model(images)
            loss = criterion(outputs, labels)
            loss.backward()
            optimizer.step()
            total_loss += loss.item()
            correct += outputs.max(1)[1].eq(labels).sum().item()

    return epoch


def in_fp32(epoch: Callable[[], object], device: torch.device) -> Callable[[], None]:
    """In IEEE arithmetic, as fastres's fp32 is: torch's default on CUDA is TF32 in convolutions."""

    def run() -> None:
        with arithmetic("fp32", device):
            epoch()

    return run


def our_loop(dataset: Dataset, config: RunConfig, compiled: bool) -> Callable[[], None]:
    return one_pass(Trainer(config, dataset, compiled))


def data_only(dataset: Dataset, config: RunConfig) -> Callable[[], None]:
    batches = our_batches(dataset, config)

    def epoch() -> None:
        for _ in batches:
            pass

    return epoch


def candidates_of(request: Request, precisions: Sequence[str]) -> dict[str, Callable[[], object]]:
    dataset, config = request.dataset, request.config
    others = {
        PUBLIC: public_loop(public_loader(request), dataset, config),
        "public with our data path, fp32": public_loop(our_batches(dataset, config), dataset, config),
        **peers.installed(public_loader(request), dataset, config),
        DATA: data_only(dataset, config),
    }
    candidates = {name: in_fp32(epoch, dataset.device) for name, epoch in others.items()}
    for precision in precisions:
        ours = config.changed(precision=precision)
        candidates[f"fastres, {precision}, eager"] = our_loop(dataset, ours, compiled=False)
        candidates[f"fastres, {precision}, compiled"] = our_loop(dataset, ours, compiled=True)
    return candidates


def main(
    depth: int = 20,
    steps: Annotated[int, typer.Option(min=1, help="steps of 128 images in each round")] = 20,
    rounds: Annotated[int, typer.Option(min=1)] = 7,
    workers: Annotated[int, typer.Option(help="worker processes of the public loop's DataLoader")] = 2,
    structure: str = "basic",
    device: str = "auto",
) -> None:
    where = choose_device(device)
    dataset = synthetic(10, train_size=128 * steps, test_size=128, side=32).to(where)
    request = Request(dataset, RunConfig(dataset="synthetic", structure=structure, depth=depth), workers)
    precisions = native_precisions(where)
    if len(precisions) == 1:
        print(f"bf16 is left out: this {where.type} device does not compute in it, or was not tried.")
    candidates = candidates_of(request, precisions)
    timed = compare(candidates, rounds, warmup=1, device=where)
    record = BenchmarkRecord(
        structure=structure,
        depth=depth,
        batch_size=128,
        steps=steps,
        floors={
            f"fastres, {precision}, compiled": step_floor(
                structure, depth, 128, precision, rates(where, precision)
            ).seconds
            for precision in precisions
        },
        packages={"torchvision": torchvision.__version__, **peers.versions()},
        **fields(timed, where),
    )
    print(f"{structure}, D = {depth}, {steps} steps of 128 images, {rounds} interleaved rounds")
    print(", ".join(f"{name} {value}" for name, value in {**record.environment, **record.packages}.items()))
    print(speed.table([record]).to_markdown(index=False))
    print(f"Written: {save_timing(record, paths.benchmarks())}")


if __name__ == "__main__":
    typer.run(main)
