"""Records of how nearly affine the activations of a trained network are."""

from pathlib import Path
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from fastres.records import store
from fastres.records.runs import Measurement

FILE_NAME = "linearity.json"


class ActivationLinearity(BaseModel):
    """One activation ReLU(BN(X)) of a block, on test images in evaluation mode. Shares are between 0 and 1.

    r2: share of its variance that the best affine map of X, channel by channel, explains.
    positive: share of the values of BN(X) above 0. always_on, always_off: shares of the channels in which all are
    above, or none. beta_over_gamma: median over channels of beta / |gamma|, the mean of BN(X) in its deviations.
    folded_inside, folded_border: error of the next convolution with the best affine map folded into it (what Eq (9)
    should be), as a share of the norm of its output, in the interior and on the outermost ring of pixels.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")

    r2: float
    positive: float
    always_on: float
    always_off: float
    beta_over_gamma: float
    folded_inside: float
    folded_border: float


class BlockLinearity(BaseModel):
    """One block, in its order from the image. None: the structure has no BN-ReLU there.

    branch_r2: of a block without a second activation, the share of its branch's variance that is left explained when
    the first activation is replaced by its best affine map, which makes the whole branch affine in X (Eqs (11)-(13)).
    """

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")

    first: ActivationLinearity | None
    second: ActivationLinearity | None
    branch_r2: float | None


class LinearityRecord(Measurement):
    """Measurements on one finished run."""

    KIND: ClassVar[str] = "record of linearity"
    FILES: ClassVar[str] = f"**/{FILE_NAME}"

    blocks: list[BlockLinearity]


def load_linearity(*folders: str | Path) -> list[LinearityRecord]:
    """Every linearity.json below the folders, by run id; the first folder's where a run comes twice.

    Raises RecordError naming a file that is not one.
    """
    return store.find(LinearityRecord, *folders)
