import made_up
import pytest

from fastres import paper
from fastres.claims.compared import POINTS, SAVED, comparisons
from fastres.claims.decide import Entry, decide
from fastres.claims.finding import BUILT, NOT_RUN, OPEN, VERDICTS, Finding
from fastres.claims.timings import LEAST_ROUNDS
from fastres.experiments import planned_runs
from fastres.reproduce.report import charts, first_screen
from fastres.stats import Interval
from fastres.views import headlines


def entry(claim_id: str, **evidence) -> Entry:
    (claim,) = (claim for claim in paper.claims() if claim.id == claim_id)
    return Entry(claim, made_up.found(claim_id, *evidence.pop("runs", ()), **evidence))


def timing(device="Some CPU", **seconds):
    return made_up.timing(device_name=device, rounds=LEAST_ROUNDS, **seconds)


def test_the_papers_number_stands_beside_ours_for_each_device():
    timings = [timing(basic=2.0, simplified_1=1.5), timing("Other CPU", basic=2.0, simplified_1=1.0)]
    (compared,) = comparisons(entry("t1-time", timings=timings))
    assert (
        compared.unit == SAVED
        and compared.source == "GTX 1070"
        and compared.printed.value == pytest.approx(paper.reduction("time", 20))
    )
    assert {name: interval.value for name, interval in compared.ours.items()} == {"Some CPU": 25.0, "Other CPU": 50.0}


def test_a_short_schedule_gives_no_number_on_the_papers_axis():
    short = made_up.pairs([9.0, 9.1, 9.2], [9.0, 9.0, 9.0], epochs=15)
    found = entry("t1-error-equal", runs=short)
    (compared,) = comparisons(found)
    assert found.verdict == OPEN and compared.ours == {} and compared.within == 0
    assert (
        compared.source == "5 runs each"
        and compared.printed.value == pytest.approx(0.06)
        and compared.printed.low < 0 < compared.printed.high
    )
    (card,) = first_screen.cards([found], short, ["t1-error-equal"])
    assert card.decides_nothing.startswith("+0.10 points [") and "15 epochs" not in card.decides_nothing
    full = comparisons(entry("t1-error-equal", runs=made_up.pairs([7.6, 7.7, 7.8], [7.6, 7.6, 7.6])))
    assert [interval.value for interval in full[0].ours.values()] == pytest.approx([0.1])
    assert full[0].unit == POINTS


def test_single_runs_of_the_paper_have_the_interval_of_their_test_images():
    first, *_ = comparisons(entry("t2-error"))
    assert first.source == "single runs" and f"{first.printed:+.2f}" == "−0.50 [−1.16, +0.16]"


def test_what_a_rule_takes_for_equal_is_drawn():
    (compared,) = comparisons(entry("t1-time-simplified-2", timings=[timing(simplified_1=2.0, simplified_2=2.0)]))
    assert compared.within == 3
    axes = {compared.unit: charts.axis_of([compared])}
    assert first_screen.card(entry("t1-time-simplified-2"), compared, axes).equal


def test_a_claim_with_another_kind_of_finding_has_nothing_to_compare():
    assert comparisons(entry("eq12-composed-kernel")) == comparisons(entry("bn-costs-time")) == []
    assert comparisons(entry("first-activation-useless")) == []  # the paper trains no ablation


def test_cards_of_one_unit_share_an_axis():
    timings = [timing(depth=d, basic=2.0, simplified_1=1.5) for d in (20, 668)]
    found = decide(timings=timings, claims=[c for c in paper.claims() if c.id in ("t1-time", "deep-time")])
    one, two = first_screen.cards(found, [], ["t1-time", "deep-time"])
    assert one.axis == two.axis and one.marks[1].x == two.marks[1].x != one.marks[0].x != two.marks[0].x


def test_the_headline_is_in_the_ledger():
    assert {claim.id for claim in paper.claims()} >= set(headlines.CLAIMS)
    with pytest.raises(KeyError):
        first_screen.cards([], [])


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [(0, 48.9, (0, 20, 40, 60)), (-0.5, 0.5, (-0.5, 0, 0.5)), (0, 0, (0,)), (-3, 1.2, (-4, -2, 0, 2))],
)
def test_an_axis_ends_at_round_numbers(low, high, ticks):
    compared = first_screen.Comparison("", SAVED, Interval(low), "", {"here": Interval(high)})
    axis = charts.axis_of([compared])
    assert axis.ticks[: len(ticks)] == pytest.approx(ticks)
    assert axis.low <= min(low, 0) and axis.high >= high and axis.high > axis.low
    assert 0 <= axis.at(low) <= 100 and 0 <= axis.at(high) <= 100


def test_the_meter_counts_every_claim_once():
    verdicts = [verdict for number, verdict in enumerate(VERDICTS) for _ in range(number + 1)]
    claim = paper.claims()[0]
    commands = {NOT_RUN: ("make it",)}
    found = [Entry(claim, Finding(verdict, commands=commands.get(verdict, ()))) for verdict in verdicts]
    seen = first_screen.coverage(found, [])
    assert sum(seen.groups.values()) == seen.claims == len(found) - verdicts.count(BUILT)
    assert seen.groups["not yet run"] == verdicts.count(NOT_RUN) > 0
    assert sum(segment.width for segment in seen.segments) == pytest.approx(100, abs=0.1)
    assert (seen.trained, seen.planned) == (0, len(planned_runs("paper")))


def test_only_runs_of_the_papers_recipe_count_as_its_networks():
    runs = [made_up.run(seed=0), made_up.run(seed=0, precision="bf16"), made_up.run(epochs=15), made_up.run(seed=99)]
    assert first_screen.coverage([], runs).trained == 1


def test_figure_3_is_drawn_from_the_modules():
    rows = {row.name: [box.text for box in row.boxes] for row in charts.figure_3()}
    conv = "3×3 conv"
    assert rows["basic"] == ["BN", "ReLU", conv, "BN", "ReLU", conv]
    assert rows["simplified-1"] == ["", conv, "BN", "ReLU", conv]
    assert rows["simplified-2"] == ["BN", "ReLU", conv, "", conv]
    assert len({row.boxes[-1].x for row in charts.figure_3()}) == 1  # one below the other


def test_a_card_says_how_much_and_where_and_what_was_found():
    timings = [timing("Some(R) CPU", basic=2.0, simplified_1=1.5), timing("Other CPU", basic=2.0, simplified_1=1.0)]
    claim = entry("t1-time", timings=timings)
    (card,) = first_screen.cards([claim], [], ["t1-time"])
    assert card.found == "25.0 to 50.0 %" and card.scope.endswith("; Some CPU, fp32, eager, batch 128")
    (open_,) = first_screen.cards([entry("t1-time")], [], ["t1-time"])
    assert open_.found == "" and open_.scope == "–"
