"""REM: forget the deletion set, then redirect it into capacity that is dropped (arXiv 2505.17730).

Schoepf, Mozer, Mitchell, Brintrup, Kaissis, Kairouz and Triantafillou 2025, Redirection for Erasing Memory.
Expand: theta2, new random weights, joins the poisoned network theta1. Remove: minimise NPO's
(2 / b) log(1 + (p(y | x) / p0(y | x))^b) over the deletion set, by theta1 alone and without the retain set, until few
of its given labels are predicted. Redirect: minimise CE(all training rows) of both together, where all rows of the
deletion set open the same gates of theta2 and each row of the retain set opens gates of its own, drawn once, and at
the same time NPO's loss over the deletion set by theta1 alone, so that it is theta2 that learns those labels.
Drop: theta1 alone is given back. A poison that was missed, alike to those that were found, is then explained by
theta2 in part, and theta1 has less to learn from it.

Deviations: theta2 is a second network of the same kind, whose logits are added; its gates are the features that its
last linear layer reads. The paper adds channels inside each layer. So any network will do, and a step costs two passes.
CE is as in the recipe, the paper's has the form of NPO; the two terms have the same weight.
Forgetting is measured on the augmented batches of one pass, before each step, and at a constant rate.
Written from the paper's description and not from its code.
BatchNorm: rows of the deletion set pass theta1 in evaluation mode; only the retain set moves its running statistics.
"""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from unpoison.contracts.request import Request
from unpoison.features import classifier_of
from unpoison.recipes import Recipe
from unpoison.seeds import derive_seed
from unpoison.training import take_step
from unpoison.types import PositiveFloat, PositiveInt, PositiveShare, Share
from unpoison.unlearning._descend import at_rate, descend, logits_of, per_pass, sgd
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
    removal_steps: PositiveInt = 100,
    inverse_temperature: PositiveFloat = 1.0,
    length: PositiveFloat = 0.25,
    learning_rate: PositiveFloat | None = None,
) -> nn.Module:
    """Remove the deletion set from a copy of the poisoned network, and train the copy beside a network to be dropped.

    Args:
        share: of theta2's features that the gates of a row open, at least one.
        label_accuracy: the paper's gamma, the accuracy on the given labels of the deletion set that ends the removal.
        removal_steps: at most; inverse_temperature: b, as in `npo`.
        length: of the redirection, a share of the recipe's steps (the paper: 980 of 4,000).
        learning_rate: of the removal, and peak rate of the redirection; None is a fifth of the recipe's, as there.
    """
    rate = request.recipe.learning_rate / 5 if learning_rate is None else learning_rate
    recipe, model = at_rate(request.recipe, rate), deepcopy(request.model)
    beside = request.new_model(derive_seed("dropped network", request.seed)).train()
    remove(
        model,
        request,
        recipe,
        steps=removal_steps,
        enough=label_accuracy,
        inverse_temperature=inverse_temperature,
    )
    redirect(
        model,
        Gated(beside, classifier_of(beside, request.retain)),
        request,
        recipe,
        length=length,
        share=share,
        inverse_temperature=inverse_temperature,
    )
    return model.eval()


def remove(
    model: nn.Module,
    request: Request,
    recipe: Recipe,
    *,
    steps: int,
    enough: float,
    inverse_temperature: float,
) -> None:
    """Steps away from the given labels of the deletion set, until a pass in which so few of them were predicted."""
    optimizer, each = sgd(model.eval(), recipe), per_pass(request.forget, recipe)
    hits: Tensor | int
    hits, seen = 0, 0
    for step, (images, labels, base) in enumerate(with_base(request, recipe, steps), start=1):
        logits = logits_of(model, images, request.precision)
        loss = preference_loss(of_labels(logits, labels), base, inverse_temperature)
        take_step(optimizer, loss, recipe.learning_rate)
        hits, seen = hits + (logits.argmax(1) == labels).sum(), seen + len(labels)
        if step % each == 0 or step == steps:
            predicted = float(hits) / seen
            print(f"removal, step {step}/{steps}  given labels predicted {predicted:.1%}", flush=True)
            if predicted < enough:
                break
            hits, seen = 0, 0


def redirect(
    model: nn.Module,
    beside: "Gated",
    request: Request,
    recipe: Recipe,
    *,
    length: float,
    share: float,
    inverse_temperature: float,
) -> None:
    """Train the network on all rows beside one that is dropped, while it is held off the deletion set's labels."""
    both = len(request.retain) + len(request.forget)
    steps = recipe.steps(both, length)
    gates = gates_of(request, beside.features, share)

    def objective(images: Tensor, labels: Tensor, base: Tensor, opened: Tensor) -> Tensor:
        kept = len(labels) - len(base)
        forgotten = logits_of(model.eval(), images[kept:], request.precision)
        retained = logits_of(model.train(), images[:kept], request.precision)
        added = logits_of(beside.behind(opened), images, request.precision)
        request.retain.count_backward(kept)
        request.forget.count_backward(len(base))
        together = torch.cat([retained, forgotten]) + added
        return cross_entropy(together, labels, label_smoothing=recipe.label_smoothing) + preference_loss(
            of_labels(forgotten, labels[kept:]), base, inverse_temperature
        )

    descend(
        sgd(nn.ModuleList([model, beside]), recipe),
        objective,
        mixed(request, recipe, steps, gates),
        recipe,
        steps=steps,
        epochs=max(1, round(steps * recipe.batch_size / both)),
    )


class Gated(nn.Module):
    """theta2: a network whose last linear layer sees the features that a row's gates let through, and has no bias."""

    def __init__(self, network: nn.Module, head: nn.Linear) -> None:
        super().__init__()
        self.network = network
        head.register_parameter("bias", None)  # it would pass by the gates
        head.register_forward_pre_hook(lambda _, features: features[0] * self._gates)
        self.features = head.in_features

    def behind(self, gates: Tensor) -> "Gated":
        """The same network, the next batch behind these gates: (rows, features)."""
        self._gates = gates
        return self

    def forward(self, images: Tensor) -> Tensor:
        return self.network(images)


def gates_of(request: Request, features: int, share: float) -> tuple[Tensor, Tensor]:
    """The gates that each row of the retain set opens, (n, features), and those of the deletion set, (1, features)."""
    generator = torch.Generator().manual_seed(derive_seed("gates", request.seed))
    draws = torch.rand(len(request.retain) + 1, features, generator=generator)
    opened = draws.argsort(1) < max(1, round(share * features))
    opened = opened.to(request.retain.labels.device)
    return opened[1:], opened[:1]


def mixed(
    request: Request, recipe: Recipe, steps: int, gates: tuple[Tensor, Tensor]
) -> Iterator[tuple[Tensor, Tensor, Tensor, Tensor]]:
    """Batches of retained rows and then rows to delete, as many of each as their sets hold, at least one: images,
    labels, the poisoned model's log-probabilities of the labels to delete, and gates."""
    retain, forget = request.retain, request.forget
    to_delete = round(recipe.batch_size * len(forget) / (len(retain) + len(forget)))
    to_delete = min(max(1, to_delete), max(1, recipe.batch_size - 1))
    rest = replace(recipe, batch_size=max(1, recipe.batch_size - to_delete))
    kept = retain.numbered().batches(rest, request.seed, steps=steps)
    deleted = with_base(request, replace(recipe, batch_size=to_delete), steps)
    for (images, rows), (others, labels, base) in zip(kept, deleted, strict=True):
        opened = torch.cat([gates[0][rows], gates[1].expand(len(labels), -1)])
        yield torch.cat([images, others]), torch.cat([retain.labels[rows], labels]), base, opened
