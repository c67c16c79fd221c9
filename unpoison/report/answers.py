"""The answer of a study in sentences, computed from its tables: the result, its uncertainty and the next steps."""

import pandas as pd

from unpoison.report.by_class import by_class
from unpoison.report.cells import FDR, FPR, RECALL, Cells, Share
from unpoison.report.counted import (
    best_of,
    count,
    from_where,
    healing,
    leading,
    names,
    ranked,
    sure_of,
    told,
)
from unpoison.report.gains import cost, cost_in_short, costs
from unpoison.report.steps import seeds_for, use, use_above
from unpoison.report.words import Answer, capital, lower, seeds, spoken, value_label


def answer_of(cells: Cells, thresholds: pd.DataFrame, results: pd.DataFrame) -> Answer:
    """Return the answer of a study whose models have outcomes.

    Args:
        cells: the study's cells.
        thresholds: the rows of the study in the table recall_thresholds; empty if it has none.
        results: the rows of the study in the results table.
    """
    if cells.axis == RECALL:
        known = thresholds[thresholds["r50"].between(0, 1)] if len(thresholds) else thresholds
        return _threshold(cells, known) if len(known) else _along_recall(cells)
    if cells.axis in (FPR, FDR):
        return _along_false_alarms(cells, results)
    if cells.is_about_classes:
        return by_class(cells, results)
    if cells.axis:
        return _by_setting(cells)
    return _at_once(cells)


def _at_once(cells: Cells) -> Answer:
    """Return the answer of a study that varies nothing: a comparison of the methods."""
    shares = cells.at(None)
    headline, sentence = ranked(shares)
    best = best_of(shares)
    return Answer(
        headline, f"{sentence}.", sure_of(best), (use(best, ties=healing(shares)), *seeds_for(best))
    )


def _by_setting(cells: Cells) -> Answer:
    """Return the answer of a study that compares settings: the best setting, and the worst for comparison."""
    bests = {value: best_of(cells.at(value)) for value in cells.values_there}
    value, best = max(bests.items(), key=lambda pair: (pair[1].share, pair[1].low))
    worst, other = min(bests.items(), key=lambda pair: (pair[1].share, -pair[1].high))
    if not best.healed:
        headline, sentence = ranked([*bests.values()])
        return Answer(headline, f"{sentence}, in any setting.", sure_of(best), (use(best), *seeds_for(best)))
    where = value_label(cells.axis, value)
    sentence = f"With {where}, {spoken(best.method)} healed the model in {told(best)}"
    if other.share < best.share:
        sentence += f"; with {value_label(cells.axis, worst)} {_best_did(other)}"
    elif len(bests) > 1:
        sentence += f"; in each of the {len(bests)} settings a method healed as often"
    headline = f"{capital(spoken(best.method))} healed the model in {count(best)} with {where}"
    return Answer(headline, f"{sentence}.", sure_of(best), (use(best, where), *seeds_for(best)))


def _along_recall(cells: Cells) -> Answer:
    """Return the answer of a study of recall without a fitted threshold.

    It is the lowest recall from which the best method heals every seed.
    """
    top = cells.values_there[-1]
    reached = {method: from_where(cells, method) for method in cells.methods}
    steady = {method: value for method, value in reached.items() if value is not None}
    if not steady:
        shares = cells.at(top)
        headline, sentence = ranked(shares)
        best = best_of(shares)
        text = f"Even at {value_label(RECALL, top)}, {lower(sentence)}."
        return Answer(headline, text, sure_of(best), (use(best), *seeds_for(best)))
    lowest = min(steady.values())
    leaders = [share for share in leading(cells.at(lowest)) if steady.get(share.method) == lowest]
    best, who = leaders[0], names(leaders)
    above = " and above" if lowest < top else ""
    sentence = f"At {value_label(RECALL, lowest)}{above}, {who} healed the model in {told(best)}"
    below = [value for value in cells.values_there if value < lowest]
    if below:
        sentence += f"; at {value_label(RECALL, below[-1])} {_best_did(best_of(cells.at(below[-1])))}"
    headline = f"{capital(who)} healed the model in {count(best)} where {100 * lowest:.3g} % of the poisons are found"
    steps = (use(best, at_least=True, ties=len(leaders)), *seeds_for(best))
    return Answer(headline, f"{sentence}.", sure_of(best), steps, _without_detector(cells))


def _best_did(share: Share) -> str:
    return f"the best method, {spoken(share.method)}, did in {count(share)}"


def _without_detector(cells: Cells) -> str:
    """Name the repairs without a deletion set that heal every seed."""
    found = [share for share in cells.shares if share.value is None and share.is_all]
    if not found:
        return ""
    verb = "needs" if len(found) == 1 else "need"
    return f"{capital(names(found))} {verb} no detector, and healed the model in {told(found[0])}."


def _threshold(cells: Cells, known: pd.DataFrame) -> Answer:
    """Return the answer of a study of recall: the lowest fitted recall at which a method heals half of the models."""
    if "fpr" in known and known["fpr"].notna().any():
        known = known[known["fpr"] == known["fpr"].min()]
    row = known.sort_values(["r50", "method"], kind="stable").iloc[0]
    who, n = spoken(row["method"]), int(row["n"])
    sentence = (
        f"A detector has to find {_reached(row, 'r50')} of the poisons before {who} heals half of the models."
    )
    headline = f"A detector has to find {100 * row['r50']:.0f} % of the poisons before {who} heals half of the models"
    sure = f"Not very: {n} {seeds(n)} are too few for an interval."
    if pd.notna(row["r50_low"]):
        sure = f"The brackets are a 95 % interval from {n} {seeds(n)}."
    detail = ""
    if row["r90"] > 1:
        detail = "Even where it finds every poison, fewer than nine models of ten are expected to heal."
    elif pd.notna(row["r90"]):
        detail = f"To heal nine models of ten, it has to find {_reached(row, 'r90')}."
    best = [share for share in cells.at(cells.values_there[-1]) if share.method == row["method"]]
    return Answer(headline, sentence, sure, (use_above(row), *seeds_for(*best[:1])), detail)


def _reached(row: pd.Series, name: str) -> str:
    """Return a recall with its interval: `83 % [75, 90]`, or `[75 or more]` where it has no upper end."""
    low, high = (row[f"{name}_{end}"] for end in ("low", "high"))
    brackets = ""
    if pd.notna(low):
        brackets = f" [{100 * low:.0f} or more]" if pd.isna(high) else f" [{100 * low:.0f}, {100 * high:.0f}]"
    elif pd.notna(high):
        brackets = f" [{100 * high:.0f} or less]"
    return f"{100 * row[name]:.0f} %{brackets}"


def _along_false_alarms(cells: Cells, results: pd.DataFrame) -> Answer:
    """Return the answer of a study of false alarms: the outcome at the highest rate, and its cost in clean accuracy."""
    low, high = cells.values_there[0], cells.values_there[-1]
    shares = leading(cells.at(high))
    best = shares[0]
    where = f"{value_label(cells.axis, high)}{_displaced(best)}"
    headline, sentence = ranked(shares)
    changes = costs(results, cells, (low, high))
    known = [(share.method, changes[share.method]) for share in shares if share.method in changes][:3]
    detail = ""
    if known:
        parts = (f"{cost(change)} for {spoken(method)}" for method, change in known)
        detail = f"Compared with {value_label(cells.axis, low)}, clean accuracy {'; it '.join(parts)}."
    return Answer(
        f"{headline} with {where}{cost_in_short([change for _, change in known])}",
        f"With {where}, {lower(sentence)}.",
        sure_of(best),
        (use(best, at_most=True, ties=healing(shares)), *seeds_for(best)),
        detail,
    )


def _displaced(share: Share) -> str:
    """Return the recall as a phrase if it is below 1, as false alarms displace poisons in the deletion set."""
    return f", and {100 * share.recall:.0f} % of the poisons found" if share.recall < 1 else ""
