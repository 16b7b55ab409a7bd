"""What notebook 08 shows of recorded timings, from synthetic records."""

from made_up import timing

from fastres.experiments import SQUARE
from fastres.models.structures import activations
from fastres.theory.memory import kept_bytes
from fastres.theory.roofline import Work
from fastres.views.timings import (
    memory_frame,
    missing_commands,
    predictions_frame,
    recorded_frame,
    ways_frame,
    work_frame,
)


def test_without_records_every_row_of_the_paper_is_not_yet_run():
    frame = recorded_frame([])
    assert set(frame["our s/epoch"]) == {"not yet run"}
    assert list(frame["D"]) == [20, 20, 20, 56, 56, 110, 110, 668, 668]
    assert [command.split()[5] for command in missing_commands([])] == ["20", "56", "110", "668"]


def test_a_record_stands_beside_the_paper():
    records = [timing(20, basic=4.0, simplified_1=3.0, bottleneck=8.0), timing(26, basic=1.0)]
    frame = recorded_frame(records).set_index(["D", "structure"])
    row = frame.loc[20, "simplified-1"]
    assert row["our reduction"] == "25.0 % [25.0, 25.0]" and row["our s/epoch"] == f"{1.5 * 391:.2f}"
    assert row["paper reduction %"] == "26.6" and row["measured"] == "Some CPU, fp32, eager, batch 128, 6 rounds"
    assert frame.loc[20, "basic"]["our reduction"] == "–"
    assert frame.loc[20, "bottleneck"]["paper s/epoch"] == "–"
    assert frame.loc[20, "simplified-2"]["our s/epoch"] == "not yet run"
    assert frame.loc[26, "basic"]["our s/epoch"] == f"{0.5 * 391:.2f}"
    assert len(missing_commands(records)) == 3


def test_a_prediction_stands_beside_its_measurement():
    prediction = {(8, "simplified-1"): 0.125}
    assert list(predictions_frame(prediction)) == ["D", "structure", "predicted"]
    row = predictions_frame(prediction, [timing(8, basic=0.02, simplified_1=0.015)]).iloc[0]
    assert row["predicted"] == "12.5 %" and row["measured"] == "25.0 % [25.0, 25.0]"
    assert row["basic, ms per step"] == "10.0" and row["this one, ms per step"] == "7.5"


def test_the_work_of_a_step_in_its_units():
    row = work_frame({(8, "basic"): Work(flops=2_500_000_000, bytes=1_250_000, launches=7)}).iloc[0]
    assert list(row) == [8, "basic", "2.50", "1.2", 7]


def test_the_ways_of_computing_at_one_depth():
    eager, other = timing(20, basic=4.0, simplified_1=3.0), timing(56, basic=1.0)
    compiled = timing(20, basic=2.0, simplified_1=1.8, simplified_2=1.6)
    compiled = compiled.model_copy(update={"environment": {**eager.environment, "compiled": True}})
    frame = ways_frame([eager, other, compiled, timing(20, simplified_1=1.0)], 20)
    assert list(frame["computed"]) == [
        f"Some CPU, fp32, {engine}, batch 128, 6 rounds" for engine in ("eager", "compiled")
    ]
    assert list(frame["simplified-1 saves"]) == ["25.0 % [25.0, 25.0]", "10.0 % [10.0, 10.0]"]
    assert list(frame["simplified-2 saves"]) == ["–", "20.0 % [20.0, 20.0]"]
    assert list(frame["basic, s/epoch"]) == [f"{value * 391:.1f}" for value in (2.0, 1.0)]
    assert eager.timing_id != compiled.timing_id


def test_memory_by_depth_and_structure():
    frame = memory_frame([8, 20], ["basic", "simplified-1"], 128, 8)
    assert list(frame["D"]) == [8, 8, 20, 20] and list(frame["less than basic"])[::2] == ["0.0 %", "0.0 %"]
    saved = 100 * (1 - kept_bytes("simplified-1", 20, 128) / kept_bytes("basic", 20, 128))
    assert frame["less than basic"].iloc[3] == f"{saved:.1f} %"
    fits = [int(value.replace(",", "")) for value in frame["batch that fits 8 GB"]]
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
