"""The columns of every table: meaning, unit, formula and source of each.

docs/results-format.md is generated from it.
"""

from unpoison.columns.common import (
    COLUMNS,
    LIMITS,
    MEASURED,
    OF_THE_SEEDS,
    RATES,
    Column,
    Table,
    shared,
    with_ends,
)
from unpoison.columns.compared import AVERAGED, BEST, CHOSEN, COMPARED, DETECTED, GAP, JUDGED, TRAINED
from unpoison.columns.files import ANSWERED, DELETED, EPOCHS, IMAGES, MADE, OUTPUT, POOLED, SUSPECTED
from unpoison.columns.outcomes import CONTRASTED, DECIDED, OF_OUTCOMES, OUTCOME, SLOPES
from unpoison.columns.thresholds import RECALL_THRESHOLDS
from unpoison.levels import CELL, MODEL, PLACE

__all__ = ["COLUMNS", "RATES", "TABLES", "Column", "Table"]

TABLES = {
    "results": Table(
        "`tables/results.parquet`", "measurement: a metric of a model, of one class or of all", COLUMNS
    ),
    "summary": Table(
        "`tables/summary.parquet`",
        "metric and class of a cell, over its seeds (the rates are means)",
        {
            **shared(*CELL, "detector", "method", *MEASURED),
            **OF_THE_SEEDS,
            **LIMITS,
            **{key: column for name in RATES for key, column in with_ends(name, COLUMNS[name]).items()},
            "did_nothing": Column(
                "Int64",
                "number of seeds in which the method changed no weight; null for models without `weights_changed`",
                "seeds",
                "seeds with weights_changed = 0",
            ),
        },
    ),
    "outcomes": Table(
        "`tables/outcomes.parquet`",
        "repaired model of one seed, in all and for each class of the attack (no row without attacked test images)",
        {**shared(*PLACE, "seed", "deletion", "detector", "method", *RATES), **OUTCOME},
    ),
    "healed": Table(
        "`tables/healed.parquet`",
        "cell with a repaired model, in all and for each class of the attack, over its seeds (the rates are means)",
        {**shared(*CELL, "detector", "method", *RATES), **OF_OUTCOMES},
    ),
    "decisions": Table(
        "`tables/decisions.parquet` (where a study has `bisect`, or `seeds: {until: settled}`)",
        "bisection of one seed, or cell that is given seeds until its outcome is settled",
        {**shared("study", "dataset", "poison", "training"), **DECIDED},
    ),
    "references": Table(
        "`tables/references.parquet`",
        "reference model of one seed",
        {**shared(*PLACE, "seed", "method"), **TRAINED},
    ),
    "utility_healed": Table(
        "`tables/utility_healed.parquet` (where a study of one deletion set varies `deletion.recall`)",
        "method, metric and value of every other varied key",
        {**shared(*PLACE, "method"), **AVERAGED},
    ),
    "paired": Table(
        "`tables/paired.parquet`",
        "pair of methods of a cell, for each metric and class; compared seed by seed",
        {**shared(*CELL, *MEASURED), **COMPARED},
    ),
    "contrasts": Table(
        "`tables/contrasts.parquet` (where a study plans contrasts)",
        "planned contrast of a study (`contrasts` in the config)",
        {**shared("study"), **CONTRASTED},
    ),
    "slopes": Table(
        "`tables/slopes.parquet`",
        "method and varied key, for studies with five seeds or more that vary recall, FPR or FDR of one deletion set",
        {**shared("study", "dataset", "poison", "training"), **SLOPES},
    ),
    "best": Table(
        "`tables/best.parquet`",
        "deletion set of a study, with the method that gains most by it (no row for data as found if no metric "
        "measures the attack)",
        {**shared(*CELL, "detector", *RATES), **JUDGED, **BEST},
    ),
    "thresholds": Table(
        "`tables/thresholds.parquet`",
        "detector and method, with the deletion set to choose (chosen and scored on the same data: optimistic; no row "
        "for studies that `best` leaves out)",
        {**shared(*PLACE, "detector", *RATES), **JUDGED, **CHOSEN},
    ),
    "recall_thresholds": Table(
        "`tables/recall_thresholds.parquet`",
        "method of a study that varies `deletion.recall`, at one FPR, with the recall from which it heals (if a seed "
        "is healed at a recall but not at a higher one, the higher one counts)",
        {
            **shared(*PLACE),
            "deletion_entry": Column(
                "string", "entry of the deletion sets, without the keys that the study varies"
            ),
            **shared("method"),
            **RECALL_THRESHOLDS,
        },
    ),
    "detectors": Table(
        "`tables/detectors.parquet`",
        "deletion set of a study that comes from a detector",
        {**shared(*CELL, "detector"), **DETECTED},
    ),
    "missing": Table(
        "`tables/missing.parquet` of `unpoison partial` and `unpoison pool`",
        "cell that is not done",
        {**shared(*MODEL), **GAP},
    ),
    "blocks": Table(
        "`tables/blocks.parquet` of `unpoison pool`, whose `provenance` has the column `block` too",
        "study in a block of seeds",
        {"block": Column("string", "name of the block's folder"), **shared("study"), **POOLED},
    ),
    "provenance": Table("`tables/provenance.parquet`", "record of an artifact behind the results", MADE),
    "history": Table("`history.parquet` beside each model that was trained", "epoch", EPOCHS),
    "rows": Table("`rows.parquet` of each poisoned data set", "image", IMAGES),
    "scores": Table("`scores/<detector>.parquet`", "training or validation row", SUSPECTED),
    "answers": Table("`answers.npy` of each model, a structured array", "question to the model", ANSWERED),
    "outputs": Table(
        "`base/outputs.npy`, a structured array", "training row, then for each validation row", OUTPUT
    ),
    "deletion": Table("`deletion.parquet` of each deletion set", "deleted training row", DELETED),
}
