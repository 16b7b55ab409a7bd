import multiprocessing

import pytest

from fastres import paths
from fastres.config import RunConfig
from fastres.errors import ConfigError
from fastres.experiments import planned_runs
from fastres.records.runs import load_runs
from fastres.reproduce import notebooks
from fastres.reproduce.shards import parse, part_of, train_shard
from fastres.reproduce.shares import work


@pytest.mark.parametrize("parts", [1, 2, 7, 64])
def test_parts_are_disjoint_and_together_the_whole(parts):
    runs = planned_runs("extended")
    shards = [part_of(runs, index, parts) for index in range(1, parts + 1)]
    assert sorted(run.run_id for shard in shards for run in shard) == sorted(run.run_id for run in runs)
    loads = [sum(map(work, shard)) for shard in shards]
    assert max(loads) <= max(sum(loads) / parts * 4 / 3, max(map(work, runs)))  # Graham's bound


@pytest.mark.parametrize("shard", ["0/8", "9/8", "1", "1/0", "-1/8", "a/b", "1/8/2", ""])
def test_a_shard_that_is_none_is_refused(shard):
    with pytest.raises(ConfigError, match="I/N expected"):
        parse(shard)


def test_parts_side_by_side_train_everything_once_and_again_nothing(tmp_path, monkeypatch):
    """Both parts of an array at once, and one of them twice, as when a scheduler starts it again."""
    monkeypatch.setenv("FASTRES_OUTPUTS", str(tmp_path))
    configs = [RunConfig(dataset="digits", depth=8, epochs=1, batch_size=512, flip=False, seed=s) for s in range(2)]
    spawned = multiprocessing.get_context("spawn").Process
    started = [spawned(target=train_shard, args=(configs, "cpu", paths.runs(), 1, index, 2)) for index in (1, 2, 2)]
    for process in started:
        process.start()
    for process in started:
        process.join(300)
        process.kill()  # one that hangs
    assert [process.exitcode for process in started] == [0] * 3
    assert [record.config for record in load_runs(paths.runs())] == sorted(configs, key=lambda c: c.run_id)
    assert all(job.is_done for job in notebooks.training_jobs(configs, "cpu", paths.runs()))
    assert [o.status for i in (1, 2) for o in train_shard(configs, "cpu", paths.runs(), 1, i, 2)] == ["kept"] * 2
    assert not list(tmp_path.rglob("*.running.ipynb"))
