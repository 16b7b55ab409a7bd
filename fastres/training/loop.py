"""The training loop of Section 3.2: one epoch of training and evaluation, and the state to resume from.

Within an epoch the host never waits for the device: losses and errors stay there until the epoch ends.
"""

import dataclasses
import math
from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from fastres.config import RunConfig
from fastres.datasets.augmentation import EpochPlan, crop_and_flip, pad_images
from fastres.datasets.dataset import Dataset, Normalizer
from fastres.device import arithmetic, keep_freed_memory
from fastres.errors import TrainingDiverged
from fastres.models.resnet import ResNet, build_model
from fastres.records.runs import Epoch
from fastres.timers import Timer
from fastres.training import recipe
from fastres.training.engine import CapturedStep, Forward, compile_network
from fastres.training.evaluation import evaluate
from fastres.training.stochastic_depth import as_evaluated, draw


@dataclasses.dataclass
class Trainer:
    """Everything that changes during a run; `state` and `load_state` are its part of a checkpoint."""

    config: RunConfig
    dataset: Dataset  # on the device of the run
    compiled: bool = False  # the network's blocks, and on CUDA the step in one graph (fastres.training.engine)

    def __post_init__(self) -> None:
        config, device = self.config, self.dataset.device
        keep_freed_memory()
        classes = self.dataset.num_classes
        model = build_model(config.structure, config.depth, classes, config.seed, config.shortcut, config.init_scale)
        # Convolutions read channels-last batches without reordering them, on CPUs and tensor cores alike.
        self.model: ResNet = model.to(device, memory_format=torch.channels_last)
        self.timer = Timer(device)
        self.normalize = Normalizer(*self.dataset.mean_and_std()).to(device)
        self.forward = self._compile() if self.compiled else self.model
        self.rate = config.stochastic_depth
        # A graph replays the same kernels: steps that leave out different blocks are not captured.
        capture = self.compiled and device.type == "cuda" and not self.rate
        self.captured = CapturedStep(device) if capture else None
        # On the host, a captured step would keep the rate of its capture.
        self.lr: float | Tensor = torch.tensor(config.lr, device=device) if self.captured else config.lr
        self.optimizer = recipe.optimizer(self.model.parameters(), config, self.lr)
        if self.rate:  # a block that was left out is updated with a gradient of 0, also in the first step
            for parameter in self.model.parameters():
                parameter.grad = torch.zeros_like(parameter)
        self.generator = torch.Generator().manual_seed(config.seed)
        self.padded = pad_images(self.dataset.train_images, config.crop_padding)
        self.epochs: list[Epoch] = []

    def _compile(self) -> Forward:
        """The compiled network; or the network itself, and a line that says why."""
        images = self.dataset.train_images.new_zeros(self.config.batch_size, *self.dataset.train_images.shape[1:])
        try:
            with arithmetic(self.config.precision, self.dataset.device), self.timer("compile"):
                return compile_network(self.model, self.normalize(images.permute(0, 3, 1, 2)))
        except Exception as error:  # the compiler raises many kinds
            lines = str(error).strip().splitlines() or [""]
            reason = next((line.strip() for line in lines if "error:" in line), lines[0])  # the C++ compiler's own
            print(f"The network is not compiled: {type(error).__name__}: {reason}", flush=True)
            self.compiled = False
            return self.model

    @property
    def steps_per_epoch(self) -> int:
        return math.ceil(len(self.dataset.train_labels) / self.config.batch_size)

    def run_epoch(self, after_step: Callable[[], None] | None = None) -> Epoch:
        """Train and evaluate one epoch in the run's precision; append it to the log and return it.

        after_step: called after every training step. Raises TrainingDiverged.
        """
        number = len(self.epochs) + 1
        lr = recipe.learning_rate(self.config, number)
        self.set_lr(lr)
        with arithmetic(self.config.precision, self.dataset.device):
            with self.timer("train"):
                losses, errors = self.train_pass(after_step)
            with self.timer("test"), as_evaluated(self.model, self.rate):
                test_errors = evaluate(self.model, self.dataset, self.normalize)
        _check_finite(losses, self.model, number)
        size = len(self.dataset.train_labels)
        epoch = Epoch(
            epoch=number,
            lr=lr,
            train_loss=float(losses.cpu().double().sum()) / size,
            train_error=100 * float(errors) / size,
            test_error=100 * test_errors / len(self.dataset.test_labels),
            train_seconds=self.timer.last["train"],
            test_seconds=self.timer.last["test"],
        )
        self.epochs.append(epoch)
        return epoch

    def train_pass(self, after_step: Callable[[], None] | None = None) -> tuple[Tensor, Tensor]:
        """One pass over the training images: summed loss of each step (steps,) and all errors (), on the device."""
        self.model.train()
        dataset, batch_size = self.dataset, self.config.batch_size
        plan = EpochPlan.draw(len(dataset.train_labels), self.config, self.generator, dataset.device)
        steps, blocks = self.steps_per_epoch, len(self.model.blocks)
        kept = draw(steps, blocks, self.rate, self.generator) if self.rate else [None] * steps
        losses = torch.empty(self.steps_per_epoch, device=dataset.device)
        errors = torch.zeros((), dtype=torch.int64, device=dataset.device)
        for number in range(self.steps_per_epoch):
            batch = plan[number * batch_size : (number + 1) * batch_size]
            if self.captured and len(batch) == batch_size:  # an epoch's last may be smaller
                losses[number], wrong = self.captured(self.step, batch)
            else:
                losses[number], wrong = self.step(batch, kept[number])
            errors += wrong
            if after_step is not None:
                after_step()
        return losses, errors

    def step(self, batch: EpochPlan, kept: Sequence[bool] | None = None) -> tuple[Tensor, Tensor]:
        """One update of the weights: the batch's summed loss () and number of errors (), on the device.

        kept: the blocks whose branch is computed; default: all.
        """
        images = self.normalize(crop_and_flip(self.padded, batch, self.config.crop_padding))
        labels = self.dataset.train_labels[batch.index]
        self.optimizer.zero_grad(set_to_none=not self.rate)
        forward = self.forward if len(batch) == self.config.batch_size else self.model  # compiled for one size
        logits = forward(images, kept=kept)
        loss = F.cross_entropy(logits, labels)
        loss.backward()
        self.optimizer.step()
        return loss.detach() * len(batch), (logits.detach().argmax(1) != labels).sum()

    def set_lr(self, lr: float) -> None:
        if isinstance(self.lr, Tensor):
            self.lr.fill_(lr)
        else:
            self.lr = lr
        for group in self.optimizer.param_groups:
            group["lr"] = self.lr

    def environment(self) -> dict[str, str | bool]:
        """How steps were run until now; records.provenance.describe gives the machine's part of a record."""
        captured = self.captured is not None and self.captured.is_captured
        return {"memory_format": "channels_last", "compiled": self.compiled, "cuda_graph": captured}

    def state(self) -> dict:
        return {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "generator": self.generator.get_state(),
            "epochs": [epoch.model_dump() for epoch in self.epochs],
        }

    def load_state(self, state: dict) -> None:
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        if self.captured:  # its graph would use the previous momentum
            self.captured = CapturedStep(self.captured.device)
        self.generator.set_state(state["generator"])
        self.epochs = [Epoch(**epoch) for epoch in state["epochs"]]


def _check_finite(losses: Tensor, model: ResNet, epoch: int) -> None:
    """Raise TrainingDiverged for a loss, a weight or a running statistic of BN that is not a finite number.

    A variance that overflows hides behind a finite loss, since BN divides by it, and the last update of an epoch
    behind the loss before it. Both persist, so one check per epoch suffices.
    """
    finite = losses.isfinite()
    if not finite.all():
        step = int(finite.int().argmin())
        raise TrainingDiverged(f"the loss is {float(losses[step])} in epoch {epoch}, step {step + 1}")
    largest = {name: value.detach().abs().amax().float() for name, value in model.state_dict().items()}
    finite = torch.stack(list(largest.values())).isfinite()
    if not finite.all():
        name = list(largest)[int(finite.int().argmin())]
        raise TrainingDiverged(f"{name} holds {float(largest[name])} in epoch {epoch}, step {len(losses)}")
