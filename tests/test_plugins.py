"""Folders as registries, and plug-ins that users add to them."""

import os
import pickle
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pytest
import tiny
import torch
from tiny import build

import unpoison
from unpoison import registration
from unpoison.datasets import SOURCES
from unpoison.detectors import DETECTORS
from unpoison.errors import UserError
from unpoison.metrics import FILES, METRICS
from unpoison.models import MODELS
from unpoison.plots import PLOTS
from unpoison.plugin_files import KINDS, SHIPPED
from unpoison.plugins import Plugins
from unpoison.poisons import POISONS, trigger_of
from unpoison.probes import PROBES
from unpoison.source_text import REQUIRED, Option, keyword_options
from unpoison.unlearning import METHODS
from unpoison.weights import load_model, save_model

SOURCE = '''
"""A plug-in."""
from nowhere import nothing


def unlearn(request, *, epochs: int = 3, rate: float | None = None, names: list[str], mode="slow"):
    """What it does."""


def inner():
    def unlearn(*, other=1): ...
'''


@pytest.fixture
def registry(tmp_path: Path) -> Plugins:
    """A registry with two plug-ins, one of which cannot be imported, and with files that are not plug-ins."""
    plugins = Plugins("unpoison.unlearning", "unlearn", "unlearning method")
    plugins.folder = tmp_path
    (tmp_path / "scrub.py").write_text(SOURCE)
    (tmp_path / "broken.py").write_text("def unlearn(request, *, depth: int = 1): ...\nraise RuntimeError")
    for name in ("__init__.py", "_request.py", "notes.md"):
        (tmp_path / name).write_text("this is no plug-in")
    return plugins


def test_a_plugin_is_a_file_without_leading_underscore(registry: Plugins) -> None:
    assert list(registry) == ["broken", "scrub"]
    assert len(registry) == 2
    assert "scrub" in registry
    assert "_request" not in registry
    assert "notes" not in registry


def test_options_are_read_without_importing_the_plugin(registry: Plugins) -> None:
    assert registry.options("scrub") == {
        "epochs": Option("int", 3),
        "rate": Option("float | None", None),
        "names": Option("list[str]", REQUIRED),
        "mode": Option("object", "slow"),
    }


def test_a_broken_plugin_breaks_only_itself(registry: Plugins) -> None:
    assert registry.options("broken") == {"depth": Option("int", 1)}


def test_an_unknown_name_is_refused_with_the_choices(registry: Plugins) -> None:
    for ask in (registry.check, registry.options, registry.module, registry.__getitem__):
        with pytest.raises(UserError, match="unknown unlearning method 'scurb'; choose from broken, scrub"):
            ask("scurb")


def test_a_name_with_an_underscore_is_no_plugin(registry: Plugins) -> None:
    with pytest.raises(UserError, match="unknown unlearning method '_request'"):
        registry.check("_request")


def test_a_plugin_without_the_agreed_function_is_a_mistake_of_ours(registry: Plugins) -> None:
    with pytest.raises(AssertionError, match=r"scrub\.py has no function 'score'"):
        registry.options("scrub", "score")


def test_only_keyword_arguments_are_options(tmp_path: Path) -> None:
    path = tmp_path / "p.py"
    path.write_text("def score(model, data=3, /, seed=1, *rest, top: int = 2, **more): ...")
    assert list(keyword_options(path, "score")) == ["top"]


def test_the_function_of_a_plugin_is_the_one_in_its_file() -> None:
    methods = Plugins("unpoison.unlearning", "unlearn", "unlearning method")
    function = methods["finetune"]
    assert (function.__module__, function.__name__) == ("unpoison.unlearning.finetune", "unlearn")


# -- plug-ins of the user's own --------------------------------------------------------------------------

OF_KIND: dict[str, tuple[Plugins, str]] = {
    "unlearn": (METHODS, "def unlearn(request, *, depth: int = 1): ..."),
    "score": (DETECTORS, "NEEDS = ()\nOWN_RULE = False\ndef score(evidence, *, depth: int = 1): ..."),
    "poison": (
        POISONS,
        "def poison(clean, seed, image_size, *, depth: int = 1): ...\ndef plan(there, image_size): ...\n"
        "def stamp(images, trigger_ids): ...",
    ),
    "network": (MODELS, "def network(classes, image_size, *, depth: int = 1): ..."),
    "read": (SOURCES, "def read(folder, image_size, *, depth: int = 1): ...\ndef peek(folder): ..."),
    "plot": (PLOTS, "NEEDS = [('deletion.fpr',)]\ndef plot(summary, *, depth: int = 1): ..."),
    "probe": (PROBES, "def probe(request, *, depth: int = 1): ..."),
    "measure": (
        FILES,
        "UNIT = 'share'\nHIGHER_IS_BETTER = True\nFORMULA = 'mean[x]'\nSOURCE = 'ours'\nLABEL = 'x'\n"
        "NEEDS = ('clean_test',)\ndef measure(judged, *, depth: int = 1): ...",
    ),
}
METHOD, METRIC = OF_KIND["unlearn"][1], OF_KIND["measure"][1]


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A user's plug-in folder; its registration is undone after the test."""
    monkeypatch.setattr(registration, "_TABLE", {})
    monkeypatch.setattr(sys, "path", [*sys.path])
    registration._of_packages.cache_clear()
    (tmp_path / "mine").mkdir()
    yield tmp_path / "mine"
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None)).startswith(str(tmp_path)):
            del sys.modules[name]
    registration._of_packages.cache_clear()


def write(folder: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


@pytest.mark.parametrize("function", OF_KIND)
def test_a_file_of_the_users_folder_is_a_plugin_of_the_kind_that_its_function_tells(
    function: str, mine: Path
) -> None:
    registry, text = OF_KIND[function]
    before = list(registry)
    write(mine, {"my_own.py": f'"""My own."""\n{text}\n', "_helper.py": "this is no plug-in"})
    unpoison.register(mine)
    assert list(registry) == sorted([*before, "my_own"])
    assert registry.options("my_own") == {"depth": Option("int", 1)}
    assert registry.summary("my_own") == "My own."
    assert registry.constant("my_own", "NEEDS", "none") == registry.module("my_own").__dict__.get(
        "NEEDS", "none"
    )
    assert registry["my_own"].__name__ == function
    with pytest.raises(UserError, match=r"choose from .*my_own"):
        registry.check("my_won")
    assert [other for kind, (other, _) in OF_KIND.items() if kind != function and "my_own" in other] == []


@pytest.mark.parametrize("function", OF_KIND)
def test_what_is_known_of_a_kind_is_what_its_registry_holds(function: str) -> None:
    registry, _ = OF_KIND[function]
    assert (registry.function, registry.folder) == (function, SHIPPED / KINDS[function].folder)


def test_every_shipped_plugin_has_what_is_asked_of_a_users(mine: Path) -> None:
    for function, (registry, _) in OF_KIND.items():
        for name in registry:
            text = registry.path(name).read_text()
            unpoison.register(write(mine / function, {f"my_{name}.py": text}) / f"my_{name}.py")
            assert registry.options(f"my_{name}") == registry.options(name)


def test_a_poison_of_the_users_folder_plans_poisons_and_stamps(mine: Path) -> None:
    write(mine, {"my_patch.py": POISONS.path("patch").read_text()})
    unpoison.register(mine)
    options = tiny.options_of("patch")
    train = tiny.chosen_rows().of("train")
    there = train.count_by_class()
    planned = [POISONS.module(name).plan(there, tiny.IMAGE_SIZE, **options) for name in ("patch", "my_patch")]
    assert planned[0] == planned[1]
    first, own = (POISONS[name](train, 0, tiny.IMAGE_SIZE, **options) for name in ("patch", "my_patch"))
    assert np.array_equal(first.rows, own.rows)
    images = np.zeros((2, 3, tiny.IMAGE_SIZE, tiny.IMAGE_SIZE), np.uint8)
    stamped = trigger_of("my_patch", options)(images, np.array([0, -1]))
    assert [bool(image.any()) for image in stamped] == [True, False]


def test_a_saved_network_of_the_users_own_is_loaded(mine: Path, tmp_path: Path) -> None:
    text = (
        "from torch.nn import Flatten, Linear, Module, Sequential\nclass Floats(Module):\n    def forward(self, x):\n"
        "        return x.float()\ndef network(classes, image_size, *, side: int = 4):\n"
        "    return Sequential(Floats(), Flatten(), Linear(3 * side * side, classes))\n"
    )
    unpoison.register(write(mine, {"flat.py": text}))
    model = build("flat", 2, {"side": 4}, seed=1)
    save_model(tmp_path / "m.safetensors", model)
    images = torch.zeros(1, 3, 4, 4, dtype=torch.uint8)
    assert torch.equal(load_model(tmp_path / "m.safetensors")(images), model(images))


@pytest.mark.parametrize("function", OF_KIND)
def test_a_plugin_that_takes_other_arguments_than_its_kind_is_given_is_refused(
    mine: Path, function: str
) -> None:
    text = OF_KIND[function][1].replace("*, depth: int = 1", "depth: int = 1")
    with pytest.raises(
        UserError, match=rf"other\.py: found {function}\(.*depth.*\), allowed: {function}\(.*, \*"
    ):
        unpoison.register(write(mine, {"other.py": text}))


def test_options_of_a_users_plugin_are_read_without_importing_it(mine: Path) -> None:
    unpoison.register(write(mine, {"gentle.py": f"import nowhere\n{METHOD}"}))
    assert METHODS.options("gentle") == {"depth": Option("int", 1)}
    with pytest.raises(
        UserError,
        match=r"mine/gentle\.py, line 1: it cannot be imported: ModuleNotFoundError: No module named 'nowhere'",
    ):
        METHODS["gentle"]


def test_an_edited_plugin_and_helper_are_taken_when_registered_again(
    mine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    text = "from _rates import RATE\ndef unlearn(request, *, depth: int = 1): return RATE, depth"
    write(mine, {"gentle.py": text, "_rates.py": "RATE = 1\n"})
    unpoison.register(mine)
    assert METHODS["gentle"](None) == (1, 1)
    for file, old, new in (("gentle.py", "= 1", "= 2"), ("_rates.py", "= 1", "= 3")):
        found = (mine / file).stat()
        (mine / file).write_text((mine / file).read_text().replace(old, new))
        os.utime(mine / file, ns=(found.st_atime_ns, found.st_mtime_ns))  # same size and same time
    unpoison.register(mine / "gentle.py")
    assert METHODS["gentle"](None) == (3, 2)
    assert METHODS.options("gentle")["depth"].default == 2
    (mine / "gentle.py").rename(mine / "soft.py")
    unpoison.register(mine)
    assert "soft" in METHODS
    assert "gentle" not in METHODS


def test_a_plugin_imports_from_a_folder_of_helpers(mine: Path) -> None:
    write(
        mine,
        {
            "gentle.py": "from _deep import inner\ndef unlearn(request): return inner.X",
            "_deep/inner.py": "X = 1",
        },
    )
    for expected in (1, 2):
        (mine / "_deep/inner.py").write_text(f"X = {expected}\n" * expected)
        unpoison.register(mine)
        assert METHODS["gentle"](None) == expected


def test_the_classes_of_a_users_plugin_are_found_by_dataclasses_and_pickle(mine: Path) -> None:
    text = (
        "from dataclasses import dataclass\n@dataclass\nclass State:\n    depth: 'int'\n"
        "def unlearn(request): return State(3)"
    )
    unpoison.register(write(mine, {"my-method.py": text}))
    state = METHODS["my-method"](None)
    assert pickle.loads(pickle.dumps(state)) == state


REFUSED: dict[str, tuple[dict[str, str], str]] = {
    "nothing there": ({}, "the folder .*/mine holds no plug-in; allowed: one file"),
    "helpers alone": ({"_helper.py": METHOD}, "the folder .*/mine holds no plug-in"),
    "no agreed function": (
        {"a.py": METHOD, "notes.py": "x = 1"},
        r"notes\.py is no plug-in: it defines none of the agreed functions; allowed: one of unlearn, score",
    ),
    "a function that is imported": (
        {"a.py": "from x import unlearn"},
        "defines none of the agreed functions",
    ),
    "two functions": (
        {"a.py": f"{METHOD}\n{OF_KIND['network'][1]}"},
        r"a\.py is no plug-in: it defines unlearn and network",
    ),
    "a shipped name": ({"scrub.py": METHOD}, r"scrub\.py: the name scrub is taken by .*unlearning/scrub\.py"),
    "a name that no config takes": ({"my method.py": METHOD}, "found the name 'my method', allowed: letters"),
    "a syntax error": ({"a.py": f"{METHOD}\n\nx = = 1"}, r"mine/a\.py, line 3: invalid syntax"),
    "null bytes": ({"a.py": "x = 1\0"}, r"mine/a\.py"),
    "a default that is no literal": (
        {"a.py": "def unlearn(request, *,\n    depth: int = DEEP): ..."},
        r"mine/a\.py, line 2: depth is DEEP; allowed: a literal",
    ),
    "a detector without its constants": (
        {"a.py": "def score(evidence): ..."},
        r"a\.py lacks NEEDS and OWN_RULE, which a file with score must have",
    ),
    "a poison without a stamp": (
        {"a.py": "def poison(clean, seed, image_size): ...\ndef plan(there, image_size): ..."},
        r"a\.py lacks stamp, which",
    ),
    "a poison that needs a surrogate": (
        {"a.py": f"NEEDS = ('surrogate',)\n{OF_KIND['poison'][1]}"},
        r"a\.py lacks perturb, which",
    ),
    "a source without a peek": ({"a.py": "def read(folder, image_size): ..."}, r"a\.py lacks peek"),
    "needs that are a text": (
        {"a.py": f"NEEDS = 'validation'\n{METHOD}"},
        r"a\.py: found NEEDS = 'validation', allowed: a tuple of forget, validation",
    ),
    "a misspelt need": (
        {"a.py": f"NEEDS = ('valdation',)\n{METHOD}"},
        "allowed: a tuple of forget, validation",
    ),
    "a metric without a unit": (
        {"a.py": METRIC.replace("UNIT = 'share'\n", "")},
        r"a\.py lacks UNIT, which a file with measure must have",
    ),
    "a metric without words": (
        {"a.py": METRIC.replace("'ours'", "''")},
        r"a\.py: found SOURCE = '', allowed: a text of one line",
    ),
    "a metric with a direction that is none": (
        {"a.py": METRIC.replace("BETTER = True", "BETTER = 'up'")},
        "found HIGHER_IS_BETTER = 'up', allowed: True, False, None",
    ),
    "a metric of parts that there are not": (
        {"a.py": METRIC.replace("'clean_test'", "'clean'")},
        r"a\.py: found NEEDS = \('clean',\), allowed: a tuple of training, ",
    ),
    "a metric of a probe that is no name": (
        {"a.py": f"PROBE = ('relearning',)\n{METRIC}"},
        r"found PROBE = \('relearning',\), allowed: the name of a probe",
    ),
    "a metric with an option that nothing gives": (
        {"a.py": METRIC.replace("depth: int = 1", "depth: int")},
        "the option depth of measure has no value; allowed: a default, or EACH",
    ),
    "a metric for each value of no option": (
        {"a.py": f"EACH = {{'width': (1, 2)}}\n{METRIC}"},
        "found EACH = {'width': .*allowed: an option of measure with integers",
    ),
    "a metric for each of two equal values": (
        {"a.py": f"EACH = {{'depth': (1, 1)}}\n{METRIC}"},
        "found EACH = .*allowed: an option of measure with integers",
    ),
    "a helper named as a module of Python": (
        {"a.py": METHOD, "_json.py": "x = 1"},
        r"_json\.py: its name is that of another module of Python, .*; choose another",
    ),
    "a folder of helpers named as a module of Python": (
        {"a.py": METHOD, "_json/inner.py": "x = 1"},
        r"mine/_json: its name is that of another module of Python, .*; choose another",
    ),
    "a helper hidden by a folder": (
        {"a.py": METHOD, "_steps.py": "x = 1", "_steps/__init__.py": "x = 2"},
        r"_steps\.py: its name is that of another module of Python, .*_steps/__init__\.py",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_folder_that_is_refused_leaves_all_as_it_was(case: str, mine: Path) -> None:
    files, words = REFUSED[case]
    unpoison.register(write(mine.parent / "good", {"gentle.py": METHOD}))
    before, path = list(METHODS), [*sys.path]
    with pytest.raises(UserError, match=words) as refused:
        unpoison.register(write(mine, files))
    assert "\n" not in str(refused.value)
    assert (list(METHODS), sys.path) == (before, path)


def test_a_path_that_is_no_plugin_is_refused(mine: Path) -> None:
    write(mine, {"notes.md": "", "_helper.py": METHOD})
    for name, words in (
        ("nowhere", "no such folder or file of plug-ins: .*/mine/nowhere"),
        ("notes.md", r"notes\.md is no plug-in; allowed: a file <name>\.py"),
        ("_helper.py", "found the name '_helper'"),
    ):
        with pytest.raises(UserError, match=words):
            unpoison.register(mine / name)


def test_a_name_of_another_folder_is_refused_and_of_another_kind_is_not(mine: Path) -> None:
    unpoison.register(write(mine, {"gentle.py": METHOD, "scrub.py": OF_KIND["network"][1]}))
    other = write(mine.parent / "other", {"gentle.py": METHOD})
    with pytest.raises(UserError, match=r"other/gentle\.py: the name gentle is taken by .*mine/gentle\.py"):
        unpoison.register(other)
    (other / "gentle.py").write_text(OF_KIND["network"][1])
    unpoison.register(other)
    assert METHODS.path("gentle") == mine / "gentle.py"
    assert MODELS.path("gentle") == other / "gentle.py"


def test_one_folder_by_two_paths_is_one(mine: Path) -> None:
    write(mine, {"gentle.py": METHOD, "_helper.py": ""})
    (mine.parent / "link").symlink_to(mine)
    for path in (mine, mine.parent / "link", mine / ".." / "mine", mine.parent / "link" / "gentle.py"):
        unpoison.register(path)
    assert METHODS.path("gentle") == mine / "gentle.py"


def install(site: Path, name: str, value: str) -> None:
    """Install a package with one plug-in entry point, in the layout of pip."""
    write(
        site,
        {
            "acme/__init__.py": "",
            "acme/unlearning/__init__.py": "",
            "acme/unlearning/_core.py": "DEPTH = 7\n",
            "acme/unlearning/soft.py": f"from ._core import DEPTH\n{METHOD[:-3]}return DEPTH\n",
            "acme-1.dist-info/METADATA": "Metadata-Version: 2.1\nName: acme\nVersion: 1\n",
            "acme-1.dist-info/entry_points.txt": f"[unpoison.plugins]\n{name} = {value}\n",
        },
    )
    sys.path.append(str(site))


def test_an_installed_package_adds_plugins_by_entry_points(mine: Path) -> None:
    install(mine, "my_soft", "acme.unlearning.soft")
    assert METHODS.options("my_soft") == {"depth": Option("int", 1)}
    assert "acme.unlearning.soft" not in sys.modules
    assert METHODS["my_soft"](None) == 7
    with pytest.raises(UserError, match="the name my_soft is taken by"):
        unpoison.register(write(mine / "own", {"my_soft.py": METHOD}))


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("scrub", "acme.unlearning.soft", "the name scrub is taken by .*unlearning/scrub.py"),
        ("soft", "acme.unlearning.none", "found acme.unlearning.none, allowed: the name of a module"),
        ("soft", "nobody.soft", "nobody.soft cannot be found: ModuleNotFoundError"),
        ("soft", "acme.unlearning.soft:unlearn", "allowed: the name of a module"),
        ("soft", "acme.unlearning._core", "_core.py is no plug-in"),
    ],
)
def test_an_entry_point_that_cannot_be_used_is_refused(mine: Path, name: str, value: str, words: str) -> None:
    install(mine, name, value)
    with pytest.raises(UserError, match=f"the plug-in {name} of acme: .*{words}"):
        METHODS["scrub"]


def test_a_metric_of_the_users_is_one_of_the_metrics(mine: Path) -> None:
    text = f"EACH = {{'depth': (3, 40)}}\n{METRIC.replace('mean[x]', 'mean[x] at depth {depth}')}"
    unpoison.register(write(mine, {"my_own.py": f'"""Mine of depth {{depth}}."""\n{text}'}))
    assert {*METRICS} >= {"clean_accuracy", "my_own_3", "my_own_40"}
    assert "my_own" not in METRICS
    found = METRICS["my_own_40"]
    assert (found.meaning, found.formula) == ("Mine of depth 40.", "mean[x] at depth 40")
    assert (found.unit, found.needs) == ("share", ("clean_test",))
    assert METRICS.code("my_own_3") == METRICS.code("my_own_40") == FILES.code("my_own")
    with pytest.raises(UserError, match=r"unknown metric 'my_own'; choose from .*my_own_3"):
        METRICS["my_own"]


def test_two_metrics_of_one_name_are_refused(mine: Path) -> None:
    unpoison.register(write(mine, {"adversarial_accuracy_of_attack_2.py": METRIC}))
    with pytest.raises(
        UserError, match=r"the metric adversarial_accuracy_of_attack_2 is one of .* too; choose"
    ):
        list(METRICS)
