"""The published tables in docs/results, and the numbers that the pages state from them."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from scipy import stats

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "docs" / "results"
RUNS = ("methods_cifar10", "plane", "plane_catdog", "plane_cifar10")
PLANES = RUNS[1:]
MODEL = ["study", "dataset", "poison", "deletion", "method"]
CLEAN, STAMPED, ATTACK = "clean_accuracy", "adversarial_accuracy", "attack_success_rate"
EU, CF, NOTHING, ORACLE = "retrain", "finetune", "do_nothing", "oracle"


@cache
def table(run: str, name: str = "results") -> pd.DataFrame:
    return pd.read_parquet(RESULTS / run / "tables" / f"{name}.parquet")


@cache
def measured(run: str) -> pd.DataFrame:
    """Return the shares of a run in %: a row for each model and measure, a column for each seed.

    A measure is `metric`, or `metric:class` for the value of a class.
    """
    rows = table(run)
    rows = rows[rows.unit == "share"].assign(deletion=rows.deletion.fillna(""))
    rows["measure"] = rows.metric.where(rows.class_name.isna(), rows.metric + ":" + rows.class_name)
    return rows.pivot_table(index=[*MODEL, "measure"], columns="seed", values="value") * 100


def seeds(run: str, study: str, method: str, deletion: str, measure: str, **more: str) -> np.ndarray:
    """Return the values of one model over the seeds in %; a reference model has no deletion set."""
    deletion = "" if method in (NOTHING, ORACLE) else deletion
    wanted = {"study": study, "method": method, "deletion": deletion, "measure": measure, **more}
    rows = measured(run).xs(tuple(wanted.values()), level=tuple(wanted))
    assert len(rows) == 1, wanted
    return rows.to_numpy()[0]


@cache
def quantile(count: int) -> float:
    return float(stats.t.ppf(0.975, count - 1))


def printed(value: float) -> str:
    shown = f"{value:.1f}"
    return "0.0" if shown == "-0.0" else shown


def interval(values: np.ndarray) -> tuple[str, str, str]:
    """Return mean and Student's t interval over seeds, as the pages print them."""
    mean = values.mean()
    half = quantile(len(values)) * values.std(ddof=1) / len(values) ** 0.5
    return printed(mean), printed(mean - half), printed(mean + half)


def text(values: np.ndarray) -> str:
    mean, low, high = interval(values)
    return f"{mean} [{low}, {high}]"


def exact(healed: int, of: int) -> str:
    """Return the Clopper-Pearson interval of a share of seeds."""
    found = stats.binomtest(healed, of).proportion_ci(0.95, "exact")
    return f"[{found.low:.2f}, {found.high:.2f}]"


def weakened(run: str, study: str, method: str, deletion: str) -> tuple[int, int]:
    """Return the numbers of seeds in which the model is healed, and broken.

    A broken model lost more than 10 points of clean accuracy against doing nothing. A healed one is not broken, and
    less than half of the attack survived in it.
    """
    attack, nothing, oracle = (
        seeds(run, study, name, deletion, ATTACK) for name in (method, NOTHING, ORACLE)
    )
    lost = seeds(run, study, NOTHING, deletion, CLEAN) - seeds(run, study, method, deletion, CLEAN)
    assert (nothing - oracle >= 20).all(), f"the attack of {run} did not take"
    is_weak = (attack - oracle) / (nothing - oracle) < 0.5
    is_broken = lost > 10 + 1e-9
    return int((is_weak & ~is_broken).sum()), int(is_broken.sum())


def healed(run: str, study: str, method: str, deletion: str) -> int:
    return weakened(run, study, method, deletion)[0]


def found(recall: float) -> tuple[str, str, str]:
    return "methods_cifar10", "methods", f"found@fpr=0.0@recall={recall}"


def healed_over_recall(method: str, recall: float) -> list[int]:
    """Return seeds healed at FPR 0: generated images, cats and dogs, CIFAR-10 of 16 x 16 pixels."""
    return [healed(plane, "plane", method, f"drawn@fpr=0.0@recall={recall}") for plane in PLANES]


def detected(deletion: str) -> int:
    """Return the number of seeds of the three planes that EU healed with a detector's deletion set."""
    return sum(healed(run, "detectors", EU, deletion) for run in PLANES)


def below_eu(method: str) -> np.ndarray:
    """Return the difference to EU's adversarial accuracy at recall 0.9, in points, for each seed."""
    run, study, deletion = found(0.9)
    return seeds(run, study, method, deletion, STAMPED) - seeds(run, study, EU, deletion, STAMPED)


def passes(method: str, *, tuning: bool) -> float:
    """Return image passes plus forward passes at recall 0.9, as a multiple of EU's."""
    rows = table("methods_cifar10")
    rows = rows[rows.metric.isin(["image_passes", "forward_passes"]) & (rows.deletion == found(0.9)[2])]
    spent = rows.groupby(["method", "seed"]).value.sum().groupby("method").mean()
    record = (RESULTS / "methods_cifar10" / "tuned" / f"{method}.yaml").read_text()
    searched = sum(int(count) for count in re.findall(r"^(?:image|forward)_passes: (\d+)$", record, re.M))
    return (spent[method] + searched * tuning) / spent[EU]


# Every interval of the pages comes from the tables: a mean, or a difference paired by seed to a model of the same
# deletion set or method.

OF_CLASSES = [f"{metric}:{name}" for metric in (CLEAN, STAMPED) for name in ("airplane", "cat", "dog")]
MEASURES = [CLEAN, STAMPED, ATTACK, "worst_class_clean_accuracy", *OF_CLASSES]


def models(run: str, measure: str) -> Iterator[tuple[tuple[str, str, str, str], np.ndarray]]:
    rows = measured(run)
    rows = rows[rows.index.get_level_values("measure") == measure]
    for (_, dataset, poison, deletion, method, _), values in zip(rows.index, rows.to_numpy(), strict=True):
        yield (dataset, poison, deletion, method), values


def differences(run: str, measure: str) -> Iterator[np.ndarray]:
    every = [*models(run, measure)]
    for here, values in every:
        yield values
        for there, others in every:
            same_data = here[:2] == there[:2]
            if same_data and (here[2] in (there[2], "") or there[2] == "" or here[3] == there[3]):
                yield values - others


def averages_over_recalls() -> Iterator[np.ndarray]:
    """Yield utility x healed over the five recalls, and its differences to EU."""
    rows = measured("methods_cifar10").xs(("methods", "utility_x_healed"), level=("study", "measure"))
    means = rows.groupby("method").mean()
    yield from (means - means.loc[EU]).to_numpy()


def rates(run: str) -> Iterator[np.ndarray]:
    """Yield the achieved recall and FPR of every deletion set in %."""
    rows = table(run).dropna(subset=["deletion"]).drop_duplicates(["study", "deletion", "seed"])
    for _, group in rows.groupby(["study", "deletion"]):
        yield from (100 * group[rate].to_numpy(dtype=float) for rate in ("recall", "fpr"))


def deviations() -> Iterator[np.ndarray]:
    """Yield each entry's measurements, and their differences to the entry with the published settings."""
    entries = yaml.safe_load((ROOT / "config" / "deviations_cifar10.yaml").read_text(encoding="utf-8"))[
        "methods"
    ]
    published: dict[str, str] = {}
    for name, options in entries.items():
        published.setdefault(options.get("method", name), name)
    for measure in (CLEAN, STAMPED, "detector_auroc"):
        every = dict(models("deviations", measure))
        for (dataset, poison, deletion, method), values in every.items():
            yield values
            first = published.get(entries.get(method, {}).get("method", method), method)
            if (other := every.get((dataset, poison, deletion, first))) is not None:
                yield values - other


@cache
def intervals_of(run: str) -> frozenset[tuple[str, str, str]]:
    every = [*rates(run)]
    if run == "deviations":
        every += deviations()
    else:
        every += [values for measure in MEASURES for values in differences(run, measure)]
    told: set[tuple[str, ...]] = set()
    if run == "methods_cifar10":
        every += averages_over_recalls()
        averages = table(run, "utility_healed")[["mean", "ci_low", "ci_high"]].to_numpy()
        told = {tuple(map(printed, 100 * row)) for row in averages}
    halves = (-1e-9, 1e-9)  # 56.45 may be printed as 56.4 and as 56.5
    return frozenset(told | {interval(values + either) for values in every for either in halves})
