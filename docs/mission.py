"""Write the tables of the pages on the mission's two studies: `python -m docs.mission`, in the project's folder.

A table stands between `<!-- measured: NAME -->` and `<!-- end of measured -->`, NAME being a function below. All are
made from the pooled tables of docs/results/false_positives and docs/results/imbalance. The sentences follow from the
intervals by rules: one that holds zero is told as the largest change that it leaves open.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path

import pandas as pd

from docs.measured import in_markdown, printed
from unpoison.runs.options import filled as filled_between

RESULTS = Path(__file__).parent / "results"
FALSE, IMBALANCE = "false_positives", "imbalance"
EXCHANGED = "imbalance_exchanged"
EU, CF, NOTHING, ORACLE = "retrain", "finetune", "do_nothing", "oracle"
SHORT = {EU: "EU", CF: "CF", NOTHING: "do nothing", ORACLE: "oracle"}
CLEAN, STAMPED = "clean_accuracy", "adversarial_accuracy"
WORDS = {CLEAN: "clean accuracy", STAMPED: "accuracy under attack"}
RATIO, SHARE = "dataset.keep.cat", "poison.share.cat"
# The studies of false alarms: the key that is varied, and how the page names the reading.
READINGS = {
    "false_positives": ("deletion.fdr", "of a set of fixed size"),
    "false_positives_fdr": ("deletion.fdr", "of the set, on top"),
    "false_positives_fpr": ("deletion.fpr", "of the clean rows, on top"),
}
Rows = Iterator[Sequence[str]]


@cache
def table(run: str, name: str) -> pd.DataFrame:
    """Return a published table."""
    return pd.read_parquet(RESULTS / run / "tables" / f"{name}.parquet")


# -- numbers as they are printed ---------------------------------------------------------------------------------


def ends(row: pd.Series, mean: str = "mean", low: str = "ci_low", high: str = "ci_high") -> str:
    """Return a mean in % with its interval."""
    if pd.isna(row[low]):
        return printed(100 * row[mean])
    return f"{printed(100 * row[mean])} [{printed(100 * row[low])}, {printed(100 * row[high])}]"


def contrast(run: str, study: str, name: str) -> pd.Series:
    """Return a planned contrast."""
    rows = table(run, "contrasts")
    (_, row), *others = rows[(rows["study"] == study) & (rows["contrast"] == name)].iterrows()
    assert not others
    return row


def points(row: pd.Series) -> str:
    """Return a contrast's difference in points, with its interval."""
    return ends(row, "difference", "low", "high")


def settled(row: pd.Series) -> bool:
    """Return whether a contrast is a finding: its interval leaves zero out, corrected by Holm."""
    return bool(pd.notna(row["p_adjusted"]) and row["p_adjusted"] < 0.05 and row["low"] * row["high"] > 0)


def lost(row: pd.Series) -> str:
    """Return the sentence on a contrast of which a fall is a cost."""
    what = WORDS[row["metric"]]
    if settled(row):
        verb = "lost" if row["difference"] < 0 else "gained"
        return f"{verb} {printed(100 * abs(row['difference']))} points of {what}"
    if pd.notna(row["equivalent"]) and bool(row["equivalent"]):
        return f"no change of {what} beyond {100 * row['margin']:.0f} points"
    if row["low"] >= 0:
        return f"no loss of {what} was found"
    return f"no loss of {what} larger than {printed(-100 * row['low'])} points was found"


def sure(row: pd.Series) -> str:
    """Return how sure a contrast is: interval, seeds, corrected p."""
    adjusted = "" if pd.isna(row["p_adjusted"]) else f", p = {row['p_adjusted']:.2g}"
    return f"{points(row)}, {row['n']} seeds{adjusted}"


# -- false alarms ------------------------------------------------------------------------------------------------


def false_positives_answers() -> Rows:
    """The answers of the study of false alarms."""
    yield "question", "answer", "how sure"
    for method in (EU, CF):
        short = method_key(method)
        for of in ("adversarial", "clean"):
            row = contrast(FALSE, FALSE, f"{of}_cost_{short}")
            yield (
                f"What does Cf = 0.4 cost {SHORT[method]} in a set of fixed size?",
                capital(lost(row)),
                sure(row),
            )
    row = contrast(FALSE, FALSE, "healed_at_a_fifth")
    counts = {method: healed_of(FALSE, method, 0.2) for method in (EU, CF)}
    told = " and ".join(f"{SHORT[method]} {line['healed']} of {line['n']}" for method, line in counts.items())
    intervals = " and ".join(share_of(line) for line in counts.values())
    yield (
        "And at Cf = 0.2, how many seeds are healed?",
        told,
        f"{intervals}; exact McNemar, p = {row['p']:.2g}",
    )
    for study in ("false_positives_fdr", "false_positives_fpr"):
        for method in (EU, CF):
            row = contrast(FALSE, study, f"clean_cost_{method_key(method)}")
            reading = READINGS[study][1]
            first = "0.2 to 0.4" if study.endswith("fdr") else "0 to 0.4"
            yield f"What does Cf from {first} {reading}, cost {SHORT[method]}?", capital(lost(row)), sure(row)


def method_key(method: str) -> str:
    """Return a method as the names of contrasts have it."""
    return SHORT[method].lower()


def capital(text: str) -> str:
    """Return a sentence with its first letter as a capital."""
    return text[0].upper() + text[1:]


def healed_of(study: str, method: str, value: float) -> pd.Series:
    """Return the line of the table of healed models of one Cf, all classes together."""
    rows = table(FALSE, "healed")
    key = READINGS[study][0]
    chosen = (rows["study"] == study) & (rows["method"] == method) & rows["class_name"].isna()
    (_, row), *others = rows[chosen & (rows[key].astype(float) == value)].iterrows()
    assert not others
    return row


def share_of(line: pd.Series) -> str:
    """Return the interval of a share of seeds."""
    return f"[{line['low']:.2f}, {line['high']:.2f}]"


def counts_of(line: pd.Series) -> str:
    """Return the seeds healed with the interval of their share, and the broken ones and those without an outcome."""
    broken = f", {line['broken']} broken" if line["broken"] else ""
    undefined = f", {line['undefined']} without an outcome" if line["undefined"] else ""
    if not line["n"]:
        return f"no outcome in {line['undefined']} seeds"
    return f"{line['healed']} of {line['n']} {share_of(line)}{broken}{undefined}"


def false_positives_healed() -> Rows:
    """Seeds healed over Cf."""
    yield "Cf", "recall", "EU", "CF"
    for study, (key, reading) in READINGS.items():
        for value in places(FALSE, study, key):
            lines = [healed_of(study, method, value) for method in (EU, CF)]
            yield f"{value:g} {reading}", f"{lines[0]['recall']:.2f}", *map(counts_of, lines)


def places(run: str, study: str, key: str) -> list[float]:
    """Return the values of a varied key in a study."""
    rows = table(run, "summary")
    return sorted(rows.loc[rows["study"] == study, key].dropna().astype(float).unique())


def false_positives_accuracy() -> Rows:
    """Clean and adversarial accuracy over Cf, with the references."""
    yield "Cf", *(f"{of}: {SHORT[method]}" for of in ("clean", "under attack") for method in (EU, CF))
    rows = table(FALSE, "summary")
    rows = rows[rows["class_name"].isna()]
    for study, (key, reading) in READINGS.items():
        of_study = rows[rows["study"] == study]
        for value in places(FALSE, study, key):
            here = of_study[of_study[key].astype(float) == value].set_index(["metric", "method"])
            cells = (ends(here.loc[(metric, method)]) for metric in (CLEAN, STAMPED) for method in (EU, CF))
            yield f"{value:g} {reading}", *cells
    here = rows[(rows["study"] == FALSE)].set_index(["metric", "method"])
    for method in (NOTHING, ORACLE):
        yield (
            SHORT[method],
            *(cell for metric in (CLEAN, STAMPED) for cell in (ends(here.loc[(metric, method)]), "")),
        )


def planned(run: str, *studies: str) -> Rows:
    """The planned contrasts of some studies."""
    yield "study", "contrast", "difference in points", "seeds", "p, corrected", "equivalent within its margin"
    rows = table(run, "contrasts")
    for study in studies:
        for _, row in rows[rows["study"] == study].iterrows():
            adjusted = "" if pd.isna(row["p_adjusted"]) else f"{row['p_adjusted']:.2g}"
            equal = "" if pd.isna(row["equivalent"]) else "yes" if row["equivalent"] else "not shown"
            is_count = row["metric"] == "healed"
            told = f"{row['first_only']} seeds to {row['second_only']}" if is_count else points(row)
            yield f"`{study}`", f"`{row['contrast']}`", told, str(row["n"]), adjusted, equal


def false_positives_contrasts() -> Rows:
    """The planned contrasts on false alarms."""
    yield from planned(FALSE, *READINGS)


def false_positives_blocks() -> Rows:
    """Where the seeds of the study of false alarms come from."""
    yield from blocks(FALSE)


def blocks(run: str) -> Rows:
    """Where the seeds of a run come from."""
    yield "block", "study", "seeds", "models", "commit", "processor", "core hours", "million image passes"
    for row in table(run, "blocks").itertuples():
        commits = ", ".join(commit[:10] for commit in row.commit.split(", "))
        cost = f"{row.seconds / 3600:.1f}", f"{row.image_passes / 1e6:.1f}"
        yield row.block, f"`{row.study}`", row.seeds, str(row.models), commits, row.processor, *cost


# -- imbalance ---------------------------------------------------------------------------------------------------


def imbalance_answers() -> Rows:
    """The answers of the study of imbalance."""
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
    for study, corners in ((IMBALANCE, ""), (EXCHANGED, ", corners exchanged")):
        for name, (question, unit) in asked.items():
            row = contrast(IMBALANCE, study, name)
            yield question.replace("?", f"{corners}?"), capital(gained(row, unit)), sure(row)


def gained(row: pd.Series, unit: str) -> str:
    """Return the sentence on a contrast of which a rise is a gain."""
    if settled(row):
        less = unit.replace("more", "less") if row["difference"] < 0 else unit
        return f"{'no' if row['difference'] < 0 else 'yes'}, {printed(100 * abs(row['difference']))} {less}"
    return (
        f"not shown; between {printed(-100 * row['low'])} points less and {printed(100 * row['high'])} more are open"
        if row["low"] < 0
        else "not shown"
    )


def _of_imbalance(name: str, study: str) -> Iterator[tuple[float, float, pd.DataFrame]]:
    rows = table(IMBALANCE, name)
    rows = rows[rows["study"] == study]
    for (share, ratio), here in rows.groupby([SHARE, RATIO], sort=True):
        yield float(share), float(ratio), here


def imbalance_healed() -> Rows:
    """Seeds healed by EU and CF, all and by class."""
    yield "poisons", "cats", *(f"{SHORT[m]}, {name}" for name in ("cats", "dogs") for m in (EU, CF))
    for study in (IMBALANCE, EXCHANGED):
        for share, ratio, here in _of_imbalance("healed", study):
            lines = here.set_index(["class_name", "method"])
            cells = (counts_of(lines.loc[(name, method)]) for name in ("cat", "dog") for method in (EU, CF))
            yield poisons(study, share), f"{5000 * ratio:,.0f}", *cells


def poisons(study: str, share: float) -> str:
    """Return a split of the hundred poisons in words."""
    exchanged = ", exchanged" if study == EXCHANGED else ""
    return f"{100 * share:.0f} cats + {100 - 100 * share:.0f} dogs{exchanged}"


def imbalance_accuracy() -> Rows:
    """Accuracy under attack of each class before and after."""
    yield (
        "poisons",
        "cats",
        *(f"{name}: {SHORT[method]}" for name in ("cats", "dogs") for method in (NOTHING, EU, CF)),
    )
    for study in (IMBALANCE, EXCHANGED):
        for share, ratio, here in _of_imbalance("summary", study):
            lines = here[here["metric"] == STAMPED].set_index(["class_name", "method"])
            cells = (ends(lines.loc[(name, m)]) for name in ("cat", "dog") for m in (NOTHING, EU, CF))
            yield poisons(study, share), f"{5000 * ratio:,.0f}", *cells


def imbalance_contrasts() -> Rows:
    """The planned contrasts on imbalance."""
    yield from planned(IMBALANCE, IMBALANCE, EXCHANGED)


def imbalance_blocks() -> Rows:
    """Where the seeds of the study of imbalance come from."""
    yield from blocks(IMBALANCE)


PAGES = [RESULTS / run / "README.md" for run in (FALSE, IMBALANCE)]
TABLES: dict[str, Callable[[], Rows]] = {
    made.__name__: made
    for made in (
        false_positives_answers,
        false_positives_healed,
        false_positives_accuracy,
        false_positives_contrasts,
        false_positives_blocks,
        imbalance_answers,
        imbalance_healed,
        imbalance_accuracy,
        imbalance_contrasts,
        imbalance_blocks,
    )
}


def filled(page: str) -> str:
    """Return a page with its tables made anew."""
    return filled_between(page, "measured", lambda name: in_markdown(TABLES[name]()))


if __name__ == "__main__":
    for page in PAGES:
        page.write_text(filled(page.read_text(encoding="utf-8")), encoding="utf-8")
