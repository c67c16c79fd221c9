"""Artifacts on disk are complete or absent."""

import math
import os
import platform
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import save_file
from tiny import build

from unpoison import files
from unpoison.damage import DamagedError
from unpoison.errors import UserError
from unpoison.networks import Architecture
from unpoison.weights import load_model, save_model

ROOT = Path(__file__).parents[1]
WRITERS: dict[str, tuple[str, Callable[[Path, Any], None], Any, Any]] = {
    # file name, writer, valid content, content that fails during writing
    "columns": ("t.parquet", files.write_columns, {"a": [1, 2]}, {"a": [1, 2], "b": [1]}),
    "json": ("t.json", files.write_json, {"a": 1}, {"a": math.nan}),
    "array": ("t.npy", files.write_array, np.arange(3), np.array([object()], dtype=object)),
    "table": ("t.parquet", files.write_table, pd.DataFrame({"a": [1]}), pd.DataFrame({"a": [1, "x"]})),
    "csv": ("t.csv", files.write_table, pd.DataFrame({"a": [1]}), None),
}
failing = {name: case for name, case in WRITERS.items() if case[3] is not None}


@pytest.mark.parametrize("name", failing)
def test_a_writer_that_fails_leaves_neither_a_file_nor_a_temporary(tmp_path: Path, name: str) -> None:
    ending, write, _, bad = WRITERS[name]
    with pytest.raises(Exception):  # noqa: B017 (each library has its own exception)
        write(tmp_path / ending, bad)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", failing)
def test_a_writer_that_fails_leaves_the_older_file_as_it_was(tmp_path: Path, name: str) -> None:
    ending, write, good, bad = WRITERS[name]
    write(tmp_path / ending, good)
    before = (tmp_path / ending).read_bytes()
    with pytest.raises(Exception):  # noqa: B017
        write(tmp_path / ending, bad)
    assert [path.name for path in tmp_path.iterdir()] == [ending]
    assert (tmp_path / ending).read_bytes() == before


@pytest.mark.parametrize("name", WRITERS)
def test_a_writer_makes_the_folder_and_leaves_one_file(tmp_path: Path, name: str) -> None:
    ending, write, good, _ = WRITERS[name]
    write(tmp_path / "a/b" / ending, good)
    assert [path.name for path in (tmp_path / "a/b").iterdir()] == [ending]


@pytest.mark.parametrize("name", WRITERS)
def test_nothing_has_the_final_name_before_it_is_whole(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ending, write, good, _ = WRITERS[name]
    seen: list[bool] = []

    def replace(source: Path, target: Path) -> None:
        seen.append(target.exists())
        assert source.stat().st_size > 0
        assert source.parent == target.parent  # a rename within one folder is atomic
        Path.rename(source, target)

    monkeypatch.setattr(os, "replace", replace)
    write(tmp_path / ending, good)
    assert seen == [False]


def test_weights_that_cannot_be_written_leave_nothing(tmp_path: Path) -> None:
    broken = build("resnet9", 2, {"width": 2}, 0)
    broken.kind = Architecture("resnet9", {"a": object()}, ("cat", "dog"), 16)
    with pytest.raises(TypeError):
        save_model(tmp_path / "model.safetensors", broken)
    with pytest.raises(Exception), files.written_whole(tmp_path / "x.txt") as temporary:  # noqa: B017
        temporary.write_text("half")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_writer_leaves_nothing(tmp_path: Path) -> None:
    def write() -> None:
        with files.written_whole(tmp_path / "x.txt") as temporary:
            temporary.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write()
    assert list(tmp_path.iterdir()) == []


def test_columns_and_notes_come_back_as_they_were_written(tmp_path: Path) -> None:
    columns = {
        "whole": np.array([1, -2], dtype=np.int64),
        "real": np.array([0.5, math.inf]),
        "yes": np.array([True, False]),
        "text": np.array(["a", "ü"], dtype=object),
    }
    files.write_columns(tmp_path / "t.parquet", columns, notes={"class_names": ["cat", "dog"], "n": None})
    found, notes = files.read_columns(tmp_path / "t.parquet")
    assert list(found) == list(columns)
    for name, column in columns.items():
        np.testing.assert_array_equal(found[name], column)
        assert found[name].dtype == column.dtype
    assert notes == {"class_names": ["cat", "dog"], "n": None}


def test_a_table_without_notes_has_none(tmp_path: Path) -> None:
    files.write_columns(tmp_path / "t.parquet", {"a": [1]})
    assert files.read_columns(tmp_path / "t.parquet")[1] is None


def test_an_array_is_mapped_and_cannot_be_written_to(tmp_path: Path) -> None:
    array = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    files.write_array(tmp_path / "a.npy", array)
    found = files.map_array(tmp_path / "a.npy")
    assert isinstance(found, np.memmap)
    np.testing.assert_array_equal(found, array)
    with pytest.raises(ValueError, match="read-only"):
        found[0] = 0


def test_a_table_is_parquet_or_csv_by_its_ending(tmp_path: Path) -> None:
    table = pd.DataFrame({"a": [1, 2], "b": ["x", None]})
    for name in ("t.parquet", "t.csv"):
        files.write_table(tmp_path / name, table)
    pd.testing.assert_frame_equal(files.read_table(tmp_path / "t.parquet"), table)
    assert (tmp_path / "t.csv").read_text() == "a,b\n1,x\n2,\n"


def test_json_comes_back_as_it_was_written_and_knows_no_nan(tmp_path: Path) -> None:
    content = {"seed": 3, "names": ["cat"], "rate": 0.1, "nothing": None}
    files.write_json(tmp_path / "run.json", content)
    assert files.read_json(tmp_path / "run.json") == content


def test_the_same_content_gives_the_same_bytes(tmp_path: Path) -> None:
    for folder in ("first", "second"):
        files.write_columns(tmp_path / folder / "t.parquet", {"a": np.arange(5)}, notes={"b": 1})
        save_model(tmp_path / folder / "model.safetensors", build("resnet9", 2, {"width": 2}, 0))
    for name in ("t.parquet", "model.safetensors"):
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "second" / name).read_bytes()


# -- checks on reading ----------------------------------------------------------------------------------


def write_small_model(path: Path, _: Any) -> None:
    """Write the smallest network: its file is tested at some bytes of every part, not at all bytes."""
    save_model(path, build("resnet9", 2, {"width": 2}, 0))


READERS: dict[str, tuple[str, Callable[[Path, Any], None], Any, Callable[[Path], Any]]] = {
    # file name, writer, content, reader
    "columns": ("t.parquet", files.write_columns, {"a": [1, 2], "b": ["x", "y"]}, files.read_columns),
    "table": (
        "t.parquet",
        files.write_table,
        pd.DataFrame({"a": [1, 2], "b": ["x", None]}),
        files.read_table,
    ),
    "json": (
        "t.json",
        files.write_json,
        {"a": 1.5, "b": [None, "x"], "c": {"2": True, "10": 0}},
        files.read_json,
    ),
    "array": ("t.npy", files.write_array, np.arange(24, dtype=np.uint8).reshape(2, 3, 4), files.map_array),
    "model": ("model.safetensors", write_small_model, None, load_model),
}


def some_places(size: int) -> list[int]:
    """Return all positions of a small file; of a large one its beginning, its end, and some between."""
    between = random.Random(0).sample(range(size), min(size, 400))
    return sorted({*range(min(size, 300)), *between, *range(max(size - 300, 0), size)})


@pytest.mark.parametrize("name", READERS)
def test_a_flipped_bit_is_seen_wherever_it_is(tmp_path: Path, name: str) -> None:
    ending, write, content, read = READERS[name]
    path = tmp_path / ending
    write(path, content)
    whole = path.read_bytes()
    read(path)
    for place in some_places(len(whole)):
        flipped = bytearray(whole)
        flipped[place] ^= 1 << place % 8
        path.write_bytes(flipped)
        with pytest.raises(DamagedError, match=f"{path} is damaged") as error:
            read(path)
        assert error.value.is_ours is not False, place  # otherwise a job would not quarantine it
        assert path.read_bytes() == flipped, place


@pytest.mark.parametrize("name", READERS)
def test_a_cut_off_file_is_seen(tmp_path: Path, name: str) -> None:
    ending, write, content, read = READERS[name]
    path = tmp_path / ending
    write(path, content)
    whole = path.read_bytes()
    for length in some_places(len(whole)):
        path.write_bytes(whole[:length])
        if name == "json" and whole[length:].isspace():
            continue  # only whitespace is cut off
        if name == "array" and length == len(whole) - len(files.SEAL) - 8:
            continue  # a whole array without its checksum: only its record shows that we wrote it
        with pytest.raises(UserError, match="is damaged"):
            read(path)


@pytest.mark.parametrize("name", READERS)
def test_a_file_that_another_job_put_aside_is_named(tmp_path: Path, name: str) -> None:
    ending, _, _, read = READERS[name]
    (tmp_path / f"{ending}.corrupt").touch()
    with pytest.raises(UserError, match="the next run rebuilds it"):
        read(tmp_path / ending)


FOREIGN: dict[str, Callable[[Path], Any]] = {
    "columns": lambda path: pd.DataFrame({"row_id": ["unpoison"]}).to_parquet(path),
    "table": lambda path: pd.DataFrame({"a": [1]}).to_parquet(path),
    "json": lambda path: path.write_text('{"checksum": "abc", "unpoison": 1}'),
    "array": lambda path: np.save(path, np.arange(100)),
    "model": lambda path: save_file({"weight": torch.zeros(2)}, path, metadata={"format": "pt"}),
}
NOT_READABLE: dict[str, bytes] = {
    "text": b"my notes, which nobody may rename",
    "empty": b"",
    "nested": b"[" * 100_000,
    "nothing in JSON": b"null",
    "an image": b"\x89PNG\r\n" + bytes(200),
}


@pytest.mark.parametrize("name", READERS)
def test_a_file_of_another_program_is_refused_in_a_line_and_left_as_it_is(tmp_path: Path, name: str) -> None:
    ending, _, _, read = READERS[name]
    path = tmp_path / ending
    FOREIGN[name](path)
    before = path.read_bytes()
    with pytest.raises(DamagedError, match=f"{path} was not written by unpoison") as error:
        read(path)
    assert error.value.is_ours is False
    for content in (*NOT_READABLE.values(), before):
        path.write_bytes(content)
        with pytest.raises(DamagedError, match="not written by unpoison") as error:
            read(path)
        assert "\n" not in str(error.value)
        assert [entry.name for entry in tmp_path.iterdir()] == [ending]
        assert path.read_bytes() == content


@pytest.mark.parametrize("name", READERS)
def test_what_is_no_file_is_refused_in_a_line(tmp_path: Path, name: str) -> None:
    ending, _, _, read = READERS[name]
    with pytest.raises(UserError, match="no such file"):
        read(tmp_path / ending)
    (tmp_path / ending).mkdir()
    with pytest.raises(UserError, match="no such file"):
        read(tmp_path / ending)


NO_READ = """
import os, sys
from pathlib import Path
import pandas, pyarrow.parquet
from unpoison.errors import UserError
from unpoison.files import map_array, read_json, read_table
from unpoison.weights import load_model
if os.getuid() == 0:
    os.setgroups([])
    os.setresgid(65534, 65534, 65534)
    os.setresuid(65534, 65534, 65534)
for name in ("closed", "folder/x", "x" * 300):
    for read in (map_array, read_json, read_table, load_model):
        try:
            read(Path(sys.argv[1], name))
        except UserError as error:
            print(type(error).__name__, error)
"""


def test_what_may_not_be_read_is_not_taken_for_damaged() -> None:
    """A job quarantines damaged files. An unreadable file may be another user's intact result."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "closed").write_text("{}")
        (folder / "closed").chmod(0)
        (folder / "folder").mkdir(mode=0)
        command = [sys.executable, "-c", NO_READ, name]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        lines = done.stdout.splitlines()
        assert len(lines) == 12, done.stdout
        for line in lines:
            assert line.startswith("UserError ")
            assert "cannot be read (" in line


def test_an_archive_of_arrays_is_no_array_of_ours(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", a=1)
    with pytest.raises(DamagedError, match="not written by unpoison"):
        files.map_array(tmp_path / "x.npz")


JOB = """
import sys
from pathlib import Path
from unpoison.damage import put_damage_aside
from unpoison.errors import show_user_errors_in_one_line
from unpoison.files import read_json
show_user_errors_in_one_line()
put_damage_aside(lambda path: path.name == "ours.json")
read_json(sys.argv[1])
"""


@pytest.mark.parametrize(
    ("name", "content", "is_put_aside"),
    [
        ("a.json", '{"a": 1, "checksum": "00000000"}', True),  # has our checksum
        ("a.json", "", True),  # empty: truncated, and not another program's file
        ("ours.json", '{"a": 1}', True),  # its record shows that it is ours
        ("a.json", '{"a": 1}', False),
    ],
)
def test_a_job_puts_aside_what_was_ours_and_nothing_else(
    tmp_path: Path, name: str, content: str, is_put_aside: bool
) -> None:
    path = tmp_path / name
    path.write_text(content)
    done = subprocess.run(
        [sys.executable, "-c", JOB, str(path)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert [entry.name for entry in tmp_path.iterdir()] == [f"{name}.corrupt" if is_put_aside else name]


@pytest.mark.parametrize("name", ["columns", "table", "array"])
def test_other_programs_read_our_files(tmp_path: Path, name: str) -> None:
    ending, write, content, _ = READERS[name]
    write(tmp_path / ending, content)
    found = np.load(tmp_path / ending) if name == "array" else pd.read_parquet(tmp_path / ending)
    assert found.shape == np.shape(content if name != "columns" else pd.DataFrame(content))


def test_what_a_killed_process_was_writing_is_removed_by_the_next_one(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    dead, alive, elsewhere = (
        tmp_path / f".run.json.{host}-{process}.tmp.json"
        for host, process in (
            (platform.node(), ended.pid),
            (platform.node(), os.getppid()),
            ("far", ended.pid),
        )
    )
    for path in (dead, alive, elsewhere):
        path.write_text("half")
    files.write_json(tmp_path / "run.json", {"a": 1})
    assert {path.name for path in tmp_path.iterdir()} == {"run.json", alive.name, elsewhere.name}


# -- shared folders -------------------------------------------------------------------------------------


def shared(tmp_path: Path, umask: int, write: Callable[[], Any]) -> None:
    before = os.umask(umask)
    try:
        write()
    finally:
        os.umask(before)


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize(("umask", "mode"), [(0o002, 0o664), (0o077, 0o600)])
def test_an_artifact_has_the_mode_that_the_umask_leaves(
    tmp_path: Path, name: str, umask: int, mode: int
) -> None:
    ending, write, good, _ = WRITERS[name]
    shared(tmp_path, umask, lambda: write(tmp_path / ending, good))
    assert (tmp_path / ending).stat().st_mode & 0o777 == mode


def test_the_lock_of_a_results_folder_has_the_mode_that_the_umask_leaves(tmp_path: Path) -> None:
    shared(tmp_path, 0o002, lambda: files.hold(tmp_path).release())
    assert (tmp_path / ".lock").stat().st_mode & 0o777 == 0o664


def test_a_temporary_name_is_another_each_time_and_no_link_is_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = []
    for _ in range(2):
        with files.written_whole(tmp_path / "x.txt") as temporary:
            names.append(temporary.name)
            temporary.write_text("new")
    assert names[0] != names[1]
    monkeypatch.setattr("secrets.token_hex", lambda _: names[0].split("-")[-1].split(".")[0])
    (tmp_path / "precious").write_text("kept")
    (tmp_path / names[0]).symlink_to(tmp_path / "precious")
    with pytest.raises(UserError, match="cannot write"), files.written_whole(tmp_path / "x.txt") as temporary:
        temporary.write_text("newer")
    assert (tmp_path / "precious").read_text() == "kept"
    assert (tmp_path / "x.txt").read_text() == "new"


def test_what_another_user_is_writing_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def not_ours(process: int, signal: int) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "kill", not_ours)
    theirs = tmp_path / f".run.json.{platform.node()}-77-0a1b2c3d.tmp.json"
    theirs.write_text("half")
    (tmp_path / f".run.json.{platform.node()}-x.tmp.json").write_text("no number of a process")
    files.write_json(tmp_path / "run.json", {"a": 1})
    assert theirs.exists()
