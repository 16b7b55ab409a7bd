"""A report made of the committed notebooks and of hostile records, and the system's Chromium with the network off."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import made_up
import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from fastres import paths
from fastres.records.runs import save_run
from fastres.reproduce.report.build import write_report

HOSTILE = "my $x_{1$ & <b>data|set"
CHROMIUM = os.environ.get("FASTRES_CHROMIUM") or next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
)


def _hostile_notebook() -> nbformat.NotebookNode:
    """Names of a user as notebooks may show them, a table wider than a phone, and a smoke run's line."""
    wide = "| " + " | ".join(f"column {i}" for i in range(20)) + " |\n" + "|---" * 20 + "|\n" + "| 1.25 " * 20 + "|\n"
    rows = "| setting | error |\n|---|---:|\n" + "".join(f"| some long words {i} | {i}.5 |\n" for i in range(90))
    outputs = [
        new_output("stream", **{"text": f"folder:{HOSTILE}\n" + "long " * 60}),
        new_output("display_data", {"text/markdown": wide}),
        new_output("display_data", {"text/markdown": rows}),
        new_output("display_data", {"text/markdown": "| data | error |\n|---|---|\n| digits, 3 epochs | 9.1 |\n"}),
    ]
    words = "# Hostile $x^2$\n\nThe claim `eq9-fold`.\n\n#### A level too deep\n\n## Twice\n\n## Twice\n\n"
    cell = new_code_cell("show()", outputs=outputs, execution_count=1)
    return new_notebook(cells=[new_markdown_cell(words), cell])


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of the report."""
    outputs = tmp_path_factory.mktemp("outputs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FASTRES_OUTPUTS", str(outputs))
        folder = paths.executed_notebooks()
        (folder / "train").mkdir(parents=True)
        for path in paths.NOTEBOOKS.glob("[0-9]*.ipynb"):
            if path.stem != "04_train":
                shutil.copyfile(path, folder / path.name)
        nbformat.write(_hostile_notebook(), folder / "99_hostile.ipynb")
        runs = [
            made_up.record(dataset=f"folder:/home/me/{HOSTILE}", structure="bn/bn-relu", depth=8),
            made_up.record(dataset="digits", depth=8, flip=False),
            made_up.record(depth=14).model_copy(update={"diverged": "the loss is nan in epoch 3"}),
        ]
        for run in runs:
            save_run(run, paths.runs())
        trained = folder / "train" / f"{runs[1].run_id}.ipynb"
        shutil.copyfile(paths.NOTEBOOKS / "04_train.ipynb", trained)
        yield write_report().parent


@pytest.fixture(scope="session")
def chromium():
    """The browser; the tests are skipped without it."""
    api = pytest.importorskip("playwright.sync_api", reason="pip install 'fastres[browser]'")
    if not CHROMIUM:
        pytest.skip("no Chromium: install it, or name it in FASTRES_CHROMIUM")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM)
        yield browser
        browser.close()


@pytest.fixture
def visited(chromium, site):
    """Open a page of the report with the network off; what goes wrong there is kept in `page.problems`."""
    contexts = []

    def visit(name: str, width: int = 1440, height: int = 900, **look):
        context = chromium.new_context(viewport={"width": width, "height": height}, offline=True, **look)
        contexts.append(context)
        page = context.new_page()
        page.problems = []
        page.on("console", lambda message: page.problems.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: page.problems.append(str(error)))
        page.on("request", lambda request: page.problems.append(request.url) if _leaves(request.url, site) else None)
        page.goto(f"{site.as_uri()}/{name}")
        return page

    yield visit
    for context in contexts:
        context.close()


def _leaves(url: str, site: Path) -> bool:
    return not url.startswith((site.as_uri(), "data:"))
