"""REM: forget the deletion set, then redirect it into capacity that is dropped (arXiv 2505.17730).

Schoepf, Mozer, Mitchell, Brintrup, Kaissis, Kairouz and Triantafillou 2025, Redirection for Erasing Memory, as in the
authors' code (if-loops/rem, class REM). Let p be a label's probability and p0 the poisoned network's.
Expand: theta2, new random weights, joins the poisoned network theta1. Then, in every epoch:
Flush: minimise NPO's (2 / b) log(1 + (p / p0)^b) over the deletion set by theta1 alone, pass after pass, until few of
its given labels are predicted.
Redirect: minimise the mean over a batch of all training rows of -(2 / b) log(1 + (p / p0)^b), p being that of both
networks together, plus, for rows of the deletion set, NPO's loss by theta1 alone. All rows of the deletion set open the
same gates of theta2. Each row of the retain set opens gates of its own, drawn once.
Keep: the epoch with the largest accuracy on the retain set times (1 - accuracy on the deletion set, at least gamma).
Drop: theta1 alone is returned. A missed poison that is similar to those found is explained by theta2 in part.

Deviation without an option: theta2 is a second network of the same kind, whose logits are added, and its gates are the
features of its last linear layer. The paper adds channels inside each layer of theta1. This version works for
any network. Here an exact share of the gates is open; there each gate is drawn independently. p0 is here that
of theta1, there that of both networks.
Deviations by option: `flush: once`, `keep: last`, `schedule: recipe`, `weighting: sets`,
`fit: cross_entropy`.
BatchNorm: theta1 is in training mode on all batches, as published: the deletion set changes its statistics
too. With `batch_norm: eval` it is in evaluation mode on rows of the deletion set."""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from itertools import islice
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from unpoison.contracts.request import Request
from unpoison.features import classifier_of
from unpoison.optimisers import SGD
from unpoison.recipes import Recipe
from unpoison.seeds import derive_seed
from unpoison.training import accuracy, check_losses, take_step
from unpoison.types import PositiveFloat, PositiveInt, PositiveShare, Share
from unpoison.unlearning._descend import at_rate, logits_of, per_pass, sgd, with_schedule
from unpoison.unlearning._preference import of_labels, preference_loss, with_base

SPACE = {
    "share": {"low": 0.05, "high": 0.5},
    "length": {"low": 0.05, "high": 0.5, "log": True},
    "learning_rate": {"low": 0.001, "high": 0.1, "log": True},
}


def unlearn(
    request: Request,
    *,
    share: PositiveShare = 0.2,
    label_accuracy: Share = 0.2,
    removal_passes: PositiveInt = 100,
    inverse_temperature: PositiveFloat = 1.0,
    length: PositiveFloat = 0.25,
    learning_rate: PositiveFloat | None = None,
    flush: Literal["every_epoch", "once"] = "every_epoch",
    keep: Literal["best", "last"] = "best",
    schedule: Literal["constant", "recipe"] = "constant",
    weighting: Literal["batch", "sets"] = "batch",
    fit: Literal["preference", "cross_entropy"] = "preference",
    batch_norm: Literal["train", "eval"] = "train",
) -> nn.Module:
    """Return a copy of the poisoned network without the deletion set; a second trained network is dropped.

    The first value of each choice is the published one.

    Args:
        share: of theta2's features that the gates of a row open, at least one.
        label_accuracy: the paper's gamma, the accuracy on the given labels of the deletion set that ends a flush.
        removal_passes: over the deletion set in one flush, at most.
        inverse_temperature: b, as in `npo`.
        length: of the redirection, a share of the recipe's steps in whole passes (980 of 4,000 there).
        learning_rate: None is a fifth of the recipe's (0.005 of 0.025 there).
        flush: before every epoch, or before the first alone.
        keep: the best epoch (the poisoned network counts as one), or the last.
        schedule: of the redirection's rate, held or the recipe's; that of a flush is held.
        weighting: NPO's term is summed over a batch's rows to delete and divided by all its rows, or by them alone.
        fit: the redirection's loss of all rows, bounded as NPO's, or cross-entropy.
        batch_norm: mode of theta1 for rows of the deletion set.
    """
    rate = request.recipe.learning_rate / 5 if learning_rate is None else learning_rate
    recipe, model = at_rate(request.recipe, rate), deepcopy(request.model)
    beside = request.new_model(derive_seed("dropped network", request.seed)).train()
    gated = Gated(beside, classifier_of(beside, request.retain))
    gates = gates_of(request, gated.features, share)
    poisoned = deepcopy(request.model).eval()
    loss = Redirection(
        request, model, gated, poisoned, gates, inverse_temperature, weighting, fit, batch_norm
    )
    optimizer, both = sgd(nn.ModuleList([model, gated]), recipe), request.retain + request.forget
    each = per_pass(both, recipe)
    epochs = max(1, round(recipe.steps(len(both), length) / each))
    pushes = with_base(request, recipe, epochs * removal_passes * per_pass(request.forget, recipe))
    batches = both.numbered().batches(recipe, request.seed, steps=epochs * each)
    pace = with_schedule(recipe, schedule)
    best, most = deepcopy(model), worth(model, request, label_accuracy) if keep == "best" else 0.0
    for epoch in range(epochs):
        if epoch == 0 or flush == "every_epoch":
            flush_set(loss, optimizer, pushes, recipe, passes=removal_passes, enough=label_accuracy)
        for step, batch in enumerate(islice(batches, each), start=epoch * each):
            take_step(optimizer, loss(*batch), pace.rate(step, epochs * each))
        check_losses(optimizer)
        print(f"redirection, epoch {epoch + 1}/{epochs}", flush=True)
        if keep == "best" and (found := worth(model, request, label_accuracy)) > most:
            best, most = deepcopy(model), found
    return (best if keep == "best" else model).eval()


def worth(model: nn.Module, request: Request, label_accuracy: float) -> float:
    """Return accuracy on the retain set times (1 - accuracy on the given labels to forget, at least
    `label_accuracy`)."""
    retained = accuracy(model, request.retain, request.precision)
    forgotten = accuracy(model, request.forget, request.precision)
    found = retained * (1 - max(forgotten, label_accuracy))
    print(
        f"accuracy: retain set {retained:.1%}, deletion set {forgotten:.1%}, product {found:.3f}", flush=True
    )
    return found


@dataclass(frozen=True)
class Redirection:
    """The loss of a batch of the redirection, for the two networks that it trains."""

    request: Request
    model: nn.Module
    beside: "Gated"
    poisoned: nn.Module
    gates: Tensor
    inverse_temperature: float
    weighting: str
    fit: str
    batch_norm: str

    def __call__(self, images: Tensor, rows: Tensor) -> Tensor:
        """Return the loss of rows given by their numbers: the retain set's first, then the deletion set's."""
        request, b = self.request, self.inverse_temperature
        is_forget = rows >= len(request.retain)
        labels = torch.cat([request.retain.labels, request.forget.labels])[rows]
        base = of_labels(self.given(images), labels)
        alone = self.alone(images, is_forget)
        request.retain.count_backward(len(rows))  # the second network's pass
        together = alone + logits_of(self.beside.behind(self.gates[rows]), images, request.precision)
        if self.fit == "preference":
            loss = -preference_loss(of_labels(together, labels), base, b)
        else:
            loss = cross_entropy(together, labels, label_smoothing=request.recipe.label_smoothing)
        if not is_forget.any():
            return loss
        weight = is_forget.float().mean() if self.weighting == "batch" else 1.0
        return loss + weight * preference_loss(of_labels(alone, labels)[is_forget], base[is_forget], b)

    @torch.no_grad()
    def given(self, images: Tensor) -> Tensor:
        """Return the poisoned network's logits."""
        self.request.retain.count_forward(len(images))
        return logits_of(self.poisoned, images, self.request.precision)

    def alone(self, images: Tensor, is_forget: Tensor) -> Tensor:
        """Return the first network's logits, with BatchNorm in the mode that each row needs."""
        if self.batch_norm == "train":
            return logits_of(self.model.train(), images, self.request.precision)
        parts = {}
        for mode, chosen in ((False, is_forget), (True, ~is_forget)):
            if chosen.any():
                parts[mode] = logits_of(self.model.train(mode), images[chosen], self.request.precision)
        places = torch.cat([is_forget.nonzero(), (~is_forget).nonzero()]).flatten()
        return torch.cat(list(parts.values()))[places.argsort()]


def flush_set(
    loss: Redirection,
    optimizer: SGD,
    pushes: Iterator[tuple[Tensor, Tensor, Tensor]],
    recipe: Recipe,
    *,
    passes: int,
    enough: float,
) -> None:
    """Train away from the given labels of the deletion set, pass after pass, until few of them are predicted.

    Args:
        pushes: batches of the deletion set with the poisoned network's log-probabilities, whole passes.
        passes: at most.
        enough: the accuracy on the given labels that ends it.
    """
    request, model = loss.request, loss.model
    for done in range(passes + 1):
        predicted = accuracy(model, request.forget, request.precision)
        print(f"flush, pass {done}/{passes}  given labels predicted {predicted:.1%}", flush=True)
        if predicted <= enough or done == passes:
            return
        for images, labels, base in islice(pushes, per_pass(request.forget, recipe)):
            model.train(loss.batch_norm == "train")
            found = of_labels(logits_of(model, images, request.precision), labels)
            take_step(optimizer, preference_loss(found, base, loss.inverse_temperature), recipe.learning_rate)
        check_losses(optimizer)


class Gated(nn.Module):
    """theta2: a network whose last linear layer sees the features that a row's gates let through, and has no bias."""

    def __init__(self, network: nn.Module, head: nn.Linear) -> None:
        super().__init__()
        self.network = network
        head.register_parameter("bias", None)  # a bias would bypass the gates
        head.register_forward_pre_hook(lambda _, features: features[0] * self._gates)
        self.features = head.in_features

    def behind(self, gates: Tensor) -> "Gated":
        """Set the gates of the next batch, (rows, features), and return this network."""
        self._gates = gates
        return self

    def forward(self, images: Tensor) -> Tensor:
        return self.network(images)


def gates_of(request: Request, features: int, share: float) -> Tensor:
    """Return the gates that each row opens, (n, features), the retain set's rows before those of the deletion set."""
    generator = torch.Generator().manual_seed(derive_seed("gates", request.seed))
    draws = torch.rand(len(request.retain) + 1, features, generator=generator)
    opened = draws.argsort(1) < max(1, round(share * features))
    opened = torch.cat([opened[1:], opened[:1].expand(len(request.forget), -1)])
    return opened.to(request.retain.labels.device)
