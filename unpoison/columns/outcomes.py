"""Columns of the tables of healed models: outcomes, counts, decisions, contrasts, slopes, thresholds."""

from unpoison.columns.common import COLUMNS, ENDS, LIMITS, Column

SURVIVED = Column(
    "float64",
    "share of the attack that survives the repair; below 0 if the attack succeeds less often than on the oracle; null "
    "without an outcome",
    "share",
    "(attack_success - attack_success of the oracle) / (attack_success of do_nothing - attack_success of the oracle), "
    "all of the same seed",
    "ours",
)
HEALED = (
    "less than half of the attack survives, and clean accuracy is at most 10 points below that of do_nothing"
)
OUTCOME = {
    "class_name": COLUMNS["class_name"],
    "attack_success": Column(
        "float64",
        "success of the attack: attack_success_rate; for an attack without a trigger, the error rate on the attacked "
        "images (1 - confused_accuracy, or 1 - corrected_accuracy)",
        "share",
    ),
    "clean_accuracy": Column(
        "float64", "clean_accuracy over all classes, even in the row of a single class", "share"
    ),
    "survived": SURVIVED,
    "healed": Column("boolean", f"whether {HEALED}; null without an outcome"),
    "healed_25": Column("boolean", "the same where less than a quarter survives"),
    "healed_75": Column("boolean", "the same where less than three quarters survive"),
    "broken": Column(
        "boolean",
        "whether clean_accuracy over all classes is more than 10 points below that of do_nothing of the same seed; "
        "null without an outcome",
    ),
    "undefined": Column(
        "string",
        "reason why there is no outcome: no oracle; no clean test image; a reference model did not train; the attack "
        "did not take (less than 20 points of attack success above the oracle); null if there is an outcome",
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
    "n": Column("int64", "seeds with an outcome, including broken ones", "seeds"),
    "undefined": Column("int64", "seeds without an outcome; `outcomes` has the reasons", "seeds"),
    "implied": Column(
        "int64",
        "seeds of `n` whose model was not run, in a study with `bisect`: counted as healed if a lower recall healed "
        "the model, and as not healed if a higher recall did not",
        "seeds",
    ),
    "low": Column(
        "float64",
        "lower end of the 95 % interval of the share healed / n; null without a seed",
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
        "lower end of the exact interval of that share, for claims that a method is safe. Its level is 95 %; for cells "
        "that are given seeds until settled it is 96.5 %, which covers the share in 95 % of the studies",
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
    "worst_seed": Column("float64", "highest `survived` over the seeds", "share"),
    "accuracy": Column("float64", "mean clean accuracy over the healed seeds; null if none is", "share"),
    **{
        f"accuracy_{end}": LIMITS[f"ci_{end}"]._replace(unit="share", meaning=f"{side} end {ENDS}")
        for end, side in (("low", "lower"), ("high", "upper"))
    },
}
DECIDED = {
    "deletion": Column(
        "string",
        "deletion set; for a bisection its name without the recall, as the sets of a seed differ in the recall only",
    ),
    "method": COLUMNS["method"],
    "seed": Column("Int64", "seed of a bisection; null for seeds until settled"),
    "rule": Column("string", "`bisect` or `until settled`"),
    "models": Column("int64", "models that the decision is based on", "models"),
    "n": Column("int64", "models with an outcome", "models"),
    "healed": Column("int64", "healed models", "models"),
    "low": Column(
        "float64",
        "for a bisection, the highest recall that did not heal the model, null if there is none; else the lower end of "
        "the rule's interval of the share of healed models",
        "share",
        "until settled: the 0.0175 quantile of Beta(healed, n - healed + 1)",
        "Clopper and Pearson 1934, at 96.5 %",
    ),
    "high": Column(
        "float64",
        "for a bisection, the lowest recall that healed the model, null if there is none; else the upper end of that "
        "interval",
        "share",
        "until settled: the 0.9825 quantile of Beta(healed + 1, n - healed)",
        "the same",
    ),
    "next": Column(
        "float64", "recall to try next, or total number of seeds to run; null if no further model is needed"
    ),
    "state": Column(
        "string", "open, done, settled, at the limit (largest number of seeds, not settled) or no outcome"
    ),
    "why": Column("string", "reason of the decision, one sentence"),
}
CONTRASTED = {
    "contrast": Column("string", "name of the contrast in the config"),
    "metric": Column("string", "a metric, or healed: whether a model is healed, as in `outcomes`"),
    "class_name": COLUMNS["class_name"],
    "method": Column("string", "the first method"),
    "other": Column("string", "the second method; null if one method is compared at two values of a key"),
    "key": Column("string", "the key of `along`; null without one"),
    "start": Column("string", "baseline value of that key; null without a key"),
    "end": Column("string", "value of that key that is compared with the baseline; null without a key"),
    "at": Column("string", "settings that are fixed; null if there are none"),
    "difference": Column(
        "float64",
        "first method minus second; with `along`, value at the end minus value at the start; with both, the difference "
        "of the methods at the end minus that at the start; null if no seed has every model",
        "the row's own",
        "mean over seeds of the mean over all settings that are not fixed",
    ),
    "low": Column(
        "float64",
        "lower end of the 95 % interval of the difference; null for fewer than two seeds",
        "the row's own",
        "Student's t over seeds; for healed the adjusted Wald interval of paired shares",
        "Student 1908; Bonett and Price 2012 (Adjusted Wald confidence interval for a difference of binomial "
        "proportions based on paired data)",
    ),
    "high": Column("float64", "upper end of it", "the row's own", "the same", "the same"),
    "unit": COLUMNS["unit"],
    "n": Column("int64", "number of seeds that have every model of the contrast", "seeds"),
    "untrained": Column(
        "int64",
        "number of compared base models that have a reference model that did not train; a warning if not 0",
        "models",
    ),
    "trained_n": Column(
        "Int64", "number of seeds of `n` without such a base model; null if `untrained` is 0", "seeds"
    ),
    "trained_difference": Column(
        "float64", "the difference over these seeds alone, not tested; null without one", "the row's own"
    ),
    "trained_low": Column(
        "float64", "lower end of its 95 % interval", "the row's own", "as `low`", "as `low`"
    ),
    "trained_high": Column("float64", "upper end of it", "the row's own", "the same", "the same"),
    "first_only": Column("Int64", "seeds healed by the first side only; null for other metrics", "seeds"),
    "second_only": Column("Int64", "seeds healed by the second side only; null for other metrics", "seeds"),
    "test": Column("string", "paired t, or exact McNemar for healed"),
    "p": Column(
        "float64",
        "two-sided p value of the null hypothesis that the difference is zero; null for the t-test with fewer than "
        "five seeds or equal differences, and for McNemar without a discordant seed. McNemar needs six discordant "
        "seeds for p < 0.05",
        "",
        "paired t-test; exact McNemar: binomial test of first_only out of (first_only + second_only) at 1/2",
        "Student 1908; McNemar 1947",
    ),
    "p_adjusted": Column(
        "float64",
        "p, corrected for all contrasts of the study; a contrast without p counts as p = 1",
        "",
        "Holm over the contrasts of the study",
        "Holm 1979 (A simple sequentially rejective multiple test procedure)",
    ),
    "margin": Column(
        "float64", "margin of equivalence, as the config states it; null without one", "the row's own"
    ),
    "equivalent": Column(
        "boolean",
        "whether the difference lies within the margin; null without a margin, and for fewer than five seeds. False "
        "means only that equivalence is not shown",
        "",
        "two one-sided t-tests at 5 %: the 90 % interval lies within -margin and margin",
        "Schuirmann 1987 (A comparison of the two one-sided tests procedure and the power approach)",
    ),
    "reason": Column("string", "reason why there is no difference; null if there is one"),
}
SLOPES = {
    "method": Column("string", "the method; null if all methods share the slope"),
    "metric": Column("string", "healed or clean_accuracy"),
    "key": Column("string", "key of the deletion set: deletion.recall, deletion.fpr or deletion.fdr"),
    "slope": Column(
        "float64",
        "change of the log-odds of being healed, or of clean accuracy, for each unit (1 = 100 points) of the key; null "
        "if `reason` is given",
        "log-odds, or share",
        "healed: posterior mean of the key's coefficient, its prior Normal(0, 10^2), in a logistic model of the first "
        "varied key (recall, FPR, FDR) x method, the other keys and a random intercept of the seed; clean_accuracy: "
        "linear model of all keys for each method, restricted maximum likelihood",
        "statsmodels: BinomialBayesMixedGLM.fit_vb, MixedLM",
    ),
    "low": Column(
        "float64",
        "lower end of its 95 % interval; approximate for healed: coverage of 84 to 98 % in simulations",
        "log-odds, or share",
        "slope -+ t(0.975, n - 1) s, s being the variational posterior's sd (healed) or the standard error",
    ),
    "high": Column("float64", "upper end of it", "log-odds, or share", "the same"),
    "n": Column("int64", "number of seeds", "seeds"),
    "model": Column("string", "the model that the slope comes from, with its random effects"),
    "reason": Column("string", "reason why there is no slope; null if there is one"),
}
