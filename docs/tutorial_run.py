"""Run the page "You were poisoned", write the output of its commands into it, and draw its two pictures.

`python docs/tutorial_run.py`, in the project's folder: about ninety seconds on two cores.
"""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from unpoison.drawing.sheets import (
    FLAGGED,
    SUSPICIOUS,
    TYPICAL,
    SheetLine,
    draw_before_after,
    draw_contact_sheet,
)
from unpoison.files import read_json
from unpoison.report.estimates import Estimate
from unpoison.scanning.page import estimate

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "you-were-poisoned.md"
PICTURES = ROOT / "docs" / "pictures"
# A command, and the block below it with its output.
BLOCK = re.compile(r"```sh\n(?P<command>.*?)```\n\n```text\n(?P<said>.*?)```", re.DOTALL)
POISONED = 3  # exit code of a scan


def commands(page: str) -> Iterator[str]:
    """Return every command of the page, in its order."""
    return (found["command"] for found in BLOCK.finditer(page))


def run(command: str, folder: Path) -> str:
    """Return the output of a command of the page in a folder."""
    _, *words = shlex.split(command.replace("\\\n", " "))  # the first is `unpoison`
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-m", "unpoison", *words],
        cwd=folder,
        env=environment,
        text=True,
        capture_output=True,
        check=False,
    )
    if done.returncode not in (0, POISONED):
        raise SystemExit(f"{command}ended with {done.returncode}: {done.stderr}")
    return done.stdout


def filled(page: str, said: dict[str, str]) -> str:
    """Return the page with the output of each command."""
    return BLOCK.sub(
        lambda found: f"```sh\n{found['command']}```\n\n```text\n{said[found['command']]}```", page
    )


def contact_sheet(folder: Path) -> Any:
    """Return a figure of suspicious images of the tampered class next to typical ones."""
    table = pd.read_csv(folder / "scanned" / "suspicious.csv")
    table = table[table["action"] == "remove"]
    table = table.iloc[np.linspace(0, len(table) - 1, SUSPICIOUS).astype(int)]  # not only the clearest ones
    name = table["given_label"].iloc[0]
    clean = pd.read_csv(folder / "scanned" / "clean.csv")
    typical = clean[clean["label"] == name]["path"].iloc[:: len(clean) // 20][:TYPICAL]
    paths = [*typical, *table["path"]]
    line = SheetLine(
        name, range(TYPICAL), range(TYPICAL, len(paths)), [str(read) for read in table["read_as"]]
    )
    return draw_contact_sheet(_images(folder / "photos", paths), [line])


def before_after(folder: Path) -> Any:
    """Return a figure of attack success and clean accuracy before and after the repair, with some flagged images."""
    told, table = (
        read_json(folder / "repaired" / "repair.json"),
        pd.read_csv(folder / "scanned" / "suspicious.csv"),
    )
    flagged = table[table["action"] == "remove"].iloc[:FLAGGED]
    counts = {kind: len(list((folder / "photos" / kind).glob("*/*"))) for kind in ("test", "triggered")}
    shares = [
        (
            words,
            *(
                _span(estimate(round(told[when][name] * counts[kind]), counts[kind]))
                for when in ("before", "after")
            ),
        )
        for words, name, kind in (
            ("attack success", "attack_success_rate", "triggered"),
            ("clean accuracy", "clean_accuracy", "test"),
        )
    ]
    readings = _readings(folder, flagged["path"].tolist())
    return draw_before_after(
        _images(folder / "photos", flagged["path"].tolist()), range(len(flagged)), readings, shares
    )


def _span(found: Estimate | None) -> tuple[float, float, float]:
    assert found
    return found.value, found.low, found.high


def _readings(folder: Path, paths: list[str]) -> list[tuple[str, str]]:
    """Return the predicted class of each image, with the old and with the repaired weights."""
    import torch  # noqa: PLC0415
    from safetensors.torch import load_file  # noqa: PLC0415

    from unpoison.tutorial import CLASS_NAMES  # noqa: PLC0415
    from unpoison.tutorial_network import SmallNet  # noqa: PLC0415

    images = torch.from_numpy(_images(folder / "photos", paths)).permute(0, 3, 1, 2).float() / 255
    read = []
    for weights in ("photos/weights.safetensors", "repaired/repaired.safetensors"):
        net = SmallNet().eval()
        net.load_state_dict(load_file(folder / weights))
        with torch.no_grad():
            read.append([CLASS_NAMES[label] for label in net((images - 0.5) / 0.25).argmax(1).tolist()])
    return list(zip(*read, strict=True))


def _images(folder: Path, paths: list[str]) -> np.ndarray:
    return np.stack([np.asarray(Image.open(folder / path).convert("RGB")) for path in paths])


def draw(folder: Path) -> None:
    """Draw both pictures of a folder in which the commands were run."""
    PICTURES.mkdir(exist_ok=True)
    for name, figure in (("contact_sheet", contact_sheet(folder)), ("before_after", before_after(folder))):
        figure.savefig(PICTURES / f"{name}.png", dpi=200, metadata={"Software": None})


def main() -> None:
    """Run the commands, fill the page and draw."""
    page = PAGE.read_text(encoding="utf-8")
    with TemporaryDirectory() as place:
        said = {command: run(command, Path(place)) for command in commands(page)}
        draw(Path(place))
    PAGE.write_text(filled(page, said), encoding="utf-8")


if __name__ == "__main__":
    main()
