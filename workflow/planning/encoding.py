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
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    is_utf8 = sys.flags.utf8_mode or codecs.lookup(locale.getencoding()).name == "utf-8"
    is_command = "snakemake" in Path(sys.argv[0]).parts[-2:] or Path(sys.argv[0]).stem == "snakemake"
    if is_command and not is_utf8:
        sys.stdout.flush()
        os.execv(sys.executable, sys.orig_argv)  # noqa: S606
