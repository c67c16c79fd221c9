"""The plan of a config file, for the commands that are run without Snakemake."""

import sys
from pathlib import Path
from typing import Any

import yaml

from planning.plan import Plan
from unpoison.errors import UserError, show_user_errors_in_one_line


def plan_of_arguments() -> Plan:
    """The plan of the config that the command line names; what the user can fix ends the program in one line."""
    show_user_errors_in_one_line()
    if len(sys.argv) != 2:
        raise UserError(f"found {len(sys.argv) - 1} arguments, allowed: one config, such as config/demo.yaml")
    return Plan(read_config(Path(sys.argv[1])))


def read_config(path: Path) -> dict[str, Any]:
    """A config file as it is written.

    Raises:
        UserError: for a file that is not there, or is no mapping in YAML.
    """
    if not path.is_file():
        raise UserError(f"no such config: {path}")
    try:
        config = yaml.safe_load(path.read_text())
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(config, dict):
        raise UserError(f"{path}: found {type(config).__name__}, allowed: a mapping of the keys of a config")
    return config
