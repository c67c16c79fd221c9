"""The tables of the pages on the plane of recall and FPR."""

from collections.abc import Iterator
from functools import cache
from typing import Any

import pandas as pd

from docs.measured import ends_of
from docs.mission_numbers import (
    CF,
    CLEAN,
    EU,
    NOTHING,
    ORACLE,
    SHORT,
    STAMPED,
    capital,
    contrast,
    ends,
    gained,
    lost,
    only,
    share_of,
    sure,
    table,
)
from docs.mission_runs import planned
from docs.pages import RESULTS, Rows
from unpoison.command.reproducing import words_of
from unpoison.drawing.looks import detector_look
from unpoison.runs.read import config_of as read_configs

RECALL, FPR = "deletion.recall", "deletion.fpr"
LABELS = {**SHORT, "ssd": "SSD"}
FOUND = {0.0: "no poison found", 0.5: "half found", 0.9: "90 % found", 1.0: "all found"}


def answers(run: str) -> Rows:
    """Yield the answers of a page."""
    yield "question", "answer", "how sure"
    for recall, question in {
        1.0: "How many seeds are healed, with every poison found?",
        0.9: "And with 90 % found?",
        0.5: "With half found?",
    }.items():
        lines = {method: drawn(run, method, recall, 0.0) for method in (EU, CF)}
        told = " and ".join(f"{SHORT[method]} {count(line)}" for method, line in lines.items())
        yield question, told, f"shares {' and '.join(map(share_of, lines.values()))}"
    row = contrast(run, "plane", "eu_less_cf_90_found")
    yield (
        "Is EU better than CF with 90 % found?",
        capital(gained(row, "points more under attack")),
        sure(row),
    )
    for method in (EU, CF):
        for of, under in {"clean": "", "adversarial": " under attack"}.items():
            row = contrast(run, "plane", f"{of}_cost_{SHORT[method].lower()}")
            question = f"What does an FPR of 40 % cost {SHORT[method]}{under}, with every poison found?"
            yield question, capital(lost(row)), sure(row)
    whole = [line for line in of_detectors(run, EU) if line["healed"] == line["n"]]
    named = capital(", ".join(named_of(run, line["deletion"]) for line in whole) or "none")
    yield (
        "Which detectors are good enough for EU in every seed?",
        named,
        f"share of seeds {share_of(whole[0])}" if whole else "",
    )


def healed_over_plane(run: str) -> Rows:
    """Yield the seeds healed over recall and FPR."""
    rates = values(run, FPR)
    yield "seeds healed", *(f"FPR {rate:g}" for rate in rates)
    for method in methods(run, "plane"):
        for recall in values(run, RECALL):
            cells = [drawn(run, method, recall, rate) for rate in rates]
            yield (
                f"{LABELS[method]}, {FOUND[recall]}",
                *("" if cell is None else count(cell) for cell in cells),
            )


def accuracy_over_plane(run: str) -> Rows:
    """Yield adversarial and clean accuracy over recall and FPR."""
    rates = values(run, FPR)
    yield "under attack, and clean", *(f"FPR {rate:g}" for rate in rates)
    rows = summary(run, "plane").dropna(subset=["deletion"])
    index = [rows["metric"], rows["method"], rows[RECALL].astype(float), rows[FPR].astype(float)]
    lines = rows.set_index(index)
    for method in methods(run, "plane"):
        for recall in values(run, RECALL):
            cells = []
            for rate in rates:
                places = [(metric, method, recall, rate) for metric in (STAMPED, CLEAN)]
                known = all(place in lines.index for place in places)
                cells.append("; ".join(ends(lines.loc[place]) for place in places) if known else "")
            yield f"{LABELS[method]}, {FOUND[recall]}", *cells


def references(run: str) -> Rows:
    """Yield the accuracy and the attack success of the poisoned model and of the oracle."""
    yield "reference", "clean", "under attack", "attack success", "seeds"
    rows = summary(run, "plane").set_index(["metric", "method"])
    for method in (NOTHING, ORACLE):
        cells = [rows.loc[(metric, method)] for metric in (CLEAN, STAMPED, "attack_success_rate")]
        yield SHORT[method], *map(ends, cells), str(cells[0]["n"])


def contrasts(run: str) -> Rows:
    """Yield the planned contrasts."""
    yield from planned(run, "plane", "biased")


def detectors(run: str) -> Rows:
    """Yield the deletion sets of the detectors, those first with which EU gains most under attack."""
    yield (
        "detector, its rule",
        *("recall", "FPR", "AUROC"),
        *(f"{SHORT[method]}: seeds healed" for method in methods(run, "detectors")),
        *("EU: points gained under attack", "EU: clean"),
    )
    quality = table(run, "detectors").set_index("deletion")
    healed = {method: {row["deletion"]: row for row in of_detectors(run, method)} for method in (EU, CF)}
    gains = paired(run, "detectors")
    order = gains.loc[STAMPED, :, EU]["difference"].sort_values(ascending=False).index
    for deletion in order:
        line = quality.loc[deletion]
        rates = (ends_of(line, name) for name in ("recall", "fpr", "auroc"))
        counts = (count(healed[method][deletion]) for method in methods(run, "detectors"))
        points = (ends(gains.loc[(metric, deletion, EU)], "difference") for metric in (STAMPED, CLEAN))
        yield named_of(run, deletion), *rates, *counts, *points


def biased(run: str) -> Rows:
    """Yield deletion sets of the same counts whose errors fall on other rows."""
    used = methods(run, "biased")
    yield (
        "errors fall",
        *(f"{SHORT[method]}: {what}" for method in used for what in ("under attack", "seeds healed")),
    )
    rows = summary(run, "biased").set_index(["metric", "deletion", "method"])
    words = {
        "uniform": "uniformly",
        "by_class": "by class",
        "by_confidence": "by confidence",
        "by_similarity": "by similarity to the poisons",
    }
    for deletion, told in words.items():
        if (STAMPED, deletion, EU) in rows.index:
            cells = []
            for method in used:
                cells += [
                    ends(rows.loc[(STAMPED, deletion, method)]),
                    count(healed_line(run, "biased", method, deletion)),
                ]
            yield told, *cells


def run_of(run: str) -> Rows:
    """Yield what the run was: commit, processor, seeds, models, passes and time."""
    yield "the run", ""
    records = table(run, "provenance")
    results = table(run, "results")
    passes = results[results["metric"].isin(["image_passes", "forward_passes"])]["value"].sum()
    models = results[["study", "seed", "deletion", "method"]].fillna("").drop_duplicates()
    finished = sorted(records["finished"].dropna())
    yield "commit", ", ".join(sorted({commit[:10] for commit in records["commit"].dropna()}))
    yield "processor", "; ".join(sorted(set(records["processor"].dropna())))
    yield "seeds", ", ".join(map(str, sorted(results["seed"].unique())))
    yield "models", f"{len(models):,}, the shared ones once for each study"
    yield "image passes", f"{passes / 1e6:.1f} million, counted like the models"
    yield "first and last job ended (UTC)", f"{finished[0][:16]} and {finished[-1][:16]}".replace("T", " ")


# -- lines of the tables ------------------------------------------------------------------------------------------


def count(line: pd.Series) -> str:
    """Return the seeds healed of those with an outcome, and the broken ones."""
    broken = f", {line['broken']} broken" if line["broken"] else ""
    return f"{line['healed']} of {line['n']}{broken}"


def drawn(run: str, method: str, recall: float, fpr: float) -> pd.Series | None:
    """Return the line of a drawn deletion set in the table of healed models; None if it was not run."""
    rows = _whole(run)
    chosen = (rows["study"] == "plane") & (rows["method"] == method)
    rows = rows[chosen & (rows[RECALL].astype(float) == recall) & (rows[FPR].astype(float) == fpr)]
    return None if rows.empty else rows.iloc[0]


def healed_line(run: str, study: str, method: str, deletion: str) -> pd.Series:
    """Return a line of the table of healed models, all classes together."""
    rows = _whole(run)
    chosen = (rows["study"] == study) & (rows["method"] == method) & (rows["deletion"] == deletion)
    return only(rows[chosen])


def of_detectors(run: str, method: str) -> Iterator[pd.Series]:
    """Yield the lines of the detectors' deletion sets in the table of healed models."""
    rows = _whole(run)
    for _, line in rows[(rows["study"] == "detectors") & (rows["method"] == method)].iterrows():
        yield line


def _whole(run: str) -> pd.DataFrame:
    rows = table(run, "healed")
    return rows[rows["class_name"].isna() & rows["deletion"].notna()]


def summary(run: str, study: str) -> pd.DataFrame:
    """Return the rows of a study in the table of means, all classes together."""
    rows = table(run, "summary")
    return rows[(rows["study"] == study) & rows["class_name"].isna()]


def paired(run: str, study: str) -> pd.DataFrame:
    """Return the differences to doing nothing, all classes together."""
    rows = table(run, "paired")
    chosen = (rows["study"] == study) & (rows["other"] == NOTHING) & rows["class_name"].isna()
    return rows[chosen].set_index(["metric", "deletion", "method"]).sort_index()


def values(run: str, key: str) -> list[float]:
    """Return the values of a varied key on the plane."""
    return sorted(_whole(run).query("study == 'plane'")[key].dropna().astype(float).unique())


def methods(run: str, study: str) -> list[str]:
    """Return the methods of a study."""
    rows = _whole(run)
    there = set(rows[rows["study"] == study]["method"])
    return [method for method in (EU, CF, "ssd") if method in there]


@cache
def config_of(run: str) -> dict[str, Any]:
    """Return the config of a run."""
    return read_configs(words_of(RESULTS / run))


def named_of(run: str, deletion: str) -> str:
    """Return the detector and the rule of a deletion set."""
    entry = dict(config_of(run)["deletions"][deletion])
    detector = detector_look(entry.pop("detector"), ()).label
    rule = ", ".join(f"`{key}: {value}`" for key, value in entry.items()) or "own rule"
    return f"{detector} ({rule})"
