import os

import made_up
import nbformat
import papermill
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from papermill.exceptions import PapermillExecutionError

from fastres import paths
from fastres.config import RunConfig
from fastres.errors import ConfigError
from fastres.records.runs import load_run, record_path, save_run
from fastres.reproduce import notebooks as jobs
from fastres.reproduce.executors import run_local
from fastres.reproduce.inputs import check_inputs
from fastres.reproduce.report.build import write_report
from fastres.training.run import train


def write(folder, name, *cells):
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    folder.mkdir(parents=True, exist_ok=True)
    nbformat.write(new_notebook(cells=list(cells), metadata=metadata), folder / f"{name}.ipynb")


def run_notebooks(runs_dir, workers=1):
    outcomes = run_local(jobs.result_jobs(runs_dir), workers, "results")
    return sorted(outcomes, key=lambda outcome: outcome.name)


def run_training(configs, device, runs_dir, workers=1):
    return list(run_local(jobs.training_jobs(configs, device, runs_dir), workers, "training"))


def parameters(source):
    return new_code_cell(source, metadata={"tags": ["parameters"]})


def test_a_failing_notebook_is_named_and_the_others_run(workshop, tmp_path):
    write(workshop, "01_bad", new_code_cell("x = 1"), new_code_cell("raise KeyError('lost')"))
    good = new_markdown_cell("# Good news\n\nAn equation $x^2$ and\n\n$$y = \\frac{1}{2}$$")
    write(workshop, "02_good", good, new_code_cell("print(6 * 7)"))
    outcomes = run_notebooks(tmp_path / "runs")
    assert [outcome.status for outcome in outcomes] == ["failed", "done"]
    assert "cell 1: KeyError" in outcomes[0].problem and "lost" in outcomes[0].problem
    index = write_report(outcomes)
    first, page = (path.read_text(encoding="utf-8") for path in (index, index.parent / "02_good.html"))
    assert "Good news" in first and "KeyError" in first and "1 of 2 notebooks failed" in first
    assert "Good news" in page and "42" in page
    assert page.count("<math") == 2 and "$x^2$" not in page


def test_only_what_changed_runs_again(workshop, tmp_path):
    write(workshop, "01_a", new_code_cell("print(1)"))
    write(workshop, "02_b", parameters('runs_dir = ""'), new_code_cell("print(runs_dir)"))
    runs = tmp_path / "runs"
    statuses = lambda: [outcome.status for outcome in run_notebooks(runs)]  # noqa: E731
    assert statuses() == ["done", "done"]
    assert statuses() == ["kept", "kept"]
    (runs / "x").mkdir(parents=True)
    # a new record: the notebook that reads records runs again
    (runs / "x" / "record.json").write_text("{}", encoding="utf-8")
    assert statuses() == ["kept", "done"]
    (tmp_path / "timings").mkdir()
    (tmp_path / "timings" / "t.json").write_text("{}", encoding="utf-8")  # beside the runs: also read by notebooks
    assert statuses() == ["kept", "done"]
    write(workshop, "01_a", new_code_cell("print(2)"))
    assert statuses() == ["done", "kept"]
    output = nbformat.read(paths.executed_notebooks() / "02_b.ipynb", as_version=4)
    assert str(runs) in output.cells[-1].outputs[0].text


def test_changed_code_runs_notebooks_again(workshop, tmp_path, monkeypatch):
    code = tmp_path / "fastres" / "checks" / "rule.py"
    code.parent.mkdir(parents=True)
    monkeypatch.setattr(paths, "PACKAGE", tmp_path / "fastres")
    write(workshop, "01_a", new_code_cell("print(1)"))
    statuses = []
    for text in ("a = 1", "a = 1", "a = 2"):
        code.write_text(text, encoding="utf-8")
        statuses += [run_notebooks(tmp_path / "runs")[0].status]
    assert statuses == ["done", "kept", "done"]


def test_a_failed_notebook_runs_again(workshop, tmp_path):
    write(workshop, "01_bad", new_code_cell("1 / 0"))
    assert [run_notebooks(tmp_path)[0].status for _ in range(2)] == ["failed", "failed"]


def test_training_notebook_makes_the_record_once(tmp_path, monkeypatch):
    monkeypatch.setenv("FASTRES_OUTPUTS", str(tmp_path))
    config = RunConfig(dataset="digits", depth=8, epochs=1, batch_size=512, flip=False)
    assert [outcome.status for outcome in run_training([config], "cpu", tmp_path / "runs")] == ["done"]
    assert load_run(record_path(config, tmp_path / "runs")).config == config
    assert [outcome.status for outcome in run_training([config], "cpu", tmp_path / "runs")] == ["kept"]


@pytest.mark.parametrize(
    ("name", "given", "told"),
    [
        ("04_train", {"dept": 20}, "unknown parameter 'dept' (did you mean 'depth'?)"),
        ("04_train", {"epochs": "3"}, "epochs = '3'"),
        ("05_table1_fig6", {"run_dir": "x"}, "unknown parameter 'run_dir' (did you mean 'runs_dir'?)"),
    ],
)
def test_papermill_with_wrong_parameters_stops_before_anything_runs(name, given, told, tmp_path):
    with pytest.raises(PapermillExecutionError) as raised:
        papermill.execute_notebook(
            paths.NOTEBOOKS / f"{name}.ipynb", tmp_path / "out.ipynb", given, progress_bar=False, cwd=paths.NOTEBOOKS
        )
    assert raised.value.ename == "ConfigError" and told in raised.value.evalue
    assert raised.value.exec_count == 4  # imports, parameters, those given, and their check


def test_unusable_notebook_file_is_a_failure_not_a_crash(workshop, tmp_path):
    write(workshop, "04_train", new_code_cell("1 / 0"))
    outcomes = run_training([RunConfig(dataset="digits", depth=8)], "cpu", tmp_path)
    assert outcomes[0].status == "failed" and "ZeroDivisionError" in outcomes[0].problem


def test_relative_folders_mean_the_callers(workshop, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FASTRES_OUTPUTS", "relative")
    check_inputs([], tmp_path / "runs")
    write(workshop, "01_a", new_code_cell("from fastres import paths\nprint(paths.outputs())"))
    run_notebooks(tmp_path / "runs")
    executed = nbformat.read(tmp_path / "relative" / "notebooks" / "01_a.ipynb", as_version=4)
    assert executed.cells[0].outputs[0].text.strip() == str(tmp_path / "relative")


def test_report_needs_executed_notebooks(workshop):
    with pytest.raises(FileNotFoundError, match="make reproduce"):
        write_report()


def test_pages_of_notebooks_that_are_gone_go_too(workshop):
    write(paths.executed_notebooks(), "01_a", new_markdown_cell("# A"))
    paths.report().mkdir()
    for name in ("02_b.html", "report.html"):
        (paths.report() / name).write_text("of an earlier report", encoding="utf-8")
    write_report()
    pages = {path.name for path in paths.report().glob("*.html")}
    assert pages == {"index.html", "01_a.html", "ledger.html", "records.html"}


def test_side_by_side_everything_is_executed_and_the_threads_are_recorded(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("FASTRES_OUTPUTS", str(tmp_path))
    configs = [RunConfig(dataset="digits", depth=8, epochs=1, batch_size=512, flip=False, seed=seed) for seed in (0, 1)]
    outcomes = run_training(configs, "cpu", tmp_path / "runs", workers=2)
    assert [outcome.status for outcome in outcomes] == ["done", "done"]
    for config in configs:
        environment = load_run(record_path(config, tmp_path / "runs")).environment
        assert environment["runs_at_once"] == 2 and environment["threads"] >= 1
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("[")]
    assert [line[:5] for line in lines] == ["[1/2]", "[2/2]"] and all("done" in line for line in lines)


def test_what_a_notebook_wrote_is_made_again_when_it_is_gone(workshop, tmp_path):
    code = "from fastres import files, paths\nfiles.make_folder(paths.figures())\npath = paths.figures() / 'a.png'\n"
    write(workshop, "01_a", new_code_cell(code + "path.write_bytes(b'x')\nfiles.note_written(path)"))
    assert [run_notebooks(tmp_path)[0].status for _ in range(2)] == ["done", "kept"]
    (paths.figures() / "a.png").unlink()
    assert [run_notebooks(tmp_path)[0].status for _ in range(2)] == ["done", "kept"]


@pytest.mark.parametrize("content", ["", "{", "[]"])
def test_a_damaged_executed_notebook_is_made_again(workshop, tmp_path, content):
    write(workshop, "01_a", new_code_cell("print(1)"))
    run_notebooks(tmp_path)
    (paths.executed_notebooks() / "01_a.ipynb").write_text(content, encoding="utf-8")
    assert [run_notebooks(tmp_path)[0].status for _ in range(2)] == ["done", "kept"]


def test_one_changed_bit_of_an_executed_notebook_is_noticed(workshop, tmp_path):
    write(workshop, "01_a", new_code_cell("print(1)"))
    run_notebooks(tmp_path)
    path = paths.executed_notebooks() / "01_a.ipynb"
    whole = path.read_text(encoding="utf-8")
    assert whole.count('"1\\n"') == 1
    path.write_text(whole.replace('"1\\n"', '"0\\n"'), encoding="utf-8")
    assert [run_notebooks(tmp_path)[0].status for _ in range(2)] == ["done", "kept"]
    assert '"1\\n"' in path.read_text(encoding="utf-8")


def test_a_run_that_was_recorded_without_its_notebook_gets_it(tmp_path, monkeypatch):
    """As when a reproduction is killed between the two."""
    monkeypatch.setenv("FASTRES_OUTPUTS", str(tmp_path))
    config = RunConfig(dataset="digits", depth=8, epochs=1, batch_size=512, flip=False)
    recorded = train(config, device="cpu", runs_dir=tmp_path / "runs")
    assert [outcome.status for outcome in run_training([config], "cpu", tmp_path / "runs")] == ["done"]
    assert load_run(record_path(config, tmp_path / "runs")) == recorded
    assert (paths.executed_notebooks() / "train" / f"{config.run_id}.ipynb").exists()


def test_stray_files_and_foreign_kernels_do_not_matter(workshop, tmp_path):
    (workshop / "Untitled1.ipynb").write_text("", encoding="utf-8")
    write(workshop, "01_a", new_code_cell("print(1)"))
    path = workshop / "01_a.ipynb"
    path.write_text(path.read_text(encoding="utf-8").replace('"python3"', '"conda-env-foo-py"'), encoding="utf-8")
    assert [outcome.status for outcome in run_notebooks(tmp_path)] == ["done"]
    (workshop / "02_empty.ipynb").write_text("", encoding="utf-8")
    assert [outcome.status for outcome in run_notebooks(tmp_path)] == ["kept", "failed"]


def test_other_images_or_another_config_under_a_recorded_id_are_refused_at_the_start(tmp_path, monkeypatch):
    monkeypatch.setenv("FASTRES_OUTPUTS", str(tmp_path))
    config = RunConfig(dataset="digits", depth=8, epochs=1, batch_size=512, flip=False)
    save_run(made_up.record((20.0,), **config.model_dump()), tmp_path / "runs")
    with pytest.raises(ConfigError, match="recorded with other images"):
        check_inputs([config], tmp_path / "runs")


def test_every_page_is_of_the_recorded_timings_too(tmp_path):
    """Notebook 02 shows them, and takes no folder of runs: a new one must make it anew."""
    recorded = set(paths.RECORDED_TIMINGS.glob("*.json"))
    assert recorded and all(recorded <= set(job.read) for job in jobs.result_jobs(tmp_path))


def test_a_notebook_that_measures_time_is_executed_alone_and_last(workshop, tmp_path):
    told = new_code_cell("import os; print(os.environ.get('FASTRES_JOBS'))")
    for name, given in (("01_a", "x = 1"), ("08_b", "rounds = 5  # of the timings"), ("09_c", "y = 1")):
        write(workshop, name, told, parameters(given))
    outcomes = list(run_local(jobs.result_jobs(tmp_path), 2, "results"))
    assert [outcome.name for outcome in outcomes][-1] == "08_b"
    printed = {
        path.stem: nbformat.read(path, as_version=4).cells[0].outputs[0].text.strip()
        for path in paths.executed_notebooks().glob("*.ipynb")
    }
    assert printed == {"01_a": "2", "08_b": "None", "09_c": "2"}
    assert "FASTRES_WRITTEN_FILES" not in os.environ and "FASTRES_JOBS" not in os.environ
