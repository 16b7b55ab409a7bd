"""Pictures that a reader can change: of a structure, of two kernels, of the affine approximation.

Each is a drawing function of a few values. In a live front end (JupyterLab, Notebook) it is shown with controls of
ipywidgets; without one (nbconvert, papermill, nbval) as a figure of the default values.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import pandas as pd
from matplotlib.figure import Figure

from fastres import paper, paths
from fastres.claims.timings import decides, machine
from fastres.experiments import TIMED
from fastres.models.structures import ACTIVATIONS, canonical
from fastres.records.timings import TimingRecord, described, load_timings
from fastres.theory.counts import costs
from fastres.views import diagrams, explained, figures, html, tables

Interactive = Literal["auto", "yes", "no"]  # controls: in a live front end, always, never
Drawn = tuple[Figure, str, pd.DataFrame | None]  # a figure, its alternative text, a table below it
BATCH = 128  # of the paper
RATIOS = (-2.0, 4.0)


def structure(caption: str, interactive: Interactive = "auto", f1: str = "none", f2: str = "bn-relu", depth: int = 20):
    """A structure by its activations f1 and f2, Eq (2): its block beside basic's, its counts, its measured times."""
    choices: dict[str, Sequence[Any]] = {"f1": list(ACTIVATIONS), "f2": list(ACTIVATIONS), "depth": list(TIMED)}
    return _shown(structure_drawn, "explore_structure", caption, interactive, choices, f1=f1, f2=f2, depth=depth)


def kernels(caption: str, interactive: Interactive = "auto", first: str = "mean", second: str = "Laplace"):
    """Two 3x3 kernels in a row, the 5x5 kernel that Eq (12) makes of them, and its error on the border ring."""
    choices = {"first": list(explained.KERNELS), "second": list(explained.KERNELS)}
    return _shown(kernels_drawn, "explore_kernels", caption, interactive, choices, first=first, second=second)


def affine(caption: str, interactive: Interactive = "auto", ratio: float = 0.0):
    """The best affine map in place of ReLU(BN(X)), Eq (9), for a ratio of beta to gamma from -2 to 4."""
    return _shown(affine_drawn, "explore_affine", caption, interactive, {"ratio": RATIOS}, ratio=ratio)


def structure_drawn(f1: str, f2: str, depth: int) -> Drawn:
    name = canonical(f"{f1}/{f2}")
    pair = list(dict.fromkeys(["basic", name]))
    basic, chosen = costs("basic", depth), costs(name, depth)
    counts: dict[str, tuple[float, ...]] = {
        "multiply-accumulates per image": (basic.macs, chosen.macs),
        "batch normalisations": (basic.bn_layers, chosen.bn_layers),
        "numbers that they read per image": (basic.bn_elements, chosen.bn_elements),
        f"activation memory, MiB, batch of {BATCH}": (
            basic.saved_bytes(BATCH) / 2**20,
            chosen.saved_bytes(BATCH) / 2**20,
        ),
    }
    rows: list[tuple[str, ...]] = [
        (what, f"{a:,.0f}", f"{b:,.0f}", f"{100 * (1 - b / a):.1f} %") for what, (a, b) in counts.items()
    ]
    rows += _measured(name, depth, load_timings(paths.RECORDED_TIMINGS))
    frame = pd.DataFrame(rows, columns=[f"D = {depth}", "basic", name, "reduction [95 %]"])
    return diagrams.blocks_figure(pair), diagrams.describe(pair), frame


def _measured(name: str, depth: int, records: Sequence[TimingRecord]) -> list[tuple[str, ...]]:
    """Seconds per epoch of both: the paper's, and of each device the timing of most rounds that may decide a claim."""
    pair = ("basic", name)
    if name == "basic":
        return [("s/epoch", "–", "–", "–")]
    rows: list[tuple[str, ...]] = []
    printed = [row for row in paper.results() if (row.depth, row.dataset) == (depth, "cifar10")]
    theirs: dict[str, paper.Result] = {row.structure: row for row in printed}
    if name in theirs:
        seconds = [f"{theirs[each].seconds_per_epoch:.1f}" for each in pair]
        rows.append(("s/epoch: the paper, GTX 1070", *seconds, f"{paper.reduction('time', depth, name):.1f} %"))
    chosen = [record for record in records if record.depth == depth and decides(record, pair)]
    best = {machine(record): record for record in sorted(chosen, key=lambda record: len(record.seconds[name]))}
    for _, record in sorted(best.items()):
        seconds = [f"{record.seconds_per_epoch(each):.1f}" for each in pair]
        rows.append((f"s/epoch: {described(record, name)}", *seconds, record.ratio(*pair[::-1]).reduction().percent()))
    return rows if best else [*rows, ("s/epoch, measured", "–", "–", "not timed")]


def kernels_drawn(first: str, second: str) -> Drawn:
    return explained.kernels_figure(first, second), explained.describe_kernels(first, second), None


def affine_drawn(ratio: float) -> Drawn:
    return explained.affine_figure(ratio), explained.describe_affine(ratio), None


def _shown(
    draw: Callable[..., Drawn],
    name: str,
    caption: str,
    interactive: Interactive,
    choices: Mapping[str, Sequence[Any]],
    **values: Any,
) -> Any:
    """The figure of the values; with controls for them, where wanted, a widget that draws it again."""
    if interactive == "no" or (interactive == "auto" and not is_live()):
        figure, alt, frame = draw(**values)
        return _joined(figures.show(figure, name, alt, caption), frame)
    import ipywidgets

    controls = {key: _control(key, value, choices[key]) for key, value in values.items()}
    picture = ipywidgets.HTML()

    def redraw(_: object = None) -> None:
        figure, alt, frame = draw(**{key: control.value for key, control in controls.items()})
        width = round(figure.get_figwidth() * 100)
        drawn = html.figure(figures.rendered(figure, "svg"), "svg+xml", width, name, alt, caption)
        picture.value = _joined(drawn, frame).markup

    for control in controls.values():
        control.observe(redraw, "value")
    redraw()
    return ipywidgets.VBox([ipywidgets.HBox(list(controls.values())), picture])


def _joined(shown: html.Shown, frame: pd.DataFrame | None) -> html.Shown:
    if frame is None:
        return shown
    below = tables.show(frame)
    return html.Shown(f"{shown.markup}\n{below.markup}", f"{shown.text}\n{below.text}")


def _control(name: str, value: Any, choices: Sequence[Any]) -> Any:
    """A menu of the choices, or for two numbers a slider between them."""
    import ipywidgets

    label = {"f1": "f₁", "f2": "f₂", "depth": "depth D", "ratio": "β / γ"}.get(name, f"{name} kernel")
    look = {"description": label, "style": {"description_width": "initial"}}
    if isinstance(value, float):
        low, high = choices
        return ipywidgets.FloatSlider(value, min=low, max=high, step=0.1, continuous_update=False, **look)
    return ipywidgets.Dropdown(options=choices, value=value, **look)


def is_live() -> bool:
    """Whether a front end that can show controls asked for the running cell: Jupyter's name it, nbclient does not."""
    try:
        from IPython.core.getipython import get_ipython

        parent = get_ipython().kernel.get_parent("shell")  # type: ignore[union-attr]
    except (ImportError, AttributeError):  # no IPython, or one without a kernel
        return False
    return "cellId" in parent.get("metadata", {})
