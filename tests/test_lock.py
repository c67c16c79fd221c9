"""requirements.lock has the pins of constraints.txt that the package needs, each with hashes of its files."""

import re

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from test_pins import DEPENDENCIES, PINS, ROOT, needs

ENTRY = re.compile(
    r"^(\S+==[^;\\\n]+(?: ;[^\\\n]+)?)((?: \\\n    --hash=sha256:[0-9a-f]{64})+)$", re.MULTILINE
)
TEXT = (ROOT / "requirements.lock").read_text(encoding="utf-8")
LOCKED = {
    canonicalize_name(entry.name): entry for entry in map(Requirement, (e[0] for e in ENTRY.findall(TEXT)))
}


def test_every_line_is_a_pin_with_its_hashes_or_a_comment() -> None:
    assert len(LOCKED) == len(ENTRY.findall(TEXT)) > 0
    assert {line[:1] for line in ENTRY.sub("", TEXT).split("\n")} == {"", "#"}


def test_the_lock_and_the_constraints_name_the_same_versions() -> None:
    assert {name: str(entry.specifier) for name, entry in LOCKED.items()} == {
        name: f"=={PINS[name]}" for name in LOCKED
    }


def test_the_lock_has_everything_that_the_package_needs_on_this_machine() -> None:
    seen: set[str] = set()
    waiting = [*DEPENDENCIES]
    while waiting:
        requirement = waiting.pop()
        if str(requirement) not in seen:
            seen.add(str(requirement))
            entry = LOCKED.get(canonicalize_name(requirement.name))
            assert entry, f"not in requirements.lock: {requirement.name}; make lock"
            assert not entry.marker or entry.marker.evaluate(), f"left out here: {entry}"
            waiting += needs(requirement)


def test_the_lock_has_no_tool_of_development() -> None:
    assert not {"pytest", "ruff", "mypy", "playwright", "timm", "datasets", "uv"} & {*LOCKED}
