"""The GPUs of this machine, and a lease of one for each job. A job imports torch after it has its GPU, not before."""

import os
import re
import stat
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

from unpoison.errors import UserError

DRIVERS = ("/dev/dxg", "/dev/kfd")  # WSL and AMD: the number of devices is unknown, one is assumed
NONE = ("", "-1", "NoDevFiles")  # entries of CUDA_VISIBLE_DEVICES that mean no device
# Each cluster job has its own devices, and two jobs may both name theirs 0: locks are kept by allocation.
ALLOCATION = ("SLURM_JOB_ID", "SLURM_STEP_ID", "PBS_JOBID", "LSB_JOBID", "JOB_ID")
POLL_SECONDS = 0.2


def visible_gpus() -> list[str]:
    """Return the device names in CUDA_VISIBLE_DEVICES, or those of all devices if it is unset."""
    given = os.environ.get("CUDA_VISIBLE_DEVICES")
    if given is None:
        return [str(number) for number in range(_count())]
    names = [name.strip() for name in given.split(",")]
    hidden = [place for place, name in enumerate(names) if name in NONE]
    return names[: hidden[0]] if hidden else names  # like CUDA, which ignores all names after it


def has_driver() -> bool:
    """Return whether the system shows any GPU, even if CUDA_VISIBLE_DEVICES hides it."""
    return _count() > 0


def _count() -> int:
    nodes = [path for path in Path("/dev").glob("nvidia*") if re.fullmatch(r"nvidia\d+", path.name)]
    cards = list(Path("/proc/driver/nvidia/gpus").glob("*"))
    return len(nodes) or len(cards) or int(any(Path(driver).exists() for driver in DRIVERS))


def lease_folder() -> Path:
    """Return the folder of the locks: one for all jobs of a user on this machine, or in one cluster allocation."""
    allocation = "-".join(os.environ[name] for name in ALLOCATION if name in os.environ)
    name = f"unpoison-gpus-{os.getuid()}" + (f"-{allocation}" if allocation else "")
    return Path(tempfile.gettempdir()) / re.sub(r"[^\w.-]", "_", name)


def lease_gpu(devices: Sequence[str], slots: int, folder: Path) -> FileLock | None:
    """Wait for a slot of a device and make that device the only one that this process sees.

    The first slots of all devices are taken before any second slot. A slot is free again when its process ends, even
    if the process is killed.

    Args:
        devices: names as in CUDA_VISIBLE_DEVICES.
        slots: jobs that may share a device.

    Raises:
        UserError: for a folder that is a link, another user's, or open to others, who could take the locks.

    Returns:
        the lock, to be kept until the device is no longer needed; None without a device.
    """
    if not devices:
        return None
    _make_private(folder)
    files = {device: re.sub(r"[^\w.-]", "_", device) for device in devices}  # MIG-GPU-8f/1/0
    places = [
        (device, folder / f"{files[device]}.{slot}.lock") for slot in range(slots) for device in devices
    ]
    told = False
    while True:
        for device, path in places:
            lock = FileLock(path)
            try:
                lock.acquire(timeout=0)
            except Timeout:
                continue
            except OSError as error:
                raise _cannot_be_kept(folder, error) from error
            os.environ["CUDA_VISIBLE_DEVICES"] = device
            return lock
        if not told:
            print(f"waiting for a GPU: all {len(places)} slots of {', '.join(devices)} are taken", flush=True)
            told = True
        time.sleep(POLL_SECONDS)


def _make_private(folder: Path) -> None:
    try:
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700, parents=True)
    except OSError as error:
        raise _cannot_be_kept(folder, error) from error
    found = folder.lstat()
    mode = found.st_mode & 0o777
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or mode != 0o700:
        kind = "a link" if stat.S_ISLNK(found.st_mode) else f"of user {found.st_uid}, with mode {mode:o}"
        raise UserError(
            f"the GPU locks cannot be kept in {folder}: it is {kind}; allowed: a folder of user {os.getuid()} with "
            "mode 700; remove it, or set TMPDIR to a folder of your own"
        )


def _cannot_be_kept(folder: Path, error: OSError) -> UserError:
    reason = error.strerror or error
    return UserError(
        f"the GPU locks cannot be kept in {folder}: {reason}; set TMPDIR to a folder of your own"
    )
