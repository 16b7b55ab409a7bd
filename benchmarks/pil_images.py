"""Images as torchvision's datasets give them: each array is converted to a PIL image, then transformed."""

from collections.abc import Callable

import torch
from torchvision import transforms
from torchvision.datasets.vision import VisionDataset

from fastres.datasets.dataset import Dataset


class PILImages(VisionDataset):
    def __init__(self, dataset: Dataset, transform: Callable | None = None):
        super().__init__(root="", transform=transform)
        self.images = dataset.train_images.cpu().numpy()
        self.labels = dataset.train_labels.tolist()

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        image = transforms.functional.to_pil_image(self.images[index])
        return self.transform(image) if self.transform else image, self.labels[index]
