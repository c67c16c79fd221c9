"""Provenance records of artifacts, tracing a row to its records, and the exception shown to users."""

import subprocess
import sys
from datetime import datetime
from hashlib import blake2b
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from unpoison import digests, provenance
from unpoison.damage import DamagedError
from unpoison.digests import checksum, content_digest
from unpoison.errors import one_of
from unpoison.files import read_json, write_array, write_json
from unpoison.provenance import (
    check_artifacts,
    checkout,
    record_of,
    recorded_checksum,
    run_record,
)
from unpoison.tracing import doubts, trace

CELL = {"dataset": "pair", "seed": "0", "poison": "patch", "training": "resnet9"}


def leave_record(record: Path, inputs: list[Path], outputs: list[Path], step: str, **identity: str) -> Path:
    """Write the record of a job that did not really run."""
    told = {"device": "cpu", "threads": 1, "step": step, "identity": identity}
    files = {"inputs": map(str, inputs), "outputs": map(str, outputs)}
    write_json(record, run_record({"seed": 0, "code": "c0de"}, **told, **files))
    return record


@pytest.fixture
def chain(tmp_path: Path) -> Path:
    """A source, its rows, a base model and its metrics, with records; returns the record of the metrics."""
    images, rows = tmp_path / "source/images.npy", tmp_path / "rows.parquet"
    model, metrics = tmp_path / "base/model.safetensors", tmp_path / "base/metrics.parquet"
    write_array(images, np.arange(12))
    leave_record(images.with_name("run.json"), [], [images], "prepare_source", source="squares")
    rows.write_text("rows")
    leave_record(tmp_path / "run.json", [], [rows], "poison_dataset", **dict(list(CELL.items())[:3]))
    model.parent.mkdir()
    model.write_text("model")
    base = leave_record(model.with_name("run.json"), [images, rows], [model], "train_base", **CELL)
    metrics.write_text("metrics")
    inputs = [images, rows, model, base]
    return leave_record(metrics.with_name("metrics.run.json"), inputs, [metrics], "measure", **CELL)


def test_a_run_record_tells_spec_cost_versions_and_checksums(tmp_path: Path) -> None:
    (tmp_path / "in").write_text("in")
    record = run_record(
        {"seed": 3},
        step="unlearn",
        identity={"seed": "3"},
        inputs=[str(tmp_path / "in")],
        outputs=[],
        device="cpu",
        threads=2,
        seconds=1.235,
        image_passes=92,
    )
    write_json(tmp_path / "run.json", record)
    found = read_json(tmp_path / "run.json")
    assert found["spec"] == {"seed": 3}
    assert (found["step"], found["device"], found["threads"]) == ("unlearn", "cpu", 2)
    assert (found["seconds"], found["image_passes"]) == (1.235, 92)
    assert found["inputs"] == {str(tmp_path / "in"): blake2b(b"in", digest_size=16).hexdigest()}
    assert set(found["versions"]) == {"python", *provenance.PACKAGES}
    assert datetime.fromisoformat(found["finished"]).tzinfo is not None


def test_an_image_array_is_not_read_again_for_its_checksum(
    chain: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = chain.parents[1] / "source/images.npy"
    found = checksum(images)
    assert found == blake2b(images.read_bytes(), digest_size=16).hexdigest()
    monkeypatch.setattr(digests, "file_digest", None)  # reading the file would fail
    assert recorded_checksum(images) == found


def test_a_file_that_no_job_wrote_has_no_record(chain: Path) -> None:
    stranger = chain.with_name("flagged.csv")
    stranger.write_text("row_id")
    assert record_of(stranger) is None
    theirs = chain.parents[1] / "data/run.json"
    theirs.parent.mkdir()
    theirs.write_text("a file of the user's")
    assert record_of(theirs.with_name("train.parquet")) is None
    assert theirs.is_file()
    assert record_of(chain.with_name("metrics.parquet")) == chain
    assert record_of(chain.with_name("model.safetensors")) == chain.with_name("run.json")


def test_results_below_a_folder_named_like_the_data_set_can_move(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    model = Path("pair/pair/seed0/patch/resnet9/base/model.safetensors")
    model.parent.mkdir(parents=True)
    model.write_text("model")
    leave_record(model.with_name("run.json"), [], [model], "train_base", **CELL)
    Path("pair").rename("results")
    moved = Path("results", *model.parts[1:])
    check_artifacts([str(moved)], {})
    Path("results/pair").rename("elsewhere")
    with pytest.raises(DamagedError, match="is not named by its record"):
        check_artifacts(["elsewhere/seed0/patch/resnet9/base/model.safetensors"], {})


def test_a_file_made_from_another_model_than_the_one_beside_it_is_refused(chain: Path) -> None:
    base, rows = chain.parent, chain.parents[1] / "rows.parquet"
    answers, cell = base / "answers.npy", base.with_name("finetune") / "answers.npy"
    cell.parent.mkdir()
    for path in (answers, cell):
        path.write_text("answers")
    made = [base / "model.safetensors", answers]
    leave_record(base / "run.json", [rows], made, "train_base", **CELL)
    leave_record(cell.with_name("run.json"), [rows, made[0]], [cell], "unlearn", **CELL)
    check_artifacts([str(answers), str(cell)], {})
    made[0].write_text("another model")
    leave_record(base / "run.json", [rows], made, "train_base", **CELL)
    with pytest.raises(DamagedError, match=r"was made from another .*model\.safetensors"):
        check_artifacts([str(answers), str(cell)], {})


def test_a_file_at_an_absolute_path_counts_alike_wherever_the_data_folder_is(tmp_path: Path) -> None:
    for folder in ("data", "moved/to/data"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "file").write_text("content")
    found = {
        content_digest(tmp_path / folder, [str(tmp_path / "file")]) for folder in ("data", "moved/to/data")
    }
    assert len(found) == 1


def test_every_record_behind_the_metrics_is_found_once(chain: Path) -> None:
    table = trace([chain, chain])
    assert sorted(table["step"]) == ["measure", "poison_dataset", "prepare_source", "train_base"]
    assert table["is_current"].all()


def test_a_row_of_the_results_leads_to_its_training(chain: Path) -> None:
    cell = {**CELL, "seed": 0, "deletion": None, "method": "do_nothing"}
    found = pd.DataFrame([cell]).merge(trace([chain]), on=list(cell))
    assert set(found["step"]) == {"train_base"}


def test_a_model_made_anew_after_its_metrics_is_told(chain: Path) -> None:
    model = chain.with_name("model.safetensors")
    model.write_text("another")
    leave_record(model.with_name("run.json"), [], [model], "train_base", **CELL)
    table = trace([chain])
    assert table.loc[~table["is_current"], "step"].tolist() == ["measure"]
    assert any(
        "1 of 4 artifacts were made from files that have been rebuilt since" in line for line in doubts(table)
    )


def test_mixed_commits_versions_and_uncommitted_changes_are_told(chain: Path) -> None:
    table = trace([chain]).assign(commit="a" * 40, dirty=False)
    assert doubts(table) == []
    mixed = table.assign(commit=["a" * 40] * 3 + ["b" * 40], dirty=[False, False, True, True])
    mixed["torch"] = ["2.9", "2.9", "2.9", "2.10"]
    assert doubts(mixed) == [
        "The results mix 2 commits of the code (artifacts of each): aaaaaaaaaa (3), bbbbbbbbbb (1).",
        "2 of 4 artifacts were made by code with uncommitted changes.",
        "The results mix 2 versions of torch: 2.10, 2.9.",
    ]
    assert doubts(table.assign(commit=None, dirty=None)) == [
        "All 4 artifacts were made outside a git checkout; their commit is not known."
    ]


def test_a_checkout_tells_its_commit_and_whether_its_code_has_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def git(*words: str) -> str:
        author = ("-c", "user.name=nobody", "-c", "user.email=nobody@example.org")
        done = subprocess.run(
            ["git", *author, *words], cwd=tmp_path, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    monkeypatch.setattr(provenance, "ROOT", tmp_path)
    for folder in ("unpoison", "workflow"):
        (tmp_path / folder).mkdir()
    (tmp_path / "unpoison/method.py").write_text("old")
    git("init", "--quiet")
    git("add", ".")
    git("commit", "--quiet", "--message", "First")
    (tmp_path / "notes.txt").write_text("no code")
    clean = {"commit": git("rev-parse", "HEAD"), "dirty": False}
    assert checkout() == clean
    (tmp_path / "unpoison/another.py").write_text("new, and not added")
    assert checkout() == clean | {"dirty": True}


def test_without_git_there_is_no_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert checkout() == {"commit": None, "dirty": None}


def test_outside_a_checkout_there_is_no_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provenance, "ROOT", tmp_path)
    assert checkout() == {"commit": None, "dirty": None}


def test_an_installed_package_in_another_projects_repository_has_no_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packages = tmp_path / ".venv/lib"
    (packages / "unpoison").mkdir(parents=True)
    git = ["git", "-c", "user.name=test", "-c", "user.email=test@localhost", "-c", "commit.gpgsign=false"]
    for command in (["init", "--quiet"], ["commit", "--quiet", "--allow-empty", "-m", "Theirs"]):
        subprocess.run([*git, *command], cwd=tmp_path, check=True)
    monkeypatch.setattr(provenance, "ROOT", packages)
    assert checkout() == {"commit": None, "dirty": None}


def test_an_unknown_name_is_told_with_the_choices_in_order() -> None:
    assert str(one_of("method", "scurb", ["scrub", "finetune"])) == (
        "unknown method 'scurb'; choose from finetune, scrub; did you mean 'scrub'?"
    )
    assert str(one_of("detector", "loss", [])) == "unknown detector 'loss'; choose from (none)"


@pytest.mark.parametrize(
    ("found", "suggested"),
    [
        *(("specral", "spectral_signatures"), ("strp", "strip"), ("LOS", "loss"), ("loss_", "loss")),
        *(("gpu", None), ("", None), (0.6, None)),
    ],
)
def test_a_similar_name_is_suggested_even_for_one_cut_short(found: object, suggested: str | None) -> None:
    said = str(one_of("name", found, ["loss", "strip", "spectral_signatures", "cpu", "0.5"]))
    assert ("did you mean" in said) == (suggested is not None)
    assert suggested is None or said.endswith(f"; did you mean '{suggested}'?")


def failing(error: str) -> list[str]:
    """Return the lines that a program prints when it ends with an error."""
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
