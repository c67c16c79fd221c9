"""Parts that the specs of many jobs share: made once for each record of the plan, not once for each job."""

from functools import cache
from pathlib import Path
from typing import Any

from unpoison.identity.contents import contents
from unpoison.models import MODELS
from unpoison.own_network import OWN, own_network
from unpoison.plugin_files import Registered
from unpoison.poisons import POISONS
from unpoison.probes import PROBES
from unpoison.provenance import options_digest
from unpoison.study.code import code_digest
from unpoison.study.entries import canonical
from unpoison.study.plan import Plan
from unpoison.study.records import Dataset, Deletion, Detector, Method, Poison, Source, Training

Spec = dict[str, Any]
Code = tuple[str | Registered, ...]  # of plug-ins, as `code_digest` takes it


@cache
def source_content(plan: Plan, source: Source) -> str:
    """Return a digest of the content of a source's files. They are not inputs: Snakemake would compare their times."""
    return _content(Path(plan.settings.data_folder), plan.counts.peek(source).files)


@cache
def list_content(deletion: Deletion) -> str | None:
    """Return a digest of the user's list of flagged rows; None for a deletion set without one."""
    return _content_of(deletion.flagged)


@cache
def weights_content(training: Training) -> str | None:
    """Return a digest of a training's given weights, which are an input by content; None without weights."""
    return _content_of(training.weights)


@cache
def poisoned_data(plan: Plan, dataset: Dataset, poison: Poison) -> Spec:
    """Return the settings of a poisoned data set, without its seed."""
    classes = list(plan.counts.training(dataset))
    chosen = {
        "classes": sorted(classes),
        "keep": {name: dataset.keep.get(name, 1.0) for name in classes},
        "validation": dataset.validation,
    }
    size = dataset.source.image_size
    data = {"dataset": chosen, "image_size": size, "poison": poison.kind, "options": poison.options}
    if poison.avoid is not None:
        data["avoid"] = _suspicion_of(plan, poison.avoid)
    files = _poison_contents(plan, poison)
    return canonical({**data, "files": files} if files else data)


def _suspicion_of(plan: Plan, name: str) -> Spec:
    """Return the settings that decide, besides the data, which rows a scan suspects."""
    scan = plan.scans[name]
    training = scan.training
    return {"options": scan.check.options, "model": model_of(training), "recipe": recipe_of(training)}


@cache
def digest_of_data(plan: Plan, dataset: Dataset, poison: Poison) -> str:
    """Return a digest of `poisoned_data`, as it is in records."""
    return options_digest(poisoned_data(plan, dataset, poison))


@cache
def trigger_of(poison: Poison) -> Spec:
    """Return the trigger of a poison, and when training stamps it."""
    taken = POISONS.options(poison.kind, "stamp")
    stamped = {name: value for name, value in poison.options.items() if name in taken}
    return canonical({"poison": poison.kind, "options": stamped, "stamp": poison.stamp})


@cache
def model_of(training: Training) -> Spec:
    """Return the network of a training, without the layer of features, which changes no weight."""
    how = {key: value for key, value in training.preprocessing.items() if key != "features"}
    return canonical({"name": training.model, "options": training.options, **how})


@cache
def recipe_of(training: Training) -> Spec:
    """Return the recipe of a training."""
    return canonical(training.recipe)


@cache
def settled_options(method: Method) -> Spec:
    """Return the options of a method that the config sets."""
    return canonical(method.settled)


@cache
def chosen_options(method: Method) -> Spec:
    """Return the options of a method that the config sets, and the budget that the tuned ones depend on."""
    options = {"options": settled_options(method)}
    return options if method.budget is None else {**options, "budget": method.budget}


@cache
def detector_options(detector: Detector) -> Spec:
    """Return the options of a detector."""
    return canonical(detector.options)


@cache
def poison_code(poison: Poison) -> Code:
    """Return the files of the plug-ins that a poison runs."""
    return tuple(POISONS.code(kind) for kind in poison.kinds)


@cache
def network_code(training: Training) -> Code:
    """Return the files of a training's network: the plug-in, and the user's own."""
    own = [own_network(training.options[OWN])[0]] if training.model == OWN else []
    return (MODELS.code(training.model), *own)


@cache
def probes_of(plan: Plan) -> Spec:
    """Return the probes of each model, with the digest of their code; empty if there is none."""
    if not plan.probes:
        return {}
    code = code_digest("unpoison.steps.probing", *(PROBES.code(name) for name in plan.probes))
    return {"probes": canonical(plan.probes), "probes_code": code}


def in_order(spec: Spec) -> Spec:
    """Return a spec with its keys sorted, for values that are canonical already."""
    return dict(sorted(spec.items()))


@cache
def _poison_contents(plan: Plan, poison: Poison) -> dict[str, str]:
    """Return a digest of each of the user's files that an option of a poison names."""
    folder = Path(plan.settings.data_folder)
    return {name: _content(folder, (file,)) for name, file in poison.files.items()}


def _content_of(file: Path | None) -> str | None:
    return None if file is None else _content(file.parent, (str(file),))


def _content(folder: Path, files: tuple[str, ...]) -> str:
    digest = contents().of_files(folder, files)
    contents().keep()
    return digest
