"""GitHub's workflows, the forms, the hooks before a commit and the pages for contributors."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from test_pins import PINS, PROJECT

from unpoison import __version__

ROOT = Path(__file__).parents[1]
GITHUB = ROOT / ".github"
WORKFLOWS = {path.stem: path for path in sorted((GITHUB / "workflows").glob("*.yml"))}
# Write permissions of jobs; every other job may only read the code.
RIGHTS = {
    ("docs", "deploy"): {"pages": "write", "id-token": "write"},
    ("release", "publish"): {"id-token": "write"},
    ("container", "publish"): {"contents": "read", "packages": "write"},
}
TOOLS = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
HOOKS = {"astral-sh/ruff-pre-commit": "ruff", "snakemake/snakefmt": "snakefmt"}
SCHEMAS = {
    "vendor.github-workflows": [*WORKFLOWS.values()],
    "vendor.dependabot": [GITHUB / "dependabot.yml"],
    "vendor.github-issue-forms": [
        path for path in sorted((GITHUB / "ISSUE_TEMPLATE").glob("*.yml")) if path.stem != "config"
    ],
    "vendor.github-issue-config": [GITHUB / "ISSUE_TEMPLATE" / "config.yml"],
    "vendor.citation-file-format": [ROOT / "CITATION.cff"],
}
every_workflow = pytest.mark.parametrize("name", WORKFLOWS)


def workflow(name: str) -> dict:
    return yaml.safe_load(WORKFLOWS[name].read_text(encoding="utf-8"))


def steps(name: str) -> Iterator[dict]:
    for job in workflow(name)["jobs"].values():
        yield from job["steps"]


def runs(name: str) -> str:
    return "\n".join(step.get("run", "") for step in steps(name))


def tool(name: str) -> str:
    found = shutil.which(name, path=TOOLS)
    return found or pytest.skip(f"{name} is not installed: make setup")


def succeeds(*command: str | Path) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_workflows_that_contributing_promises_are_there() -> None:
    assert {*WORKFLOWS} == {"lint", "tests", "docs", "release", "container"}


@every_workflow
def test_a_job_has_only_the_rights_that_it_needs(name: str) -> None:
    assert workflow(name)["permissions"] == {}
    for job, entry in workflow(name)["jobs"].items():
        assert entry["permissions"] == RIGHTS.get((name, job), {"contents": "read"}), job
        assert 0 < entry["timeout-minutes"] <= 180, job


@every_workflow
def test_an_action_is_pinned_by_commit_with_its_version_beside_it(name: str) -> None:
    used = re.findall(r"uses: (.+)", WORKFLOWS[name].read_text(encoding="utf-8"))
    assert len(used) == sum("uses" in step for step in steps(name)) > 0
    for action in used:
        assert re.fullmatch(r"[\w.-]+/[\w.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+.*", action), action


def test_an_action_has_one_version_in_all_workflows() -> None:
    used = {step["uses"] for name in WORKFLOWS for step in steps(name) if "uses" in step}
    assert len(used) == len({action.split("@")[0] for action in used})


@every_workflow
def test_a_checkout_leaves_no_token_behind(name: str) -> None:
    checkouts = [step for step in steps(name) if step.get("uses", "").startswith("actions/checkout@")]
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


@every_workflow
def test_a_command_takes_no_text_from_outside_but_by_its_environment(name: str) -> None:
    assert "${{" not in runs(name)


@every_workflow
def test_a_cache_is_keyed_on_the_pins_and_a_release_has_none(name: str) -> None:
    cached = [step["with"] for step in steps(name) if "cache" in step.get("with", {})]
    assert all(options["cache-dependency-path"] == "constraints.txt" for options in cached)
    assert bool(cached) == (name in ("lint", "tests", "docs"))


def test_the_tests_run_on_the_pythons_that_the_package_lists() -> None:
    matrix = workflow("tests")["jobs"]["tests"]["strategy"]["matrix"]
    listed = re.findall(r"Python :: (3\.\d+)", "\n".join(PROJECT["classifiers"]))
    assert matrix["python"] == listed
    assert matrix["experimental"] == [False]
    assert all(entry["experimental"] and entry["python"] not in listed for entry in matrix["include"])
    assert PROJECT["requires-python"] == f">={listed[0]}"


@pytest.mark.parametrize(("tag", "code"), [(f"v{__version__}", 0), ("v99.0.0", 1), (__version__, 1)])
def test_a_release_stops_where_the_tag_is_not_the_version(tag: str, code: int) -> None:
    (check,) = (step for step in steps("release") if "TAG" in step.get("env", {}))
    done = subprocess.run(
        ["bash", "-e", "-c", check["run"]],
        cwd=ROOT,
        env={**os.environ, "TAG": tag},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code
    assert (f"found the tag {tag}" in done.stdout) == bool(code)


def named_targets() -> set[str]:
    texts = [runs(name) for name in WORKFLOWS] + [(ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")]
    return {target for text in texts for target in re.findall(r"(?:^|`)make ([\w-]+)", text, re.MULTILINE)}


@pytest.mark.parametrize("target", sorted(named_targets()))
def test_a_target_of_make_that_is_named_is_there(target: str) -> None:
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)


def test_the_hooks_before_a_commit_have_the_versions_of_the_pins() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]
    found = {entry["repo"].removeprefix("https://github.com/"): entry["rev"] for entry in hooks}
    assert found == {repository: f"v{PINS[name]}" for repository, name in HOOKS.items()}


def test_the_address_of_the_repository_is_one() -> None:
    places = [ROOT / "pyproject.toml", *ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *GITHUB.rglob("*.*")]
    texts = [path.read_text(encoding="utf-8") for path in places if path.is_file()]
    owners = {owner for text in texts for owner in re.findall(r"github\.com/([\w-]+)/unpoison\b", text)}
    assert len(owners) == 1


def test_contributing_tells_what_each_folder_of_tests_holds() -> None:
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    folders = {path.parent for path in (ROOT / "tests").glob("*/test_*.py")}
    assert not [folder.name for folder in folders if f"| `tests/{folder.name}/` |" not in page]


@pytest.mark.parametrize("schema", SCHEMAS)
def test_a_file_for_github_fits_its_schema(schema: str) -> None:
    assert SCHEMAS[schema]
    succeeds(tool("check-jsonschema"), "--builtin-schema", schema, *SCHEMAS[schema])


def test_zizmor_finds_no_weakness_in_the_workflows() -> None:
    succeeds(tool("zizmor"), "--offline", "--no-progress", GITHUB)
