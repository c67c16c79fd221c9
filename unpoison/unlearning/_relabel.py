"""Fitting wrong labels on the deletion set and the given ones on the retain set: random_labels and salun."""

import torch
from torch import Generator, Tensor, nn
from torch.nn.functional import cross_entropy

from unpoison.contracts.request import Request
from unpoison.optimisers import SGD
from unpoison.recipes import Recipe
from unpoison.seeds import derive_seed
from unpoison.unlearning._descend import alternate, descend, logits_of, per_pass, rounds_of


def wrong_labels(labels: Tensor, classes: int, generator: Generator) -> Tensor:
    """For each row one of the other classes, all as likely; never the given label."""
    shifts = torch.randint(1, classes, labels.shape, generator=generator)
    return (labels + shifts.to(labels.device)) % classes


def relabel(model: nn.Module, optimizer: SGD, request: Request, recipe: Recipe, length: float) -> None:
    """In each round a pass over the deletion set with wrong labels, drawn anew, then one over the retain set."""
    generator = torch.Generator().manual_seed(derive_seed("wrong labels", request.seed))

    def objective(is_forget: bool, images: Tensor, labels: Tensor) -> Tensor:
        model.train(not is_forget)  # the retain set alone moves BatchNorm's statistics
        logits = logits_of(model, images, request.precision)
        if is_forget:
            labels = wrong_labels(labels, logits.shape[1], generator)
        return cross_entropy(logits, labels, label_smoothing=recipe.label_smoothing)

    rounds = rounds_of(request, recipe, length)
    forget = per_pass(request.forget, recipe)
    descend(
        optimizer,
        objective,
        alternate(request, recipe, [forget] * rounds),
        recipe,
        steps=rounds * (forget + per_pass(request.retain, recipe)),
        epochs=rounds,
    )
