"""The networks of Section 3.2: stem, three stages of n residual blocks, BN-ReLU-pool-classifier."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fastres.models.blocks import EXPANSION, BottleneckBlock, ResidualBlock, activation, conv3x3, he_normal_
from fastres.models.structures import activations, blocks_per_stage, convs_per_block

WIDTHS = (16, 32, 64)  # of the three stages; the second and third halve the map


Part = nn.Module | Callable[[Tensor], Tensor]  # a block, or the bound method ResNet.head


def apply(part: Part, x: Tensor) -> Tensor:
    return part(x)


class ResNet(nn.Module):
    """A pre-activation ResNet for small images: (B, 3, H, W) -> logits (B, num_classes).

    depth = 6n + 2 for structures of two activations, 9n + 2 for bottleneck structures, where n is the
    number of blocks of a stage. H and W are at least 4 (32 in the paper).
    """

    def __init__(self, structure: str, depth: int, num_classes: int = 10):
        super().__init__()
        n = blocks_per_stage(structure, depth)
        self.stem = conv3x3(3, WIDTHS[0])  # no BN, no ReLU: the first block's input is linear in the image
        self.stages = nn.Sequential()
        channels = WIDTHS[0]
        for width in WIDTHS:
            first_stride = 1 if width == WIDTHS[0] else 2
            stage, channels = _stage(structure, n, channels, width, first_stride)
            self.stages.append(stage)
        self.activation = activation("bn-relu", channels)
        self.classifier = nn.Linear(channels, num_classes)

    @property
    def blocks(self) -> list[nn.Module]:
        """All residual blocks, from the image to the classifier."""
        return [block for stage in self.stages for block in stage]

    def forward(self, x: Tensor, run: Callable[[Part, Tensor], Tensor] = apply) -> Tensor:
        """run(part, x) applies a block, or the head: fastres.training.engine hands in a compiled one."""
        x = self.stem(x)
        for block in self.blocks:
            x = run(block, x)
        return run(self.head, x)

    def head(self, x: Tensor) -> Tensor:
        """From the last block's output (B, 64, H/4, W/4; bottleneck: 256) to the logits (B, num_classes)."""
        x = self.activation(x)
        x = F.adaptive_avg_pool2d(x, 1).flatten(1)
        return self.classifier(x)


def _stage(structure: str, n: int, channels: int, width: int, first_stride: int) -> tuple[nn.Sequential, int]:
    """n blocks of one width, and the number of channels they put out."""
    parts = activations(structure)
    bottleneck = convs_per_block(structure) == 3
    block = BottleneckBlock if bottleneck else ResidualBlock
    out_channels = EXPANSION * width if bottleneck else width
    stage = nn.Sequential()
    for i in range(n):
        stage.append(block(parts, channels, width, first_stride if i == 0 else 1))
        channels = out_channels
    return stage, channels


def build_model(structure: str, depth: int, num_classes: int = 10, seed: int | None = None) -> ResNet:
    """A freshly initialised network, in float32 on the CPU.

    structure: "basic", "simplified-1", "simplified-2", "bottleneck", or activations joined by "/"
        ("bn/bn-relu": see fastres.models.structures).
    depth: D = 6n + 2 (bottleneck structures: 9n + 2) weighted layers.
    seed: of the initial weights; None draws them from torch's global generator.

    Raises ValueError for an unknown structure, a depth of another form (naming the nearest), or fewer
    than two classes.
    """
    if num_classes < 2:
        raise ValueError(f"num_classes is {num_classes}: a classifier needs at least 2")
    model = ResNet(structure, depth, num_classes)
    he_normal_(model, None if seed is None else torch.Generator().manual_seed(seed))
    return model


def count_parameters(model: nn.Module) -> int:
    """Trainable parameters, batch normalisation's included."""
    return sum(parameter.numel() for parameter in model.parameters())


def count_layers(model: nn.Module) -> int:
    """Weighted layers as the paper counts depth: convolutions and fully connected layers."""
    return sum(isinstance(module, (nn.Conv2d, nn.Linear)) for module in model.modules())
