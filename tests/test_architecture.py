"""The architecture: allowed imports between folders, and code that is forbidden everywhere."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from unpoison.datasets import SOURCES
from unpoison.detectors import DETECTORS
from unpoison.metrics import FILES
from unpoison.models import MODELS
from unpoison.plots import PLOTS
from unpoison.plugins import Plugins
from unpoison.poisons import POISONS
from unpoison.probes import PROBES
from unpoison.unlearning import METHODS

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "unpoison"
ORDER = (
    *(
        "types",
        "text",
        "levels",
        "rules",
        "attack_kinds",
        "plain_values",
        "errors",
        "extras",
        "proportions",
        "measured_repairs",
        "advice",
        "digests",
        "class_names",
        "source_files",
        "pixel_levels",
        "resizing",
        "damage",
        "seeds",
        "shares",
        "files",
        "machine",
        "gpus",
        "source_text",
        "plugin_files",
        "own_network",
        "registration",
        "plugins",
        "options",
        "provenance",
        "rows",
        "row_lists",
        "answers",
        "held_out",
        "readings",
        "left_out",
    ),
    *(
        "recipes",
        "costs",
        "devices",
        "pixels",
        "examples",
        "models",
        "networks",
        "outputs",
        "features",
        "weights",
        "given_weights",
        "contracts",
        "verification",
    ),
    *(
        "datasets",
        "poisons",
        "attacks",
        "gradients",
        "optimisers",
        "arrays",
        "torchvision_sets",
        "data",
        "training",
    ),
    *("asking", "asking_base", "scores", "detectors", "bias", "deletion", "unlearning", "metrics"),
    "probes",
    *("tutorial_network", "tutorial"),
    *(
        "steps",
        "handing_over",
        "search_space",
        "trials",
        "tuning",
        "arguments",
        "wrapping",
        "data_kinds",
        "loading",
        "exports",
        "planting",
        "api",
        "verifying",
    ),
    *(
        "columns",
        "results",
        "reproduction",
        "references",
        "statistics",
        "rounds",
        "implied",
        "outcomes",
    ),
    *("contrasts", "slopes", "deciding", "interval_censoring", "recall_thresholds"),
    *("plane", "false_alarms", "tracing", "tables"),
    *("drawing", "plots", "report"),
    *("scanning", "handed_over_page", "study", "identity", "jobs", "runs", "command", "__main__"),
)
SCIENCE = ORDER[: ORDER.index("study")]
REGISTRIES = {
    registry.package: registry
    for registry in (SOURCES, POISONS, MODELS, DETECTORS, METHODS, FILES, PROBES, PLOTS)
}
MODULES = sorted(PACKAGE.rglob("*.py"))
WORKFLOW = [
    path for kind in ("*.py", "*.smk", "Snakefile") for path in sorted((ROOT / "workflow").rglob(kind))
]
# Modules for jobs that only move tables. They must not import torch, which would cost each job seconds.
TABLE_MODULES = (
    "rows",
    "datasets",
    "poisons",
    "scores",
    "bias",
    "deletion",
    "answers",
    "outputs",
    "held_out",
    "readings",
    "verification",
    "left_out",
    "metrics",
    "measured_repairs",
    "advice",
    "tutorial",
    "steps.measuring",
    "results",
    "references",
    "statistics",
    "proportions",
    "rounds",
    "implied",
    "outcomes",
    "deciding",
    "interval_censoring",
    "recall_thresholds",
    "contrasts",
    "slopes",
    "plane",
    "false_alarms",
    "tracing",
    "tables",
    "drawing",
    "plots",
    "report",
)


def imported_by(path: Path) -> Iterator[str]:
    """Yield every module that a file imports: at its top, inside functions, or through import_module."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively; write the whole name"
            yield node.module or ""
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
            yield from (part.value for part in node.args if isinstance(part, ast.Constant))


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def short(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_every_module_has_its_place_in_the_order() -> None:
    assert {room_of(path) for path in MODULES} - {"__init__"} == set(ORDER)


@pytest.mark.parametrize("path", [path for path in MODULES if room_of(path) != "__init__"], ids=short)
def test_a_module_imports_only_from_those_before_it(path: Path) -> None:
    place = ORDER.index(room_of(path))
    for name in imported_by(path):
        parts = name.split(".")
        if parts[0] != "unpoison":
            continue
        assert len(parts) > 1, f"{short(path)} imports the package as a whole"
        assert parts[1] in ORDER[: place + 1], f"{short(path)} imports {name}, which comes after it"


@pytest.mark.parametrize("folder", ["study", "identity", "runs"])
def test_no_modules_of_the_planner_import_each_other_in_a_circle(folder: str) -> None:
    modules = {f"unpoison.{folder}.{path.stem}": path for path in (PACKAGE / folder).glob("*.py")}
    imports = {name: {*imported_by(path)} & set(modules) for name, path in modules.items()}
    list(TopologicalSorter(imports).static_order())  # raises a CycleError that names the cycle


@pytest.mark.parametrize("path", [path for path in MODULES if room_of(path) not in SCIENCE], ids=short)
def test_who_takes_the_plan_says_so(path: Path) -> None:
    """An argument called plan has a type that mypy checks."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.arg) and node.arg == "plan":
            assert node.annotation and ast.unparse(node.annotation) != "Any", short(path)


@pytest.mark.parametrize("path", [path for path in [*MODULES, *WORKFLOW] if path.suffix == ".py"], ids=short)
def test_what_begins_with_an_underscore_is_imported_in_its_own_folder_alone(path: Path) -> None:
    for name in imported_by(path):
        rooms = name.split(".")
        private = [place for place, part in enumerate(rooms) if part.startswith("_") and part != "__main__"]
        if rooms[0] == "unpoison" and private:
            folder = ROOT.joinpath(*rooms[: private[0]])
            assert path.parent == folder, f"{short(path)} imports {name}, which is private to {short(folder)}"


@pytest.mark.parametrize("path", [path for path in MODULES if room_of(path) in SCIENCE], ids=short)
def test_the_science_knows_nothing_of_the_workflow(path: Path) -> None:
    strangers = {"snakemake", "yaml", "jsonschema"}
    assert not {name.split(".")[0] for name in imported_by(path)} & strangers


def test_no_module_is_called_utils() -> None:
    named = [short(path) for path in [*MODULES, *WORKFLOW] if re.search("utils?(_|$)|helper", path.stem)]
    assert named == []


@pytest.mark.parametrize("path", [*MODULES, *WORKFLOW], ids=short)
def test_nothing_of_ours_is_pickled(path: Path) -> None:
    text = path.read_text()
    if path.suffix == ".py":
        assert not {name.split(".")[0] for name in imported_by(path)} & {"pickle", "dill", "joblib", "shelve"}
    text = text.replace('torch.load(path, map_location="cpu", weights_only=True)', "")  # runs no code
    forbidden = ("torch.save", "torch.load", "read_pickle", "to_pickle", "allow_pickle=True", "import pickle")
    assert [word for word in forbidden if word in text] == []


def test_jobs_that_move_tables_do_not_import_torch() -> None:
    modules = [
        module
        for name in TABLE_MODULES
        for module in (
            f"unpoison.{name}",
            *(f"unpoison.{name}.{path.stem}" for path in sorted((PACKAGE / name).glob("[!_]*.py"))),
        )
    ]
    program = (
        "import importlib, sys\n"
        f"for module in {modules}:\n"
        "    importlib.import_module(module)\n"
        "    assert 'torch' not in sys.modules, module + ' imports torch'\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr.splitlines()[-1]


def test_a_job_that_trains_does_not_import_torchs_compiler() -> None:
    program = (
        "import sys, torch\n"
        "from unpoison.networks import Architecture\n"
        "from unpoison.pixels import Pixels\n"
        "from unpoison.devices import compute_repeatably\n"
        "from unpoison.training import Examples, Recipe, accuracy, train\n"
        "compute_repeatably(1)\n"
        "images, labels = torch.zeros(8, 3, 16, 16, dtype=torch.uint8), torch.zeros(8, dtype=torch.int64)\n"
        "given = Examples(Pixels(images, labels - 1, lambda images, _: images), labels)\n"
        "model = Architecture('resnet9', {'width': 2}, ('a', 'b'), 16).new(seed=0)\n"
        "for filters in (None, 0.5):\n"
        "    recipe = Recipe(learning_rate=0.1, batch_size=4, epochs=1, filter_rate=filters)\n"
        "    train(model, given, recipe, 0, validation=given)\n"
        "assert not {'torch._dynamo', 'torch._inductor', 'sympy'} & set(sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr.splitlines()[-1]


@pytest.mark.parametrize("registry", REGISTRIES.values(), ids=lambda registry: registry.package)
def test_a_module_without_underscore_in_a_plugin_folder_is_a_plugin(registry: Plugins) -> None:
    for path in sorted(registry.folder.glob("*.py")):
        functions = {
            node.name for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef)
        }
        assert (registry.function in functions) == (not path.name.startswith("_")), path.name


def test_every_folder_of_the_package_is_a_registry_but_eleven() -> None:
    folders = {f"unpoison.{path.parent.name}" for path in PACKAGE.glob("*/__init__.py")}
    others = {
        f"unpoison.{name}" for name in ("contracts", "columns", "steps", "drawing", "report", "scanning")
    }
    others |= {f"unpoison.{name}" for name in ("study", "identity", "jobs", "runs", "command")}
    assert folders == {*REGISTRIES, *others}
    deeper = [path for path in PACKAGE.glob("*/*/") if path.name != "__pycache__"]
    assert deeper == [PACKAGE / "runs" / "commands"]


@pytest.mark.parametrize("path", MODULES, ids=short)
def test_a_module_opens_with_one_sentence_on_what_lives_there(path: Path) -> None:
    first = (ast.get_docstring(ast.parse(path.read_text())) or "").split("\n\n")[0]
    assert first.endswith((".", ").", "`.")), f"{short(path)}: {first!r}"
