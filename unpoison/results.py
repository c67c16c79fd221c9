"""The results table: what its columns mean, and how it is put together."""

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

COLUMNS = {
    "study": ("string", "name of the study in the config"),
    "dataset": ("string", "name of the data set, with the keys that the study varies"),
    "poison": ("string", "name of the poison"),
    "training": ("string", "name of the training"),
    "seed": ("int64", "seed of the rows, the poisons, the initial weights and the batches"),
    "deletion": ("string", "name of the deletion set; null for do_nothing and oracle"),
    "method": (
        "string",
        "unlearning method; do_nothing is the poisoned model, oracle is trained on the clean rows",
    ),
    "metric": ("string", "what is measured; see the metrics below"),
    "class_name": ("string", "the class it is measured on; null for all classes together"),
    "value": ("float64", "the measured value"),
    "unit": ("string", "share (0 to 1), seconds or images"),
    "higher_is_better": ("boolean", "whether more is better"),
    "recall": ("float64", "poisoned rows in the deletion set / poisoned rows, as achieved; null without one"),
    "fdr": ("float64", "clean rows in the deletion set / rows in it, as achieved; null without one"),
    "fpr": ("float64", "clean rows in the deletion set / clean rows, as achieved; null without one"),
}
IDENTITY = ("study", "dataset", "poison", "training", "seed", "deletion", "method")
REFERENCES = ("do_nothing", "oracle")
# Of fewer seeds than this a bootstrap knows too little, and a test corrected for many comparisons finds nothing.
ENOUGH = 5


def collect(
    tables: Iterable[tuple[Mapping[str, Any], Mapping[str, Any]]],
    studies: Mapping[str, Mapping[str, list[Any]]],
    varied: Mapping[str, Mapping[str, Mapping[str, Any]]],
) -> pd.DataFrame:
    """One long table from the metrics of every model; a model that two studies share is in it twice.

    Args:
        tables: for each model its metrics and its identity (dataset ... method).
        studies: for each study the names on each level, its seeds, and the dotted keys that it varies.
        varied: for each level and name the varied keys and their values there.
    """
    frames = [pd.DataFrame(dict(columns)).assign(**identity) for columns, identity in tables]
    models = pd.concat([frame.astype({"class_name": "string", "deletion": "string"}) for frame in frames])
    whole = pd.concat([_of_study(models, study).assign(study=name) for name, study in studies.items()])
    keys = sorted({key for study in studies.values() for key in study["vary"]})
    for key in keys:
        level = key.split(".")[0]
        values = {name: settings[key] for name, settings in varied[level].items() if key in settings}
        varies = whole["study"].map({name: key in study["vary"] for name, study in studies.items()})
        whole[key] = whole[level].map(values).where(varies).convert_dtypes()
    whole = whole[[*COLUMNS, *keys]].astype({name: kind for name, (kind, _) in COLUMNS.items()})
    order = [*IDENTITY, "metric", "class_name"]
    return whole.sort_values(order, kind="stable", na_position="first").reset_index(drop=True)


def _of_study(models: pd.DataFrame, study: Mapping[str, list[Any]]) -> pd.DataFrame:
    chosen = pd.Series(True, index=models.index)
    for level in ("dataset", "poison", "training", "seed"):
        chosen &= models[level].isin(study[level])
    chosen &= models["deletion"].isna() | models["deletion"].isin(study["deletion"])
    return models[chosen & models["method"].isin([*study["method"], *REFERENCES])]
