"""Config files as they are written: checked for repeated keys, and read for the commands that need no Snakemake."""

import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml
from snakemake.utils import update_config

from planning.config import LOADER
from planning.encoding import escape_what_the_terminal_lacks
from planning.plan import Plan
from unpoison.errors import UserError, show_user_errors_in_one_line


def plan_of_arguments() -> Plan:
    """The plan of the configs that the command line names; what the user can fix ends the program in one line."""
    show_user_errors_in_one_line()
    escape_what_the_terminal_lacks()
    return Plan(config_of(sys.argv[1:]))


def config_of(arguments: Sequence[str]) -> dict[str, Any]:
    """Config files, each laid over those before it, and single keys as `data_folder=images`, as Snakemake does it.

    Raises:
        UserError: where no file is named, or one cannot be read.
    """
    files, keys = split(arguments)
    if not files:
        raise UserError(
            f"found {' '.join(arguments) or 'nothing'}, allowed: a config, such as config/demo.yaml"
        )
    config: dict[str, Any] = {}
    for file in files:
        update_config(config, read_config(Path(file)))
    for key, value in (given.split("=", 1) for given in keys):
        update_config(config, {key: yaml.safe_load(value)})
    return config


def split(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """The files among the arguments, and the single keys."""
    keys = [argument for argument in arguments if re.match(r"\w+=", argument)]
    return [argument for argument in arguments if argument not in keys], keys


def read_config(path: Path) -> dict[str, Any]:
    """A config file as it is written.

    Raises:
        UserError: for a file that is not there, or is no mapping in YAML.
    """
    if not path.is_file():
        raise UserError(f"no such config: {path}")
    refuse_repeated_keys(path)
    try:
        config = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:  # an integer, or a nesting, that Python does not take
        raise UserError(f"{path} cannot be read: {error}") from error
    if not isinstance(config, dict):
        raise UserError(f"{path}: found {type(config).__name__}, allowed: a mapping of the keys of a config")
    return config


def refuse_repeated_keys(path: Path) -> None:
    """Refuse a file in which a key stands twice in one place: YAML takes the last and forgets the others in silence.

    Raises:
        UserError: for such a key, and for what is no YAML.
    """
    if not path.is_file():  # a pipe can be read only once
        return
    try:
        tree = yaml.compose(path.read_text(encoding="utf-8"), Loader=LOADER)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise UserError(f"{path} is not YAML: {' '.join(str(error).split())}") from error
    for mapping in _mappings(tree):
        names = [key.value for key, _ in mapping.value if isinstance(key, yaml.ScalarNode)]
        for place, name in enumerate(names):
            if name in names[:place] and name != "<<":
                line = mapping.value[place][0].start_mark.line + 1
                raise UserError(f"{path}, line {line}: the key '{name}' stands twice in the same place")


def _mappings(tree: yaml.Node | None) -> Iterator[yaml.MappingNode]:
    """Every mapping of a document once, however many aliases it has."""
    waiting, seen = [tree], set()
    while waiting:
        node = waiting.pop()
        if id(node) in seen or not isinstance(node, yaml.CollectionNode):
            continue
        seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            yield node
            waiting += [part for pair in node.value for part in pair]
        else:
            waiting += node.value
