"""The outputs of a network: the features and logits of its training and validation rows, in memory and on disk."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from unpoison.errors import UserError
from unpoison.files import map_array, write_array
from unpoison.rows import Rows
from unpoison.types import Indices


@dataclass(frozen=True)
class Outputs:
    """The features (None if the network has none), the logits and the given label of each row."""

    _features: Float64[np.ndarray, "rows channels"] | None
    logits: Float64[np.ndarray, "rows classes"]
    labels: np.ndarray

    @property
    def has_features(self) -> bool:
        return self._features is not None

    @property
    def features(self) -> Float64[np.ndarray, "rows channels"]:
        """Return the input of the network's last linear layer, or of the layer that the model names.

        Raises:
            UserError: for a network that does not end on a linear layer and names no other.
        """
        if self._features is None:
            raise no_features(self.logits.shape[1])
        return self._features

    def take(self, places: np.ndarray | slice) -> "Outputs":
        """Return the outputs of rows chosen by a mask, positions or a slice; without a copy for all rows in order."""
        if isinstance(places, np.ndarray) and np.array_equal(places, np.arange(len(self.labels))):
            return self
        features = None if self._features is None else self._features[places]
        return Outputs(features, self.logits[places], self.labels[places])


Pair = tuple[Outputs, Outputs]  # of the training and of the validation rows


def no_features(classes: int) -> UserError:
    """Return the error for a network whose feature layer is unknown."""
    return UserError(
        f"the network does not end on a linear layer with an output for each of the {classes} classes; name the "
        "layer whose input the features are by features: <name>"
    )


def write_outputs(path: str | Path, rows: Rows, outputs: Pair) -> None:
    """Write one structured array: a line for each training row, then one for each validation row.

    Values are stored as float32, the precision of the network. A network without features has no field for them.

    Args:
        rows: the whole table of the poisoned data set.
        outputs: of its training and validation rows, in the order of the rows.
    """
    place, has_features = _places(rows), outputs[0].has_features
    kinds = [("row", np.int32), ("logits", np.float32, outputs[0].logits.shape[1:])]
    if has_features:
        kinds.append(("features", np.float32, outputs[0].features.shape[1:]))
    table = np.empty(len(place), kinds)
    table["row"] = place
    trained = len(outputs[0].labels)
    for part, there in zip(outputs, (slice(trained), slice(trained, None)), strict=True):
        for name in table.dtype.names[1:]:  # type: ignore[index]
            table[name][there] = getattr(part, name)
    write_array(path, table)


def read_outputs(path: str | Path, rows: Rows) -> Pair:
    """Return the outputs that `write_outputs` wrote, as float64.

    Raises:
        UserError: for a file that is missing, is damaged, or belongs to other rows.
    """
    table = map_array(path)
    names = table.dtype.names or ()
    if not {"row", "logits"} <= set(names) or not np.array_equal(table["row"], _places(rows)):
        raise UserError(
            f"{path} does not hold the outputs of a network for these training and validation rows"
        )
    features = table["features"].astype(np.float64) if "features" in names else None
    whole = Outputs(features, table["logits"].astype(np.float64), rows.given_label[table["row"]])
    trained = int((rows.split == "train").sum())
    return whole.take(slice(trained)), whole.take(slice(trained, None))


def _places(rows: Rows) -> Indices:
    """Return the positions of the training rows and then of the validation rows."""
    return np.concatenate([np.flatnonzero(rows.split == split) for split in ("train", "validation")])
