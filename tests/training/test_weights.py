import pytest
import torch

from fastres import paths
from fastres.config import RunConfig
from fastres.datasets.sources import synthetic
from fastres.errors import ConfigError, RecordError
from fastres.records.runs import record_path
from fastres.training.run import train
from fastres.training.weights import WEIGHTS, error_of, load_trained

DATA = synthetic(10, train_size=100, test_size=40)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """(folder of the runs, record) of a small run."""
    folder = tmp_path_factory.mktemp("runs")
    config = RunConfig(dataset="synthetic", structure="simplified-1", depth=8, epochs=2, batch_size=32, lr=0.05)
    return folder, train(config, DATA, "cpu", folder)


def test_a_trained_network_takes_images_as_they_are_and_has_the_records_error(trained):
    folder, record = trained
    network = load_trained(folder / record.run_id)
    assert not network.training and network.classes == list(DATA.classes) and network.record == record
    assert error_of(network, DATA) == record.last.test_error
    with torch.no_grad():
        assert torch.equal(network(DATA.test_images), network(DATA.test_images.permute(0, 3, 1, 2)))
    with pytest.raises(ConfigError, match="100 classes, the network 10"):
        error_of(network, synthetic(100, train_size=10, test_size=5))


def test_images_that_are_not_images_are_refused(trained):
    network = load_trained(trained[0] / trained[1].run_id)
    for images in (torch.zeros(2, 3, 32, 32), torch.zeros(3, 32, 32, dtype=torch.uint8)):
        with pytest.raises(ValueError, match=r"expected uint8 of shape \(B, 3, H, W\) or \(B, H, W, 3\)"):
            network(images)


def test_a_network_is_found_by_the_beginning_of_its_id(trained, monkeypatch):
    folder, record = trained
    monkeypatch.setattr(paths, "runs", lambda: folder)
    assert load_trained("synthetic_simplified-1").record == record
    with pytest.raises(ConfigError, match=f"'no-such': no run with weights.*{record.run_id}"):
        load_trained("no-such")
    with pytest.raises(ConfigError, match=r"cifar10-jpeg_basic_d20_e15_s0_a6443a59 is recorded without weights; .*s3"):
        load_trained("cifar10-jpeg_basic_d20_e15_s0")


def test_one_changed_bit_is_noticed(trained, tmp_path):
    folder, record = trained
    content = bytearray((folder / record.run_id / WEIGHTS).read_bytes())
    content[-100] ^= 1
    copy = tmp_path / record.run_id
    copy.mkdir()
    (copy / WEIGHTS).write_bytes(content)
    (copy / "record.json").write_bytes(record_path(record.config, folder).read_bytes())
    with pytest.raises(RecordError, match=f"{WEIGHTS}: not the weights of {record.run_id}"):
        load_trained(copy)
