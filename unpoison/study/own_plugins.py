"""The plug-ins of the user's own folder and of installed packages, found and checked before a plan is made."""

from pathlib import Path

from unpoison.errors import UserError, one_of
from unpoison.metrics import METRICS
from unpoison.plugin_files import KINDS
from unpoison.probes import PROBES
from unpoison.registration import register, registered
from unpoison.study.code import code_digest


def register_plugins(folder: str | None) -> None:
    """Register the plug-in folder of a config, and parse every file of their own that plug-ins import.

    Raises:
        UserError: for a folder that is not there or holds no plug-in, and for a file in it that is refused.
    """
    try:
        if folder is not None:
            if not Path(folder).is_dir():
                raise UserError(f"no such folder: {folder}")
            register(folder)
        for function in KINDS:
            for plugin in registered(function).values():
                code_digest(plugin)
        _check_metrics()
    except UserError as error:
        raise UserError(f"plugins: {error}") from error


def _check_metrics() -> None:
    """Refuse a metric whose name is taken, and a metric after an unknown probe."""
    for name, metric in METRICS.items():
        if metric.probe is not None and metric.probe not in PROBES:
            raise one_of(f"probe of the metric {name}:", metric.probe, PROBES)
