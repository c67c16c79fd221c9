"""The most memory that a scan of a large set takes: 200,000 images of 64 x 64 pixels by default.

    python -m benchmarks.large_scan FOLDER [ROWS]

Makes the set in FOLDER (2.5 GB; the results take as much again) if it is not there, and runs `unpoison scan --budget
quick` on it: drawn patterns under noise, 2 % with a sticker and a wrong label, and a network with 512 features. Prints
a line for each job, and ends with an error where all processes together held more than 6 GiB of their own.
"""

import sys
import zipfile
from pathlib import Path

import numpy as np

from benchmarks.team import ROOT
from benchmarks.watch import Watched, watch

ROWS, SIZE, CLASSES, FEATURES = 200_000, 64, 10, 512
LIMIT = 6 * 1024  # MB
AT_ONCE = 1_000  # images
NOISE = 1 << 24  # levels
POISONED = 0.02
NETWORK = Path(__file__).with_name("pooled_net.py")


def main() -> None:
    """Make the set, scan it, print the table."""
    folder = Path(sys.argv[1])
    rows = int(sys.argv[2]) if len(sys.argv) > 2 else ROWS
    folder.mkdir(parents=True, exist_ok=True)
    data = folder / f"drawn_{rows}.npz"
    if not data.exists():
        make_set(data, rows)
    found = watch(command(data, folder / f"scan_{rows}"), ROOT)
    print(table(found))
    if found.status not in (0, 3) or found.own_mb > LIMIT:
        sys.exit(f"error: the scan ended with {found.status} and held {found.own_mb:.0f} MB")


def command(data: Path, out: Path) -> list[str]:
    """Return the scan."""
    options = {
        "--out": out,
        "--model": f"{NETWORK}:PooledNet",
        "--arguments": f'{{"features": {FEATURES}}}',
        "--budget": "quick",
    }
    words = [str(word) for pair in options.items() for word in pair]
    return [sys.executable, "-m", "unpoison", "scan", str(data), *words]


def make_set(path: Path, rows: int) -> None:
    """Write images of a coarse pattern for each class under noise, piece by piece."""
    random = np.random.default_rng(0)
    coarse = random.integers(0, 128, (CLASSES, 8, 8, 3), dtype=np.uint8)
    patterns = coarse.repeat(SIZE // 8, 1).repeat(SIZE // 8, 2)
    # Each image's noise is a piece of one long line of it: to draw all of it would take minutes.
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
