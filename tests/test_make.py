"""The Makefile: the commands of its targets, read by dry runs."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.skipif(not shutil.which("make"), reason="make is not installed")


def would_run(*arguments: str) -> subprocess.CompletedProcess:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}
    return subprocess.run(
        ["make", "-n", *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )


def environment_of(checkout: Path, folder: Path) -> Path:
    """Return a fake environment with an editable install of a checkout, older than pyproject.toml."""
    about = folder / "site" / "unpoison-0.1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: unpoison\nVersion: 0.1.0\n")
    origin = {"url": checkout.as_uri(), "dir_info": {"editable": True}}
    (about / "direct_url.json").write_text(json.dumps(origin))
    python = folder / "bin" / "python"
    python.parent.mkdir()
    python.write_text(f'#!/bin/sh\nPYTHONPATH="{folder}/site" exec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    ready = folder / ".ready"
    ready.touch()
    os.utime(ready, (0, 0))
    return folder


@pytest.mark.parametrize("target", ["setup", "status", "demo"])
def test_the_environment_of_another_checkout_is_used_and_never_installed_into(
    tmp_path: Path, target: str
) -> None:
    (tmp_path / "other").mkdir()
    folder = environment_of(tmp_path / "other", tmp_path / "venv")
    done = would_run(target, f"VENV={folder}")
    assert "pip install" not in done.stdout
    assert "-m venv" not in done.stdout
    assert f"is the environment of {tmp_path / 'other'}: it is used as it is" in done.stderr


def test_an_environment_of_this_checkout_is_brought_up_to_date(tmp_path: Path) -> None:
    for folder in (environment_of(ROOT, tmp_path / "ours"), tmp_path / "none"):
        done = would_run("setup", f"VENV={folder}")
        assert "pip install --quiet --constraint constraints.txt --editable" in done.stdout
        assert not done.stderr


def test_every_target_takes_several_configs_and_single_keys() -> None:
    config = "CONFIG=a.yaml b.yaml threads=2"
    for target in ("status", "estimate", "partial"):
        assert f"-m unpoison {target} a.yaml b.yaml threads=2" in would_run(target, config).stdout
    for target, subcommand in (("demo", "run"), ("report", "report")):
        assert f"-m unpoison {subcommand} a.yaml b.yaml threads=2" in would_run(target, config).stdout
        assert "threads=2 --cores 3\n" in would_run(target, config, "CORES=3").stdout
