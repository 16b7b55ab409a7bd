"""The project's own rules: imports, sizes, one list of dependencies, pages that name real files, thin notebooks."""

import ast
import json
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import nbformat
import pytest
import yaml
from importlinter import cli as import_linter

import fastres
from fastres import paths

PROJECT = tomllib.loads((paths.ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
NOTEBOOKS = sorted(paths.NOTEBOOKS.glob("*.ipynb"))
LIBRARY = sorted((paths.ROOT / "fastres").rglob("*.py"))
DEVELOPMENT = [path for folder in ("tests", "benchmarks") for path in (paths.ROOT / folder).rglob("*.py")]
PAGES = [*paths.ROOT.glob("*.md"), *(paths.ROOT / "docs").rglob("*.md")]

# Declared, and used without an import: programs, plugins, pandas' back end for Markdown.
PROGRAMS = {"jupyterlab", "mypy", "nbval", "pre-commit", "pytest-cov"}
PROGRAMS |= {"pytest-xdist", "ruff", "tabulate"}
PROGRAMS |= {"axe-playwright-python", "playwright", "pypdf"}  # tests/browser asks pytest for them


def requirements(*extras: str) -> set[str]:
    """Names of the packages in `dependencies` and in the given extras, as their distributions spell them."""
    entries = [*PROJECT["dependencies"], *(e for name in extras for e in PROJECT["optional-dependencies"][name])]
    return {re.match(r"[A-Za-z0-9._-]+", entry)[0] for entry in entries} - {PROJECT["name"]}


def imported(sources: list[str]) -> set[str]:
    """Distributions of the third-party modules that the sources import."""
    nodes = [node for source in sources for node in ast.walk(ast.parse(source))]
    modules = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    modules |= {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}
    own = {path.stem for folder in ("tests", "benchmarks") for path in (paths.ROOT / folder).glob("*.py")}
    names = {module.split(".")[0] for module in modules} - set(sys.stdlib_module_names) - own - {PROJECT["name"]}
    of = packages_distributions()  # an optional package that is not installed is called as its module
    return {of.get(name, [name])[0].lower().replace("_", "-") for name in names}


def texts(files: list[Path]) -> list[str]:
    return [file.read_text(encoding="utf-8") for file in files]


def code_cells(path: Path) -> list[nbformat.NotebookNode]:
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]


def test_imports_follow_the_layers_of_pyproject(monkeypatch):
    monkeypatch.chdir(paths.ROOT)
    monkeypatch.setattr(sys, "path", list(sys.path))  # the linter adds the current folder
    assert import_linter.lint_imports(no_cache=True) == import_linter.EXIT_STATUS_SUCCESS


def test_text_is_read_and_written_as_utf_8():
    """The default is the locale's: cp1252 or GBK cannot hold the minus sign. ruff's PLW1514 sees no Path methods."""
    bare = [
        f"{path.name}:{call.lineno}"
        for path in [*LIBRARY, *DEVELOPMENT]
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call) and opens_text(call) and "encoding" not in {word.arg for word in call.keywords}
    ]
    assert not bare


def opens_text(call: ast.Call) -> bool:
    """Whether a call is of open, fdopen, read_text, write_text, or of subprocess with text=True."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    owner = getattr(getattr(call.func, "value", None), "id", "")
    literals = [argument.value for argument in call.args if isinstance(argument, ast.Constant)]
    binary = any(isinstance(literal, str) and re.fullmatch("[rwxa]b", literal) for literal in literals)
    return (
        name in ("read_text", "write_text", "fdopen")
        or (name == "open" and owner not in ("Image", "os", "tarfile", "urllib") and not binary)
        or any(word.arg in ("text", "universal_newlines") for word in call.keywords)
    )


@pytest.mark.parametrize("path", LIBRARY, ids=lambda path: str(path.relative_to(paths.ROOT)))
def test_files_and_functions_are_short(path):
    source = path.read_text(encoding="utf-8")
    assert len(source.splitlines()) <= 250
    functions = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)]
    assert [node.name for node in functions if node.end_lineno - node.lineno >= 40] == []


def test_what_the_library_imports_is_what_its_dependencies_declare():
    library = imported(texts(LIBRARY))
    assert library <= requirements("notebooks", "scale")
    assert requirements() <= library | PROGRAMS


def test_what_tests_and_notebooks_import_is_declared_and_nothing_else_is():
    cells = ["\n".join(cell.source for cell in code_cells(path)) for path in NOTEBOOKS]
    used = imported(texts([*LIBRARY, *DEVELOPMENT]) + cells)
    declared = requirements(*PROJECT["optional-dependencies"])
    assert used <= declared
    assert declared - used == PROGRAMS


def test_every_dependency_is_locked_with_the_tested_pair_of_torch():
    locked = dict(re.findall(r"^([a-z0-9._-]+)==(\S+)", paths.LOCK.read_text(encoding="utf-8"), re.M))
    assert requirements(*PROJECT["optional-dependencies"]) <= set(locked)
    assert (locked["torch"], locked["torchvision"]) == ("2.14.1", "0.29.1")
    hooks = yaml.safe_load((paths.ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"][0]["hooks"]
    assert {needed for hook in hooks for needed in hook["additional_dependencies"]} == {f"ruff=={locked['ruff']}"}


def test_environment_yml_says_what_pyproject_says():
    environment = yaml.safe_load((paths.ROOT / "environment.yml").read_text(encoding="utf-8"))
    conda = [entry for entry in environment["dependencies"] if isinstance(entry, str)]
    (pip,) = (entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict))
    python = next(entry.removeprefix("python=") for entry in conda if entry.startswith("python="))
    assert f"Programming Language :: Python :: {python}" in PROJECT["classifiers"]
    assert pip[0] == "-c requirements.lock"
    extras = re.fullmatch(r"-e \.\[(.+)\]", pip[1])[1].split(",")
    assert set(extras) <= set(PROJECT["optional-dependencies"])
    assert len(pip) == 2  # every package is listed in pyproject.toml alone


def test_the_version_is_the_same_everywhere():
    citation = yaml.safe_load((paths.ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    zenodo = json.loads((paths.ROOT / ".zenodo.json").read_text(encoding="utf-8"))
    latest = re.search(r"^## (\S+)", (paths.ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.M)[1]
    assert fastres.__version__ == PROJECT["version"] == citation["version"] == zenodo["version"] == latest


def test_ci_calls_the_test_command_of_the_readme_on_every_declared_python():
    command = "make test"
    assert command in (paths.ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert command in (paths.ROOT / "README.md").read_text(encoding="utf-8")
    workflow = yaml.safe_load((paths.ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8"))
    versions = {entry.rpartition(" ")[2] for entry in PROJECT["classifiers"] if re.search(r":: 3\.\d+$", entry)}
    assert set(workflow["jobs"]["test"]["strategy"]["matrix"]["python"]) == versions


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(paths.ROOT)))
def test_pages_name_files_that_exist(page):
    text = page.read_text(encoding="utf-8")
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", text)
    named = re.findall(r"`((?:fastres|tests|docs|data|notebooks|benchmarks)/[a-z0-9_./-]*[a-z0-9]/?)`", text)
    missing = [link for link in links if not (page.parent / link).exists()]
    missing += [name for name in named if not (paths.ROOT / name).exists()]
    assert not missing


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
            kinds = output.get("data", {})
            assert not any(kind.startswith("image/") for kind in kinds), "shown without its words: use figures.show"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_parameters_are_literals_and_checked(path):
    code = code_cells(path)
    places = [i for i, cell in enumerate(code) if "parameters" in cell.metadata.get("tags", [])]
    assert len(places) == 1
    assigned = [node for node in ast.parse(code[places[0]].source).body]
    assert all(isinstance(node, ast.Assign) for node in assigned)
    assert all(ast.literal_eval(node.value) is not None for node in assigned)
    check = r"^(check_parameters\(\s*globals\(\)|config, \w+ = run_parameters\(globals\(\))"
    assert re.search(check, code[places[0] + 1].source, re.M)
