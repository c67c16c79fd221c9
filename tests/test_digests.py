"""Digests keep their values: another value would rerun jobs, refuse artifacts as damaged, or change every result."""

import os
from pathlib import Path

from unpoison.digests import checksum, content_digest, crc, digest, digest_bytes
from unpoison.provenance import options_digest
from unpoison.seeds import derive_seed, priorities

ODD = os.fsdecode(b"b\xff.txt")  # not valid UTF-8


def test_digests_of_bytes_and_texts_are_those_of_earlier_versions() -> None:
    assert crc(b"one", b"two") == crc(b"onetwo") == "8c118145"
    assert digest("text \u00e9") == digest("text \u00e9".encode()) == "a12795992baf22c2"
    assert digest(ODD) == digest_bytes(ODD).hex() == "9cb824d037edf2f0"


def test_digests_of_files_are_those_of_earlier_versions(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"one")
    (tmp_path / ODD).write_bytes(b"two")
    assert checksum(tmp_path / "a.txt") == "c88d4df74262143a08e9d190e3bd67f1"
    files = [str(tmp_path / "a.txt"), str(tmp_path / ODD)]
    assert content_digest(tmp_path, files) == "71c03313839806164ea0057fac8e7a98"
    assert content_digest(tmp_path, []) == ""


def test_seeds_draws_and_data_are_those_of_earlier_versions() -> None:
    assert derive_seed("base", 3) == 4800840036006873817
    assert priorities(["train/7"], "poison", 1).tolist() == [1420262974529564971]
    assert options_digest({"b": 1, "a": [2], "seed": 4}) == "786930339dfe86bd"
