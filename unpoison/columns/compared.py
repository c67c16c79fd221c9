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
    "method": Column("string", "first method of the pair"),
    "other": Column(
        "string",
        "second method of the pair; do_nothing, oracle and repairs by trusted rows are compared within every deletion "
        "set",
    ),
    "difference": Column(
        "float64",
        "mean difference, method minus other, over the seeds that both have",
        "the row's own",
        "mean over seeds of (value of method - value of other)",
    ),
    **LIMITS,
    "n": Column("int64", "number of seeds that both methods have", "seeds"),
    "p_adjusted": Column(
        "float64",
        "two-sided p value of the null hypothesis that the difference is zero; null for fewer than five seeds, and if "
        "all differences are equal",
        "",
        "paired t-test, corrected by Holm for all pairs and cells of the study's metric and class",
        "Student 1908; Holm 1979 (A simple sequentially rejective multiple test procedure)",
    ),
}
JUDGED = {
    "metric": Column(
        "string",
        "metric of the attack: adversarial accuracy; without a trigger, the accuracy on the confused classes or on the "
        "mislabelled rows",
    ),
    "n": Column("int64", "seeds that all compared methods have", "seeds"),
}
GAINS = {
    **with_ends(
        "gain",
        Column(
            "float64",
            "gain of the metric over do_nothing",
            "share",
            "mean over seeds of (method - do_nothing)",
        ),
    ),
    **with_ends(
        "clean_gain", Column("float64", "gain of clean_accuracy over do_nothing", "share", "the same")
    ),
}
BEST = {
    "best": Column("string", "method, or do_nothing, with the highest mean of the metric"),
    **GAINS,
    "runner_up": Column("string", "method, or do_nothing, with the second highest mean"),
    **with_ends(
        "ahead",
        Column(
            "float64", "lead of the best over the runner-up", "share", "mean over seeds of (best - runner_up)"
        ),
    ),
    "verdict": Column(
        "string", "whether the interval of ahead holds zero; not corrected for multiple comparisons"
    ),
}
CHOSEN = {
    "method": Column("string", "method that is given the deletion set"),
    "deletion": Column("string", "deletion set with the highest gain among those of the detector"),
    "of": Column("int64", "number of the detector's deletion sets that were run", "deletion sets"),
    **GAINS,
    "verdict": Column(
        "string", "whether the interval of gain holds zero; not corrected for multiple comparisons"
    ),
}
RANKING = "of the detector's scores; null if no row is poisoned, and for data as found with unknown poisons"
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
            "share of the training rows that the same detector accuses, with the same cut, in the unpoisoned twin: the "
            "same data set, training and deletion set with nothing planted; null if no study of the results has it",
            "share",
            "mean over the twin's seeds of (rows in its deletion set / its training rows)",
        ),
    ),
    "false_alarm_rate_n": Column("int64", "number of the twin's seeds", "seeds"),
}
TRAINED = {
    "training_accuracy": Column(
        "float64",
        "accuracy on the clean training rows, with equal weight for each class; for data as found with unknown "
        "poisons, the agreement with the given labels",
        "share",
        "mean over classes of retained_accuracy (as found: of given_label_agreement)",
    ),
    "best": Column(
        "float64",
        "highest training accuracy over the seeds: that of do_nothing in its own rows, that of both references in the "
        "rows of the oracle",
        "share",
    ),
    "trained": Column(
        "bool",
        "whether the reference model trained",
        "",
        "training_accuracy >= best - 0.1 and training_accuracy >= 1 / classes + 0.1",
    ),
}
GAP = {
    "state": Column("string", "stale, failed, begun or left, as in `unpoison status`"),
    "reason": Column("string", "line of the error, for a failed cell"),
    "log": Column("string", "log file with that error; null without one"),
}
