"""The training loop of fastres against the loop that most public CIFAR repositories use.

    python benchmarks/training_loop.py --steps 20 --rounds 7

All candidates run the same number of steps on the same images, with the same network and recipe, interleaved in
one process; ratios are taken round by round. "public" is torchvision transforms on PIL images in a
DataLoader with two workers, float32, eager, with losses and errors read at every step.
"""

from collections.abc import Callable
from typing import Annotated

import numpy as np
import torch
import typer
from torch import nn
from torch.utils.data import DataLoader
from torchvision import transforms
from torchvision.datasets.vision import VisionDataset

from fastres import RunConfig, build_model
from fastres.datasets.augmentation import EpochPlan, crop_and_flip, pad_images
from fastres.datasets.dataset import Dataset, Normalizer
from fastres.datasets.sources import synthetic
from fastres.device import choose_device, emulates_bf16
from fastres.measure.bench import one_pass
from fastres.measure.rates import rates
from fastres.records.provenance import describe
from fastres.theory.roofline import step_floor
from fastres.timers import compare
from fastres.training.loop import Trainer


class PILImages(VisionDataset):
    """A dataset in the manner of torchvision: each array is converted to a PIL image, then transformed."""

    def __init__(self, dataset: Dataset, transform: Callable):
        super().__init__(root="", transform=transform)
        self.images = dataset.train_images.cpu().numpy()
        self.labels = dataset.train_labels.tolist()

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        image = transforms.functional.to_pil_image(self.images[index])
        return self.transform(image), self.labels[index]


def public_loader(dataset: Dataset, config: RunConfig, workers: int) -> DataLoader:
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
    padded, normalize = pad_images(dataset.train_images, config.crop_padding), Normalizer(dataset)
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


def our_loop(dataset: Dataset, config: RunConfig, compiled: bool) -> Callable[[], None]:
    return one_pass(Trainer(config, dataset, compiled))


def data_only(dataset: Dataset, config: RunConfig) -> Callable[[], None]:
    batches = our_batches(dataset, config)

    def epoch() -> None:
        for _ in batches:
            pass

    return epoch


def main(
    depth: int = 20,
    steps: Annotated[int, typer.Option(min=1, help="steps of 128 images in each round")] = 20,
    rounds: Annotated[int, typer.Option(min=1)] = 7,
    workers: Annotated[int, typer.Option(help="worker processes of the public loop's DataLoader")] = 2,
    structure: str = "basic",
    device: str = "auto",
) -> None:
    where = choose_device(device)
    dataset = synthetic(10, train_size=128 * steps, test_size=128).to(where)
    configs = {
        precision: RunConfig(dataset="synthetic", structure=structure, depth=depth, precision=precision)
        for precision in ("fp32", "bf16")
        if precision == "fp32" or not emulates_bf16(where)
    }
    fp32 = configs["fp32"]
    public, ours = "public loop, fp32", "fastres, {}, compiled"
    candidates = {
        public: public_loop(public_loader(dataset, fp32, workers), dataset, fp32),
        "public loop, our data path": public_loop(our_batches(dataset, fp32), dataset, fp32),
        "data and augmentation alone": data_only(dataset, fp32),
    }
    for precision, config in configs.items():
        candidates[f"fastres, {precision}, eager"] = our_loop(dataset, config, compiled=False)
        candidates[ours.format(precision)] = our_loop(dataset, config, compiled=True)
    if len(configs) == 1:
        print("bf16 is left out: this processor has neither AVX-512 BF16 nor AMX and would emulate it.")
    result = compare(candidates, rounds, warmup=1, device=where)
    environment = describe(where)
    print(f"{structure}, D = {depth}, {steps} steps of 128 images, {rounds} interleaved rounds")
    print(", ".join(f"{name} {value}" for name, value in environment.items()))
    print(f"{'candidate':30s} {'ms per step':>12s} {'quartiles':>16s}   public / it, median [95 %]    first pass s")
    for name in candidates:
        low, high = (1000 * value / steps for value in result.quartiles(name))
        ratio = result.ratio(public, to=name)
        print(
            f"{name:30s} {1000 * result.median(name) / steps:12.1f} {low:7.1f} – {high:6.1f}   "
            f"{ratio:6.2f}           {result.warmup_seconds[name]:10.1f}"
        )
    for precision in configs:
        name = ours.format(precision)
        floor = step_floor(structure, depth, 128, precision, rates(where, precision))
        step = np.median(result.seconds[name]) / steps
        print(f"{name}: {step / floor.seconds:.2f} times the floor of {1000 * floor.seconds:.1f} ms")
        share = result.ratio("data and augmentation alone", to=name)
        print(f"{name}: data and augmentation {100 * share.value:.1f} % of the time")


if __name__ == "__main__":
    typer.run(main)
