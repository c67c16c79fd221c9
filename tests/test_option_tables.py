"""The tables of options in docs/methods.md have the defaults of the code."""

import re
from pathlib import Path

import pytest
import yaml

from unpoison.unlearning import METHODS

PAGE = (Path(__file__).parents[1] / "docs" / "methods.md").read_text(encoding="utf-8")
FAMILY = "By damping weights"  # one table for its methods, with a column for each


def section(heading: str) -> str:
    """Return the text below a heading up to the next one."""
    (found,) = re.findall(rf"^#+ {re.escape(heading)}[^\n]*\n(.*?)(?=^#|\Z)", PAGE, re.MULTILINE | re.DOTALL)
    return found


def cells_of(text: str) -> list[list[str]]:
    """Return the cells of each row of the tables in a text."""
    lines = re.findall(r"^\|(.+)\|$", text, re.MULTILINE)
    return [[cell.strip() for cell in line.split("|")] for line in lines]


def value_of(cell: str) -> object:
    """Return the value that a cell of defaults begins with."""
    return yaml.safe_load(re.split(r"[\s,;]", cell)[0].strip("`"))


def shown(method: str) -> dict[str, object]:
    """Return the defaults that the page has for a method."""
    rows, column = cells_of(section(f"`{method}`")), 1
    head, *family = cells_of(section(FAMILY))
    if f"`{method}`" in head:
        column = head.index(f"`{method}`")
        rows = [row for row in family if row[column]]
    found: dict[str, object] = {}
    for row in rows:
        if names := re.findall(r"`(\w+)`", row[0]):
            values = row[column].split(", ") if len(names) > 1 else [row[column]]
            found |= zip(names, map(value_of, values), strict=True)
    return found


@pytest.mark.parametrize("method", sorted({*METHODS} - {"do_nothing"}))
def test_a_method_is_shown_with_the_defaults_of_its_signature(method: str) -> None:
    defaults = {name: option.default for name, option in METHODS.options(method).items()}
    told = shown(method)
    assert {*defaults} - {"objective"} <= {*told}
    plain = {name: default for name, default in defaults.items() if default is not None}
    if method == "scrub":
        assert f"`objective: {plain.pop('objective')}` (default)" in section("`scrub`")
    assert {name: told[name] for name in plain} == plain
