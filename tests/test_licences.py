"""docs/licences.md has the licence of each package of requirements.lock."""

import re
from email.message import Message

import pytest
from test_pins import ROOT

from envs.licences import HEAD, NOT_STATED, installed, licence, pins, text_of

PAGE = (ROOT / "docs" / "licences.md").read_text(encoding="utf-8")
ROWS = {
    name: (version, named, place)
    for name, version, named, place in re.findall(
        r"^\| `([^=]+)==(.+)` \| (.*) \| (\w*) +\|$", PAGE.replace(" |  |", " |   |"), re.MULTILINE
    )
}


def metadata(**fields: str) -> Message:
    made = Message()
    for name, value in fields.items():
        made[name.replace("_", "-")] = value
    return made


def test_every_package_of_the_lock_has_a_licence_on_the_page() -> None:
    assert {name: version for name, (version, _, _) in ROWS.items()} == pins(), "make licences"
    # A metapackage of NVIDIA: it has no files and only depends on other packages.
    assert {name for name, (_, *stated) in ROWS.items() if tuple(stated) == NOT_STATED} == {"cuda-toolkit"}
    assert all(named for _, named, _ in ROWS.values())


def test_the_page_says_what_the_installed_packages_state() -> None:
    assert PAGE.startswith(HEAD), "make licences"
    here = {name: package for name, version in pins().items() if (package := installed(name, version))}
    assert {"numpy", "snakemake"} <= {*here}
    stated = {name: licence(package.metadata, text_of(package)) for name, package in here.items()}
    assert stated == {name: ROWS[name][1:] for name in here}, "make licences"


def test_only_libraries_of_nvidia_are_proprietary() -> None:
    proprietary = {name for name, (_, named, _) in ROWS.items() if "proprietary" in named.lower()}
    assert proprietary
    assert all(name.startswith("nvidia-") for name in proprietary)


@pytest.mark.parametrize(
    ("stated", "text", "expected"),
    [
        (metadata(License_Expression="MIT", License="BSD"), "", ("MIT", "expression")),
        (
            metadata(License="BSD", Classifier="License :: OSI Approved :: MIT License"),
            "",
            ("BSD", "license"),
        ),
        (metadata(Classifier="License :: OSI Approved :: MIT License"), "", ("MIT License", "classifiers")),
        (metadata(License="Apache License\n  Version 2.0, January"), "", ("Apache-2.0", "license")),
        (metadata(Name="mine"), "\nMIT License\n\nCopyright", ("MIT", "file")),
        (metadata(Classifier="License :: OSI Approved"), "All rights reserved", NOT_STATED),
    ],
)
def test_the_first_place_that_names_a_licence_stands(
    stated: Message, text: str, expected: tuple[str, str]
) -> None:
    assert licence(stated, text) == expected
