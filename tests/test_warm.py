"""The warm process: a job in it is the job that a process of its own would be, and ends whenever that would end."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from unpoison.jobs import handover
from unpoison.jobs.handover import SECRET, address, fingerprint, hand_over
from unpoison.jobs.warm import ONE_THREAD, Server, keep_warm

pytestmark = pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="the warm process needs Linux")

LONG = 60  # seconds that nothing here takes
LIGHT = "json"  # a module that costs nothing to import
TORCH = "unpoison.training"
TRAINING = """
import hashlib, os, torch
from unpoison.devices import compute_repeatably
from unpoison.networks import Architecture
from unpoison.training import train
from unpoison.recipes import Recipe
from unpoison.examples import Examples
from unpoison.pixels import Pixels
compute_repeatably(1)
noise = torch.Generator().manual_seed(0)
images = torch.randint(0, 256, (32, 3, 16, 16), dtype=torch.uint8, generator=noise)
labels = torch.arange(32) % 2
given = Examples(Pixels(images, labels - labels - 1, lambda images, _: images), labels)
model = Architecture("resnet9", {"width": 4}, ("a", "b"), 16).new(seed=0)
train(model, given, Recipe(learning_rate=0.1, batch_size=8, epochs=3), 0)
print(hashlib.sha256(b"".join(each.numpy().tobytes() for each in model.state_dict().values())).hexdigest())
print(torch.get_num_threads(), torch.get_num_interop_threads(), torch.get_default_dtype(), gc.isenabled())
"""


def script_of(folder: Path, body: str, module: str = LIGHT) -> Path:
    """Write a script that hands itself over, and whose first line of output tells who ran it."""
    path = folder / "script.py"
    path.write_text(
        "import gc, os, sys, time\n"
        f"from unpoison.jobs.handover import hand_over\nhand_over({module!r})\n"
        f"print(os.getppid(), flush=True)\n{body}"
    )
    return path


def start(script: Path, *arguments: str, **options: object) -> subprocess.Popen[str]:
    """Start a script as Snakemake would."""
    return subprocess.Popen(  # type: ignore[call-overload]
        [sys.executable, str(script), *arguments],
        **{
            "env": os.environ | ONE_THREAD,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
            "text": True,
            **options,
        },
    )


def output_of(script: Path, *arguments: str, **options: object) -> tuple[int, str, list[str], str]:
    """Run a script, and return its exit status, who ran it, the lines that it printed and its errors."""
    with start(script, *arguments, **options) as started:
        printed, errors = started.communicate(timeout=LONG)
    first, *lines = printed.splitlines() or [""]
    return started.returncode, first, lines, errors


def wait_until(is_so: Callable[[], bool]) -> bool:
    """Whether it came to be so before long."""
    end = time.monotonic() + LONG
    while time.monotonic() < end:
        if is_so():
            return True
        time.sleep(0.01)
    return False


def is_gone(process: int) -> bool:
    try:
        return psutil.Process(process).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[subprocess.Popen[bytes]]:
    """A warm process of this one, which takes the place of Snakemake."""
    monkeypatch.setenv("UNPOISON_SNAKEMAKE", str(os.getpid()))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
    for name in (SECRET, "JE_ARROW_MALLOC_CONF"):
        monkeypatch.setenv(name, "")  # what is set below ends with the test
        monkeypatch.delenv(name)
    started = keep_warm([])
    assert started
    yield started
    started.kill()
    started.wait()


def is_plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SECRET)


def test_a_network_trained_in_the_warm_process_has_the_weights_of_a_plain_one_bit_for_bit(
    server: subprocess.Popen[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = script_of(tmp_path, TRAINING, TORCH)
    (status, runner, warm, errors), (*_, again, _) = output_of(script), output_of(script)
    assert (status, runner, errors) == (0, str(server.pid), "")
    is_plain(monkeypatch)
    status, runner, plain, errors = output_of(script)
    assert (status, runner, errors) == (0, str(os.getpid()), "")
    assert warm[-2:] == again[-2:] == plain[-2:]  # the lines above tell seconds
    assert len(plain[-2]) == 64
