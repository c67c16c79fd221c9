"""Tuning: a method's options, searched by what a defender can measure: no test row, no ground truth."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from torch import nn

from unpoison.errors import UserError
from unpoison.examples import Cost
from unpoison.training import accuracy
from unpoison.unlearning._request import Request, run

OBJECTIVE = "validation accuracy x share of the deletion set whose given label is no longer predicted"
DIGITS = 3  # of a number that is searched, so that it can be read and written down
Options = Mapping[str, Any]


@dataclass(frozen=True)
class Trial:
    """One setting of the options: its worth, what that is made of, and its cost over all requests.

    value: the mean over the requests of validation_accuracy x forgotten; 0 for a training that diverged,
    whose parts and costs are then 0 too and whose error says why.
    """

    options: dict[str, Any]
    value: float = 0.0
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

    The sampler draws its first ten proposals at random. The best trial is the earliest of the highest value,
    so that defaults are left only for something better.

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
    """What was chosen (the earliest trial of the highest value), by what, at which cost, and every trial."""
    best = max(trials, key=lambda trial: trial.value)
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
        value=fmean(kept * forgotten for kept, forgotten, _ in runs),
        validation_accuracy=fmean(kept for kept, _, _ in runs),
        forgotten=fmean(forgotten for _, forgotten, _ in runs),
        image_passes=sum(cost.image_passes for _, _, cost in runs),
        forward_passes=sum(cost.forward_passes for _, _, cost in runs),
        seconds=sum(cost.seconds for _, _, cost in runs),
    )


def _measure(
    unlearn: Callable[..., nn.Module], request: Request, options: Options
) -> tuple[float, float, Cost]:
    model, cost = run(unlearn, request, options)
    kept = accuracy(model, request.validation, request.precision)
    return kept, 1 - accuracy(model, request.forget, request.precision), cost


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
