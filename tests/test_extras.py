"""The extras of the package: their dependencies, and the errors that name them."""

import re
import sys
from importlib import import_module

import pytest
from packaging.requirements import Requirement
from test_pins import PROJECT, ROOT

from unpoison.errors import UserError
from unpoison.extras import EXTRAS, missing_library
from unpoison.models import MODELS

OPTIONAL = PROJECT["optional-dependencies"]
NAMED = re.compile(r"unpoison\[([\w,]+)\]")


def libraries(extra: str) -> list[str]:
    return [Requirement(entry).name for entry in OPTIONAL[extra]]


@pytest.mark.parametrize("library", EXTRAS)
def test_the_error_for_a_missing_library_names_an_extra_that_installs_it(library: str) -> None:
    named = NAMED.search(str(missing_library(library)))
    assert named and library in libraries(named[1])


def test_a_library_that_no_extra_installs_is_named_alone() -> None:
    assert str(missing_library("mine")) == "the library mine is not installed"


def test_the_earlier_name_of_an_extra_installs_the_same() -> None:
    assert OPTIONAL["hub"] == OPTIONAL["hf"]


def test_every_extra_that_a_page_or_a_message_names_is_there() -> None:
    pages = [ROOT / "README.md", ROOT / "config/README.md", *(ROOT / "docs").glob("*.md")]
    texts = [path.read_text(encoding="utf-8") for path in (*pages, *(ROOT / "unpoison").rglob("*.py"))]
    named = {extra for text in texts for names in NAMED.findall(text) for extra in names.split(",")}
    assert {"hf", "timm"} <= named
    assert named <= {*OPTIONAL} - {"hub"}


def test_a_timm_model_is_refused_in_python_where_timm_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    monkeypatch.delitem(sys.modules, "unpoison.models.timm", raising=False)
    with pytest.raises(UserError, match=r"unpoison\[timm\]"):
        MODELS["timm"]


def test_nothing_but_the_plug_in_of_timm_needs_timm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    for name in set(MODELS) - {"timm"}:
        assert callable(import_module(f"unpoison.models.{name}").network)
