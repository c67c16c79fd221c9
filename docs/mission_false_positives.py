"""The tables of docs/results/false_positives/README.md."""

from docs.mission_numbers import (
    CF,
    CLEAN,
    EU,
    FALSE,
    NOTHING,
    ORACLE,
    READINGS,
    SHORT,
    STAMPED,
    capital,
    contrast,
    counts_of,
    ends,
    healed_at_a_fifth,
    healed_of,
    lost,
    method_key,
    sure,
    table,
)
from docs.mission_runs import blocks, planned
from docs.pages import Rows


def false_positives_answers() -> Rows:
    """Return the answers of the study of false positives."""
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
    """Return the seeds healed over Cf."""
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
    """Return clean and adversarial accuracy over Cf, with the references."""
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
    """Return clean and adversarial accuracy of the poisoned model and of the oracle."""
    yield "reference", "clean", "under attack", "seeds"
    rows = table(FALSE, "summary")
    here = rows[rows["class_name"].isna() & (rows["study"] == FALSE)].set_index(["metric", "method"])
    for method in (NOTHING, ORACLE):
        cells = [here.loc[(metric, method)] for metric in (CLEAN, STAMPED)]
        yield SHORT[method], *map(ends, cells), str(cells[0]["n"])


def false_positives_contrasts() -> Rows:
    """Return the planned contrasts on false positives."""
    yield from planned(FALSE, *READINGS)


def false_positives_blocks() -> Rows:
    """Return the blocks of the study of false positives."""
    yield from blocks(FALSE)
