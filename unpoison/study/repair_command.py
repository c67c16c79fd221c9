"""The `unpoison repair` command that takes the data, the model and the preprocessing of a scan."""

import json
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unpoison.data_kinds import HUB
from unpoison.study.records import Settings, Source, Training

HUGGING_FACE = "hugging_face"  # the source whose further images are names of splits, and not paths


@dataclass(frozen=True)
class Scanned:
    """The records of a scan that its options come from."""

    settings: Settings
    source: Source
    training: Training

    def path(self, value: str) -> str:
        """Return the absolute form of a path of the config."""
        return str((Path(self.settings.data_folder) / value).absolute())

    def further(self, name: str) -> str | None:
        """Return further images: a split of a data set of the hub, or an absolute path; None if not given."""
        value = self.source.options.get(name)
        return value if value is None or self.source.kind == HUGGING_FACE else self.path(value)


# Every option that `scan` and `repair` share, but those of the run itself: its folder, its cores and its output.
SHARED: dict[str, Callable[[Scanned], str | None]] = {
    "image_size": lambda scanned: str(scanned.source.image_size),
    "resize": lambda scanned: scanned.source.resize,
    "interpolation": lambda scanned: scanned.source.interpolation,
    "model": lambda scanned: _model(scanned.training),
    "arguments": lambda scanned: _json(_arguments(scanned.training)),
    "weights": lambda scanned: _weights(scanned.training.weights),
    "mean": lambda scanned: ",".join(map(repr, scanned.training.mean)),
    "deviation": lambda scanned: ",".join(map(repr, scanned.training.deviation)),
    "features": lambda scanned: scanned.training.features,
    "test": lambda scanned: scanned.further("test"),
    "trusted": lambda scanned: scanned.further("trusted"),
    "device": lambda scanned: scanned.settings.device,
}


def repair_command(settings: Settings, source: Source, training: Training) -> str:
    """Return a command that repairs the scanned model, without `--flagged`. Its paths are absolute."""
    scanned = Scanned(settings, source, training)
    words = ["unpoison", "repair", _data(scanned), "--out", "repaired"]
    for name, value_of in SHARED.items():
        value = value_of(scanned)
        words += [] if value is None else [f"--{name.replace('_', '-')}", value]
    return shlex.join(words)


def _data(scanned: Scanned) -> str:
    """Return the training images as the command line names them; the source's name if it has no path."""
    if scanned.source.kind == HUGGING_FACE:
        options = scanned.source.options
        return HUB + ":".join(filter(None, (options["name"], options.get("config"))))
    path = path_of(scanned.source)
    return scanned.source.name if path is None else scanned.path(path)


def path_of(source: Source) -> str | None:
    """Return the first path among a source's options: the folder or file with the training images; None without one."""
    return next((value for value in source.options.values() if isinstance(value, str)), None)


def _model(training: Training) -> str:
    """Return `FILE.py:CLASS` with the file's absolute path, or the name of a shipped network."""
    python = training.options.get("python")
    if python is None:
        return training.model
    file, _, name = python.rpartition(":")
    return f"{Path(file).absolute()}:{name}"


def _arguments(training: Training) -> dict[str, Any] | None:
    """Return the arguments of the user's class, or the options of a shipped network."""
    return training.options.get("arguments") if "python" in training.options else dict(training.options)


def _weights(file: Path | None) -> str | None:
    return None if file is None else str(file.absolute())


def _json(arguments: dict[str, Any] | None) -> str | None:
    return json.dumps(arguments) if arguments else None
