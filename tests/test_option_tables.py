"""The tables of options in docs/methods/ have the defaults of the code."""

import re
from pathlib import Path

import pytest
import yaml

from unpoison.unlearning import METHODS

DOCS = Path(__file__).parents[1] / "docs"
OVERVIEW = (DOCS / "methods.md").read_text(encoding="utf-8")
PAGES = {
    f"methods/{page.name}": page.read_text(encoding="utf-8") for page in sorted(DOCS.glob("methods/*.md"))
}
SHARED = "Importances and their options"  # one table for the dampening methods, with a column for each
SHOWN = sorted({*METHODS} - {"do_nothing"})


def section(heading: str) -> str:
    """Return the text below a heading up to the next one."""
    text = "\n".join(PAGES.values())
    (found,) = re.findall(rf"^#+ {re.escape(heading)}\n(.*?)(?=^#|\Z)", text, re.MULTILINE | re.DOTALL)
    return found


def cells_of(text: str) -> list[list[str]]:
    """Return the cells of each row of the tables in a text."""
    lines = re.findall(r"^\|(.+)\|$", text, re.MULTILINE)
    return [[cell.strip() for cell in line.split("|")] for line in lines]


def value_of(cell: str) -> object:
    """Return the value that a cell of defaults begins with."""
    return yaml.safe_load(re.split(r"[\s,;]", cell)[0].strip("`"))


def shown(method: str) -> dict[str, object]:
    """Return the defaults that the pages have for a method."""
    rows, column = cells_of(section(f"`{method}`")), 1
    head, *shared = cells_of(section(SHARED))
    if f"`{method}`" in head:
        column = head.index(f"`{method}`")
        rows = [row for row in shared if row[column]]
    found: dict[str, object] = {}
    for row in rows:
        if names := re.findall(r"`(\w+)`", row[0]):
            values = row[column].split(", ") if len(names) > 1 else [row[column]]
            found |= zip(names, map(value_of, values), strict=True)
    return found


@pytest.mark.parametrize("method", SHOWN)
def test_an_entry_has_the_options_and_defaults_of_the_signature(method: str) -> None:
    defaults = {name: option.default for name, option in METHODS.options(method).items()}
    told = shown(method)
    plain = {name: default for name, default in defaults.items() if default is not None}
    if method == "scrub":
        assert f"`objective: {plain.pop('objective')}` (default)" in section("`scrub`")
    assert {*told} == {*defaults} - {"objective"}
    assert {name: told[name] for name in plain} == plain


@pytest.mark.parametrize("method", SHOWN)
def test_the_overview_has_one_line_of_a_method_that_leads_to_its_entry(method: str) -> None:
    (page,) = [name for name, text in PAGES.items() if f"\n## `{method}`\n" in text]
    assert OVERVIEW.count(f"\n| [`{method}`]({page}#{method})") == 1


@pytest.mark.parametrize("method", SHOWN)
def test_an_entry_names_the_source_and_the_cost_of_its_method(method: str) -> None:
    facts = re.findall(r"^- \*\*(.+?):\*\*", section(f"`{method}`"), re.MULTILINE)
    assert {"Source", "Equation", "Cost"} <= {*facts}
