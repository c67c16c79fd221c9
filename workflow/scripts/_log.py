"""What every script does first."""

import os

from unpoison.errors import show_user_errors_in_one_line


def begin(log: str) -> None:
    """Send all output to the job's log, and end on a user's error with one line instead of a traceback."""
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    os.dup2(file, 1)
    os.dup2(file, 2)
    show_user_errors_in_one_line()
