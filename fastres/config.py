"""RunConfig: one training run, validated, frozen, with its id."""

import hashlib
import json
import re
from collections.abc import Iterable
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from fastres.datasets.catalogue import CATALOGUE, FOLDER, canonical
from fastres.errors import ConfigError, shown, unknown_parameter
from fastres.models import structures

DATASETS = tuple(CATALOGUE)


Precision = Literal["fp32", "tf32", "bf16"]
MAX_NAME = 80  # characters of a dataset's name in a run id, which is a file's name of at most 255 bytes


class RunConfig(BaseModel):
    """One training run of the paper's recipe (Section 3.2); two equal configs are the same run.

    Raises ConfigError for an unknown name, a wrong type (text is never taken for a number or a
    truth value) or a value out of range.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    dataset: str = Field("cifar10", description=f"{', '.join(DATASETS)}, or folder:PATH")
    structure: str = Field(
        "basic",
        description="basic, simplified-1, simplified-2, bottleneck, post-activation, or activations: bn/bn-relu",
    )
    depth: int = Field(20, le=100_000, description="weighted layers: 6n + 2 (bottleneck: 9n + 2)")
    seed: int = Field(0, ge=0, lt=2**63, description="seed of the initial weights, the data order and the augmentation")
    epochs: int = Field(160, ge=1, le=1_000_000, description="passes over the training images")
    batch_size: int = Field(
        128, ge=2, le=1_000_000, description="images per step; the last batch of an epoch may be smaller"
    )
    lr: float = Field(0.1, gt=0, allow_inf_nan=False, description="initial learning rate")
    momentum: float = Field(0.9, ge=0, lt=1, description="Nesterov momentum; 0 gives plain SGD")
    weight_decay: float = Field(1e-4, ge=0, allow_inf_nan=False, description="weight decay, on all parameters")
    crop_padding: int = Field(
        4, ge=0, le=16, description="zero pixels added on each side of an image before its random crop"
    )
    flip: bool = Field(True, description="mirror a random half of the images in every epoch")
    shortcut: Literal["A", "B"] = Field(
        "A", description="shortcut where the shape changes: A subsamples and adds zero channels, B is a 1x1 convolution"
    )
    init_scale: float = Field(
        1.0,
        gt=0,
        allow_inf_nan=False,
        description="factor on the He-normal initial weights of convolutions and classifier",
    )
    stochastic_depth: float = Field(
        0.0,
        ge=0,
        lt=1,
        description="probability that a step leaves out the last block's branch, falling to 0 at the image",
    )
    precision: Precision = Field("fp32", description="arithmetic of the network: fp32, tf32 or bf16")

    def __init__(self, /, **fields: Any):
        try:
            super().__init__(**fields)
        except ValidationError as error:
            raise ConfigError(one_line(error, RunConfig.model_fields)) from None

    @field_validator("dataset")
    @classmethod
    def _one_name_per_dataset(cls, name: str) -> str:
        return canonical(name)

    @field_validator("structure")
    @classmethod
    def _one_name_per_structure(cls, name: str) -> str:
        return structures.canonical(name)

    @model_validator(mode="after")
    def _possible_depth(self) -> "RunConfig":
        structures.blocks_per_stage(self.structure, self.depth)
        if self.stochastic_depth and structures.parts(self.structure)[1:] != ("none", "none"):
            raise ValueError(f"stochastic_depth needs blocks that end in a convolution, not {self.structure!r}")
        return self

    def changed(self, **fields: Any) -> "RunConfig":
        """This configuration with other values, checked as a new one is."""
        return RunConfig(**{**self.model_dump(), **fields})

    @property
    def milestones(self) -> tuple[int, int]:
        """Epochs after which the rate falls tenfold: half and three quarters of the run (80, 120 of 160)."""
        return max(1, self.epochs // 2), max(1, self.epochs * 3 // 4)

    @property
    def run_id(self) -> str:
        """Readable and unique name of the run, also its folder's name.

        The hash covers only the fields that differ from their defaults, so that a field added later
        leaves the ids of recorded runs as they are.
        """
        changed = json.dumps(self.model_dump(exclude_defaults=True), sort_keys=True)
        digest = hashlib.sha256(changed.encode()).hexdigest()[:8]
        dataset = re.sub(r"[^A-Za-z0-9]+", "-", self.dataset.removeprefix(FOLDER).split("/")[-1])
        dataset = dataset.lstrip("-")[:MAX_NAME] or "images"  # of a folder whose name has no Latin letter
        structure = self.structure.replace("/", "+")
        return f"{dataset}_{structure}_d{self.depth}_e{self.epochs}_s{self.seed}_{digest}"


def one_line(error: ValidationError, known: Iterable[str], name: str = "") -> str:
    """pydantic's findings as one line: `depth = 21: ...; depths[0] = '8': ...`.

    known: the parameters that exist; name: the one that was validated, if it was one alone.
    """
    findings = []
    for found in error.errors(include_url=False):
        message = found["msg"].removeprefix("Value error, ")
        place = name + "".join(f"[{part}]" if isinstance(part, int) else part for part in found["loc"])
        if found["type"] == "extra_forbidden":
            findings.append(unknown_parameter(place, known))
        elif place:
            findings.append(f"{place} = {shown(found['input'])}: {message[0].lower()}{message[1:]}")
        else:
            findings.append(message)
    return "; ".join(findings)
