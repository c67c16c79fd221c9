"""Exact counts from shares: rounded half to even in decimal arithmetic, never drawn at random."""

from collections.abc import Sequence
from fractions import Fraction


def exact(share: float) -> Fraction:
    """Return the decimal number that the user wrote: 0.1 is one tenth, not the nearest binary float."""
    return Fraction(str(share))


def count_of(share: float, total: int) -> int:
    """Return the number of rows in a share of `total`, rounded half to even: 0.5 of 5 is 2."""
    return round(exact(share) * total)


def amount(value: int | float, total: int) -> int:
    """Return a number of rows: an integer is a number, a float is a share (1 is one row, 1.0 is all rows)."""
    return value if isinstance(value, int) else count_of(value, total)


def apportion(count: int, sizes: Sequence[int]) -> list[int]:
    """Split `count` over groups in proportion to their sizes (largest remainder; ties to the first)."""
    total = sum(sizes)
    assert 0 <= count <= total, f"cannot take {count} of {total} rows"
    quotas = [Fraction(count * size, total) if total else Fraction(0) for size in sizes]
    parts = [int(quota) for quota in quotas]
    by_remainder = sorted(range(len(sizes)), key=lambda group: parts[group] - quotas[group])
    for group in by_remainder[: count - sum(parts)]:
        parts[group] += 1
    return parts
