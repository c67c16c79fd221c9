import os
import sys
from functools import cache
from inspect import signature
from pathlib import Path
from types import SimpleNamespace

VERSION = "0.1.0"  # of the package that these rules call
# Jobs end when this process does.
os.environ.update(UNPOISON_SNAKEMAKE=str(os.getpid()))
HERE = workflow.current_basedir
# A path only on this machine: what Snakemake fetches from a repository is none.
TOP = Path(HERE).parents[1] if isinstance(HERE, os.PathLike) else None
IS_CHECKOUT = TOP is not None and (TOP / "unpoison" / "__init__.py").is_file()
if IS_CHECKOUT:
    # A checkout runs its own code, here and in its jobs, whatever is installed.
    sys.path.insert(0, str(TOP))
    os.environ.update(PYTHONPATH=str(TOP))

try:
    from unpoison import __version__ as FOUND
except ImportError:
    FOUND = "none"
if FOUND != VERSION:
    sys.exit(
        f"error: installed package unpoison: found {FOUND}, allowed: {VERSION}, the version of this workflow"
    )

from unpoison.runs.encoding import use_utf8

use_utf8()

from unpoison.runs.artifacts import ANSWERS, WEIGHTS, after_probe, folder_of
from unpoison.study.deletions import check_stampable
from unpoison.study.figures import trained_models
from unpoison.runs.gpu import gpu_slots, gpu_tag
from unpoison.runs.killed import Killed
from unpoison.jobs.warm import keep_warm
from unpoison.study.sections import RESERVED
from unpoison.study.patterns import is_literal
from unpoison.study.plan import Plan
from unpoison.runs.progress import Progress
from unpoison.identity.specs import Specs
from unpoison.runs.stopping import stop_when_told
from unpoison.study.written import check_file
from snakemake.logging import logger
from unpoison.bias import BY_MODEL
from unpoison.errors import UserError
from unpoison.files import hold
from unpoison.tables import derived_names, names as table_names, reported_names

# The Snakefile that uses this one as a module, if any.
OUTER = workflow.modifier.parent_modifier
# A module's config may be a part of a file, whose other keys are not ours to judge.
IS_WHOLE = OUTER is None or OUTER.globals["config"] is config
try:
    if IS_WHOLE:
        for file in workflow.configfiles:
            check_file(Path(file))
    plan = Plan(config)
except UserError as error:
    sys.exit(f"error: {error}")
specs = Specs(plan)
if any(isinstance(handler, Progress) for handler in logger.handlers):
    # Plug-ins and slots of GPUs are told to jobs by the environment, which is one for all.
    sys.exit(
        "error: module: found unpoison twice, allowed: once; one config may have many studies"
    )
logger.addHandler(Progress())
logger.addHandler(Killed())

ENV = "../../envs/unpoison.yaml"
THREADS = plan.settings.threads
KEEPS_ALL = plan.settings.keep_models == "all"
CORES = workflow.resource_settings.cores  # None where no job is to run
# Not workflow.local_exec: that is True until the rules are read. --jobs is given for other executors alone.
RUNS_HERE = workflow.resource_settings.nodes is None
if RUNS_HERE and CORES and THREADS > CORES:
    sys.exit(f"error: threads: found {THREADS}, allowed: up to {CORES}, the --cores")
GPU = gpu_tag(plan.settings.device, runs_here=RUNS_HERE or workflow.remote_exec)
SLOTS = plan.settings.gpu_slots_per_device
os.environ.update(UNPOISON_GPU_SLOTS=str(SLOTS))  # no part of what a job makes
PLUGINS = plan.settings.plugins
os.environ.update(UNPOISON_PLUGINS=os.path.abspath(PLUGINS) if PLUGINS else "")
if GPU and RUNS_HERE and "gpu" not in workflow.global_resources:
    workflow.register_resource("gpu", gpu_slots(SLOTS))


wildcard_constraints:
    source="[^/]+",
    dataset="[^/]+",
    seed="[0-9]+",
    poison="[^/]+",
    training="[^/]+",
    # what is no deletion set's stands beside the deletion sets
    deletion=rf"(?!(?:{'|'.join(RESERVED['deletion'])})/)[^/]+",
    detector="[^/]+",
    method="[^/]+",
    reference="base|oracle",
    figure="|".join(plan.figures) or "none",
    study="|".join(plan.studies),


HELD = []


def hold_results():
    """Keep a second run, from another checkout, out of the results until this process ends."""
    try:
        HELD.append(hold(Path(RESULTS_FOLDER)))
    except UserError as error:
        sys.exit(f"error: {error}")


def choose_when_a_job_ends():
    """Have Snakemake choose jobs when one has ended, and at no other time, where it starts them itself.

    Its limit of jobs per timespan, which clusters need, adds a wake-up per timespan for each job that has ended, and
    looks at all jobs that are ready each time: after a thousand of them it does nothing else.
    """
    if workflow.local_exec:
        workflow.scheduler.job_rate_limiter = None


def warm_up():
    """Import what the planned jobs import once, in a process that forks each of them, where jobs run here."""
    if not workflow.local_exec:
        return
    planned = {
        job.rule.name
        for job in workflow.dag.needrun_jobs()
        # others run in processes of their own, see unpoison/jobs/start.py
        if job.threads == 1 and not job.resources.get("gpu")
    }
    # The script of a workflow that uses this one may be an address.
    scripts = [
        Path(each.script).stem
        for each in workflow.rules
        if each.name in planned and isinstance(each.script, str)
    ]
    own = ("snakemake.logging", "snakemake.iocontainers")  # of every script's preamble
    keep_warm([*own, *dict.fromkeys(f"unpoison.jobs.{script}" for script in scripts)])


def tell_what_can_be_had():
    """A failed job leaves the others' cells: say how to see them, where there is a file for the commands to read."""
    if not IS_WHOLE:
        return
    configs = " ".join(map(os.path.relpath, workflow.configfiles))
    if RESULTS_FOLDER != plan.settings.results_folder:
        configs += f" results_folder={RESULTS_FOLDER}"
    command = (
        f"make {{}} CONFIG='{configs}'"
        if IS_CHECKOUT
        else f"python -m unpoison.runs.commands.{{}} {configs}"
    )
    print(
        f"{command.format('status')} tells which cells are missing and why; {command.format('partial')} makes"
        " tables, figures and a report of those that are done",
        file=sys.stderr,
    )


def with_signature(function):
    """Note what a function takes: Snakemake asks twice for each job, and finding it out takes longer than the call."""
    function.__signature__ = signature(function)
    return function


for name in dir(Specs):
    if not name.startswith("_"):
        with_signature(getattr(Specs, name))


def reads_files(step):
    """Make a spec that holds a digest of users' files end the run with one line where a file cannot be read."""

    @with_signature
    def spec_of(wildcards):
        try:
            return step(wildcards)
        except UserError as error:
            sys.exit(f"error: {error}")

    return spec_of


def where_asked(level, asks):
    """Make an input function of what is a file for the entries that ask for it, and nothing for others.

    Where none does it is no function: each one costs every job 0.1 ms.
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
    """The source that a data set draws from."""
    return plan.datasets[dataset].source.name


@with_signature
def source_images(wildcards):
    """The image array that a data set draws from."""
    return SOURCE_IMAGES.format(source=source_name(wildcards.dataset))


@with_signature
def scored_images(wildcards):
    """The same for a detector, whose triggered examples need a planted trigger, and test images that tell its classes."""
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
    """End in one line where some classes have test images and others none: their mean would be of the first alone."""
    untested = plan.counts.untested(plan.datasets[dataset])
    if 0 < len(untested) < len(plan.counts.training(plan.datasets[dataset])):
        sys.exit(
            f"error: dataset '{dataset}': found no test image of {', '.join(untested)}, needed: one or more of each class, "
            "or none at all; single files can be made all the same, up to the repaired models"
        )


def source_rows(wildcards):
    """The table of that array's rows."""
    return SOURCE_ROWS.format(source=source_name(wildcards.dataset))


@where_asked("poison", lambda poison: poison.needs_surrogate)
def perturbed_images(wildcards):
    """The poisoned images as the attacker changed them, of a poison that does more than stamp."""
    return PERTURBED.format(**dict(wildcards.items()))


@where_asked("deletion", lambda deletion: deletion.flagged)
def flagged_rows(wildcards):
    """The user's own list of flagged rows, for a deletion set that is one. Its content is compared in the spec.

    It is `local`: the `prefix` of a module is for what the workflow makes.
    """
    path = str(plan.deletions[wildcards.deletion].flagged)
    return local(ancient(path)) if is_literal(path) else []


def flagged_path(wildcards, input):
    """The same for the script, which takes any path. Snakemake tracks no param of a function that takes input."""
    path = plan.deletions[wildcards.deletion].flagged
    return None if path is None else str(path)


def given_weights(wildcards, input):
    """The user's weights of a training that gives them. Their content is compared in the spec."""
    file = plan.trainings[wildcards.training].weights
    return None if file is None else str(file)


@where_asked("deletion", lambda deletion: deletion.detector)
def detector_scores(wildcards):
    """The scores that a deletion set is cut from, for one that is a detector's."""
    detector = plan.deletions[wildcards.deletion].detector
    return SCORES.format(**dict(wildcards.items()), detector=detector.name)


@where_asked("deletion", lambda deletion: deletion.bias in BY_MODEL)
def base_outputs(wildcards):
    """The features and logits of the base model, for a deletion set whose errors depend on them."""
    return BASE_OUTPUTS.format(**dict(wildcards.items()))


def planned(**steps):
    """Make the function of a param: what the config asks of the inputs that these steps make.

    For what the job's own spec does not tell of them. Snakemake tracks no param of a function that takes input.
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
    """What names the source of a job's data set."""
    return {"source": source_name(names["dataset"])}


def its_deletion(names):
    """What names the deletion set of a job; nothing for a repair, which has none."""
    return names if "deletion" in names else {}


def data_folder(wildcards, input):
    """Where sources read from. Snakemake tracks no param of a function that takes input: moving data reruns nothing."""
    return plan.settings.data_folder


def sample_files(wildcards):
    """The images and rows that stand for a study."""
    shown = plan.sample_of(wildcards.study)
    changed = plan.poisons[shown["poison"]].needs_surrogate
    return {
        "images": SOURCE_IMAGES.format(source=source_name(shown["dataset"])),
        "rows": ROWS.format(**shown),
        "perturbed": PERTURBED.format(**shown) if changed else [],
    }


def tuning_files(wildcards):
    """What a method is tuned on: a poisoned model and a deletion set for each tuning seed."""
    tuning = plan.methods[wildcards.method].tuning
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
    """The record of a method's tuning, where its entry asks for it."""
    return TUNED.format(**dict(wildcards.items()))


def study_histories(wildcards):
    """How each poisoned model of a study was trained."""
    models = trained_models(plan.studies[wildcards.study])
    return [BASE_HISTORY.format(**model) for model, _ in models]


def probed(folder):
    """The answers of a model after each probe."""
    return {f"after_{name}": f"{folder}/{after_probe(name)}" for name in plan.probes}


@with_signature
def cell_files(wildcards):
    """The answers, records and deletion sets of all cells of a base model."""
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
    }


def shown_table(name):
    """The CSV twin of a table, which Snakemake's own report shows."""
    return report(
        f"<results>/tables/{name}.csv",
        caption=f"../report/{name}.rst",
        category="Tables",
        labels={"table": name},
    )


def kept(model):
    """The weights of a network as an output, where they are kept."""
    return {"model": model} if KEEPS_ALL else {}
