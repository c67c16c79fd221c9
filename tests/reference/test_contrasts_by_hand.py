"""Planned contrasts against scipy and statsmodels, called on the seeds of one contrast at a time."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.weightstats import DescrStatsW

from unpoison.contrasts import contrasts, is_within

PLACE = {
    "study": "s",
    "dataset": "d",
    "poison": "p",
    "training": "t",
    "attack": "planted",
    "deletion": "found",
}
KEYS = {"at": {}, "class_name": None}
SEEDS, METHODS, FPRS = 9, ("retrain", "finetune", "scrub"), (0.0, 0.4)
rng = np.random.default_rng(7)
VALUES = {
    (metric, name, fpr): 0.7 + spread * rng.standard_normal(SEEDS)
    for metric, spread in (("clean_accuracy", 0.01), ("adversarial_accuracy", 0.1))
    for name in METHODS
    for fpr in FPRS
}
HEALED = {name: rng.random(SEEDS) < share for name, share in zip(METHODS, (0.95, 0.1, 0.5), strict=True)}
CHOSEN = {
    "clean": ("clean_accuracy", ("retrain", "finetune"), None, 0.01),
    "adversarial": ("adversarial_accuracy", ("retrain", "scrub"), None, 0.02),
    "cost": ("clean_accuracy", ("scrub",), FPRS, 0.02),
    "interaction": ("adversarial_accuracy", ("scrub", "finetune"), FPRS, None),
    "healed": ("healed", ("retrain", "finetune"), None, None),
}


def found() -> pd.DataFrame:
    """Return the table of the contrasts above, computed from rows that are not in the order of the seeds."""
    lines = [
        (metric, method, fpr, seed, value)
        for (metric, method, fpr), values in VALUES.items()
        for seed, value in enumerate(values)
    ]
    table = pd.DataFrame(lines, columns=["metric", "method", "deletion.fpr", "seed", "value"])
    table = table.sample(frac=1, random_state=0).assign(**PLACE, unit="share")
    table["class_name"] = pd.Series(None, index=table.index, dtype="string")
    told = [
        (method, seed, bool(value)) for method, values in HEALED.items() for seed, value in enumerate(values)
    ]
    outcomes = pd.DataFrame(told, columns=["method", "seed", "healed"]).assign(**PLACE)
    outcomes = outcomes.assign(class_name=pd.Series(None, index=outcomes.index, dtype="string"))
    planned = {
        name: {
            **KEYS,
            "metric": metric,
            "methods": list(methods),
            "along": {"deletion.fpr": list(ends)} if ends else {},
            "margin": margin,
        }
        for name, (metric, methods, ends, margin) in CHOSEN.items()
    }
    return contrasts(table, outcomes.astype({"healed": "boolean"}), {"s": planned}).set_index("contrast")


def samples(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the two samples of a contrast; the contrast is their paired difference."""
    metric, (first, *others), ends, _ = CHOSEN[name]

    def value(method: str) -> np.ndarray:
        low, high = (VALUES[metric, method, fpr] for fpr in FPRS)
        return high - low if ends else (low + high) / 2

    return value(first), value(others[0]) if others else np.zeros(SEEDS)


MEANS = [name for name in CHOSEN if name != "healed"]


@pytest.mark.parametrize("name", MEANS)
def test_means_are_compared_by_the_paired_t_test(name: str) -> None:
    row, tested = found().loc[name], stats.ttest_rel(*samples(name))
    ends = tested.confidence_interval(0.95)
    assert row["p"] == pytest.approx(tested.pvalue)
    assert (row["low"], row["high"]) == pytest.approx((ends.low, ends.high))
    assert row["difference"] == pytest.approx(np.subtract(*samples(name)).mean())


@pytest.mark.parametrize("name", [name for name in MEANS if CHOSEN[name][3]])
def test_equivalence_is_two_one_sided_tests(name: str) -> None:
    margin = CHOSEN[name][3]
    p, *_ = DescrStatsW(np.subtract(*samples(name))).ttost_mean(-margin, margin)
    assert found().loc[name, "equivalent"] == (p < 0.05)


def test_the_least_margin_of_equivalence_is_that_of_the_one_sided_tests() -> None:
    differences = np.subtract(*samples("clean"))
    margins = np.linspace(0.0005, 0.03, 200)
    by_tests = [DescrStatsW(differences).ttost_mean(-margin, margin)[0] < 0.05 for margin in margins]
    assert [is_within(differences, margin) for margin in margins] == by_tests
    assert {True, False} == {bool(each) for each in by_tests}


def test_both_answers_of_equivalence_are_among_them() -> None:
    assert {True, False} <= set(found()["equivalent"].dropna())


def test_healed_is_compared_by_exact_mcnemar() -> None:
    first, second = HEALED["retrain"], HEALED["finetune"]
    table = [
        [(first & second).sum(), (first & ~second).sum()],
        [(~first & second).sum(), (~first & ~second).sum()],
    ]
    assert found().loc["healed", "p"] == pytest.approx(mcnemar(table, exact=True).pvalue)


def test_the_correction_is_holms() -> None:
    table = found()
    assert table["p_adjusted"].tolist() == pytest.approx(multipletests(table["p"], method="holm")[1].tolist())
