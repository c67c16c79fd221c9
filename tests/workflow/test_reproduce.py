"""`unpoison reproduce` repeats a published study and reports whether its numbers agree."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from unpoison.command.main import run
from unpoison.files import read_table, write_table


@pytest.fixture
def published(project, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the finished study as a published study."""
    monkeypatch.chdir(project.folder)
    folder = project.folder / "published"
    shutil.copytree(project.folder / "results/tables", folder / "tables")
    (folder / "study.yaml").write_text(yaml.safe_dump({"config": "tiny.yaml", "only_studies": ["imbalance"]}))
    return folder


def reproduced(published: Path) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "unpoison", "reproduce", "published", "--out", "results"]
    return subprocess.run(command, cwd=published.parent, capture_output=True, text=True, check=False)


def test_the_same_study_is_equal_to_the_last_digit(published: Path) -> None:
    done = reproduced(published)
    assert done.returncode == 0, done.stderr
    compared = read_table(published.parent / "results/reproduced.parquet")
    assert set(compared["study"]) == {"imbalance"}
    count = len(compared)
    told = f"{count} of {count} means are equal to the last digit; one published seed gives no interval"
    assert done.stderr.splitlines()[-1] == told


def test_other_numbers_end_with_their_own_exit_code(published: Path) -> None:
    path = published / "tables/results.parquet"
    rows = read_table(path)
    write_table(path, rows.assign(value=rows["value"] + 0.25))
    assert reproduced(published).returncode == 3


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["published", "--seeds", "7-8"], "only_seeds: found 7-8"),
        (["elsewhere"], "no such config: elsewhere/study.yaml"),
        (["published", "only_studies=[other]"], "unknown study in only_studies"),
    ],
)
def test_what_cannot_be_reproduced_is_refused_before_anything_runs(
    published: Path, words: list[str], why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["reproduce", *words, "--out", "new"]) == 1
    assert why in capsys.readouterr().err
    assert not (published.parent / "new").exists()


def test_a_study_that_names_no_config_is_refused(published: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (published / "study.yaml").write_text("only_studies: [imbalance]\n")
    assert run(["reproduce", "published"]) == 1
    assert "found no config, allowed: config: a file" in capsys.readouterr().err
