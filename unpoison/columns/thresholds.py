"""Columns of the table of recall thresholds."""

from unpoison.columns.common import Column

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
