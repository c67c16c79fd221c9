"""Names and numbers in the report's text: methods, metrics, varied keys, settings, points, intervals."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from unpoison.drawing.looks import look_of
from unpoison.metrics import METRICS

# Names of the two reference models in sentences; a method has its short name, as in every figure.
PROSE = {"do_nothing": "doing nothing", "oracle": "the oracle"}
# Full names in titles and answers, for readers who do not know the short ones.
SPOKEN = PROSE | {"retrain": "exact unlearning (EU)", "finetune": "catastrophic forgetting (CF)"}
KEYS = (
    (r"dataset\.keep\.(.+)", r"\1 images kept"),
    (r"poison\.share\.(.+)", r"\1's share of the poisons"),
    (r"poison\.count", "poisons"),
    (r"deletion\.recall", "recall"),
    (r"deletion\.fpr", "Cf as FPR"),
    (r"deletion\.fdr", "Cf as FDR"),
    (r"deletion\.size", "size of the deletion set"),
    (r"[a-z]+\.(.+)", r"\1"),
)
# Titles of keys whose values are shares; the value replaces the braces.
TITLES = (
    (r"dataset\.keep\.(.+)", r"{} of the \1 images kept"),
    (r"poison\.share\.(.+)", r"{} of the poisons in \1"),
    (r"deletion\.recall", "recall {}"),
    (r"deletion\.fpr", "false alarms on {} of the clean rows"),
    (r"deletion\.fdr", "false alarms as {} of the deletion set"),
)


@dataclass(frozen=True)
class Finding:
    """A sentence and its kind.

    untrained: a reference model did not train; idle: a method changed no weight; claim: a planned contrast is shown;
    open: no difference is shown; few: too few seeds for a test; measured: a description of the measurements.
    """

    kind: Literal["untrained", "idle", "claim", "open", "few", "measured"]
    text: str


@dataclass(frozen=True)
class Answer:
    """The answer of a study on the first screen.

    headline: the answer as a title, without a full stop; sentence: the answer with its numbers; sure: its uncertainty;
    steps: the next steps; detail: a second sentence, empty if there is none.
    """

    headline: str
    sentence: str
    sure: str
    steps: tuple[str, ...]
    detail: str = ""


def capital(text: str) -> str:
    """Return a sentence with a capital first letter."""
    return text[0].upper() + text[1:]


def lower(text: str) -> str:
    """Return a sentence for use within another: with a small first letter, unless it starts with an abbreviation."""
    return text if text[:2].isupper() else text[0].lower() + text[1:]


def prose_of(method: str) -> str:
    """Return a method's name within a sentence: EU, CF, doing nothing."""
    return PROSE.get(method) or look_of(method, [method]).label.split(" (")[0]


def spoken(method: str) -> str:
    """Return the name of a method in an answer: exact unlearning (EU), NPO, doing nothing."""
    return SPOKEN.get(method) or prose_of(method)


def value_label(key: str | None, value: Any) -> str:
    """Return a varied key with its value as a title: recall 90 %, 40 % of the cat images kept."""
    if key is None or value is None:
        return ""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return f"{key_label(key)} {value}"
    if key == "deletion.fpr" and value == 0:
        return "no false alarms"
    for pattern, words in TITLES:
        if re.fullmatch(pattern, key):
            return re.sub(pattern, words, key).replace("{}", f"{100 * value:.3g} %", 1)
    return f"{key_label(key)} {plain(value)}"


def metric_label(metric: str) -> str:
    """Return a metric's name in words: `adversarial_accuracy` is "adversarial accuracy"."""
    return metric.replace("_", " ")


def metric_note(metric: str) -> str:
    """Return a metric's definition and its better direction; empty for an unknown metric."""
    if metric not in METRICS:
        return ""
    better = {True: " More is better.", False: " Less is better.", None: ""}
    return METRICS[metric].meaning + better[METRICS[metric].higher_is_better]


def key_label(key: str) -> str:
    """Return a varied key in words: `dataset.keep.cat` is "cat images kept"."""
    for pattern, words in KEYS:
        if re.fullmatch(pattern, key):
            return re.sub(pattern, words, key).replace("_", " ")
    return key


def setting(varied: Mapping[str, Any]) -> str:
    """Return varied keys with their values, such as "cat images kept 0.2, Cf as FPR 0.4"; without missing values."""
    told = {key: value for key, value in varied.items() if not _is_missing(value)}
    return ", ".join(f"{key_label(key)} {plain(value)}" for key, value in told.items())


def plain(value: Any) -> str:
    """Return a value of the config without trailing zeros."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def per_cent(share: float) -> str:
    """Return a share (0 to 1) in per cent, with one decimal."""
    return f"{100 * share:.1f}"


def points(difference: float) -> str:
    """Return a difference of shares in percentage points, with a typographic minus sign."""
    return f"{100 * difference:z.1f}".replace("-", "\N{MINUS SIGN}")


def interval(low: float, high: float) -> str:
    """Return an interval in points, in brackets."""
    return f"[{points(low)}, {points(high)}]"


def span(shares: Iterable[float], write: Any = per_cent) -> str:
    """Return one value, or the lowest and the highest of several."""
    found = sorted(shares)
    low, high = write(found[0]), write(found[-1])
    return low if low == high else f"{low} to {high}"


def listed(words: Iterable[str]) -> str:
    """Return words joined by commas and a final "and"."""
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last


def _is_missing(value: Any) -> bool:
    return value is None or bool(pd.isna(value))


def gaps(missing: pd.DataFrame, cells: int) -> str:
    """Return the number of unfinished cells of a plan, by their state; empty if there is none."""
    if missing.empty:
        return ""
    states = ", ".join(f"{count} {state}" for state, count in missing["state"].value_counts().items())
    verb = "is" if len(missing) == 1 else "are"
    return f"{len(missing)} of {cells} cells {verb} missing ({states})"


def seeds(n: int) -> str:
    """Return `seed` or `seeds`."""
    return "seed" if n == 1 else "seeds"
