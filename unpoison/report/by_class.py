"""The answer of a study of classes: the number of seeds in which each class is healed, and its gain by the repair."""

from statistics import fmean
from typing import Any

import pandas as pd

from unpoison.report.cells import Cells, Share
from unpoison.report.counted import best_of, count, everyone, some, sure_of
from unpoison.report.gains import class_gains
from unpoison.report.steps import seeds_for, use
from unpoison.report.words import Answer, capital, listed, seeds, spoken, value_label

SUMMED = 4  # from this number on, the other classes are summarized in one phrase


def by_class(cells: Cells, results: pd.DataFrame) -> Answer:
    """Return the answer of a study of classes: each class separately, at both ends of the axis.

    Args:
        cells: the study's cells.
        results: the rows of the study in the results table.
    """
    ends = list(dict.fromkeys((cells.values_there[0], cells.values_there[-1])))
    there = [share for share in cells.by_class if share.value in ends]
    own = str(cells.axis).split(".", 2)[2]
    best = _best([share for value in ends for share in cells.at(value)], there)
    steps = (use(best), *seeds_for(best))
    detail = class_gains(results, cells, best.method, own)
    # A class without an outcome cannot be healed: the attack did not take there, or a reference model is missing.
    unknown = [
        name for name in cells.classes if not any(share.n for share in there if share.class_name == name)
    ]
    lacking = f"; class {listed(some(unknown))} cannot be judged" if unknown else ""
    judged = [share for share in there if share.class_name not in unknown]
    if judged and all(share.is_all for share in judged):
        n, who = min(share.n for share in judged), everyone(cells.methods)
        known = [name for name in cells.classes if name not in unknown]
        classes = f"{'class' if len(known) == 1 else 'classes'} {listed(some(known))}"
        labels = listed(f"with {value_label(cells.axis, value)}" for value in ends)
        text = f"{who} healed {classes} in {n} of {n} {seeds(n)}, {labels}{lacking}."
        return Answer(
            f"{who} healed {classes} in {n} of {n} {seeds(n)}{lacking}", text, sure_of(best), steps, detail
        )
    headline, sentence = _of_best(judged, ends, best, own, cells)
    return Answer(capital(headline), capital(f"{sentence}{lacking}."), sure_of(best), steps, detail)


def _of_best(judged: list[Share], ends: list[Any], best: Share, own: str, cells: Cells) -> tuple[str, str]:
    """Return the classes that the best method heals at both ends of the axis, as a title and as a sentence."""
    name = spoken(best.method)
    shares = {value: [s for s in judged if s.method == best.method and s.value == value] for value in ends}
    parts = [
        f"with {value_label(cells.axis, value)}, {name} healed class {_classes(found, own)}"
        for value, found in shares.items()
        if found
    ]
    return f"{name} healed {_compared(shares[ends[0]], own) or f'the model in {count(best)}'}", "; ".join(
        parts
    )


def _best(shares: list[Share], by_class: list[Share]) -> Share:
    """Return the share of the best method: by its mean over single classes, then over all classes together."""
    healed: dict[str, list[float]] = {}
    for share in by_class:
        if share.n:
            healed.setdefault(share.method, []).append(share.share)
    means = {method: fmean(found) for method, found in healed.items()}
    highest = max(means.values(), default=0.0)
    return best_of([share for share in shares if means.get(share.method, 0.0) == highest] or shares)


def _compared(shares: list[Share], own: str) -> str:
    """Return whether a class is healed more or less often than every other; empty if two intervals overlap."""
    mine = [share for share in shares if share.n and share.class_name == own]
    others = [share for share in shares if share.n and share.class_name != own]
    if not mine or not others:
        return ""
    if mine[0].high < min(share.low for share in others):
        return f"class {own} less often than other classes"
    if mine[0].low > max(share.high for share in others):
        return f"class {own} more often than other classes"
    return ""


def _classes(shares: list[Share], own: str) -> str:
    """Return the counts of the class that the study varies, then of the others; classes without an outcome last."""
    judged = sorted((share for share in shares if share.n), key=lambda share: share.class_name != own)
    first = [share for share in judged if share.class_name == own]
    others = judged[len(first) :]
    said = [_class(share) for share in (judged if len(others) < SUMMED else first)]
    if len(others) >= SUMMED:
        counts = sorted(share.healed for share in others)
        n = max(share.n for share in others)
        said.append(f"{len(others)} other classes each in {counts[0]} to {counts[-1]} of {n} seeds")
    unknown = [str(share.class_name) for share in shares if not share.n]
    told = listed(said) if said else "in no seed that can be judged"
    return f"{told} (class {listed(some(unknown))} cannot be judged)" if unknown else told


def _class(share: Share) -> str:
    return f"{share.class_name} in {count(share)}"
