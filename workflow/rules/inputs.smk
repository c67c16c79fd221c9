"""The functions of inputs, outputs and params that rules share. Each depends only on wildcards and the plan."""

from functools import cache
from inspect import signature
from types import SimpleNamespace

from unpoison.bias import BY_MODEL
from unpoison.plots import tables_needed
from unpoison.runs.artifacts import ANSWERS, after_probe, folder_of
from unpoison.study.deletions import check_stampable
from unpoison.study.figures import trained_models
from unpoison.study.patterns import is_literal
from unpoison.study.repairs import words_of_repair
from unpoison.study.scans import words_of
from unpoison.study.studies import cell_of


def with_signature(function):
    """Store a function's signature: Snakemake reads it twice for each job, and computing it is slower than the call."""
    function.__signature__ = signature(function)
    return function


for name in dir(Specs):
    if not name.startswith("_"):
        with_signature(getattr(Specs, name))


def reads_files(step):
    """Return the spec function, which ends the run with one line if a user's file cannot be read."""

    @with_signature
    def spec_of(wildcards):
        try:
            return step(wildcards)
        except UserError as error:
            sys.exit(f"error: {error}")

    return spec_of


def where_asked(level, asks):
    """Make an input function that returns a file for the entries that need it, and nothing for others.

    If no entry needs it, the result is an empty list, since each function costs every job 0.1 ms.
    """

    def input_of(file):
        def asked(wildcards):
            record = plan.of_level(level)[getattr(wildcards, level)]
            return file(wildcards) if asks(record) else []

        return (
            with_signature(asked)
            if any(map(asks, plan.of_level(level).values()))
            else []
        )

    return input_of


def source_name(dataset):
    """Return the source of a data set."""
    return plan.datasets[dataset].source.name


@with_signature
def source_images(wildcards):
    """Return the image array of a data set's source."""
    return SOURCE_IMAGES.format(source=source_name(wildcards.dataset))


@with_signature
def scored_images(wildcards):
    """Return the same for a detector, after a check that its triggered examples can be stamped."""
    detector = plan.detectors[wildcards.detector]
    if detector.triggered_examples:
        dataset, poison = (
            plan.datasets[wildcards.dataset],
            plan.poisons[wildcards.poison],
        )
        try:
            check_stampable(plan.counts, dataset, poison, detector)
        except UserError as error:
            sys.exit(f"error: {error}")
    return source_images(wildcards)


@cache
def refuse_untested(dataset):
    """End with one line if only some classes have test images: the mean would leave out the other classes."""
    untested = plan.counts.untested(plan.datasets[dataset])
    if 0 < len(untested) < len(plan.counts.training(plan.datasets[dataset])):
        sys.exit(
            f"error: dataset '{dataset}': found no test image of {', '.join(untested)}, needed: one or more of each class, "
            "or none at all; single files up to the repaired models can still be made"
        )


def source_rows(wildcards):
    """Return the table of rows of that array."""
    return SOURCE_ROWS.format(source=source_name(wildcards.dataset))


@where_asked("poison", lambda poison: poison.avoid)
def avoided_scores(wildcards):
    """Return the scores of the left-out check; an attack is not planted on the rows that it suspects."""
    scan = plan.scans[plan.poisons[wildcards.poison].avoid]
    return SCORES.format(**scan.names(scan.seeds[0]), detector=scan.check.name)


@where_asked("poison", lambda poison: poison.needs_surrogate)
def perturbed_images(wildcards):
    """Return the attacker's perturbed images, for a poison that does more than stamp."""
    return PERTURBED.format(**dict(wildcards.items()))


@where_asked("deletion", lambda deletion: deletion.flagged)
def flagged_rows(wildcards):
    """Return the user's list of flagged rows, for a deletion set that uses one. Its content is compared in the spec.

    It is `local`, since the `prefix` of a module is only for files that the workflow makes.
    """
    path = str(plan.deletions[wildcards.deletion].flagged)
    return local(ancient(path)) if is_literal(path) else []


def flagged_path(wildcards, input):
    """Return the same for the script, which takes any path. A param of a function with `input` is not tracked."""
    path = plan.deletions[wildcards.deletion].flagged
    return None if path is None else str(path)


def given_weights(wildcards, input):
    """Return the user's weights, for a training that uses them. Their content is compared in the spec."""
    file = plan.trainings[wildcards.training].weights
    return None if file is None else str(file)


@where_asked("deletion", lambda deletion: deletion.detector)
def detector_scores(wildcards):
    """Return the detector's scores of a deletion set, for one that uses a detector."""
    detector = plan.deletions[wildcards.deletion].detector
    return SCORES.format(**dict(wildcards.items()), detector=detector.name)


@where_asked("deletion", lambda deletion: deletion.bias in BY_MODEL)
def base_outputs(wildcards):
    """Return the features and logits of the base model, for a deletion set whose errors depend on them."""
    return BASE_OUTPUTS.format(**dict(wildcards.items()))


def planned(**steps):
    """Make the function of a param: the planned specs of the inputs that these steps make.

    It covers facts that the job's own spec omits. A param of a function with `input` is not tracked by Snakemake.
    """

    def specs_of(wildcards, input):
        names = dict(wildcards.items())
        return {
            step: reads_files(getattr(specs, step))(SimpleNamespace(**more(names)))
            for step, more in steps.items()
            if more(names)
        }

    return specs_of


def its_source(names):
    """Return the wildcards of the source of a job's data set."""
    return {"source": source_name(names["dataset"])}


def its_deletion(names):
    """Return the wildcards of a job's deletion set; empty for a repair without one."""
    return names if "deletion" in names else {}


def data_folder(wildcards, input):
    """Return the folder of the data. A param of a function with `input` is not tracked, so moved data rerun nothing."""
    return plan.settings.data_folder


def sample_files(wildcards):
    """Return the images and rows that represent a study."""
    shown = plan.sample_of(wildcards.study)
    changed = plan.poisons[shown["poison"]].needs_surrogate
    return {
        "images": SOURCE_IMAGES.format(source=source_name(shown["dataset"])),
        "rows": ROWS.format(**shown),
        "perturbed": PERTURBED.format(**shown) if changed else [],
    }


def tuning_files(wildcards):
    """Return the inputs of a tuning: a poisoned model and a deletion set for each tuning seed."""
    tuning = plan.searches[wildcards.method].tuning
    patterns = {"rows": ROWS, "model": BASE_MODEL, "deletion": DELETION}
    if plan.poisons[wildcards.poison].needs_surrogate:
        patterns["perturbed"] = PERTURBED
    of_seed = [
        {**dict(wildcards.items()), "deletion": tuning.deletion, "seed": seed}
        for seed in tuning.seeds
    ]
    return {
        name: [pattern.format(**names) for names in of_seed]
        for name, pattern in patterns.items()
    }


@where_asked("method", lambda method: method.tuning)
def tuned_file(wildcards):
    """Return the record of a method's tuning, if its entry asks for it."""
    method = plan.methods[wildcards.method].searched_as
    return TUNED.format(**{**dict(wildcards.items()), "method": method})


def study_histories(wildcards):
    """Return the training history of each poisoned model of a study."""
    models = trained_models(plan.studies[wildcards.study])
    return [BASE_HISTORY.format(**model) for model, _ in models]


def probed(folder):
    """Return the answers of a model after each probe."""
    return {f"after_{name}": f"{folder}/{after_probe(name)}" for name in plan.probes}


@with_signature
def cell_files(wildcards):
    """Return the answers, records and deletion sets of all cells of a base model."""
    refuse_untested(wildcards.dataset)
    names = dict(wildcards.items())
    cells = plan.cells_of(**{**names, "seed": int(wildcards.seed)})
    folders = [f"<results>/{folder_of(cell)}" for cell in cells]
    deletions = sorted({cell.deletion for cell in cells if cell.deletion})
    return {
        "answers": [f"{folder}/{ANSWERS}" for folder in folders],
        "probed": [path for folder in folders for path in probed(folder).values()],
        "runs": [f"{folder}/run.json" for folder in folders],
        "deletions": [DELETION.format(**names, deletion=each) for each in deletions],
        "verified": [
            VERIFIED.format(**vars(cell)) for cell in cells if cell in plan.folds
        ],
    }


@with_signature
def held_out_answers(wildcards):
    """Return the answers of the models that were repaired without one fold each, in the order of the folds."""
    folds = plan.folds[cell_of(wildcards)]
    names = dict(wildcards.items())
    return [HELD_OUT.format(**names, fold=fold) for fold in range(folds)]


@with_signature
def figure_tables(wildcards):
    kind = plan.figures[wildcards.figure].kind
    return [TABLE.format(table=name) for name in tables_needed(kind)]


def repair_files(wildcards):
    """Return the repaired and the poisoned model, with all files that describe the changes by the repair."""
    cell = plan.repairs[wildcards.repair].cell
    names = vars(cell)
    after = UNLEARNED_MODEL.format(**names)
    relearned = [after_probe(name) for name in plan.probes if name == "relearning"]
    return {
        "rows": ROWS.format(**names),
        "deletion": DELETION.format(**names),
        "model": after,
        "answers": [BASE_ANSWERS.format(**names), UNLEARNED_ANSWERS.format(**names)],
        "runs": [BASE_RUN.format(**names), UNLEARNED_RUN.format(**names)],
        "probed": [f"{os.path.dirname(after)}/{file}" for file in relearned],
        "verified": VERIFIED.format(**names),
        "checks": [
            REFERENCE_RUN.format(**names),
            *(
                HELD_OUT_RUN.format(**names, fold=fold)
                for fold in range(plan.folds[cell])
            ),
        ],
        "images": SOURCE_IMAGES.format(source=source_name(cell.dataset)),
    }


def repair_words(wildcards, input):
    """Return the words for data and model on a repair's page. A param of a function with `input` is not tracked."""
    return words_of_repair(plan.repairs[wildcards.repair], plan.probes)


def scan_files(wildcards):
    """Return the scores of a scan's searches, seed after seed, with the images and the models' answers."""
    scan = plan.scans[wildcards.scan]
    of_seed = [scan.names(seed) for seed in scan.seeds]
    scored = [
        {**names, "detector": detector.name}
        for names in of_seed
        for detector in scan.detectors
    ]
    return {
        "images": SOURCE_IMAGES.format(source=scan.dataset.source.name),
        "rows": [ROWS.format(**names) for names in of_seed],
        "scores": [SCORES.format(**names) for names in scored],
        "answers": [BASE_ANSWERS.format(**names) for names in of_seed],
        "planted_rows": [ROWS.format(**names) for names in scan.planted_names],
        "planted_scores": [
            SCORES.format(**names, detector=detector.name)
            for names in scan.planted_names
            for detector in scan.detectors
        ],
        "runs": [BASE_RUN.format(**names) for names in of_seed]
        + [SCORES_RUN.format(**names) for names in scored],
    }


def scan_words(wildcards, input):
    """Return the words for data and model on a scan's page. A param of a function with `input` is not tracked."""
    return words_of(plan.scans[wildcards.scan], plan.settings)


def shown_table(name):
    """Return the CSV copy of a table, which Snakemake's own report shows."""
    return report(
        f"<results>/tables/{name}.csv",
        caption=f"../report/{name}.rst",
        category="Tables",
        labels={"table": name},
    )


def kept(model):
    """Return the weights of a network as an output, if they are kept."""
    return {"model": model} if KEEPS_ALL else {}
