"""`make gpu`, at a tiny size on the CPU: a complete document, and skipped cells to keep the time limit."""

import io
import json
import math
import os
import subprocess
import sys
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

from benchmarks import gpu, gpu_cells, gpu_steps
from benchmarks.gpu_cells import CELLS, measure_cells
from benchmarks.gpu_sizes import ON_GPU, TINY
from unpoison.datasets.cifar10 import CLASS_NAMES

ROOT = Path(__file__).parents[1]
PARTS = ("repeatability", "waits", "product_teraflops", "throughput", "sharing", "cells")


def png(image: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "png")
    return file.getvalue()


def run(*words: str) -> subprocess.CompletedProcess[str]:
    """Run the script with no GPU visible."""
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "benchmarks.gpu", *words]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Parquet files in the layout of CIFAR-10: six training images and two test images of each class."""
    made = tmp_path_factory.mktemp("cifar10")
    features = {"image": {"_type": "Image"}, "label": {"names": list(CLASS_NAMES), "_type": "ClassLabel"}}
    about = {"huggingface": json.dumps({"info": {"features": features}})}
    draws = np.random.default_rng(0)
    for split, of_class in (("train", 6), ("test", 2)):
        labels = list(range(10)) * of_class
        images = [png(draws.integers(0, 256, (32, 32, 3), dtype=np.uint8)) for _ in labels]
        table = pa.table({"image": images, "label": labels}).replace_schema_metadata(about)
        pq.write_table(table, made / f"{split}-00000.parquet")
    return made


@pytest.fixture(scope="module")
def document(folder: Path) -> dict[str, Any]:
    done = run("--tiny", "--device", "cpu", "--data", str(folder))
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def numbers_in(value: Any) -> Iterator[float]:
    """Yield all numbers of a document, at any depth."""
    if isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from numbers_in(part)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield value


def test_the_document_has_every_part_and_only_finite_numbers(document: dict[str, Any]) -> None:
    assert {"date", "commit", "dirty", "device", "processor", "seconds_left", *PARTS} <= set(document)
    assert document["failed"] == document["left_out"] == {}
    found = list(numbers_in(document))
    assert len(found) > 40
    assert all(math.isfinite(number) for number in found)


def test_a_training_on_the_cpu_is_repeated_bit_for_bit(document: dict[str, Any]) -> None:
    assert document["repeatability"] == {"steps": 20, "is_equal": True, "largest_difference": 0.0}


def test_nothing_waits_for_a_cpu_and_the_document_says_why_no_number_stands_there(
    document: dict[str, Any],
) -> None:
    assert document["waits"]["per_step"] is None
    assert "CUDA" in document["waits"]["why"]


def test_images_a_second_are_told_of_both_loops_and_of_processes_that_share(document: dict[str, Any]) -> None:
    assert set(document["throughput"]) == {"2"}
    told = document["throughput"]["2"]
    assert set(told["images_per_second"]) == {"plain", "ours"}
    assert told["images_per_second"]["ours"]["min"] > 0
    operations = told["megaflop_per_image"] * 1e6
    reached = told["images_per_second"]["ours"]["median"] * operations
    product = document["product_teraflops"][told["type"]] * 1e12
    assert told["fraction_of_product"]["median"] == pytest.approx(reached / product, abs=1e-3)
    assert set(document["sharing"]["images_per_second"]) == {"1", "2"}


def test_every_cell_stands_beside_what_is_published(document: dict[str, Any]) -> None:
    cells = document["cells"]
    assert cells["rows"] == 60
    assert cells["left_out"] == []
    assert [line["cell"] for line in cells["done"]] == [cell.name for cell in CELLS]
    for line, cell in zip(cells["done"], CELLS, strict=True):
        assert line["published"] == {"adversarial": cell.adversarial, "clean": cell.clean}
        assert 0 <= line["adversarial"] <= 100
        assert line["steps"] == (2 if cell.method == "finetune" else 8)


def test_the_sizes_on_a_gpu_are_those_of_the_studies() -> None:
    assert (ON_GPU.widths, ON_GPU.width, ON_GPU.poisons) == ((16, 64), 64, 1000)
    assert ON_GPU.processes == (1, 2, 4, 8)
    assert (ON_GPU.recipe.iterations, ON_GPU.recipe.batch_size) == (4000, 512)


# -- skipped cells ----------------------------------------------------------------------------------


def test_without_a_gpu_the_script_says_so_in_one_line_and_ends_with_1() -> None:
    done = run()
    assert done.returncode == 1
    assert not done.stdout
    assert done.stderr.splitlines() == [
        "error: torch sees no CUDA device; make gpu measures one, make bench measures a CPU"
    ]


@pytest.mark.parametrize("words", [("--tiny",), ("--device", "cpu")])
def test_tiny_and_the_cpu_go_together(words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["gpu", *words])
    with pytest.raises(SystemExit, match="--tiny and --device cpu go together"):
        gpu.main()


def test_without_a_folder_all_cells_are_left_out_with_the_reason() -> None:
    found = measure_cells(TINY, None, 1000.0, lambda: 600.0)
    assert found["done"] == []
    assert [line["cell"] for line in found["left_out"]] == [cell.name for cell in CELLS]
    assert all("--data" in line["why"] for line in found["left_out"])


def test_a_base_model_that_takes_too_long_is_not_begun_and_no_image_is_read() -> None:
    slow = 100.0  # images a second: 4,000 steps of 512 take hours
    found = measure_cells(ON_GPU, "/nowhere", slow, lambda: 600.0)
    assert found["done"] == []
    assert {line["cell"] for line in found["left_out"]} == {cell.name for cell in CELLS}
    assert "600 are left" in found["left_out"][0]["why"]


def test_cells_that_take_longer_than_the_time_left_are_left_out_and_shorter_ones_are_measured(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = [119.0]  # seconds left: a base model of 4,000 steps takes 40 and is expected to take 58

    def measured(_: Any, data: Any, cell: Any, base: Any) -> tuple[str, dict[str, Any]]:
        assert (base is None) == (cell.method is None)
        seconds = 40.0 * cell.length
        clock[0] -= seconds
        return "model", {"cell": cell.name, "seconds": seconds}

    monkeypatch.setattr(gpu_cells, "_measured", measured)
    monkeypatch.setattr(gpu_cells, "_data", lambda *_: range(50_000))
    found = measure_cells(ON_GPU, "there", 4000 * 512 / 40, lambda: clock[0])
    assert [line["cell"] for line in found["done"]] == [
        "base",
        "CF, 100 % found",
        "EU, 90 % found",
        "CF, 90 % found",
    ]
    assert [line["cell"] for line in found["left_out"]] == [
        "CF, 80 % found",
        "CF, 20 % found",
        "EU, 20 % found",
    ]
    assert clock[0] >= 0


def test_without_time_for_a_base_model_once_the_images_are_read_no_cell_is_begun(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = [119.0]

    def data(*_: Any) -> range:
        clock[0] = 50.0  # reading took longer than expected
        return range(50_000)

    monkeypatch.setattr(gpu_cells, "_data", data)
    found = measure_cells(ON_GPU, "there", 4000 * 512 / 40, lambda: clock[0])
    assert found["done"] == []
    assert "58 seconds and 50 are left" in found["left_out"][0]["why"]
    assert {line["why"] for line in found["left_out"][1:]} == {"there is no base model to repair"}


def test_a_folder_without_the_files_is_refused_before_anything_is_measured(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "argv", ["gpu", "--tiny", "--device", "cpu", "--data", str(tmp_path)])
    with pytest.raises(SystemExit, match=r"--data: found no train-\*\.parquet"):
        gpu.main()


def test_a_part_that_fails_is_told_and_the_others_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("out of memory")

    for name in ("measure_repeatability", "measure_waits", "measure_products", "measure_throughput"):
        monkeypatch.setattr(gpu, name, lambda *_: {"kept": 1})
    monkeypatch.setattr(gpu, "measure_sharing", fail)
    found = gpu.measure(TINY, None, lambda: 600.0)
    assert found["failed"]["sharing"] == "RuntimeError: out of memory"
    assert found["throughput"] == {"kept": 1}


def test_parts_are_left_out_when_the_time_is_over() -> None:
    found = gpu.measure(TINY, None, lambda: -1.0)
    assert set(found["left_out"]) == set(PARTS)


# -- measurements that a CPU run lacks --------------------------------------------------------------


def test_waits_of_a_step_are_those_that_a_longer_training_has_more_of(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def trained(_: Any, steps: int) -> None:
        for _wait in range(3 + 2 * steps):
            warnings.warn("called a synchronizing CUDA operation", stacklevel=1)
        warnings.warn("something else", stacklevel=1)

    monkeypatch.setattr(gpu_steps, "_trained", trained)
    modes: list[str] = []
    monkeypatch.setattr(torch.cuda, "set_sync_debug_mode", modes.append)
    found = gpu_steps.measure_waits(replace(TINY, device="cuda"))
    assert found["per_step"] == 2.0
    assert list(found["lines"].values()) == [3 + 2 * 40]
    assert modes == ["warn", "default"] * 2


def test_trainings_that_differ_are_not_called_equal(monkeypatch: pytest.MonkeyPatch) -> None:
    weights = iter([[torch.tensor([1.0, 2.0])], [torch.tensor([1.0, 2.5])]])
    monkeypatch.setattr(gpu_steps, "_trained", lambda *_: next(weights))
    found = gpu_steps.measure_repeatability(TINY)
    assert (found["is_equal"], found["largest_difference"]) == (False, 0.5)
