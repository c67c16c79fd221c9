"""Rebuild the tables of measured numbers in the pages of docs: `python -m docs.measured`, in the project's folder.

The tables are functions below. All are made from the tables in docs/results. `tests/test_published.py` computes them
again in another way.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import yaml
from scipy import stats

from docs.pages import RESULTS, Pages, Rows
from unpoison.drawing.looks import LOOKS, in_order
from unpoison.outcomes import MARGIN, ROUNDING

DOCS = RESULTS.parent
CLEAN, STAMPED, ATTACK, WORST = (
    "clean_accuracy",
    "adversarial_accuracy",
    "attack_success_rate",
    "worst_class_clean_accuracy",
)
TARGET = f"{CLEAN}:airplane"
NOTHING, ORACLE, EU = "do_nothing", "oracle", "retrain"
REFERENCES = (ORACLE, NOTHING)
RECALLS = (0.2, 0.5, 0.8, 0.9, 1.0)
LATE = 0.9
BROKEN = 100 * (MARGIN + ROUNDING)  # points of clean accuracy: a model that lost more is broken


# -- the tables of a study ---------------------------------------------------------------------------------------


@cache
def results(run: str) -> pd.DataFrame:
    """Return the measurements of a run: a row for each study, deletion set, method and measure, a column for each seed.

    Shares are in %. A measure is `metric`, or `metric:class` for the value of a class.
    """
    table = pd.read_parquet(RESULTS / run / "tables" / "results.parquet")
    table["measure"] = table["metric"].where(
        table["class_name"].isna(), table["metric"] + ":" + table["class_name"]
    )
    table["value"] *= np.where(table["unit"] == "share", 100.0, 1.0)
    table["deletion"] = table["deletion"].astype(object).fillna("")
    rows = ["study", "deletion", "method", "measure"]
    return table.pivot_table(index=rows, columns="seed", values="value").sort_index()


def seeds(run: str, study: str, deletion: str, method: str, measure: str) -> np.ndarray | None:
    """Return a model's values over the seeds, None if there are none. References and repairs have no deletion set."""
    table = results(run)
    for place in ((study, deletion, method, measure), (study, "", method, measure)):
        if place in table.index:
            return table.loc[place].to_numpy(float)
    return None


def methods_of(run: str, study: str) -> list[str]:
    """Return the methods of a study in the order of the figures' legends, references last."""
    names = results(run).loc[study].index.unique("method")
    known = [name for name in LOOKS if name in names and name not in REFERENCES]
    return [*known, *sorted(set(names) - set(LOOKS)), *(name for name in REFERENCES if name in names)]


def takes_rows(run: str, study: str, method: str) -> bool:
    """Return whether a method was given a deletion set."""
    return any(results(run).xs((study, method), level=("study", "method")).index.unique("deletion"))


def label_of(method: str) -> str:
    """Return the short name of a method, or the name of its entry."""
    return LOOKS[method].label if method in LOOKS else f"`{method}`"


# -- numbers as they are printed ---------------------------------------------------------------------------------


def printed(value: float) -> str:
    """Return a number with one decimal place."""
    shown = f"{value:.1f}"
    return "0.0" if shown == "-0.0" else shown


def mean_of(values: np.ndarray | None) -> str:
    """Return the mean over the seeds."""
    return "" if values is None else printed(values.mean())


def spread(values: np.ndarray | None) -> str:
    """Return the mean over the seeds with the ends of its 95 % interval by Student's t."""
    if values is None:
        return ""
    half = stats.t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / len(values) ** 0.5
    mean = values.mean()
    return f"{printed(mean)} [{printed(mean - half)}, {printed(mean + half)}]"


def healed(run: str, study: str, deletion: str, method: str) -> str:
    """Return the number of seeds healed, and of seeds broken.

    A model that lost more than 10 points of clean accuracy is broken. One that is not broken, and of which less than
    half of the attack survived, is healed.
    """
    nothing, oracle = (seeds(run, study, "", name, ATTACK) for name in (NOTHING, ORACLE))
    attack = seeds(run, study, deletion, method, ATTACK)
    clean = seeds(run, study, deletion, method, CLEAN)
    if attack is None or clean is None:
        return ""
    before = seeds(run, study, "", NOTHING, CLEAN)
    assert nothing is not None and oracle is not None and before is not None, f"{study} has no references"
    is_weak = (attack - oracle) / (nothing - oracle) < 0.5
    is_broken = before - clean > BROKEN
    broken = f" (+{is_broken.sum()} broken)" if is_broken.any() else ""
    return f"{(is_weak & ~is_broken).sum()}{broken}"


def difference(first: np.ndarray | None, second: np.ndarray | None) -> str:
    """Return the mean paired difference over the seeds, with the ends of its interval."""
    return "" if first is None or second is None else spread(first - second)


# -- the tables of pages -----------------------------------------------------------------------------------------

METHODS = "methods_cifar10"
ALARMS = [
    (METHODS, "methods", "found@fpr=0.0@recall=1.0"),
    (METHODS, "false_alarms", "found@fpr=0.1@recall=1.0"),
]


def _found(recall: float) -> str:
    return f"found@fpr=0.0@recall={recall}"


def numbers() -> Rows:
    """Yield every method over the share of poisons found."""
    yield (
        "adversarial accuracy at recall",
        *map(str, RECALLS),
        "clean at 1.0",
        "worst class, clean",
        "image passes at 0.9",
    )
    for method in methods_of(METHODS, "methods"):
        recalls = RECALLS if takes_rows(METHODS, "methods", method) else RECALLS[:1]
        at = [spread(seeds(METHODS, "methods", _found(recall), method, STAMPED)) for recall in recalls]
        last = [seeds(METHODS, "methods", _found(1.0), method, measure) for measure in (CLEAN, WORST)]
        yield (
            label_of(method),
            *at,
            *[""] * (len(RECALLS) - len(at)),
            mean_of(last[0]),
            spread(last[1]),
            _passes(method),
        )


def _passes(method: str) -> str:
    both = (
        seeds(METHODS, "methods", _found(LATE), method, measure)
        for measure in ("image_passes", "forward_passes")
    )
    shown = [f"{values.mean():,.0f}" for values in both if values is not None]
    return shown[0] if shown[1:] == ["0"] else " + ".join(shown)


def averages() -> Rows:
    """Yield utility, healed and their product, over the recalls."""
    table = pd.read_parquet(DOCS / "results" / METHODS / "tables" / "utility_healed.parquet")
    table = table[table["study"] == "methods"].set_index(["method", "metric"])
    ends = 100 * table[["mean", "ci_low", "ci_high"]].groupby(level=[0, 1]).first()
    product = ends["mean"].xs("utility_x_healed", level="metric").sort_values(ascending=False, kind="stable")
    yield "over the five recalls", "utility", "healed", "utility x healed"
    for method in product.index:
        told = [
            "{} [{}, {}]".format(*map(printed, ends.loc[(method, metric)]))
            for metric in ("utility", "healed", "utility_x_healed")
        ]
        yield label_of(method), *told


def seeds_healed() -> Rows:
    """Yield the seeds healed over the share of poisons found, the most first."""
    yield (
        "method",
        *(f"recall {recall}" if not place else str(recall) for place, recall in enumerate(RECALLS)),
    )
    names = [name for name in methods_of(METHODS, "methods") if name not in REFERENCES]
    rows = [
        (label_of(name), *(healed(METHODS, "methods", _found(recall), name) for recall in RECALLS))
        if takes_rows(METHODS, "methods", name)
        else (f"{label_of(name)}, without a deletion set", healed(METHODS, "methods", "", name), *[""] * 4)
        for name in names
    ]
    yield from sorted(rows, key=lambda row: -sum(int(cell.split()[0]) for cell in row[1:] if cell))


def against_eu() -> Rows:
    """Yield every method at recall 0.9, compared with retraining and with doing nothing."""
    yield (
        *("method", "adversarial, minus EU", "clean, minus do nothing", "target class, minus do nothing"),
        *("passes of a run", "with tuning"),
    )
    place = METHODS, "methods", _found(LATE)
    eu = seeds(*place, EU, STAMPED)
    names = [
        name for name in methods_of(METHODS, "methods") if takes_rows(METHODS, "methods", name) and name != EU
    ]
    by_mean = sorted(names, key=lambda name: -_of(seeds(*place, name, STAMPED)))
    for name in by_mean:
        yield (
            label_of(name),
            difference(seeds(*place, name, STAMPED), eu),
            *(difference(seeds(*place, name, of), seeds(*place, NOTHING, of)) for of in (CLEAN, TARGET)),
            *(f"{_share_of_passes(name, tuned):.2f}" for tuned in (False, True)),
        )


def _of(values: np.ndarray | None) -> float:
    return float("nan") if values is None else float(values.mean())


def _share_of_passes(method: str, tuned: bool) -> float:
    """Return the image passes of a run at recall 0.9 over EU's; forward passes have the same weight."""

    def spent(name: str) -> float:
        measures = ("image_passes", "forward_passes")
        return sum(_of(seeds(METHODS, "methods", _found(LATE), name, measure)) for measure in measures)

    record = DOCS / "results" / METHODS / "tuned" / f"{method}.yaml"
    searched = 0
    if tuned and record.exists():
        told = yaml.safe_load(record.read_text(encoding="utf-8"))
        searched = told["image_passes"] + told["forward_passes"]
    return (spent(method) + searched) / spent(EU)


def false_alarms() -> Rows:
    """Yield every method with all poisons found, without and with false alarms."""
    yield (
        *(
            "every poison found",
            "adversarial: no false alarms",
            "10 % FPR",
            "clean: no false alarms",
            "10 % FPR",
        ),
        *("target class, clean: none", "10 % FPR", "worst class: none", "10 % FPR"),
    )
    for name in _with_alarms():
        cells = [[seeds(*place, name, of) for place in ALARMS] for of in (STAMPED, CLEAN, TARGET, WORST)]
        shown = [
            *map(spread, cells[0]),
            *map(spread, cells[1]),
            *map(mean_of, cells[2]),
            *map(mean_of, cells[3]),
        ]
        yield label_of(name), *shown


def changes_by_alarms() -> Rows:
    """Yield the changes by false alarms, paired by seed."""
    yield "change by the false alarms, paired", "adversarial", "clean", "seeds healed of 3"
    for name in _with_alarms():
        changes = [
            difference(*(seeds(*place, name, of) for place in ALARMS[::-1])) for of in (STAMPED, CLEAN)
        ]
        yield label_of(name), *changes, healed(*ALARMS[1], name)


def _with_alarms() -> list[str]:
    names = [name for name in methods_of(METHODS, "false_alarms") if name not in REFERENCES]
    return sorted(names, key=lambda name: -_of(seeds(*ALARMS[0], name, STAMPED)))


DEVIATIONS = "deviations"
CONFIG = DOCS.parent / "config" / "deviations_cifar10.yaml"
AT = (0.2, 0.7, 1.0)


def deviations() -> Rows:
    """Yield every method with the published settings, and below it each deviation; then the references."""
    yield (
        *("method", "options", *(f"adversarial at recall {recall}" for recall in AT)),
        *("clean at recall 1.0", "target class at recall 1.0", f"healed at recall {', '.join(map(str, AT))}"),
        *(f"adversarial minus first line at recall {recall}" for recall in (AT[0], AT[-1])),
        f"clean minus first line at recall {AT[-1]}",
    )
    entries = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))
    there = methods_of(DEVIATIONS, DEVIATIONS)
    methods: dict[str, list[str]] = {}
    for name, options in entries["methods"].items():
        if name in there:
            methods.setdefault(options.get("method", name), []).append(name)
    for method in in_order(methods):
        published = methods[method][0]
        for name in methods[method]:
            shown = label_of(method) if name == published else ""
            yield shown, *_deviation(name, entries["methods"][name], published)
    for name in REFERENCES:
        yield label_of(name), *_deviation(name, {}, name)


def _deviation(name: str, entry: Mapping[str, Any], published: str) -> Iterator[str]:
    yield _options(entry)
    recalls = AT if takes_rows(DEVIATIONS, DEVIATIONS, name) else AT[-1:]
    yield from [""] * (len(AT) - len(recalls))
    yield from (mean_of(_at(recall, name, STAMPED)) for recall in recalls)
    yield from (mean_of(_at(AT[-1], name, measure)) for measure in (CLEAN, TARGET))
    yield (
        ""
        if name in REFERENCES
        else ", ".join(healed(DEVIATIONS, DEVIATIONS, f"found@recall={recall}", name) for recall in recalls)
    )
    for recall, measure in ((AT[0], STAMPED), (AT[-1], STAMPED), (AT[-1], CLEAN)):
        is_same = name == published or recall not in recalls
        yield "" if is_same else difference(_at(recall, name, measure), _at(recall, published, measure))


def _options(entry: Mapping[str, Any], *without: str) -> str:
    """Return the options of an entry as written in its config."""
    kept = {key: value for key, value in entry.items() if key not in ("method", "detector", *without)}
    return ", ".join(f"`{key}: {_plain(value)}`" for key, value in kept.items()) or "defaults"


def clean_rows() -> Rows:
    """Yield SSD with a share of the clean rows in the deletion set."""
    yield "clean rows in the set", "options of `ssd`", "adversarial", "clean", "healed of 3"
    entries = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))
    study = entries["studies"]["clean_rows"]
    for share in study["vary"]["deletion.fpr"]:
        for name in study["methods"]:
            place = DEVIATIONS, "clean_rows", f"found@fpr={share}"
            told = (spread(seeds(*place, name, measure)) for measure in (STAMPED, CLEAN))
            yield f"{share:.0%}", _options(entries["methods"][name]), *told, healed(*place, name)


def _at(recall: float, name: str, measure: str) -> np.ndarray | None:
    return seeds(DEVIATIONS, DEVIATIONS, f"found@recall={recall}", name, measure)


def _plain(value: object) -> str:
    """Return a value as YAML text."""
    return yaml.safe_dump(value).removesuffix("\n...\n").strip()


def detectors() -> Rows:
    """Yield every detector with the published settings, and below it each deviation."""
    yield "detector", "options", "AUROC", "recall", "FPR", "accused with nothing planted"
    entries = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))["detectors"]
    table = pd.read_parquet(DOCS / "results" / DEVIATIONS / "tables" / "detectors.parquet")
    lines = table[table["study"] == "detectors"].set_index("deletion")
    detector = ""
    for name, entry in entries.items():
        is_first = entry.get("detector", name) != detector
        detector = entry.get("detector", name)
        ends = (ends_of(lines.loc[name], column) for column in ("auroc", "recall", "fpr", "false_alarm_rate"))
        yield f"`{detector}`" if is_first else "", _options(entry, "triggered_examples"), *ends


def ends_of(line: pd.Series, name: str) -> str:
    """Return a mean of the table of detectors in %, with the ends of its interval."""
    if pd.isna(line[name]):
        return ""
    low, high = (printed(100 * line[f"{name}_{end}"]) for end in ("low", "high"))
    return f"{printed(100 * line[name])} [{low}, {high}]"


def company_repairs() -> Rows:
    """Yield attack success and clean accuracy of the company's networks after each repair."""
    table = pd.read_csv(DOCS / "results/company/tables/results.csv")
    networks = {
        ("CompanyNet", True): "BatchNorm",
        ("CompanyNet", False): "none",
        ("ResNet-9", True): "ResNet-9",
    }
    models = list(product(("drawn", "cifar10"), networks))
    shown = (f"{images}, {networks[network]}" for images, network in models)
    yield ("recall", "method", "options", *shown)
    for (recall, method, options), rows in table.groupby(["recall", "method", "options"], sort=False):
        cells = rows.set_index(["images", "network", "batch_norm"])[["attack", "clean"]]
        told = (cells.loc[(images, *network)] for images, network in models)
        pairs = (f"{printed(cell['attack'])} / {printed(cell['clean'])}" for cell in told)
        yield str(recall), f"`{method}`", _options(json.loads(str(options))), *pairs


TABLES: dict[str, Callable[[], Rows]] = {
    table.__name__: table
    for table in (
        numbers,
        averages,
        seeds_healed,
        against_eu,
        false_alarms,
        changes_by_alarms,
        deviations,
        clean_rows,
        detectors,
        company_repairs,
    )
}
PAGES = Pages(
    dict.fromkeys(
        [
            RESULTS / "company/README.md",
            DOCS / "methods/deviations.md",
            DOCS / "detectors/deviations.md",
            *(RESULTS / METHODS / page for page in ("README.md", "numbers.md", "false_alarms.md")),
        ],
        TABLES,
    )
)


if __name__ == "__main__":
    PAGES.write()
