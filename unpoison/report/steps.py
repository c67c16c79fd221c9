"""The next steps after a study: the method to use, the detector quality it needs, and the number of seeds to run."""

import pandas as pd

from unpoison.proportions import AT_LEAST, AT_MOST, clopper_pearson
from unpoison.report.cells import Share
from unpoison.report.words import capital, spoken

SAFE = 0.8  # a method is called safe if its exact 95 % interval lies above this share
UNCERTAINTY = 18  # largest half-width in points after 40 seeds: half of the stopping rule's width


def use(best: Share, where: str = "", *, at_least: bool = False, at_most: bool = False, ties: int = 1) -> str:
    """Return the method to use and the detector quality that it needs, or an alternative if no method heals.

    Args:
        best: the share of the method that heals most often, in one setting.
        where: that setting in words, named if the quality of the detector is unknown.
        at_least: the method also healed at every higher recall.
        at_most: the method also healed with fewer false alarms.
        ties: number of methods that healed every seed there.
    """
    name = spoken(best.method)
    quality = _quality(best, "at least " * at_least, "at most " * at_most) or (
        f" with {where}" if where else ""
    )
    if not best.healed:
        return f"No method tried here repairs the model{quality}. Try a better detector or another method."
    if not best.is_all:
        return (
            f"No method is sure to heal{quality}. {capital(name)} heals most often: try it with a better detector, "
            "or try another method."
        )
    if ties > 1:
        return f"Use {name}{quality}. Of those that healed every seed, it kept the most clean accuracy on average."
    return f"Use {name}{quality}."


def use_above(row: pd.Series) -> str:
    """Return a sentence on the recall that a detector needs for a method.

    Args:
        row: the method's row in the table recall_thresholds.
    """
    name = spoken(row["method"])
    if pd.isna(row["r90"]):
        return f"Use {name} with a detector that finds clearly more than {100 * row['r50']:.0f} % of the poisons."
    need = row["r90"] if pd.isna(row["r90_high"]) else row["r90_high"]
    if need >= 1:
        return f"Use {name} only where a detector finds every poison: nine models of ten may need that."
    open_end = (
        ": nine models of ten are expected to heal there, and they may need more"
        if pd.isna(row["r90_high"])
        else ""
    )
    return f"Use {name} with a detector that finds at least {100 * need:.0f} % of the poisons{open_end}."


def seeds_for(*best: Share) -> tuple[str, ...]:
    """Return the number of seeds that would settle the answer; empty if the method is safe, or healed no seed."""
    told = []
    for share in best:
        if share.is_all and share.safe_low <= SAFE:
            told.append(
                f"Run {seeds_to_be_safe()} seeds before you call it safe. If all heal, the true share is above "
                f"{100 * SAFE:.0f} %."
            )
        elif 0 < share.healed < share.n < AT_MOST:
            told.append(f"Run {AT_LEAST} to {AT_MOST} seeds to know the share to about {UNCERTAINTY} points.")
    return tuple(told)


def seeds_to_be_safe() -> int:
    """Return the smallest number of seeds that show a share above SAFE if all of them are healed."""
    return next(n for n in range(1, 1000) if clopper_pearson(n, n)[0] > SAFE)


def _quality(share: Share, at_least: str, at_most: str) -> str:
    """Return the detector quality at which a share was measured, as a phrase; empty if it is unknown."""
    if share.recall != share.recall or share.fpr != share.fpr:  # nan
        return ""
    finds = "every poison" if share.recall == 1 else f"{at_least}{100 * share.recall:.0f} % of the poisons"
    accuses = "no clean row" if share.fpr == 0 else f"{at_most}{100 * share.fpr:.2g} % of the clean rows"
    return f" where the detector finds {finds} and accuses {accuses}"
