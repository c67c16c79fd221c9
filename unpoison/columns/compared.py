"""Columns of the tables that compare models, deletion sets and detectors."""

from unpoison.columns.common import COLUMNS, LIMITS, OF_THE_SEEDS, RATES, Column, with_ends

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
JUDGED = {
    "metric": Column(
        "string", "what the attack is judged by: adversarial accuracy, or what stands in without a trigger"
    ),
    "n": Column("int64", "seeds that all compared methods have", "seeds"),
}
GAINS = {
    **with_ends(
        "gain",
        Column(
            "float64", "of the metric, over do_nothing", "share", "mean over seeds of (method - do_nothing)"
        ),
    ),
    **with_ends("clean_gain", Column("float64", "of clean_accuracy, over do_nothing", "share", "the same")),
}
BEST = {
    "best": Column("string", "the method, or do_nothing, with the highest mean of the metric"),
    **GAINS,
    "runner_up": Column("string", "the one with the next"),
    **with_ends(
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
RANKING = "of the detector's scores; null where no row is poisoned, and where nobody knows the truth of data as found"
DETECTED = {
    "n": Column("int64", "number of seeds", "seeds"),
    **with_ends(
        "auroc", Column("float64", f"area under the ROC curve, {RANKING}", "share", "mean over the seeds")
    ),
    **with_ends(
        "average_precision",
        Column("float64", f"average precision, {RANKING}", "share", "mean over the seeds"),
    ),
    **{
        key: column
        for name in (*RATES, "size")
        for key, column in with_ends(
            name, COLUMNS[name]._replace(dtype="float64", formula="mean over the seeds that have a value")
        ).items()
    },
    "fdr_n": Column("int64", "number of the seeds whose deletion set has a row", "seeds"),
    **with_ends(
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
