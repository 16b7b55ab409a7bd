"""What is shown where nothing is recorded."""

import pytest
from made_up import record, timing

from fastres.experiments import EXPERIMENTS
from fastres.views import pending

RUNS = EXPERIMENTS["very-deep"].runs("paper")


def test_the_time_is_that_of_the_fastest_device_in_the_precision_of_the_runs():
    slow = timing(668, basic=8.0, simplified_1=6.0, device_name="Slow CPU")
    fast = timing(668, basic=4.0, simplified_1=3.0)
    other = timing(668, basic=0.1, simplified_1=0.1, precision="bf16")
    expected = pending.duration(160 * 391 * (2.0 + 1.5))
    assert (
        pending.estimate(RUNS, [slow, fast, other]) == f"2 runs, about {expected} of training on Some CPU (fp32, eager)"
    )
    without = timing(668, basic=4.0)  # the structure that was not timed takes the time of basic
    assert pending.duration(160 * 391 * 4.0) in pending.estimate(RUNS, [without])


@pytest.mark.parametrize("records", [[], [timing(20, basic=1.0)]])
def test_no_time_is_told_for_a_depth_that_was_not_timed(records):
    assert pending.estimate(RUNS, records) == ""


def test_what_is_missing_of_a_recipe_is_counted():
    assert pending.recipe("very-deep", []).text.startswith("Of the paper's recipe 0 of 2 runs are recorded. `make")
    full = [record((10.0,) * 160, **config.model_dump(exclude={"epochs"})) for config in RUNS]
    assert "1 of 2" in pending.recipe("very-deep", full[:1]).text
    assert pending.recipe("very-deep", full).text == "Of the paper's recipe 2 of 2 runs are recorded."
    assert "0 of 2" in pending.recipe("very-deep", [record(depth=668, dataset="cifar10")]).text
