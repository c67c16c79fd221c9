"""Damage, a full disk, a read-only folder, a second run: one error line, then the run can resume."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from artifacts import contents
from test_killed import PATIENCE, jobs_of

CELL = "results/pair@keep.cat=0.5/seed0/corner_swap@share.cat=0.2/resnet9/everything_found/finetune"


def needs_mounts() -> None:
    if os.geteuid() != 0:
        pytest.skip("not root: cannot mount a small or read-only folder")


def mount(*arguments: str) -> None:
    done = subprocess.run(["mount", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"cannot mount here: {done.stderr.strip()}")


@pytest.fixture
def unfinished(project):
    """The study without one of its cells and its tables."""
    for made in (CELL, "results/tables"):
        shutil.rmtree(project.folder / made)
    return project


@pytest.fixture
def mounted(unfinished) -> Iterator[Path]:
    """The results folder as a mount point; it is unmounted after the test."""
    results = unfinished.folder / "results"
    yield results
    subprocess.run(["umount", "--lazy", results], capture_output=True, check=False)


def failed_lines(project) -> list[str]:
    """Run, require a failure, and return the lines that tell the user what is wrong."""
    done = project.snakemake()
    assert done.returncode != 0
    said = done.stdout + done.stderr
    assert "Traceback" not in said, said
    return [line.strip() for line in said.splitlines() if line.strip().startswith("error: ")]


def test_a_damaged_artifact_is_named_and_made_anew(unfinished, finished) -> None:
    path = unfinished.folder / CELL.replace("finetune", "retrain") / "answers.npy"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)
    lines = failed_lines(unfinished)
    assert [line.split(":")[1].split("/")[-1] for line in lines] == ["answers.npy is damaged"]
    assert unfinished.snakemake().returncode == 0
    path.with_name("answers.npy.corrupt").unlink()
    assert contents(unfinished.folder / "results") == contents(finished.folder / "results")


def test_a_full_disk_is_named_and_room_lets_the_run_go_on(unfinished, finished, mounted: Path) -> None:
    needs_mounts()
    kept = shutil.copytree(mounted, mounted.with_name("kept"))
    mount("-t", "tmpfs", "-o", "size=64M", "tmpfs", str(mounted))
    shutil.copytree(kept, mounted, dirs_exist_ok=True)
    used = sum(path.stat().st_blocks for path in mounted.rglob("*")) * 512
    mount("-o", f"remount,size={used + 8192}", str(mounted))
    lines = failed_lines(unfinished)
    assert lines, "the full disk was not noticed"
    assert all(line.endswith("No space left on device") for line in lines), lines
    mount("-o", "remount,size=64M", str(mounted))
    assert unfinished.snakemake().returncode == 0
    assert contents(mounted) == contents(finished.folder / "results")


def test_a_read_only_results_folder_is_refused(unfinished, mounted: Path) -> None:
    needs_mounts()  # root ignores file modes, but not a read-only mount
    mount("--bind", str(mounted), str(mounted))
    mount("-o", "remount,bind,ro", str(mounted))
    [line] = failed_lines(unfinished)
    assert line == "error: results_folder 'results' cannot be written: results is not a writable folder"


def test_a_second_run_is_refused(unfinished, tmp_path: Path) -> None:
    # The first run never ends, and its jobs remove no files that the other runs read.
    unfinished.set("methods/finetune/length", 10**6)
    for cell in (unfinished.folder / "results").rglob("finetune"):
        shutil.rmtree(cell)
    elsewhere = type(unfinished)(tmp_path / "elsewhere")
    shutil.copytree(
        unfinished.folder,
        elsewhere.folder,
        symlinks=True,
        ignore=shutil.ignore_patterns("results", ".snakemake"),
    )
    elsewhere.set("results_folder", str(unfinished.folder / "results"))
    running = unfinished.start()
    while not jobs_of(running):
        assert running.poll() is None
    try:
        second = unfinished.snakemake()
        assert second.returncode != 0
        assert "Directory cannot be locked" in second.stderr
        assert "Traceback" not in second.stderr
        assert failed_lines(elsewhere) == [
            f"error: {unfinished.folder}/results is in use by another run; wait for its end, or write to another"
        ]
    finally:
        os.killpg(running.pid, signal.SIGKILL)
        running.communicate(timeout=PATIENCE)
