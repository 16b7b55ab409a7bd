import pytest
import torch

from fastres.config import RunConfig
from fastres.datasets.sources import synthetic
from fastres.errors import RecordError
from fastres.measure.linearity import linearity_of_blocks, measure_linearity
from fastres.models.resnet import build_model
from fastres.records.linearity import load_linearity
from fastres.training.run import train

IMAGES = torch.randn(8, 3, 16, 16, generator=torch.Generator().manual_seed(0))


def network(structure: str, shift: float):
    """A network whose batch norms put every value of BN(X) near `shift`, in deviations."""
    model = build_model(structure, 8, seed=0).eval()
    with torch.no_grad():
        x = model.stem(IMAGES)
        for block in model.blocks:
            for f, values in ((block.f1, x), (block.f2, block.conv1(block.f1(x)))):
                if hasattr(f, "__getitem__"):
                    f[0].running_mean.copy_(values.mean((0, 2, 3)))
                    f[0].running_var.copy_(values.var((0, 2, 3)))
                    f[0].bias.fill_(shift)
            x = block(x)
    return model


@pytest.mark.parametrize("structure", ["basic", "simplified-2"])
def test_an_activation_that_is_always_on_is_affine_and_folds_but_for_the_border(structure):
    for block in linearity_of_blocks(network(structure, shift=100.0), IMAGES):
        first = block.first
        assert (first.always_on, first.always_off, first.positive) == (1, 0, 1)
        assert first.r2 == pytest.approx(1.0, abs=1e-6) and first.beta_over_gamma == pytest.approx(100.0)
        assert first.folded_inside < 1e-4 < 1e-2 < first.folded_border
        assert block.branch_r2 is None if structure == "basic" else block.branch_r2 == pytest.approx(1.0, abs=1e-4)


def test_an_activation_at_its_start_is_not_affine():
    for block in linearity_of_blocks(network("simplified-2", shift=0.0), IMAGES):
        assert 0.4 < block.first.positive < 0.6 and 0.5 < block.first.r2 < 0.9
        assert block.first.folded_inside > 0.1 and block.branch_r2 < 0.95
        assert block.second is None


def test_places_without_bn_relu_have_nothing_to_fit():
    for block in linearity_of_blocks(network("simplified-1", shift=0.0), IMAGES):
        assert block.first is None and block.second is not None and block.branch_r2 is None


def test_the_record_is_of_the_run_and_its_images(tmp_path):
    data = synthetic(10, train_size=64, test_size=16)
    run = train(RunConfig(dataset="synthetic", depth=8, epochs=1, batch_size=32), data, "cpu", tmp_path)
    record = measure_linearity(tmp_path / run.run_id, data, limit=8)
    assert load_linearity(tmp_path) == [record] and record.images == 8 and len(record.blocks) == 3
    with pytest.raises(RecordError, match="not on these images"):
        measure_linearity(tmp_path / run.run_id, synthetic(10, train_size=64, test_size=16, seed=1))
