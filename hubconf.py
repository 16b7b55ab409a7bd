"""The networks for torch.hub: torch.hub.load("OWNER/fastres", "network", structure="simplified-1", depth=110)."""

dependencies = ["torch", "numpy", "psutil", "pydantic", "safetensors"]


def network(structure: str = "simplified-1", depth: int = 110, num_classes: int = 10):
    """A freshly initialised network; see fastres.build_model."""
    from fastres import build_model

    return build_model(structure, depth, num_classes)


def trained(run: str):
    """A trained network of data/recorded/ by its id or the beginning of it; see fastres.load_trained."""
    from fastres import load_trained

    return load_trained(run)
