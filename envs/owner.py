"""Print the checkout that made the environment of this Python, if it is another one than this."""

import json
import re
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from urllib.parse import urlparse
from urllib.request import url2pathname

HERE = Path(__file__).parents[1]


def owner() -> Path | None:
    """Return the folder that unpoison was installed from; None if it is not installed, or not from a folder."""
    try:
        origin = json.loads(distribution("unpoison").read_text("direct_url.json") or "{}")
    except PackageNotFoundError:
        return None
    found = urlparse(origin.get("url", ""))
    return Path(url2pathname(found.path)) if found.scheme == "file" and "dir_info" in origin else None


def missing() -> list[str]:
    """Return the packages that this checkout needs and the environment lacks."""
    project = tomllib.loads((HERE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [name for entry in project["dependencies"] if not is_there(name := re.split(r"[^\w.-]", entry)[0])]


def is_there(package: str) -> bool:
    """Return whether a package is installed, in any version."""
    try:
        return bool(distribution(package))
    except PackageNotFoundError:
        return False


found = owner()
if found and found.is_dir() and not found.samefile(HERE):
    print(found)
    lacking = f"; it lacks {', '.join(missing())}" if missing() else ""
    print(
        f"note: {sys.prefix} is the environment of {found}: it is used as it is{lacking}; for one of this checkout "
        "name another VENV",
        file=sys.stderr,
    )
