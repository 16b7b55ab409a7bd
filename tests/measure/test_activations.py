import pytest
import torch

from fastres.config import RunConfig
from fastres.datasets.sources import synthetic
from fastres.errors import RecordError
from fastres.measure.activations import measure_activations, positive_shares, update_drifts
from fastres.models.resnet import build_model
from fastres.records.activations import load_activations
from fastres.training.run import train


@pytest.mark.parametrize("structure", ["basic", "simplified-1"])
def test_activations_are_measured_and_read_again(tmp_path, structure):
    dataset = synthetic(10, train_size=64, test_size=32)
    config = RunConfig(dataset="synthetic", structure=structure, depth=8, epochs=1, batch_size=32)
    train(config, dataset, device="cpu", runs_dir=tmp_path)
    folder = tmp_path / config.run_id
    record = measure_activations(folder, dataset, limit=16)
    assert load_activations(tmp_path, tmp_path) == [record]
    assert (record.images, len(record.blocks)) == (16, 3)
    assert len(record.path_gradients) == 4 and record.path_share(0, 3) == pytest.approx(1)
    assert [block.outputs for block in record.blocks] == [16 * 256, 32 * 64, 64 * 16]
    assert (record.blocks[0].normalised_positive is None) == (structure == "simplified-1")
    assert all(0 <= block.output_positive <= 1 and block.second_drift > 0 for block in record.blocks)
    assert measure_activations(folder, dataset, limit=16) == record
    with pytest.raises(RecordError, match="not on these images"):
        measure_activations(folder, synthetic(10, train_size=64, test_size=32, seed=1))
    (folder / "activations.json").write_text("{}", encoding="utf-8")
    with pytest.raises(RecordError, match="not a record of activations"):
        load_activations(tmp_path)


def test_shares_and_drifts_by_hand():
    model = build_model("basic", 8, seed=0)
    images, labels = torch.randn(8, 3, 32, 32, generator=torch.Generator().manual_seed(0)), torch.arange(8)
    with torch.no_grad():
        x = model.train().stem(images)
        y = model.blocks[0](x)
        normalised = torch.nn.functional.batch_norm(x, None, None, training=True)
    shares = positive_shares(model, images)[0]
    assert shares["input"] == pytest.approx(float((x > 0).double().mean()))
    assert shares["output"] == pytest.approx(float((y > 0).double().mean()))
    assert shares["normalised"] == pytest.approx(float((normalised > 0).double().mean()), abs=1e-4)
    before = x.mean(dim=(0, 2, 3)), x.std(dim=(0, 2, 3))
    drifts = update_drifts(model, images, labels)
    with torch.no_grad():
        after = model.stem(images).mean(dim=(0, 2, 3))  # of the model after its one step
    assert drifts[0][0] == pytest.approx(float(((after - before[0]).abs() / before[1]).mean()), rel=1e-4)
