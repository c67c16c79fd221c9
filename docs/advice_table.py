"""Write unpoison/advice.csv, which `unpoison advise` reads: `python -m docs.advice_table`, in the project's folder.

A line is one entry of a method on one kind of deletion set, counted over the models of one study. It is made from
the tables in docs/results; options come from the configs and from the tuning records next to the tables.
"""

import csv
import io
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from docs.measured import BROKEN

ROOT = Path(__file__).parents[1]
TABLE = ROOT / "unpoison/advice.csv"
COLUMNS = (
    *("method", "options", "recall", "fpr", "healed", "broken", "below_15", "models"),
    *("attack", "clean_lost", "target_lost", "passes", "network", "source", "commit"),
)
RESNET = "ResNet-9, CIFAR-10 of 16 pixels"
STUDIES = {
    "deviations": ("deviations", "clean_rows"),
    "methods_cifar10": ("methods", "false_alarms"),
    "plane_cifar10": ("plane", "detectors", "biased"),
}
ATTACK, CLEAN, TARGET = "attack_success_rate", "clean_accuracy", "clean_accuracy:airplane"
COMPANY_COMMIT = "52b5151"  # of the code that measured docs/results/company
RATES = ("recall", "fpr")
PASSES, NOTHING, ORACLE, EU = "passes", "do_nothing", "oracle", "retrain"
Line = dict[str, Any]


def lines() -> Iterator[Line]:
    """Yield all lines, those of a study together."""
    for run, studies in STUDIES.items():
        table, commit = measured(run), commit_of(run)
        for study in studies:
            own = table.loc[study]
            for deletion, method in sorted(
                {key for key in own.index if key[0] and key[1] not in (NOTHING, ORACLE)}
            ):
                entry = entry_of(run, method)
                if entry is not None:
                    about = {"network": RESNET, "source": f"docs/results/{run}", "commit": commit}
                    yield {**entry, **counted(table, own, deletion, method), **about}
    yield from of_company()


@cache
def measured(run: str) -> pd.DataFrame:
    """Return shares in % and counts: a row for each study, deletion set and method, columns are (measure, seed)."""
    table = pd.read_parquet(ROOT / f"docs/results/{run}/tables/results.parquet").drop(
        columns=["deletion.recall", "deletion.fpr"], errors="ignore"
    )
    table["value"] *= np.where(table["unit"] == "share", 100.0, 1.0)
    of_all = table["class_name"].isna()
    table["measure"] = table["metric"].where(of_all, table["metric"] + ":" + table["class_name"])
    table["deletion"] = table["deletion"].astype(object).fillna("")
    keys = ["study", "deletion", "method", "seed"]
    rates = pd.concat(
        [table[[*keys, rate]].rename(columns={rate: "value"}).assign(measure=rate) for rate in RATES]
    )
    rates = rates.drop_duplicates([*keys, "measure"])
    wanted = table[table["measure"].isin([ATTACK, CLEAN, TARGET])]
    passes = table[of_all & table["metric"].isin(["image_passes", "forward_passes"])]
    passes = passes.groupby(keys)["value"].sum().reset_index().assign(measure=PASSES)
    columns = [*keys, "measure", "value"]
    whole = pd.concat([wanted[columns], passes[columns], rates[columns]])
    return whole.pivot(
        index=["study", "deletion", "method"], columns=["measure", "seed"], values="value"
    ).sort_index()


def counted(table: pd.DataFrame, own: pd.DataFrame, deletion: str, method: str) -> Line:
    """Return the counts and means of a method on a deletion set; healed and broken are those of docs/measured.py."""
    mine, nothing, oracle = own.loc[(deletion, method)], own.loc[("", NOTHING)], own.loc[("", ORACLE)]
    lost = nothing[CLEAN] - mine[CLEAN]
    is_weak = (mine[ATTACK] - oracle[ATTACK]) / (nothing[ATTACK] - oracle[ATTACK]) < 0.5
    is_broken = lost > BROKEN
    retrained = (
        own.xs(EU, level="method") if EU in own.index.unique("method") else table.xs(EU, level="method")
    )
    of_set = retrained.loc[[deletion]] if deletion in retrained.index else retrained
    return {
        "recall": f"{mine['recall'].mean():.2f}",
        "fpr": f"{mine['fpr'].mean():.2f}",
        "healed": int((is_weak & ~is_broken).sum()),
        "broken": int(is_broken.sum()),
        "below_15": int(((mine[ATTACK] < 15) & ~is_broken).sum()),
        "models": len(lost),
        "attack": f"{mine[ATTACK].mean():.1f}",
        "clean_lost": f"{lost.mean():.1f}",
        "target_lost": f"{(nothing[TARGET] - mine[TARGET]).mean():.1f}",
        "passes": f"{mine[PASSES].mean() / of_set[PASSES].to_numpy().mean():.2f}",
    }


@cache
def config_of(name: str) -> dict[str, Any]:
    """Return the methods of a config."""
    return yaml.safe_load((ROOT / f"config/{name}.yaml").read_text(encoding="utf-8"))["methods"]


def entry_of(run: str, name: str) -> Line | None:
    """Return the method and options of an entry, with the options that its tuning chose."""
    config = {"deviations": "deviations_cifar10", "methods_cifar10": "methods", "plane_cifar10": "plane"}[run]
    entry = dict(config_of(config)[name] or {})
    method = entry.pop("method", name)
    if entry.pop("tuning", None):
        record = ROOT / f"docs/results/{run}/tuned/{name}.yaml"
        entry |= yaml.safe_load(record.read_text(encoding="utf-8"))["options"]
    return {"method": method, "options": json.dumps(entry, sort_keys=True)}


@cache
def commit_of(run: str) -> str:
    """Return the commit that made most repairs of a run."""
    steps = pd.read_parquet(ROOT / f"docs/results/{run}/tables/provenance.parquet")
    return str(steps.loc[steps["step"] == "unlearn", "commit"].mode()[0])[:7]


def of_company() -> Iterator[Line]:
    """Yield the lines of docs/results/company, whose models have a separate table."""
    table = pd.read_csv(ROOT / "docs/results/company/tables/results.csv", dtype={"batch_norm": str})
    model = ["images", "network", "batch_norm", "recall", "fpr"]
    nothing = table[table["method"] == NOTHING].set_index(model)
    retrained = table[table["method"] == EU].set_index(model)
    for (network, recall, fpr, method, options), rows in table.groupby(
        ["network", "recall", "fpr", "method", "options"], sort=False
    ):
        if method == NOTHING:
            continue
        own = rows.set_index(model)
        before = nothing.loc[own.index]
        lost = (before["clean"] - own["clean"]).fillna(100)
        is_broken = lost > BROKEN
        yield {
            "method": method,
            "options": options,
            "recall": f"{recall:.2f}",
            "fpr": f"{fpr:.2f}",
            # No oracle was trained. An attack success of 0 replaces the oracle's, which is stricter.
            "healed": int(((own["attack"] < before["attack"] / 2) & ~is_broken).sum()),
            "broken": int(is_broken.sum()),
            "below_15": int(((own["attack"] < 15) & ~is_broken).sum()),
            "models": len(own),
            "attack": f"{own['attack'].mean():.1f}",
            "clean_lost": f"{lost.mean():.1f}",
            "target_lost": f"{(before['target'] - own['target']).mean():.1f}",
            "passes": f"{(own['passes'] / retrained.loc[own.index, 'passes']).mean():.2f}",
            "network": f"{network}, 32 pixels",
            "source": "docs/results/company",
            "commit": COMPANY_COMMIT,
        }


def without_twins(given: Iterator[Line]) -> Iterator[Line]:
    """Yield the lines without repeats of the same models in a later study, which are not further evidence."""
    seen = set()
    for line in given:
        numbers = tuple(str(value) for name, value in line.items() if name not in ("source", "commit"))
        if numbers not in seen:
            seen.add(numbers)
            yield line


def written() -> str:
    """Return the text of the table."""
    text = io.StringIO()
    table = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    table.writeheader()
    table.writerows(without_twins(lines()))
    return text.getvalue()


if __name__ == "__main__":
    TABLE.write_text(written(), encoding="utf-8")
