"""Checks of a command's network and of its flagged rows against the data, before anything is written."""

import warnings
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np

from unpoison.command.given import SOURCE, TRAINING
from unpoison.command.given_model import DEFAULT
from unpoison.command.outputs import RUN
from unpoison.datasets import SOURCES, peek_source
from unpoison.deletion import describe
from unpoison.errors import UserError
from unpoison.held_out import folds_of
from unpoison.row_lists import find_rows
from unpoison.rows import Rows, clean_rows
from unpoison.study.config import checked
from unpoison.study.entries import Entries
from unpoison.study.records import Training
from unpoison.study.sections import given_options


def check_flagged(entries: Mapping[str, Any], row_ids: Sequence[str], *, seed: int, folds: int) -> None:
    """Refuse flagged rows that are not training rows, and lists that a repair and its check cannot work with.

    No image is decoded.

    Args:
        entries: of a config, from `entries_of`.

    Raises:
        UserError: for an id that is not a training row, a list of all training rows, and fewer flagged rows than folds.
    """
    train = _train_rows(entries)
    folds_of(train, describe(train, find_rows(train, row_ids)).rows, folds, seed)


def check_network(entries: Mapping[str, Any]) -> None:
    """Refuse a network that does not fit the data, and weights that do not fit the network.

    The network is run on an image of noise. The default network fits any data, so torch is not imported for it.

    Args:
        entries: of a config, from `entries_of`.

    Raises:
        UserError: in the cases of the job that takes the weights: see `check_untrained` and `load_given`.
    """
    entry = entries["trainings"][TRAINING]
    if entry["model"] == DEFAULT and "weights" not in entry:
        return
    training = _training(entries)
    # The jobs show the same output and warnings in their logs.
    with redirect_stdout(StringIO()), warnings.catch_warnings(action="ignore"):
        try:
            _try(training, _class_names(entries), entries["sources"][SOURCE]["image_size"])
        except SystemExit as error:
            raise UserError(
                f"{training.options.get('python', training.model)} ends Python (exit code {error.code}) when it is "
                "imported or built; allowed: a file that only defines classes and functions"
            ) from error


def _try(training: Training, class_names: tuple[str, ...], size: int) -> None:
    from unpoison.data import Data  # noqa: PLC0415 (torch is imported only where there is something to check)
    from unpoison.devices import computing_repeatably  # noqa: PLC0415
    from unpoison.given_weights import load_given  # noqa: PLC0415
    from unpoison.identity.blocks import model_of  # noqa: PLC0415
    from unpoison.networks import Architecture  # noqa: PLC0415
    from unpoison.steps.trying import check_untrained, try_on  # noqa: PLC0415

    # Not blank: a network that divides by the deviation of an image would fail on it.
    noise = np.random.default_rng(0).integers(0, 256, (2, size, size, 3), np.uint8)
    data = Data(noise, np.arange(2), class_names)
    architecture = Architecture.planned(model_of(training), class_names, size, training.features)
    with computing_repeatably():
        check_untrained(architecture, data)
        if training.weights is not None:
            try_on(load_given(training.weights, architecture), data)


def _training(entries: Mapping[str, Any]) -> Training:
    """Return the record of the training, with the config's defaults filled in."""
    records = Entries(checked({"results_folder": RUN, **entries}))
    (name,) = records.variants("training", [TRAINING], {}, f"trainings.{TRAINING}")
    return records.trainings[name]


def _train_rows(entries: Mapping[str, Any]) -> Rows:
    """Return the training rows. It is not known which are poisoned."""
    entry = entries["sources"][SOURCE]
    read = SOURCES[entry["source"]]
    source = read(Path(entries["data_folder"]), entry["image_size"], **given_options("source", entry))
    rows = clean_rows(source.row_ids, source.splits, source.labels, source.class_names)
    return replace(rows, is_poisoned=None).of("train")


def _class_names(entries: Mapping[str, Any]) -> tuple[str, ...]:
    entry = entries["sources"][SOURCE]
    options = given_options("source", entry)
    return tuple(peek_source(entry["source"], Path(entries["data_folder"]), options).counts)
