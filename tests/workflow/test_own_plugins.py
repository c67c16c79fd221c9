"""Plug-ins from a user's folder in a study: reruns after edits, and refusals by the plan."""

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from conftest import TINY

from unpoison import registration
from unpoison.errors import UserError
from unpoison.plugin_files import Registered
from unpoison.study.code import code_digest
from unpoison.study.plan import Plan
from unpoison.unlearning import METHODS

DOWNSTREAM = {
    **{"collect_results": 1, "make_tables": 1, "trace_records": 1},
    **{"draw_figure": 2, "write_report": 1},
}
GENTLE = '''"""Gentle: train a little more."""

from copy import deepcopy

from _steps import LENGTH
from unpoison.training import train


def unlearn(request, *, learning_rate: float = 0.001):
    """Train on the retain set."""
    model = deepcopy(request.model)
    train(model, request.retain, request.recipe, request.seed, precision=request.precision, length=LENGTH)
    return model.eval()
'''
PLAIN = "from copy import deepcopy\n\n\ndef unlearn(request):\n    return deepcopy(request.model).eval()\n"
CELL = "results/pair/seed0/corner_swap/resnet9/everything_found@fpr=0.0"
FILES = {"gentle.py": GENTLE, "plain.py": PLAIN, "_steps.py": "LENGTH = 0.5\n", "_unused.py": "A = 1\n"}


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def test_an_edit_of_a_users_method_or_its_helper_makes_its_cells_anew_and_no_others(project) -> None:
    write(project.folder / "mine", FILES)
    project.set("plugins", "mine")
    project.set("studies/false_positives/vary/deletion.fpr", [0.0])
    assert "unlearn" not in project.jobs()
    project.set("methods", project.config["methods"] | {"gentle": {}, "plain": {}})
    project.set("studies/false_positives/methods", ["retrain", "finetune", "gentle", "plain"])
    assert project.jobs() == {"unlearn": 2, "measure": 1} | DOWNSTREAM
    done = project.snakemake(*(f"{CELL}/{name}/answers.npy" for name in ("gentle", "plain")))
    assert done.returncode == 0, done.stdout + done.stderr

    project.edit("mine/gentle.py", '"""Train on the retain set."""', '"""Train."""  # a comment')
    project.edit("mine/_unused.py", "A = 1", "A = 2")
    (project.folder / "mine").rename(project.folder / "yours")
    project.set("plugins", str(project.folder / "yours"))
    assert project.jobs() == {"measure": 1} | DOWNSTREAM
    one = {"unlearn": 1, "measure": 1} | DOWNSTREAM
    project.edit("yours/_steps.py", "0.5", "0.25")
    assert project.jobs() == one, "its helper"
    project.edit("yours/_steps.py", "0.25", "0.5")
    project.edit("yours/plain.py", "eval()", "train().eval()")
    assert project.jobs() == one, "the method itself"


# -- the digest ------------------------------------------------------------------------------------------


def digest_of(folder: Path, path: str = "gentle.py", package: str = "") -> str:
    module = path.removesuffix(".py").replace("/", ".")
    return code_digest(Registered(folder / path, folder, module, package=package))


EDITS: dict[str, tuple[str, Callable[[str], str], bool]] = {
    "the plug-in": ("gentle.py", lambda text: text.replace("0.001", "0.01"), True),
    "its helper": ("_steps.py", lambda text: text.replace("0.5", "0.6"), True),
    "a helper of its helper": ("_deep/inner.py", lambda text: "X = 2\n", True),
    "a relative import of its helper": ("_deep/beside.py", lambda text: "Y = 2\n", True),
    "the package of a helper": ("_deep/__init__.py", lambda text: "Z = 2\n", True),
    "another helper": ("_unused.py", lambda text: "A = 2\n", False),
    "another plug-in": ("plain.py", lambda text: text.replace("eval", "train"), False),
    "a comment": ("gentle.py", lambda text: text + "# a comment\n", False),
    "a docstring": ("gentle.py", lambda text: text.replace("Gentle:", "Soft:"), False),
}
DEEP = {
    "_steps.py": "import _deep.inner\nLENGTH = 0.5\n",
    "_deep/__init__.py": "",
    "_deep/inner.py": "from .beside import Y\nX = 1\n",
    "_deep/beside.py": "Y = 1\n",
}


@pytest.mark.parametrize("edit", EDITS)
def test_the_digest_of_a_plug_in_holds_what_it_runs_and_not_where_it_is(edit: str, tmp_path: Path) -> None:
    file, change, is_seen = EDITS[edit]
    before = digest_of(write(tmp_path / "a", FILES | DEEP))
    there = write(tmp_path / "elsewhere" / "b", FILES | DEEP)
    (there / file).write_text(change((there / file).read_text()))
    assert (digest_of(there) != before) == is_seen


def test_our_modules_that_a_plug_in_imports_are_part_of_its_digest(tmp_path: Path, monkeypatch) -> None:
    texts = {
        "one": "from unpoison.training import train\n",
        "package": "from unpoison.unlearning import METHODS\n",
    }
    folder = write(tmp_path, {f"{name}.py": text for name, text in texts.items()})
    reached: list[Path] = []
    monkeypatch.setattr("unpoison.study.code._name_of", lambda path, owner: str(reached.append(path)))
    digest_of(folder, "one.py")
    assert {"training.py", "optimisers.py"} <= {path.name for path in reached}
    assert "scrub.py" not in {path.name for path in reached}
    digest_of(folder, "package.py")
    assert {"scrub.py", "_descend.py"} <= {path.name for path in reached}


def test_of_an_installed_package_its_own_modules_alone_are_followed(tmp_path: Path) -> None:
    files = {
        "company/__init__.py": "A = 1\n",
        "company/unlearning/__init__.py": "B = 1\n",
        "company/unlearning/mine.py": "import other\nfrom ..rates import C\nfrom company.core import F\n",
        "company/core.py": "F = 1\n",
        "company/rates.py": "C = 1\n",
        "other.py": "D = 1\n",
    }
    asked = ("company/unlearning/mine.py", "company")
    before = digest_of(write(tmp_path / "before", files), *asked)
    for number, file in enumerate(files):
        there = write(tmp_path / str(number), files | {file: files[file] + "E = 1\n"})
        assert (digest_of(there, *asked) != before) == (file != "other.py"), file


# -- the plan --------------------------------------------------------------------------------------------


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder that Snakemake runs in, without registered user plug-ins."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(registration, "_TABLE", {})
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield tmp_path
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None)).startswith(str(tmp_path)):
            del sys.modules[name]


def config_with(method: dict | None) -> dict:
    config = yaml.safe_load(TINY) | {"plugins": "mine"}
    if method is not None:
        config["methods"]["gentle"] = method
        config["studies"]["imbalance"]["methods"].append("gentle")
    return config


def test_a_plan_checks_a_users_method_without_importing_it(here: Path) -> None:
    write(here / "mine", FILES | {"gentle.py": f"import nowhere\n{GENTLE}"})
    there = set(sys.modules)
    assert any(cell.method == "gentle" for cell in Plan(config_with({"learning_rate": 0.1})).cells)
    assert METHODS.path("gentle") == here / "mine/gentle.py"
    assert not [name for name in set(sys.modules) - there if name.startswith("unpoison_plugins_")]
    with pytest.raises(UserError, match=r"methods\.gentle\.learning_rate: found 'x', allowed: float"):
        Plan(config_with({"learning_rate": "x"}))


METRIC = '''"""Mine."""

UNIT = "share"
HIGHER_IS_BETTER = True
FORMULA = "1"
SOURCE = "ours"
LABEL = "mine"
NEEDS = ("clean_test",)


def measure(judged): ...
'''
REFUSED = {
    "no folder": ({}, r"plugins: no such folder: mine"),
    "a folder of helpers": ({"_steps.py": "A = 1\n"}, r"plugins: the folder .*mine holds no plug-in"),
    "a syntax error": ({"gentle.py": "def unlearn(request:\n"}, r"plugins: .*mine/gentle\.py, line 1: "),
    "a syntax error in a helper": (
        {"gentle.py": GENTLE, "_steps.py": "\nLENGTH = = 1\n"},
        r"plugins: .*mine/_steps\.py, line 2: invalid syntax",
    ),
    "a metric after a probe that is not there": (
        {"mine.py": f"{METRIC}PROBE = 'relerning'\n"},
        r"plugins: unknown probe of the metric mine: 'relerning'.*relearning",
    ),
    "a metric with the name of another": (
        {"adversarial_accuracy_of_attack_1.py": METRIC},
        r"plugins: .*the metric adversarial_accuracy_of_attack_1 is one of .* too",
    ),
    "an annotation that no value can be checked against": (
        {"gentle.py": "def unlearn(request, *, learning_rate: Rate = 1): ...\n"},
        r"methods\.gentle\.learning_rate: the option has the annotation 'Rate', which no value",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_folder_that_cannot_be_used_is_refused_while_planned(case: str, here: Path) -> None:
    files, words = REFUSED[case]
    write(here / "mine", files) if files else None
    with pytest.raises(UserError, match=words) as refused:
        Plan(config_with({"learning_rate": 0.1}))
    assert "\n" not in str(refused.value)


def test_a_helper_that_is_not_in_utf8_is_refused_while_planned(here: Path) -> None:
    write(here / "mine", FILES)
    (here / "mine/_steps.py").write_bytes(b"LENGTH = 1  # caf\xe9\n")
    with pytest.raises(UserError, match=r"plugins: .*mine/_steps\.py cannot be read: 'utf-8' codec"):
        Plan(config_with({}))


def test_a_run_ends_with_one_line_for_a_folder_that_is_not_there(finished, tmp_path: Path) -> None:
    project = type(finished)(tmp_path / "project")
    left_out = shutil.ignore_patterns("results", ".snakemake")
    shutil.copytree(finished.folder, project.folder, ignore=left_out)
    project.set("plugins", "mine")
    done = project.snakemake("-n")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "error: plugins: no such folder: mine"
