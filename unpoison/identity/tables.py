"""The specs of jobs that make tables, figures and the report of all cells."""

from typing import Any

from unpoison.identity.blocks import Spec, poison_code, trigger_of
from unpoison.levels import LEVELS, MODEL
from unpoison.plots import PLOTS
from unpoison.study.code import code_digest, files_digest
from unpoison.study.describe import caption_of, describe_study
from unpoison.study.entries import canonical
from unpoison.study.figures import families_of, trained_models
from unpoison.study.plan import Plan
from unpoison.study.studies import Study, note_of
from unpoison.tables import CODE as TABLE_CODE
from unpoison.text import as_html


def _cells_of(study: Study) -> list[list[Any]]:
    """Return the cells of a study, sorted, each with its names in the order of `levels.MODEL`."""
    return sorted(([getattr(cell, name) for name in MODEL] for cell in study.cells()), key=str)


class TableSpecs:
    """One method for each rule that reads the metrics of all cells.

    Snakemake's own report copies the params of jobs unescaped into a script of its page. So the specs of the jobs that
    it shows escape the user's texts: otherwise `snakemake --report` would run them. The jobs' scripts read such a spec
    with `from_html`.
    """

    plan: Plan

    def collect_results(self, wildcards: Any) -> Spec:
        studies = {
            name: {
                **{level: sorted(names) for level, names in study.variants.items()},
                "seed": sorted(study.seeds),
                "vary": sorted(study.vary),
                **({"cells": _cells_of(study)} if study.adaptive else {}),
            }
            for name, study in self.plan.studies.items()
        }
        return canonical(
            {
                "studies": studies,
                "varied": self._varied(),
                "detectors": self._detectors(),
                "attacks": self._attacks(),
                "code": code_digest("unpoison.jobs.collect_results"),
            }
        )

    def make_tables(self, wildcards: Any) -> Spec:
        code = code_digest("unpoison.jobs.make_tables", *TABLE_CODE)
        return canonical({"asked": self.plan.asked_of_tables, "code": code})

    def decide(self, wildcards: Any) -> Spec:
        code = code_digest("unpoison.jobs.decide")
        return canonical({"asked": self.plan.rounds[wildcards.study], "code": code})

    def write_report(self, wildcards: Any) -> Spec:
        studies = {name: describe_study(self.plan, name) for name in self.plan.studies}
        figures = [[name, caption_of(self.plan, name)] for name in self.plan.all_figures]
        code = [
            code_digest("unpoison.jobs.write_report"),
            files_digest("unpoison/report", "html", "css", "js"),
        ]
        folder = self.plan.settings.results_folder
        return as_html(canonical({"studies": studies, "figures": figures, "folder": folder, "code": code}))

    def trace_records(self, wildcards: Any) -> Spec:
        return {"code": code_digest("unpoison.jobs.trace_records")}

    def draw_figure(self, wildcards: Any) -> Spec:
        figure = self.plan.figures[wildcards.figure]
        note = note_of(*(self.plan.studies[name] for name in figure.studies))
        spec = {
            "figure": figure.kind,
            "studies": sorted(figure.studies),
            "options": figure.options,
            "families": families_of(self.plan.methods),
            "note": note,
            "code": code_digest("unpoison.jobs.draw_figure", PLOTS.code(figure.kind)),
        }
        return as_html(canonical(spec))

    def draw_samples(self, wildcards: Any) -> Spec:
        study = self.plan.studies[wildcards.study]
        poison = self.plan.poisons[min(study.variants["poison"])]
        spec = {
            "trigger": trigger_of(poison),
            "plants": study.plants,
            "note": note_of(study),
            "code": code_digest("unpoison.jobs.draw_samples", *poison_code(poison)),
        }
        return as_html(canonical(spec))

    def draw_training(self, wildcards: Any) -> Spec:
        study = self.plan.studies[wildcards.study]
        lines = [{"variant": variant, "seed": model["seed"]} for model, variant in trained_models(study)]
        spec = {
            "models": lines,
            "what": "poisoned models" if study.plants else "models as they were trained",
            "note": note_of(study),
            "code": code_digest("unpoison.jobs.draw_training"),
        }
        return canonical(spec)

    def _varied(self) -> dict[str, dict[str, dict[str, Any]]]:
        """Return for each level and variant its varied keys, as dotted names, and their values."""
        return {
            level: {
                name: {f"{level}.{key}": value for key, value in record.varied.items()}
                for name, record in self.plan.of_level(level).items()
            }
            for level in LEVELS
        }

    def _attacks(self) -> dict[str, dict[str, str]]:
        """Return the kind of attack of each data set and poison that a study has."""
        found: dict[str, dict[str, str]] = {}
        for study in self.plan.studies.values():
            for (dataset, poison), attack in study.attacks.items():
                found.setdefault(dataset, {})[poison] = attack
        return found

    def _detectors(self) -> dict[str, str]:
        """Return the detector of each deletion set that comes from one, both by name."""
        deletions = self.plan.deletions.values()
        return {deletion.name: deletion.detector.name for deletion in deletions if deletion.detector}
