"""Fixture: a real SLURM cluster on this machine, which runs as long as the tests of this folder.

With UNPOISON_CLUSTER_RUNS set, the tests use a cluster that start.sh started by hand, and leave it running.
"""

import os
import signal
import subprocess
from collections.abc import Iterator

import pytest
import slurm


@pytest.fixture(scope="session", autouse=True)
def cluster() -> Iterator[None]:
    if os.geteuid() != 0:
        pytest.skip("not root: cannot start a SLURM")
    # A process that a shell starts in the background ignores Ctrl-C. The interrupted runs would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if "UNPOISON_CLUSTER_RUNS" in os.environ:
        yield
        return
    # "split": on a single node, jobs without a GPU would queue behind a job that waits for a GPU
    settings = os.environ | {"TOY_ACCOUNTING": "slurmdbd", "TOY_LAYOUT": "split"}
    started = subprocess.run(
        [slurm.HERE / "start.sh"], env=settings, capture_output=True, text=True, check=False
    )
    if started.returncode:
        pytest.skip(f"no SLURM here: {started.stderr.strip().splitlines()[-1]}")
    yield
    subprocess.run([slurm.HERE / "stop.sh", "--purge"], capture_output=True, check=False)
