import os
import sys
from pathlib import Path

VERSION = "0.1.0"  # of the package that these rules call
# Jobs end when this process ends.
os.environ.update(UNPOISON_SNAKEMAKE=str(os.getpid()))
HERE = workflow.current_basedir
# A path only for a workflow on this machine; one that Snakemake fetches from a repository has no path.
TOP = Path(HERE).parents[1] if isinstance(HERE, os.PathLike) else None
IS_CHECKOUT = TOP is not None and (TOP / "unpoison" / "__init__.py").is_file()
if IS_CHECKOUT:
    # A checkout runs its own code, here and in its jobs, even if another version is installed.
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

from unpoison.runs.artifacts import WEIGHTS, folder_of
from unpoison.runs.gpu import gpu_slots, gpu_tag
from unpoison.runs.killed import Killed
from unpoison.jobs.warm import keep_warm
from unpoison.study.sections import RESERVED
from unpoison.study.adaptive import FOLDER as DECISIONS
from unpoison.study.plan import Plan
from unpoison.runs.progress import Progress, listener
from unpoison.identity.specs import Specs
from unpoison.runs.starting import further_round, what_can_be_had
from unpoison.runs.stopping import stop_when_told, stop_with
from unpoison.study.written import check_file
from snakemake.logging import logger
from unpoison.errors import UserError
from unpoison.files import hold
from unpoison.tables import derived_names, names as table_names, reported_names

# The Snakefile that uses this one as a module, if any.
OUTER = workflow.modifier.parent_modifier
# A module's config may be part of a file whose other keys belong to another workflow.
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
    # Jobs get plug-ins and GPU slots through environment variables, which all workflows of a process share.
    sys.exit(
        "error: module: found unpoison twice, allowed: once; one config may have many studies"
    )
LISTENER = listener()
# First, so that the error of a killed job is in its log before it is shown.
logger.addHandler(Killed())
logger.addHandler(Progress(listener=LISTENER))

ENV = "../../envs/unpoison.yaml"
THREADS = plan.settings.threads
KEEPS_ALL = plan.settings.keep_models == "all"
CORES = workflow.resource_settings.cores  # None if no job is to run
# Not workflow.local_exec, which is True until the rules are read. --jobs is given only for other executors.
RUNS_HERE = workflow.resource_settings.nodes is None
if RUNS_HERE and CORES and THREADS > CORES:
    sys.exit(f"error: threads: found {THREADS}, allowed: up to {CORES}, the --cores")
GPU = gpu_tag(plan.settings.device, runs_here=RUNS_HERE or workflow.remote_exec)
SLOTS = plan.settings.gpu_slots_per_device
os.environ.update(UNPOISON_GPU_SLOTS=str(SLOTS))  # does not affect results
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
    # exclude sibling folders of the deletion sets (base, scores, ...)
    deletion=rf"(?!(?:{'|'.join(RESERVED['deletion'])})/)[^/]+",
    detector="[^/]+",
    method="[^/]+",
    reference="base|oracle",
    figure="|".join(plan.figures) or "none",
    study="|".join(plan.studies) or "none",
    repair="|".join(plan.repairs) or "none",
    scan="|".join(plan.scans) or "none",
    fold="[0-9]+",


HELD = []


def hold_results():
    """Keep a second run, from another checkout, out of the results until this process ends."""
    try:
        HELD.append(hold(Path(RESULTS_FOLDER)))
    except UserError as error:
        sys.exit(f"error: {error}")


def choose_when_a_job_ends():
    """Let Snakemake choose jobs only when a job has ended, if it runs them on this machine.

    Its limit of jobs per timespan, which clusters need, adds a wake-up per timespan for each finished job. Each
    wake-up checks all ready jobs, so after a thousand jobs Snakemake does nothing else.
    """
    if workflow.local_exec:
        workflow.scheduler.job_rate_limiter = None


def tell_of_all_jobs():
    """Let Snakemake log the end of each job even with --quiet, since our progress counts them."""
    workflow.scheduler.print_progress = True


def warm_up():
    """Import the modules of the planned jobs once, in a process that forks each job, if jobs run on this machine."""
    if not workflow.local_exec:
        return
    planned = {
        job.rule.name
        for job in workflow.dag.needrun_jobs()
        # others run in separate processes, see unpoison/jobs/start.py
        if job.threads == 1 and not job.resources.get("gpu")
    }
    # The script of a workflow that uses this one may be an address.
    scripts = [
        Path(each.script).stem
        for each in workflow.rules
        if each.name in planned and isinstance(each.script, str)
    ]
    own = (
        "snakemake.logging",
        "snakemake.iocontainers",
    )  # imports of every script's preamble
    keep_warm([*own, *dict.fromkeys(f"unpoison.jobs.{script}" for script in scripts)])


def tell_what_can_be_had():
    """After a failed job, print how to see the other cells, if there is a config file for these commands."""
    if not IS_WHOLE:
        return
    configs = " ".join(map(os.path.relpath, workflow.configfiles))
    if RESULTS_FOLDER != plan.settings.results_folder:
        configs += f" results_folder={RESULTS_FOLDER}"
    print(what_can_be_had(configs), file=sys.stderr)


def tell_of_rounds():
    """Print how many further cells the adaptive studies want: a run of the workflow is one round."""
    if not plan.rounds:
        return
    further = len(set(Plan(config).cells) - set(plan.cells))
    if further:
        studies = ", ".join(plan.rounds)
        print(further_round(studies, further), file=sys.stderr)
