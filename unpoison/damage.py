"""Damaged and foreign files: readers refuse them, and jobs rename the damaged artifacts of this package."""

import sys
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from unpoison.errors import UserError


class DamagedError(UserError):
    """A reader's error for a damaged artifact or a foreign file; the file stays unchanged.

    Args:
        is_ours: whether the file carries this package's checksum, or part of it; None if its format is unreadable.
        fault: the damage, for a file of this package.
        record: the file's run record, if that is damaged too.
    """

    def __init__(
        self,
        path: Path,
        *,
        is_ours: bool | None = True,
        fault: str = "is damaged: it fails its checksum",
        record: Path | None = None,
    ) -> None:
        reason = {
            True: f"{fault}; delete it, and the next run rebuilds it",
            False: "was not written by unpoison: it carries no checksum of unpoison",
            None: "is damaged, or was not written by unpoison: it cannot be read",
        }
        super().__init__(f"{path} {reason[is_ours]}")
        self.path, self.is_ours, self.fault, self.record = path, is_ours, fault, record

    def put_aside(self) -> UserError:
        """Rename the file to `.corrupt` and return an error that says so; this error if it cannot be renamed."""
        for path in filter(None, (self.path, self.record)):
            try:
                path.replace(f"{path}.corrupt")
            except FileNotFoundError:  # another job was faster
                pass
            except OSError:
                return self
        return UserError(
            f"{self.path} {self.fault}; it is now {self.path.name}.corrupt and the next run rebuilds it"
        )


def put_damage_aside(made_by_us: Callable[[Path], object]) -> None:
    """Install a hook that renames a damaged artifact to `.corrupt` when it ends the program; for workflow jobs only.

    Args:
        made_by_us: returns whether a run record names the file as a job's output; used if the checksum is lost.
    """
    show = sys.excepthook

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if isinstance(error, DamagedError) and (error.is_ours is not False or made_by_us(error.path)):
            error = error.put_aside()
        show(type(error), error, trace)

    sys.excepthook = hook
