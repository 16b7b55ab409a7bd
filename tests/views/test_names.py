"""Names that users give, through everything that shows them."""

import matplotlib
import pytest
from made_up import record
from matplotlib.backends.backend_agg import FigureCanvasAgg

from fastres import paper, paths
from fastres.claims import decide, ledger
from fastres.datasets.catalogue import shown
from fastres.views import compared, errors, figures, style, tables

HOSTILE = [
    "my $x_{1$ & <b>data|set",
    "图片",
    "<script>alert(1)</script>",
    "a|b`c`*d*_e_[f](g)",
    "\\input{x} % #1 ~^",
    "[red]rich[/red]",
    "a'b\"c;$(d)",
]


def runs_of(name):
    structures = ("basic", "simplified-1")
    return [record((30.0, 20.0), dataset=f"folder:/home/me/{name}", depth=20, structure=s) for s in structures]


def is_shown_as_a_name(name, text) -> bool:
    """In Markdown and LaTeX, where an underscore may be escaped."""
    own = shown(f"folder:/home/me/{name}").removeprefix("folder:")
    return own in text.replace("\\_", "_") and name not in text.replace(own, "") and "/home/me" not in text


@pytest.mark.parametrize("name", HOSTILE)
def test_a_folders_name_is_never_markup(name, monkeypatch, tmp_path):
    monkeypatch.setenv("FASTRES_OUTPUTS", str(tmp_path))
    runs = runs_of(name)
    for picture in (figures.error_curves(runs), errors.difference_dots(runs)):
        FigureCanvasAgg(picture).draw()  # warnings are errors: no missing glyph, no mathtext
    assert not set("$<>|`*[]{}\\%#~^&;'\"") & set(shown(f"folder:/home/me/{name}").removeprefix("folder:"))
    assert is_shown_as_a_name(name, tables.show(tables.overview(runs), "names").text)
    own = shown(f"folder:/home/me/{name}")
    frame = compared.other_settings("table1", runs)
    assert own in tables.show(frame).markup and name not in tables.show(frame).markup.replace(own, "")
    assert is_shown_as_a_name(name, (paths.tables() / "names.tex").read_text(encoding="utf-8"))
    assert runs[0].run_id.replace("_", "").replace("-", "").isalnum() and not runs[0].run_id.startswith("-")


@pytest.mark.parametrize("name", HOSTILE)
def test_a_folders_name_is_never_markup_in_the_ledger(name):
    claims = [claim for claim in paper.claims() if claim.id in ("t1-error-equal", "t1-error-worse")]
    entries = decide.decide(runs_of(name), claims=claims)
    for text in (ledger.to_text(entries), ledger.to_json(entries)):
        assert is_shown_as_a_name(name, text)


def test_a_users_matplotlibrc_changes_nothing(monkeypatch, tmp_path):
    contents = []
    for name, settings in (
        ("plain", {}),
        ("users", {"text.usetex": True, "savefig.transparent": True, "font.size": 30}),
    ):
        monkeypatch.setenv("FASTRES_OUTPUTS", str(tmp_path / name))
        with matplotlib.rc_context(settings):
            figures.show(errors.difference_dots(runs_of("photos")), "a", "b")
        contents.append((paths.figures() / "a.svg").read_bytes())
    assert contents[0] == contents[1]


def test_letters_that_the_font_lacks_are_drawn_as_question_marks():
    assert style.drawable("图片 ± β") == "?? ± β"
