"""UTF-8 for all that Snakemake and its jobs read and write, whatever the locale says."""

import codecs
import locale
import os
import sys
from pathlib import Path


def use_utf8() -> None:
    """Make this Snakemake and its jobs run in Python's UTF-8 mode.

    The mode can be set only when Python starts. In a locale of another encoding, Snakemake has already read the config
    and the names of files in that encoding. Then its command is restarted and replaces this process.
    """
    os.environ["PYTHONUTF8"] = "1"
    escape_what_the_terminal_lacks()
    is_utf8 = sys.flags.utf8_mode or codecs.lookup(locale.getencoding()).name == "utf-8"
    program = Path(sys.argv[0])
    is_command = program.stem == "snakemake" or program.parts[-2:] == ("snakemake", "__main__.py")
    if is_command and not is_utf8:
        sys.stdout.flush()
        os.execv(sys.executable, sys.orig_argv)  # noqa: S606


def escape_what_the_terminal_lacks() -> None:
    """Make standard output print characters that it cannot encode as escapes, instead of failing."""
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")
