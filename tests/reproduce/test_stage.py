from pathlib import Path

from fastres.reproduce.notebooks import Job, Outcome
from fastres.reproduce.stage import Stage


def test_one_line_per_event_with_what_is_left(capsys):
    """The second job is three quarters of the work: after the first, three times its seconds are left."""
    now = [0.0]
    jobs = [Job(name, Path(name), Path(f"missing/{name}"), {}, (), work=work) for name, work in (("a", 1), ("b", 3))]
    stage = Stage("Training", jobs, "2 at once", clock=lambda: now[0])
    for job, time in zip(jobs, (10.0, 40.0), strict=True):
        now[0] = time
        stage.ends(job, Outcome(job.name, "done", 9.0, job.output), "node-1")
    assert capsys.readouterr().out.splitlines() == [
        "",
        "Training: 2 notebooks to execute; 2 at once",
        "[1/2] a: done in 9 s on node-1, about 30 s left",
        "[2/2] b: done in 9 s on node-1",
    ]
