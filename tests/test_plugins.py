"""A folder as a registry."""

from pathlib import Path

import pytest

from unpoison.errors import UserError
from unpoison.plugins import Plugins
from unpoison.source_text import REQUIRED, Option, keyword_options

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
    """Two plug-ins, of which one cannot be imported, beside files that are none."""
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
