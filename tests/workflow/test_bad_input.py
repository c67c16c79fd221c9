"""Randomly damaged configs and data end in one error line each, or in a plan that can run."""

import io
import json
import os
import random
import subprocess
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from mutations import damaged_bytes, mutated
from PIL import Image

from unpoison.datasets import SOURCES, load_source
from unpoison.deletion import read_row_ids
from unpoison.errors import UserError
from unpoison.identity.specs import Specs
from unpoison.levels import REFERENCES
from unpoison.runs.read import read_config
from unpoison.study.config import SCHEMA
from unpoison.study.plan import Plan
from unpoison.study.sections import RESERVED
from unpoison.study.studies import Cell

ROOT = Path(__file__).parents[2]
BASES = [
    yaml.safe_load((ROOT / "config" / name).read_text())
    for name in ("demo.yaml", "config.yaml", "methods.yaml")
]
LONGEST_NAME = 255  # bytes; the limit of current file systems for a folder's name


def problem_of(config: dict) -> str | None:
    """Return the fault in the handling of a config; None if it is refused in one line or can be run."""
    try:
        plan = Plan(config)
    except UserError as error:
        line = str(error)
        return None if 5 < len(line) < 1000 and line.isprintable() else f"an unreadable line: {line!r}"
    specs = Specs(plan)
    for name in plan.config["figures"]:
        json.dumps(specs.draw_figure(SimpleNamespace(figure=name)), allow_nan=False)
    for study in plan.studies.values():
        for number, cell in zip(range(3), study.cells(), strict=False):
            problem = problem_of_cell(specs, cell, first=number == 0)
            if problem:
                return problem
    return None


def problem_of_cell(specs: Specs, cell: Cell, *, first: bool) -> str | None:
    levels = {name: str(value) for name, value in vars(cell).items() if value is not None}
    wildcards = SimpleNamespace(**levels, reference=REFERENCES.get(cell.method))
    made = [specs.measure(wildcards), specs.train_base(wildcards), specs.poison_dataset(wildcards)]
    if cell.deletion is not None:
        made += [specs.unlearn(wildcards), specs.select_deletion(wildcards)]
    json.dumps(made, allow_nan=False)
    for level, name in levels.items():
        if "/" in name or name in RESERVED.get(level, ()) or name.startswith(".") or not name.isascii():
            return f"a {level} named {name!r}"
        if len(name.encode()) > LONGEST_NAME:
            return f"a {level} with a name of {len(name)} characters"
    return None


def try_configs(seeds: range) -> Counter:
    """Count refused and planned configs; assert that no exception but a `UserError` ends a plan."""
    ends: Counter = Counter()
    for seed in seeds:
        rng = random.Random(seed)
        config = mutated(rng.choice(BASES), SCHEMA, rng)
        try:
            problem = problem_of(config)
        except Exception as error:
            raise AssertionError(f"seed {seed}: {config}") from error
        assert problem is None, f"seed {seed}: {problem}: {config}"
        try:
            Plan(config)
            ends["planned"] += 1
        except UserError:
            ends["refused"] += 1
    return ends


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Run the test in an empty folder, then assert that it is still empty."""
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    yield
    assert list((tmp_path / "empty").iterdir()) == []


def test_a_config_that_is_wrong_anywhere_ends_in_one_line() -> None:
    ends = try_configs(range(300))
    assert ends["refused"] > 150, ends
    assert ends["planned"] > 5, ends


@pytest.mark.hard
@pytest.mark.parametrize("part", range(10))
def test_thousands_of_wrong_configs_end_in_one_line(part: int) -> None:
    print(try_configs(range(1000 * (part + 1), 1000 * (part + 2))))


# -- data -----------------------------------------------------------------------------------------------

FORMATS = ("png", "jpeg", "gif", "bmp", "webp", "tiff", "ppm")
MODES = ("RGB", "L", "P", "RGBA", "I;16", "1", "CMYK", "LA", "F", "I")
OPTIONS = {"image_folder": {}, "parquet": {"train": "train.parquet", "test": "test.parquet"}}


def picture(rng: random.Random) -> tuple[bytes, str]:
    """Return an image of random size, mode and format, which fit together, and its format."""
    size = rng.choice([(16, 16), (1, 1), (1, 300), (40, 7)])
    image = Image.fromarray(np.frombuffer(rng.randbytes(size[0] * size[1] * 3), np.uint8).reshape(*size, 3))
    mode, kind = rng.choice(MODES), rng.choice(FORMATS)
    image = image.convert("L").convert("I").convert(mode) if mode == "I;16" else image.convert(mode)
    file = io.BytesIO()
    try:
        image.save(file, kind)
    except (OSError, ValueError):  # no such mode in that format
        return picture(rng)
    return file.getvalue(), kind


def write_folder(root: Path, rng: random.Random) -> None:
    """Write two classes with one image each in both splits; each image is damaged with probability 0.4."""
    for split in ("train", "test"):
        for name in ("cat", "dog"):
            data, kind = picture(rng)
            damaged = damaged_bytes(data, rng) if rng.random() < 0.4 else data
            (root / split / name).mkdir(parents=True)
            (root / split / name / f"0.{kind}").write_bytes(damaged)


def write_hub(root: Path, rng: random.Random) -> None:
    """Write the Parquet files of both splits with faults in their columns or their bytes."""
    images = [picture(rng)[0] for _ in range(4)]
    wrong = [None, "x", 1.5, -1, 2**40, True, b"x"]
    labels = rng.choice(
        [
            *([0, 1, 0, 1], ["a", "b", "a", "b"], ["a\n", "b", "a\n", "b"]),
            *([0, 1, 2, 7], [rng.choice(wrong)] * 4, [0, None, 1, 1]),
        ]
    )
    columns = {
        "img": rng.choice(
            [
                *(images, labels, [None] * 4, [{"bytes": 5}] * 4),
                [{"bytes": image, "path": 7} for image in images],
                *[[{"bytes": image, "path": None} for image in images]] * 5,
            ]
        ),
        rng.choice(["label", "label", "labels", "fine_label", "ä"]): labels,
        rng.choice(["x", "path"]): [[1], [], None, [2, 3]],
    }
    columns.pop(rng.choice([*columns, *["nothing"] * 9]), None)
    table = pa.table(columns)[: rng.choice([0, 1, 4, 4, 4])]
    if rng.random() < 0.1:
        table = table.append_column(rng.choice(table.column_names), table.column(0))
    for split in ("train", "test"):
        pq.write_table(table, root / f"{split}.parquet")
        content = (root / f"{split}.parquet").read_bytes()
        if rng.random() < 0.2:
            (root / f"{split}.parquet").write_bytes(damaged_bytes(content, rng))


def read_source(kind: str, folder: Path, rng: random.Random) -> None:
    options = dict(OPTIONS[kind])
    if kind == "parquet":
        options["class_names"] = rng.choice([None, ["a", "b"], ["a", "b", "c"], ["a"], ["a", "a"]])
    SOURCES.module(kind).peek(folder, **options)
    images, rows = load_source(kind, folder, 16, options)
    assert images.shape == (len(rows), 16, 16, 3)
    assert images.dtype == np.uint8
    assert len(set(rows.row_id)) == len(rows)


def read_list(kind: str, folder: Path, rng: random.Random) -> None:
    row_ids = read_row_ids(folder / kind)
    assert all(isinstance(row_id, str) for row_id in row_ids)


def write_list(root: Path, rng: random.Random) -> None:
    """Write lists of flagged rows."""
    ids = [rng.choice(["train/1", "007", "", "ä", '"', None]) for _ in range(rng.choice([0, 1, 5]))]
    columns = {rng.choice(["row_id", "row_id", "row id"]): pa.array(ids, pa.string()), "x": [1] * len(ids)}
    pq.write_table(pa.table(columns), root / "list.parquet")
    text = "\n".join([",".join(columns), *(f"{row_id},1" for row_id in ids)]).encode()
    for name, content in (("list.parquet", (root / "list.parquet").read_bytes()), ("list.csv", text)):
        (root / name).write_bytes(damaged_bytes(content, rng) if rng.random() < 0.7 else content)


CASES: dict[str, tuple[Callable[[Path, random.Random], None], Callable[[str, Path, random.Random], None]]] = {
    "image_folder": (write_folder, read_source),
    "parquet": (write_hub, read_source),
    "list.csv": (write_list, read_list),
    "list.parquet": (write_list, read_list),
}


def try_data(kind: str, root: Path, seeds: range) -> Counter:
    """Count refused and read data; assert that no exception but a `UserError` ends the reading."""
    write, read = CASES[kind]
    ends: Counter = Counter()
    for seed in seeds:
        rng = random.Random(seed)
        folder = root / f"{kind}{seed}"
        folder.mkdir()
        write(folder, rng)
        try:
            with warnings.catch_warnings(action="ignore"):
                read(kind, folder, rng)
            ends["read"] += 1
        except UserError as error:
            assert str(error).isprintable()
            ends["refused"] += 1
        except Exception as error:
            raise AssertionError(f"{kind}, seed {seed}: {folder}") from error
    return ends


@pytest.mark.parametrize("kind", CASES)
def test_data_that_are_wrong_end_in_one_line(kind: str, tmp_path: Path) -> None:
    ends = try_data(kind, tmp_path, range(60))
    assert min(ends["refused"], ends["read"]) > 2, ends


TRICKS: dict[str, Callable[[Path], object]] = {
    "a folder that is called as an image is": lambda folder: (folder / "x.png").mkdir(),
    "a link to nothing": lambda folder: (folder / "x.png").symlink_to("nowhere"),
    "a link in a ring": lambda folder: (folder / "x.png").symlink_to("x.png"),
    "a link to a device": lambda folder: (folder / "x.png").symlink_to("/dev/zero"),
    "a line break in a name": lambda folder: (folder / "x\n.png").write_bytes(b""),
    "a name that is no text": lambda folder: Path(f"{folder}/x\udcff.png").write_bytes(b""),
    "an empty file": lambda folder: (folder / "x.png").touch(),
}


@pytest.mark.parametrize("trick", TRICKS)
def test_an_odd_file_in_an_image_folder_is_passed_over_or_named(trick: str, tmp_path: Path) -> None:
    for split, name in ((split, name) for split in ("train", "test") for name in ("cat", "dog")):
        (tmp_path / split / name).mkdir(parents=True)
        Image.new("RGB", (16, 16)).save(tmp_path / split / name / "0.png")
    TRICKS[trick](tmp_path / "train" / "cat")
    if "folder" in trick:
        read_source("image_folder", tmp_path, random.Random(0))
        return
    with pytest.raises(UserError, match="x"):
        read_source("image_folder", tmp_path, random.Random(0))


def test_a_list_that_is_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "list.csv")
    with pytest.raises(UserError, match="is no file"):
        read_row_ids(tmp_path / "list.csv")


def aliases(depth: int) -> list:
    """Return a list that repeats itself tenfold on each level: a few lines of YAML aliases."""
    return [aliases(depth - 1)] * 10 if depth else [0]


ENDLESS: list = []
ENDLESS.append(ENDLESS)


@pytest.mark.parametrize(
    ("value", "words"), [(aliases(12), "more than 100000 values"), (ENDLESS, "nested more")]
)
def test_aliases_that_stand_for_more_than_can_be_read_are_refused(value: list, words: str) -> None:
    with pytest.raises(UserError, match=words):
        Plan({**BASES[0], "more": value})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: 1\nb: {c: 1, d: 2, c: 3}", "line 2: the key 'c' is given twice"),
        ("a: &a {b: 1}\nc: {<<: *a, b: 2}", None),
        ("a: &a {b: 1}\nc: [*a, *a]", None),
        ("a: \t- b", "is not YAML"),
        (f"a: {'[' * 2000}", "nested more than 50 levels deep"),
        (f"a: {'9' * 5000}", "cannot be read"),
    ],
)
def test_a_key_given_twice_is_refused_and_not_taken_from_the_last(
    text: str, words: str | None, tmp_path: Path
) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(text)
    if words:
        with pytest.raises(UserError, match=words):
            read_config(path)
    else:
        assert read_config(path)


BROKEN = {
    "a key twice": "results_folder: a\nresults_folder: b",
    "not YAML": "a: [",
    "a list": "- a",
    "code": "results_folder: !!python/object/apply:os.mkdir [made]",
    "an odd folder of data": "{data_folder: 'a{b}*\0', results_folder: r}",
    "a file of nothing": "",
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_file_that_is_no_config_is_refused_by_the_command(case: str, tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(BROKEN[case])
    command = [
        sys.executable,
        "-m",
        "snakemake",
        "-s",
        f"{ROOT}/Snakefile",
        "-n",
        "--configfile",
        "config.yaml",
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    said = done.stdout + done.stderr
    assert "Traceback" not in said
    assert "rror:" in said
    assert not (tmp_path / "made").exists()


@pytest.mark.hard
@pytest.mark.parametrize("kind", CASES)
def test_thousands_of_wrong_data_end_in_one_line(kind: str, tmp_path: Path) -> None:
    print(kind, try_data(kind, tmp_path, range(1000, 3000)))
