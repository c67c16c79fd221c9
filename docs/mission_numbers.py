"""The numbers of the mission's two studies, and sentences that rules derive from their intervals.

For an interval that contains zero, the sentence gives the largest change inside it.
"""

from functools import cache

import pandas as pd

from docs.measured import printed
from docs.pages import RESULTS

FALSE, IMBALANCE = "false_positives", "imbalance"
EXCHANGED = "imbalance_exchanged"
EU, CF, NOTHING, ORACLE = "retrain", "finetune", "do_nothing", "oracle"
SHORT = {EU: "EU", CF: "CF", NOTHING: "do nothing", ORACLE: "oracle"}
CLEAN, STAMPED = "clean_accuracy", "adversarial_accuracy"
WORDS = {CLEAN: "clean accuracy", STAMPED: "accuracy under attack"}
RATIO, SHARE = "dataset.keep.cat", "poison.share.cat"
# The studies of false alarms: the varied key, and the page's words for it.
READINGS = {
    "false_positives": ("deletion.fdr", "of a set of fixed size"),
    "false_positives_fdr": ("deletion.fdr", "of the set, on top"),
    "false_positives_fpr": ("deletion.fpr", "of the clean rows, on top"),
}


@cache
def table(run: str, name: str) -> pd.DataFrame:
    """Return a published table."""
    return pd.read_parquet(RESULTS / run / "tables" / f"{name}.parquet")


def ends(row: pd.Series, mean: str = "mean", low: str = "ci_low", high: str = "ci_high") -> str:
    """Return a mean in % with its interval."""
    if pd.isna(row[low]):
        return printed(100 * row[mean])
    return f"{printed(100 * row[mean])} [{printed(100 * row[low])}, {printed(100 * row[high])}]"


def contrast(run: str, study: str, name: str) -> pd.Series:
    """Return a planned contrast."""
    rows = table(run, "contrasts")
    return only(rows[(rows["study"] == study) & (rows["contrast"] == name)])


def only(rows: pd.DataFrame) -> pd.Series:
    """Return the single row of a table."""
    (_, row), *others = rows.iterrows()
    assert not others
    return row


def points(row: pd.Series) -> str:
    """Return a contrast's difference in points, with its interval."""
    return ends(row, "difference", "low", "high")


def settled(row: pd.Series) -> bool:
    """Return whether a contrast is a finding: its interval excludes zero, and the corrected test agrees.

    Fewer than five seeds are not tested; then the interval alone decides.
    """
    return bool(row["low"] * row["high"] > 0 and (pd.isna(row["p_adjusted"]) or row["p_adjusted"] < 0.05))


def lost(row: pd.Series) -> str:
    """Return the sentence on a contrast for which a decrease is a cost."""
    what, size = WORDS[row["metric"]], printed(100 * abs(row["difference"]))
    if settled(row):
        return (
            f"{size} points of {what}" if row["difference"] < 0 else f"nothing: {what} rises by {size} points"
        )
    if pd.notna(row["equivalent"]) and bool(row["equivalent"]):
        margin = f"{100 * row['margin']:.0f}"
        return f"nothing: {what} stays within {margin} point{'' if margin == '1' else 's'}"
    if row["high"] < 0:
        return f"not shown after the correction; up to {printed(-100 * row['low'])} points of {what}"
    if row["low"] >= 0:
        return f"no loss of {what} was found"
    return f"no loss of {what} larger than {printed(-100 * row['low'])} points was found"


def sure(row: pd.Series) -> str:
    """Return the certainty of a contrast: interval, seeds, corrected p."""
    return f"{points(row)}, {row['n']} seeds, {tested(row)}"


def tested(row: pd.Series) -> str:
    """Return the corrected p value of a contrast, or that it has none."""
    return "not tested" if pd.isna(row["p_adjusted"]) else f"p = {row['p_adjusted']:.2g}"


def gained(row: pd.Series, unit: str) -> str:
    """Return the sentence on a contrast for which an increase is a gain."""
    if settled(row):
        less = unit.replace("more", "less") if row["difference"] < 0 else unit
        return f"{'no' if row['difference'] < 0 else 'yes'}, {printed(100 * abs(row['difference']))} {less}"
    return (
        f"not shown; between {printed(-100 * row['low'])} points less and {printed(100 * row['high'])} more are open"
        if row["low"] < 0
        else "not shown"
    )


def method_key(method: str) -> str:
    """Return a method as written in the names of contrasts."""
    return SHORT[method].lower()


def capital(text: str) -> str:
    """Return a sentence with its first letter as a capital."""
    return text[0].upper() + text[1:]


def healed_of(study: str, method: str, value: float) -> pd.Series:
    """Return the line of one Cf in the table of healed models, all classes together."""
    rows = table(FALSE, "healed")
    key = READINGS[study][0]
    chosen = (rows["study"] == study) & (rows["method"] == method) & rows["class_name"].isna()
    return only(rows[chosen & (rows[key].astype(float) == value)])


def share_of(line: pd.Series) -> str:
    """Return the interval of a share of seeds."""
    return f"[{line['low']:.2f}, {line['high']:.2f}]"


def healed_at_a_fifth() -> tuple[str, str, str]:
    """Return the numbers of seeds that EU and CF healed at Cf = 0.2, the intervals of their shares, and the test."""
    lines = {method: healed_of(FALSE, method, 0.2) for method in (EU, CF)}
    told = " and ".join(f"{SHORT[method]} {line['healed']} of {line['n']}" for method, line in lines.items())
    intervals = " and ".join(share_of(line) for line in lines.values())
    return told, intervals, tested(contrast(FALSE, FALSE, "healed_at_a_fifth"))


def counts_of(line: pd.Series) -> str:
    """Return the seeds healed with the interval of their share, the broken seeds and those without an outcome."""
    broken = f", {line['broken']} broken" if line["broken"] else ""
    undefined = f", {line['undefined']} without an outcome" if line["undefined"] else ""
    if not line["n"]:
        return f"no outcome in {line['undefined']} seeds"
    return f"{line['healed']} of {line['n']} {share_of(line)}{broken}{undefined}"


def caution(study: str, name: str) -> str:
    """Return how many compared models have references that did not train, and the difference without their seeds."""
    row = contrast(IMBALANCE, study, name)
    if not row["untrained"]:
        return ""
    models, seeds = ("model", "its seed") if row["untrained"] == 1 else ("models", "their seeds")
    without = ends(row, "trained_difference", "trained_low", "trained_high")
    return f". A reference of {row['untrained']} base {models} did not train; without {seeds} {without}"
