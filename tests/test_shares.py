"""Exact counts from shares."""

from decimal import ROUND_HALF_EVEN, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unpoison.shares import amount, apportion, count_of


@pytest.mark.parametrize(
    ("share", "total", "count"),
    [
        (0.5, 5, 2),  # 2.5
        (0.5, 7, 4),  # 3.5
        (0.35, 10, 4),  # 3.5, in binary 3.4999...
        (0.29, 100, 29),  # in binary 28.999...
        (0.1, 25, 2),  # 2.5
        (0.145, 100, 14),  # 14.5
        (0.0, 9, 0),
        (1.0, 9, 9),
        (1e-05, 100_000, 1),
        (0.7, 5000, 3500),
    ],
)
def test_a_share_is_the_decimal_that_was_written(share: float, total: int, count: int) -> None:
    assert count_of(share, total) == count


@given(st.integers(0, 1000), st.integers(0, 60_000))
def test_counts_agree_with_decimal_arithmetic(thousandths: int, total: int) -> None:
    exact = Decimal(thousandths) / 1000 * total
    assert count_of(thousandths / 1000, total) == int(exact.to_integral_value(ROUND_HALF_EVEN))


@pytest.mark.parametrize(("value", "count"), [(1, 1), (1.0, 8), (0, 0), (0.0, 0), (3, 3), (0.25, 2)])
def test_an_integer_is_a_number_and_a_float_a_share(value: int | float, count: int) -> None:
    assert amount(value, 8) == count


@pytest.mark.parametrize(
    ("count", "sizes", "parts"),
    [
        (6, [20, 20, 20], [2, 2, 2]),
        (4, [20, 20, 20], [2, 1, 1]),  # a tie goes to the first
        (10, [1000, 5000], [2, 8]),  # 1.67 and 8.33
        (3, [1, 1, 8], [0, 0, 3]),  # 0.3, 0.3, 2.4
        (0, [5, 5], [0, 0]),
        (10, [5, 5], [5, 5]),
        (0, [0, 0], [0, 0]),
    ],
)
def test_a_count_is_apportioned_by_the_largest_remainders(
    count: int, sizes: list[int], parts: list[int]
) -> None:
    assert apportion(count, sizes) == parts


@given(st.lists(st.integers(0, 500), min_size=1, max_size=12), st.data())
def test_parts_add_up_and_are_within_one_of_the_exact_quota(sizes: list[int], data: st.DataObject) -> None:
    count = data.draw(st.integers(0, sum(sizes)))
    parts = apportion(count, sizes)
    assert sum(parts) == count
    for part, size in zip(parts, sizes, strict=True):
        assert 0 <= part <= size
        assert abs(part * sum(sizes) - count * size) < max(1, sum(sizes))


def test_more_than_there_is_cannot_be_apportioned() -> None:
    with pytest.raises(AssertionError, match="cannot take 11 of 10 rows"):
        apportion(11, [5, 5])
