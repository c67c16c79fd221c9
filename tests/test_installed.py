"""The command of an installed wheel, in a separate environment and in a folder without a checkout."""

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from wheels import OFFLINE, ROOT, pip


class Installed:
    """An environment with the wheel and this environment's libraries, and a working folder."""

    def __init__(self, environment: Path, folder: Path) -> None:
        self.environment, self.folder = environment, folder

    def run(self, *arguments: str) -> str:
        """Return what the command prints."""
        done = subprocess.run(
            [self.environment / "bin/unpoison", *arguments],
            cwd=self.folder,
            env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Path:
    """A new environment with the wheel; afterwards it gets access to the libraries of this one."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    # pip takes a checkout in its working directory for an installation.
    fresh = ("--quiet", "--ignore-installed", *OFFLINE)
    pip("--python", str(folder / "bin/python"), "install", *fresh, str(wheel))
    (site,) = folder.glob("lib/python*/site-packages")
    # A plain path: .pth files of the other environment, which may link to a checkout, are not followed.
    (site / "libraries.pth").write_text(sysconfig.get_path("purelib"))
    return folder


@pytest.fixture
def installed(environment: Path, tmp_path: Path) -> Installed:
    return Installed(environment, tmp_path)


def test_the_command_tells_the_version_of_its_wheel(installed: Installed, wheel: Path) -> None:
    assert f"unpoison-{installed.run('--version').strip()}-py3-none-any.whl" == wheel.name


def test_the_help_names_the_subcommands(installed: Installed) -> None:
    told = installed.run("--help").split()
    assert {"scan", "repair", "init", "run"} <= {*told}


def test_the_first_config_is_written_where_the_command_is_called(installed: Installed) -> None:
    installed.run("init")
    assert [path.name for path in installed.folder.iterdir()] == ["study.yaml"]


@pytest.mark.hard  # creates its own environment or checkout: `make test-hard`
def test_the_demo_is_planned_by_the_workflow_of_the_wheel(installed: Installed) -> None:
    (installed.folder / "demo.yaml").write_bytes((ROOT / "config/demo.yaml").read_bytes())
    told = installed.run("run", "demo.yaml", "--", "--dry-run")
    assert "write_report" in told
    assert "This was a dry-run" in told
    assert f"{installed.environment}/lib" in told
    assert not any(f"{ROOT}/{name}" in told for name in ("workflow", "unpoison", "Snakefile"))
