"""The paper's equations as functions on tensors, and the costs of a network in closed form."""

from fastres.theory.counts import Costs, costs
from fastres.theory.equations import (
    batch_norm,
    batch_norm_affine,
    bn_relu,
    border_correction,
    collapse,
    compose_convs,
    conv2d,
    conv2d_gradients,
    conv_of_affine,
    fold_affine,
    fold_affine_as_printed,
    reachable_dimension,
    relu,
    ring,
)

__all__ = [
    "Costs",
    "batch_norm",
    "batch_norm_affine",
    "bn_relu",
    "border_correction",
    "collapse",
    "compose_convs",
    "conv2d",
    "conv2d_gradients",
    "conv_of_affine",
    "costs",
    "fold_affine",
    "fold_affine_as_printed",
    "reachable_dimension",
    "relu",
    "ring",
]
