"""Columns of the table of recall thresholds."""

from unpoison.columns.common import Column

NO_END = "null if the interval has no end between recall 0 and 1 on that side, and for fewer than five seeds"
PROFILE = "95 % profile likelihood: log L(max) - log L(end) = n log(1 + t(0.975, n - 1)^2 / (n - 1)) / 2, t of Student"


def _threshold(name: str, percent: int, formula: str, empty: str) -> dict[str, Column]:
    """Return the columns of a quantile of the thresholds and of the ends of its interval."""
    value = Column(
        "float64",
        f"recall at which {percent} % of the seeds are healed; null if {empty} (see note)",
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
        "FPR of the deletion sets: as varied by the study, else as achieved; null if the sets differ by 0.005 or more",
        "share",
    ),
    **_threshold("r50", 50, "mu", "the fitted value is above recall 1, or the data do not determine it"),
    **_threshold(
        "r90",
        90,
        "mu + 1.2816 sd",
        "no recall heals 90 % under the fitted distribution, r50 is null, or sd is 0",
    ),
    "sd": Column(
        "float64",
        "standard deviation of the fitted normal distribution of the seeds' thresholds; 0 if one threshold explains "
        "all seeds; null if the data do not determine it",
        "share",
    ),
    "n": Column("int64", "number of seeds with an outcome", "seeds"),
    "trainings": Column(
        "int64", "number of models with an outcome, over all recalls of those seeds", "models"
    ),
    "lowest": Column("float64", "lowest achieved recall above 0 of those models", "share"),
    "highest": Column("float64", "highest achieved recall of those models", "share"),
    "always_healed": Column("int64", "number of seeds healed at every recall: left-censored", "seeds"),
    "never_healed": Column(
        "int64", "number of seeds not healed at their highest recall: right-censored", "seeds"
    ),
    "note": Column("string", "reason why an estimate or its interval is null; null if nothing is missing"),
}
