import re

import made_up
import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from fastres import paper
from fastres.claims.decide import decide
from fastres.reproduce.report import ledger_page, records_page
from fastres.reproduce.report.notebook_page import read_page
from fastres.reproduce.report.references import references
from fastres.reproduce.report.shown_in import places

CLAIMS = paper.claims()
IDS = [claim.id for claim in CLAIMS]


def page(folder, name, *cells, **metadata):
    path = folder / f"{name}.ipynb"
    nbformat.write(new_notebook(cells=list(cells), metadata=metadata), path)
    return read_page(path, IDS)


def printed(text):
    return new_code_cell("", outputs=[new_output("stream", **{"text": text})], execution_count=1)


def claim(claim_id):
    return CLAIMS[IDS.index(claim_id)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Eqs (11) to (13), Fig. 4", {"eq 11", "eq 12", "eq 13", "fig 4"}),
        ("Table 2, Figures 7 and 8: deep", {"table 2", "fig 7", "fig 8"}),
        ("Equation (9), first half", {"eq 9"}),
        ("Sections 2.1, 2.2", {"section 2.1", "section 2.2"}),
        ("a configuration 3, equal 4, vegetables 1", set()),
    ],
)
def test_references_of_a_text(text, expected):
    assert references(text) == expected


def test_a_claim_leads_to_where_it_is_named_else_to_its_equation_else_to_what_computes_it(tmp_path):
    block = page(
        tmp_path, "02_block", new_markdown_cell("# Blocks\n\n## Equation (12): one kernel\n\n## Other\n\nEq (12)")
    )
    costs = page(tmp_path, "03_costs", new_markdown_cell("# Costs\n\n## Counts"))
    trained = page(tmp_path, "11_trained", new_markdown_cell("# Trained\n\n## Said"), printed("eq9-trained-fold: open"))
    ledger = page(tmp_path, "10_claims", printed(" ".join(IDS)))
    pages = [block, costs, trained, ledger]
    hrefs = lambda claim_id: [place.href for place in places(claim(claim_id), pages, CLAIMS)]  # noqa: E731
    assert hrefs("eq12-composed-kernel") == ["02_block.html#equation-12-one-kernel"]
    assert hrefs("eq9-trained-fold") == ["11_trained.html#said"]
    assert hrefs("memory-saved") == ["03_costs.html"]
    assert hrefs("novel-structure") == []


def test_every_claim_that_a_run_or_a_computation_decides_is_shown_in_some_notebook(tmp_path):
    pages = [page(tmp_path, f"{n:02d}_page", new_markdown_cell(f"# {n}")) for n in range(12)]
    alone = [
        each.id for each in CLAIMS if each.check not in ("outside", "follows_from") and not places(each, pages, CLAIMS)
    ]
    assert not alone


def test_a_page_has_one_outline_with_unique_anchors(tmp_path):
    text = "# Title $x^2$\n\n#### Deep\n\n## Twice\n\n### Below\n\n## Twice\n\n# Another"
    body = page(tmp_path, "01_a", new_markdown_cell(text)).body
    assert re.findall(r'<(h\d) id="([^"]+)"', body) == [
        ("h2", "deep"), ("h2", "twice"), ("h3", "below"), ("h2", "twice-2"), ("h2", "another"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "smoke"),
    [
        ("setting: digits, 3 epochs, fp32", True),
        ("digits_basic_d8_e3_s0_3b8a: done", True),
        ("rounded to its digits", False),
        ("folder:photos, 15 epochs", False),
    ],
)
def test_outputs_of_smoke_runs_are_marked(tmp_path, text, smoke):
    found = page(tmp_path, "01_a", new_markdown_cell("The digits, 3 epochs, are embedded."), printed(text))
    assert found.smoke == smoke and ("smoke-banner" in found.body) == smoke


def test_of_a_mixed_table_only_the_rows_of_smoke_runs_are_marked(tmp_path):
    table = "| setting | error |\n|---|---|\n| digits, 3 epochs | 20 |\n| folder:photos, 15 epochs | 9 |\n"
    outputs = [new_output("display_data", {"text/markdown": table})]
    found = page(tmp_path, "01_a", new_code_cell("", outputs=outputs, execution_count=1))
    assert found.smoke and found.body.count("smoke-row") == 1 and "smoke-banner" not in found.body


def test_a_training_notebook_is_named_for_its_run_and_marked_as_a_whole(tmp_path):
    run = "digits_basic_d8_e3_s0_3b8a"
    found = page(tmp_path, run, new_markdown_cell("# Train one network"), printed(run))
    assert found.title == run and not found.number and found.smoke and "smoke-banner" not in found.body


def test_pictures_stand_in_a_figure_with_words(tmp_path):
    def picture(**words):
        return new_output("display_data", {"image/png": "AAAA"}, metadata={"image/png": words} if words else {})

    markup = (
        '<figure id="figure-curve"><img alt="Curves" src="data:,"><figcaption>Figure 6.1. Curves</figcaption></figure>'
    )
    outputs = [picture(alt="Bars: one each"), picture(), new_output("display_data", {"text/html": markup})]
    found = page(tmp_path, "06_a", new_code_cell("", outputs=outputs, execution_count=1))
    assert found.sections[0].figures == (
        ("figure-1", "Bars"),
        ("figure-2", "No description has been provided for this image"),
        ("figure-curve", "Figure 6.1"),
    )
    assert found.body.count("<figure") == 3 and found.body.count(" alt=") == 3


def test_names_of_claims_become_links_and_times_are_papermills(tmp_path):
    found = page(tmp_path, "01_a", new_markdown_cell("`eq9-fold` and `eq9-other`"), papermill={"duration": 3.5})
    assert found.body.count("<a href=") == 1 and 'href="ledger.html#eq9-fold"' in found.body
    assert found.seconds == 3.5 and not found.failed
    assert page(tmp_path, "01_b", papermill={"duration": None, "exception": True}).failed


def test_links_to_notebooks_lead_to_their_pages_and_those_to_other_files_are_text(tmp_path):
    text = "[a](02_b.ipynb) [b](02_b.ipynb#part) [c](03_gone.ipynb) [d](../docs/x.md) [e](https://f.org) [f](#here)"
    path = tmp_path / "01_a.ipynb"
    nbformat.write(new_notebook(cells=[new_markdown_cell(text)]), path)
    body = read_page(path, pages=["01_a", "02_b"]).body
    assert re.findall(r'href="([^"]+)"', body) == ["02_b.html", "02_b.html", "https://f.org", "#here"]


def test_a_row_of_the_ledger_leads_to_the_records_that_show_something():
    short = made_up.pairs([9.0, 9.1, 9.2], [9.0, 9.0, 9.0], epochs=15)
    rows = ledger_page.rows(decide(short, claims=[claim("t1-error-equal")]), [], short)
    (setting,) = records_page.settings(short, smoke=False)
    assert [evidence.anchor for evidence in rows[0].so_far] == [setting.anchor]
    assert list(ledger_page.by_section(rows)) == ["Section 3.3: three structures at depth 20"]


def test_an_interval_that_is_drawn_is_not_listed_again():
    timings = [made_up.timing(rounds=6, basic=2.0, simplified_1=1.5)]
    (row,) = ledger_page.rows(decide(timings=timings, claims=[claim("t1-time")]), [], [])
    assert len(row.charts) == 1 and not row.numbers
    (costs,) = ledger_page.rows(decide(claims=[claim("bn-computation-huge")]), [], [])
    assert costs.numbers and not costs.charts


def test_smoke_runs_and_others_never_share_a_table():
    runs = [made_up.record(dataset="digits", depth=8), made_up.record(depth=8), made_up.record(depth=14)]
    smoke, others = (records_page.settings(runs, smoke=which) for which in (True, False))
    assert [len(each.runs) for each in smoke] == [1] and [len(each.runs) for each in others] == [2]


def test_records_know_the_claims_that_rest_on_them():
    record = made_up.timing(rounds=6, basic=2.0, simplified_1=1.5)
    used = records_page.used_by(decide(timings=[record]))
    assert "t1-time" in [entry.claim.id for entry in used[record.identity]]
    again = record.model_copy(update={"finished": "later"})
    assert again.identity not in used and again.timing_id == record.timing_id
