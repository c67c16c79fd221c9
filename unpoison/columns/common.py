"""Columns shared by several tables: those of the results, of means over seeds, and of intervals."""

from typing import NamedTuple


class Column(NamedTuple):
    """A column: its dtype in pandas, its meaning, and unit, formula and source, which may be empty."""

    dtype: str
    meaning: str
    unit: str = ""
    formula: str = ""
    source: str = ""


class Table(NamedTuple):
    """A table: its file in Markdown, the unit that one row describes, and its columns."""

    place: str
    row: str
    columns: dict[str, Column]


FOUND = "of the deletion set, as achieved; null without a deletion set, and for data as found with unknown poisons"
NONE_THERE = "also null if no row is poisoned"
COLUMNS = {
    "study": Column("string", "name of the study in the config"),
    "dataset": Column("string", "name of the data set, with the keys that the study varies"),
    "poison": Column("string", "name of the poison"),
    "attack": Column(
        "string",
        "origin of the poisons: planted; planted on suspect data (earlier poisons count as clean); as found (nothing "
        "is planted, the poisons are unknown); as found, truth listed (the user lists the poisoned rows); unpoisoned "
        "(nothing is planted, every row counts as clean)",
    ),
    "training": Column("string", "name of the training"),
    "seed": Column("int64", "seed of the rows, the poisons, the initial weights and the batches"),
    "deletion": Column(
        "string",
        "name of the deletion set; null for models without one: do_nothing, oracle, repairs by trusted rows",
    ),
    "detector": Column(
        "string", "detector that the deletion set comes from; null if the set is drawn at random or listed"
    ),
    "method": Column(
        "string",
        "unlearning method, or a reference model: do_nothing is the unrepaired model, oracle is trained on exactly the "
        "clean rows",
    ),
    "metric": Column("string", "name of the metric; see the metrics below"),
    "class_name": Column("string", "class that the metric is measured on; null for all classes together"),
    "value": Column("float64", "the measured value", "the row's own"),
    "unit": Column("string", "share (0 to 1), seconds or images"),
    "higher_is_better": Column("boolean", "whether higher is better; null: neither"),
    "recall": Column(
        "float64",
        f"share of the poisoned training rows that are found, {FOUND}; {NONE_THERE}",
        "share",
        "poisoned rows in the deletion set / n_poison",
        "Goel et al. 2024 (arXiv 2402.14015): gamma",
    ),
    "fdr": Column(
        "float64",
        f"false discovery rate, {FOUND}; also null if the set is empty",
        "share",
        "clean rows in the deletion set / rows in the deletion set",
        "Benjamini and Hochberg 1995",
    ),
    "fpr": Column(
        "float64",
        f"false positive rate, {FOUND}",
        "share",
        "clean rows in the deletion set / n_clean",
        "Fawcett 2006 (An introduction to ROC analysis)",
    ),
    "size": Column("Int64", "size of the deletion set; null without one", "rows"),
}
OF_THE_SEEDS = {
    "mean": Column("float64", "mean over the seeds", "the row's own", "sum(x) / n"),
    "sd": Column(
        "float64",
        "standard deviation over the seeds; null for one seed",
        "the row's own",
        "sqrt(sum((x - mean)^2) / (n - 1))",
    ),
    "n": Column("int64", "number of seeds", "seeds"),
}
ENDS = "of the 95 % interval of the mean; null for one seed. Not clipped to 0 and 1"
INTERVAL = "mean -+ t(0.975, n - 1) sd / sqrt(n)"
ENDS_FROM = "Student 1908"
LIMITS = {
    name: Column("float64", f"{side} end {ENDS}", "the row's own", INTERVAL, ENDS_FROM)
    for name, side in (("ci_low", "lower"), ("ci_high", "upper"))
}
MEASURED = ("metric", "class_name", "unit", "higher_is_better")
RATES = ("recall", "fdr", "fpr")


def with_ends(name: str, column: Column) -> dict[str, Column]:
    """Return the column of a mean over seeds, and the columns of the ends of its interval."""
    ends = {f"{name}_{end}": LIMITS[f"ci_{end}"]._replace(unit=column.unit) for end in ("low", "high")}
    return {name: column, **ends}


def shared(*names: str) -> dict[str, Column]:
    """Return columns of the results for use in another table."""
    return {name: COLUMNS[name] for name in names}
