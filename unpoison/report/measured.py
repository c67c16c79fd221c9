"""The answer of a study without outcomes: false alarms and clean cost, or why there is no answer."""

from collections.abc import Iterator
from typing import Any

import pandas as pd

from unpoison.attack_kinds import AS_FOUND, UNPLANTED, UNPOISONED, WITHOUT_ORACLE
from unpoison.levels import REFERENCES
from unpoison.report.gains import FEWEST
from unpoison.report.words import Answer, capital, interval, listed, points, prose_of, seeds, spoken
from unpoison.results import AGREEMENT, CLEAN, robust_metric

PLACES = 2  # settings or methods that a sentence names


def measured_answer(
    attack: str, paired: pd.DataFrame, detectors: pd.DataFrame, outcomes: pd.DataFrame
) -> Answer:
    """Return the answer of a study in which no model has an outcome.

    Args:
        attack: the study's kind of attack.
        paired, detectors, outcomes: the rows of the study in the tables of these names.
    """
    reasons = outcomes["undefined"].dropna().unique().tolist()
    if reasons and attack not in WITHOUT_ORACLE:
        return _undefined(reasons)
    alarms = list(_alarms(attack, detectors))
    metric, costs = _costs(paired)
    if not costs:
        headline = alarms[0] if alarms else "No repair was measured"
        text = f"{listed(alarms)}." if alarms else "No repair was measured, and no detector was either."
        sure = "Brackets are 95 % intervals over the seeds." if alarms else "There is nothing to be sure of."
        steps = ("Add methods to the study to learn what a repair does.",)
        return Answer(capital(headline), capital(text), sure, steps)
    dearest = min(costs, key=lambda row: row["gain"])
    cheapest = max(costs, key=lambda row: row["gain"])
    shown = [dearest] if dearest is cheapest else [cheapest, dearest]
    text = "; ".join(_cost(row, metric) for row in shown)
    lead = "".join(
        f"{capital(part)}. " for part in (listed(alarms) if alarms else "", _gain(attack, paired)) if part
    )
    sure = f"Brackets are 95 % intervals over {dearest['n']} seeds."
    if dearest["n"] < FEWEST:
        sure = f"Not very: {dearest['n']} {seeds(dearest['n'])}, too few for an interval."
    if attack in UNPLANTED and attack != UNPOISONED:
        sure += " Nobody knows which rows are wrong, so this page cannot tell whether a repair works."
    best = spoken(cheapest["method"])
    steps = (
        f"Of the methods tried, {best} costs least on average. Look at what was flagged before you remove it.",
    )
    return Answer(_headline(costs, metric), f"{lead}{capital(text)}.", sure, steps)


def _undefined(reasons: list[str]) -> Answer:
    why = listed(reasons)
    step = {
        "the attack did not take": "Plant more poisons or a stronger trigger, or train for longer, and run again.",
        "a reference model did not train": "Train for longer or at another learning rate, and run again.",
        "no clean test image": "Give the data clean test images, and run again.",
        "no oracle": "Run the oracle too: the share of an attack that survives is measured against it.",
    }
    told = tuple(step[reason] for reason in reasons if reason in step)
    sentence = f"No model has an outcome, because {why}."
    return Answer(f"No answer: {why}", sentence, "There is nothing to be sure of.", told)


def _alarms(attack: str, detectors: pd.DataFrame) -> Iterator[str]:
    """Yield the recall and false alarms of the deletion sets with the highest recall, as clauses of a sentence."""
    rows = detectors.sort_values(["recall", "deletion"], ascending=[False, True], kind="stable")
    for row in rows.head(PLACES).to_dict("records"):
        if attack == UNPOISONED:
            if pd.notna(row["false_alarm_rate"]):
                yield f"{row['deletion']} accuses {_with_ends(row, 'false_alarm_rate')} of the clean rows"
        elif pd.notna(row["recall"]) and pd.notna(row["fpr"]):
            yield (
                f"{row['deletion']} finds {_with_ends(row, 'recall')} of the poisons and accuses "
                f"{_with_ends(row, 'fpr')} of the clean rows"
            )


def _with_ends(row: Any, name: str) -> str:
    ends = [row[f"{name}_{end}"] for end in ("low", "high")]
    told = "" if any(map(pd.isna, ends)) else f" [{100 * max(ends[0], 0):.1f}, {100 * min(ends[1], 1):.1f}]"
    return f"{100 * row[name]:.1f} %{told}"


def _costs(paired: pd.DataFrame) -> tuple[str, list[dict[str, Any]]]:
    """Return the metric of the cost, and each method's change against doing nothing where it costs most."""
    for metric in (CLEAN, AGREEMENT):
        found: dict[str, dict[str, Any]] = {}
        for change in _over_nothing(paired, metric):
            method = change["method"]
            if method not in found or change["gain"] < found[method]["gain"]:
                found[method] = change
        if found:
            return metric, list(found.values())
    return CLEAN, []


def _gain(attack: str, paired: pd.DataFrame) -> str:
    """Return the gain of the best method on the user's triggered images, as a clause; empty without such images."""
    metric = robust_metric(paired) if attack == AS_FOUND else None
    found = list(_over_nothing(paired, metric)) if metric else []
    if not found:
        return ""
    return (
        f"on the user's triggered images, {_cost(max(found, key=lambda change: change['gain']), str(metric))}"
    )


def _over_nothing(paired: pd.DataFrame, metric: str) -> Iterator[dict[str, Any]]:
    """Yield the change of a metric against doing nothing, of each method in each setting."""
    rows = paired[paired["class_name"].isna() & (paired["metric"] == metric)]
    for row in rows.to_dict("records"):
        pair = (row["method"], row["other"])
        if "do_nothing" not in pair:
            continue
        (method,) = (name for name in pair if name != "do_nothing")
        if method not in REFERENCES:
            sign = 1 if row["method"] == method else -1
            ends = sorted((sign * row["ci_low"], sign * row["ci_high"]))
            yield {"method": method, "gain": sign * row["difference"], "ends": ends, "n": int(row["n"])}


def _is_shown(cost: dict[str, Any]) -> bool:
    return cost["n"] >= FEWEST and not cost["ends"][0] <= 0 <= cost["ends"][1]


def _headline(costs: list[dict[str, Any]], metric: str) -> str:
    what = metric.replace("_", " ")
    falls = [cost for cost in costs if _is_shown(cost) and cost["gain"] < 0]
    if falls:
        most = min(falls, key=lambda cost: cost["gain"])
        name = spoken(most["method"])
        return f"Forgetting what was flagged costs up to {points(-most['gain'])} points of {what}, by {name}"
    return f"No method is shown to cost {what}"


def _cost(cost: dict[str, Any], metric: str) -> str:
    name, what = spoken(cost["method"]), metric.replace("_", " ")
    way = "lowers" if cost["gain"] < 0 else "raises"
    amount = f"{points(abs(cost['gain']))} points"
    if _is_shown(cost):
        ends = interval(*sorted(map(abs, cost["ends"])))
        return f"against {prose_of('do_nothing')}, {name} {way} {what} by {amount} {ends}"
    if cost["n"] < FEWEST:
        return f"against {prose_of('do_nothing')}, {name} {way} {what} by {amount} on average"
    most = points(max(map(abs, cost["ends"])))
    return f"against {prose_of('do_nothing')}, {name} shows no change of {what} larger than {most} points"
