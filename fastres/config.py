"""RunConfig: one training run, validated, frozen, with its id; and the check of a notebook's parameters."""

import hashlib
import json
import re
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from fastres.errors import ConfigError, did_you_mean, unknown_parameter
from fastres.models import structures

DATASETS = ("cifar10", "cifar100", "digits", "synthetic", "synthetic100")


FOLDER = "folder:"


class RunConfig(BaseModel):
    """One training run of the paper's recipe (Section 3.2); two equal configs are the same run.

    Raises ConfigError for an unknown name, a wrong type (text is never taken for a number or a
    truth value) or a value out of range.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    dataset: str = Field("cifar10", description=f"{', '.join(DATASETS)}, or folder:PATH")
    structure: str = Field("basic", description="basic, simplified-1, simplified-2, bottleneck, or e.g. bn/bn-relu")
    depth: int = Field(20, description="weighted layers: 6n + 2 (bottleneck: 9n + 2)")
    seed: int = Field(0, ge=0, lt=2**63, description="of initial weights, order and augmentation")
    epochs: int = Field(160, ge=1, description="passes over the training images")
    batch_size: int = Field(128, ge=2, description="images per step; the last batch of an epoch may be smaller")
    lr: float = Field(0.1, gt=0, allow_inf_nan=False, description="learning rate of the first epochs")
    momentum: float = Field(0.9, ge=0, lt=1, description="Nesterov momentum; 0 is plain SGD")
    weight_decay: float = Field(1e-4, ge=0, allow_inf_nan=False, description="on all parameters")
    crop_padding: int = Field(4, ge=0, le=16, description="zero pixels around an image before its random crop")
    flip: bool = Field(True, description="mirror a random half of the images")
    precision: Literal["fp32", "tf32", "bf16"] = Field("fp32", description="fp32, tf32 or bf16")

    def __init__(self, **fields: Any):
        try:
            super().__init__(**fields)
        except ValidationError as error:
            raise ConfigError(_one_line(error)) from None

    @field_validator("dataset")
    @classmethod
    def _known_dataset(cls, name: str) -> str:
        if name in DATASETS or (name.startswith(FOLDER) and len(name) > len(FOLDER)):
            return name
        raise ValueError(f"use one of {', '.join(DATASETS)}, or folder:PATH{did_you_mean(name, DATASETS)}")

    @field_validator("structure")
    @classmethod
    def _one_name_per_structure(cls, name: str) -> str:
        return structures.canonical(name)

    @model_validator(mode="after")
    def _possible_depth(self) -> "RunConfig":
        structures.blocks_per_stage(self.structure, self.depth)
        return self

    @property
    def milestones(self) -> tuple[int, int]:
        """Epochs after which the rate falls tenfold: half and three quarters of the run (80, 120 of 160)."""
        return max(1, self.epochs // 2), max(1, self.epochs * 3 // 4)

    def lr_at(self, epoch: int) -> float:
        """Learning rate of an epoch, counted from 1: 0.1 to epoch 80, 0.01 to 120, then 0.001 in the paper."""
        drops = sum(epoch > milestone for milestone in self.milestones)
        return self.lr / 10**drops

    @property
    def run_id(self) -> str:
        """Readable and unique name of the run, also its folder's name.

        The hash covers only the fields that differ from their defaults, so that a field added later
        leaves the ids of recorded runs as they are.
        """
        changed = json.dumps(self.model_dump(exclude_defaults=True), sort_keys=True)
        digest = hashlib.sha256(changed.encode()).hexdigest()[:8]
        dataset = re.sub(r"[^A-Za-z0-9]+", "-", self.dataset.removeprefix(FOLDER).rstrip("/").split("/")[-1])
        structure = self.structure.replace("/", "+")
        return f"{dataset}_{structure}_d{self.depth}_e{self.epochs}_s{self.seed}_{digest}"


def _one_line(error: ValidationError) -> str:
    """pydantic's findings as one line: `depth = 21: ...; lr = 'x': ...`."""
    findings = []
    for found in error.errors():
        message = found["msg"].removeprefix("Value error, ")
        if found["type"] == "extra_forbidden":
            findings.append(unknown_parameter(found["loc"][0], RunConfig.model_fields))
        elif found["loc"]:
            findings.append(f"{found['loc'][0]} = {found['input']!r}: {message[0].lower()}{message[1:]}")
        else:
            findings.append(message)
    return "; ".join(findings)
