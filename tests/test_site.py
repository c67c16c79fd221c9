"""The docs site: each page is in the navigation, and the two pages on code cover all of it."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

import unpoison
from docs.command_line import page

ROOT = Path(__file__).parents[1]
LONG = {"config/README.md", "CHANGELOG.md", "docs/changelog-older.md"}  # lists to look things up in
OUTSIDE = {"config.md", "changelog.md"}  # docs/site/hooks.py adds them and CONTRIBUTING.md


class Settings(yaml.SafeLoader):
    """Reads mkdocs.yml without calling the functions that it names."""


Settings.add_multi_constructor("tag:yaml.org,2002:python/", lambda *_: None)


def places(nav: Any) -> Iterator[str]:
    """Yield the pages of a navigation."""
    if isinstance(nav, str):
        yield nav
    else:
        for part in nav.values() if isinstance(nav, dict) else nav:
            yield from places(part)


def test_every_page_has_one_place_on_the_site() -> None:
    listed = sorted(places(yaml.load((ROOT / "mkdocs.yml").read_text(), Settings)["nav"]))
    pages = {path.relative_to(ROOT / "docs").as_posix() for path in ROOT.glob("docs/**/*.md")}
    assert listed == sorted(pages | OUTSIDE), "the nav of mkdocs.yml"


def test_a_page_has_at_most_1500_words_of_prose() -> None:
    lengths = {}
    for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("config/*.md")]:
        text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        prose = [line for line in text.splitlines() if not line.lstrip().startswith("|")]
        lengths[path.relative_to(ROOT).as_posix()] = len(" ".join(prose).split())
    assert {page for page, words in lengths.items() if words > 1500} <= LONG


def test_the_api_page_has_every_public_name() -> None:
    text = (ROOT / "docs" / "api.md").read_text()
    described = {path.rpartition(".")[2] for path in re.findall(r"^::: (unpoison\.\S+)$", text, re.MULTILINE)}
    assert described | set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)) == set(unpoison.__all__)


def test_the_api_page_describes_each_name_where_it_is_defined() -> None:
    homes = {name: f"unpoison.{home}.{name}" for home, names in unpoison.HOMES.items() for name in names}
    paths = re.findall(r"^::: (unpoison\.\S+)$", (ROOT / "docs" / "api.md").read_text(), re.MULTILINE)
    assert paths
    assert [path for path in paths if homes.get(path.rpartition(".")[2]) != path] == []


def test_the_page_of_the_command_is_the_one_that_the_code_gives() -> None:
    committed = (ROOT / "docs" / "command-line.md").read_text()
    assert committed == page() + "\n", "python -m docs.command_line > docs/command-line.md"
