"""The standard usage of the Snakemake workflow catalog: required files, and deployment by snakedeploy."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from test_module import ROOT, ROWS, Outer, one_cell

ADDRESS = "https://github.com/owner/unpoison"
TOOLS = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
(DEPLOY,) = re.findall(
    r"^snakedeploy deploy-workflow .+$", (ROOT / "config" / "README.md").read_text(), re.MULTILINE
)


def test_the_repository_has_the_files_that_the_catalog_looks_for() -> None:
    assert (ROOT / "workflow/Snakefile").is_file()
    assert list((ROOT / "workflow/rules").glob("*.smk"))
    readme = (ROOT / "README.md").read_text().lower()
    assert "snakemake" in readme and "workflow" in readme


def test_the_settings_of_the_catalog_promise_what_the_workflow_has() -> None:
    usage = yaml.safe_load((ROOT / ".snakemake-workflow-catalog.yml").read_text())["usage"]
    assert set(usage) == {"mandatory-flags", "software-stack-deployment", "report"}
    assert set(usage["mandatory-flags"]) == {"desc", "flags"}
    deployment = usage["software-stack-deployment"]
    assert set(deployment) == {"conda", "apptainer", "apptainer+conda", "report"}
    rules = "".join(path.read_text() for path in (ROOT / "workflow/rules").glob("*.smk"))
    assert deployment["conda"] == ("conda:" in rules)
    assert deployment["apptainer"] == deployment["apptainer+conda"] == ("container:" in rules)
    assert deployment["report"] == usage["report"] == ("report(" in rules)


@pytest.mark.hard  # creates its own environment or checkout: `make test-hard`
def test_the_workflow_that_snakedeploy_deploys_plans_its_jobs(
    tmp_path: Path, site: Path, repository: Path
) -> None:
    snakedeploy = shutil.which("snakedeploy", path=TOOLS)
    if not snakedeploy:
        pytest.skip("snakedeploy is not installed: make setup")
    outer = Outer(tmp_path, site)
    outer.environment |= {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{repository}.insteadOf",
        "GIT_CONFIG_VALUE_0": ADDRESS,
    }
    command = DEPLOY.split()
    assert command[2] == ADDRESS
    environment = {name: value for name, value in outer.environment.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [snakedeploy, *command[1:]],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "profiles/default/profile.yaml").is_file()
    assert (tmp_path / "config/README.md").is_file()
    outer.config(one_cell())
    assert "poison_dataset" in outer.run("-n", ROWS)
