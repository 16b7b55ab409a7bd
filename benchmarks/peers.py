"""The same training loop as users of Lightning and of timm would write it, where these packages are installed."""

import importlib
import logging
import warnings
from collections.abc import Callable
from importlib import metadata

import torch
from pil_images import PILImages
from torch import Tensor, nn
from torch.utils.data import DataLoader

from fastres import RunConfig, build_model
from fastres.datasets.dataset import Dataset

PACKAGES = ("lightning", "timm")


def _is_there(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


def versions() -> dict[str, str]:
    return {package: metadata.version(package) for package in PACKAGES if _is_there(package)}


def installed(loader: DataLoader, dataset: Dataset, config: RunConfig) -> dict[str, Callable[[], object]]:
    """A candidate for every package that is installed: a call that trains for one pass over the images, in fp32."""
    candidates: dict[str, Callable[[], object]] = {}
    if _is_there("lightning"):
        candidates["Lightning, torchvision transforms, fp32"] = lightning_fit(loader, dataset, config)
    if _is_there("timm"):
        candidates["timm's data pipeline, fp32"] = timm_loop(dataset, config, loader.num_workers)
    return candidates


def lightning_fit(loader: DataLoader, dataset: Dataset, config: RunConfig) -> Callable[[], object]:
    """Trainer.fit for one epoch more at every call; its start is part of the time. No logger, bar or checkpoint."""
    import lightning

    class Network(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.model = build_model(config.structure, config.depth, dataset.num_classes, seed=config.seed)

        def training_step(self, batch: tuple[Tensor, Tensor], number: int) -> Tensor:
            images, labels = batch
            return nn.functional.cross_entropy(self.model(images), labels)

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return _sgd(self.parameters(), config)

    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    network = Network()
    trainer = lightning.Trainer(
        accelerator=dataset.device.type,
        devices=1,
        max_epochs=0,
        logger=False,
        enable_progress_bar=False,
        enable_checkpointing=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
    )

    def epoch() -> None:
        trainer.fit_loop.max_epochs += 1
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # advice on the number of workers
            trainer.fit(network, loader)

    return epoch


def timm_loop(dataset: Dataset, config: RunConfig, workers: int) -> Callable[[], object]:
    """timm's loader (its prefetcher on CUDA), and a loop as in its training script without extras."""
    from timm.data import create_loader

    mean, std = ((part / 255).tolist() for part in dataset.mean_and_std())
    device = dataset.device
    loader = create_loader(
        PILImages(dataset),
        input_size=(3, 32, 32),
        batch_size=config.batch_size,
        is_training=True,
        use_prefetcher=device.type == "cuda",
        color_jitter=None,  # its other defaults: random resized crop, mirroring
        mean=mean,
        std=std,
        num_workers=workers,
        persistent_workers=workers > 0,
        device=device,
    )
    model = build_model(config.structure, config.depth, dataset.num_classes, seed=config.seed).to(device)
    optimizer = _sgd(model.parameters(), config)

    def epoch() -> None:
        model.train()
        for images, labels in loader:
            images, labels = images.to(device), labels.to(device)
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(images), labels).backward()
            optimizer.step()

    return epoch


def _sgd(parameters, config: RunConfig) -> torch.optim.SGD:
    return torch.optim.SGD(
        parameters, lr=config.lr, momentum=config.momentum, nesterov=True, weight_decay=config.weight_decay
    )
