"""constraints.txt pins all dependencies; conda environment, container and citation agree with it."""

import re
import tomllib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from unpoison import __version__

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
DEPENDENCIES = [Requirement(entry) for entry in PROJECT["dependencies"]]
# FiftyOne needs boto3, which needs python-dateutil below 3: it cannot be installed under the pins.
UNPINNED = {"fiftyone"}
EXTRAS = [
    Requirement(entry)
    for extra, entries in PROJECT["optional-dependencies"].items()
    if extra not in UNPINNED
    for entry in entries
]
NETWORKS = [Requirement(entry) for entry in PROJECT["optional-dependencies"]["timm"]]


def versions(entries: list[str]) -> dict[str, str]:
    """Return the version that each `name==version` pins."""
    pairs = [entry.split("==") for entry in entries]
    pins = {canonicalize_name(name): version for name, version in pairs}
    assert len(pins) == len(entries), "a name stands twice"
    return pins


PINS = versions((ROOT / "constraints.txt").read_text().split())
ENVIRONMENT = yaml.safe_load((ROOT / "envs" / "unpoison.yaml").read_text())["dependencies"]


def needs(requirement: Requirement) -> list[Requirement]:
    """Return an installed package's dependencies on this machine, with the requested extras."""
    try:
        needed = distribution(requirement.name).requires or []
    except PackageNotFoundError:  # belongs to an extra that is not installed here
        return []
    extras = requirement.extras or {""}
    entries = [Requirement(entry) for entry in needed]
    return [
        entry
        for entry in entries
        if not entry.marker or any(entry.marker.evaluate({"extra": extra}) for extra in extras)
    ]


def test_every_package_that_is_needed_has_a_pin() -> None:
    seen: set[str] = set()
    waiting = [*DEPENDENCIES, *EXTRAS]
    while waiting:
        requirement = waiting.pop()
        if str(requirement) not in seen:
            seen.add(str(requirement))
            pinned = PINS.get(canonicalize_name(requirement.name))
            assert pinned, f"no pin: {requirement.name}"
            assert requirement.specifier.contains(pinned, prereleases=True), f"{requirement}: {pinned}"
            waiting += needs(requirement)


def test_the_conda_environment_has_every_dependency_and_every_network_at_its_pin() -> None:
    listed = versions(ENVIRONMENT[-1]["pip"])
    needed = [canonicalize_name(entry.name) for entry in (*DEPENDENCIES, *NETWORKS)]
    assert listed == {name: PINS[name] for name in needed}


def test_the_container_installs_the_pins_on_the_python_of_the_conda_environment() -> None:
    recipe = (ROOT / "Dockerfile").read_text()
    python = re.search(r"^FROM python:(\d+\.\d+)-slim", recipe, re.MULTILINE)
    assert python and f"python={python[1]}" in ENVIRONMENT
    assert python[1] in PROJECT["requires-python"]
    installs = [line for line in recipe.splitlines() if "pip install" in line]
    assert installs and all("--constraint constraints.txt" in line for line in installs)
    assert "==" not in recipe, "a version of its own"


@pytest.mark.parametrize(("key", "value"), [("version", __version__), ("license", PROJECT["license"])])
def test_the_citation_is_of_this_version(key: str, value: str) -> None:
    assert str(yaml.safe_load((ROOT / "CITATION.cff").read_text())[key]) == value
