"""Descriptions for the report: the question and settings of each study, and the caption of each figure."""

from collections.abc import Mapping
from typing import Any

from unpoison.levels import REFERENCES
from unpoison.plots import PLOTS
from unpoison.source_text import first_paragraph
from unpoison.study.code import PACKAGE
from unpoison.study.contrasts import planned
from unpoison.study.parts import part_names, part_options
from unpoison.study.plan import Plan
from unpoison.study.sections import DRAWN_ALWAYS
from unpoison.study.studies import Study, note_of

DRAWING = PACKAGE / "drawing"
Description = dict[str, Any]


def describe_study(plan: Plan, name: str) -> Description:
    """Return a study as plain values: question, seeds, varied keys, deletion sets, contrasts and entries.

    `deletions` gives the entry of each variant.
    """
    study = plan.studies[name]
    return {
        "question": study.question,
        "attack": study.attack,
        "seeds": sorted(study.seeds),
        "vary": {key: sorted(values) for key, values in study.vary.items()},
        "deletions": {deletion.name: deletion.base for deletion in study.deletions},
        "contrasts": planned(study),
        "rounds": study.adaptive.words() if study.adaptive else "",
        "entries": list(_entries(plan, study)),
    }


def _entries(plan: Plan, study: Study) -> list[Description]:
    config, bases = plan.config, study.bases
    (dataset,), (poison,), (training,) = bases["dataset"], bases["poison"], bases["training"]
    source, recipe = config["datasets"][dataset]["source"], config["trainings"][training]["recipe"]
    named = [
        ("data set", dataset, _chosen(plan, config["datasets"][dataset])),
        ("source", source, _source(plan, source)),
        ("poison", poison, _poison(plan, poison)),
        *(
            ("part of the poison", part, config["poisons"][part])
            for part in part_names(poison, config["poisons"][poison])
        ),
        ("training", training, _training(plan, training)),
        ("recipe", recipe, config["recipes"][recipe]),
        *(
            ("deletion set", deletion, config["deletions"][deletion])
            for deletion in sorted(bases["deletion"])
        ),
        *(
            ("method", method, _method(plan, method))
            for method in sorted(bases["method"])
            if method not in REFERENCES
        ),
    ]
    return [{"what": what, "name": name, "options": dict(options)} for what, name, options in named]


# An entry that is used without varied keys includes the defaults of its plug-in; other entries are as written.


def _poison(plan: Plan, name: str) -> Mapping[str, Any]:
    written = plan.config["poisons"][name]
    if name not in plan.poisons:
        return written
    poison = plan.poisons[name]
    names = {option: sorted(written[option]) for option in part_options(poison.kind)}
    return {**written, **poison.options, **names}


def _training(plan: Plan, name: str) -> Mapping[str, Any]:
    written = plan.config["trainings"][name]
    return {**written, **plan.trainings[name].options} if name in plan.trainings else written


def _method(plan: Plan, name: str) -> Mapping[str, Any]:
    written = plan.config["methods"][name]
    return {**written, **plan.methods[name].options} if name in plan.methods else written


def _source(plan: Plan, name: str) -> Mapping[str, Any]:
    source = plan.sources[name]
    return {"source": source.kind, **plan.config["sources"][name], **source.options}


def _chosen(plan: Plan, dataset: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a data set, equal for equal images: sorted classes, and `keep` only where it leaves images out."""
    there = plan.counts.peek(plan.sources[dataset["source"]]).counts
    # The integer 1 is one image.
    keep = {
        name: kept for name, kept in dataset["keep"].items() if not (isinstance(kept, float) and kept == 1)
    }
    return {**dataset, "classes": sorted(dataset.get("classes") or there), "keep": keep}


def caption_of(plan: Plan, figure: str) -> str:
    """Return a figure's caption from the docstring of the file that draws it, with the note that its studies need."""
    if figure in plan.figures:
        caption = PLOTS.summary(plan.figures[figure].kind)
        note = note_of(*(plan.studies[name] for name in plan.figures[figure].studies))
    else:
        kind, name = figure.split("_", maxsplit=1)
        study = plan.studies[name]
        file = "found" if kind == "samples" and not study.plants else DRAWN_ALWAYS[kind]
        caption, note = first_paragraph(DRAWING / f"{file}.py"), note_of(study)
    return f"{caption} {note[0].upper()}{note[1:]}." if note else caption
