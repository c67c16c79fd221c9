"""Everything random: seeds from words, and draws that depend on row ids and not on row order."""

from collections.abc import Sequence

import numpy as np

from unpoison.digests import digest_bytes
from unpoison.types import Indices


def derive_seed(*parts: str | int) -> int:
    """A seed below 2**63 from words and numbers; the same parts give the same seed on every machine."""
    return int.from_bytes(digest_bytes("/".join(map(str, parts))), "big") >> 1


def priorities(row_ids: Sequence[str] | np.ndarray, *purpose: str | int) -> np.ndarray:
    """A pseudo-random uint64 for each row, from its id and the purpose alone: (n,)."""
    prefix = "/".join(map(str, purpose))
    numbers = b"".join(digest_bytes(f"{prefix}/{row_id}") for row_id in row_ids)
    return np.frombuffer(numbers, dtype=">u8").astype(np.uint64)


def draw(row_ids: Sequence[str] | np.ndarray, count: int, *purpose: str | int) -> Indices:
    """Positions of `count` rows drawn at random, in ascending order.

    A draw of more rows holds every draw of fewer with the same purpose, so that sets of growing size
    are nested; shuffling the rows draws the same ids.
    """
    assert 0 <= count <= len(row_ids), f"cannot draw {count} of {len(row_ids)} rows"
    order = np.argsort(priorities(row_ids, *purpose), kind="stable")
    return np.sort(order[:count]).astype(np.int64)
