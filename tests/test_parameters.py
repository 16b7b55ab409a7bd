import json
from typing import Literal

import nbformat
import papermill
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from IPython.core.interactiveshell import InteractiveShell
from nbformat.v4 import new_code_cell, new_notebook
from papermill.exceptions import PapermillExecutionError
from traitlets.config import Config

from fastres.config import RunConfig
from fastres.errors import ConfigError
from fastres.parameters import Depths, Positive, at_least, check_parameters, run_parameters

RUN = RunConfig(dataset="digits", depth=8)


@pytest.mark.parametrize(
    ("namespace", "told"),
    [
        ({"seed": 0, "sed": 1}, "unknown parameter 'sed' (did you mean 'seed'?)"),
        ({"seed": 0, "In": 3}, "unknown parameter 'In'"),
        ({"seed": 0, "_lr": 0.1}, "unknown parameter '_lr'"),
        ({"seed": "0"}, "seed = '0'"),
        ({"seed": True}, "seed = True"),
        ({"seed": 0.5}, "seed = 0.5"),
        ({"seed": None}, "seed = None"),
        ({}, "seed is missing"),
    ],
)
def test_wrong_names_and_types_are_refused(namespace, told):
    with pytest.raises(ConfigError) as raised:
        check_parameters(namespace, seed=int)
    assert told in str(raised.value)


@pytest.mark.parametrize(
    ("kind", "value", "told"),
    [
        (list[int], ["8"], "x[0] = '8'"),
        (list[int], 8, "x = 8"),
        (Depths, ["8"], "x[0] = '8'"),
        (Depths, [8, 21], "x[1] = 21: depth 21 is not of the form 6n + 2"),
        (Depths, [], "x = []"),
        (Positive, 0, "x = 0"),
        (Positive, -3, "x = -3"),
        (Positive, True, "x = True"),
        (float, float("nan"), "x = nan"),
        (float, "1e-4", "x = '1e-4'"),
        (bool, "false", "x = 'false'"),
        (Literal["fp32", "bf16"], "fp8", "x = 'fp8': input should be 'fp32' or 'bf16'"),
        (str, "long" * 1000, None),
        (int, "long" * 1000, "..."),
    ],
)
def test_elements_and_ranges(kind, value, told):
    if told is None:
        check_parameters({"x": value}, x=kind)
        return
    with pytest.raises(ConfigError) as raised:
        check_parameters({"x": value}, x=kind)
    assert told in str(raised.value)
    assert "\n" not in str(raised.value) and len(str(raised.value)) < 300


def test_a_least_value_is_refused_with_its_reason():
    kind = at_least(3, "a smaller map is all border")
    check_parameters({"size": 3}, size=kind)
    for value, told in ((2, "size = 2: use at least 3: a smaller map"), (3.0, "size = 3.0"), (True, "size")):
        with pytest.raises(ConfigError, match=told):
            check_parameters({"size": value}, size=kind)


def test_good_parameters_pass():
    values = {"seed": 3, "lr": 1, "depths": [8, 14], "rounds": 1, "name": ""}
    check_parameters(values, seed=int, lr=float, depths=Depths, rounds=Positive, name=str)


def test_parameters_of_a_run_are_all_given():
    fields = {**RUN.model_dump(), "device": "cpu"}
    assert run_parameters(fields, device=str) == (RUN, {"device": "cpu"})
    without = {name: value for name, value in fields.items() if name != "epochs"}
    for given_fields, told in (
        ({**fields, "epochs": None}, "epochs = None"),
        (without, "epochs is missing"),
        ({**fields, "dept": 20}, "unknown parameter 'dept'"),
        ({**fields, "device": 0}, "device = 0"),
    ):
        with pytest.raises(ConfigError, match=told):
            run_parameters(given_fields, device=str)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(st.text(max_size=3), values, max_size=2),
    max_leaves=5,
)


@given(JSON)
@example(10**5000)  # more digits than Python shows
@pytest.mark.parametrize("kind", [int, float, str, bool, list[int], Positive, Depths, Literal["fp32", "bf16"]])
def test_any_value_passes_or_is_refused_by_name(kind, value):
    try:
        check_parameters({"x": value}, x=kind)
    except ConfigError as error:
        assert "x" in str(error).split(" = ")[0]
    else:
        assert not isinstance(value, bool) or kind is bool


class Notebook:
    """A fresh IPython whose cells are run one by one; `check` ends like a notebook's check cell."""

    def __init__(self, folder):
        self.shell = InteractiveShell(ipython_dir=str(folder), config=Config(HistoryManager={"enabled": False}))
        self.run("from fastres.parameters import check_parameters")

    def run(self, cell: str):
        return self.shell.run_cell(cell, store_history=True).error_in_exec

    def check(self, kinds: str = "seed=int"):
        return self.run(f"check_parameters(globals(), {kinds})")


@pytest.fixture
def notebook(tmp_path):
    return Notebook(tmp_path)


def test_names_that_are_no_parameters_are_left_alone(notebook):
    notebook.shell.user_ns["DEBUG"] = True  # as a startup file does
    notebook.run("import os\nscratch = 3")
    notebook.run("seed = 0")
    assert notebook.check() is None
    notebook.run("names = ['a']\nprint(names)")
    assert notebook.check() is None  # again, later


@pytest.mark.parametrize("name", ["sed", "In", "Out", "_lr", "_"])
def test_injected_names_are_refused_whatever_they_are_called(notebook, name):
    notebook.run("seed = 0")
    notebook.run(f"# Parameters\nseed = 1\n{name} = float('nan')\n")
    error = notebook.check()
    assert isinstance(error, ConfigError) and repr(name) in str(error)


def test_a_name_too_many_in_the_parameters_cell_is_refused(notebook):
    notebook.run("seed: int = 0\nepoch = 100  # epochs was meant")
    assert "did you mean 'epochs'" in str(notebook.check("seed=int, epochs=int"))


def test_the_value_that_counts_is_the_injected_one(notebook):
    notebook.run("seed = 0")
    notebook.run("# Parameters\nseed = '1'\n")
    assert "seed = '1'" in str(notebook.check())


def test_a_notebook_exported_as_a_script_checks_what_it_needs():
    check_parameters({"__name__": "__main__", "anything": 1, "seed": 0}, seed=int)
    with pytest.raises(ConfigError, match="seed is missing"):
        check_parameters({"__name__": "__main__"}, seed=int)


@pytest.fixture
def executed(tmp_path, monkeypatch):
    """Execute a small notebook by papermill with these parameters, under a startup file of IPython."""
    startup = tmp_path / "ipython" / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "own.py").write_text("DEBUG = True\nnames = ['a']\n", encoding="utf-8")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    cells = [
        new_code_cell("from fastres.parameters import check_parameters"),
        new_code_cell("seed = 0", metadata={"tags": ["parameters"]}),
        new_code_cell("assert DEBUG\nprint(seed)\ncheck_parameters(globals(), seed=int)"),
    ]
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    path = tmp_path / "a.ipynb"
    nbformat.write(new_notebook(cells=cells, metadata=metadata), path)

    def execute(**parameters):
        arguments = ["--log-level=ERROR"]
        papermill.execute_notebook(
            str(path), str(tmp_path / "b.ipynb"), parameters, progress_bar=False, extra_arguments=arguments
        )
        return json.loads((tmp_path / "b.ipynb").read_text(encoding="utf-8"))

    return execute


def test_papermill(executed):
    inject_paths = {"PAPERMILL_INPUT_PATH": "a.ipynb", "PAPERMILL_OUTPUT_PATH": "b.ipynb"}
    assert "7\n" in str(executed(seed=7, **inject_paths)["cells"][-1]["outputs"][0]["text"][0])
    for name in ("In", "sed"):
        with pytest.raises(PapermillExecutionError, match=f"unknown parameter '{name}'"):
            executed(**{name: 7})
