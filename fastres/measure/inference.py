"""Time of the forward pass of a network as it was trained, and with its convolutions merged."""

import torch

from fastres.models.inference import collapsed, folded
from fastres.models.resnet import build_model
from fastres.theory.counts import IMAGE
from fastres.timers import Comparison, compare

AS_TRAINED, FOLDED, COLLAPSED = "as trained", "BN folded", "convolutions merged"


@torch.no_grad()
def forward_times(structure: str, depth: int, batch_size: int = 128, rounds: int = 11) -> Comparison:
    """Seconds of one batch in evaluation mode, in float32 on the CPU, the three forms interleaved.

    Raises ValueError for a structure or depth that cannot be built.
    """
    model = build_model(structure, depth, seed=0).to(memory_format=torch.channels_last).eval()
    images = torch.randn(batch_size, 3, IMAGE, IMAGE).to(memory_format=torch.channels_last)
    forms = {AS_TRAINED: model, FOLDED: folded(model), COLLAPSED: collapsed(model)}
    calls = {name: torch.no_grad()(lambda form=form: form(images)) for name, form in forms.items()}
    return compare(calls, rounds, device="cpu", warmup=2)
