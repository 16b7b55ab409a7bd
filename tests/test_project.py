"""The project's own rules: one list of dependencies, notebooks that define nothing, pictures that can be seen."""

import ast
import re
import tomllib

import nbformat
import pytest
import yaml

from fastres import paths

PROJECT = tomllib.loads((paths.ROOT / "pyproject.toml").read_text(encoding="utf-8"))
NOTEBOOKS = sorted(paths.NOTEBOOKS.glob("*.ipynb"))


SOURCES = [path for folder in ("fastres", "tests", "benchmarks") for path in (paths.ROOT / folder).rglob("*.py")]


def test_text_is_read_and_written_as_utf_8():
    """The default is the locale's: cp1252 or GBK cannot hold the minus sign. ruff's PLW1514 sees no Path methods."""
    bare = [
        f"{path.name}:{call.lineno}"
        for path in SOURCES
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call) and _opens_text(call) and "encoding" not in {word.arg for word in call.keywords}
    ]
    assert not bare


def _opens_text(call: ast.Call) -> bool:
    """Whether a call is of open, fdopen, read_text, write_text, or of subprocess with text=True."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    owner = getattr(getattr(call.func, "value", None), "id", "")
    literals = [argument.value for argument in call.args if isinstance(argument, ast.Constant)]
    binary = any(isinstance(literal, str) and re.fullmatch("[rwxa]b", literal) for literal in literals)
    return (
        name in ("read_text", "write_text", "fdopen")
        or (name == "open" and owner not in ("Image", "tarfile", "urllib") and not binary)
        or any(word.arg in ("text", "universal_newlines") for word in call.keywords)
    )


def test_environment_yml_says_what_pyproject_says():
    environment = yaml.safe_load((paths.ROOT / "environment.yml").read_text(encoding="utf-8"))
    conda = [entry for entry in environment["dependencies"] if isinstance(entry, str)]
    (pip,) = (entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict))
    python = next(entry for entry in conda if entry.startswith("python="))
    floor = PROJECT["project"]["requires-python"].removeprefix(">=")
    assert tuple(map(int, python.removeprefix("python=").split("."))) >= tuple(map(int, floor.split(".")))
    assert pip[0] == "-c requirements.lock"
    extras = re.fullmatch(r"-e \.\[(.+)\]", pip[1])[1].split(",")
    assert set(extras) <= set(PROJECT["project"]["optional-dependencies"])
    assert len(pip) == 2  # every package is listed in pyproject.toml alone


def test_every_dependency_is_locked_with_the_tested_pair_of_torch():
    locked = dict(re.findall(r"^([a-z0-9._-]+)==(\S+)", paths.LOCK.read_text(encoding="utf-8"), re.M))
    groups = [PROJECT["project"]["dependencies"], *PROJECT["project"]["optional-dependencies"].values()]
    names = {re.match(r"[A-Za-z0-9._-]+", entry)[0] for group in groups for entry in group} - {"fastres"}
    assert names <= set(locked)
    assert (locked["torch"], locked["torchvision"]) == ("2.14.1", "0.29.1")


def test_ci_calls_the_test_command_of_the_readme():
    command = "make test"
    assert command in (paths.ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert command in (paths.ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_define_nothing_and_carry_their_outputs(path):
    notebook = nbformat.read(path, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    tree = ast.parse("\n".join(cell.source for cell in code))
    defined = [node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.Lambda))]
    assert not defined
    assert sum(bool(line.strip()) for cell in code for line in cell.source.splitlines()) <= 120
    assert notebook.cells[0].source.startswith("# ")
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    for cell in code:
        for output in cell.outputs:
            assert output.output_type != "error" and output.get("name") != "stderr"
            if "image/png" in output.get("data", {}):
                assert output.metadata["image/png"]["alt"], "a picture needs its words"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_parameters_are_literals_and_checked(path):
    notebook = nbformat.read(path, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    places = [i for i, cell in enumerate(code) if "parameters" in cell.metadata.get("tags", [])]
    assert len(places) == 1
    assigned = [node for node in ast.parse(code[places[0]].source).body]
    assert all(isinstance(node, ast.Assign) for node in assigned)
    assert all(ast.literal_eval(node.value) is not None for node in assigned)
    assert re.match(
        r"check_parameters\(\s*globals\(\)|config, \w+ = run_parameters\(globals\(\)", code[places[0] + 1].source
    )
