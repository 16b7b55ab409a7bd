"""What notebook 08 shows of recorded timings, from synthetic records."""

import pytest
from made_up import timing

from fastres.experiments import SQUARE
from fastres.measure.profile import BN, CONV_FORWARD, KINDS, Breakdown
from fastres.models.structures import activations
from fastres.theory.memory import kept_bytes, needed_bytes
from fastres.theory.roofline import Rates, Work
from fastres.views.timings import (
    behind,
    card_shares,
    memory_frame,
    predictions_frame,
    recorded_frame,
    work_frame,
)


def test_without_records_every_depth_of_the_paper_is_not_yet_run():
    frame = recorded_frame([])
    assert list(frame["D"]) == [20, 20, 56, 56, 110, 110, 668, 668] and list(frame["by"]) == ["paper", "ours"] * 4
    assert set(frame["measured"]) == {"GTX 1070, MatConvNet", "not yet run"}


def test_a_record_stands_below_the_paper():
    records = [timing(20, basic=4.0, simplified_1=3.0, bottleneck=8.0), timing(26, basic=1.0)]
    records += [timing(20, precision="bf16", basic=1.0)]  # another way of computing is no row
    frame = recorded_frame(records).set_index(["D", "by"])
    theirs, ours = frame.loc[20, "paper"], frame.loc[20, "ours"]
    assert theirs["simplified-1, less time"] == "26.6 %" and theirs["simplified-1, s/epoch"] == "22.08"
    assert ours["simplified-1, less time"] == "25.0 % [25.0, 25.0]"
    assert ours["simplified-1, s/epoch"] == f"{1.5 * 391:.2f}" and ours["simplified-2, less time"] == "–"
    assert ours["measured"] == "Some CPU, fp32, eager, batch 128, 6 rounds"
    assert frame.loc[26, "ours"]["basic, s/epoch"] == f"{0.5 * 391:.2f}"
    assert not [name for name in frame if "bottleneck" in name]


def test_a_prediction_stands_beside_its_measurement():
    prediction = {(8, "simplified-1"): 0.125}
    assert list(predictions_frame(prediction)) == ["D", "structure", "predicted"]
    row = predictions_frame(prediction, [timing(8, basic=0.02, simplified_1=0.015)]).iloc[0]
    assert row["predicted"] == "12.5 %" and row["measured"] == "25.0 % [25.0, 25.0]"
    assert row["basic, ms per step"] == "10.0" and row["this one, ms per step"] == "7.5"


def test_the_work_of_a_step_in_its_units():
    row = work_frame({(8, "basic"): Work(flops=2_500_000_000, bytes=1_250_000, launches=7)}).iloc[0]
    assert list(row) == [8, "basic", "2.50", "1.2", 7]


def test_the_memory_of_a_card_with_and_without_the_margin():
    without, within = card_shares("basic", 20, 128, 8)
    assert within * 8 * 2**30 == pytest.approx(needed_bytes("basic", 20, 128))
    kept = kept_bytes("basic", 20, 128)
    parameters = without * 8 * 2**30 - kept  # weights, gradients, momentum
    assert 0 < parameters < 0.05 * kept and (within - without) * 8 * 2**30 == pytest.approx(0.25 * kept, rel=1e-3)


def profiled(structure: str, convolution: float, bn: float) -> Breakdown:
    seconds = dict.fromkeys(KINDS, 0.0) | {CONV_FORWARD: convolution, BN: bn}
    whole = convolution + bn
    return Breakdown(structure, 8, 2, "fp32", "cpu", 1, seconds, {}, whole, whole)


def test_how_far_parts_of_a_step_are_behind_by_hand():
    machine = Rates(1.0, 1.0, 0.0)
    counts = (Work(3, 2, 0), Work(3, 1, 0))  # predicted: 5 s, of which 1 s goes with the activation
    told = behind(profiled("basic", 6.0, 4.0), profiled("simplified-1", 6.0, 1.0), counts, machine)
    assert "convolutions take 60 % and BN and ReLU 40 %" in told
    assert "Convolutions take 2.0 times their reference." in told
    assert "takes 3.0 times its reference: 30.0 % of the step; predicted: 20.0 %." in told


def test_memory_by_depth_and_structure():
    frame = memory_frame([8, 20], ["basic", "simplified-1"], 128, 8)
    assert list(frame["D"]) == [8, 8, 20, 20] and list(frame["less than basic"])[::2] == ["0.0 %", "0.0 %"]
    saved = 100 * (1 - kept_bytes("simplified-1", 20, 128) / kept_bytes("basic", 20, 128))
    assert frame["less than basic"].iloc[3] == f"{saved:.1f} %"
    fits = [int(value.replace(",", "")) for value in frame["batch that fits 8 GiB"]]
    assert fits[1] > fits[0] > fits[2] and fits[3] > fits[2]


def test_a_step_is_the_mean_of_the_middle_two_of_an_even_number_of_rounds():
    record = timing(8, basic=0.0, simplified_1=0.0)
    record = record.model_copy(update={"seconds": {"basic": [0.02, 0.04], "simplified-1": [0.01, 0.02]}})
    row = predictions_frame({(8, "simplified-1"): 0.5}, [record]).iloc[0]
    assert row["basic, ms per step"] == "15.0" and row["this one, ms per step"] == "7.5"


def test_the_name_of_a_record_of_many_structures_is_short():

    many = timing(20, **{"/".join(activations(name)): 1.0 for name in SQUARE})
    other = timing(20, **{"/".join(activations(name)): 1.0 for name in (*SQUARE[1:], "frozen-bn-relu/none")})
    assert "_16-structures-" in many.timing_id and len(many.timing_id) < 100
    assert many.timing_id != other.timing_id
