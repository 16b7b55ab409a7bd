import re
import tomllib

import pytest
from made_up import timing

from fastres import paths
from fastres.claims import ledger
from fastres.views import chinese, readme, speed


def block(page: str, name: str) -> str:
    text = (paths.ROOT / page).read_text(encoding="utf-8")
    return text.split(f"<!-- {name} -->\n")[1].split(f"\n<!-- /{name} -->")[0]


@pytest.fixture(scope="module")
def entries() -> list:
    return ledger.entries()


def test_every_block_is_made_from_the_committed_records(entries):
    """Stale? `make readme`."""
    assert block("README.md", "results") == readme.results(entries)
    assert block("README.md", "speed") == speed.readme_block()
    assert block("README.zh-CN.md", "results") == chinese.block(entries)


def test_a_row_has_the_papers_number_and_ours(entries):
    rows = {line.split(" | ")[0]: line for line in readme.results(entries).splitlines()}
    time = next(line for start, line in rows.items() if "about 27 %" in start)
    assert "26.6 % less time (GTX 1070)" in time and re.search(r"\d+\.\d % \[\d+\.\d, \d+\.\d\]", time)
    assert "-" not in re.sub(r"[A-Za-z]-|-[A-Za-z0-9]", "", time.replace("simplified-1", ""))  # one minus sign


def test_the_least_and_the_largest_saving_are_told_with_their_settings():
    records = [timing(20, basic=10.0, simplified_1=time, device_name=name) for name, time in (("A", 9.0), ("B", 7.0))]
    shared = records[0].model_copy(update={"environment": {**records[0].environment, "runs_at_once": 2}})
    deep = timing(56, basic=10.0, simplified_1=1.0)
    line = readme.all_ways([*records, shared, deep])
    assert "all 2 timings at D = 20" in line and "least saving is 10.0 %" in line and "largest 30.0 %" in line
    assert line.index("(A,") < line.index("(B,")


def test_the_pictures_are_there_and_have_words():
    text = (paths.ROOT / "README.md").read_text(encoding="utf-8")
    shown = dict(re.findall(r"!\[([^\]]+)\]\((docs/pictures/[a-z_]+\.svg)\)", text))
    assert len(shown) == 2 and all(len(alt) > 60 for alt in shown)
    for path in shown.values():
        assert (paths.ROOT / path).read_text(encoding="utf-8").startswith("<?xml")


def test_the_badges_say_what_the_package_declares():
    project = tomllib.loads((paths.ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    doi = re.search(r"doi: (10\.13229/\S+)", (paths.ROOT / "CITATION.cff").read_text(encoding="utf-8"))[1]
    folder = paths.ROOT / "docs/pictures"
    badges = {
        name: (folder / f"badge-{name}.svg").read_text(encoding="utf-8") for name in ("python", "license", "paper")
    }
    assert project["requires-python"] == ">=3.11,<3.15" and "<title>Python: 3.11 to 3.14</title>" in badges["python"]
    assert f"<title>license: {project['license']}</title>" in badges["license"] and f"doi: {doi}<" in badges["paper"]
