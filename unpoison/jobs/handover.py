"""The handover of a job to the warm process (`warm.py`), by a script that imports nothing heavy.

Both sides verify each other. The server's socket is an abstract one of Linux: it leaves no file behind. Its name is
derived from a secret in the environment of the run, which only the same user can read. The server answers only
processes of the same user that know the secret. The script trusts only the socket that its own Snakemake opened.
"""

import hashlib
import json
import os
import resource
import signal
import socket
import struct
import sys
from contextlib import suppress
from pathlib import Path

SECRET = "UNPOISON_WARM"  # name of the environment variable  # noqa: S105
READY, GO = b"ready", b"go"
# The server does not answer while it imports torch: 3 s, and more on a slow disk.
PATIENCE = 30.0  # seconds
# Variables that a shell and Snakemake set for each job, and that no library reads when it is loaded.
OF_EACH_JOB = {"_", "SHLVL", "PWD", "OLDPWD", "TMPDIR", "TMP", "TEMPDIR", "TEMP"}


def hand_over(module: str) -> None:
    """Run this script in a child of the warm process and end as the child ends; return if it must run here.

    It returns if there is no warm process, if it does not answer or has other libraries or another environment, and
    if it ended before the job. In these cases the job has not begun, or nothing of it runs any more.

    Args:
        module: name of the module that the warm process imports before it forks the child.
    """
    if SECRET not in os.environ:
        return
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as server:
            server.settimeout(PATIENCE)
            server.connect(address())
            # The credentials of a listener are those of the process that called listen().
            if peer(server) != (int(os.environ["UNPOISON_SNAKEMAKE"]), os.getuid()):
                return
            server.send(f"{fingerprint()} {module}".encode())
            if server.recv(len(READY)) != READY:
                return
            # Only now may the server begin: after a timeout above, the job would run twice.
            server.settimeout(None)
            _send_job(server)
            ended = server.recv(16)
    except OSError:
        return
    if ended:
        _end_like(int(ended))
    print("The warm process did not finish this job: it starts anew without it", file=sys.stderr, flush=True)


def address() -> bytes:
    """Return the name of the socket in Linux's abstract namespace."""
    return b"\0unpoison-" + hashlib.blake2b(os.environ[SECRET].encode(), digest_size=16).hexdigest().encode()


def fingerprint() -> str:
    """Return a digest of what loaded libraries depend on: the Python and the environment, its secret included."""
    environment = sorted((name, text) for name, text in os.environ.items() if name not in OF_EACH_JOB)
    return hashlib.blake2b(ascii((sys.executable, sys.version, environment)).encode()).hexdigest()


def peer(connection: socket.socket) -> tuple[int, int]:
    """Return the process and the user at the other end of a Unix socket, as reported by the kernel."""
    size = struct.calcsize("3i")
    told = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
    process, user, _ = struct.unpack("3i", told)
    return process, user


def _send_job(server: socket.socket) -> None:
    """Send the child the standard streams, and a file with directory, arguments and environment."""
    with os.fdopen(os.memfd_create("job"), "w+", encoding="ascii") as told:
        json.dump([str(Path.cwd()), sys.argv, dict(os.environ)], told)
        told.flush()
        socket.send_fds(server, [GO], [0, 1, 2, told.fileno()])


def _end_like(status: int) -> None:
    """End this process as the child ended: by the same signal, or with the same exit status.

    Args:
        status: as of waitpid(2).
    """
    if os.WIFSIGNALED(status):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # the child has dumped its core
        with suppress(OSError):  # SIGKILL
            signal.signal(os.WTERMSIG(status), signal.SIG_DFL)
        os.kill(os.getpid(), os.WTERMSIG(status))
    # Not sys.exit: the exit functions that this script registered run in the child.
    os._exit(os.waitstatus_to_exitcode(status))
