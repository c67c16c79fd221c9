"""A Hugging Face data set in the local cache of `datasets`, as after a download; no network is used."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny
from PIL import Image

LABELS = {"train": np.array([0, 0, 0, 1, 1, 2, 2]), "test": np.array([0, 1, 2, 2])}
NAME = "somebody/pets"


def write_cached(root: Path, monkeypatch: pytest.MonkeyPatch, **columns: Any) -> dict[str, str]:
    """Write the splits of `LABELS` to a cache below `root`, and restrict `datasets` to this cache.

    Args:
        columns: in place of the column of labels.

    Returns:
        the options of the source.
    """
    library = pytest.importorskip("datasets", reason="the extra hf is not installed")
    monkeypatch.setattr(library.config, "HF_DATASETS_CACHE", root / "cache")
    monkeypatch.setattr(library.config, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    files = {}
    for split, labels in LABELS.items():
        images = [Image.fromarray(image) for image in tiny.draw_squares(labels)]
        features = {"img": library.Image(), "label": library.ClassLabel(names=list(tiny.CLASS_NAMES))}
        table = {"img": images, "label": labels.tolist()}
        if columns:
            table = {"img": images, **{name: list(make(labels)) for name, make in columns.items()}}
            features = None
        made = library.Dataset.from_dict(table, features=library.Features(features) if features else None)
        files[split] = str(root / f"{split}.parquet")
        made.to_parquet(files[split])
    cached = library.load_dataset("parquet", data_files=files)["train"].cache_files[0]["filename"]
    place = root / "cache" / NAME.replace("/", "___") / "default" / "0.0.0" / ("a" * 40)
    place.parent.mkdir(parents=True)
    Path(cached).parent.rename(place)
    for file in place.glob("parquet-*"):
        file.rename(place / file.name.replace("parquet-", "pets-"))
    told = json.loads((place / "dataset_info.json").read_text())
    changed = {**told, "dataset_name": "pets", "config_name": "default"}
    (place / "dataset_info.json").write_text(json.dumps(changed))
    return {"name": NAME}
