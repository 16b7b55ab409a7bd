import pytest
from made_up import found, run

from fastres.claims.finding import NOT_REPRODUCED, OPEN, REPRODUCED

SHALLOW = run(error=5.0, depth=110, train_error=0.1)


@pytest.mark.parametrize(
    ("test_error", "train_error", "expected"),
    [
        (8.0, 0.05, REPRODUCED),
        (8.0, 2.0, NOT_REPRODUCED),  # it under-fits
        (8.0, 0.102, OPEN),  # hardly more training error
        (3.0, 0.05, NOT_REPRODUCED),
        (5.1, 0.05, OPEN),
        (float("nan"), 0.05, OPEN),
    ],
)
def test_overfitting_needs_the_training_error(test_error, train_error, expected):
    deep = run(error=test_error, depth=668, train_error=train_error)
    assert found("basic-overfits", SHALLOW, deep).verdict == expected


@pytest.mark.parametrize(
    ("error", "train_error", "expected"),
    [(5.0, 0.05, REPRODUCED), (7.9, 1.0, OPEN), (9.5, 0.05, NOT_REPRODUCED), (float("nan"), 0.05, OPEN)],
)
def test_one_structure_overfits_less_than_the_other(error, train_error, expected):
    deep = run(error=8.0, depth=668, train_error=0.05)
    fast = run("simplified-1", error, depth=668, train_error=train_error)
    assert found("simplified-1-avoids-overfitting", deep, fast).verdict == expected
