"""The record beside an artifact, and the one exception that speaks to the user."""

import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest

from unpoison import provenance
from unpoison.errors import one_of
from unpoison.files import read_json, write_json
from unpoison.provenance import git_commit, run_record


def test_a_run_record_tells_spec_cost_and_versions(tmp_path: Path) -> None:
    record = run_record({"seed": 3}, device="cpu", seconds=1.23456, image_passes=92, forward_passes=7)
    write_json(tmp_path / "run.json", record)
    found = read_json(tmp_path / "run.json")
    assert (found["spec"], found["seconds"], found["image_passes"], found["device"]) == (
        {"seed": 3},
        1.235,
        92,
        "cpu",
    )
    assert set(found["versions"]) == {"python", *provenance.PACKAGES}
    assert datetime.fromisoformat(found["finished"]).tzinfo is not None


def test_without_git_there_is_no_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert git_commit() is None


def test_outside_a_checkout_there_is_no_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provenance, "__file__", str(tmp_path / "provenance.py"))
    assert git_commit() is None


def test_an_unknown_name_is_told_with_the_choices_in_order() -> None:
    assert str(one_of("method", "scurb", ["scrub", "finetune"])) == (
        "unknown method 'scurb'; choose from finetune, scrub"
    )
    assert str(one_of("detector", "loss", [])) == "unknown detector 'loss'; choose from (none)"


def failing(error: str) -> list[str]:
    """What a program that ends with an error prints."""
    begin = "from unpoison.errors import UserError, show_user_errors_in_one_line as show; show()"
    command = [sys.executable, "-c", f"{begin}\nraise {error}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    return done.stderr.strip().splitlines()


def test_a_user_error_is_one_line() -> None:
    assert failing("UserError('too few cats')") == ["error: too few cats"]


def test_every_other_error_keeps_its_traceback() -> None:
    first, *_, last = failing("ValueError('a mistake of ours')")
    assert first.startswith("Traceback")
    assert last == "ValueError: a mistake of ours"
