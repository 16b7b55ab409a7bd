"""Which runs share a row."""

import pytest
from made_up import record

from fastres.records.comparable import errors_by_seed, group, setting


@pytest.mark.parametrize("same", [{"seed": 1}, {"depth": 26}, {"structure": "simplified-1"}])
def test_structure_depth_and_seed_leave_the_setting_as_it_is(same):
    assert setting(record(**same)) == setting(record())


@pytest.mark.parametrize(
    "other",
    [
        {"device_name": "Other CPU"},
        {"compiled": True},
        {"precision": "bf16"},
        {"sha256": "b" * 64},
        {"lr": 0.2},
        {"batch_size": 64},
        {"flip": False},
        {"dataset": "digits"},
        {"errors": (30.0, 20.0, 10.0)},
    ],
)
def test_all_else_is_another_setting(other):
    assert setting(record(**other)) != setting(record())


def test_a_setting_names_what_differs_from_the_paper():
    assert setting(record()) == "folder:photos, 2 epochs, fp32, Some CPU, images aaaaaaaa"
    assert "lr 0.2" in setting(record(lr=0.2)) and "lr" not in setting(record())


def test_groups_are_in_order_and_their_seeds_too():
    runs = [record(seed=1, structure="simplified-1"), record(seed=1), record(seed=0), record(depth=8)]
    found = group(runs)
    where = setting(runs[0])
    assert list(found) == [(where, 8, "basic"), (where, 20, "basic"), (where, 20, "simplified-1")]
    assert [run.config.seed for run in found[where, 20, "basic"]] == [0, 1]


def test_the_same_images_under_two_paths_are_one_run():
    here, there = record(dataset="folder:old/photos"), record(dataset="folder:new/photos")
    assert here.run_id != there.run_id and setting(here) == setting(there)
    (runs,) = group([here, there]).values()
    assert len(runs) == 1 and group([there, here]) == group([here, there])


def test_errors_by_seed_are_the_last_epochs():
    assert errors_by_seed([record((30.0, 10.0, 20.0), seed=3)]) == {3: 20.0}
