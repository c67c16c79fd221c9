"""The columns of every table: what each is, in what unit, by what formula and from where.

docs/results-format.md is made of it.
"""

from typing import NamedTuple

from unpoison.levels import CELL, MODEL, PLACE
from unpoison.provenance import PACKAGES


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
AVERAGED = {
    "metric": Column(
        "string",
        "utility (clean_accuracy), healed (corrected_accuracy) or utility_x_healed, their product at each recall",
    ),
    "recalls": Column("int64", "number of recalls averaged; 1 for a model without a deletion set", "recalls"),
    "mean": Column(
        "float64",
        "mean over the seeds of the mean over the recalls",
        "share",
        "sum over seeds of (sum over recalls of x / recalls) / n",
        "Schoepf et al. 2025 (REM, arXiv 2505.17730): over its discovery rates",
    ),
    "sd": Column("float64", "standard deviation over the seeds of the means over the recalls", "share"),
    "n": OF_THE_SEEDS["n"],
    **LIMITS,
}
COMPARED = {
    "method": Column("string", "one method"),
    "other": Column(
        "string", "the other; do_nothing, oracle and repairs stand beside the methods of each deletion set"
    ),
    "difference": Column(
        "float64",
        "how much more the method has, over the seeds that both have",
        "the row's own",
        "mean over seeds of (value of method - value of other)",
    ),
    **LIMITS,
    "n": Column("int64", "number of those seeds", "seeds"),
    "p_adjusted": Column(
        "float64",
        "p value that the difference is zero, two-sided; null where too few seeds tell: under five, or all differences "
        "equal",
        "",
        "paired t-test, corrected by Holm for all pairs and cells of the study's metric and class",
        "Student 1908; Holm 1979 (A simple sequentially rejective multiple test procedure)",
    ),
}
EPOCHS = {
    "epoch": Column("int64", "number of the epoch, from 1", "epochs"),
    "learning_rate": Column("float64", "rate of its last step"),
    "loss": Column(
        "float64", "cross-entropy of the batches as they were trained on", "nats", "mean over the images"
    ),
    "train_accuracy": Column(
        "float64", "share of the images, augmented, whose GIVEN label is predicted, while training", "share"
    ),
    "validation_accuracy": Column(
        "float64", "accuracy on the clean validation rows; null where the data set sets none aside", "share"
    ),
    "seconds": Column("float64", "wall seconds, the validation pass left out", "seconds"),
    "images": Column("int64", "images sent forward and backward", "images"),
}
IMAGES = {
    "image": Column("int64", "position in the source's image array"),
    "row_id": Column("string", "the image's own stable name"),
    "split": Column(
        "string",
        "train, validation or test; test_2 to test_4: test images once more, for a further one of several attacks; "
        "triggered: test images that carry an attacker's trigger already; in a source also trusted",
    ),
    "label": Column(
        "int64",
        "the true class, an index into the file's class_names; -1: nobody knows it; in a source what it says",
    ),
    "given_label": Column("int64", "the class that the trainer is told"),
    "is_poisoned": Column("bool", "whether the attacker changed it; null: nobody knows, as in every source"),
    "trigger_id": Column(
        "int64", "the trigger stamped on it (of a test row: on its adversarial twin); -1: none"
    ),
    "target": Column("int64", "what the attack wants a test image to be taken for; -1: nothing"),
}
SUSPECTED = {
    "split": Column("string", "train or validation"),
    "position": Column("int64", "position among the rows of its split"),
    "row_id": Column("string", "the image's own stable name"),
    "score": Column("float64", "suspicion; higher is more suspicious", "the detector's own"),
    "flagged": Column("bool", "whether the detector's own rule accuses it; null where it has no rule"),
}
ODDS = "natural logarithm of p / (1 - p), p the model's probability of that class; NaN where nobody knows the class"
ANSWERED = {
    "row": Column("int32", "position of the row in `rows.parquet` of the data set"),
    "stamped": Column("bool", "whether the image carries the row's trigger"),
    "predicted": Column("uint8", "the predicted class (a wider integer with more than 256 classes)"),
    **{
        f"{name}_log_odds": Column("float32", f"log-odds of {what}", "nats", ODDS)
        for name, what in {
            "predicted": "the predicted class",
            "given": "the label that the row was given",
            "true": "the true class",
            "target": "the attack's target",
        }.items()
    },
}
OUTPUT = {
    "row": Column("int32", "position of the row in `rows.parquet` of the data set"),
    "logits": Column("float32 (classes)", "logits, the image stamped where it was when it was trained on"),
    "features": Column(
        "float32 (channels)",
        "input of the last linear layer, or of the layer that the training names as features",
    ),
}
DELETED = {
    "position": Column("int64", "position among the training rows"),
    "row_id": Column("string", "the image's own stable name"),
}
MADE = {
    "step": Column(
        "string", "the rule that made it: prepare_source, poison_dataset, train_base, unlearn, measure, ..."
    ),
    **{name: COLUMNS[name] for name in MODEL},
    "record": Column("string", "path of the record, which holds the config values"),
    "commit": Column("string", "git commit of the code; null outside a checkout"),
    "dirty": Column("boolean", "whether unpoison/ or workflow/ had changes"),
    "code": Column("string", "digest of the code that the step runs"),
    "device": Column("string", "what it ran on"),
    "threads": Column("int64", "CPU threads", "threads"),
    "host": Column("string", "name of the machine"),
    "processor": Column("string", "kind of processor and number of cores"),
    "finished": Column("string", "when, UTC"),
    **{name: Column("string", f"version of {name}") for name in ("python", *PACKAGES)},
    "is_current": Column("bool", "whether all inputs still are what it was made from, by their checksums"),
    "inputs": Column("string", "path and checksum (BLAKE2b, 128 bits) of each input, as JSON"),
    "outputs": Column("string", "path and checksum of each output, as JSON"),
}
MEASURED = ("metric", "class_name", "unit", "higher_is_better")
RATES = ("recall", "fdr", "fpr")


def _with_ends(name: str, column: Column) -> dict[str, Column]:
    """A mean over seeds with the ends of its interval."""
    ends = {f"{name}_{end}": LIMITS[f"ci_{end}"]._replace(unit=column.unit) for end in ("low", "high")}
    return {name: column, **ends}


JUDGED = {
    "metric": Column(
        "string", "what the attack is judged by: adversarial accuracy, or what stands in without a trigger"
    ),
    "n": Column("int64", "seeds that all compared methods have", "seeds"),
}
GAINS = {
    **_with_ends(
        "gain",
        Column(
            "float64", "of the metric, over do_nothing", "share", "mean over seeds of (method - do_nothing)"
        ),
    ),
    **_with_ends("clean_gain", Column("float64", "of clean_accuracy, over do_nothing", "share", "the same")),
}
BEST = {
    "best": Column("string", "the method, or do_nothing, with the highest mean of the metric"),
    **GAINS,
    "runner_up": Column("string", "the one with the next"),
    **_with_ends(
        "ahead",
        Column("float64", "how much more the best has", "share", "mean over seeds of (best - runner_up)"),
    ),
    "verdict": Column(
        "string", "whether the interval of ahead holds zero; corrected for no number of comparisons"
    ),
}
CHOSEN = {
    "method": Column("string", "the method that is given the deletion set"),
    "deletion": Column(
        "string", "of the detector's deletion sets that were run, the one with the highest gain"
    ),
    "of": Column("int64", "how many were run", "deletion sets"),
    **GAINS,
    "verdict": Column(
        "string", "whether the interval of gain holds zero; corrected for no number of comparisons"
    ),
}


SURVIVED = Column(
    "float64",
    "share of the attack that survives the repair; below 0 where the repaired model is attacked less than the oracle; "
    "null where there is no outcome",
    "share",
    "(attack_success - attack_success of the oracle) / (attack_success of do_nothing - attack_success of the oracle), "
    "of the same seed",
    "ours",
)
HEALED = (
    "less than half of the attack survives, and clean accuracy is at most 10 points below that of do_nothing"
)
OUTCOME = {
    "class_name": COLUMNS["class_name"],
    "attack_success": Column(
        "float64",
        "how far the attack gets: attack_success_rate; of an attack without a trigger the error rate on the attacked "
        "images (1 - confused_accuracy, or 1 - corrected_accuracy)",
        "share",
    ),
    "clean_accuracy": Column(
        "float64", "clean_accuracy over all classes, also in the row of one class", "share"
    ),
    "survived": SURVIVED,
    "healed": Column("boolean", f"whether {HEALED}; null where there is no outcome"),
    "healed_25": Column("boolean", "the same where less than a quarter survives"),
    "healed_75": Column("boolean", "the same where less than three quarters survive"),
    "broken": Column(
        "boolean",
        "whether clean_accuracy over all classes is more than 10 points below that of do_nothing of the same seed; "
        "null where there is no outcome",
    ),
    "undefined": Column(
        "string",
        "why there is no outcome: no oracle; no clean test image; a reference model did not train; the attack did not "
        "take (less than 20 points of attack success above the oracle); null where there is one",
    ),
}
OF_OUTCOMES = {
    "class_name": COLUMNS["class_name"],
    "healed": Column("int64", f"seeds in which {HEALED}", "seeds"),
    "healed_25": Column("int64", "the same where less than a quarter of the attack survives", "seeds"),
    "healed_75": Column("int64", "the same where less than three quarters survive", "seeds"),
    "broken": Column(
        "int64", "seeds in which clean accuracy is more than 10 points below that of do_nothing", "seeds"
    ),
    "n": Column("int64", "seeds with an outcome, broken ones among them", "seeds"),
    "undefined": Column("int64", "seeds without an outcome; `outcomes` tells why", "seeds"),
    "implied": Column(
        "int64",
        "seeds of `n` whose model was not run: in a study with `bisect`, healed where a lower recall healed the model, "
        "and not healed where a higher one did not",
        "seeds",
    ),
    "low": Column(
        "float64",
        "lower end of the 95 % interval of the share healed / n; null for no seed",
        "share",
        "0 for none healed, else the 0.025 quantile of Beta(healed + 1/2, n - healed + 1/2)",
        "Jeffreys; Brown, Cai and DasGupta 2001 (Interval estimation for a binomial proportion)",
    ),
    "high": Column(
        "float64",
        "upper end of it",
        "share",
        "1 for all healed, else the 0.975 quantile of Beta(healed + 1/2, n - healed + 1/2)",
        "the same",
    ),
    "safe_low": Column(
        "float64",
        "lower end of the exact interval of that share, for claims that a method is safe: at 95 %; at 96.5 % of cells "
        "that are given seeds until settled, where it is the one that covers the share in 95 % of the studies",
        "share",
        "0 for none healed, else the 0.025 quantile of Beta(healed, n - healed + 1)",
        "Clopper and Pearson 1934",
    ),
    "safe_high": Column(
        "float64",
        "upper end of it",
        "share",
        "1 for all healed, else the 0.975 quantile of Beta(healed + 1, n - healed)",
        "Clopper and Pearson 1934",
    ),
    "worst_seed": Column("float64", "highest `survived` of the seeds", "share"),
    "accuracy": Column("float64", "mean clean accuracy over the healed seeds; null for none", "share"),
    **{
        f"accuracy_{end}": LIMITS[f"ci_{end}"]._replace(unit="share", meaning=f"{side} end {ENDS}")
        for end, side in (("low", "lower"), ("high", "upper"))
    },
}
DECIDED = {
    "deletion": Column(
        "string", "deletion set; of a bisection without its recall, which all sets of a seed share otherwise"
    ),
    "method": COLUMNS["method"],
    "seed": Column("Int64", "seed of a bisection; null for seeds until settled"),
    "rule": Column("string", "`bisect` or `until settled`"),
    "models": Column("int64", "models looked at", "models"),
    "n": Column("int64", "models with an outcome", "models"),
    "healed": Column("int64", "healed ones", "models"),
    "low": Column(
        "float64",
        "of a bisection the highest recall that did not heal the model, null for none; else the lower end of the "
        "interval of the share of healed models that the rule looks at",
        "share",
        "until settled: the 0.0175 quantile of Beta(healed, n - healed + 1)",
        "Clopper and Pearson 1934, at 96.5 %",
    ),
    "high": Column(
        "float64",
        "of a bisection the lowest recall that healed the model, null for none; else the upper end of that interval",
        "share",
        "until settled: the 0.9825 quantile of Beta(healed + 1, n - healed)",
        "the same",
    ),
    "next": Column(
        "float64", "recall to try next, or seeds to run in all; null where nothing more is wanted"
    ),
    "state": Column(
        "string", "open, done, settled, at the limit (most seeds, and not settled) or no outcome"
    ),
    "why": Column("string", "the decision in a sentence"),
}
RANKING = "of the detector's scores; null where no row is poisoned, and where nobody knows the truth of data as found"
DETECTED = {
    "n": Column("int64", "number of seeds", "seeds"),
    **_with_ends(
        "auroc", Column("float64", f"area under the ROC curve, {RANKING}", "share", "mean over the seeds")
    ),
    **_with_ends(
        "average_precision",
        Column("float64", f"average precision, {RANKING}", "share", "mean over the seeds"),
    ),
    **{
        key: column
        for name in (*RATES, "size")
        for key, column in _with_ends(
            name, COLUMNS[name]._replace(dtype="float64", formula="mean over the seeds that have a value")
        ).items()
    },
    "fdr_n": Column("int64", "number of the seeds whose deletion set has a row", "seeds"),
    **_with_ends(
        "false_alarm_rate",
        Column(
            "float64",
            "share of the training rows that the same detector and cut accuse in the unpoisoned twin: the same data "
            "set, training and deletion set with nothing planted; null where no study of the results has it",
            "share",
            "mean over the twin's seeds of (rows in its deletion set / its training rows)",
        ),
    ),
    "false_alarm_rate_n": Column("int64", "number of the twin's seeds", "seeds"),
}
TRAINED = {
    "training_accuracy": Column(
        "float64",
        "accuracy on the clean training rows, each class counted alike; of data as found, where nobody knows them, the "
        "agreement with the given labels",
        "share",
        "mean over classes of retained_accuracy (as found: of given_label_agreement)",
    ),
    "best": Column(
        "float64",
        "highest training accuracy over the seeds: for do_nothing of do_nothing, for the oracle of both references",
        "share",
    ),
    "trained": Column(
        "bool",
        "whether it trained",
        "",
        "training_accuracy >= best - 0.1 and training_accuracy >= 1 / classes + 0.1",
    ),
}
GAP = {
    "state": Column("string", "stale, failed, begun or left, as `unpoison status` tells"),
    "reason": Column("string", "the error's line for a failed cell"),
    "log": Column("string", "the log that it stands in; null without one"),
}

NO_END = (
    "null where the interval has no end between recall 0 and 1 on that side, and for fewer than five seeds"
)
PROFILE = "95 % profile likelihood: log L(max) - log L(end) = n log(1 + t(0.975, n - 1)^2 / (n - 1)) / 2, t of Student"


def _threshold(name: str, percent: int, formula: str, empty: str) -> dict[str, Column]:
    """The columns of a quantile of the thresholds and of the ends of its interval."""
    value = Column(
        "float64",
        f"recall at which {percent} % of the seeds are healed; null where {empty} (see note)",
        "share",
        formula,
        "interval-censored normal maximum likelihood (Turnbull 1976)",
    )
    ends = {
        f"{name}_{side}": Column("float64", f"{which} end of its interval; {NO_END}", "share", PROFILE)
        for side, which in (("low", "lower"), ("high", "upper"))
    }
    return {name: value, **ends}


RECALL_THRESHOLDS = {
    "fpr": Column(
        "float64",
        "FPR of the deletion sets: as varied by the study, else as achieved; null where the sets differ by 0.005 or "
        "more",
        "share",
    ),
    **_threshold("r50", 50, "mu", "the fitted one is above recall 1, and where the recalls do not tell it"),
    **_threshold(
        "r90",
        90,
        "mu + 1.2816 sd",
        "no recall heals 90 % by the fitted law, where r50 is not told, and where sd is 0",
    ),
    "sd": Column(
        "float64",
        "standard deviation of the fitted normal law of the seeds' thresholds; 0 where one threshold explains all "
        "seeds; null where the recalls do not tell it",
        "share",
    ),
    "n": Column("int64", "number of seeds with an outcome", "seeds"),
    "trainings": Column("int64", "number of models with an outcome: the recalls of those seeds", "models"),
    "lowest": Column("float64", "lowest recall of those models, as achieved, above 0", "share"),
    "highest": Column("float64", "highest recall of those models, as achieved", "share"),
    "always_healed": Column(
        "int64", "number of seeds healed at each of their recalls: left-censored", "seeds"
    ),
    "never_healed": Column(
        "int64", "number of seeds not healed at their highest recall: right-censored", "seeds"
    ),
    "note": Column("string", "why an estimate or its interval is null; null where nothing is missing"),
}


def _shared(*names: str) -> dict[str, Column]:
    """Columns of the results that another table has too."""
    return {name: COLUMNS[name] for name in names}


TABLES = {
    "results": Table(
        "`tables/results.parquet`", "measurement: a metric of a model, of one class or of all", COLUMNS
    ),
    "summary": Table(
        "`tables/summary.parquet`",
        "metric and class of a cell, over its seeds (the rates are means)",
        {
            **_shared(*CELL, "detector", "method", *MEASURED),
            **OF_THE_SEEDS,
            **LIMITS,
            **{key: column for name in RATES for key, column in _with_ends(name, COLUMNS[name]).items()},
            "did_nothing": Column(
                "Int64",
                "number of seeds in which the method changed no weight; null for models that no method made",
                "seeds",
                "seeds with weights_changed = 0",
            ),
        },
    ),
    "outcomes": Table(
        "`tables/outcomes.parquet`",
        "repaired model of one seed, and each class of the attack (none where data are used as found)",
        {**_shared(*PLACE, "seed", "deletion", "detector", "method", *RATES), **OUTCOME},
    ),
    "healed": Table(
        "`tables/healed.parquet`",
        "cell with a repaired model, and each class of the attack, over its seeds (the rates are means)",
        {**_shared(*CELL, "detector", "method", *RATES), **OF_OUTCOMES},
    ),
    "decisions": Table(
        "`tables/decisions.parquet` (where a study has `bisect`, or `seeds: {until: settled}`)",
        "bisection of one seed, or cell that is to settle",
        {**_shared("study", "dataset", "poison", "training"), **DECIDED},
    ),
    "references": Table(
        "`tables/references.parquet`",
        "reference model of one seed",
        {**_shared(*PLACE, "seed", "method"), **TRAINED},
    ),
    "utility_healed": Table(
        "`tables/utility_healed.parquet` (where a study of one deletion set varies `deletion.recall`)",
        "method and metric, and value of any key varied beside `deletion.recall`",
        {**_shared(*PLACE, "method"), **AVERAGED},
    ),
    "paired": Table(
        "`tables/paired.parquet`",
        "two methods of a cell and metric and class of their comparison, seed by seed",
        {**_shared(*CELL, *MEASURED), **COMPARED},
    ),
    "best": Table(
        "`tables/best.parquet`",
        "deletion set of a study, with the method that gains most by it (none where a study of data as found has "
        "nothing that tells how far an attack is undone)",
        {**_shared(*CELL, "detector", *RATES), **JUDGED, **BEST},
    ),
    "thresholds": Table(
        "`tables/thresholds.parquet`",
        "detector and method, with the deletion set to choose; chosen and scored on the same data, so optimistic; none "
        "for studies that `best` leaves out",
        {**_shared(*PLACE, "detector", *RATES), **JUDGED, **CHOSEN},
    ),
    "recall_thresholds": Table(
        "`tables/recall_thresholds.parquet`",
        "method of a study that varies `deletion.recall`, at one FPR, with the recall from which it heals; a seed that "
        "is healed at a recall and not at a higher one counts by the higher one",
        {
            **_shared(*PLACE),
            "deletion_entry": Column(
                "string", "entry of the deletion sets, without the keys that the study varies"
            ),
            **_shared("method"),
            **RECALL_THRESHOLDS,
        },
    ),
    "detectors": Table(
        "`tables/detectors.parquet`",
        "deletion set of a study that comes from a detector",
        {**_shared(*CELL, "detector"), **DETECTED},
    ),
    "missing": Table(
        "`partial/tables/missing.parquet` (`unpoison partial`)",
        "cell that is not done",
        {**_shared(*MODEL), **GAP},
    ),
    "provenance": Table("`tables/provenance.parquet`", "record that the results go back to", MADE),
    "history": Table("`history.parquet` beside each model that was trained", "epoch", EPOCHS),
    "rows": Table("`rows.parquet` of each poisoned data set", "image", IMAGES),
    "scores": Table("`scores/<detector>.parquet`", "training or validation row", SUSPECTED),
    "answers": Table("`answers.npy` of each model, a structured array", "question to the model", ANSWERED),
    "outputs": Table(
        "`base/outputs.npy`, a structured array", "training row, then for each validation row", OUTPUT
    ),
    "deletion": Table("`deletion.parquet` of each deletion set", "deleted training row", DELETED),
}
