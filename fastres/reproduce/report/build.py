"""The report: a static site of the executed notebooks, the ledger and the records, under outputs/report/.

Every page opens from a file path with the network off: equations become MathML, figures are embedded; the one style
sheet, the one script and the pictures that controls show lie beside the pages. Code is left out: the notebooks have it.
"""

import datetime
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import jinja2

from fastres import paper, paths
from fastres.claims import ledger
from fastres.claims.decide import Entry
from fastres.claims.finding import VERDICTS
from fastres.experiments import is_smoke
from fastres.files import make_folder, write
from fastres.records.provenance import code_commit
from fastres.records.runs import RunRecord, load_runs
from fastres.records.timings import TimingRecord, device_of, duration, load_timings, way
from fastres.reproduce.notebooks import RUNNING, TRAIN, Outcome
from fastres.reproduce.report import charts, first_screen, ledger_page, records_page
from fastres.reproduce.report.notebook_page import NotebookPage, read_page
from fastres.views import html, style
from fastres.views.diagrams import describe

HERE = Path(__file__).parent
ASSETS = ("report.css", "report.js")


@dataclass(frozen=True)
class Ran:
    """A line of the log: seconds are those of the notebook's last execution, status that of this reproduction."""

    name: str
    status: str
    seconds: float
    problem: str
    href: str


def write_report(outcomes: Sequence[Outcome] | None = None, runs_dir: Path | None = None) -> Path:
    """Write the site of all executed notebooks and return the path of its first page.

    outcomes: of the reproduction, for its log; None where the report is rebuilt from existing files.
    runs_dir: the records beside data/recorded/ of which the report speaks.
    Raises FileNotFoundError if no notebook was executed yet.
    """
    runs_dir = runs_dir or paths.runs()
    claims = [claim.id for claim in paper.claims()]
    executed = _executed(paths.executed_notebooks())
    names = [path.stem for path in executed]
    notebooks = [read_page(path, claims, names) for path in executed]
    if not notebooks:
        raise FileNotFoundError(f"no executed notebook in {paths.executed_notebooks()}: run `make reproduce` first")
    training = [read_page(path, claims, names) for path in _executed(paths.executed_notebooks() / "train")]
    pages = render(notebooks, training, outcomes or [], runs_dir)
    make_folder(paths.report())
    for stale in set(paths.report().glob("*.html")) - {paths.report() / name for name in pages}:
        stale.unlink()
    for name in ASSETS:
        shutil.copyfile(HERE / "assets" / name, paths.report() / name)
    for page in notebooks:
        for name, picture in page.pictures.items():
            make_folder((paths.report() / name).parent)
            write(paths.report() / name, picture)
    for name, text in pages.items():
        write(paths.report() / name, text)
    return paths.report() / "index.html"


def _executed(folder: Path) -> list[Path]:
    """Training notebooks have the name of their run."""
    found = sorted(folder.glob("*.ipynb" if folder.name == "train" else "[0-9]*.ipynb"))
    return [path for path in found if not path.name.endswith(RUNNING)]


def render(
    notebooks: Sequence[NotebookPage], training: Sequence[NotebookPage], outcomes: Sequence[Outcome], runs_dir: Path
) -> dict[str, str]:
    """The HTML of every page by its file name."""
    runs, entries = load_runs(paths.RECORDED, runs_dir), ledger.entries(runs_dir)
    timings = load_timings(paths.RECORDED_TIMINGS, paths.timings_beside(runs_dir))
    rows = ledger_page.rows(entries, notebooks, runs)
    contents = {
        "index.html": {**_summary(entries, runs), "log": _log([*notebooks, *training], outcomes)},
        "ledger.html": {
            "parts_of_paper": ledger_page.by_section(rows),
            "line": ledger.count_line(entries),
            "labels": records_page.labels(timings),
        },
        **_records(entries, runs, timings, training),
    }
    environment = _environment(notebooks, has_smoke="smoke.html" in contents)
    done = {name: environment.get_template(f"{name}.j2").render(file=name, **c) for name, c in contents.items()}
    template, shown = environment.get_template("notebook.html.j2"), ledger_page.shown_on(rows)
    for page in [*notebooks, *training]:
        done[page.file] = template.render(file=page.file, page=page, shown=shown.get(page.name, []))
    return done


def _summary(entries: Sequence[Entry], runs: Sequence[RunRecord]) -> dict:
    cards = first_screen.cards(entries, runs)
    return {
        "cards": cards,
        "of": {card.entry.claim.id: card for card in cards},
        "coverage": first_screen.coverage(entries, runs),
        "savings": first_screen.printed_savings(),
        "figure_3": charts.figure_3(),
        "figure_3_words": describe(charts.FIGURE_3),
        "counts": {"runs": len(runs), "smoke": sum(is_smoke(run.config) for run in runs)},
    }


def _records(
    entries: Sequence[Entry],
    runs: Sequence[RunRecord],
    timings: Sequence[TimingRecord],
    training: Sequence[NotebookPage],
) -> dict[str, dict]:
    """Of the page of records, and of that of smoke runs where there are any."""
    shared = {"used": records_page.used_by(entries), "pages": {page.name: page.file for page in training}}
    real, smoke = (records_page.settings(runs, smoke=which) for which in (False, True))
    pages = {"records.html": {**shared, "settings": real, "timings": timings}}
    return pages | ({"smoke.html": {**shared, "settings": smoke}} if smoke else {})


def _environment(notebooks: Sequence[NotebookPage], has_smoke: bool) -> jinja2.Environment:
    """The templates, with what all pages share."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE / "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters.update(typeset=html.typeset, duration=duration, device=device_of, way=way, zip=zip)
    last = [("ledger.html", "Ledger of claims"), ("records.html", "Records")]
    last += [("smoke.html", "Smoke runs")] * has_smoke
    environment.globals.update(
        notebooks=notebooks,
        has_smoke=has_smoke,
        order=[("index.html", "Summary"), *((page.file, page.title) for page in notebooks), *last],
        written=datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        commit=code_commit()[:20],
        verdicts=VERDICTS,
        look=style.VERDICTS.__getitem__,
        ink=style.ink_on,
        amendment=ledger.amendment,
    )
    return environment


def _log(pages: Iterable[NotebookPage], outcomes: Sequence[Outcome]) -> list[Ran]:
    """The training runs first. A notebook without outcome was executed earlier."""
    by_name = {outcome.name.removeprefix(f"{TRAIN} "): outcome for outcome in outcomes}
    pages = list(pages)
    known = {page.name for page in pages}
    rows = [
        Ran(
            page.name,
            by_name[page.name].status if page.name in by_name else "failed" if page.failed else "done",
            page.seconds,
            by_name[page.name].problem if page.name in by_name else "",
            page.file,
        )
        for page in pages
    ]
    rows += [Ran(name, o.status, o.seconds, o.problem, "") for name, o in by_name.items() if name not in known]
    return sorted(rows, key=lambda row: (row.status != "failed", row.name[:1].isdigit(), row.name))
