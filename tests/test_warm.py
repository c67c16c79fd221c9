"""The warm process: a job in it gives the same result, and ends in the same cases, as in its own process."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from unpoison.jobs import start as jobs
from unpoison.jobs.handover import SECRET, address, fingerprint
from unpoison.jobs.warm import ONE_THREAD, keep_warm

pytestmark = pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="the warm process needs Linux")

ROOT = Path(__file__).parents[1]
LONG = 60  # seconds; a timeout that no test should reach
LIGHT = "json"  # a module that is imported quickly
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
    """Write a script that hands itself over and first prints the parent process that ran it."""
    path = folder / "script.py"
    path.write_text(
        "import gc, os, signal, sys, time\n"
        "signal.signal(signal.SIGINT, signal.SIG_DFL)\n"  # as in start.run
        f"from unpoison.jobs.handover import hand_over\nhand_over({module!r})\n"
        f"print(os.getppid(), flush=True)\n{body}"
    )
    return path


def environment(**more: str) -> dict[str, str]:
    """Return the environment that Snakemake gives a job with one thread."""
    own = {name: text for name, text in os.environ.items() if name != "PYTEST_CURRENT_TEST"}
    return own | ONE_THREAD | more


def start(script: Path, *arguments: str, **options: object) -> subprocess.Popen[str]:
    """Start a script as Snakemake would."""
    return subprocess.Popen(  # type: ignore[call-overload]
        [sys.executable, str(script), *arguments],
        **{
            "env": environment(),
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
            "text": True,
            **options,
        },
    )


def output_of(script: Path, *arguments: str, **options: object) -> tuple[int, str, list[str], str]:
    """Run a script, and return its exit status, its parent process, its printed lines and its errors."""
    with start(script, *arguments, **options) as started:
        printed, errors = started.communicate(timeout=LONG)
    first, *lines = printed.splitlines() or [""]
    return started.returncode, first, lines, errors


def wait_until(is_so: Callable[[], bool]) -> bool:
    """Return whether the condition becomes true before the timeout."""
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
    """A warm process that this process starts in the role of Snakemake."""
    monkeypatch.setenv("UNPOISON_SNAKEMAKE", str(os.getpid()))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    for name in (SECRET, "JE_ARROW_MALLOC_CONF", "PYTEST_CURRENT_TEST", "PYTHONUNBUFFERED"):
        monkeypatch.setenv(name, "")  # setenv, so that it is restored
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
    assert warm[-2:] == again[-2:] == plain[-2:]  # earlier lines contain seconds
    assert len(plain[-2]) == 64


@pytest.mark.parametrize(
    "body",
    [
        "",
        "sys.exit(3)",
        "sys.exit('a reason')",
        "os._exit(7)",
        "raise ValueError('an error')",
        "sys.excepthook = lambda *_: print('in one line')\nraise ValueError",
        "os.kill(os.getpid(), signal.SIGKILL)",
        "os.kill(os.getpid(), signal.SIGTERM)",
        "os.kill(os.getpid(), signal.SIGINT)",
        "os.abort()",
        "import atexit\natexit.register(print, 'at the end')\nprint('no flush')\nsys.exit(2)",
        "from threading import Thread\nThread(target=lambda: (time.sleep(0.2), print('late'))).start()",
        "sys.stdout = open('/dev/full', 'w')\nprint('text')",
        "sys.stdout.close()",
        "sys.unraisablehook = id\nread, write = os.pipe()\nos.close(read)\nfile = open(write, 'w')\nfile.write('x')",
        "sys.stdout = None",
        "from concurrent.futures import ThreadPoolExecutor as P\npool = P(1)\npool.submit(print, 'in a pool')",
    ],
)
def test_a_job_ends_as_it_ends_in_a_process_of_its_own(
    body: str, server: subprocess.Popen[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = script_of(tmp_path, body)
    status, runner, printed, errors = output_of(script)
    assert runner == str(server.pid)
    is_plain(monkeypatch)
    expected = output_of(script)
    assert (status, printed) == (expected[0], expected[2])
    assert "child.py" not in errors
    assert errors.splitlines()[-1:] == expected[3].splitlines()[-1:]


@pytest.mark.parametrize(
    "body",
    [
        "file = open(sys.argv[1], 'w')\nfile.write('a row')",
        "import io\nfile = io.TextIOWrapper(open(sys.argv[1], 'wb'))\nfile.write('a row')",
        "import ctypes\nos.dup2(os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT), 1)\nctypes.CDLL(None).puts(b'a row')",
    ],
)
def test_a_job_loses_no_line_of_a_file_that_it_leaves_open(
    body: str, server: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    left = tmp_path / "left open"
    assert output_of(script_of(tmp_path, body), str(left))[1] == str(server.pid)
    assert left.read_text().strip() == "a row"


def test_a_job_has_the_folder_the_arguments_the_environment_and_the_streams_of_its_script(
    server: subprocess.Popen[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "neighbour.py").write_text("name = 'beside the script'")
    body = (
        "import json, neighbour\n"
        f"environment = {{name: text for name, text in os.environ.items() if name != {SECRET!r}}}\n"
        "print(json.dumps([os.getcwd(), sys.argv, environment, __name__, __file__, neighbour.name,\n"
        "    sys.modules['__main__'].environment is environment, sys.stdin.read(), sys.stdout.encoding]))\n"
    )
    script = script_of(tmp_path, body)
    folder = tmp_path / "ä folder"
    folder.mkdir()
    told = []
    for _ in range(2):
        given = tmp_path / "given"
        given.write_text("what is given")
        with given.open() as stream:
            more = {"cwd": folder, "env": environment(TMPDIR=str(folder)), "stdin": stream}
            told.append(output_of(script, "one argument", **more))
        if len(told) == 1:
            is_plain(monkeypatch)
    warm, plain = told
    assert (warm[1], plain[1]) == (str(server.pid), str(os.getpid()))
    assert json.loads(warm[2][0]) == json.loads(plain[2][0])
    assert json.loads(plain[2][0])[0] == str(folder)


def test_children_do_not_share_their_random_numbers(server: subprocess.Popen[bytes], tmp_path: Path) -> None:
    body = "import random, numpy, torch\nprint(random.random(), numpy.random.rand(), torch.rand(1).item())"
    script = script_of(tmp_path, body, TORCH)
    told = [output_of(script) for _ in range(2)]
    assert [runner for _, runner, _, _ in told] == [str(server.pid)] * 2
    first, second = (numbers[0].split() for _, _, numbers, _ in told)
    assert len({*first, *second}) == 6


# A job that never ends in the warm process, and ends at once in another.
ENDLESS = "print(os.getpid(), flush=True)\nif os.environ.get('UNPOISON_WARM') is None:\n    {wait}\n"
WAITS = (
    "time.sleep(10**6)",
    "import itertools; max(itertools.repeat(1))",
)  # the second holds the GIL


@pytest.mark.parametrize("wait", WAITS)
def test_a_job_ends_when_its_script_is_killed(
    wait: str, server: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    with start(script_of(tmp_path, ENDLESS.format(wait=wait))) as script:
        assert script.stdout
        assert script.stdout.readline() == f"{server.pid}\n"
        child = int(script.stdout.readline())
        # planning/stopping.py stops a run by ending all children
        assert child in {each.pid for each in psutil.Process().children(recursive=True)}
        script.kill()
        assert wait_until(lambda: is_gone(child))
    assert wait_until(lambda: psutil.Process(server.pid).children() == [])  # and no zombie is left
    assert output_of(script_of(tmp_path, ""))[1] == str(server.pid)


def test_the_warm_process_survives_that_a_script_and_its_child_end_at_once(
    server: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    with start(script_of(tmp_path, ENDLESS.format(wait=WAITS[0]))) as script:
        assert script.stdout
        _, child = (int(script.stdout.readline()) for _ in range(2))
        server.send_signal(signal.SIGSTOP)  # it notices both in one round
        psutil.Process(child).kill()
        assert wait_until(lambda: is_gone(child))
        script.kill()
        script.wait()
        server.send_signal(signal.SIGCONT)
    assert output_of(script_of(tmp_path, ""))[1] == str(server.pid)


@pytest.mark.parametrize("wait", WAITS)
def test_a_job_runs_plainly_when_the_warm_process_is_killed(
    wait: str, server: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    with start(script_of(tmp_path, ENDLESS.format(wait=wait))) as script:
        assert script.stdout
        assert script.stdout.readline() == f"{server.pid}\n"
        child = int(script.stdout.readline())
        server.kill()
        rest, errors = script.communicate(timeout=LONG)
    assert is_gone(child)
    assert (script.returncode, rest) == (0, f"{os.getpid()}\n{script.pid}\n")
    assert errors == "The warm process did not finish this job: it starts anew without it\n"
    server.wait()
    assert output_of(script_of(tmp_path, ""))[1] == str(os.getpid())


# The role of Snakemake: export its process id, start the warm process, then a script.
SNAKEMAKE = """
import os, signal, subprocess, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.environ["UNPOISON_SNAKEMAKE"] = str(os.getpid())
from unpoison.jobs.warm import ONE_THREAD, keep_warm
print(os.getpid(), keep_warm([]).pid, flush=True)
subprocess.run([sys.executable, {script!r}], env=os.environ | ONE_THREAD)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_everything_ends_with_snakemake(number: signal.Signals, tmp_path: Path) -> None:
    script = script_of(tmp_path, ENDLESS.format(wait=WAITS[1]))
    command = [sys.executable, "-c", SNAKEMAKE.format(script=str(script))]
    own = environment(PYTHONPATH=str(ROOT))
    with subprocess.Popen(command, env=own, stdout=subprocess.PIPE, text=True) as snakemake:
        assert snakemake.stdout
        _, server = map(int, snakemake.stdout.readline().split())
        runner, child = (int(snakemake.stdout.readline()) for _ in range(2))
        assert runner == server
        snakemake.send_signal(number)
        snakemake.wait(LONG)
        assert wait_until(lambda: is_gone(server) and is_gone(child))


def test_the_cpu_seconds_of_a_run_hold_those_of_its_jobs(tmp_path: Path) -> None:
    script = script_of(tmp_path, "while time.process_time() < 1.5:\n    pass")
    command = [sys.executable, "-c", SNAKEMAKE.format(script=str(script))]
    snakemake = os.posix_spawn(sys.executable, command, environment(PYTHONPATH=str(ROOT)))
    _, status, used = os.wait4(snakemake, 0)
    assert status == 0
    assert used.ru_utime + used.ru_stime > 1.5


def test_the_warm_process_has_one_thread_after_the_imports_of_all_steps(
    monkeypatch: pytest.MonkeyPatch, server: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    for module in ("unpoison.api", "unpoison.statistics", "unpoison.report", "unpoison.plots"):
        body = "print(len(os.listdir(f'/proc/{os.getppid()}/task')), len(os.listdir('/proc/self/task')))"
        told = output_of(script_of(tmp_path, body, module))
        assert told == (0, str(server.pid), ["1 1"], "")


def test_a_module_that_starts_a_thread_ends_the_warm_process_and_jobs_run_plainly(tmp_path: Path) -> None:
    (tmp_path / "threaded.py").write_text(
        "from threading import Event, Thread\nThread(target=Event().wait, daemon=True).start()\n"
    )
    script = script_of(tmp_path, "", "threaded")
    done = subprocess.run(
        [sys.executable, "-c", SNAKEMAKE.format(script=str(script))],
        env=environment(PYTHONPATH=f"{ROOT}:{tmp_path}"),
        capture_output=True,
        text=True,
        timeout=LONG,
        check=True,
    )
    own, server, runner = done.stdout.split()
    assert runner == own != server
    assert done.stderr == "threaded starts threads when it is imported: jobs run without the warm process\n"


@pytest.mark.parametrize("more", [{"OMP_NUM_THREADS": "2"}, {"SOME_SETTING": "1"}, {SECRET: "guessed"}])
def test_a_job_with_another_environment_runs_plainly(
    more: dict[str, str], server: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    told = output_of(script_of(tmp_path, ""), env=environment(**more))
    assert told == (0, str(os.getpid()), [], "")
    assert server.poll() is None


def test_a_job_whose_module_cannot_be_imported_runs_plainly(
    server: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    assert output_of(script_of(tmp_path, "", "unpoison.nothing")) == (0, str(os.getpid()), [], "")
    assert server.poll() is None


def test_a_job_does_not_wait_for_a_warm_process_that_does_not_answer_and_runs_once(
    server: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    runs = tmp_path / "runs"
    script = script_of(
        tmp_path, f"with open({str(runs)!r}, 'a') as file:\n    print(os.getpid(), file=file)\n"
    )
    script.write_text(f"import unpoison.jobs.handover as own\nown.PATIENCE = 0.5\n{script.read_text()}")
    server.send_signal(signal.SIGSTOP)
    assert output_of(script)[1] == str(os.getpid())
    server.send_signal(signal.SIGCONT)
    script.write_text(script.read_text().replace("PATIENCE = 0.5", f"PATIENCE = {LONG}"))
    assert output_of(script)[1] == str(server.pid)
    assert len(runs.read_text().splitlines()) == 2


def answer_to(words: bytes, user: int) -> bytes:
    """Send words to the warm process as another user, with standard modules only, and return the answer."""
    program = (
        "import os, socket\n"
        f"os.setuid({user})\n"
        "server = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)\n"
        f"server.settimeout({LONG})\n"
        f"server.connect({address()!r})\n"
        f"socket.send_fds(server, [{words!r}], [0, 1, 2, 0])\n"
        "try:\n    print(server.recv(99).decode(), end='')\n"
        "except ConnectionResetError:\n    pass\n"  # refused before reading
    )
    return subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, check=True).stdout


def hello(monkeypatch: pytest.MonkeyPatch) -> bytes:
    """The first message of a script to the warm process."""
    for name, text in ONE_THREAD.items():
        monkeypatch.setenv(name, text)
    monkeypatch.delenv("PYTEST_CURRENT_TEST")
    return f"{fingerprint()} {LIGHT}".encode()


def test_the_warm_process_answers_its_own_user(
    server: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert answer_to(hello(monkeypatch), os.getuid()) == b"ready"


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
def test_another_user_is_refused(server: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    assert answer_to(hello(monkeypatch), 65534) == b""
    assert server.poll() is None


@pytest.mark.parametrize("words", [b"go", b"guessed json", b"\xff\xff", b"x" * 9000])
def test_who_does_not_know_the_secret_is_refused(words: bytes, server: subprocess.Popen[bytes]) -> None:
    assert answer_to(words, os.getuid()) == b""
    assert psutil.Process(server.pid).children() == []
    assert server.poll() is None


def test_the_warm_process_leaves_no_socket(server: subprocess.Popen[bytes]) -> None:
    name = address().decode().replace("\0", "@")
    assert name in Path("/proc/net/unix").read_text()
    server.kill()
    server.wait()
    assert name not in Path("/proc/net/unix").read_text()


def test_snakemake_gives_its_jobs_what_the_warm_process_started_with(tmp_path: Path) -> None:
    script = script_of(tmp_path, "print(hand_over.__module__, len(snakemake.input))", LIGHT)
    script.write_text(
        f"sys = __import__('sys')\nsys.stdout = open(snakemake.output[0], 'w')\n{script.read_text()}"
    )
    (tmp_path / "Snakefile").write_text(
        "import os\n"
        "from unpoison.jobs.warm import keep_warm\n"
        "os.environ['UNPOISON_SNAKEMAKE'] = str(os.getpid())\n"
        "onstart:\n    print('server', keep_warm([]).pid)\n"
        "rule job:\n    output: 'out'\n    script: 'script.py'\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--cores", "1"],
        cwd=tmp_path,
        env=environment(PYTHONPATH=str(ROOT)),
        capture_output=True,
        text=True,
        timeout=LONG,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    runner, rest = (tmp_path / "out").read_text().splitlines()
    assert f"server {runner}\n" in done.stdout
    assert rest == "unpoison.jobs.handover 0"
    assert is_gone(int(runner))


@pytest.mark.parametrize(
    ("threads", "resources", "is_handed_over"),
    [(1, {"gpu": 0}, True), (2, {}, False), (1, {"gpu": 1}, False)],
)
def test_jobs_of_one_thread_and_without_a_gpu_are_handed_over(
    threads: int, resources: dict[str, int], is_handed_over: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[object] = []
    job = SimpleNamespace(threads=threads, resources=resources, log=["log"])
    monkeypatch.setitem(sys.modules, "unpoison.jobs.log", SimpleNamespace(begin=lambda _: None))
    monkeypatch.setattr(jobs, "_leased", lambda: None)
    monkeypatch.setitem(sys.modules, "unpoison.jobs.probe", SimpleNamespace(main=done.append))
    monkeypatch.setattr(jobs, "hand_over", done.append)
    monkeypatch.setattr(signal, "signal", lambda *_: None)  # pytest keeps its own handler of Ctrl-C
    jobs.run("probe", job)
    assert done == (["unpoison.jobs.probe"] if is_handed_over else []) + [job]
