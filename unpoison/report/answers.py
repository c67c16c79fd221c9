"""The answer of a study in sentences, computed from its tables: what came out, how sure, what to do next."""

from dataclasses import dataclass

import pandas as pd

from unpoison.report.cells import FDR, FPR, RECALL, Cells, Share
from unpoison.report.counted import best_of, count, everyone, from_where, healing, heals, leading, names, ranked, seeds, some
from unpoison.report.counted import sure_of, told
from unpoison.report.gains import class_gains, cost, cost_in_short, costs
from unpoison.report.steps import seeds_for, use, use_above
from unpoison.report.words import capital, listed, lower, spoken, value_label


@dataclass(frozen=True)
class Answer:
    """What the first screen says of a study.

    headline: the answer as a title, without a full stop; sentence: with its numbers; sure: how sure that is; steps:
    what to do next; detail: a second sentence, empty where there is none.
    """

    headline: str
    sentence: str
    sure: str
    steps: tuple[str, ...]
    detail: str = ""


def answer_of(cells: Cells, thresholds: pd.DataFrame, results: pd.DataFrame) -> Answer:
    """Return the answer of a study whose models have outcomes.

    Args:
        cells: of the study.
        thresholds: the rows of the study in the table recall_thresholds; empty without one.
        results: the rows of the study in the results table.
    """
    if cells.axis == RECALL:
        known = thresholds[thresholds["r50"].notna()] if len(thresholds) else thresholds
        return _threshold(cells, known) if len(known) else _along_recall(cells)
    if cells.axis in (FPR, FDR):
        return _along_false_alarms(cells, results)
    if cells.is_about_classes:
        return _by_class(cells, results)
    if cells.axis:
        return _by_setting(cells)
    return _at_once(cells)


def _at_once(cells: Cells) -> Answer:
    """Of a study that varies nothing: the methods side by side."""
    shares = cells.at(None)
    headline, sentence = ranked(shares)
    best = best_of(shares)
    return Answer(headline, f"{sentence}.", sure_of(best), (use(best, ties=healing(shares)), *seeds_for(best)))


def _by_setting(cells: Cells) -> Answer:
    """Of a study that compares settings: the best one, and the worst beside it."""
    bests = {value: best_of(cells.at(value)) for value in cells.values_there}
    value, best = max(bests.items(), key=lambda pair: (pair[1].share, pair[1].low))
    worst, other = min(bests.items(), key=lambda pair: (pair[1].share, -pair[1].high))
    if not best.healed:
        headline, sentence = ranked([*bests.values()])
        return Answer(headline, f"{sentence}, in any setting.", sure_of(best), (use(best), *seeds_for(best)))
    where = value_label(cells.axis, value)
    sentence = f"With {where}, {spoken(best.method)} healed the model in {told(best)}"
    if other.share < best.share:
        sentence += f"; with {value_label(cells.axis, worst)} the best method, {spoken(other.method)}, did in {count(other)}"
    elif len(bests) > 1:
        sentence += f"; in each of the {len(bests)} settings a method healed as often"
    headline = f"{capital(spoken(best.method))} heals the model in {count(best)} with {where}"
    return Answer(headline, f"{sentence}.", sure_of(best), (use(best, where), *seeds_for(best)))


def _along_recall(cells: Cells) -> Answer:
    """Of a study of recall without a fitted threshold: from which recall on the best method heals every seed."""
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
    sentence = f"At {value_label(RECALL, lowest)}{' and above' if lowest < top else ''}, {who} healed the model in {told(best)}"
    below = [value for value in cells.values_there if value < lowest]
    if below:
        under = best_of(cells.at(below[-1]))
        sentence += f"; at {value_label(RECALL, below[-1])} the best method, {spoken(under.method)}, did in {count(under)}"
    headline = f"{capital(who)} {heals(leaders)} the model where {100 * lowest:.3g} % of the poisons are found"
    detail = _without_detector(cells)
    return Answer(headline, f"{sentence}.", sure_of(best), (use(best, at_least=True, ties=len(leaders)), *seeds_for(best)), detail)


def _without_detector(cells: Cells) -> str:
    """Name the repairs without a deletion set that heal every seed."""
    found = [share for share in cells.shares if share.value is None and share.is_all]
    if not found:
        return ""
    verb = "needs" if len(found) == 1 else "need"
    return f"{capital(names(found))} {verb} no detector, and healed the model in {told(found[0])}."


def _threshold(cells: Cells, known: pd.DataFrame) -> Answer:
    """Of a study of recall: the fitted recall at which half of the models heal, of the method that needs least."""
    if "fpr" in known and known["fpr"].notna().any():
        known = known[known["fpr"] == known["fpr"].min()]
    row = known.sort_values(["r50", "method"], kind="stable").iloc[0]
    who, n = spoken(row["method"]), int(row["n"])
    sentence = f"A detector has to find {_reached(row, 'r50')} of the poisons before {who} heals half of the models."
    headline = f"A detector has to find {100 * row['r50']:.0f} % of the poisons before {who} heals half of the models"
    sure = f"The brackets are a 95 % interval from {n} {seeds(n)}."
    detail = ""
    if pd.notna(row["r90"]):
        detail = f"To heal nine models of ten, it has to find {_reached(row, 'r90')}."
    best = [share for share in cells.at(cells.values_there[-1]) if share.method == row["method"]]
    return Answer(headline, sentence, sure, (use_above(row), *seeds_for(*best[:1])), detail)


def _reached(row: pd.Series, name: str) -> str:
    """Return a recall with its interval: `83 % [75, 90]`; open ends are left out."""
    ends = [row[f"{name}_{end}"] for end in ("low", "high")]
    brackets = "" if any(map(pd.isna, ends)) else f" [{100 * ends[0]:.0f}, {100 * ends[1]:.0f}]"
    return f"{100 * row[name]:.0f} %{brackets}"


def _along_false_alarms(cells: Cells, results: pd.DataFrame) -> Answer:
    """Of a study of false alarms: the outcome at the most of them, and what they cost in clean accuracy."""
    low, high = cells.values_there[0], cells.values_there[-1]
    shares = leading(cells.at(high))
    best, where = shares[0], value_label(cells.axis, high)
    headline, sentence = ranked(shares)
    changes = costs(results, cells, (low, high))
    known = [(share.method, changes[share.method]) for share in shares if share.method in changes][:3]
    detail = ""
    if known:
        parts = (f"{cost(change)} for {spoken(method)}" for method, change in known)
        detail = f"Against {value_label(cells.axis, low)}, clean accuracy {'; it '.join(parts)}."
    return Answer(
        f"{headline} with {where}{cost_in_short([change for _, change in known])}",
        f"With {where}, {lower(sentence)}.",
        sure_of(best),
        (use(best, at_most=True, ties=healing(shares)), *seeds_for(best)),
        detail,
    )


def _by_class(cells: Cells, results: pd.DataFrame) -> Answer:
    """Of a study of classes: the classes apart, at both ends of the axis."""
    ends = list(dict.fromkeys((cells.values_there[0], cells.values_there[-1])))
    there = [share for share in cells.by_class if share.value in ends]
    own = str(cells.axis).split(".", 2)[2]
    best = best_of([share for value in ends for share in cells.at(value)])
    steps = (use(best), *seeds_for(best))
    detail = class_gains(results, cells, best.method, own)
    # A class without an outcome is not healed: the attack did not take there, or a reference is missing.
    unknown = [name for name in cells.classes if not any(share.n for share in there if share.class_name == name)]
    lacking = f"; class {listed(some(unknown))} {'has' if len(unknown) == 1 else 'have'} no outcome" if unknown else ""
    judged = [share for share in there if share.class_name not in unknown]
    if judged and all(share.is_all for share in judged):
        n, who = min(share.n for share in judged), everyone(cells.methods)
        known = [name for name in cells.classes if name not in unknown]
        classes = f"{'class' if len(known) == 1 else 'classes'} {listed(some(known))}"
        labels = listed(f"with {value_label(cells.axis, value)}" for value in ends)
        text = f"{who} healed {classes} in {n} of {n} {seeds(n)}, {labels}{lacking}."
        verb = "heals" if len(cells.methods) == 1 else "heal"
        return Answer(f"{who} {verb} {classes}{lacking}", text, sure_of(best), steps, detail)
    name = spoken(best.method)
    of_best = [share for share in judged if share.method == best.method]
    parts = [
        f"with {value_label(cells.axis, value)}, {name} healed class {_classes([s for s in of_best if s.value == value], own)}"
        for value in ends
        if any(share.value == value for share in of_best)
    ]
    of_first = {share.class_name: share.share for share in of_best if share.value == ends[0] and share.n}
    others = [share for each, share in of_first.items() if each != own]
    headline = f"{name} heals the model in {count(best)}"
    if own in of_first and others and of_first[own] != max(others):
        headline = f"{name} healed class {own} {'less' if of_first[own] < max(others) else 'more'} often than other classes"
    return Answer(capital(headline), capital(f"{'; '.join(parts)}{lacking}."), sure_of(best), steps, detail)


def _classes(shares: list[Share], own: str) -> str:
    """The count of the class that the study is about, then of the others."""
    first = [share for share in shares if share.class_name == own]
    others = [share for share in shares if share.class_name != own]
    said = [_class(share) for share in first]
    if len(others) < 4:
        said += [_class(share) for share in others]
    else:
        counts = sorted(share.healed for share in others)
        n = max(share.n for share in others)
        said.append(f"{len(others)} other classes each in {counts[0]} to {counts[-1]} of {n} seeds")
    return listed(said)


def _class(share: Share) -> str:
    return f"{share.class_name} in {count(share) if share.n else 'no seed with an outcome'}"
