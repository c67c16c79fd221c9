"""Sentences on the planned contrasts of a study, the only sentences of the report that claim a difference."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from unpoison.report.words import (
    Finding,
    capital,
    interval,
    key_label,
    metric_label,
    plain,
    points,
    prose_of,
    seeds,
    setting,
)
from unpoison.results import ENOUGH

SIGNIFICANT = 0.05
LEAST_P = 0.001  # a smaller p value is written as `p < 0.001`


def contrast_findings(contrasts: pd.DataFrame, planned: Mapping[str, Mapping[str, Any]]) -> list[Finding]:
    """Return a sentence for each planned contrast of one study.

    A difference is claimed if its interval excludes zero and its p value, corrected by Holm over the study's contrasts,
    is below 0.05. Equivalence is claimed if it is shown within the margin.

    Args:
        contrasts: the rows of the study in the table of contrasts.
        planned: the contrasts by name, as the planner describes them, in the order of the sentences.
    """
    rows = {row["contrast"]: row for row in contrasts.to_dict("records")}
    return [_finding(rows[name], asked) for name, asked in planned.items() if name in rows]


def _finding(row: Mapping[Any, Any], asked: Mapping[str, Any]) -> Finding:
    what, where = _what(asked), _where(asked)
    if not row["n"]:
        return Finding("open", capital(f"{what}{where}: nothing to compare, because {row['reason']}."))
    amount = _amount(row["difference"], row["unit"])
    text = f"{what}{where}: {amount}{_interval(row)} ({_basis(row)})."
    return Finding(_kind(row), capital(" ".join([text, *_verdict(row), *_warning(row)])))


def _kind(row: Mapping[str, Any]) -> Any:
    is_shown = _is_known(row["p_adjusted"]) and row["p_adjusted"] < SIGNIFICANT
    if (is_shown and not _holds_zero(row)) or (_is_known(row["equivalent"]) and row["equivalent"]):
        return "claim"
    return "few" if row["n"] < ENOUGH else "open"


def _what(asked: Mapping[str, Any]) -> str:
    """Return the compared quantity: the metric and class, and the methods or values."""
    label = "share of seeds healed" if asked["metric"] == "healed" else metric_label(asked["metric"])
    if asked["class_name"] is not None:
        label += f" of {asked['class_name']}"
    methods = [prose_of(name) for name in asked["methods"]]
    pair = f"{methods[0]} minus {methods[1]}" if len(methods) > 1 else methods[0]
    for key, (start, end) in asked["along"].items():
        name = "deletion set" if key == "deletion" else key_label(key)
        return f"{label}, {pair}, from {name} {plain(start)} to {plain(end)}"
    return f"{label}, {pair}"


def _where(asked: Mapping[str, Any]) -> str:
    told = setting(asked["at"])
    return f" at {told}" if told else ""


def _amount(value: float, unit: str) -> str:
    if unit == "share":
        return f"{points(value)} points"
    return f"{value:,.4g} {unit}".replace("-", "\N{MINUS SIGN}")


def _interval(row: Mapping[str, Any]) -> str:
    if not _is_known(row["low"]):
        return ""
    if row["unit"] == "share":
        return f" {interval(row['low'], row['high'])}"
    return f" [{row['low']:,.4g}, {row['high']:,.4g}]".replace("-", "\N{MINUS SIGN}")


def _basis(row: Mapping[str, Any]) -> str:
    """Return the number of seeds, the seeds healed by one side only, and the corrected p value."""
    told = [f"{row['n']} {seeds(row['n'])}"]
    if _is_known(row["first_only"]):
        told.append(
            f"{row['first_only']} healed by the first alone and {row['second_only']} by the second alone"
        )
    if _is_known(row["p_adjusted"]):
        p = row["p_adjusted"]
        told.append(f"adjusted p < {LEAST_P}" if p < LEAST_P else f"adjusted p = {p:.2g}")
    return ", ".join(told)


def _verdict(row: Mapping[str, Any]) -> list[str]:
    """Return the sentences on the test, on the largest difference that the interval allows, and on equivalence."""
    said = []
    few = row["n"] < ENOUGH
    if few and not _is_known(row["p_adjusted"]):
        said.append("Too few seeds for a test.")
    elif _is_known(row["low"]) and _holds_zero(row):
        largest = _amount(max(abs(row["low"]), abs(row["high"])), row["unit"])
        said.append(f"No difference larger than {largest} was found.")
    elif _is_known(row["p_adjusted"]) and row["p_adjusted"] >= SIGNIFICANT:
        said.append("The corrected test does not show a difference.")
    if _is_known(row["margin"]) and not few:
        within = f"within {_amount(row['margin'], row['unit'])}"
        said.append(f"{'Equivalent' if row['equivalent'] else 'Not shown to be equivalent'} {within}.")
    return said


def _warning(row: Mapping[str, Any]) -> list[str]:
    if not row["untrained"]:
        return []
    have = "has" if row["untrained"] == 1 else "have"
    warning = f"{row['untrained']} of the compared base models {have} a reference model that did not train."
    if not row["trained_n"]:
        return [warning, "No other seed is left."]
    ends = {"low": row["trained_low"], "high": row["trained_high"], "unit": row["unit"]}
    difference = f"{_amount(row['trained_difference'], row['unit'])}{_interval(ends)}"
    n = f"{row['trained_n']} {seeds(row['trained_n'])}"
    return [warning, f"Without {'its seed' if row['untrained'] == 1 else 'their seeds'}: {difference} ({n})."]


def _holds_zero(row: Mapping[str, Any]) -> bool:
    return bool(row["low"] <= 0 <= row["high"])


def _is_known(value: Any) -> bool:
    return not bool(pd.isna(value))
