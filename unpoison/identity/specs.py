"""The `spec` of every job: its whole identity as one dict of plain values, the only thing Snakemake compares safely."""

from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

from unpoison.datasets import SOURCES
from unpoison.detectors import DETECTORS
from unpoison.identity.contents import contents
from unpoison.metrics import METRICS
from unpoison.models import MODELS
from unpoison.own_network import OWN, own_network
from unpoison.plots import PLOTS
from unpoison.plugin_files import Registered
from unpoison.poisons import POISONS, with_files
from unpoison.provenance import data_digest
from unpoison.study.attacks import kinds_of
from unpoison.study.code import code_digest, files_digest
from unpoison.study.describe import caption_of, describe_study
from unpoison.study.entries import canonical
from unpoison.study.figures import trained_models
from unpoison.study.found import attack_of, is_found, note_of_figure
from unpoison.study.plan import Plan
from unpoison.study.tuning import tuning_of
from unpoison.tables import CODE as TABLE_CODE
from unpoison.text import as_html
from unpoison.unlearning import METHODS

Spec = dict[str, Any]


class Specs:
    """One method for each rule, a function of the rule's wildcards alone.

    Snakemake's own report writes the params of jobs into a script of its page as they are. So the specs of jobs that it
    shows escape what users wrote: `snakemake --report` would run it otherwise. Their scripts read it with `from_html`.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan

    def prepare_source(self, wildcards: Any) -> Spec:
        kind, image_size, options = self.plan.source_options(wildcards.source)
        return canonical(
            {
                "source": kind,
                "image_size": image_size,
                "options": options,
                "content": _content_of_source(self.plan, wildcards.source),
                "code": code_digest("unpoison.jobs.prepare_source", SOURCES.code(kind)),
            }
        )

    def poison_dataset(self, wildcards: Any) -> Spec:
        files = _poison_files(self.plan, wildcards.poison)
        code = code_digest("unpoison.jobs.poison_dataset", *files)
        data = _data(self.plan, wildcards.dataset, wildcards.poison)
        return _in_order({**data, "seed": int(wildcards.seed), "code": code})

    def train_base(self, wildcards: Any) -> Spec:
        # Detectors and methods find their features by the base model. No other network has them.
        features = self.plan.preprocessing(wildcards.training)["features"]
        spec = {**self._train(wildcards, "base"), "features": features}
        weights = _content_of_weights(self.plan, wildcards.training)
        return _in_order(spec if weights is None else {**spec, "weights": weights})

    def train_oracle(self, wildcards: Any) -> Spec:
        return self._train(wildcards, "oracle")

    def train_surrogate(self, wildcards: Any) -> Spec:
        return self._train(wildcards, "surrogate")

    def perturb_images(self, wildcards: Any) -> Spec:
        kind, options = self.plan.kind_and_options("poison", wildcards.poison)
        taken = {name: options[name] for name in POISONS.options(kind, "perturb")}
        code = self._code(wildcards, "unpoison.jobs.perturb_images")
        return _in_order({**self._network(wildcards), "options": canonical(taken), "code": code})

    def score_rows(self, wildcards: Any) -> Spec:
        kind, examples, options = self.plan.detector_options(wildcards.detector)
        return _in_order(
            {
                **self._network(wildcards),
                "detector": kind,
                "triggered_examples": examples,
                "options": canonical(options),
                "recipe": _recipe(self.plan, wildcards.training),
                "code": self._code(wildcards, "unpoison.jobs.score_rows", DETECTORS.code(kind)),
            }
        )

    def select_deletion(self, wildcards: Any) -> Spec:
        entry = dict(self.plan.entry("deletion", wildcards.deletion))
        for source in ("rows", "detector"):  # an input
            entry.pop(source, None)
        spec = {
            "deletion": entry,
            "seed": int(wildcards.seed),
            "code": code_digest("unpoison.jobs.select_deletion"),
        }
        flagged = _content_of_list(self.plan, wildcards.deletion)
        return canonical(spec if flagged is None else {**spec, "flagged": flagged})

    def tune(self, wildcards: Any) -> Spec:
        tuning = tuning_of(self.plan, wildcards.method)
        assert tuning, f"{wildcards.method} is not tuned"
        kind, options = self.plan.kind_and_options("method", wildcards.method)
        return canonical(
            {
                **self._network(wildcards),
                "seeds": tuning.seeds,
                "deletion": tuning.deletion,
                "method": kind,
                "fixed": {name: value for name, value in options.items() if name not in tuning.space},
                "defaults": {name: options[name] for name in tuning.space},
                "space": tuning.space,
                "trials": tuning.trials,
                "recipe": _recipe(self.plan, wildcards.training),
                "code": self._code(wildcards, "unpoison.jobs.tune", METHODS.code(kind)),
            }
        )

    def unlearn(self, wildcards: Any) -> Spec:
        kind, options = _method(self.plan, wildcards.method)
        return _in_order(
            {
                **self._network(wildcards),
                "method": kind,
                "options": options,
                "recipe": _recipe(self.plan, wildcards.training),
                "code": self._code(wildcards, "unpoison.jobs.unlearn", METHODS.code(kind)),
            }
        )

    def measure(self, wildcards: Any) -> Spec:
        names = {level: getattr(wildcards, level) for level in ("dataset", "poison", "training")}
        cells = self.plan.cells_of(**names, seed=int(wildcards.seed))
        code = code_digest("unpoison.jobs.measure", *(METRICS.code(name) for name in METRICS))
        return {
            "cells": [[cell.deletion, cell.method] for cell in cells],
            "code": code,
            "data": _data_digest(self.plan, wildcards.dataset, wildcards.poison),
            "model": _model(self.plan, wildcards.training),
            "trigger": _trigger(self.plan, wildcards.poison),
        }

    def collect_results(self, wildcards: Any) -> Spec:
        studies = {
            name: {
                **{level: sorted(names) for level, names in study.variants.items()},
                "seed": sorted(study.seeds),
                "vary": study.varied,
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
        return {
            "averaged": self.plan.averaged,
            "code": code_digest("unpoison.jobs.make_tables", *TABLE_CODE),
        }

    def write_report(self, wildcards: Any) -> Spec:
        studies = {name: describe_study(self.plan, name) for name in self.plan.studies}
        figures = [[name, caption_of(self.plan, name)] for name in self.plan.figures]
        code = [
            code_digest("unpoison.jobs.write_report"),
            files_digest("unpoison/report", "html", "css", "js"),
        ]
        folder = self.plan.config["results_folder"]
        return as_html(canonical({"studies": studies, "figures": figures, "folder": folder, "code": code}))

    def trace_records(self, wildcards: Any) -> Spec:
        return {"code": code_digest("unpoison.jobs.trace_records")}

    def draw_figure(self, wildcards: Any) -> Spec:
        kind, options = self.plan.figure_options(wildcards.figure)
        studies = sorted(self.plan.config["figures"][wildcards.figure]["studies"])
        code = code_digest("unpoison.jobs.draw_figure", PLOTS.code(kind))
        note = note_of_figure(self.plan, *studies)
        spec = {"figure": kind, "studies": studies, "options": options, "note": note, "code": code}
        return as_html(canonical(spec))

    def draw_samples(self, wildcards: Any) -> Spec:
        poison = str(self.plan.sample_of(wildcards.study)["poison"])
        code = code_digest("unpoison.jobs.draw_samples", *_poison_files(self.plan, poison))
        told = {
            "is_found": is_found(self.plan, wildcards.study),
            "note": note_of_figure(self.plan, wildcards.study),
        }
        return as_html(canonical({"trigger": _trigger(self.plan, poison), **told, "code": code}))

    def draw_training(self, wildcards: Any) -> Spec:
        models = trained_models(self.plan, wildcards.study)
        lines = [{"variant": variant, "seed": model["seed"]} for model, variant in models]
        told = {
            "what": "models as they were trained"
            if is_found(self.plan, wildcards.study)
            else "poisoned models",
            "note": note_of_figure(self.plan, wildcards.study),
        }
        return canonical({"models": lines, **told, "code": code_digest("unpoison.jobs.draw_training")})

    def _train(self, wildcards: Any, role: str) -> Spec:
        return _in_order(
            {
                **self._network(wildcards),
                "role": role,
                "recipe": _recipe(self.plan, wildcards.training),
                "code": self._code(wildcards, f"unpoison.jobs.train_{role}"),
            }
        )

    def _network(self, wildcards: Any) -> Spec:
        """What every job that runs a network is told."""
        config = self.plan.config
        seed = {"seed": int(wildcards.seed)} if hasattr(wildcards, "seed") else {}  # tuning has its own
        return {
            "model": _model(self.plan, wildcards.training),
            "trigger": _trigger(self.plan, wildcards.poison),
            "data": _data_digest(self.plan, wildcards.dataset, wildcards.poison),
            **seed,
            "threads": config["threads"],
            "device": config["device"],
            "precision": config["precision"],
        }

    def _code(self, wildcards: Any, *modules: str | Registered) -> str:
        poison = _poison_files(self.plan, wildcards.poison)
        return code_digest(*modules, *poison, *_network_files(self.plan, wildcards.training))

    def _varied(self) -> dict[str, dict[str, dict[str, Any]]]:
        """For each level and variant, its varied keys as dotted names and their values."""
        return {
            level: {
                name: {f"{level}.{key}": value for key, value in settings.items()}
                for name, settings in names.items()
            }
            for level, names in self.plan.varied.items()
        }

    def _attacks(self) -> dict[str, dict[str, str]]:
        """For each data set and poison that a study has, what is known of its poisons."""
        found: dict[str, dict[str, str]] = {}
        for study in self.plan.studies.values():
            for dataset, poison in product(study.variants["dataset"], study.variants["poison"]):
                found.setdefault(dataset, {})[poison] = attack_of(self.plan, dataset, poison)
        return found

    def _detectors(self) -> dict[str, str]:
        """For each deletion set that comes from a detector its name."""
        deletions = self.plan.entries["deletion"].items()
        return {name: entry["detector"] for name, entry in deletions if "detector" in entry}


# -- blocks that many specs share: made once for each entry, not once for each job ----------------------


@cache
def _content_of_source(plan: Plan, source: str) -> str:
    """A digest of what the user's files hold. No input of a job: Snakemake would compare their times."""
    return _content(Path(plan.config["data_folder"]), plan.peek(source).files)


@cache
def _content_of_list(plan: Plan, deletion: str) -> str | None:
    """A digest of the user's list of flagged rows, of a deletion set that is one."""
    file = plan.flagged_file(deletion)
    return None if file is None else _content(file.parent, (str(file),))


def _content(folder: Path, files: tuple[str, ...]) -> str:
    digest = contents().of_files(folder, files)
    contents().keep()
    return digest


@cache
def _data(plan: Plan, dataset: str, poison: str) -> Spec:
    """Return the settings that a poisoned data set is made by, without its seed."""
    entry = plan.entry("dataset", dataset)
    kind, options = plan.kind_and_options("poison", poison)
    classes = list(plan.training_rows(dataset))
    chosen = {
        "classes": sorted(classes),
        "keep": {name: entry["keep"].get(name, 1.0) for name in classes},
        "validation": entry["validation"],
    }
    image_size = plan.source_options(entry["source"])[1]
    data = {"dataset": chosen, "image_size": image_size, "poison": kind, "options": options}
    files = _contents_of_poison(plan, poison)
    return canonical({**data, "files": files} if files else data)


@cache
def _contents_of_poison(plan: Plan, poison: str) -> dict[str, str]:
    """A digest of each user's file that an option of a poison names."""
    kind, options = plan.kind_and_options("poison", poison)
    folder = plan.config["data_folder"]
    paths = with_files(kind, options, folder)
    named = [name for name in POISONS.constant(kind, "FILES", ()) if options[name] is not None]
    return {name: _content(Path(folder), (paths[name],)) for name in named}


@cache
def _data_digest(plan: Plan, dataset: str, poison: str) -> str:
    return data_digest(_data(plan, dataset, poison))


@cache
def _trigger(plan: Plan, poison: str) -> Spec:
    kind, options = plan.kind_and_options("poison", poison)
    taken = POISONS.options(kind, "stamp")
    stamped = {name: value for name, value in options.items() if name in taken}
    return canonical({"poison": kind, "options": stamped, "stamp": plan.entry("poison", poison)["stamp"]})


@cache
def _poison_files(plan: Plan, poison: str) -> tuple[str | Registered, ...]:
    return tuple(POISONS.code(kind) for kind in kinds_of(plan, poison))


@cache
def _model(plan: Plan, training: str) -> Spec:
    name, options = plan.model_options(training)
    how = {key: value for key, value in plan.preprocessing(training).items() if key != "features"}
    return canonical({"name": name, "options": options, **how})


@cache
def _network_files(plan: Plan, training: str) -> tuple[str | Registered, ...]:
    name, options = plan.model_options(training)
    own = [own_network(options[OWN])[0]] if name == OWN else []
    return (MODELS.code(name), *own)


@cache
def _content_of_weights(plan: Plan, training: str) -> str | None:
    """A digest of the weights that a training gives: an input by content."""
    file = plan.weights_file(training)
    return None if file is None else _content(file.parent, (str(file),))


@cache
def _recipe(plan: Plan, training: str) -> Spec:
    return canonical(plan.recipe(training))


@cache
def _method(plan: Plan, method: str) -> tuple[str, Spec]:
    """Its plug-in and the options that the config decides: what is tuned is an input of its jobs."""
    kind, options = plan.kind_and_options("method", method)
    tuning = tuning_of(plan, method)
    searched = tuning.space if tuning else ()
    return kind, canonical({name: value for name, value in options.items() if name not in searched})


def _in_order(spec: Spec) -> Spec:
    """Like `canonical`, for values that are so already."""
    return dict(sorted(spec.items()))
