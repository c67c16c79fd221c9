"""Digests of files are cached by size, times and inode: a dry run reads only changed files."""

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from unpoison.errors import UserError
from unpoison.files import read_json
from unpoison.identity import contents as module
from unpoison.identity.contents import KEPT, Contents


@pytest.fixture
def reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The list of files that are read, in a folder where Snakemake runs; new files may be cached at once."""
    monkeypatch.chdir(tmp_path)
    KEPT.parent.mkdir()
    monkeypatch.setattr(module, "SETTLED", -1.0)
    read: list[str] = []

    def reading(original: Callable) -> Callable:
        def noted(*given: object) -> str:
            read.extend([str(given[0])] if len(given) == 1 else given[1])
            return original(*given)

        return noted

    for name in ("checksum", "content_digest"):
        monkeypatch.setattr(module, name, reading(getattr(module, name)))
    return read


def start(*files: str) -> str:
    """Return the digest of the files as one start of Snakemake computes and caches it."""
    found = Contents()
    digest = found.of_files(Path(), files)
    found.keep()
    return digest


def test_files_that_have_not_changed_are_not_read_again(reads: list[str]) -> None:
    for name in "ab":
        Path(name).write_text(name)
    assert start("a", "b") == start("a", "b")
    assert reads == ["a", "b"]


def replace_with_older(path: Path) -> None:
    path.with_suffix(".old").write_text("B")
    os.utime(path.with_suffix(".old"), (1, 1))
    path.with_suffix(".old").replace(path)


def replace_with_equal_size_and_time(path: Path) -> None:
    times = path.stat()
    path.with_suffix(".new").write_text("B")
    path.with_suffix(".new").replace(path)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def overwrite_in_place(path: Path) -> None:
    times = path.stat()
    path.write_text("B")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


@pytest.mark.parametrize("change", [replace_with_older, replace_with_equal_size_and_time, overwrite_in_place])
def test_another_content_is_seen_whatever_the_size_and_date(reads: list[str], change: Callable) -> None:
    Path("a").write_text("A")
    before = start("a")
    time.sleep(0.02)  # the resolution of file times
    change(Path("a"))
    assert start("a") != before


def test_a_touched_file_is_read_once_and_has_the_digest_it_had(reads: list[str]) -> None:
    Path("a").write_text("A")
    before = start("a")
    os.utime("a")
    assert start("a") == start("a") == before
    assert reads == ["a", "a"]


def test_a_digest_of_files_that_changed_just_now_is_not_kept(
    reads: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SETTLED", 60.0)
    Path("a").write_text("A")
    start("a")
    assert not KEPT.exists()


@pytest.mark.parametrize("kept", [b"", b"{", b"[]", b"\xff", b'{"contents": 3}'])
def test_a_damaged_file_of_digests_is_made_anew(reads: list[str], kept: bytes) -> None:
    Path("a").write_text("A")
    KEPT.write_bytes(kept)
    assert start("a") == start("a")
    assert reads == ["a"]


def test_nothing_is_left_where_snakemake_has_not_run(reads: list[str]) -> None:
    KEPT.parent.rmdir()
    Path("a").write_text("A")
    start("a")
    assert [path.name for path in Path().iterdir()] == ["a"]


def test_processes_at_the_same_time_leave_a_whole_file(reads: list[str]) -> None:
    names = [f"{number}" for number in range(12)]
    for name in names:
        Path(name).write_text(name)
    with ThreadPoolExecutor(4) as pool:
        digests = list(pool.map(start, names))
    assert len(set(digests)) == len(names)
    assert read_json(KEPT)["contents"]
    assert [start(name) for name in names] == digests


def test_a_file_that_cannot_be_read_is_named() -> None:
    with pytest.raises(UserError, match="nowhere cannot be read"):
        start("nowhere")
