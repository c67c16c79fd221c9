"""Helpers that build the wheel and the sdist as `pip` does, offline."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

ROOT = Path(__file__).parents[1]
OFFLINE = ("--no-deps", "--no-index")
FOLDERS = ("unpoison", "workflow", "profiles", "envs", "config")
FILES = ("pyproject.toml", "setup.py", "MANIFEST.in", "README.md", "LICENSE")
WITH_THE_SDIST = (  # not needed for a build
    *("CHANGELOG.md", "CITATION.cff", "Snakefile", "constraints.txt", "requirements.lock"),
    ".snakemake-workflow-catalog.yml",
)


def pip(*arguments: str) -> None:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def copy_sources(folder: Path) -> None:
    """Copy the sources of the wheel and the sdist, since setuptools leaves folders behind where it builds."""
    for name in FOLDERS:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in (*FILES, *WITH_THE_SDIST):
        shutil.copy(ROOT / name, folder / name)


def build_wheel(source: Path, folder: Path) -> Path:
    """Build the wheel of a copy or of an sdist into a folder, and return it."""
    pip("wheel", "--quiet", *OFFLINE, "--no-build-isolation", "--wheel-dir", str(folder), str(source))
    (built,) = folder.glob("*.whl")
    return built


def installed_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the wheel and its installation `site`, shared by all pytest-xdist workers."""
    is_worker = "PYTEST_XDIST_WORKER" in os.environ
    shared = tmp_path_factory.getbasetemp().parent if is_worker else tmp_path_factory.getbasetemp()
    folder = shared / "installed"
    with FileLock(shared / "installed.lock"):
        if not folder.exists():
            making = tmp_path_factory.mktemp("installing")
            copy_sources(making / "source")
            wheel = build_wheel(making / "source", making)
            pip("install", "--quiet", *OFFLINE, "--target", str(making / "site"), str(wheel))
            making.rename(folder)
    return folder
