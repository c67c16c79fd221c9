"""The warm process: a server that imports the libraries of jobs once, and forks a child for each job.

To import torch takes two CPU seconds, and to import pandas or matplotlib half a second. Most jobs of a small study
compute for less. Snakemake still starts a script for each job. The script hands itself over (`handover.py`) and ends
as its child ends, so each job keeps a process, a log, a failure and an artifact of its own.

The server holds libraries and nothing else: no data, no plug-in of a user, no thread. A fork does not copy the other
threads of a process, and a library's pool without its threads would wait forever. So jobs of several threads run in
processes of their own. So do jobs on a GPU: a GPU is leased before torch is imported.

The server lives as long as its Snakemake. Its jobs use the code as it was imported, even if files are edited during the
run: the run was planned with that code.
"""

import atexit
import ctypes
import gc
import os
import secrets
import selectors
import signal
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from importlib import import_module
from pathlib import Path

from unpoison.jobs.child import Job, close, end_process, run_script, take_over
from unpoison.jobs.handover import GO, READY, SECRET, address, fingerprint, peer

PR_SET_PDEATHSIG = 1  # of prctl(2)
# As Snakemake sets for a job of one thread. OpenBLAS starts its threads when it is loaded.
ONE_THREAD = dict.fromkeys(
    (
        "OMP_NUM_THREADS",
        "GOTO_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "MKL_NUM_THREADS",
        "VECLIB_MAXIMUM_THREADS",
        "NUMEXPR_NUM_THREADS",
    ),
    "1",
)
WAITING = 1024  # connections that the kernel holds while the server imports


def keep_warm(modules: Iterable[str]) -> subprocess.Popen[bytes] | None:
    """Start the warm process of this Snakemake, and return it; None if the system does not allow it (not Linux).

    Call this in the main thread, before any job starts: the server ends when the thread that started it ends.

    Args:
        modules: names of the modules that the planned jobs import, in the order in which they will be needed.
    """
    os.environ.pop(SECRET, None)  # of a Snakemake that runs this one
    if not hasattr(os, "pidfd_open"):
        return None
    # An allocator of pyarrow starts a thread when it is loaded. pyarrow uses another one.
    os.environ.setdefault("JE_ARROW_MALLOC_CONF", "background_thread:false")
    os.environ[SECRET] = secrets.token_hex(16)
    try:
        os.close(os.pidfd_open(os.getpid()))  # a container may forbid it
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
            listener.bind(address())
            listener.listen(WAITING)
            server = subprocess.Popen(
                # -P: Python does not import files in the user's working folder
                [sys.executable, "-P", "-m", __spec__.name, str(listener.fileno()), *modules],
                pass_fds=[listener.fileno()],
                env=os.environ | ONE_THREAD,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
            )
    except OSError:  # all jobs run in processes of their own
        del os.environ[SECRET]
        return None
    atexit.register(stop, server)
    return server


def stop(server: subprocess.Popen[bytes]) -> None:
    """End the warm process and wait for it, so that the CPU seconds that `time` reports include those of its jobs."""
    server.kill()
    server.wait()


class Server:
    """The loop that imports planned modules, answers scripts, forks their children and reports how these ended."""

    def __init__(self, listener: socket.socket, modules: Iterable[str]) -> None:
        self._fingerprint = fingerprint()  # before libraries add to the environment
        self._planned = deque(modules)
        self._events = selectors.DefaultSelector()
        self._listener = listener
        # The child's process by connection. None: the script has not identified itself; 0: it may begin.
        self._children: dict[socket.socket, int | None] = {}
        self._handles: set[int] = set()  # of the children
        self._events.register(listener, selectors.EVENT_READ, self._accept)

    def serve(self) -> Job:
        """Return in each child, with its job; the server itself never returns."""
        while True:
            events = self._events.select(0 if self._planned else None)
            for key, _ in events:
                if job := key.data():
                    return job
            if not events and self._planned:
                can_import(self._planned.popleft())

    def _accept(self) -> None:
        connection, _ = self._listener.accept()
        if peer(connection)[1] != os.getuid():
            connection.close()
            return
        connection.setblocking(False)
        self._children[connection] = None
        self._events.register(connection, selectors.EVENT_READ, partial(self._hear, connection))

    def _hear(self, connection: socket.socket) -> Job | None:
        """Answer one message of a script; the end of a script is the end of its child."""
        if connection not in self._children:  # its child was reaped in the same round
            return None
        message, files = b"", list[int]()
        with suppress(OSError):
            message, files, *_ = socket.recv_fds(connection, 4096, 4, socket.MSG_CMSG_CLOEXEC)
        job, told = Job(connection, tuple(files)), message.decode(errors="replace").split()
        child = self._children[connection]
        if message == GO and len(files) == 4 and child == 0:
            return self._fork(job)
        close(files)
        if child:
            os.kill(child, signal.SIGKILL)  # it is reaped when it has ended
            self._events.unregister(connection)
        elif len(told) == 2 and told[0] == self._fingerprint and can_import(told[1]):
            self._children[connection] = 0
            with suppress(OSError):
                connection.send(READY)
        else:
            self._forget(connection)
        return None

    def _fork(self, job: Job) -> Job | None:
        """Return the job in the child, and None in the server."""
        gc.freeze()  # or a collection in the child would write to shared pages, and so copy them
        server = os.getpid()
        try:
            child = os.fork()
        except OSError:  # no memory, or too many processes: the script runs the job itself
            close(job.files)
            self._forget(job.connection)
            return None
        if child == 0:
            die_with(server)
            gc.enable()
            self._leave(job.connection)
            return job
        close(job.files)
        self._children[job.connection] = child
        handle = os.pidfd_open(child)
        self._handles.add(handle)
        self._events.register(
            handle, selectors.EVENT_READ, partial(self._reap, child, handle, job.connection)
        )
        return None

    def _leave(self, own: socket.socket) -> None:
        """Close the files that the child inherited from the server."""
        self._events.close()
        for connection in {self._listener, *self._children} - {own}:
            connection.close()
        close(self._handles)

    def _reap(self, child: int, handle: int, connection: socket.socket) -> None:
        """Tell the script how its child ended."""
        self._events.unregister(handle)
        os.close(handle)
        self._handles.remove(handle)
        _, status = os.waitpid(child, 0)
        with suppress(OSError):  # the script has ended
            connection.send(str(status).encode())
        self._forget(connection)

    def _forget(self, connection: socket.socket) -> None:
        with suppress(KeyError):
            self._events.unregister(connection)
        del self._children[connection]
        connection.close()


def can_import(module: str) -> bool:
    """Import a module that jobs need, and return whether that worked; if not, the jobs import it and show the error.

    A library that starts a thread ends the server: a fork would lose the thread.
    """
    try:
        import_module(module)
    except Exception:
        return False
    if len(list(Path("/proc/self/task").iterdir())) > 1:
        sys.exit(f"{module} starts threads when it is imported: jobs run without the warm process")
    return True


def die_with(parent: int) -> None:
    """Have the kernel kill this process when its parent ends, in whatever way; exit at once if it has ended."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends it without a traceback
    die_with(int(os.environ["UNPOISON_SNAKEMAKE"]))
    gc.disable()  # until a fork: what is imported stays
    own = Server(socket.socket(fileno=int(sys.argv[1])), sys.argv[2:])
    end_process(run_script(take_over(own.serve())))
