"""Cells of the studies on a GPU, compared with the published numbers (Goel et al. 2024, one seed each).

The attack is `patch`: 1,000 of 50,000 rows. Published numbers are of the original CIFAR-10; files that were re-encoded
as JPEG differ from it a little. A cell is started if its estimated time is left. Cells that are left out are
listed with the reason.
"""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.gpu_sizes import Sizes
from unpoison import api
from unpoison.data import Data
from unpoison.deletion import draw_deletion
from unpoison.loading import load_data
from unpoison.networks import Classifier
from unpoison.planting import poison

TRAIN, TEST = "train-*.parquet", "test-*.parquet"
TARGET = "airplane"
LOADING_SECONDS, MEASURING_SECONDS = 60, 10  # estimates: decoding 60,000 JPEGs; evaluating a model
MARGIN = 1.2  # factor of an estimate over the seconds of the images alone


@dataclass(frozen=True)
class Cell:
    """A cell that is measured.

    name: in words; adversarial, clean: published accuracy in per cent; length: share of the recipe's steps; method,
    recall: the repair of the base model, and the share of the poisons found; None: the base model itself.
    """

    name: str
    adversarial: float
    clean: float
    method: str | None = None
    recall: float | None = None
    length: float = 1.0


# The base model comes first, since all others repair it; then the most informative cells.
CELLS = (
    Cell("base", 14.6, 90.5),
    Cell("CF, 100 % found", 90.2, 91.6, "finetune", 1.0, 0.25),
    Cell("EU, 90 % found", 26.2, 91.3, "retrain", 0.9),
    Cell("CF, 90 % found", 17.9, 91.8, "finetune", 0.9, 0.25),
    Cell("CF, 80 % found", 17.3, 91.4, "finetune", 0.8, 0.25),
    Cell("CF, 20 % found", 14.6, 91.9, "finetune", 0.2, 0.25),
    Cell("EU, 20 % found", 14.6, 90.8, "retrain", 0.2),
)


def measure_cells(
    sizes: Sizes, folder: str | None, rate: float, seconds_left: Callable[[], float]
) -> dict[str, Any]:
    """Return the measured and the published numbers of each cell, and the cells that were left out with reasons.

    Args:
        folder: of the files TRAIN and TEST; rate: images a second of a training of that width, as measured.
    """
    base_seconds = _estimate(sizes, CELLS[0], rate)
    if folder is None:
        return _all_left_out("no folder of CIFAR-10 as Parquet files was given (--data)")
    if seconds_left() < LOADING_SECONDS + base_seconds:
        return _all_left_out(_too_long(LOADING_SECONDS + base_seconds, seconds_left()))
    data = _data(Path(folder), sizes)
    done: list[dict[str, Any]] = []
    left_out: list[dict[str, str]] = []
    base = None
    for cell in CELLS:
        wanted, left = _estimate(sizes, cell, rate), seconds_left()
        if wanted > left:
            left_out.append({"cell": cell.name, "why": _too_long(wanted, left)})
            if base is None:
                return {"done": done, "left_out": [*left_out, *_without_base()]}
            continue
        print(f"cell {cell.name}: about {wanted:.0f} of {left:.0f} seconds left", file=sys.stderr, flush=True)
        model, line = _measured(sizes, data, cell, base)
        base, done = base or model, [*done, line]
        rate = _images(sizes, cell) / line["seconds"]  # includes everything that a cell does
    return {"rows": len(data), "done": done, "left_out": left_out}


def _all_left_out(why: str) -> dict[str, Any]:
    return {"done": [], "left_out": [{"cell": cell.name, "why": why} for cell in CELLS]}


def _without_base() -> list[dict[str, str]]:
    return [{"cell": cell.name, "why": "there is no base model to repair"} for cell in CELLS[1:]]


def _too_long(wanted: float, left: float) -> str:
    return f"it takes about {wanted:.0f} seconds and {max(left, 0):.0f} are left"


def _steps(sizes: Sizes, cell: Cell) -> int:
    return sizes.recipe.steps(0, cell.length)  # a recipe with iterations does not use the number of rows


def _images(sizes: Sizes, cell: Cell) -> int:
    return _steps(sizes, cell) * sizes.recipe.batch_size


def _estimate(sizes: Sizes, cell: Cell, rate: float) -> float:
    """Return the expected seconds of a cell."""
    return MARGIN * _images(sizes, cell) / rate + (MEASURING_SECONDS if sizes.device == "cuda" else 0)


def _data(folder: Path, sizes: Sizes) -> Data:
    """Return CIFAR-10 with the patch planted."""
    found = load_data(folder / TRAIN, test=folder / TEST)
    return poison(found, "patch", target=TARGET, count=sizes.poisons)


def _measured(
    sizes: Sizes, data: Data, cell: Cell, base: Classifier | None
) -> tuple[Classifier, dict[str, Any]]:
    """Return the model of a cell, and its line: accuracies in per cent, seconds and steps of training."""
    started = time.perf_counter()
    if base is None or cell.method is None:
        model = api.train(data, "resnet9", width=sizes.width, recipe=sizes.recipe, device=sizes.device)
        flagged = None
    else:
        poisons = round(cell.recall * sizes.poisons) if cell.recall else 0
        flagged = draw_deletion(data.rows.of("train"), poisons, 0, seed=0)
        options = {"length": cell.length} if cell.method == "finetune" else {}
        model, _ = api.repair(base, data, flagged, cell.method, device=sizes.device, **options)
    seconds = time.perf_counter() - started
    found = api.measure(model, data, flagged, device=sizes.device)
    return model, {
        "cell": cell.name,
        "adversarial": _per_cent(found, "adversarial_accuracy"),
        "clean": _per_cent(found, "clean_accuracy"),
        "published": {"adversarial": cell.adversarial, "clean": cell.clean},
        "seconds": seconds,
        "steps": _steps(sizes, cell),
    }


def _per_cent(found: pd.DataFrame, metric: str) -> float:
    of_all = found[(found["metric"] == metric) & found["class_name"].isna()]
    return round(100 * float(of_all["value"].item()), 2)
