"""The report: the executed notebooks, single training runs apart, bound into one HTML file.

It needs no network and no other file: equations become MathML, which browsers render without scripts, and figures
are embedded. Code is left out: it is in the notebooks.
"""

import datetime
import re
from pathlib import Path

import jinja2
import nbformat
from latex2mathml.converter import convert as mathml
from nbconvert.exporters import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

from fastres import paths
from fastres.files import atomic_write
from fastres.records.provenance import code_commit
from fastres.records.runs import load_runs
from fastres.reproduce.notebooks import Outcome
from fastres.views import tables

TITLE = "Simplified residual structure and fast deep residual networks: a reproduction"


class _MathMLRenderer(IPythonRenderer):
    """Notebook Markdown to HTML, with MathML in place of TeX that a script would have to draw."""

    def inline_math(self, body: str) -> str:
        return mathml(body)

    def block_math(self, body: str) -> str:
        return mathml(body, display="block")

    def latex_environment(self, name: str, body: str) -> str:
        return mathml(f"\\begin{{{name}}}{body}\\end{{{name}}}", display="block")


def _markdown_to_html(source: str) -> str:
    return MarkdownWithMath(renderer=_MathMLRenderer(escape=False, exclude_anchor_links=True)).render(source)


def write_report(outcomes: list[Outcome] | None = None, runs_dir: Path | None = None) -> Path:
    """Bind the executed notebooks into outputs/report/report.html and return its path.

    outcomes: of the reproduction, shown at the top; None where the report is rebuilt from existing files.
    runs_dir: the records beside data/recorded/ of which the report speaks.
    Raises FileNotFoundError if no notebook was executed yet.
    """
    executed = sorted(paths.executed_notebooks().glob("[0-9]*.ipynb"))
    executed = [path for path in executed if not path.name.endswith(".running.ipynb")]
    if not executed:
        raise FileNotFoundError(f"no executed notebook in {paths.executed_notebooks()}: run `make reproduce` first")
    exporter = HTMLExporter(template_name="basic", exclude_input=True, exclude_output_prompt=True)
    exporter.register_filter("markdown2html", _markdown_to_html)
    sections = [_section(path, exporter) for path in executed]
    runs = load_runs(paths.RECORDED, runs_dir or paths.runs())
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(Path(__file__).parent), autoescape=True)
    page = environment.get_template("report.html.j2").render(
        title=TITLE,
        sections=sections,
        outcomes=outcomes or [],
        notice=tables.notice(runs),
        written=datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        commit=code_commit()[:20],
        records=len(runs),
    )
    target = paths.report() / "report.html"
    with atomic_write(target) as file:
        file.write(page)
    return target


def _section(path: Path, exporter: HTMLExporter) -> dict[str, str]:
    """One notebook as a section; its own heading levels go down by one below the report's title."""
    notebook = nbformat.read(path, as_version=4)
    body, _ = exporter.from_notebook_node(notebook)
    heading = re.search(r"^# (.+)$", "\n".join(c.source for c in notebook.cells if c.cell_type == "markdown"), re.M)
    title = heading[1] if heading else path.stem
    body = re.sub(r"<(/?)h([1-5])", lambda match: f"<{match[1]}h{int(match[2]) + 1}", body)
    body = re.sub(r"<td>(simplified-\d)", r'<td class="name">\1', body)
    return {"name": path.stem, "title": f"{path.stem[:2]} {title}", "body": body}
