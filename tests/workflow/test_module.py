"""The workflow as a module of another workflow, in a folder without files of this project."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml
from conftest import TINY

from unpoison import __version__
from unpoison.runs.places import profile_folder, workflow_file

ROOT = Path(__file__).parents[2]
(SNIPPET,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "module.md").read_text(), re.DOTALL)
ADDRESS = 'github("owner/unpoison", path="workflow/Snakefile", tag="v0.1.0")'
ROWS = "results/pair/seed0/corner_swap/rows.parquet"


class Outer:
    """Another workflow that uses this one, with the snippet of docs/module.md and the installed package."""

    def __init__(self, folder: Path, site: Path) -> None:
        self.folder = folder
        kept = {name: value for name, value in os.environ.items() if not name.startswith("UNPOISON")}
        self.environment = {**kept, "PYTHONPATH": str(site), "XDG_CACHE_HOME": str(folder / "cache")}

    def use(self, address: str, *changes: tuple[str, str]) -> None:
        text = SNIPPET
        for old, new in ((ADDRESS, address), *changes):
            assert text.count(old) == 1
            text = text.replace(old, new)
        (self.folder / "Snakefile").write_text(text)

    def config(self, config: dict) -> None:
        (self.folder / "config").mkdir(exist_ok=True)
        (self.folder / "config/config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))

    def run(self, *arguments: str) -> str:
        done = self.python("-m", "snakemake", "--cores", "2", *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def refused(self, *arguments: str) -> str:
        done = self.python("-m", "snakemake", "--cores", "2", *arguments)
        assert done.returncode != 0
        return done.stderr

    def python(self, *arguments: str) -> subprocess.CompletedProcess:
        command = [sys.executable, *arguments]
        return subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False
        )


def one_cell() -> dict:
    """Return the tiny config with one cell and only the study's own figures."""
    config = yaml.safe_load(TINY)
    del config["figures"], config["methods"]["finetune"], config["studies"]["false_positives"]
    config["studies"]["imbalance"] |= {"vary": {}, "methods": ["retrain"]}
    config["datasets"]["pair"] = {"source": "generated", "classes": ["cat", "dog"]}
    return config


def told_by_the_package(site: Path, function: str) -> Path:
    """Return the result of a function of `unpoison.runs.places` in the installed package."""
    program = f"from unpoison.runs.places import {function}; print({function}())"
    environment = {**os.environ, "PYTHONPATH": str(site)}
    told = subprocess.run(
        [sys.executable, "-c", program], cwd=site, env=environment, capture_output=True, text=True, check=True
    ).stdout.strip()
    assert Path(told).is_relative_to(site)
    return Path(told)


@pytest.fixture(scope="module")
def carried(site: Path) -> str:
    """The path of the workflow in the installed wheel, as a quoted string."""
    return f'"{told_by_the_package(site, "workflow_file")}"'


@pytest.fixture(scope="module")
def profile(site: Path) -> Path:
    """The profile in the installed wheel."""
    return told_by_the_package(site, "profile_folder")


@pytest.fixture
def outer(tmp_path: Path, site: Path, profile: Path) -> Outer:
    made = Outer(tmp_path, site)
    made.config(one_cell())
    shutil.copytree(profile, tmp_path / "profiles/default")
    return made


@pytest.fixture(scope="module")
def finished_outer(
    tmp_path_factory: pytest.TempPathFactory, site: Path, carried: str, profile: Path
) -> Outer:
    """Another workflow that used the wheel's workflow and has run to its report."""
    made = Outer(tmp_path_factory.mktemp("outer"), site)
    made.config(one_cell())
    shutil.copytree(profile, made.folder / "profiles/default")
    made.use(carried)
    made.run()
    return made


@pytest.fixture
def finished(finished_outer: Outer, tmp_path: Path, site: Path) -> Outer:
    """A copy of `finished_outer` that a test may change."""
    shutil.copytree(finished_outer.folder, tmp_path / "outer")
    return Outer(tmp_path / "outer", site)


def test_the_workflow_of_the_wheel_runs_to_tables_and_report_and_then_has_nothing_to_do(
    finished_outer: Outer,
) -> None:
    results = finished_outer.folder / "results"
    table = pd.read_parquet(results / "tables/results.parquet")
    assert set(table["method"]) == {"do_nothing", "oracle", "retrain"}
    assert (results / "report.html").stat().st_size > 0
    assert (results / "figures/samples_imbalance.png").stat().st_size > 0
    assert "Nothing to be done" in finished_outer.run()


def test_jobs_run_the_installed_package(finished_outer: Outer) -> None:
    records = list((finished_outer.folder / "results").rglob("*run.json"))
    assert len(records) > 4
    # Only the package of a checkout is in a git repository and has a commit.
    assert {json.loads(path.read_text())["commit"] for path in records} == {None}


def test_a_workflow_of_git_file_reruns_nothing_and_runs_its_own_scripts(
    finished: Outer, repository: Path
) -> None:
    finished.use(f'"git+file://{repository}/workflow/Snakefile@v0.1.0"')
    assert "Nothing to be done" in finished.run("-n")
    told = finished.run("--forcerun", "train_oracle")
    made = set(re.findall(r"^(\w+) +1$", told, re.MULTILINE))
    assert {"train_oracle", "measure", "collect_results", "make_tables", "write_report"} <= made
    assert "Nothing to be done" in finished.run()


def test_the_snippet_of_the_page_takes_renamed_rules_from_github(finished: Outer, repository: Path) -> None:
    finished.environment |= {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{repository}.insteadOf",
        "GIT_CONFIG_VALUE_0": "https://github.com/owner/unpoison",
    }
    finished.use(ADDRESS, ("use rule * from unpoison", "use rule * from unpoison as unpoison_*"))
    (finished.folder / "results/report.html").unlink()
    told = finished.run()
    assert re.findall(r"^(unpoison_\w+) +1$", told, re.MULTILINE) == ["unpoison_write_report", "unpoison_all"]
    finished.run("--report", "report.zip")
    assert (finished.folder / "report.zip").stat().st_size > 0


def test_a_prefix_is_for_the_results_and_their_lock_and_not_for_the_users_own_rows(
    outer: Outer, carried: str
) -> None:
    config = one_cell()
    config["deletions"] = {"mine": {"rows": "flagged.csv"}}
    config["studies"]["imbalance"]["deletions"] = ["mine"]
    outer.config(config)
    outer.use(carried, ("    config:\n", '    prefix:\n        "below"\n    config:\n'))
    (outer.folder / "data").mkdir()
    (outer.folder / "data/flagged.csv").write_text("row_id\ntrain/horse/00001\n")
    target = "below/results/pair/seed0/corner_swap/resnet9/mine/deletion.parquet"
    told = outer.refused(target)
    assert "unpoison status config/config.yaml results_folder=below/results` tells" in told
    (outer.folder / "data/flagged.csv").write_text("row_id\ntrain/cat/00001\n")
    outer.run(target)
    assert list(pd.read_parquet(outer.folder / target)["row_id"]) == ["train/cat/00001"]
    assert (outer.folder / "below/results/.lock").is_file()
    assert not (outer.folder / "results").exists()


def test_other_keys_of_the_file_that_a_modules_config_is_a_part_of_are_not_judged(
    outer: Outer, carried: str
) -> None:
    outer.config({"unpoison": one_cell(), "begun": "DATE"})
    file = outer.folder / "config/config.yaml"
    file.write_text(file.read_text().replace("DATE", "2026-01-01"))
    outer.use(carried, ("        config\n", '        config["unpoison"]\n'))
    assert "poison_dataset" in outer.run("-n", ROWS)


def test_a_checkout_runs_its_own_code_whatever_is_installed(outer: Outer) -> None:
    for name in ("workflow", "envs", "unpoison"):
        shutil.copytree(ROOT / name, outer.folder / "checkout" / name)
    for file in ("workflow/rules/common.smk", "unpoison/__init__.py"):
        path = outer.folder / "checkout" / file
        path.write_text(path.read_text().replace(__version__, "99.0"))
    with (outer.folder / "checkout/unpoison/jobs/prepare_source.py").open("a") as job:
        job.write("\nPath('job_of_the_checkout').touch()\n")
    outer.use('"checkout/workflow/Snakefile"')
    outer.run("results/sources/generated/run.json")
    assert (outer.folder / "job_of_the_checkout").is_file()


def test_a_workflow_of_another_version_than_the_package_is_refused(outer: Outer) -> None:
    shutil.copytree(ROOT / "workflow", outer.folder / "workflow")
    rules = outer.folder / "workflow/rules/common.smk"
    rules.write_text(rules.read_text().replace(f'VERSION = "{__version__}"', 'VERSION = "99.0"'))
    outer.use('"workflow/Snakefile"')
    told = outer.refused("-n")
    assert (
        f"error: installed package unpoison: found {__version__}, allowed: 99.0, the version of this workflow"
        in told.splitlines()
    )


def test_a_second_use_in_one_snakefile_is_refused(outer: Outer, carried: str) -> None:
    outer.use(carried)
    again = (
        (outer.folder / "Snakefile").read_text().split("onstart")[0].strip().replace(" unpoison", " other")
    )
    with (outer.folder / "Snakefile").open("a") as file:
        file.write(f"\n{again} as other_*\n")
    assert (
        "error: module: found unpoison twice, allowed: once; one config may have many studies"
        in outer.refused("-n")
    )


def test_a_checkout_names_its_own_workflow_and_profiles() -> None:
    assert workflow_file() == ROOT / "workflow/Snakefile"
    assert profile_folder("slurm") == ROOT / "profiles/slurm"


def test_the_rules_ask_for_the_version_of_this_package() -> None:
    assert f'\nVERSION = "{__version__}"' in (ROOT / "workflow/rules/common.smk").read_text()
