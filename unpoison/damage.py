"""Files that are no artifacts, or no longer: readers refuse them, and jobs rename those that were ours."""

import sys
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from unpoison.errors import UserError


class DamagedError(UserError):
    """The error of a reader for a file that is no artifact, or no longer: it is refused and left as it is.

    Args:
        is_ours: whether the file carries our mark, or a remainder of it; None where its format cannot be read at all.
        fault: what is wrong with a file of ours.
        record: the file's record, where that is damaged too.
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
            True: f"{fault}; delete it, and the next run makes it anew",
            False: "was not written by unpoison: it carries no checksum of ours",
            None: "is damaged, or was not written by unpoison: it cannot be read",
        }
        super().__init__(f"{path} {reason[is_ours]}")
        self.path, self.is_ours, self.fault, self.record = path, is_ours, fault, record

    def put_aside(self) -> UserError:
        """Rename the file, and return the error that says so; where it may not be renamed, this error."""
        for path in filter(None, (self.path, self.record)):
            try:
                path.replace(f"{path}.corrupt")
            except FileNotFoundError:  # another job was faster
                pass
            except OSError:
                return self
        return UserError(
            f"{self.path} {self.fault}; it is now {self.path.name}.corrupt and the next run makes it anew"
        )


def put_damage_aside(made_by_us: Callable[[Path], object]) -> None:
    """From here on a damaged artifact that ends this program is renamed `.corrupt`; for jobs, whose inputs are ours.

    Args:
        made_by_us: whether a record names the file as made by a job, which tells where its own mark is lost.
    """
    show = sys.excepthook

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if isinstance(error, DamagedError) and (error.is_ours is not False or made_by_us(error.path)):
            error = error.put_aside()
        show(type(error), error, trace)

    sys.excepthook = hook
