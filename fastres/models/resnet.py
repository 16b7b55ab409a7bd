"""The networks of Section 3.2: stem, three stages of n residual blocks, BN-ReLU-pool-classifier."""

import operator
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from fastres.models.blocks import activation, build_block, convolution, he_normal_
from fastres.models.structures import STEM, check_classes, outer_activations, stages

Part = Callable[[Tensor], Tensor]  # a block, or the network's head


class ResNet(nn.Module):
    """A ResNet for small images: (B, 3, H, W) -> logits (B, num_classes).

    depth = 6n + 2 for structures of two activations, 9n + 2 for bottleneck structures, where n is the
    number of blocks of a stage. H and W are at least 4 (32 in the paper).
    """

    def __init__(self, structure: str, depth: int, num_classes: int = 10, shortcut: str = "A"):
        super().__init__()
        first, last = outer_activations(structure)
        self.stem: nn.Module = convolution(STEM)
        if first != "none":
            self.stem = nn.Sequential(self.stem, activation(first, STEM.out_channels))
        self.stages = nn.Sequential()
        for blocks, channels, width, out_channels, stride in stages(structure, depth):
            opening = build_block(structure, channels, width, stride, shortcut)
            others = (build_block(structure, out_channels, width) for _ in range(blocks - 1))
            self.stages.append(nn.Sequential(opening, *others))
        self.activation = activation(last, out_channels)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(out_channels, num_classes)

    @property
    def blocks(self) -> list[nn.Module]:
        """All residual blocks, from the image to the classifier."""
        return [block for stage in self.stages for block in stage.children()]

    def forward(
        self, x: Tensor, run: Callable[[Part, Tensor], Tensor] = operator.call, kept: Sequence[bool] | None = None
    ) -> Tensor:
        """Logits of images. run(part, x) applies a block (a module) or the bound method head to x.

        kept: for each block whether its branch is computed; default: all.
        """
        x = self.stem(x)
        blocks = self.blocks
        for block, whole in zip(blocks, kept or [True] * len(blocks), strict=True):
            x = run(block, x) if whole else block.shortcut(x)
        return run(self.head, x)

    def head(self, x: Tensor) -> Tensor:
        """From the last block's output (B, 64, H/4, W/4; bottleneck: 256) to the logits (B, num_classes)."""
        return self.classifier(self.pool(self.activation(x)).flatten(1))


def build_model(
    structure: str,
    depth: int,
    num_classes: int = 10,
    seed: int | None = None,
    shortcut: str = "A",
    init_scale: float = 1.0,
) -> ResNet:
    """A freshly initialised network, in float32 on the CPU.

    structure: "basic", "simplified-1", "simplified-2", "bottleneck", "post-activation", or activations joined by "/"
        ("bn/bn-relu": see fastres.models.structures).
    depth: D = 6n + 2 (bottleneck structures: 9n + 2) weighted layers.
    seed: of the initial weights; None draws them from torch's global generator.
    shortcut: where a block changes the shape, "A" subsamples and adds zero channels, "B" is a 1x1 convolution, which
        the depth does not count.
    init_scale: factor on the initial weights of convolutions and classifier.

    Raises ValueError for an unknown structure or shortcut, a depth of another form (naming the nearest), or a
    num_classes that is not an integer of at least 2.
    """
    check_classes(num_classes)
    model = ResNet(structure, depth, num_classes, shortcut)
    he_normal_(model, None if seed is None else torch.Generator().manual_seed(seed), init_scale)
    return model


def count_parameters(model: nn.Module) -> int:
    """Trainable parameters, batch normalisation's included."""
    return sum(parameter.numel() for parameter in model.parameters())


def count_layers(model: nn.Module) -> int:
    """Weighted layers as the paper counts depth: convolutions and fully connected layers."""
    return sum(isinstance(module, (nn.Conv2d, nn.Linear)) for module in model.modules())
