"""The `unpoison` command itself: its subcommands, exit codes and error lines."""

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec

from cyclopts import App, CycloptsError, Parameter, UnknownOptionError

from unpoison.errors import UserError
from unpoison.runs.encoding import escape_what_the_terminal_lacks

# In the order of the help. Each function has the name of its module, and imports its dependencies when it is called.
SUBCOMMANDS = (
    *("scan", "repair", "verify", "advise"),
    *(
        "init",
        "run",
        "status",
        "estimate",
        "partial",
        "pool",
        "reproduce",
        "submit",
        "report",
        "clean",
        "listing",
    ),
)
NAMES = {"listing": "list"}  # a module called list would hide Python's own
RUNS_SNAKEMAKE = ("run", "report")  # arguments after `--` go to Snakemake
DONE, FAILED, MISUSED, INTERRUPTED = 0, 1, 2, 130


def build_app() -> App:
    """Return the command with all subcommands whose modules exist."""
    app = App(
        name="unpoison",
        help="Find the poisoned rows of a training set, repair the model that was trained on them, and check it.",
        version=sys.modules["unpoison"].__version__,
        help_format="plaintext",
        default_parameter=Parameter(negative=()),
        suppress_keyboard_interrupt=False,
    )
    for place, name in enumerate(SUBCOMMANDS):
        if find_spec(f"unpoison.command.{name}"):
            function = getattr(import_module(f"unpoison.command.{name}"), name)
            app.command(function, name=NAMES.get(name, name), sort_key=place)
    return app


def run(words: Sequence[str]) -> int:
    """Run a command line, and return its exit code.

    A subcommand returns its exit code. 1: an error, shown in one line; 2: a wrong command line; 130: Ctrl-C.
    """
    escape_what_the_terminal_lacks()
    try:
        code = build_app()(
            with_further(words), exit_on_error=False, print_error=False, result_action="return_value"
        )
        sys.stdout.flush()
    except CycloptsError as error:
        return _tell(f"error: {' '.join(str(error).split())} {_advice(words, error)}", MISUSED)
    except UserError as error:
        return _tell(f"error: {error}", FAILED)
    except KeyboardInterrupt:
        return _tell("Stopped; the same command starts again", INTERRUPTED)
    except BrokenPipeError:  # for example `unpoison list | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    return code if isinstance(code, int) else DONE


def with_further(words: Sequence[str]) -> list[str]:
    """Return the words; for subcommands that run Snakemake, those after `--` become values of `--further`."""
    words = list(words)
    if words[:1] and words[0] in RUNS_SNAKEMAKE and "--" in words:
        end = words.index("--")
        return [*words[:end], *(f"--further={word}" for word in words[end + 1 :])]
    return words


def main() -> None:
    """Run the command line of this process, and end it with the exit code."""
    sys.exit(run(sys.argv[1:]))


def _advice(words: Sequence[str], error: CycloptsError) -> str:
    """Return a hint for a wrong command line; an unknown option may be one of Snakemake."""
    if isinstance(error, UnknownOptionError) and words[0] in RUNS_SNAKEMAKE:
        option = error.token.keyword or error.token.value
        return f"Snakemake's own options follow `--`, as in `unpoison {words[0]} CONFIG -- {option}`"
    return "`unpoison --help` tells more"


def _tell(line: str, code: int) -> int:
    print(line, file=sys.stderr, flush=True)
    return code
