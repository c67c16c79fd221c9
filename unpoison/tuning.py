"""Tuning: a method's options, searched by what a defender can measure: no test row, no ground truth."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any

import optuna
import torch
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from torch import Tensor, nn

from unpoison.contracts.request import Request
from unpoison.costs import Cost
from unpoison.errors import UserError
from unpoison.examples import Examples
from unpoison.steps.repairing import run_method
from unpoison.training import accuracy, predict

OBJECTIVE = (
    "share of its validation accuracy that the worst class keeps"
    " x share of the deletion set whose given label is no longer predicted"
)
LEAST_GAIN = 0.01  # one row of a hundred to forget: no reason to leave the defaults
DIGITS = 3  # of a number that is searched, so that it can be read and written down
Options = Mapping[str, Any]


@dataclass(frozen=True)
class Trial:
    """One setting of the options: its worth, what that is made of, and its cost over all requests.

    value: the mean over the requests of worst_class x forgotten, of which the trial holds the means too, and
    of validation_accuracy, which is on record alone; 0 for a training that diverged, as are its parts and
    costs, and whose error says why.
    """

    options: dict[str, Any]
    value: float = 0.0
    worst_class: float = 0.0
    validation_accuracy: float = 0.0
    forgotten: float = 0.0
    image_passes: int = 0
    forward_passes: int = 0
    seconds: float = 0.0
    error: str | None = None


def search(
    unlearn: Callable[..., nn.Module],
    requests: Sequence[Request],
    *,
    fixed: Options,
    defaults: Options,
    space: Mapping[str, Mapping[str, Any]],
    trials: int,
    seed: int,
) -> list[Trial]:
    """So many trials of a method: first its defaults, then what the TPE sampler of Optuna proposes.

    The sampler draws its first ten proposals at random.

    Args:
        requests: one for each tuning seed; a trial is the mean over them.
        fixed: options that are not searched; defaults: those that are; space: the range of each.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed % 2**32))
    ranges = {name: distribution(bounds) for name, bounds in space.items()}
    found = [try_options(unlearn, requests, fixed, defaults)]
    for _ in range(trials - 1):
        proposal = study.ask(ranges)
        found.append(try_options(unlearn, requests, fixed, _rounded(proposal.params)))
        study.tell(proposal, found[-1].value)
    if all(trial.error for trial in found):
        raise UserError(f"none of the {trials} trials came to an end; the first: {found[0].error}")
    return found


def record_of(trials: Sequence[Trial]) -> dict[str, Any]:
    """What was chosen, by what, at which cost, and every trial.

    Chosen is the earliest trial within LEAST_GAIN of the highest value, so that defaults are left only for
    something better and not for the luck of a few rows.
    """
    highest = max(trial.value for trial in trials)
    best = next(trial for trial in trials if trial.value >= highest - LEAST_GAIN and not trial.error)
    return {
        "options": best.options,
        "objective": OBJECTIVE,
        "value": best.value,
        "image_passes": sum(trial.image_passes for trial in trials),
        "forward_passes": sum(trial.forward_passes for trial in trials),
        "seconds": sum(trial.seconds for trial in trials),
        "trials": [asdict(trial) for trial in trials],
    }


def try_options(
    unlearn: Callable[..., nn.Module], requests: Sequence[Request], fixed: Options, searched: Options
) -> Trial:
    """Run a method once for each request and measure what it leaves behind."""
    try:
        runs = [_measure(unlearn, request, {**fixed, **searched}) for request in requests]
    except UserError as error:  # a loss that is not finite
        return Trial(dict(searched), error=str(error))
    return Trial(
        dict(searched),
        value=fmean(run.worst_class * run.forgotten for run in runs),
        worst_class=fmean(run.worst_class for run in runs),
        validation_accuracy=fmean(run.validation_accuracy for run in runs),
        forgotten=fmean(run.forgotten for run in runs),
        image_passes=sum(run.cost.image_passes for run in runs),
        forward_passes=sum(run.cost.forward_passes for run in runs),
        seconds=sum(run.cost.seconds for run in runs),
    )


@dataclass(frozen=True)
class _Run:
    worst_class: float
    validation_accuracy: float
    forgotten: float
    cost: Cost


def _measure(unlearn: Callable[..., nn.Module], request: Request, options: Options) -> _Run:
    model, cost = run_method(unlearn, request, options)
    return _Run(
        worst_class=kept_by_the_worst_class(model, request),
        validation_accuracy=accuracy(model, request.validation, request.precision),
        forgotten=1 - accuracy(model, request.forget, request.precision),
        cost=cost,
    )


def kept_by_the_worst_class(model: nn.Module, request: Request) -> float:
    """The lowest share, over classes, of the poisoned network's right validation rows that a network gets right.

    At most 1, so that no class's gain makes up for another's loss. A class that the poisoned network never
    reads right has nothing to lose and is left out; with none to lose it is 1.
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


def distribution(bounds: Mapping[str, Any]) -> BaseDistribution:
    """One line of a `SPACE`: {"low", "high"} with or without "log" (integers where both are), or {"choices"}."""
    if "choices" in bounds:
        return CategoricalDistribution(bounds["choices"])
    whole = all(isinstance(bounds[end], int) for end in ("low", "high"))
    return (IntDistribution if whole else FloatDistribution)(**bounds)


def _rounded(options: Options) -> dict[str, Any]:
    return {
        name: float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value
        for name, value in options.items()
    }
