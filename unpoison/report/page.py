"""The report's page: one HTML file that needs no network."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import pandas as pd
import vl_convert

from unpoison.attack_kinds import UNPLANTED, UNPOISONED, WITHOUT_ORACLE
from unpoison.columns import TABLES
from unpoison.files import table_of_csv
from unpoison.levels import IDENTITY
from unpoison.metrics import METRICS
from unpoison.references import trained_references
from unpoison.report.along import changes, same_rows
from unpoison.report.data import page_data, settings_rows
from unpoison.report.detecting import detector_lines
from unpoison.report.findings import findings, idle, untrained
from unpoison.report.first import first_screen
from unpoison.report.known import lead_of, standing
from unpoison.report.templates import filled, packed, picture, read, script
from unpoison.report.words import gaps, key_label, listed, metric_label, metric_note, plain
from unpoison.tables import SHOWN
from unpoison.tracing import SHORT, VERSIONS, doubts

TAGS = {
    "untrained": "Did not train",
    "idle": "Did nothing",
    "measured": "Measured",
    "claim": "Shown",
    "open": "No difference shown",
    "few": "Too few seeds for a test: means only",
}


@dataclass(frozen=True)
class Figure:
    """A picture of the report: its name in the config, its caption, and the PNG file's bytes."""

    name: str
    caption: str
    png: bytes

    @property
    def source(self) -> str:
        return picture(self.png, "png")

    @property
    def title(self) -> str:
        """The name in words."""
        return self.name.replace("_", " ").capitalize()

    @property
    def is_drawn(self) -> bool:
        """True if it has no photographs: dark mode then inverts its colours."""
        return not self.name.startswith("samples_")


@dataclass(frozen=True)
class Tables:
    """The tables of a results folder.

    named: the tables by name, at least those of `unpoison.tables.reported_names`; with a table `missing`, the report is
    that of an unfinished run; csv: the content of results.csv, for download.
    """

    named: Mapping[str, pd.DataFrame]
    csv: bytes

    @property
    def shown(self) -> dict[str, pd.DataFrame]:
        """The tables that the page shows in full; empty ones are left out."""
        there = (name for name in SHOWN if name in self.named)
        return {name: self.named[name] for name in there if len(self.named[name])}


def render(tables: Tables, figures: Sequence[Figure], settings: Mapping[str, Any], folder: str) -> str:
    """Return the whole report as HTML.

    Args:
        tables: the tables of the results folder.
        figures: in the order of the page.
        settings: the question, seeds, varied keys and entries of each study, as the planner describes them.
        folder: the name of the results folder, to say where the tables are.
    """
    summary, records, detectors = (tables.named[name] for name in ("summary", "provenance", "detectors"))
    missing = tables.named.get("missing")
    metrics = [metric for metric in METRICS if metric in set(summary["metric"])]
    results = table_of_csv(tables.csv)
    studies = [_study(name, study, tables, results) for name, study in settings.items()]
    attacks = {study["attack"] for study in settings.values()}
    models = len(results[[name for name in IDENTITY if name != "study"]].drop_duplicates())
    return filled(
        "page.html",
        title=next(iter(studies))["first"].answer.headline if studies else "No study",
        lead=lead_of(attacks),
        knows=not attacks <= set(WITHOUT_ORACLE),
        folder=folder,
        style=read("page.css", "first.css"),
        scripts=[
            script(vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")),
            script(read("common.js", "fold.js", "chart.js", "page.js")),
        ],
        data=packed(page_data(tables.named, tables.shown, settings)),
        csv=packed(tables.csv),
        studies=studies,
        detectors=detector_lines(detectors),
        figures=figures,
        others=[(name, TABLES[name].row) for name in tables.shown],
        metrics=[(metric_label(metric), metric_note(metric)) for metric in metrics],
        doubts=doubts(records),
        origin=_origin(records),
        gaps=gaps(missing, models + len(missing)) if missing is not None else "",
        models=models,
        measurements=len(results),
    )


def _study(name: str, study: Mapping[str, Any], tables: Tables, results: pd.DataFrame) -> dict[str, Any]:
    """Return the template's values of one study: its first screen, findings and settings."""
    summary, paired, of_study = (
        table[table["study"] == name] for table in (tables.named["summary"], tables.named["paired"], results)
    )
    references = trained_references(of_study)
    first = first_screen(name, study, tables.named, of_study, references)
    found = [
        *standing(summary, study["attack"]),
        *untrained(references),
        *idle(summary),
        *findings(summary, paired),
        *(finding for finding in first.planned if finding.kind == "few"),
        *changes(of_study, study["deletions"]),
        *same_rows(summary, study["entries"], references),
    ]
    return {
        "name": name,
        "first": first,
        "findings": [
            (TAGS[kind], kind, [finding.text for finding in group])
            for kind, group in groupby(found, key=lambda finding: finding.kind)
        ],
        "words": in_words(study),
        "rows": settings_rows(study),
    }


def in_words(study: Mapping[str, Any]) -> str:
    """Return a study's settings in a few sentences."""
    names = {what: [entry["name"] for entry in study["entries"] if entry["what"] == what] for what in WHAT}
    seeds = study["seeds"]
    count = "one seed" if len(seeds) == 1 else f"{len(seeds)} independent seeds"
    varied = [f"{key_label(key)} ({', '.join(map(plain, values))})" for key, values in study["vary"].items()]
    is_unplanted = study["attack"] in UNPLANTED
    how = "used as it was found" if is_unplanted else f"poisoned by {listed(names['poison'])}"
    how = "not poisoned" if study["attack"] == UNPOISONED else how
    own = "rows, weights and batches" if is_unplanted else "rows, poisons, weights and batches"
    said = [
        f"The data set {listed(names['data set'])} is {how}, and the network "
        f"{listed(names['training'])} is trained on it.",
        f"Each model is then repaired by {listed(names['method'])}, with the deletion "
        f"set{'s' * (len(names['deletion set']) > 1)} {listed(names['deletion set'])}."
        if names["method"]
        else "No model is repaired.",
        f"All of this is repeated for {count}, each with its own {own}.",
    ]
    if varied:
        said.insert(2, f"Varied: {listed(varied)}.")
    return " ".join([*said, study.get("rounds", "")]).strip()


WHAT = ("data set", "poison", "training", "deletion set", "method")


def _origin(records: pd.DataFrame) -> list[tuple[str, str]]:
    """Return the provenance of the artifacts: each property with its values, and the number of artifacts of each."""
    properties = {
        "commit": "commit of the code",
        "device": "device",
        "threads": "threads of a job",
        "host": "host",
    }
    properties |= {name: name for name in VERSIONS}
    told = []
    for column, label in properties.items():
        values = [_short(column, value) for value in records[column]]
        counts = Counter(values).most_common()
        told.append(
            (
                label,
                counts[0][0]
                if len(counts) == 1
                else ", ".join(f"{value} ({count})" for value, count in counts),
            )
        )
    finished = sorted(records["finished"])
    told.append(("made", finished[0] if finished[0] == finished[-1] else f"{finished[0]} to {finished[-1]}"))
    return told


def _short(column: str, value: Any) -> str:
    if pd.isna(value):
        return "not known"
    return str(value)[:SHORT] if column == "commit" else str(value)
