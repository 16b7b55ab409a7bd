"""Table 1 as figures: what shares an axis, and what each mark stands at."""

from made_up import record
from matplotlib.container import ErrorbarContainer

from fastres import paper
from fastres.views import errors


def full(structure: str = "basic", seed: int = 0, error: float = 7.5, **fields):
    """A run of the paper's recipe."""
    return record((20.0,) * 159 + (error,), **{"dataset": "cifar10", "structure": structure, "seed": seed, **fields})


def drawn_x(ax) -> set[float]:
    """The x of every marker."""
    return {float(x) for line in ax.get_lines() for x in line.get_xdata() if line.get_marker() not in ("None", "")}


OTHERS = [
    record((40.0, 17.0)),
    record((40.0, 3.0), dataset="digits", depth=8),
    full(depth=56, error=5.0),
    record((40.0, 19.0), dataset="cifar10"),  # the paper's images and depth, but a short schedule
]


def test_only_runs_of_the_papers_recipe_share_its_axis():
    theirs = {paper.result(name, 20).error for name in ("basic", "simplified-1", "simplified-2")}
    runs = [full(seed=0, error=7.5), full(seed=1, error=7.7), full(dataset="cifar100", error=33.0), *OTHERS]
    (ax,) = errors.error_dots(runs).axes
    assert theirs <= drawn_x(ax) and {7.5, 7.6, 7.7} <= {round(x, 6) for x in drawn_x(ax)}
    assert not {17.0, 3.0, 33.0, 5.0, 19.0} & drawn_x(ax)


def test_without_runs_the_paper_stands_alone():
    (ax,) = errors.error_dots([]).axes
    bars = [bar for bar in ax.containers if isinstance(bar, ErrorbarContainer)]
    assert len(bars) == 3 and "no run of this recipe" in ax.get_title(loc="left").replace("\n", " ")
    assert errors.difference_dots([]) is None


def test_rows_of_two_machines_are_told_apart():
    names = [
        label.get_text() for label in errors.error_dots([full(), full(device_name="Other")]).axes[0].get_yticklabels()
    ]
    assert len(names) == len(set(names)) == 5


def test_differences_are_seed_by_seed_within_a_setting():
    runs = [record((9.0, error), seed=seed) for seed, error in enumerate((10.0, 11.0, 12.0))]
    runs += [record((9.0, error), seed=seed, structure="simplified-2") for seed, error in enumerate((12.0, 14.0, 13.0))]
    runs += [record((9.0, 50.0), structure="simplified-2", precision="bf16")]  # no partner in its setting
    (ax,) = errors.difference_dots(runs).axes
    assert {round(x, 6) for x in drawn_x(ax)} >= {1.0, 2.0, 3.0} and 40.0 not in drawn_x(ax)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["simplified-2, 3 pairs"]
    assert "simplified-2 +2.00 [−0.48, +4.48]" in errors.describe_differences(runs)


def test_settings_share_one_axis_and_are_named_above_their_rows():
    runs = [
        record((9.0, error), structure=name, precision=precision)
        for name, error in (("basic", 10.0), ("simplified-1", 12.0))
        for precision in ("fp32", "bf16")
    ]
    (ax,) = errors.difference_dots(runs).axes
    named = [text.get_text() for text in ax.texts]
    assert len(named) == 2 and "bf16" in named[0] and "fp32" in named[1]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["simplified-1, 1 pair"] * 2
    assert ax.get_xlim()[0] > -2  # the axis fits the data


def test_smoke_runs_are_marked():
    pair = [record(dataset="digits", structure=name) for name in ("basic", "simplified-1")]
    assert [text.get_text() for text in errors.difference_dots(pair).texts] == ["SMOKE RUN"]
    assert not errors.difference_dots([record(structure=name) for name in ("basic", "simplified-1")]).texts
