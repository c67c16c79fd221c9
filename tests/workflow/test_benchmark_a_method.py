"""docs/benchmark-a-method.md: the workflow accepts its configs, and its dry run plans the stated jobs."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from benchmarks.study import copy_project

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "benchmark-a-method.md").read_text()
STUDY, BESIDE = re.findall(r"```yaml\n(.*?)```", PAGE, flags=re.DOTALL)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the project, with the files of the page."""
    copy_project(tmp_path / "project")
    folder = tmp_path / "project"
    (method,) = re.findall(r"```python\n(.*?)```", (DOCS / "add-a-method.md").read_text(), flags=re.DOTALL)
    (folder / "mine").mkdir()
    (folder / "mine" / "gentle.py").write_text(method)
    (folder / "benchmark.yaml").write_text(STUDY)
    (folder / "beside.yaml").write_text(BESIDE)
    return folder


def said(folder: Path, *arguments: str) -> str:
    command = [sys.executable, *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_the_dry_run_of_the_page_plans_every_cell_and_both_figures(folder: Path) -> None:
    (line,) = (line for line in PAGE.splitlines() if line.endswith("--dry-run"))
    jobs = said(folder, "-m", *line.split())
    study = yaml.safe_load(STUDY)["studies"]["benchmark"]
    cells = len(study["methods"]) * len(study["vary"]["deletion.recall"]) * study["seeds"]
    counts = {rule: int(count) for rule, count in re.findall(r"^(\w+) +(\d+)$", jobs, re.MULTILINE)}
    assert (counts["unlearn"], counts["draw_figure"]) == (cells, 2)
    assert not (folder / "results").exists()


def test_the_overlay_of_the_page_puts_the_method_beside_the_shipped_ones(folder: Path) -> None:
    (line,) = (line for line in PAGE.splitlines() if line.startswith("unpoison run config/methods.yaml"))
    code = "import sys, unpoison.runs.read as read; print({cell.method for cell in read.plan_of(sys.argv[1:]).cells})"
    methods = said(folder, "-c", code, *line.split()[2:])
    assert {"gentle", *yaml.safe_load(BESIDE)["studies"]["methods"]["methods"]} <= set(
        re.findall(r"'(\w+)'", methods)
    )
