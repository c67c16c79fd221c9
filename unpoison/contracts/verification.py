"""The estimate that the held-out check hands over, and its file."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from unpoison.files import read_json, write_json

ASSUMED = (
    "The flagged rows that are poisoned carry the trigger as test images of the attacker will.",
    "False alarms are read like the control rows, which are unflagged rows of the same class and nearly all clean.",
    "A repair that is shown all flagged rows is at least as good as one without a fold of them; where a method depends "
    "on their number, the estimate is too high.",
)


@dataclass(frozen=True)
class OfClass:
    """The check in one class: number of flagged rows, their raw share, that of control rows, share of false alarms.

    controls is None for a class without control rows.
    """

    flagged: int
    predicted_as_labelled: float
    controls: float | None
    false_alarms: float


@dataclass(frozen=True)
class Verification:
    """An estimate of the attack success rate after a repair, without ground truth; all are shares (0 to 1).

    attack_success: None if the list seems to hold fewer than five poisons; low, high: the 95 % interval;
    predicted_as_labelled: the share of all held-out flagged rows, including false alarms; by_fold: the same for each
    fold; false_alarms: the share in the list; by_class: for the classes, by given label, that have a flagged row;
    assumed: the assumptions of the estimate.
    """

    attack_success: float | None
    low: float
    high: float
    predicted_as_labelled: float
    by_fold: tuple[float, ...]
    false_alarms: float
    by_class: dict[str, OfClass]
    assumed: tuple[str, ...] = ASSUMED


def in_words(found: Verification) -> str:
    """Return the estimate in a sentence."""
    if found.attack_success is None:
        return "The flagged rows seem to be false alarms: too few poisons are among them to estimate an attack success."
    return (
        f"The attack still succeeds on about {found.attack_success:.0%} of triggered images (95 % interval "
        f"{found.low:.0%} to {found.high:.0%}), by flagged rows that the repair was not shown."
    )


def write_verification(path: str | Path, verification: Verification) -> None:
    """Write an estimate as JSON, under the names of its fields."""
    write_json(path, as_values(verification))


def as_values(verification: Verification) -> Mapping[str, Any]:
    """Return an estimate as plain values, shares to four digits."""
    return _rounded(asdict(verification))


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _rounded(part) for name, part in value.items()}
    if isinstance(value, tuple):
        return [_rounded(part) for part in value]
    return round(value, 4) if isinstance(value, float) else value


def read_verification(path: str | Path) -> Verification:
    """Return the estimate that `write_verification` wrote."""
    return from_values(read_json(path))


def from_values(told: Mapping[str, Any]) -> Verification:
    """Return the estimate from the plain values of `as_values`."""
    classes = {name: OfClass(**found) for name, found in told["by_class"].items()}
    lists = {name: tuple(told[name]) for name in ("by_fold", "assumed")}
    return Verification(**{**told, **lists, "by_class": classes})
