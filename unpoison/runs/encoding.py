"""UTF-8 for all that Snakemake and its jobs read and write, whatever the locale says."""

import codecs
import locale
import os
import sys
from pathlib import Path


def use_utf8() -> None:
    """Have jobs run in Python's UTF-8 mode, and this Snakemake too.

    The mode can be set only when Python starts. In a locale of another encoding Snakemake has read the config and the
    names of files by that encoding; its command is then started again, in its own place.
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
    """From here on print a letter that standard output has no code for as its escape, instead of failing."""
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")
