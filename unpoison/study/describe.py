"""What the report tells of the plan: each study's question and settings, and what each figure shows."""

from collections.abc import Mapping
from typing import Any

from unpoison.plots import PLOTS
from unpoison.source_text import first_paragraph
from unpoison.study.attacks import part_names, part_options
from unpoison.study.code import PACKAGE
from unpoison.study.found import attack_of_study, is_found, note_of_figure
from unpoison.study.levels import DRAWN_ALWAYS, REFERENCES

DRAWING = PACKAGE / "drawing"
Description = dict[str, Any]


def describe_study(plan: Any, name: str) -> Description:
    """The question, seeds, varied keys, deletion sets (variant: entry) and entries of a study, as plain values."""
    entry = plan.config["studies"][name]
    variants = plan.studies[name].variants["deletion"]
    return {
        "question": entry["question"],
        "attack": attack_of_study(plan, name),
        "seeds": sorted(plan.studies[name].seeds),
        "vary": {key: sorted(values) for key, values in entry["vary"].items()},
        "deletions": {variant: plan.bases["deletion"][variant] for variant in variants},
        "entries": list(_entries(plan, entry)),
    }


def _entries(plan: Any, study: Mapping[str, Any]) -> list[Description]:
    config = plan.config
    training = config["trainings"][study["training"]]
    dataset = config["datasets"][study["dataset"]]
    named = [
        ("data set", study["dataset"], _chosen(plan, dataset)),
        ("source", dataset["source"], _source(plan, dataset["source"])),
        ("poison", study["poison"], _filled(plan, "poison", study["poison"])),
        *(
            ("part of the poison", part, config["poisons"][part])
            for part in part_names(study["poison"], config["poisons"][study["poison"]])
        ),
        ("training", study["training"], _trained(plan, study["training"])),
        ("recipe", training["recipe"], config["recipes"][training["recipe"]]),
        *(
            ("deletion set", deletion, config["deletions"][deletion])
            for deletion in sorted(study["deletions"])
        ),
        *(
            ("method", method, _filled(plan, "method", method))
            for method in sorted(study["methods"])
            if method not in REFERENCES
        ),
    ]
    return [{"what": what, "name": name, "options": dict(options)} for what, name, options in named]


def _filled(plan: Any, level: str, name: str) -> Mapping[str, Any]:
    """An entry with the defaults of its plug-in, where it is used as it stands; else as it is written."""
    written = plan.config[f"{level}s"][name]
    if name not in plan.entries[level]:
        return written
    kind, options = plan.kind_and_options(level, name)
    names = {option: sorted(written[option]) for option in part_options(kind)} if level == "poison" else {}
    return {**written, **options, **names}


def _chosen(plan: Any, dataset: Mapping[str, Any]) -> Mapping[str, Any]:
    """The same words for the same data set: its classes in order, and of `keep` what leaves images out."""
    classes = sorted(dataset.get("classes") or plan.peek(dataset["source"]).counts)
    # The integer 1 is one image.
    keep = {
        name: kept for name, kept in dataset["keep"].items() if not (isinstance(kept, float) and kept == 1)
    }
    return {**dataset, "classes": classes, "keep": keep}


def _source(plan: Any, name: str) -> Mapping[str, Any]:
    kind, _, options = plan.source_options(name)
    return {"source": kind, **plan.config["sources"][name], **options}


def _trained(plan: Any, name: str) -> Mapping[str, Any]:
    """A training with the defaults of its model, where it is used as it stands; else as it is written."""
    entry = plan.config["trainings"][name]
    return {**entry, **plan.model_options(name)[1]} if name in plan.entries["training"] else entry


def caption_of(plan: Any, figure: str) -> str:
    """Return a figure's caption from the docstring of the file that draws it, with the note that its studies need."""
    if figure in plan.config["figures"]:
        caption = PLOTS.summary(plan.figure_options(figure)[0])
        note = note_of_figure(plan, *plan.config["figures"][figure]["studies"])
    else:
        kind, study = figure.split("_", maxsplit=1)
        file = "found" if kind == "samples" and is_found(plan, study) else DRAWN_ALWAYS[kind]
        caption, note = first_paragraph(DRAWING / f"{file}.py"), note_of_figure(plan, study)
    return f"{caption} {note[0].upper()}{note[1:]}." if note else caption
