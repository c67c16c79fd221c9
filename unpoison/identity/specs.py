"""The `spec` of every job: its identity as one dict of plain values, the only thing Snakemake compares safely."""

from typing import Any

from unpoison.datasets import SOURCES
from unpoison.identity.blocks import (
    Spec,
    digest_of_data,
    in_order,
    list_content,
    model_of,
    poison_code,
    poisoned_data,
    recipe_of,
    settled_options,
    source_content,
    trigger_of,
)
from unpoison.identity.networks import NetworkSpecs
from unpoison.identity.tables import TableSpecs
from unpoison.metrics import METRICS
from unpoison.study.code import code_digest
from unpoison.study.entries import canonical
from unpoison.study.plan import Plan
from unpoison.study.studies import cell_of


class Specs(NetworkSpecs, TableSpecs):
    """One method for each rule, a function of the rule's wildcards alone."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan

    def prepare_source(self, wildcards: Any) -> Spec:
        source = self.plan.sources[wildcards.source]
        return canonical(
            {
                "source": source.kind,
                "image_size": source.image_size,
                "resize": source.resize,
                "interpolation": source.interpolation,
                "options": source.options,
                "content": source_content(self.plan, source),
                "code": code_digest("unpoison.jobs.prepare_source", SOURCES.code(source.kind)),
            }
        )

    def poison_dataset(self, wildcards: Any) -> Spec:
        dataset, poison = self.plan.datasets[wildcards.dataset], self.plan.poisons[wildcards.poison]
        data = poisoned_data(self.plan, dataset, poison)
        code = code_digest("unpoison.jobs.poison_dataset", *poison_code(poison))
        return in_order({**data, "seed": int(wildcards.seed), "code": code})

    def select_deletion(self, wildcards: Any) -> Spec:
        deletion = self.plan.deletions[wildcards.deletion]
        spec = {
            "deletion": deletion.asked,  # the list of rows, or the scores, are inputs
            "seed": int(wildcards.seed),
            "code": code_digest("unpoison.jobs.select_deletion"),
        }
        flagged = list_content(deletion)
        return canonical(spec if flagged is None else {**spec, "flagged": flagged})

    def verify(self, wildcards: Any) -> Spec:
        training = self.plan.trainings[wildcards.training]
        dataset, poison = self.plan.datasets[wildcards.dataset], self.plan.poisons[wildcards.poison]
        return {
            "code": code_digest("unpoison.jobs.verify"),
            "data": digest_of_data(self.plan, dataset, poison),
            "folds": self.plan.folds[cell_of(wildcards)],
            "model": model_of(training),
            "recipe": recipe_of(training),
            "trigger": trigger_of(poison),
        }

    def write_scan(self, wildcards: Any) -> Spec:
        scan = self.plan.scans[wildcards.scan]
        return {
            "check": scan.check.name,
            "code": code_digest("unpoison.jobs.write_scan"),
            "data": digest_of_data(self.plan, scan.dataset, scan.poison),
            "detectors": [detector.name for detector in scan.detectors],
            "model": model_of(scan.training),
            "recipe": recipe_of(scan.training),
            "planted": [poison.name for poison in scan.planted],
            "seeds": list(scan.seeds),
            "trigger": trigger_of(scan.poison),
        }

    def write_repair(self, wildcards: Any) -> Spec:
        repair = self.plan.repairs[wildcards.repair]
        cell = repair.cell
        dataset, poison = self.plan.datasets[cell.dataset], self.plan.poisons[cell.poison]
        method = self.plan.methods[cell.method]
        return {
            "code": code_digest("unpoison.jobs.write_repair", *(METRICS.code(name) for name in METRICS)),
            "data": digest_of_data(self.plan, dataset, poison),
            "method": method.kind,
            "options": settled_options(method),
            "trained": repair.study.trainings[0].weights is None,
            "trigger": trigger_of(poison),
        }

    def measure(self, wildcards: Any) -> Spec:
        names = {level: getattr(wildcards, level) for level in ("dataset", "poison", "training")}
        dataset, poison = self.plan.datasets[wildcards.dataset], self.plan.poisons[wildcards.poison]
        training = self.plan.trainings[wildcards.training]
        cells = self.plan.cells_of(**names, seed=int(wildcards.seed))
        verified = [[cell.deletion, cell.method] for cell in cells if cell in self.plan.folds]
        served = {cell.method: self.plan.served[cell] for cell in cells if cell in self.plan.served}
        return {
            "cells": [[cell.deletion, cell.method] for cell in cells],
            **({"verified": verified} if verified else {}),
            **({"served": served} if served else {}),
            "code": code_digest("unpoison.jobs.measure", *(METRICS.code(name) for name in METRICS)),
            "probes": list(self.plan.probes),
            "data": digest_of_data(self.plan, dataset, poison),
            "model": model_of(training),
            "recipe": recipe_of(training),
            "trigger": trigger_of(poison),
        }
