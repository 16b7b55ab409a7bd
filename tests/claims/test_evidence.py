import pytest
from made_up import run

from fastres.claims.evidence import COMPARES, first_complete, rank, scope_of, settings
from fastres.claims.finding import COPY, PAPER, SHORT

COPIED = "folder:cifar10-jpeg"


@pytest.mark.parametrize(
    ("fields", "dataset", "expected"),
    [
        ({}, "cifar10", PAPER),
        ({"precision": "bf16"}, "cifar10", PAPER),
        ({"dataset": COPIED}, "cifar10", COPY),
        ({"dataset": COPIED, "epochs": 15}, "cifar10", SHORT),
        ({"lr": 0.05}, "cifar10", SHORT),
        ({}, "cifar100", ""),
        ({"dataset": "cifar100"}, "cifar100", PAPER),
        ({"dataset": "digits", "epochs": 3}, "cifar10", ""),
        ({"dataset": COPIED, "train_size": 128}, "cifar10", ""),
        ({"test_size": 128}, "cifar10", ""),
    ],
)
def test_the_scope_of_a_run(fields, dataset, expected):
    assert scope_of(run(**fields), dataset) == expected


def test_runs_are_comparable_within_a_setting_only():
    runs = [run(seed=1), run(seed=0), run("simplified-1"), run(device_name="another"), run(epochs=15)]
    found = settings(runs, "cifar10")
    assert [[len(cell) for cell in cells.values()] for cells in found.values()] == [[2, 1], [1]]
    ours = next(iter(found.values()))
    assert [record.config.seed for record in ours[20, "basic"]] == [0, 1]
    assert len(settings(runs, "cifar10", (*COMPARES, SHORT))) == 3


def test_the_same_images_under_two_paths_are_one_run():
    runs = [run(dataset=f"folder:{place}/cifar10-jpeg", seed=seed) for place in ("old", "new") for seed in (0, 1)]
    (cells,) = settings(runs, "cifar10").values()
    assert [record.config.seed for record in cells[20, "basic"]] == [0, 1]


def test_the_original_comes_before_copies_and_most_seeds_before_few():
    runs = [run(dataset=COPIED, seed=seed) for seed in range(3)] + [run(precision="bf16"), run(device_name="z")]
    assert [rank(run) for run in runs[2:]] == sorted([rank(run) for run in runs[2:]], key=lambda row: not row[0])
    where, cells = first_complete(settings(runs, "cifar10"), [(20, "basic")])
    assert where.startswith("cifar10, 160 epochs, fp32") and len(cells[20, "basic"]) == 1
    more = [*runs, *[run(device_name="y", seed=seed) for seed in range(2)]]
    assert "y" in first_complete(settings(more, "cifar10"), [(20, "basic")])[0]
    assert first_complete(settings(runs, "cifar10"), [(20, "basic"), (56, "basic")]) is None
