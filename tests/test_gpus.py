"""Leases of one GPU for each job, tested with pretend devices and real processes, without torch."""

import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from unpoison import gpus
from unpoison.errors import UserError

ROOT = Path(__file__).parents[1]
HOLD = """
import os, sys, time
from pathlib import Path
from unpoison.gpus import lease_gpu
devices, slots, folder, seconds, record = sys.argv[1:]
lease = lease_gpu(devices.split(","), int(slots), Path(folder))
assert "torch" not in sys.modules
file = os.open(record, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
os.write(file, f"+ {os.environ['CUDA_VISIBLE_DEVICES']}\\n".encode())
time.sleep(float(seconds))
os.write(file, f"- {os.environ['CUDA_VISIBLE_DEVICES']}\\n".encode())
"""


def hold(devices: str, slots: int, folder: Path, seconds: float) -> subprocess.Popen:
    """Start a process that leases a device for a while, and logs start and end in order of time."""
    command = [
        sys.executable,
        "-c",
        HOLD,
        devices,
        str(slots),
        folder / "locks",
        str(seconds),
        folder / "log",
    ]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def events(folder: Path) -> list[tuple[str, str]]:
    return [tuple(line.split()) for line in (folder / "log").read_text().splitlines()]


def wait_for_event(folder: Path) -> None:
    while not (folder / "log").is_file() or not events(folder):
        os.sched_yield()


def test_a_device_never_has_more_jobs_than_slots(tmp_path: Path) -> None:
    running = [hold("0,GPU-a,7", 2, tmp_path, 0.3) for _ in range(14)]
    assert [process.wait(60) for process in running] == [0] * 14
    now: Counter = Counter()
    most: Counter = Counter()
    for sign, device in events(tmp_path):
        now[device] += 1 if sign == "+" else -1
        most[device] = max(most[device], now[device])
    assert most == {"0": 2, "GPU-a": 2, "7": 2}
    for process in running:
        process.stdout.close()


def test_jobs_are_spread_before_they_share(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    leases, seen = [], []
    for _ in range(4):
        leases.append(gpus.lease_gpu(["0", "1"], 2, tmp_path / "locks"))
        seen.append(os.environ["CUDA_VISIBLE_DEVICES"])
    assert seen == ["0", "1", "0", "1"]


def test_a_killed_holders_lease_is_free_again(tmp_path: Path) -> None:
    holder = hold("0", 1, tmp_path, 600)
    wait_for_event(tmp_path)
    waiter = hold("0", 1, tmp_path, 0)
    assert waiter.stdout.readline() == "waiting for a GPU: all 1 slots of 0 are taken\n"
    assert events(tmp_path) == [("+", "0")]
    os.kill(holder.pid, signal.SIGKILL)
    assert waiter.wait(60) == 0
    assert events(tmp_path) == [("+", "0"), ("+", "0"), ("-", "0")]
    holder.wait(60)
    for process in (holder, waiter):
        process.stdout.close()


def test_without_a_device_there_is_no_lease(tmp_path: Path) -> None:
    assert gpus.lease_gpu([], 1, tmp_path / "locks") is None
    assert not (tmp_path / "locks").exists()


@pytest.mark.parametrize(
    ("given", "seen"),
    [("2,3", ["2", "3"]), ("GPU-8f, GPU-9a", ["GPU-8f", "GPU-9a"]), ("1,-1,2", ["1"]), ("", []), ("-1", [])],
)
def test_a_device_that_was_chosen_before_is_honoured(
    monkeypatch: pytest.MonkeyPatch, given: str, seen: list[str]
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", given)
    assert gpus.visible_gpus() == seen


def test_jobs_of_a_cluster_do_not_wait_for_each_others_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in gpus.ALLOCATION:
        monkeypatch.delenv(name, raising=False)
    folders = [gpus.lease_folder()]
    for job in ("7", "8"):
        monkeypatch.setenv("SLURM_JOB_ID", job)
        folders.append(gpus.lease_folder())
    assert len(set(folders)) == 3
    assert len({folder.parent for folder in folders}) == 1


@pytest.mark.parametrize("planted", ["link", "open", "file", "another user's"])
def test_a_folder_of_locks_that_is_not_ours_alone_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, planted: str
) -> None:
    folder = tmp_path / "locks"
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    if planted == "link":
        folder.symlink_to(tmp_path / "elsewhere")
    elif planted == "file":
        folder.touch(mode=0o700)
    else:
        folder.mkdir(mode=0o777 if planted == "open" else 0o700)
        folder.chmod(0o777 if planted == "open" else 0o700)
    if planted == "another user's":
        monkeypatch.setattr(os, "getuid", lambda: 12345)
    with pytest.raises(UserError, match="the GPU locks cannot be kept in") as error:
        gpus.lease_gpu(["0"], 1, folder)
    assert "\n" not in str(error.value)
    assert not list((tmp_path / "elsewhere").iterdir())


def test_a_device_whose_name_holds_a_slash_can_be_leased(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "MIG-GPU-8f/1/0")
    assert gpus.lease_gpu(gpus.visible_gpus(), 1, tmp_path / "locks")
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "MIG-GPU-8f/1/0"


def test_a_lease_that_cannot_be_written_is_told_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"GPU locks cannot be kept in .*Not a directory; set TMPDIR"):
        gpus.lease_gpu(["0"], 1, tmp_path / "file/locks")
    (tmp_path / "locks").mkdir(mode=0o700)
    (tmp_path / "locks/0.0.lock").mkdir()
    with pytest.raises(UserError, match=r"GPU locks cannot be kept in .*Is a directory; set TMPDIR"):
        gpus.lease_gpu(["0"], 1, tmp_path / "locks")
