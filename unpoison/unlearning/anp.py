"""ANP, adversarial neuron pruning: prune neurons that a small change of their weights makes malicious
(2110.14430).

Wu and Wang 2021 (NeurIPS; arXiv 2110.14430): masks m in [0, 1] on the weights of neurons minimise
a L(m w, b) + (1 - a) max L((m + d) w, (1 + x) b) over perturbations d, x in [-e, e]. Neurons whose mask ends
at or below a threshold are pruned. A repair without a deletion set: it uses the trusted rows alone.

The defaults are the authors' (csdongxian/ANP_backdoor): 2,000 steps of 128 rows drawn with replacement, SGD
at rate 0.2 with momentum 0.9, e = 0.4, a = 0.2, threshold 0.2. Neurons are the channels of batch norms, w and
b their scale and shift. The perturbation starts anew at each step, uniform in [-e, e], and takes one signed
step of size e. The authors' code does not project it back to [-e, e], so it reaches 2 e; the paper's equation
bounds it by e (`projected`).

BatchNorm: the masks are learned with batch statistics (`batch_norm: train`). Running statistics change only
in the copy that learns the masks: the network that is pruned keeps those of the poisoned one, as in the
authors' code. In `eval` mode, which is ours, a quarter to a third of the masks of a narrow ResNet-9 are zero
after 25 steps.

The paper leaves the choice of a threshold open. The authors list clean and attack accuracy over thresholds (0
to 0.9 by 0.05) or numbers of neurons, on test images. BackdoorBench considers the thresholds that cost less
than a tenth of the test accuracy, and takes the one with the lowest attack success. A repair knows neither
figure. Our `accuracy_drop` takes the highest threshold that the accuracy on half of the trusted rows allows.
Masks are trained on the other half, since a mask fits the rows that it is trained on. Augmentation is the
recipe's.
"""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Generator, Tensor, nn
from torch.func import functional_call
from torch.nn.functional import cross_entropy

from unpoison.contracts.request import Request
from unpoison.devices import autocast
from unpoison.errors import UserError
from unpoison.examples import Examples
from unpoison.optimisers import SGD
from unpoison.seeds import derive_seed
from unpoison.training import accuracy, check_losses, take_step
from unpoison.types import PositiveFloat, PositiveInt, Share
from unpoison.unlearning._trusted import drawn_batches, halves

NEEDS = ("validation",)
SPACE: dict[str, Any] = {}  # not tunable: tuning would score on the rows this method trains on
ONE_OF = ("neurons", "accuracy_drop")
MOMENTUM = 0.9
TRIES = 100  # thresholds that are tried, at most; each is the mask of a neuron


def unlearn(
    request: Request,
    *,
    perturbation: PositiveFloat = 0.4,
    projected: bool = False,
    clean_weight: Share = 0.2,
    steps: PositiveInt = 2000,
    learning_rate: PositiveFloat = 0.2,
    batch_size: PositiveInt = 128,
    batch_norm: Literal["train", "eval"] = "train",
    threshold: Share = 0.2,
    neurons: PositiveInt | None = None,
    accuracy_drop: Share | None = None,
) -> nn.Module:
    """Return a copy of the poisoned network with neurons pruned.

    Args:
        perturbation: the paper's epsilon; clean_weight: its alpha.
        projected: whether perturbations are projected to the paper's bound; the authors' code does not
            (False).
        steps, learning_rate, batch_size: of the masks.
        batch_norm: mode of the network while the masks are learned; published: train.
        threshold: largest mask of a neuron that is pruned; used if the next two are not given.
        neurons: prune this many neurons, those with the lowest masks (the authors' other way).
        accuracy_drop: prune at the highest threshold that costs no more than this share of the accuracy on a
            held-out half of the trusted rows (ours).

    Raises:
        UserError: for a network without batch norms, and where both `neurons` and `accuracy_drop` are given.
    """
    if neurons is not None and accuracy_drop is not None:
        raise UserError(
            f"anp: found neurons: {neurons} and accuracy_drop: {accuracy_drop}, allowed: one of the two, or neither"
        )
    poisoned = deepcopy(request.model).eval()
    learner = deepcopy(poisoned).train(batch_norm == "train")
    masks = [nn.Parameter(torch.ones_like(norm.weight)) for norm in norms_of(learner).values()]
    training, choosing = (request.validation, None) if accuracy_drop is None else halves(request)
    optimizer = SGD(masks, momentum=MOMENTUM, weight_decay=0.0)
    generator = Generator().manual_seed(derive_seed("perturbation", request.seed))
    for images, labels in drawn_batches(training, request, steps=steps, batch_size=batch_size):
        batch = Batch(images, labels, request.precision)
        starts = [uniform(mask, perturbation, generator) for mask in (*masks, *masks)]
        worst = worst_offsets(learner, masks, starts, batch, perturbation, projected=projected)
        training.count_backward(2 * len(images))  # in addition to the pass that the batch counted
        mask_step(optimizer, learner, masks, worst, batch, clean_weight=clean_weight, rate=learning_rate)
    check_losses(optimizer)
    if choosing is not None and accuracy_drop is not None:
        return cut_by_accuracy(poisoned, masks, choosing, accuracy_drop, request.precision)
    chosen = [mask <= threshold for mask in masks] if neurons is None else lowest(masks, neurons)
    return cut(poisoned, chosen)


@dataclass(frozen=True)
class Batch:
    """Images, their labels, and the precision that a network computes them in."""

    images: Tensor
    labels: Tensor
    precision: str


def norms_of(model: nn.Module) -> dict[str, nn.BatchNorm2d]:
    """Return the batch norms of a network that have a scale and a shift, by their names.

    Raises:
        UserError: for a network without one.
    """
    norms = {
        name: module
        for name, module in model.named_modules()
        if isinstance(module, nn.BatchNorm2d) and module.affine
    }
    if not norms:
        raise UserError(
            "anp prunes the channels of batch norms with a scale, and this network has none; choose another method"
        )
    return norms


def uniform(mask: Tensor, reach: float, generator: Generator) -> Tensor:
    """Return numbers between -reach and reach, one for each neuron of a mask."""
    return ((2 * torch.rand(len(mask), generator=generator) - 1) * reach).to(mask.device)


def loss_of(
    model: nn.Module, masks: Sequence[Tensor], offsets: Sequence[Tensor] | None, batch: Batch
) -> Tensor:
    """Return the cross-entropy with scales (m + d) w and shifts (1 + x) b.

    Args:
        offsets: each norm's d, then each norm's x; None: all zero.
    """
    given, number = {}, len(masks)
    for place, (name, norm) in enumerate(norms_of(model).items()):
        d, x = (0.0, 0.0) if offsets is None else (offsets[place], offsets[number + place])
        given[f"{name}.weight"] = norm.weight.detach() * (masks[place] + d)
        given[f"{name}.bias"] = norm.bias.detach() * (1 + x)
    with autocast(batch.images.device, batch.precision):
        logits = functional_call(model, given, (batch.images,))
    return cross_entropy(logits.float(), batch.labels)


def worst_offsets(
    model: nn.Module,
    masks: Sequence[Tensor],
    starts: Sequence[Tensor],
    batch: Batch,
    reach: float,
    *,
    projected: bool,
) -> list[Tensor]:
    """Return offsets that raise the loss: one signed step of size `reach` from their starts.

    Args:
        projected: whether they are projected to [-reach, reach].
    """
    starts = [start.detach().requires_grad_() for start in starts]
    loss = loss_of(model, [mask.detach() for mask in masks], starts, batch)
    slopes = torch.autograd.grad(loss, starts)
    offsets = [start.detach() + reach * slope.sign() for start, slope in zip(starts, slopes, strict=True)]
    return [offset.clamp(-reach, reach) for offset in offsets] if projected else offsets


def mask_step(
    optimizer: SGD,
    model: nn.Module,
    masks: Sequence[nn.Parameter],
    worst: Sequence[Tensor],
    batch: Batch,
    *,
    clean_weight: float,
    rate: float,
) -> None:
    """Move the masks one step down the weighted loss, and clamp them to [0, 1]."""
    perturbed, clean = loss_of(model, masks, worst, batch), loss_of(model, masks, None, batch)
    take_step(optimizer, clean_weight * clean + (1 - clean_weight) * perturbed, rate)
    with torch.no_grad():
        for mask in masks:
            mask.clamp_(0, 1)


def lowest(masks: Sequence[Tensor], count: int) -> list[Tensor]:
    """Return for each norm a mask of its channels among the `count` neurons with the lowest masks."""
    chosen = torch.zeros(sum(len(mask) for mask in masks), dtype=torch.bool, device=masks[0].device)
    chosen[torch.cat([mask.detach() for mask in masks]).argsort(stable=True)[:count]] = True
    return list(chosen.split([len(mask) for mask in masks]))


@torch.no_grad()
def cut(model: nn.Module, chosen: Sequence[Tensor]) -> nn.Module:
    """Return a copy of the network with the scales of the chosen channels at zero; their shifts stay."""
    fewer = deepcopy(model)
    for norm, channels in zip(norms_of(fewer).values(), chosen, strict=True):
        norm.weight[channels] = 0
    return fewer


def cut_by_accuracy(
    model: nn.Module, masks: Sequence[Tensor], choosing: Examples, accuracy_drop: float, precision: str
) -> nn.Module:
    """Return the network pruned at the highest threshold that the accuracy allows, searched from the lowest
    up."""
    best, least = model, accuracy(model, choosing, precision) * (1 - accuracy_drop)
    ascending = torch.cat([mask.detach() for mask in masks]).sort().values
    for threshold in ascending[range(0, len(ascending), max(1, len(ascending) // TRIES))]:
        fewer = cut(model, [mask <= threshold for mask in masks])
        if accuracy(fewer, choosing, precision) < least:
            break
        best = fewer
    return best
