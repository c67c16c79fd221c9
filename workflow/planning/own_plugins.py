"""The plug-ins of the user's own folder and of installed packages, found and checked before a plan is made."""

from pathlib import Path

from planning.identity import SCRIPTS, code_digest
from unpoison.errors import UserError
from unpoison.plugin_files import KINDS
from unpoison.registration import register, registered


def register_plugins(folder: str | None) -> None:
    """Register the folder that a config names, and read all that plug-ins import of their own.

    Raises:
        UserError: for a folder that is not there or holds no plug-in, and for a file in it that is refused.
    """
    try:
        if folder is not None:
            _check_folder(Path(folder))
            register(folder)
        for function in KINDS:
            for plugin in registered(function).values():
                code_digest(plugin)
    except UserError as error:
        raise UserError(f"plugins: {error}") from error


def _check_folder(folder: Path) -> None:
    """Refuse a path that is not a folder, and a helper with the name of one of our scripts."""
    if not folder.is_dir():
        raise UserError(f"no such folder: {folder}")
    for script in sorted(SCRIPTS.glob("_*.py")):
        for helper in (folder / script.name, folder / script.stem):
            if helper.exists():
                raise UserError(f"{helper}: its name is that of a module of unpoison; choose another")
