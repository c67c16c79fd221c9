"""Training: the loop, its history, predictions."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from unpoison.devices import autocast, in_bfloat16, waits_to_read
from unpoison.errors import UserError
from unpoison.examples import Examples
from unpoison.files import write_columns
from unpoison.networks import DIVERGED, finite_logits, require_finite
from unpoison.optimisers import SGD, Adam, Muon
from unpoison.pixels import EVALUATION_BATCH
from unpoison.recipes import Recipe
from unpoison.types import Logits, Pixels


def optimiser_of(model: nn.Module, recipe: Recipe, precision: str) -> SGD | Adam | Muon:
    """Return the optimiser of a recipe.

    Raises:
        UserError: for a recipe with a `filter_rate` and a network without a batch norm.
    """
    if recipe.adam_rate is not None:
        return Adam(model.parameters(), scale=recipe.adam_rate)
    settings = {"momentum": recipe.momentum, "weight_decay": recipe.weight_decay}
    if recipe.filter_rate is None:
        return SGD(model.parameters(), **settings)
    if not any(isinstance(module, nn.BatchNorm2d) for module in model.modules()):
        raise UserError(
            f"the recipe has filter_rate: {recipe.filter_rate}, which is for networks with a batch norm after each "
            "convolution; this network has none: give a recipe without it"
        )
    device = next(model.parameters()).device
    return Muon(
        model.parameters(),
        **settings,
        filter_rate=recipe.filter_rate,
        dtype=torch.bfloat16 if in_bfloat16(device, precision) else torch.float32,
    )


def take_step(optimizer: SGD | Adam | Muon, loss: Tensor, rate: float) -> None:
    """Take one optimiser step down the loss; a loss that is not finite stops the job.

    On a GPU the loss is noted here and stops the job at the next `check_losses`, since reading it waits for the GPU.
    """
    found, noted = loss.detach(), optimizer.noted
    optimizer.noted = found if noted is None else torch.where(noted.isfinite(), found, noted)
    if not waits_to_read(loss.device):
        check_losses(optimizer)
    optimizer.step(loss, rate)


def check_losses(optimizer: SGD | Adam | Muon) -> None:
    """Raise a UserError if a loss of an earlier step was not finite; on a GPU this waits for pending work."""
    if optimizer.noted is not None and not torch.isfinite(optimizer.noted):
        raise UserError(f"the training loss is not finite (found {optimizer.noted.item()}); {DIVERGED}")


@runtime_checkable
class Trainable(Protocol):
    """Rows that `train` can read in batches."""

    def __len__(self) -> int: ...

    def batches(self, recipe: Recipe, seed: int, *, steps: int) -> Iterator[tuple[Tensor, Tensor]]: ...


@dataclass(frozen=True)
class Epoch:
    """One line of a training history; seconds exclude the validation pass."""

    epoch: int
    learning_rate: float
    loss: float
    train_accuracy: float
    validation_accuracy: float | None
    seconds: float
    images: int


def train(
    model: nn.Module,
    examples: Trainable,
    recipe: Recipe,
    seed: int,
    *,
    precision: str = "auto",
    length: float = 1.0,
    validation: Examples | None = None,
) -> list[Epoch]:
    """Train the network in place on all examples and return its history.

    Args:
        length: share of the recipe's steps to take, with the schedule compressed to them.
        validation: rows whose accuracy the history records; it does not affect the training.
    """
    steps = recipe.steps(len(examples), length)
    per_epoch = min(steps, -(-len(examples) // recipe.batch_size))
    optimizer = optimiser_of(model, recipe, precision)
    history: list[Epoch] = []
    losses: Tensor | float
    hits: Tensor | int
    losses, hits, seen, started = 0.0, 0, 0, time.perf_counter()
    model.train()
    for step, (images, labels) in enumerate(examples.batches(recipe, seed, steps=steps)):
        with autocast(images.device, precision):
            logits = model(images)
        loss = cross_entropy(logits.float(), labels, label_smoothing=recipe.label_smoothing)
        take_step(optimizer, loss, recipe.rate(step, steps))
        losses += loss.detach() * len(labels)
        hits += (logits.detach().argmax(1) == labels).sum()
        seen += len(labels)
        if (step + 1) % per_epoch == 0 or step + 1 == steps:
            check_losses(optimizer)
            seconds = time.perf_counter() - started
            held_out = accuracy(model, validation, precision) if validation and len(validation) else None
            rate, loss_of_epoch, train_accuracy = (
                recipe.rate(step, steps),
                float(losses / seen),
                float(hits / seen),
            )
            history.append(
                Epoch(len(history) + 1, rate, loss_of_epoch, train_accuracy, held_out, seconds, seen)
            )
            print(describe(history[-1], -(-steps // per_epoch)), flush=True)
            losses, hits, seen, started = 0.0, 0, 0, time.perf_counter()
            model.train()
    require_finite(model)  # the last step may diverge after its loss was computed
    return history


def describe(epoch: Epoch, epochs: int) -> str:
    """Return one line of progress for the log."""
    held_out = "" if epoch.validation_accuracy is None else f"  validation {epoch.validation_accuracy:.1%}"
    return (
        f"epoch {epoch.epoch}/{epochs}  loss {epoch.loss:.3f}  train {epoch.train_accuracy:.1%}{held_out}"
        f"  rate {epoch.learning_rate:.4f}  {epoch.seconds:.1f} s"
    )


def write_history(path: str | Path, history: Sequence[Epoch]) -> None:
    """Write a training history as a table with a line for each epoch."""
    write_columns(
        path, {field.name: [getattr(epoch, field.name) for epoch in history] for field in fields(Epoch)}
    )


def accuracy(model: nn.Module, examples: Examples, precision: str = "auto") -> float:
    """Return the share of the examples, not augmented, whose given label the network predicts."""
    hits = sum(
        int((predict(model, images, precision).argmax(1) == labels).sum())
        for images, labels in examples.in_order()
    )
    return hits / len(examples)


@torch.inference_mode()
def predict(model: nn.Module, images: Pixels, precision: str = "auto") -> Logits:
    """Return the logits (n, classes) of images in evaluation mode, computed in batches.

    Raises:
        UserError: for a logit that is not finite.
    """
    model.eval()
    device = next(model.parameters()).device
    parts = []
    for part in images.split(EVALUATION_BATCH):
        with autocast(device, precision):
            parts.append(model(part.to(device)).float())
    return finite_logits(torch.cat(parts))
