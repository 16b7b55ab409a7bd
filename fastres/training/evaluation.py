"""Errors on the test images."""

import torch

from fastres.datasets.dataset import Dataset, Normalizer
from fastres.models.resnet import ResNet

BATCH = 500


@torch.no_grad()
def evaluate(model: ResNet, dataset: Dataset, normalize: Normalizer) -> int:
    """Number of test images that the model, in evaluation mode, classifies wrongly."""
    model.eval()
    errors = torch.zeros((), dtype=torch.int64, device=dataset.device)
    for start in range(0, len(dataset.test_labels), BATCH):
        images = dataset.test_images[start : start + BATCH].permute(0, 3, 1, 2)
        labels = dataset.test_labels[start : start + BATCH]
        errors += (model(normalize(images)).argmax(1) != labels).sum()
    return int(errors)
