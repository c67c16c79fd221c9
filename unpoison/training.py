"""Training: recipes, batches as the trainer sees them, the loop, predictions."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

import torch
from torch import Generator, Tensor, nn
from torch.nn.functional import cross_entropy, pad

from unpoison.devices import autocast, in_bfloat16
from unpoison.errors import UserError
from unpoison.files import write_columns
from unpoison.optimisers import SGD, Muon
from unpoison.rows import Rows
from unpoison.seeds import derive_seed
from unpoison.types import AugmentedImages, Images, Labels, Logits, StoredImages

StampTime = Literal["after_augmentation", "before_augmentation"]
Stamp = Callable[[Tensor, Tensor], Tensor]
EVALUATION_BATCH = 200  # fits the cache of a CPU: 1.7 times the images a second of 1,000


@dataclass(frozen=True)
class Recipe:
    """How a network is trained: SGD with a linear warm-up to the peak rate and a linear decay.

    Exactly one of `epochs` and `iterations` is given. `warmup` is a share of the steps; `decay_span` is
    where the decay would reach zero, in shares of the steps: 1 ends at zero, 1.25 (Goel et al. 2024) at
    a fifth of the peak. With a `filter_rate` the filters of convolutions are trained by Muon, at that many
    times the learning rate.
    """

    learning_rate: float
    batch_size: int
    epochs: int | None = None
    iterations: int | None = None
    momentum: float = 0.9
    weight_decay: float = 5e-4
    warmup: float = 0.01
    decay_span: float = 1.25
    crop_padding: int = 4
    flip: bool = True
    label_smoothing: float = 0.0
    filter_rate: float | None = None

    def __post_init__(self) -> None:
        if (self.epochs is None) == (self.iterations is None):
            raise UserError(
                f"a recipe takes either epochs or iterations; found epochs={self.epochs}, iterations={self.iterations}"
            )

    def steps(self, rows: int, length: float = 1.0) -> int:
        """Optimiser steps for that many training rows; `length` scales the whole training."""
        whole = self.iterations or self.epochs * -(-rows // self.batch_size)  # type: ignore[operator]
        return max(1, round(whole * length))

    @property
    def augments(self) -> bool:
        """Whether an image looks different from epoch to epoch."""
        return self.flip or self.crop_padding > 0

    def rate(self, step: int, steps: int) -> float:
        """The learning rate of one step (0-based) out of `steps`."""
        warm = max(1, round(self.warmup * steps))
        rising = (step + 1) / warm
        falling = 1 - (step + 1 - warm) / (self.decay_span * steps - warm + 1)
        return self.learning_rate * min(rising, falling)


@dataclass
class Meter:
    """Counts images sent through a network: forward and backward, and forward alone."""

    image_passes: int = 0
    forward_passes: int = 0


@dataclass(frozen=True)
class Cost:
    """What a job took: wall seconds, and images sent through a network forward and backward, and forward alone."""

    seconds: float
    image_passes: int
    forward_passes: int


@dataclass(frozen=True)
class Examples:
    """Training rows as a trainer sees them: images with the label each was given.

    An attack that stamps its trigger after augmentation does so in here. Which rows it stamps is nobody
    else's business: methods read `len`, `labels`, `batches`, `in_order`, `numbered`, take and add, and count.
    """

    images: Images
    labels: Labels
    _trigger_ids: Tensor
    _stamp: Stamp
    _stamp_time: StampTime
    _meter: Meter = field(default_factory=Meter)

    def __len__(self) -> int:
        return len(self.labels)

    def metered(self, meter: Meter) -> "Examples":
        """The same rows, their passes counted by another meter."""
        return replace(self, _meter=meter)

    def take(self, places: Tensor) -> "Examples":
        """The examples at these places, in their order."""
        places = places.to(self.labels.device)
        ids = self._trigger_ids[places]
        return replace(self, images=self.images[places], labels=self.labels[places], _trigger_ids=ids)

    def __add__(self, other: "Examples") -> "Examples":
        """These examples and then those of the other, of the same data set."""
        images, labels = torch.cat([self.images, other.images]), torch.cat([self.labels, other.labels])
        return replace(
            self,
            images=images,
            labels=labels,
            _trigger_ids=torch.cat([self._trigger_ids, other._trigger_ids]),
        )

    def batches(self, recipe: Recipe, seed: int, *, steps: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Augmented batches in random order, epoch after epoch, until `steps` have been given."""
        generator = torch.Generator().manual_seed(derive_seed("batches", seed))
        padded, ids, labels = self._prepared(recipe)
        done = 0
        while done < steps:
            order = torch.randperm(len(labels), generator=generator)
            for chosen in order.split(recipe.batch_size)[: steps - done]:
                self._meter.image_passes += len(chosen)
                images = augment(padded, chosen, recipe, generator)
                rows = chosen.to(labels.device)
                if self._stamp_time == "after_augmentation":
                    images = self._stamp(images, ids[rows])
                yield images, labels[rows]
                done += 1

    def in_order(
        self, batch_size: int = EVALUATION_BATCH, *, backward: bool = False
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Every row once, stamped and not augmented, in the order of the rows.

        Args:
            backward: whether the pass that is counted goes backward too.
        """
        for start in range(0, len(self), batch_size):
            part = slice(start, start + batch_size)
            count = len(self.labels[part])
            if backward:
                self._meter.image_passes += count
            else:
                self.count_forward(count)
            yield self._stamp(self.images[part].clone(), self._trigger_ids[part]), self.labels[part]

    def numbered(self) -> "Examples":
        """The same rows with their numbers in place of their labels: which rows a batch holds."""
        return replace(self, labels=torch.arange(len(self), device=self.labels.device))

    def count_forward(self, images: int) -> None:
        """Count a further pass, forward alone, of images that were given out: a teacher's, say."""
        self._meter.forward_passes += images

    def count_backward(self, images: int) -> None:
        """Count a further pass, forward and backward, of images that were given out."""
        self._meter.image_passes += images

    def _prepared(self, recipe: Recipe) -> tuple[Tensor, Tensor, Tensor]:
        images = self.images
        if self._stamp_time == "before_augmentation":
            images = self._stamp(images.clone(), self._trigger_ids)
        return pad(images, [recipe.crop_padding] * 4), self._trigger_ids, self.labels


def examples_of(
    stored: StoredImages, rows: Rows, stamp: Stamp, stamp_time: StampTime, device: torch.device
) -> Examples:
    """The chosen rows of a source as a trainer on that device sees them."""
    images = torch.from_numpy(stored[rows.row]).permute(0, 3, 1, 2).to(device)
    labels = torch.from_numpy(rows.given_label).to(device)
    return Examples(images, labels, torch.from_numpy(rows.trigger_id).to(device), stamp, stamp_time)


def augment(padded: Images, rows: Tensor, recipe: Recipe, generator: Generator) -> AugmentedImages:
    """Random crops (and mirror images of half of them) of the chosen rows, for the whole batch at once."""
    images, channels, height, width = padded.shape
    shifts = 2 * recipe.crop_padding + 1
    height, width = height - shifts + 1, width - shifts + 1
    tops = torch.randint(shifts, (len(rows),), generator=generator)
    lefts = torch.randint(shifts, (len(rows),), generator=generator)
    # Every crop of every image, as a view: one gather then copies whole lines of pixels.
    image, channel, down, across = padded.stride()
    crops = padded.as_strided(
        (images, shifts, shifts, height, width, channels), (image, down, across, down, across, channel)
    )
    chosen = crops[tuple(index.to(padded.device, non_blocking=True) for index in (rows, tops, lefts))]
    if recipe.flip:
        mirrored = (torch.rand(len(rows), generator=generator) < 0.5).nonzero()[:, 0]
        mirrored = mirrored.to(padded.device, non_blocking=True)
        chosen[mirrored] = chosen[mirrored].flip(2)
    return chosen.permute(0, 3, 1, 2)


def optimiser_of(model: nn.Module, recipe: Recipe, precision: str) -> SGD | Muon:
    """What a recipe steps with."""
    settings = {"momentum": recipe.momentum, "weight_decay": recipe.weight_decay}
    if recipe.filter_rate is None:
        return SGD(model.parameters(), **settings)
    device = next(model.parameters()).device
    return Muon(
        model.parameters(),
        **settings,
        filter_rate=recipe.filter_rate,
        dtype=torch.bfloat16 if in_bfloat16(device, precision) else torch.float32,
    )


def take_step(optimizer: SGD | Muon, loss: Tensor, rate: float) -> None:
    """One optimiser step down the loss; a loss that is not finite stops the job."""
    if not torch.isfinite(loss):
        raise UserError(
            f"the training loss is not finite (found {loss.item()}); try a lower learning rate or precision: float32"
        )
    optimizer.step(loss, rate)


@runtime_checkable
class Trainable(Protocol):
    """What `train` takes: rows that it can have in batches."""

    def __len__(self) -> int: ...

    def batches(self, recipe: Recipe, seed: int, *, steps: int) -> Iterator[tuple[Tensor, Tensor]]: ...


@dataclass(frozen=True)
class Epoch:
    """One line of a training history; seconds leave the validation pass out."""

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
    """Train the network in place on all examples and give back its history.

    Args:
        length: share of the recipe's steps to take, with the schedule squeezed into them.
        validation: rows whose accuracy the history records; nothing is chosen by it.
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
    return history


def describe(epoch: Epoch, epochs: int) -> str:
    """One line of progress for the log."""
    held_out = "" if epoch.validation_accuracy is None else f"  validation {epoch.validation_accuracy:.1%}"
    return (
        f"epoch {epoch.epoch}/{epochs}  loss {epoch.loss:.3f}  train {epoch.train_accuracy:.1%}{held_out}"
        f"  rate {epoch.learning_rate:.4f}  {epoch.seconds:.1f} s"
    )


def write_history(path: str | Path, history: list[Epoch]) -> None:
    """Write a training history as a table with a line for each epoch."""
    write_columns(
        path, {field.name: [getattr(epoch, field.name) for epoch in history] for field in fields(Epoch)}
    )


def accuracy(model: nn.Module, examples: Examples, precision: str = "auto") -> float:
    """Share of the examples, not augmented, whose given label the network predicts."""
    hits = sum(
        int((predict(model, images, precision).argmax(1) == labels).sum())
        for images, labels in examples.in_order()
    )
    return hits / len(examples)


@torch.inference_mode()
def predict(model: nn.Module, images: Images, precision: str = "auto") -> Logits:
    """Logits of uint8 images in evaluation mode, computed in batches."""
    model.eval()
    device = next(model.parameters()).device
    parts = []
    for part in images.split(EVALUATION_BATCH):
        with autocast(device, precision):
            parts.append(model(part.to(device)).float())
    return torch.cat(parts)
