import json
import re
import subprocess
import sys

import pytest
import torch

from fastres.config import RunConfig
from fastres.datasets.dataset import Dataset
from fastres.datasets.sources import synthetic
from fastres.device import arithmetic, choose_device
from fastres.errors import ConfigError, TrainingDiverged
from fastres.files import locked
from fastres.models.resnet import build_model
from fastres.records.runs import load_run, record_path
from fastres.training import checkpoint, loop, out_of_memory
from fastres.training import run as training
from fastres.training.evaluation import evaluate
from fastres.training.loop import Trainer
from fastres.training.run import train
from fastres.training.weights import WEIGHTS

DATA = synthetic(10, train_size=100, test_size=40)  # the last batch of 32 has 4 images


def config(**fields) -> RunConfig:
    return RunConfig(**{"dataset": "synthetic", "depth": 8, "epochs": 2, "batch_size": 32, "lr": 0.05, **fields})


def numbers(record) -> list[tuple]:
    return [(e.epoch, e.lr, e.train_loss, e.train_error, e.test_error) for e in record.epochs]


def weights(runs_dir, run) -> bytes:
    return (runs_dir / run.run_id / WEIGHTS).read_bytes()


def test_record_says_what_was_done(tmp_path):
    run = config(structure="simplified-1")
    record = train(run, DATA, "cpu", tmp_path)
    assert [epoch.epoch for epoch in record.epochs] == [1, 2]
    assert [epoch.lr for epoch in record.epochs] == [0.05, 0.05 / 100]  # two epochs: both drops after the first
    assert record.data.train_size == 100 and record.data.sha256 == DATA.checksum()
    assert record.environment["device"] == "cpu" and record.environment["torch"] == torch.__version__
    assert load_run(record_path(run, tmp_path)) == record
    assert sorted(path.name for path in (tmp_path / run.run_id).glob("[!.]*")) == [WEIGHTS, "record.json"]


def test_training_learns():
    data = synthetic(4, train_size=512, test_size=128)
    trainer = Trainer(config(depth=8, lr=0.1), data)
    losses = [trainer.run_epoch().train_loss for _ in range(3)]
    assert losses[-1] < 0.5 * losses[0]


def test_first_step_is_nesterov_with_weight_decay():
    run = config(batch_size=100, crop_padding=0, flip=False, lr=0.05, weight_decay=1.0)
    trainer = Trainer(run, DATA)
    plain = build_model(run.structure, run.depth, DATA.num_classes, seed=run.seed)
    plan = loop.EpochPlan.draw(100, run, torch.Generator().manual_seed(run.seed), torch.device("cpu"))
    images = loop.crop_and_flip(DATA.train_images, plan, 0)
    loss = torch.nn.functional.cross_entropy(plain(trainer.normalize(images)), DATA.train_labels[plan.index])
    loss.backward()
    with torch.no_grad():
        for parameter in plain.parameters():
            gradient = parameter.grad + 1.0 * parameter
            parameter -= 0.05 * (gradient + 0.9 * gradient)  # velocity starts as the gradient
    losses, _ = trainer.train_pass()
    assert losses[0].item() == pytest.approx(100 * loss.item(), rel=1e-4)
    for ours, expected in zip(trainer.model.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(ours, expected, rtol=1e-3, atol=1e-5)


def test_every_image_counts_once_in_the_epoch_loss(monkeypatch):
    seen = []
    crop = loop.crop_and_flip
    monkeypatch.setattr(loop, "crop_and_flip", lambda p, plan, k: seen.append(plan.index) or crop(p, plan, k))
    trainer = Trainer(config(), DATA)
    trainer.run_epoch()
    assert [len(index) for index in seen] == [32, 32, 32, 4]
    assert torch.equal(torch.cat(seen).sort().values, torch.arange(100))


def test_evaluation_counts_errors_and_leaves_the_model_alone():
    trainer = Trainer(config(), DATA)
    before = {name: value.clone() for name, value in trainer.model.state_dict().items()}
    errors = evaluate(trainer.model, DATA, trainer.normalize)
    trainer.model.eval()
    guesses = trainer.model(trainer.normalize(DATA.test_images.permute(0, 3, 1, 2))).argmax(1)
    assert errors == int((guesses != DATA.test_labels).sum())
    assert all(torch.equal(before[name], value) for name, value in trainer.model.state_dict().items())


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_resume_equals_uninterrupted_to_the_bit(tmp_path, monkeypatch, precision):
    run = config(epochs=4, precision=precision)
    whole = train(run, DATA, "cpu", tmp_path / "whole")

    interrupted(run, tmp_path / "parts", monkeypatch, after=2)
    assert not record_path(run, tmp_path / "parts").exists()
    resumed = train(run, DATA, "cpu", tmp_path / "parts")
    assert numbers(resumed) == numbers(whole)
    assert weights(tmp_path / "parts", run) == weights(tmp_path / "whole", run)


def test_a_recorded_run_is_not_repeated(tmp_path, monkeypatch):
    record = train(config(), DATA, "cpu", tmp_path)
    monkeypatch.setattr(training, "Trainer", None)
    assert train(config(), DATA, "cpu", tmp_path) == record


def test_global_random_state_does_not_matter(tmp_path):
    first = train(config(), DATA, "cpu", tmp_path / "a")
    torch.manual_seed(123)
    assert numbers(train(config(), DATA, "cpu", tmp_path / "b")) == numbers(first)


def test_bf16_follows_fp32():
    """Autocast's cache once served the weights of the first step for a whole epoch."""
    data = synthetic(4, train_size=512, test_size=64)
    losses = {}
    for precision in ("fp32", "bf16"):
        trainer = Trainer(config(precision=precision), data)
        losses[precision] = trainer.run_epoch().train_loss
    assert losses["bf16"] == pytest.approx(losses["fp32"], rel=0.02)


def test_a_diverged_run_is_a_record_with_epoch_and_step_and_is_not_repeated(tmp_path, monkeypatch):
    run = config(epochs=3)
    steps = []
    cross_entropy = torch.nn.functional.cross_entropy

    def broken(logits, labels):
        steps.append(1)
        return cross_entropy(logits, labels) * (float("nan") if len(steps) == 7 else 1)

    monkeypatch.setattr(loop.F, "cross_entropy", broken)
    record = train(run, DATA, "cpu", tmp_path)
    assert record.diverged == "the loss is nan in epoch 2, step 3" and len(record.epochs) == 1
    files = {path.name for path in record_path(run, tmp_path).parent.iterdir()}
    assert "record.json" in files and not any("checkpoint" in name or name == WEIGHTS for name in files)
    assert train(run, DATA, "cpu", tmp_path) == record == load_run(record_path(run, tmp_path)) and len(steps) == 8


def test_a_variance_that_overflows_behind_a_finite_loss_stops_the_run():
    run = config()
    trainer = Trainer(run, DATA)
    with torch.no_grad():
        trainer.model.stem.weight.mul_(1e25)  # squares overflow, BN divides by infinity and puts out its shift
    with pytest.raises(TrainingDiverged, match=r"stages.*running_var holds inf in epoch 1, step 4"):
        trainer.run_epoch()


def test_out_of_memory_says_what_fits_and_keeps_the_checkpoint(tmp_path, monkeypatch):
    run = config(epochs=3, batch_size=100)
    steps = []
    cross_entropy = torch.nn.functional.cross_entropy

    def full(logits, labels):
        steps.append(1)
        if len(steps) == 2:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return cross_entropy(logits, labels)

    monkeypatch.setattr(loop.F, "cross_entropy", full)
    with pytest.raises(ConfigError, match=r"basic, D = 8, batch 100, fp32 needs about 0\.018 GiB.*other processes"):
        train(run, DATA, "cpu", tmp_path)
    assert len(checkpoint.load(tmp_path / run.run_id)["epochs"]) == 1
    assert len(train(run, DATA, "cpu", tmp_path).epochs) == 3


def test_sizes_are_never_in_powers_of_ten():
    assert [out_of_memory._gib(size * 2**20) for size in (28, 1536, 122 * 1024)] == ["0.027", "1.5", "122.0"]


def test_other_errors_are_not_called_memory(tmp_path, monkeypatch):
    def broken(*_):
        raise RuntimeError("shapes do not fit")

    monkeypatch.setattr(loop.F, "cross_entropy", broken)
    with pytest.raises(RuntimeError, match="shapes do not fit"):
        train(config(), DATA, "cpu", tmp_path)


def interrupted(run, folder, monkeypatch, after: int) -> None:
    """Train so many epochs of a run, then stop as Ctrl-C does."""

    def stops(self, after_step, run_epoch=Trainer.run_epoch):
        if len(self.epochs) == after:
            raise KeyboardInterrupt
        return run_epoch(self, after_step)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Trainer, "run_epoch", stops)
        train(run, DATA, "cpu", folder)


@pytest.mark.parametrize("damage", ["half", "empty", "one bit", "a folder", "another format"])
def test_a_damaged_checkpoint_is_named_and_the_one_before_is_used(tmp_path, monkeypatch, capsys, damage):
    run = config(epochs=4)
    whole = train(run, DATA, "cpu", tmp_path / "whole")
    interrupted(run, tmp_path / "parts", monkeypatch, after=3)
    path = tmp_path / "parts" / run.run_id / checkpoint.FILE_NAME
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    new = {"half": content[: len(content) // 2], "empty": b"", "one bit": content, "another format": b"PK"}
    path.unlink()
    if damage == "a folder":
        path.mkdir()
    else:
        path.write_bytes(new[damage])
    capsys.readouterr()
    assert numbers(train(run, DATA, "cpu", tmp_path / "parts")) == numbers(whole)
    out = capsys.readouterr().out
    assert "checkpoint.pt" in out and "one before" in out and "epoch 3/4" in out and "epoch 2/4" not in out
    assert weights(tmp_path / "parts", run) == weights(tmp_path / "whole", run)


def test_only_damaged_checkpoints_are_refused_and_kept(tmp_path):
    run = config()
    path = tmp_path / run.run_id / checkpoint.FILE_NAME
    path.parent.mkdir(parents=True)
    path.write_bytes(b"half a file")
    with pytest.raises(ConfigError, match=r"checkpoint\.pt: not a whole checkpoint.*--no-resume"):
        train(run, DATA, "cpu", tmp_path)
    assert path.read_bytes() == b"half a file"


@pytest.mark.parametrize("other", ["images", "config"])
def test_the_checkpoint_of_another_run_is_refused(tmp_path, monkeypatch, other):
    run, another = config(), config(seed=1)
    interrupted(run, tmp_path, monkeypatch, after=1)
    data = DATA if other == "config" else synthetic(10, train_size=100, test_size=40, seed=1)
    if other == "config":
        (tmp_path / run.run_id).rename(tmp_path / another.run_id)
    with pytest.raises(ConfigError, match="of other images"):
        train(another if other == "config" else run, data, "cpu", tmp_path)


@pytest.mark.parametrize(
    ("given", "message"),
    [(("digits",), "config is 'digits'.*RunConfig"), ((config(), "cifar10"), "dataset is 'cifar10'")],
)
def test_what_is_no_config_or_dataset_is_refused_by_name(given, message):
    with pytest.raises(ConfigError, match=message):
        train(*given)


def test_a_record_of_another_config_in_the_folder_is_refused(tmp_path):
    """Hashes of two configs can be equal: it is the config that is compared."""
    run, another = config(), config(weight_decay=0.5)
    train(run, DATA, "cpu", tmp_path)
    (tmp_path / run.run_id).rename(tmp_path / another.run_id)
    with pytest.raises(ConfigError, match="record of another run"):
        train(another, DATA, "cpu", tmp_path)


def test_starting_anew_sets_aside_what_was_there(tmp_path, monkeypatch):
    run = config()
    train(run, DATA, "cpu", tmp_path)
    folder = tmp_path / run.run_id
    measured = ("activations.json", "linearity.json")
    for name in measured:
        (folder / name).write_text("{}", encoding="utf-8")
    old = {name: (folder / name).read_bytes() for name in ("record.json", WEIGHTS, *measured)}
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Trainer, "run_epoch", lambda self, after_step: (_ for _ in ()).throw(KeyboardInterrupt))
        train(run, DATA, "cpu", tmp_path, resume=False)
    assert not any((folder / name).exists() for name in old)
    assert {name: (folder / f"{name}.replaced").read_bytes() for name in old} == old


def test_resuming_on_cuda_is_recorded_as_its_kernels_are_not_deterministic(tmp_path, monkeypatch):
    run = config(epochs=3)
    monkeypatch.setattr(training, "describe", lambda device: {"device": "cuda", "device_name": "Some GPU"})
    interrupted(run, tmp_path, monkeypatch, after=1)
    record = train(run, DATA, "cpu", tmp_path)
    assert record.environment["resumed"] == "after epoch 1: kernels on CUDA are not deterministic"


def test_resuming_in_another_environment_is_recorded(tmp_path, monkeypatch, capsys):
    run = config(epochs=3)
    interrupted(run, tmp_path, monkeypatch, after=1)
    monkeypatch.setattr(training, "describe", lambda device: {"device": "cpu", "device_name": "another", "threads": 99})
    record = train(run, DATA, "cpu", tmp_path)
    assert "device_name" in record.environment["resumed"] and "-> another" in record.environment["resumed"]
    assert "after epoch 1" in record.environment["resumed"]
    assert "equal only within rounding" in capsys.readouterr().out


def test_weights_that_overflow_in_the_last_update_stop_the_run(tmp_path):
    run = config(epochs=1, batch_size=100, lr=1e39)  # one step: its loss is finite, what it leaves is not
    record = train(run, DATA, "cpu", tmp_path)
    assert re.search(r"holds (inf|nan) in epoch 1, step 1$", record.diverged) and record.epochs == []


def test_the_state_of_the_callers_process_does_not_matter(tmp_path):
    expected = numbers(train(config(), DATA, "cpu", tmp_path / "a"))
    torch.set_default_dtype(torch.float64)
    try:
        with torch.no_grad():
            assert numbers(train(config(), DATA, "cpu", tmp_path / "b")) == expected
        assert torch.get_default_dtype() == torch.float64
    finally:
        torch.set_default_dtype(torch.float32)


def test_loggers_are_told_every_epoch(tmp_path):
    told = []
    record = train(config(), DATA, "cpu", tmp_path, on_epoch=told.append)
    assert told == record.epochs


def test_two_processes_train_a_run_once(tmp_path):
    code = (
        "import sys; from fastres import RunConfig, train; from fastres.datasets.sources import synthetic;"
        "train(RunConfig(dataset='synthetic', depth=8, epochs=2, batch_size=32, lr=0.05),"
        " synthetic(10, train_size=100, test_size=40), 'cpu', sys.argv[1])"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    folder = tmp_path / config().run_id
    folder.mkdir()
    with locked(folder, "a test"):
        both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, encoding="utf-8") for _ in range(2)]
        for process in both:
            assert "waiting" in process.stdout.readline()
    said = [process.communicate(timeout=600)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert sorted(text.count("epoch") > 0 for text in said) == [False, True]


def test_what_a_killed_process_was_writing_is_removed(tmp_path):
    folder = tmp_path / config().run_id
    folder.mkdir()
    (folder / ".record.json.12345678.writing").write_text("{", encoding="utf-8")
    train(config(), DATA, "cpu", tmp_path)
    assert not list(folder.glob(".record*"))


def test_other_images_than_the_run_says_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="on 'cifar10', the images given are 'synthetic'"):
        train(config(dataset="cifar10"), DATA, "cpu", tmp_path)
    train(config(), DATA, "cpu", tmp_path)
    with pytest.raises(ConfigError, match="recorded with other images"):
        train(config(), synthetic(10, train_size=100, test_size=40, seed=1), "cpu", tmp_path)


def test_a_folder_that_cannot_be_written_is_refused_before_training(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("", encoding="utf-8")
    monkeypatch.setattr(training, "Trainer", None)
    with pytest.raises(ConfigError, match="cannot write to"):
        train(config(), DATA, "cpu", tmp_path / "file")


def test_nothing_is_written_before_everything_is_checked(tmp_path):
    with pytest.raises(ConfigError, match="tf32"):
        train(config(precision="tf32"), DATA, "cpu", tmp_path)
    with pytest.raises(ConfigError, match="it has: auto"):
        train(config(), DATA, "tpu", tmp_path)
    with pytest.raises(ConfigError, match="no folder"):
        train(config(dataset="folder:nowhere"), None, "cpu", tmp_path, data_root=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_arithmetic_restores_the_flags():
    flags = (torch.backends.cuda.matmul, torch.backends.cudnn.conv)
    before = [flag.fp32_precision for flag in flags]
    with pytest.raises(ZeroDivisionError), arithmetic("fp32", choose_device("cpu")):
        raise ZeroDivisionError
    assert [flag.fp32_precision for flag in flags] == before


def test_one_plain_line_per_epoch(tmp_path, capsys):
    train(config(), DATA, "cpu", tmp_path)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert lines[1].startswith("epoch 2/2  lr 0.0005") and "test error" in lines[1]


def test_record_is_plain_json(tmp_path):
    run = config()
    train(run, DATA, "cpu", tmp_path)
    content = json.loads(record_path(run, tmp_path).read_text(encoding="utf-8"))
    assert content["config"]["structure"] == "basic" and len(content["epochs"]) == 2


def test_a_last_batch_that_bn_cannot_use_is_refused_before_anything_is_written(tmp_path):
    images, labels = torch.zeros(33, 4, 4, 3, dtype=torch.uint8), torch.zeros(33, dtype=torch.int64)
    tiny = Dataset("synthetic", images, labels, images, labels, ("a", "b"), "synthetic")
    with pytest.raises(ConfigError, match="batch_size = 32: of 33 training images"):
        train(config(batch_size=32), tiny, "cpu", tmp_path)
    assert list(tmp_path.iterdir()) == []
    train(config(batch_size=31, epochs=1), tiny, "cpu", tmp_path)  # two images are left
