"""Training on wrong labels for the deletion set, given ones for the retain set: random_labels and salun."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

import torch
from torch import Generator, Tensor, nn
from torch.nn.functional import cross_entropy

from unpoison.contracts.request import Request
from unpoison.optimisers import SGD
from unpoison.recipes import Recipe
from unpoison.seeds import derive_seed
from unpoison.unlearning._descend import alternate, descend, logits_of, per_pass, rounds_of


def relabel(
    model: nn.Module,
    optimizer: SGD,
    request: Request,
    recipe: Recipe,
    length: float,
    *,
    batch_norm: Literal["train", "eval"],
    labels: Literal["once", "anew"],
    order: Literal["mixed", "in_turn"],
) -> None:
    """Train in rounds over both sets, the deletion set with wrong labels; random_labels has the options."""
    rounds = rounds_of(request, recipe, length)
    wrong = wrong_labels(request, rounds, len(request.model.class_names), labels)
    batches, each = (mixed, per_pass(request.retain + request.forget, recipe))
    if order == "in_turn":
        batches, each = in_turn, per_pass(request.forget, recipe) + per_pass(request.retain, recipe)

    def objective(holds_forget: bool, images: Tensor, targets: Tensor) -> Tensor:
        model.train(batch_norm == "train" or not holds_forget)
        logits = logits_of(model, images, request.precision)
        return cross_entropy(logits, targets, label_smoothing=recipe.label_smoothing)

    descend(optimizer, objective, batches(request, recipe, wrong), recipe, steps=rounds * each, epochs=rounds)


def wrong_labels(request: Request, rounds: int, classes: int, labels: Literal["once", "anew"]) -> Tensor:
    """Return labels for the deletion set in every round, (rounds, n).

    `once`: one of the other classes, the same in all rounds. `anew`: any class, drawn for each round.
    """
    generator = torch.Generator().manual_seed(derive_seed("wrong labels", request.seed))
    given = request.forget.labels
    if labels == "once":
        return other_labels(given, classes, generator).expand(rounds, -1)
    return torch.randint(classes, (rounds, len(given)), generator=generator).to(given.device)


def other_labels(labels: Tensor, classes: int, generator: Generator) -> Tensor:
    """Return for each row one of the other classes, all equally likely; never the given label."""
    shifts = torch.randint(1, classes, labels.shape, generator=generator)
    return (labels + shifts.to(labels.device)) % classes


def in_turn(request: Request, recipe: Recipe, wrong: Tensor) -> Iterator[tuple[bool, Tensor, Tensor]]:
    """Yield in each round a pass over the deletion set with that round's labels, then one over the retain
    set."""
    each, met = per_pass(request.forget, recipe), 0
    numbered = replace(request, forget=request.forget.numbered())
    for is_forget, images, labels in alternate(numbered, recipe, [each] * len(wrong)):
        if is_forget:
            yield True, images, wrong[met // each][labels]
            met += 1
        else:
            yield False, images, labels


def mixed(request: Request, recipe: Recipe, wrong: Tensor) -> Iterator[tuple[bool, Tensor, Tensor]]:
    """Yield in each round a pass over the rows of both sets, shuffled together."""
    both, kept = (request.retain + request.forget).numbered(), len(request.retain)
    each = per_pass(both, recipe)
    batches = both.batches(recipe, request.seed, steps=each * len(wrong))
    for step, (images, rows) in enumerate(batches):
        targets = torch.cat([request.retain.labels, wrong[step // each]])
        yield bool((rows >= kept).any()), images, targets[rows]
