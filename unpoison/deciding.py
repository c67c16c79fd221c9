"""The table `decisions`: the next step of each adaptive study, by the outcomes so far."""

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from unpoison.columns import TABLES
from unpoison.implied import by_chain, known
from unpoison.levels import LEVELS
from unpoison.proportions import SETTLED_CONFIDENCE, SETTLED_WIDTH, settled_interval
from unpoison.rounds import BISECT, UNTIL, Bisection, Halved, Settled, Settling


def decisions(outcomes: pd.DataFrame, rounds: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """Return one row for each bisection of a seed, and for each cell that is to settle.

    Args:
        outcomes: the table of outcomes.
        rounds: for each adaptive study `rule`, `options` (the arguments of `Bisection` or `Settling`) and its subjects:
            for a bisection `chains`, the chain and the recall of each deletion set; for seeds `cells`, lists of data
            set, poison, training, deletion set and method.
    """
    whole = outcomes[outcomes["class_name"].isna() & outcomes["deletion"].notna()]
    lines = [
        {"study": study, "rule": asked["rule"], **line}
        for study, asked in sorted(rounds.items())
        for line in RULES[asked["rule"]](whole[whole["study"] == study], asked)
    ]
    types = {name: about.dtype for name, about in TABLES["decisions"].columns.items()}
    return pd.DataFrame(lines, columns=list(types)).astype(types)


def _bisections(outcomes: pd.DataFrame, asked: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    rule, chains = Bisection(**asked["options"]), asked["chains"]
    for place, rows in by_chain(outcomes, chains):
        found = rule.follow(dict(zip(rows["asked"].tolist(), known(rows), strict=True)))
        low, high = found.low, found.high
        yield {
            **dict(zip([*LEVELS, "seed"], place, strict=True)),
            **{"models": found.tried, "n": found.tried, "healed": found.healed, "low": low, "high": high},
            **{"next": found.next, "state": found.state, "why": _why_halved(found)},
        }


def _why_halved(found: Halved) -> str:
    known = [f"not healed at {found.low:g}"] if found.low is not None else []
    known += [f"healed at {found.high:g}"] if found.high is not None else []
    told = " and ".join(known) or "no recall was tried"
    if found.state == "open":
        return f"{told}: {found.next:g} is next"
    if found.state == "no outcome":
        return f"{told}; the next recall gave no outcome (table outcomes says why)"
    if found.high is None:
        return f"{told}, the highest recall of the steps: right-censored"
    if found.low is None:
        return f"{told}, the lowest recall of the steps: left-censored"
    return f"{told}, after all steps"


def _cells(outcomes: pd.DataFrame, asked: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    rule = Settling(**asked["options"])
    of_cell = {place: rows.set_index("seed") for place, rows in outcomes.groupby(list(LEVELS), sort=False)}
    for place in map(tuple, asked["cells"]):
        rows = of_cell.get(place)
        of_seed = {} if rows is None else dict(zip(rows.index.tolist(), known(rows), strict=True))
        first = next(seed for seed in range(len(of_seed) + 1) if seed not in of_seed)
        found = rule.follow([of_seed[seed] for seed in range(first)])
        low, high = settled_interval(found.healed, found.n) if found.n else (0.0, 1.0)
        yield {
            **dict(zip(LEVELS, place, strict=True)),
            **{"models": found.seeds, "n": found.n, "healed": found.healed, "low": low, "high": high},
            **{"next": found.next, "state": found.state, "why": _why_settled(found, low, high)},
        }


def _why_settled(found: Settled, low: float, high: float) -> str:
    if not found.seeds:
        return f"{found.next} seeds are run before the first look"
    level = f"{SETTLED_CONFIDENCE:.1%}"
    told = (
        f"healed in {found.healed} of {found.n} seeds; the {level} Clopper-Pearson interval [{low:.2f}, {high:.2f}] is "
        f"{high - low:.2f} wide"
    )
    if found.state == "settled":
        return f"{told}, at most {SETTLED_WIDTH:g}: settled"
    if found.state == "open":
        return f"{told}, more than {SETTLED_WIDTH:g}: {found.next} seeds are next"
    return f"{told}, more than {SETTLED_WIDTH:g}, at the most seeds that the study allows"


RULES = {BISECT: _bisections, UNTIL: _cells}
