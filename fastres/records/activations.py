"""Records of the activations of a trained network, block by block."""

import math
from pathlib import Path
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from fastres.records import store
from fastres.records.runs import Measurement

FILE_NAME = "activations.json"


class BlockActivations(BaseModel):
    """One block, in its order from the image. Shares are of all values of a map, between 0 and 1.

    outputs: number of output values for one image, the weight of the block's share among all blocks.
    drifts: how far one update moves the mean of a channel, in standard deviations, averaged over channels.
    None: the structure has no such value.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")

    outputs: int
    input_positive: float
    normalised_positive: float | None  # of BN(X), which the first ReLU reads
    output_positive: float
    output_positive_at_start: float  # of the same network before training, in training mode
    first_drift: float  # of X, the input of the first activation or, without one, of the first convolution
    second_drift: float  # of the first convolution's output


class ActivationRecord(Measurement):
    """Measurements on one finished run."""

    KIND: ClassVar[str] = "record of activations"
    FILES: ClassVar[str] = f"**/{FILE_NAME}"

    blocks: list[BlockActivations]
    path_gradients: list[float] = Field(
        default_factory=list
    )  # by number of branches on a path (fastres.measure.gradient_paths); older records: none

    def path_share(self, least: int, most: int) -> float:
        """Share of the gradient, by norm, on paths through `least` to `most` branches; NaN if it was not measured."""
        number = len(self.path_gradients) - 1
        parts = [math.comb(number, k) * norm for k, norm in enumerate(self.path_gradients)]
        return sum(parts[least : most + 1]) / sum(parts) if sum(parts) > 0 else math.nan

    def output_share(self, at_start: bool = False) -> float:
        """Share of positive values among the outputs of all blocks."""
        shares = [(b.outputs, b.output_positive_at_start if at_start else b.output_positive) for b in self.blocks]
        return sum(count * share for count, share in shares) / sum(count for count, _ in shares)

    def normalised_share(self) -> float:
        """Mean over blocks of the share of positive values that enter the first ReLU; NaN where there is none."""
        shares = [block.normalised_positive for block in self.blocks if block.normalised_positive is not None]
        return sum(shares) / len(shares) if shares else float("nan")


def load_activations(*folders: str | Path) -> list[ActivationRecord]:
    """Every activations.json below the folders, by run id; the first folder's where a run comes twice.

    Raises RecordError naming a file that is not one.
    """
    return store.find(ActivationRecord, *folders)
