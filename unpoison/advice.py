"""Choose the repair method from measured repairs."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from unpoison.errors import UserError
from unpoison.measured_repairs import Candidate, Range, candidates, total

UNKNOWN_RECALL, UNKNOWN_FPR = (0.2, 1.0), (0.0, 0.05)
EQUAL = 0.05  # shares that differ by less count as ties, since each study holds few models


@dataclass(frozen=True)
class Advice:
    """A method with its options, the reasons in sentences, and all candidates, the best first."""

    method: str
    options: dict[str, Any]
    why: str
    candidates: tuple[Candidate, ...]


def advise(*, recall: Range | None = None, fpr: Range | None = None, budget: float | None = None) -> Advice:
    """Return the method that healed most of the measured models on the worst lists of the user's range.

    Evidence for a list comes from the nearest measured lists that are at least as hard: with at most its recall and
    at least its false positive rate (FPR). A method counts as well as on the list of the range where it did worst,
    so a narrower range is never advised a method with a lower healed share, except for differences up to 0.05.

    Methods come first that healed at least half of the models, and of them those that were measured on lists as hard
    or most nearly so. Next come those that healed 90 % of the models on each of two networks. They are ranked by
    the share of healed models (lower end of the 95 % Jeffreys interval). Among those within 0.05 of the best, the
    share with less than 15 % attack success left decides, again within 0.05, then the cost.

    Args:
        recall: the least and the largest share of the poisons that the list may hold; None: 0.2 to 1.
        fpr: the least and the largest share of the clean rows that the list may hold; None: 0 to 0.05.
        budget: the most that a repair may cost, in image passes over those of retraining; None: any.

    Raises:
        UserError: for an invalid range, and for a budget below the cost of every measured method.
    """
    recall = _checked("recall", recall or UNKNOWN_RECALL)
    fpr = _checked("fpr", fpr or UNKNOWN_FPR)
    if budget is not None and not budget > 0:
        raise UserError(f"budget: found {budget}, allowed: a number above 0 (1 is the cost of retraining)")
    found = list(candidates(recall, fpr))
    affordable = [one for one in found if budget is None or one.cost <= budget]
    if not affordable:
        least = min(one.cost for one in found)
        raise UserError(
            f"budget: found {budget}, allowed: from {least:.2f} on, the cheapest measured method's cost"
        )
    within = "" if budget is None else " within the budget"
    best, chosen_as = _chosen(affordable)
    why = _reasons(best, f"{len(affordable)} measured settings", chosen_as, (recall, fpr), within)
    return Advice(best.method, best.options, why, tuple(_ranked(affordable)))


def _checked(name: str, span: Sequence[float]) -> Range:
    if len(span) != 2 or not 0 <= span[0] <= span[1] <= 1:
        raise UserError(f"{name}: found {span}, allowed: two shares from 0 to 1, the smaller one first")
    return float(span[0]), float(span[1])


Pool = list[Candidate]
# What each step keeps, and how the reasons name a candidate that is alone after it.
STEPS: tuple[tuple[Callable[[Pool], Pool], str], ...] = (
    (
        lambda pool: _nearest([one for one in pool if one.heals_half]) or pool,
        "the one with lists nearest to yours, among those that healed at least half of the models on each list",
    ),
    (lambda pool: [one for one in pool if one.count("healed")] or pool, "the only one that healed a model"),
    (
        # Options that heal one network can break another: those of NPO and REM did.
        lambda pool: [one for one in pool if one.is_robust] or pool,
        "the only one with lists as near to yours that healed at least 90 % of the models on each of two networks",
    ),
    (
        lambda pool: _near_best(pool, lambda one: one.healed),
        "the one of the preferred settings that healed the largest share on the lists where it did worst",
    ),
    (
        lambda pool: _near_best(pool, lambda one: one.repaired),
        "the one of the best healers that most often left less than 15 % attack success",
    ),
    (
        lambda pool: [min(pool, key=lambda one: (one.cost, one.method))],
        "the cheapest of those that repaired equally well",
    ),
)


def _chosen(pool: Pool) -> tuple[Candidate, str]:
    """Return the best candidate, and what sets it apart from the others."""
    if len(pool) == 1:
        return pool[0], "the only one within the budget"
    for keep, words in STEPS:
        pool = keep(pool)
        if len(pool) == 1:
            return pool[0], words
    raise AssertionError("the last step keeps one candidate")


def _ranked(pool: Pool) -> Iterator[Candidate]:
    """Yield the candidates from best to worst."""
    left = list(pool)
    while left:
        chosen, _ = _chosen(left)
        left.remove(chosen)
        yield chosen


def _nearest(pool: Pool) -> Pool:
    least = min((one.gap for one in pool), default=0)
    return [one for one in pool if one.gap == least]


def _near_best(pool: Pool, value: Callable[[Candidate], float]) -> Pool:
    best = max(map(value, pool))
    return [one for one in pool if value(one) >= best - EQUAL]


def _reasons(best: Candidate, of: str, chosen_as: str, asked: tuple[Range, Range], within: str) -> str:
    from unpoison.proportions import jeffreys  # noqa: PLC0415 (scipy takes half a second, and --help does not need it)

    healed, broken, models = (best.count(name) for name in ("healed", "broken", "models"))
    name = best.method + (f" with {_in_words(best.options)}" if best.options else "")
    low, high = (round(100 * end) for end in jeffreys(healed, models))
    sentences = [
        f"{name} healed {healed} of {models} models (95 % interval: {low} to {high} %) and broke {broken}.",
        f"Their lists held {_spread(best, 'recall')} of the poisons and {_spread(best, 'fpr')} of the clean rows.",
        f"The attack success left was {best.mean('attack'):.0f} % on average, and {best.worst_attack:.0f} % at worst.",
        f"A repair cost up to {best.cost:.2f} of retraining and {best.mean('clean_lost'):.1f} points of accuracy.",
        f"Of {of}{within}, it is {chosen_as}.",
        "Measured on "
        + "; ".join(f"{name} ({', '.join(told)})" for name, told in best.networks.items())
        + ".",
    ]
    if len(best.networks) == 1:
        sentences.append("It was tried on one network alone, and its options may fail on another.")
    if not best.is_covered:
        hardest = f"recall {asked[0][0]:g} and {100 * asked[1][1]:g} % false alarms"
        sentences.append(f"No list with {hardest} was measured: this is an extrapolation.")
    if not best.heals_half:
        counts = f"{total(best.worst, 'healed')} of {total(best.worst, 'models')} models"
        sentences.append(f"On the lists where it did worst, it healed {counts}.")
        sentences.append(
            f"No measured method{within} is likely to heal such a model: find more of the poisons first."
        )
    return " ".join(sentences)


def _spread(candidate: Candidate, name: str) -> str:
    values = [round(100 * getattr(row, name)) for row in candidate.rows]
    return f"{min(values)} %" if min(values) == max(values) else f"{min(values)} to {max(values)} %"


def _in_words(options: dict[str, Any]) -> str:
    given = {name: value for name, value in options.items() if value not in (None, "None")}
    return ", ".join(f"{name}: {json.dumps(value).strip(chr(34))}" for name, value in given.items())
