"""Write the tables of the pages on the mission's two studies: `python -m docs.mission`, in the project's folder.

A table stands between `<!-- measured: NAME -->` and `<!-- end of measured -->`, NAME being a function below. All are
made from the pooled tables of docs/results/false_positives and docs/results/imbalance.
"""

from collections.abc import Callable, Iterator, Sequence

import pandas as pd

from docs.measured import in_markdown
from docs.mission_numbers import (
    CF,
    CLEAN,
    EU,
    EXCHANGED,
    FALSE,
    IMBALANCE,
    NOTHING,
    ORACLE,
    RATIO,
    READINGS,
    RESULTS,
    SHARE,
    SHORT,
    STAMPED,
    capital,
    caution,
    contrast,
    counts_of,
    ends,
    gained,
    healed_at_a_fifth,
    healed_of,
    lost,
    method_key,
    points,
    sure,
    table,
)
from unpoison.runs.options import filled as filled_between

Rows = Iterator[Sequence[str]]


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
    told, intervals, test = healed_at_a_fifth()
    yield "And at Cf = 0.2, how many seeds are healed?", told, f"{intervals}; exact McNemar, {test}"
    for study in ("false_positives_fdr", "false_positives_fpr"):
        for method in (EU, CF):
            row = contrast(FALSE, study, f"clean_cost_{method_key(method)}")
            reading = READINGS[study][1]
            first = "0.2 to 0.4" if study.endswith("fdr") else "0 to 0.4"
            yield f"What does Cf from {first} {reading}, cost {SHORT[method]}?", capital(lost(row)), sure(row)


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


def false_positives_references() -> Rows:
    """Clean and adversarial accuracy of the poisoned model and of the oracle."""
    yield "reference", "clean", "under attack", "seeds"
    rows = table(FALSE, "summary")
    here = rows[rows["class_name"].isna() & (rows["study"] == FALSE)].set_index(["metric", "method"])
    for method in (NOTHING, ORACLE):
        cells = [here.loc[(metric, method)] for metric in (CLEAN, STAMPED)]
        yield SHORT[method], *map(ends, cells), str(cells[0]["n"])


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
    yield (
        "block",
        "study",
        "seeds",
        "models",
        "commit",
        "processor",
        "core hours",
        "million image passes",
        "finished, UTC",
    )
    for row in table(run, "blocks").itertuples():
        commits = ", ".join(commit[:10] for commit in row.commit.split(", "))
        cost = f"{row.seconds / 3600:.1f}", f"{row.image_passes / 1e6:.1f}"
        finished = f"{row.first[:16]} to {row.last[:16]}".replace("T", " ")
        yield row.block, f"`{row.study}`", row.seeds, str(row.models), commits, row.processor, *cost, finished


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
    """Seeds healed by EU and CF, all and by class."""
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
    """Accuracy under attack of each class before and after."""
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
    """The planned contrasts on imbalance."""
    yield from planned(IMBALANCE, *studies_of_imbalance())


def imbalance_blocks() -> Rows:
    """Where the seeds of the study of imbalance come from."""
    yield from blocks(IMBALANCE)


# -- rows of other pages -----------------------------------------------------------------------------------------


PAGES = [RESULTS / run / "README.md" for run in (FALSE, IMBALANCE)]
TABLES: dict[str, Callable[[], Rows]] = {
    made.__name__: made
    for made in (
        false_positives_answers,
        false_positives_healed,
        false_positives_accuracy,
        false_positives_references,
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
