"""Columns that several tables have: those of the results, of means over seeds, and of intervals."""

from typing import NamedTuple


class Column(NamedTuple):
    """dtype in pandas; what it is; unit, formula and source, empty where there is none to give."""

    dtype: str
    meaning: str
    unit: str = ""
    formula: str = ""
    source: str = ""


class Table(NamedTuple):
    """Where a table is, in Markdown; what one of its rows stands for; its columns."""

    place: str
    row: str
    columns: dict[str, Column]


FOUND = "of the deletion set, as achieved; null without one, and for data as found of which nobody knows the truth"
NONE_THERE = "null too where no row is poisoned"
COLUMNS = {
    "study": Column("string", "name of the study in the config"),
    "dataset": Column("string", "name of the data set, with the keys that the study varies"),
    "poison": Column("string", "name of the poison"),
    "attack": Column(
        "string",
        "what is known of the poisons: planted; planted on suspect data (poisons that were there before count as "
        "clean); as found (nothing is planted, nobody knows); as found, truth listed; unpoisoned (nothing is planted, "
        "every row is taken for clean)",
    ),
    "training": Column("string", "name of the training"),
    "seed": Column("int64", "seed of the rows, the poisons, the initial weights and the batches"),
    "deletion": Column(
        "string", "name of the deletion set; null where a model has none: do_nothing, oracle, repairs"
    ),
    "detector": Column(
        "string", "detector that the deletion set comes from; null where it is drawn or listed"
    ),
    "method": Column(
        "string",
        "unlearning method; do_nothing is the model as it was trained, oracle is trained on the clean rows",
    ),
    "metric": Column("string", "what is measured; see the metrics below"),
    "class_name": Column("string", "the class it is measured on; null for all classes together"),
    "value": Column("float64", "the measured value", "the row's own"),
    "unit": Column("string", "share (0 to 1), seconds or images"),
    "higher_is_better": Column("boolean", "whether more is better; null: neither"),
    "recall": Column(
        "float64",
        f"share of the poisoned training rows that is found, {FOUND}; {NONE_THERE}",
        "share",
        "poisoned rows in the deletion set / n_poison",
        "Goel et al. 2024 (arXiv 2402.14015): gamma",
    ),
    "fdr": Column(
        "float64",
        f"false discovery rate, {FOUND}; null too where the set is empty",
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
ENDS = "of the 95 % interval of the mean; null for one seed. Not cut off at 0 and 1"
INTERVAL = "mean -+ t(0.975, n - 1) sd / sqrt(n)"
ENDS_FROM = "Student 1908"
LIMITS = {
    name: Column("float64", f"{side} end {ENDS}", "the row's own", INTERVAL, ENDS_FROM)
    for name, side in (("ci_low", "lower"), ("ci_high", "upper"))
}
MEASURED = ("metric", "class_name", "unit", "higher_is_better")
RATES = ("recall", "fdr", "fpr")


def with_ends(name: str, column: Column) -> dict[str, Column]:
    """A mean over seeds with the ends of its interval."""
    ends = {f"{name}_{end}": LIMITS[f"ci_{end}"]._replace(unit=column.unit) for end in ("low", "high")}
    return {name: column, **ends}


def shared(*names: str) -> dict[str, Column]:
    """Columns of the results that another table has too."""
    return {name: COLUMNS[name] for name in names}
