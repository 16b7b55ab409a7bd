import json

import pytest
import torch

from fastres.config import RunConfig
from fastres.datasets.sources import synthetic
from fastres.device import arithmetic, choose_device
from fastres.errors import ConfigError, TrainingDiverged
from fastres.models.resnet import build_model
from fastres.records.runs import load_run, record_path
from fastres.training import loop
from fastres.training import run as training
from fastres.training.loop import Trainer
from fastres.training.progress import Progress
from fastres.training.run import CHECKPOINT, WEIGHTS, train

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
    assert sorted(path.name for path in (tmp_path / run.run_id).iterdir()) == [WEIGHTS, "record.json"]


def test_training_learns():
    data = synthetic(4, train_size=512, test_size=128)
    trainer = Trainer(config(depth=8, lr=0.1), data)
    progress = loop.Progress(trainer.config, trainer.steps_per_epoch)
    losses = [trainer.run_epoch(progress).train_loss for _ in range(3)]
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
    losses, _ = trainer.train_pass(loop.Progress(run, 1))
    assert losses[0].item() == pytest.approx(100 * loss.item(), rel=1e-4)
    for ours, expected in zip(trainer.model.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(ours, expected, rtol=1e-3, atol=1e-5)


def test_every_image_counts_once_in_the_epoch_loss(monkeypatch):
    seen = []
    crop = loop.crop_and_flip
    monkeypatch.setattr(loop, "crop_and_flip", lambda p, plan, k: seen.append(plan.index) or crop(p, plan, k))
    trainer = Trainer(config(), DATA)
    trainer.run_epoch(loop.Progress(trainer.config, trainer.steps_per_epoch))
    assert [len(index) for index in seen] == [32, 32, 32, 4]
    assert torch.equal(torch.cat(seen).sort().values, torch.arange(100))


def test_evaluation_counts_errors_and_leaves_the_model_alone():
    trainer = Trainer(config(), DATA)
    before = {name: value.clone() for name, value in trainer.model.state_dict().items()}
    errors = loop.evaluate(trainer.model, DATA, trainer.normalize)
    trainer.model.eval()
    guesses = trainer.model(trainer.normalize(DATA.test_images.permute(0, 3, 1, 2))).argmax(1)
    assert errors == int((guesses != DATA.test_labels).sum())
    assert all(torch.equal(before[name], value) for name, value in trainer.model.state_dict().items())


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_resume_equals_uninterrupted_to_the_bit(tmp_path, monkeypatch, precision):
    run = config(epochs=4, precision=precision)
    whole = train(run, DATA, "cpu", tmp_path / "whole")

    def stop_after_two(self, progress, run_epoch=Trainer.run_epoch):
        if len(self.epochs) == 2:
            raise KeyboardInterrupt
        return run_epoch(self, progress)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Trainer, "run_epoch", stop_after_two)
        train(run, DATA, "cpu", tmp_path / "parts")
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
        losses[precision] = trainer.run_epoch(loop.Progress(trainer.config, trainer.steps_per_epoch)).train_loss
    assert losses["bf16"] == pytest.approx(losses["fp32"], rel=0.02)


def test_divergence_is_told_with_epoch_and_step_and_keeps_the_checkpoint(tmp_path, monkeypatch):
    run = config(epochs=3)
    steps = []
    cross_entropy = torch.nn.functional.cross_entropy

    def broken(logits, labels):
        steps.append(1)
        return cross_entropy(logits, labels) * (float("nan") if len(steps) == 7 else 1)

    monkeypatch.setattr(loop.F, "cross_entropy", broken)
    with pytest.raises(TrainingDiverged, match=r"epoch 2, step 3.*epoch 1 is kept"):
        train(run, DATA, "cpu", tmp_path)
    state = torch.load(tmp_path / run.run_id / CHECKPOINT, weights_only=True)
    assert len(state["epochs"]) == 1
    assert not record_path(run, tmp_path).exists()


def test_a_variance_that_overflows_behind_a_finite_loss_stops_the_run():
    run = config()
    trainer = Trainer(run, DATA)
    with torch.no_grad():
        trainer.model.stem.weight.mul_(1e25)  # squares overflow, BN divides by infinity and puts out its shift
    with pytest.raises(TrainingDiverged, match=r"stages.*running_var holds inf in epoch 1, step 4.*epoch 0 is kept"):
        trainer.run_epoch(Progress(run, trainer.steps_per_epoch))


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
    with pytest.raises(ConfigError, match=r"basic, D = 8, batch 100, fp32 needs about 0\.1 GiB.*a batch of about \d+"):
        train(run, DATA, "cpu", tmp_path)
    assert len(torch.load(tmp_path / run.run_id / CHECKPOINT, weights_only=True)["epochs"]) == 1
    assert len(train(run, DATA, "cpu", tmp_path).epochs) == 3


def test_other_errors_are_not_called_memory(tmp_path, monkeypatch):
    def broken(*_):
        raise RuntimeError("shapes do not fit")

    monkeypatch.setattr(loop.F, "cross_entropy", broken)
    with pytest.raises(RuntimeError, match="shapes do not fit"):
        train(config(), DATA, "cpu", tmp_path)


def test_checkpoint_of_other_images_or_damaged_is_refused(tmp_path):
    run = config()
    path = tmp_path / run.run_id / CHECKPOINT
    path.parent.mkdir(parents=True)
    path.write_bytes(b"half a file")
    with pytest.raises(ConfigError, match=r"checkpoint\.pt: not a checkpoint"):
        train(run, DATA, "cpu", tmp_path)
    assert path.read_bytes() == b"half a file"
    for content in ({}, [1], {"config": run.model_dump(), "data": {"sha256": DATA.checksum()}, "model": {}}):
        torch.save(content, path)
        with pytest.raises(ConfigError, match="not a checkpoint"):
            train(run, DATA, "cpu", tmp_path)
    other = synthetic(10, train_size=100, test_size=40, seed=1)
    torch.save({"config": run.model_dump(), "data": {"sha256": other.checksum()}}, path)
    with pytest.raises(ConfigError, match="of other images"):
        train(run, DATA, "cpu", tmp_path)


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
