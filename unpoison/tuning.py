"""Tuning: a search of a method's options by measurements that a defender has, without test rows or ground truth."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import optuna
import torch
from torch import Tensor, nn

from unpoison.contracts.request import Request
from unpoison.data import Data
from unpoison.errors import UserError
from unpoison.examples import Examples
from unpoison.held_out import fifth_of
from unpoison.networks import Classifier
from unpoison.recipes import Recipe
from unpoison.search_space import distribution, rounded, space_filling
from unpoison.steps.repairing import request_of, run_method
from unpoison.steps.setting import Setting
from unpoison.training import accuracy, predict
from unpoison.trials import CHOSEN_BY, COSTS, Trial, choose, together
from unpoison.types import Indices

Options = Mapping[str, Any]


@dataclass(frozen=True)
class Case:
    """A tuning seed: its request, and the rows of the deletion set that the request neither forgets nor retains."""

    request: Request
    held_out: Examples


def case_of(data: Data, model: Classifier, flagged: Indices, recipe: Recipe, setting: Setting) -> Case:
    """Return the case of a seed, with a fifth of the flagged rows held out.

    Args:
        flagged: positions among the training rows.

    Raises:
        UserError: for fewer than five flagged rows.
    """
    train = data.rows.of("train")
    held_out = fifth_of(train, flagged, setting.seed)
    request = request_of(data, model, flagged, recipe, setting, left_out=held_out)
    return Case(request, data.examples(train.take(held_out), setting.device))


def search(
    unlearn: Callable[..., nn.Module],
    cases: Sequence[Case],
    *,
    fixed: Options,
    defaults: Options,
    space: Mapping[str, Options],
    trials: int,
    seed: int,
) -> list[Trial]:
    """Return the trials of a method: its defaults, eight that fill the space, then those that TPE proposes.

    A search with fewer trials is a prefix of a longer one. TPE is Optuna's (Bergstra et al. 2011).

    Args:
        cases: one for each tuning seed; a trial is the mean over them.
        fixed: options that are not searched; defaults: those that are; space: the range of each.

    Raises:
        UserError: if no trial finished.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    ranges = {name: distribution(bounds) for name, bounds in space.items()}
    design = space_filling(ranges, seed)
    sampler = optuna.samplers.TPESampler(seed=seed % 2**32, n_startup_trials=len(design))
    study = optuna.create_study(direction="maximize", sampler=sampler)
    for point in design:
        study.enqueue_trial(point)
    found = [try_options(unlearn, cases, fixed, defaults)]
    for _ in range(trials - 1):
        proposal = study.ask(ranges)
        found.append(try_options(unlearn, cases, fixed, rounded(proposal.params)))
        study.tell(proposal, found[-1].values[CHOSEN_BY])
    choose(found)  # refuses a search without a finished trial
    return found


def try_options(
    unlearn: Callable[..., nn.Module], cases: Sequence[Case], fixed: Options, searched: Options
) -> Trial:
    """Return a trial: the method runs once for each case, and the repaired models are measured."""
    try:
        return together([_run(unlearn, case, fixed, searched) for case in cases])
    except UserError as error:  # a loss that is not finite
        return Trial(dict(searched), error=str(error))


def _run(unlearn: Callable[..., nn.Module], case: Case, fixed: Options, searched: Options) -> Trial:
    """Return the trial of one case alone."""
    request = case.request
    model, cost = run_method(unlearn, request, {**fixed, **searched})
    kept = kept_by_the_worst_class(model, request)
    lost: dict[str, Any] = {
        name: 1 - accuracy(model, rows, request.precision)
        for name, rows in {"held_out": case.held_out, "forgotten": request.forget}.items()
    }
    return Trial(
        dict(searched),
        values={name: kept * share for name, share in lost.items()},
        worst_class=kept,
        validation_accuracy=accuracy(model, request.validation, request.precision),
        **lost,
        **{name: getattr(cost, name) for name in COSTS},
    )


def kept_by_the_worst_class(model: nn.Module, request: Request) -> float:
    """Return the worst class's ratio of right validation rows: those of the network over those of the poisoned network.

    It is at most 1, so that a gain in one class does not offset a loss in another. A class without right rows of the
    poisoned network is left out. If all classes are left out, the ratio is 1.
    """
    before, after = (
        _hits_by_class(network, request.validation, request.precision) for network in (request.model, model)
    )
    can_lose = before > 0
    return float((after / before)[can_lose].clamp(max=1).min()) if can_lose.any() else 1.0


def _hits_by_class(model: nn.Module, examples: Examples, precision: str) -> Tensor:
    hits: Tensor | int = 0
    for images, labels in examples.in_order():
        logits = predict(model, images, precision)
        hits += torch.bincount(labels[logits.argmax(1) == labels], minlength=logits.shape[1])  # (classes,)
    assert isinstance(hits, Tensor), "a tuning wants validation rows"
    return hits
