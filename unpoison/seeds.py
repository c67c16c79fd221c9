"""Random numbers: seeds from words, and draws that depend on row ids and not on row order."""

from collections.abc import Sequence

import numpy as np

from unpoison.digests import digest_bytes
from unpoison.types import Indices


def derive_seed(*parts: str | int) -> int:
    """Return a seed below 2**63 from words and numbers; the same parts give the same seed on every machine."""
    return int.from_bytes(digest_bytes("/".join(map(str, parts))), "big") >> 1


def priorities(row_ids: Sequence[str] | np.ndarray, *purpose: str | int) -> np.ndarray:
    """Return a pseudo-random uint64 for each row (n,), which depends on its id and the purpose alone."""
    prefix = "/".join(map(str, purpose))
    numbers = b"".join(digest_bytes(f"{prefix}/{row_id}") for row_id in row_ids)
    return np.frombuffer(numbers, dtype=">u8").astype(np.uint64)


def draw(row_ids: Sequence[str] | np.ndarray, count: int, *purpose: str | int) -> Indices:
    """Return the positions of `count` rows drawn at random, in ascending order.

    A draw of more rows contains every smaller draw with the same purpose, so sets of growing size are
    nested. Shuffled rows give the same ids.
    """
    assert 0 <= count <= len(row_ids), f"cannot draw {count} of {len(row_ids)} rows"
    order = np.argsort(priorities(row_ids, *purpose), kind="stable")
    return np.sort(order[:count]).astype(np.int64)
