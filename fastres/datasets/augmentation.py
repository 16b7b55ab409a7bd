"""The augmentation of Section 3.1, drawn per sample."""

import dataclasses
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor

if TYPE_CHECKING:  # config reads the catalogue beside this module
    from fastres.config import RunConfig


@dataclasses.dataclass(frozen=True)
class EpochPlan:
    """One epoch's random choices for every sample, each (N,), in the order in which samples are used."""

    index: Tensor  # which image: every one exactly once
    row: Tensor  # crop offsets, 0 to 2 padding
    column: Tensor
    mirrored: Tensor  # bool

    @classmethod
    def draw(cls, size: int, config: "RunConfig", generator: torch.Generator, device: torch.device) -> "EpochPlan":
        """Drawn on the CPU, so that every device sees the same epoch, and moved once."""
        # Device and dtype are explicit: the caller's defaults must not change what is drawn.
        offsets = 2 * config.crop_padding + 1
        host: dict[str, Any] = {"generator": generator, "device": "cpu"}
        index = torch.randperm(size, **host)
        row = torch.randint(offsets, (size,), **host)
        column = torch.randint(offsets, (size,), **host)
        mirrored = torch.rand(size, dtype=torch.float32, **host) < (0.5 if config.flip else 0.0)
        return cls(*(choice.to(device) for choice in (index, row, column, mirrored)))

    def __getitem__(self, batch: slice) -> "EpochPlan":
        return EpochPlan(self.index[batch], self.row[batch], self.column[batch], self.mirrored[batch])

    def __len__(self) -> int:
        return len(self.index)


def pad_images(images: Tensor, padding: int) -> Tensor:
    """Black pixels around each image: (N, H, W, 3) -> (N, H + 2 padding, W + 2 padding, 3)."""
    return F.pad(images, (0, 0, padding, padding, padding, padding))


def crop_and_flip(padded: Tensor, plan: EpochPlan, padding: int) -> Tensor:
    """The crops of a batch in one gather: padded uint8 (N, H + 2p, W + 2p, 3) -> uint8 (B, 3, H, W), channels last.

    Each sample has its own offset and its own draw for mirroring.
    """
    height, width = (side - 2 * padding for side in padded.shape[1:3])
    rows = plan.row[:, None] + torch.arange(height, device=padded.device)
    columns = torch.arange(width, device=padded.device)
    columns = torch.where(plan.mirrored[:, None], width - 1 - columns, columns) + plan.column[:, None]
    crops = padded[plan.index[:, None, None], rows[:, :, None], columns[:, None, :]]
    return crops.permute(0, 3, 1, 2)
