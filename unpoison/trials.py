"""The trials of a tuning, and the choice among all of them or among the first ones of a budget."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from statistics import fmean
from typing import Any

from unpoison.costs import Cost
from unpoison.errors import UserError

KEPT = "share of its validation accuracy that the worst class keeps x share of"
OBJECTIVES = {
    "held_out": f"{KEPT} a held-out fifth of the deletion set whose given label is no longer predicted",
    "forgotten": f"{KEPT} the other four fifths, which it forgot, whose given label is no longer predicted",
}
CHOSEN_BY = (
    "held_out"  # methods that relabel or climb the loss optimise the second factor of `forgotten` directly
)
PARTS = (
    "worst_class",
    "validation_accuracy",
    "held_out",
    "forgotten",
)  # of a trial, in addition to its values
COSTS = ("seconds", "image_passes", "forward_passes", "gradient_passes", "curvature_passes")
LEAST_GAIN = 0.01  # one row in a hundred, too little to leave the defaults


@dataclass(frozen=True)
class Trial:
    """One setting of the options: its value by each objective, their parts, and its cost over all tuning seeds.

    values: by the objective's name, the mean over the seeds of worst_class x the share of the same name. The trial
    also holds the means of the parts, and of validation_accuracy, which does not affect the choice.
    error: the message of a training that diverged, None otherwise. Its values, parts and costs are 0.
    """

    options: dict[str, Any]
    values: dict[str, float] = field(default_factory=lambda: dict.fromkeys(OBJECTIVES, 0.0))
    worst_class: float = 0.0
    validation_accuracy: float = 0.0
    held_out: float = 0.0
    forgotten: float = 0.0
    image_passes: int = 0
    forward_passes: int = 0
    gradient_passes: int = 0
    curvature_passes: int = 0
    seconds: float = 0.0
    error: str | None = None


def choose(trials: Sequence[Trial], budget: int | None = None, objective: str = CHOSEN_BY) -> Trial:
    """Return the earliest trial whose value is within LEAST_GAIN of the highest, among the first `budget` trials.

    The defaults are the first trial. A later trial is chosen only for a gain of more than a few rows' noise.

    Raises:
        UserError: if no trial finished.
    """
    allowed = trials[:budget]
    ended = [trial for trial in allowed if not trial.error]
    if not ended:
        raise UserError(f"none of the {len(allowed)} trials came to an end; the first: {allowed[0].error}")
    highest = max(trial.values[objective] for trial in ended)
    return next(trial for trial in ended if trial.values[objective] >= highest - LEAST_GAIN)


def search_passes(trials: Sequence[Trial], budget: int | None = None) -> float:
    """Return the weighted passes of a search with a budget; 0 for a budget of 1, which takes the defaults."""
    return 0.0 if budget == 1 else Cost(**spent_on(trials[:budget])).weighted_passes


def together(runs: Sequence[Trial]) -> Trial:
    """Return the trial over several seeds: means of the measurements, and sums of the costs."""
    parts: dict[str, Any] = {part: fmean(getattr(run, part) for run in runs) for part in PARTS}
    values = {name: fmean(run.values[name] for run in runs) for name in OBJECTIVES}
    return Trial(runs[0].options, values=values, **parts, **spent_on(runs))


def spent_on(trials: Sequence[Trial]) -> dict[str, Any]:
    """Return the total cost of trials, by the names of `Cost`."""
    return {name: sum(getattr(trial, name) for trial in trials) for name in COSTS}


def record_of(trials: Sequence[Trial]) -> dict[str, Any]:
    """Return the choice, the choice by each objective, the cost, and every trial."""
    chosen = {objective: choose(trials, objective=objective) for objective in OBJECTIVES}
    return {
        "options": chosen[CHOSEN_BY].options,
        "chosen_by": CHOSEN_BY,
        "objectives": dict(OBJECTIVES),
        "choices": {
            name: {"options": trial.options, "value": trial.values[name]} for name, trial in chosen.items()
        },
        **spent_on(trials),
        "trials": [asdict(trial) for trial in trials],
    }


def trials_of(record: Mapping[str, Any]) -> list[Trial]:
    """Return the trials of a record.

    Raises:
        TypeError, KeyError: for a record of another version.
    """
    return [Trial(**trial) for trial in record["trials"]]
