"""A real SLURM on this machine for as long as the tests of this folder run.

With UNPOISON_CLUSTER_RUNS set, one that start.sh was asked for by hand is used and left as it is.
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
    # What a shell starts in the background ignores Ctrl-C, and so would the runs that are interrupted here.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if "UNPOISON_CLUSTER_RUNS" in os.environ:
        yield
        return
    # split: on one node, jobs without a GPU would wait behind one that waits for a GPU
    settings = os.environ | {"TOY_ACCOUNTING": "slurmdbd", "TOY_LAYOUT": "split"}
    started = subprocess.run(
        [slurm.HERE / "start.sh"], env=settings, capture_output=True, text=True, check=False
    )
    if started.returncode:
        pytest.skip(f"no SLURM here: {started.stderr.strip().splitlines()[-1]}")
    yield
    subprocess.run([slurm.HERE / "stop.sh", "--purge"], capture_output=True, check=False)
