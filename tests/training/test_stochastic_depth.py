"""Blocks left out at random: which, what a step then computes, resumption and evaluation."""

import pytest
import torch

from fastres.config import RunConfig
from fastres.datasets.sources import synthetic
from fastres.errors import ConfigError
from fastres.records.runs import load_run, record_path
from fastres.training.evaluation import evaluate
from fastres.training.loop import Trainer
from fastres.training.run import train
from fastres.training.stochastic_depth import as_evaluated, draw, survival
from fastres.training.weights import WEIGHTS, error_of, load_trained

DATA = synthetic(10, train_size=100, test_size=40)


def config(**fields) -> RunConfig:
    given = {"dataset": "synthetic", "depth": 14, "epochs": 3, "batch_size": 32, "lr": 0.05, "stochastic_depth": 0.5}
    return RunConfig(**given | fields)


def test_blocks_are_kept_as_often_as_they_should_be():
    kept = torch.tensor(draw(4000, 6, 0.6, torch.Generator().manual_seed(0)), dtype=torch.float64)
    torch.testing.assert_close(kept.mean(0), torch.tensor(survival(6, 0.6), dtype=torch.float64), atol=0.03, rtol=0)
    assert all(map(all, draw(10, 6, 0.0, torch.Generator())))


def test_a_block_left_out_is_its_shortcut_and_is_not_computed():
    model = Trainer(config(), DATA).model.eval()
    ran = []
    for block in model.blocks:
        block.register_forward_hook(lambda block, *_: ran.append(block))
    x = torch.randn(2, 3, 32, 32)
    kept = [True, False, True, False, False, True]
    expected = model.stem(x)
    for block, whole in zip(model.blocks, kept, strict=True):
        expected = block(expected) if whole else block.shortcut(expected)
    ran.clear()
    torch.testing.assert_close(model(x, kept=kept), model.head(expected))
    assert ran == [block for block, whole in zip(model.blocks, kept, strict=True) if whole]


def test_an_interrupted_run_resumes_bit_for_bit(tmp_path, monkeypatch):
    whole = train(config(), DATA, "cpu", tmp_path / "whole")
    epochs = []

    def stop(epoch) -> None:
        epochs.append(epoch)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(config(), DATA, "cpu", tmp_path / "parts", on_epoch=stop)
    parts = train(config(), DATA, "cpu", tmp_path / "parts")
    assert len(epochs) == 1 and parts.weights_sha256 == whole.weights_sha256
    assert [e.train_loss for e in parts.epochs] == [e.train_loss for e in whole.epochs]
    assert whole.epochs[0].train_loss != train(config(stochastic_depth=0.0), DATA, "cpu", tmp_path).epochs[0].train_loss


def test_evaluation_counts_every_branch_as_often_as_it_was_kept(tmp_path):
    trainer = Trainer(config(), DATA)
    trainer.run_epoch()
    model, x = trainer.model.eval(), torch.randn(2, 3, 32, 32)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    expected = model.stem(x)
    for block, share in zip(model.blocks, survival(6, 0.5), strict=True):
        shortcut = block.shortcut(expected)
        expected = shortcut + share * (block(expected) - shortcut)
    with as_evaluated(model, 0.5):
        torch.testing.assert_close(model(x), model.head(expected))
        wrong = evaluate(model, DATA, trainer.normalize)
    assert trainer.epochs[0].test_error == 100 * wrong / 40
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    record = train(config(), DATA, "cpu", tmp_path)
    assert error_of(load_trained(tmp_path / record.run_id), DATA) == record.last.test_error
    assert (tmp_path / record.run_id / WEIGHTS).exists()
    assert load_run(record_path(config(), tmp_path)) == record


def test_compiled_steps_leave_out_the_same_blocks(without_code):
    plain, fast = (Trainer(config(epochs=1), DATA, compiled) for compiled in (False, True))
    losses = [trainer.run_epoch().train_loss for trainer in (plain, fast)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-3) and fast.compiled


def test_a_branch_that_ends_in_an_activation_is_refused():
    with pytest.raises(ConfigError, match="stochastic_depth needs blocks that end in a convolution"):
        config(structure="basic/end-relu")
