"""Print docs/licences.md: the licence that each package of requirements.lock states."""

import json
import re
import sys
from collections.abc import Iterator
from email import message_from_bytes
from email.message import Message
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from io import BytesIO
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen
from zipfile import ZipFile

HERE = Path(__file__).parents[1]
INDEX = "https://pypi.org/simple/"
JSON = {"Accept": "application/vnd.pypi.simple.v1+json"}
HEAD = """# Licences of what is installed

This page lists the licence of each package of `requirements.lock`, as the package itself states it. `make licences`
makes the page anew. unpoison itself has the [MIT licence](../LICENSE).

Most packages `nvidia-*` are proprietary. `torch` needs them on Linux, with a GPU or without, and on no other system.

The third column says where the licence is stated. The places are asked in this order, and the first answer stands:

- `expression`: the field License-Expression of the metadata, in SPDX;
- `license`: the field License of the metadata;
- `classifiers`: the classifiers of the metadata;
- `file`: the first words of the licence's text, MIT or Apache-2.0.

"not stated" means that none of them names a licence.

| package | licence | stated in |
| --- | --- | --- |"""
# The first words of licences that some packages state only by their text.
TEXTS = {"MIT": r"MIT License|The MIT License", "Apache-2.0": r"Apache License\s+Version 2\.0"}
NOT_STATED = ("not stated", "")


def pins() -> dict[str, str]:
    """Return the version of each package of requirements.lock."""
    text = (HERE / "requirements.lock").read_text(encoding="utf-8")
    return dict(re.findall(r"^([\w.-]+)==(\S+)", text, re.MULTILINE))


def licence(metadata: Message, text: str) -> tuple[str, str]:
    """Return the licence that a package states, and where: in its metadata, or in the text of its licence."""
    field = str(metadata["License"] or "").strip()
    classifiers = [line.split(" :: ") for line in map(str, metadata.get_all("Classifier", []))]
    if metadata["License-Expression"]:
        return str(metadata["License-Expression"]), "expression"
    if field and "\n" not in field:
        return field, "license"
    if named := [line[-1] for line in classifiers if line[0] == "License" and line[-1] != "OSI Approved"]:
        return "; ".join(sorted(named)), "classifiers"
    for name, words in TEXTS.items():
        if re.match(rf"\s*(?:{words})", field or text):
            return name, "license" if field else "file"
    return NOT_STATED


def installed(name: str, version: str) -> Distribution | None:
    """Return the package of this environment; None where it is missing or has another version."""
    try:
        found = distribution(name)
    except PackageNotFoundError:
        return None
    return found if found.version == version else None


def text_of(package: Distribution) -> str:
    """Return the first licence file of an installed package; empty if there is none."""
    files = [
        file for file in package.files or [] if re.match(r"LICEN[CS]E|COPYING", file.name, re.IGNORECASE)
    ]
    files = [file for file in files if ".dist-info" in str(file)]
    return files[0].read_text(encoding="utf-8") if files else ""


def published(name: str, version: str) -> Message:
    """Return the metadata of a package on PyPI; for packages of another operating system."""
    with urlopen(Request(f"{INDEX}{name}/", headers=JSON), timeout=60) as page:  # noqa: S310 (https)
        listed = json.load(page)["files"]
    wheel_name = re.compile(rf"[^-]+-{re.escape(version)}-.+\.whl")
    address = next(file["url"] for file in listed if wheel_name.fullmatch(file["filename"]))
    try:
        with urlopen(f"{address}.metadata", timeout=60) as metadata:  # noqa: S310 (https)
            return message_from_bytes(metadata.read())
    except HTTPError:  # mirrors have the metadata of some packages only in the wheel
        with urlopen(address, timeout=600) as wheel, ZipFile(BytesIO(wheel.read())) as files:  # noqa: S310 (https)
            (held,) = (file for file in files.namelist() if file.endswith(".dist-info/METADATA"))
            return message_from_bytes(files.read(held))


def rows() -> Iterator[str]:
    """Yield a row of the table for each package of requirements.lock."""
    for name, version in pins().items():
        package = installed(name, version)
        if package:
            named, place = licence(package.metadata, text_of(package))  # type: ignore[arg-type]
        else:
            named, place = licence(published(name, version), "")
        yield f"| `{name}=={version}` | {named.replace('|', '/')} | {place} |"


if __name__ == "__main__":
    try:
        print(HEAD, *rows(), sep="\n")
    except URLError as error:
        sys.exit(
            f"error: {INDEX} cannot be reached ({error.reason}); it has the packages that are not installed here"
        )
