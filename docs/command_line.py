"""Write the reference of the command: `python -m docs.command_line > docs/command-line.md`."""

import inspect

from cyclopts import App
from cyclopts.argument import Argument

from unpoison.command.main import NAMES, SUBCOMMANDS, build_app

HEAD = """# The command line

<!-- Made by `python -m docs.command_line > docs/command-line.md` from the subcommands in unpoison/command/. -->

`unpoison --help` lists the subcommands, and `unpoison NAME --help` describes one. `python -m unpoison` is the same
command. [Run a study](running.md#the-command) has the exit codes, and what `--` hands to Snakemake. [You were
poisoned](you-were-poisoned.md) walks through `scan` and `repair`.
"""


def page() -> str:
    """Return the page in Markdown."""
    app = build_app()
    names = [NAMES.get(name, name) for name in SUBCOMMANDS]
    listed = [f"| [`{name}`](#unpoison-{name}) | {_paragraphs(app[name])[0]} |" for name in names]
    parts = [HEAD, "\n".join(["| command | what it does |", "|---|---|", *listed]), ""]
    return "\n".join([*parts, *(_section(name, app[name]) for name in names)])


def _section(name: str, command: App) -> str:
    """Return the description of a subcommand with a table of its arguments."""
    shown = [
        argument for argument in command.assemble_argument_collection(parse_docstring=True) if argument.show
    ]
    words = [_word(argument) for argument in shown if argument.required or _is_positional(argument)]
    usage = " ".join(["unpoison", name, *words, "[OPTIONS]"])
    table = ["| argument | meaning | default |", "|---|---|---|", *map(_line, shown)]
    return "\n".join(
        [f"\n## `unpoison {name}`", "\n\n".join(_paragraphs(command)), f"\n```text\n{usage}\n```\n", *table]
    )


def _paragraphs(command: App) -> list[str]:
    """Return the text of a subcommand's docstring above its parameters."""
    text = inspect.cleandoc(str(command.help)).partition("\nParameters\n")[0]
    return [" ".join(paragraph.split()) for paragraph in text.strip().split("\n\n")]


def _word(argument: Argument) -> str:
    """Return an argument in the form of the usage line."""
    name = argument.name.lstrip("-")
    if _is_positional(argument):
        return name.upper() if argument.required else f"[{name.upper()}]"
    return f"--{name} {name.upper()}"


def _line(argument: Argument) -> str:
    """Return an argument as a line of the table."""
    name = argument.name.lstrip("-").upper() if _is_positional(argument) else argument.name
    meaning = " ".join(str(argument.parameter.help).split()).replace("|", "\\|")
    return f"| `{name}` | {meaning} | {'required' if argument.required else _default(argument)} |"


def _default(argument: Argument) -> str:
    default = argument.field_info.default
    return "" if default in (None, inspect.Parameter.empty) else f"`{default}`"


def _is_positional(argument: Argument) -> bool:
    return argument.field_info.kind is not inspect.Parameter.KEYWORD_ONLY


if __name__ == "__main__":
    print(page())
