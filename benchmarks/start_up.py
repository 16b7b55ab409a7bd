"""Start-up time of a network whose blocks are compiled with empty caches, at a small and at the largest depth.

    python benchmarks/start_up.py --rounds 3

A block is compiled once for each of its shapes, so the depth should hardly matter. The depths alternate within one
process. Every start clears the compiler's caches, on disk too, and includes the step that triggers compilation.
"""

from typing import Annotated

import typer

from fastres import RunConfig
from fastres.datasets.sources import synthetic
from fastres.device import choose_device
from fastres.records.provenance import describe
from fastres.stats import ratio_of
from fastres.training.loop import Trainer


def main(
    depth: int = 20,
    deep: int = 668,
    rounds: Annotated[int, typer.Option(min=1)] = 3,
    structure: str = "basic",
    precision: str = "bf16",
    device: str = "auto",
) -> None:
    import torch._inductor.config

    torch._inductor.config.force_disable_caches = True
    where = choose_device(device)
    dataset = synthetic(10, train_size=128, test_size=128, side=32).to(where)
    seconds: dict[int, list[float]] = {depth: [], deep: []}
    for _ in range(rounds + 1):
        for each, found in seconds.items():
            torch.compiler.reset()
            config = RunConfig(dataset="synthetic", structure=structure, depth=each, precision=precision)
            trainer = Trainer(config, dataset, compiled=True)
            if not trainer.compiled:
                raise typer.Exit(1)
            found.append(trainer.timer.last["compile"])
    first, *seconds[depth] = seconds[depth]  # the first in a process also initialises the compiler
    seconds[deep].pop(0)
    print(f"{structure}, {precision}, batch 128: {rounds} starts of each depth in turn, nothing cached")
    print(", ".join(f"{name} {value}" for name, value in describe(where).items()))
    for each, found in seconds.items():
        print(f"D = {each}: {', '.join(f'{value:.1f}' for value in found)} s")
    print(f"D = {depth}, the first of the process: {first:.1f} s")
    print(f"D = {deep} over D = {depth}: {ratio_of(seconds[deep], seconds[depth])}")


if __name__ == "__main__":
    typer.run(main)
