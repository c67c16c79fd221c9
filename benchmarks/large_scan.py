"""The peak memory of a scan of a large set: 200,000 images of 64 x 64 pixels by default.

    python -m benchmarks.large_scan FOLDER [ROWS]

It makes the set in FOLDER if it is missing (2.5 GB; the results take the same again), and runs the jobs of
`unpoison scan --budget quick` on it. The set has drawn patterns under noise, and 2 % of the rows have a sticker and a
wrong label. The network has 128 features. Trainings are short, since a longer one does not need more memory. It prints
a line for each job, and ends with an error if all processes together held more than 6 GiB of private memory.
"""

import json
import sys
import zipfile
from pathlib import Path

import numpy as np

from benchmarks.team import ROOT
from benchmarks.watch import Watched, watch
from unpoison.command.given import entries_of
from unpoison.command.outputs import write_config
from unpoison.command.scan import QUICK

ROWS, SIZE, CLASSES, FEATURES = 200_000, 64, 10, 128
LIMIT = 6 * 1024  # MB
AT_ONCE = 1_000  # images
NOISE = 1 << 24  # levels
POISONED = 0.02
STEPS = 1_000
NETWORK = Path(__file__).with_name("pooled_net.py")


def main() -> None:
    """Make the set, scan it, and print the table."""
    folder = Path(sys.argv[1]).resolve()
    rows = int(sys.argv[2]) if len(sys.argv) > 2 else ROWS
    folder.mkdir(parents=True, exist_ok=True)
    data = folder / f"drawn_{rows}.npz"
    if not data.exists():
        make_set(data, rows)
    found = watch(command(data, folder / f"scan_{rows}"), ROOT)
    print(table(found))
    if found.status or found.own_mb > LIMIT:
        sys.exit(f"error: the scan ended with {found.status} and held {found.own_mb:.0f} MB")


def command(data: Path, out: Path) -> list[str]:
    """Write the config of the scan, and return its command."""
    entries = entries_of(
        str(data),
        model=f"{NETWORK}:PooledNet",
        arguments=json.dumps({"features": FEATURES}),
        image_size=SIZE,
        device="cpu",
    )
    recipe = {key: value for key, value in entries["recipes"]["fit"].items() if key != "epochs"}
    asked = {
        "dataset": "data",
        "poison": "as_found",
        "training": "model",
        "detectors": list(QUICK),
        "seeds": 1,
    }
    sections = {
        "recipes": {"fit": {**recipe, "iterations": STEPS}},
        "detectors": {name: {} for name in QUICK},
        "scans": {"scan": asked},
    }
    config = write_config(out, {**entries, **sections})
    return [sys.executable, "-m", "unpoison", "run", str(config), "--", "scans"]


def make_set(path: Path, rows: int) -> None:
    """Write images of a coarse pattern for each class under noise, in parts."""
    random = np.random.default_rng(0)
    coarse = random.integers(0, 128, (CLASSES, 8, 8, 3), dtype=np.uint8)
    patterns = coarse.repeat(SIZE // 8, 1).repeat(SIZE // 8, 2)
    # Each image's noise is a window of one long array: drawing noise for every image would take minutes.
    noise = np.lib.stride_tricks.sliding_window_view(
        random.integers(0, 128, NOISE, dtype=np.uint8), SIZE * SIZE * 3
    )
    labels = random.permutation(np.arange(rows) % CLASSES)
    is_poisoned = (random.random(rows) < POISONED) & (labels > 0)
    told = np.where(is_poisoned, 0, labels).astype(np.int64)
    part = path.with_suffix(".part")
    with zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as archive:
        with archive.open("x_train.npy", "w", force_zip64=True) as file:
            header = {"descr": "|u1", "fortran_order": False, "shape": (rows, SIZE, SIZE, 3)}
            np.lib.format.write_array_header_1_0(file, header)
            for start in range(0, rows, AT_ONCE):
                of_part = slice(start, start + AT_ONCE)
                images = patterns[labels[of_part]]
                images += noise[random.integers(0, len(noise), len(images))].reshape(images.shape)
                images[is_poisoned[of_part], 4:20, 4:20] = (255, 255, 0)
                file.write(images.tobytes())
        with archive.open("y_train.npy", "w") as file:
            np.lib.format.write_array(file, told)
    part.rename(path)


def table(found: Watched) -> str:
    """Return a line for each process that held 100 MB or more, and one for all."""
    lines = [f"{'process':<28}{'own MB':>8}{'mapped MB':>11}{'peak MB':>9}{'CPU s':>8}"]
    lines += [
        f"{each.name:<28}{each.own_mb:>8.0f}{each.mapped_mb:>11.0f}{each.peak_mb:>9.0f}{each.seconds:>8.0f}"
        for each in found.processes
        if each.own_mb >= 100
    ]
    return "\n".join([*lines, f"{'all at once':<28}{found.own_mb:>8.0f}", f"{found.seconds:.0f} seconds"])


if __name__ == "__main__":
    main()
