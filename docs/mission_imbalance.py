"""The tables of docs/results/imbalance/README.md."""

from collections.abc import Iterator

import pandas as pd

from docs.mission_numbers import (
    CF,
    EU,
    EXCHANGED,
    IMBALANCE,
    NOTHING,
    ORACLE,
    RATIO,
    SHARE,
    SHORT,
    STAMPED,
    capital,
    caution,
    contrast,
    counts_of,
    ends,
    gained,
    sure,
    table,
)
from docs.mission_runs import blocks, planned
from docs.pages import Rows
from unpoison.outcomes import WHY

ENDS = (0.2, 1.0)  # the fewest and the most cats, which both studies have


def imbalance_answers() -> Rows:
    """Return the answers of the studies of imbalance."""
    yield "question", "answer", "how sure"
    asked = {
        "eu_gains": ("Does EU gain over doing nothing?", "points more under attack"),
        "eu_less_cf": ("Does EU gain more than CF?", "points more under attack"),
        "gain_with_imbalance": (
            "Does EU gain more beside 1,000 cats than beside 5,000?",
            "points more beside 1,000",
        ),
        "gain_of_cats_with_imbalance": ("For the cats, the small class?", "points more beside 1,000"),
        "gain_of_dogs_with_imbalance": ("For the dogs, the large class?", "points more beside 1,000"),
    }
    for study in studies_of_imbalance():
        corners = ", corners exchanged" if study == EXCHANGED else ""
        for name, (question, unit) in asked.items():
            row = contrast(IMBALANCE, study, name)
            yield (
                question.replace("?", f"{corners}?"),
                capital(gained(row, unit)) + caution(study, name),
                sure(row),
            )


def studies_of_imbalance() -> list[str]:
    """Return the studies of imbalance of which a block is published."""
    there = set(table(IMBALANCE, "results")["study"])
    return [study for study in (IMBALANCE, EXCHANGED) if study in there]


def _of_imbalance(name: str, study: str) -> Iterator[tuple[float, float, pd.DataFrame]]:
    rows = table(IMBALANCE, name)
    rows = rows[rows["study"] == study]
    for (share, ratio), here in rows.groupby([SHARE, RATIO], sort=True):
        yield float(share), float(ratio), here


def imbalance_healed() -> Rows:
    """Return the seeds healed by EU and CF, by class."""
    yield "poisons", "cats", *(f"{SHORT[m]}, {name}" for name in ("cats", "dogs") for m in (EU, CF))
    for study in studies_of_imbalance():
        for share, ratio, here in _of_imbalance("healed", study):
            lines = here.set_index(["class_name", "method"])
            cells = (counts_of(lines.loc[(name, method)]) for name in ("cat", "dog") for method in (EU, CF))
            yield poisons(study, share), f"{5000 * ratio:,.0f}", *cells


def poisons(study: str, share: float) -> str:
    """Return a split of the hundred poisons in words."""
    exchanged = ", exchanged" if study == EXCHANGED else ""
    return f"{100 * share:.0f} cats + {100 - 100 * share:.0f} dogs{exchanged}"


def imbalance_accuracy() -> Rows:
    """Return the accuracy under attack of each class, before and after."""
    yield (
        "poisons",
        "cats",
        *(f"{name}: {SHORT[method]}" for name in ("cats", "dogs") for method in (NOTHING, EU, CF)),
    )
    for study in studies_of_imbalance():
        for share, ratio, here in _of_imbalance("summary", study):
            lines = here[here["metric"] == STAMPED].set_index(["class_name", "method"])
            cells = (ends(lines.loc[(name, m)]) for name in ("cat", "dog") for m in (NOTHING, EU, CF))
            yield poisons(study, share), f"{5000 * ratio:,.0f}", *cells


def imbalance_contrasts() -> Rows:
    """Return the planned contrasts on imbalance."""
    yield from planned(IMBALANCE, *studies_of_imbalance())


def imbalance_blocks() -> Rows:
    """Return the blocks of the studies of imbalance."""
    yield from blocks(IMBALANCE)


def imbalance_attack() -> Rows:
    """Return for each class, corner and number of poisons what the attack costs before a repair."""
    parts = ("change of accuracy", "attack took")
    yield (
        "corner",
        "class",
        "its poisons",
        *(f"{part}, {5000 * ratio:,.0f} cats" for ratio in ENDS for part in parts),
    )
    cells = {
        (corner_of(study, name), f"{name}s", count_of(name, share), ratio): (lost, took)
        for study in studies_of_imbalance()
        for (share, ratio, lost), (_, _, took) in zip(
            _of_imbalance("paired", study), _of_imbalance("outcomes", study), strict=True
        )
        for name in ("cat", "dog")
    }
    for corner, named, count in dict.fromkeys(place[:3] for place in sorted(cells)):
        both = (_attack(named[:-1], *cells[corner, named, count, ratio]) for ratio in ENDS)
        yield corner, named, str(count), *(cell for pair in both for cell in pair)


def corner_of(study: str, name: str) -> str:
    """Return the corner of the patch on a class."""
    return "bottom right" if (name == "cat") == (study == IMBALANCE) else "top left"


def count_of(name: str, share: float) -> int:
    """Return the number of poisons of a class, given the cats' share."""
    return round(100 * (share if name == "cat" else 1 - share))


def _attack(name: str, paired: pd.DataFrame, outcomes: pd.DataFrame) -> tuple[str, str]:
    """Return the change of accuracy on stamped images, and in how many of the trained seeds the attack took."""
    of_class = paired[(paired["class_name"] == name) & (paired["metric"] == STAMPED)]
    (_, row), *others = of_class[(of_class["method"] == NOTHING) & (of_class["other"] == ORACLE)].iterrows()
    assert not others
    repaired = outcomes[(outcomes["class_name"] == name) & (outcomes["method"] == EU)]
    trained = repaired[(repaired["undefined"] != WHY["untrained"]).fillna(True)]
    untrained = len(repaired) - len(trained)
    note = f", {untrained} untrained" if untrained else ""
    return ends(row, "difference"), f"{trained['undefined'].isna().sum()} of {len(trained)}{note}"
