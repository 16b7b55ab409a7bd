"""Every page of the report in headless Chromium, from a file path, with the network off."""

import re
from collections import Counter
from urllib.parse import unquote, urlsplit

import pytest
from bs4 import BeautifulSoup

from fastres.claims import ledger
from fastres.claims.finding import OPEN
from fastres.views import headlines

LARGEST = 10_000_000  # bytes of the whole site


def pages(site):
    return sorted(path.name for path in site.glob("*.html"))


def test_no_page_has_an_error_or_asks_the_network_or_is_wider_than_the_window(visited, site):
    for width in (390, 1440):
        page = visited("index.html", width)
        for name in pages(site):
            page.goto(f"{site.as_uri()}/{name}")
            needed = page.evaluate("document.documentElement.scrollWidth")
            if needed > width:
                page.problems.append(f"{name}: {needed} px wide at {width}")
        assert not page.problems
    assert sum(path.stat().st_size for path in site.rglob("*")) < LARGEST


def test_every_link_leads_somewhere(site):
    soups = {name: BeautifulSoup((site / name).read_text(encoding="utf-8"), "html.parser") for name in pages(site)}
    anchors = {name: [tag["id"] for tag in soup.find_all(id=True)] for name, soup in soups.items()}
    twice = {name: [a for a, n in Counter(found).items() if n > 1] for name, found in anchors.items()}
    assert not any(twice.values()), twice
    dead = []
    for name, soup in soups.items():
        for tag in soup.find_all(href=True) + soup.find_all(src=True):
            url = urlsplit(tag.get("href") or tag["src"])
            if url.scheme in ("https", "data"):
                continue
            target = unquote(url.path) or name
            fragment = unquote(url.fragment)
            if not (site / target).is_file() or (fragment and fragment not in anchors[target]):
                dead.append(f"{name}: {url.geturl()}")
    assert not dead


def violations(page, names, site, **options):
    """What axe-core finds on each page, as lines."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="pip install 'fastres[browser]'").Axe()
    found = []
    for name in names:
        page.goto(f"{site.as_uri()}/{name}")
        for rule in axe.run(page, options={"resultTypes": ["violations"], **options}).response["violations"]:
            found += [f"{name}: {rule['id']}: {node['html'][:150]} {node['failureSummary']}" for node in rule["nodes"]]
    return found


def test_axe_finds_nothing(visited, site):
    assert not violations(visited("index.html"), pages(site), site)


def test_axe_finds_enough_contrast_in_the_dark(visited, site):
    """On a page of each kind: their colours are those of one style sheet."""
    kinds = ["index.html", "ledger.html", "records.html", "smoke.html", "11_trained_networks.html", "99_hostile.html"]
    assert not violations(visited("index.html", color_scheme="dark"), kinds, site, runOnly=["color-contrast"])


def test_axe_would_find_grey_on_grey(visited, site, tmp_path):
    text = (site / "smoke.html").read_text(encoding="utf-8")
    (tmp_path / "grey.html").write_text(text.replace("<main", '<main style="color:#ccc"'), encoding="utf-8")
    (tmp_path / "report.css").write_bytes((site / "report.css").read_bytes())
    assert "color-contrast" in violations(visited("index.html"), ["grey.html"], tmp_path, runOnly=["color-contrast"])[0]


FRACTIONS = """[...document.querySelectorAll('mfrac')].filter(f => {
  const [over, under] = [...f.children].map(child => child.getBoundingClientRect());
  return !(over.height > 4 && under.height > 4 && over.bottom <= under.top + 1);
}).length"""
SUMS = """[...document.querySelectorAll('math[display=block] munderover')].filter(s => {
  const [sum, under, over] = [...s.children].map(child => child.getBoundingClientRect());
  return !(sum.height > 14 && over.bottom <= sum.top + 6 && sum.bottom <= under.top + 6);
}).length"""


@pytest.mark.parametrize("font", ["", "math { font-family: 'Liberation Serif', serif !important }"])
def test_fractions_and_sums_are_drawn_also_without_a_maths_font(visited, font):
    for name, least in (("01_residual_block.html", 10), ("02_simplified_structures.html", 10)):
        page = visited(name)
        if font:
            page.add_style_tag(content=font)
        count = page.locator("math").count()
        assert count >= least and "$" not in page.locator(".text_cell").first.inner_text()
        assert page.evaluate("[...document.querySelectorAll('math')].every(m => m.getBoundingClientRect().height > 6)")
        assert page.locator("math[display=block]").count() >= 2
        assert page.evaluate(FRACTIONS) == 0 and page.evaluate(SUMS) == 0


def test_names_of_users_stay_text(visited, site):
    page = visited("99_hostile.html")
    assert "folder:my $x_{1$ & <b>data|set" in page.locator("pre").first.inner_text()
    for name in pages(site):
        text = (site / name).read_text(encoding="utf-8")
        assert "<b>data" not in text and "/home/me" not in text, name
    assert "my ·x_·1· · ·b·data·set" in visited("records.html").locator("main").inner_text()


def test_a_diverged_run_has_its_reason_in_place_of_errors(visited):
    row = visited("records.html").locator("tr[id*=_d14_]").inner_text()
    assert "diverged: the loss is nan in epoch 3" in row and "30.00" not in row


def test_headings_of_a_notebook_make_one_outline(visited):
    page = visited("99_hostile.html")
    levels = page.evaluate("[...document.querySelectorAll('main h1, main h2, main h3')].map(h => h.tagName)")
    assert levels[:2] == ["H1", "H2"] and levels.count("H1") == 1
    assert page.locator("#twice").count() == page.locator("#twice-2").count() == 1


def test_smoke_runs_stand_apart(visited):
    assert not visited("10_claims.html").locator(".smoke").count()
    page = visited("99_hostile.html")
    assert page.locator(".smoke").count() == 1 and "digits" in page.locator(".smoke table").inner_text()
    assert "digits" not in visited("records.html").locator("main").inner_text()
    smoke = visited("smoke.html")
    assert smoke.locator(".smoke tbody tr").count() == 1
    assert smoke.locator("main .notice").is_visible()


def test_the_first_screen_has_it_all(visited):
    page = visited("index.html")
    assert page.locator(".card").count() == len(headlines.CLAIMS)
    for part in ("h1", ".blocks", ".card >> nth=4", ".meter", ".groups"):
        box = page.locator(part).first.bounding_box()
        assert box["y"] >= 0 and box["y"] + box["height"] <= 900, part
    words = page.locator("main").inner_text()
    assert "26.6 %" in words and re.search(r"\d+ of \d+ claims decided", words)
    assert page.locator("#log details").get_attribute("open") is None


def test_the_ledger_is_filtered_without_a_server(visited):
    page = visited("index.html")
    page.get_by_role("link", name=re.compile(r"^\d+ open$")).click()
    page.wait_for_load_state()
    expected = ledger.counts(ledger.entries())[OPEN]
    assert page.locator(".claim:visible").count() == expected
    page.locator("input[name=text]").fill("TABLE 1 simplified-2")
    shown = page.locator(".claim:visible")
    assert 0 < shown.count() < expected
    assert all("simplified-2" in text for text in shown.all_inner_texts())
    page.locator("input[name=text]").fill("qwertzuiop")
    assert page.locator(".claim:visible").count() == 0 and not page.locator(".part:visible").count()
    page.locator("input[name=text]").fill("")
    page.locator("select[name=section]").select_option("Conclusion")
    assert page.locator(".part:visible h2").all_inner_texts() == ["Conclusion"]
    page.get_by_role("button", name="Show all").click()
    page.wait_for_function("document.querySelectorAll('.claim:not([hidden])').length === 83")


def test_the_meter_leads_to_its_groups(visited):
    page = visited("index.html")
    link = page.locator(".groups a").first
    number = int(link.inner_text().split()[0])
    link.click()
    page.wait_for_load_state()
    assert page.locator(".claim:visible").count() == number > 20
    assert set(page.eval_on_selector_all(".claim:not([hidden])", "all => all.map(c => c.dataset.group)")) == {"decided"}


def test_an_anchor_shows_a_claim_that_the_filter_hides(visited):
    page = visited("ledger.html?verdict=open#eq9-fold")
    assert page.locator("#eq9-fold").is_visible()


def test_the_contents_stay_in_view_and_mark_the_section(visited):
    page = visited("02_simplified_structures.html")
    marked = page.locator(".contents [aria-current=location]")
    titles = []
    for section in page.locator("main .notebook h2").all()[2:5]:
        section.evaluate("tag => tag.scrollIntoView()")
        page.wait_for_timeout(60)
        titles.append((marked.inner_text(), section.inner_text()))
    assert all(mark == title for mark, title in titles), titles
    assert page.locator(".contents [aria-current=page]").bounding_box()["y"] >= 0


def test_without_scripts_everything_is_still_there(visited):
    page = visited("ledger.html?verdict=open", java_script_enabled=False)
    assert page.locator(".claim:visible").count() == 83
    assert not page.locator("form.filter").is_visible()


def test_a_picture_and_its_numbers_follow_the_controls(visited):
    page = visited("02_simplified_structures.html")
    structure, affine, kernels = page.locator(".live").all()
    picture, first = structure.locator("img"), page.get_by_label("activation f₁")
    assert "simplified-1: no activation" in picture.get_attribute("alt")
    first.select_option("bn")
    assert "bn/bn-relu: BN, 3×3 conv" in picture.get_attribute("alt")
    assert "bn/bn-relu" in structure.locator("thead").inner_text()
    first.press("End")
    assert structure.locator("td", has_text="batch normalisations").locator("xpath=..").inner_text().endswith("0.0 %")
    page.get_by_label("β / γ").press("ArrowLeft")
    assert affine.locator("output").inner_text() == "−0.5"
    assert "gamma -0.5" in affine.locator("img").get_attribute("alt")
    page.get_by_label("second kernel").select_option("identity")
    assert "mean and identity" in kernels.locator("img").get_attribute("alt")
    for each in (structure, affine, kernels):
        each.scroll_into_view_if_needed()
        shown = each.locator("img").element_handle()
        page.wait_for_function("image => image.complete && image.naturalWidth", arg=shown)
    assert not page.problems


def test_every_choice_of_the_controls_has_its_picture(visited, site):
    soup = BeautifulSoup((site / "02_simplified_structures.html").read_text(encoding="utf-8"), "html.parser")
    for live, count in zip(soup.select(".live"), (16, 13, 25), strict=True):
        states = live.select("template")
        pictures = [(site / state.img["src"]).read_bytes() for state in states]
        assert len(set(pictures)) == len({state["data-state"] for state in states}) == count
        assert all(state.img["alt"] for state in states)


def test_printed_or_without_scripts_a_picture_is_the_notebooks_own(visited):
    page = visited("02_simplified_structures.html")
    page.get_by_label("activation f₁").select_option("bn")
    picture = page.locator(".live img").first
    loaded = "[...document.querySelectorAll('main img')].every(image => image.complete && image.naturalWidth)"
    assert page.evaluate(f"dispatchEvent(new Event('beforeprint')) && {loaded}")
    assert "simplified-1: no activation" in picture.get_attribute("alt")
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert "bn/bn-relu" in picture.get_attribute("alt")
    plain = visited("02_simplified_structures.html", java_script_enabled=False)
    assert not plain.locator(".controls").first.is_visible()
    assert "simplified-1: no activation" in plain.locator(".live img").first.get_attribute("alt")
