"""Config files, read for the commands that need no Snakemake."""

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from snakemake.utils import update_config

from unpoison.damage import put_damage_aside
from unpoison.errors import UserError
from unpoison.provenance import record_of
from unpoison.study.plan import Plan
from unpoison.study.written import parsed, read_text


def plan_of(words: Sequence[str]) -> Plan:
    """Return the plan of configs and single keys, as given on a command line.

    Raises:
        UserError: where no file is named, one cannot be read, or the config is wrong.
    """
    put_damage_aside(record_of)
    return Plan(config_of(words))


def config_of(arguments: Sequence[str]) -> dict[str, Any]:
    """Return the config of files and single keys such as `data_folder=images`, merged in order as Snakemake does it.

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
        update_config(config, {key: parsed(value, key)})
    return config


def split(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the files among the arguments, and the single keys."""
    keys = [argument for argument in arguments if re.match(r"\w+=", argument)]
    return [argument for argument in arguments if argument not in keys], keys


def read_config(path: Path) -> dict[str, Any]:
    """Return the content of a config file.

    Raises:
        UserError: for a file that is missing, or is not a mapping in YAML.
    """
    if not os.path.isfile(path):  # noqa: PTH113 (is_file raises where a name is too long)
        raise UserError(f"no such config: {path}")
    config = parsed(read_text(path), str(path))
    if not isinstance(config, dict):
        raise UserError(f"{path}: found {type(config).__name__}, allowed: a mapping of the keys of a config")
    return config
