"""Seeds derived from words, and random draws by row ids."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unpoison.seeds import derive_seed, draw, priorities

IDS = [f"train/{number}" for number in range(40)]


def test_a_seed_is_the_same_on_every_machine() -> None:
    assert derive_seed("base", 0) == 3517227057790044539  # computed once; a change would change every study


def test_a_seed_does_not_depend_on_pythons_hash_seed() -> None:
    program = "from unpoison.seeds import derive_seed; print(derive_seed('base', 7))"
    found = {
        subprocess.run(
            [sys.executable, "-c", program], env={"PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2")
    }
    assert found == {f"{derive_seed('base', 7)}\n".encode()}


@given(st.lists(st.text(max_size=5) | st.integers(), min_size=1, max_size=3))
def test_a_seed_fits_torch_and_numpy(parts: list[str | int]) -> None:
    assert 0 <= derive_seed(*parts) < 2**63


def test_other_words_and_numbers_give_other_seeds() -> None:
    seeds = [
        derive_seed(purpose, number) for purpose in ("base", "oracle", "unlearn") for number in range(50)
    ]
    assert len(set(seeds)) == len(seeds)


@given(st.integers(0, 40), st.integers(0, 40), st.integers(0, 5))
def test_a_draw_has_its_count_in_order_and_holds_every_smaller_one(
    first: int, second: int, seed: int
) -> None:
    small, large = sorted((first, second))
    inner, outer = (draw(IDS, count, "purpose", seed).tolist() for count in (small, large))
    assert (len(set(inner)), len(set(outer))) == (small, large)
    assert outer == sorted(outer)
    assert set(inner) <= set(outer)
    assert all(0 <= position < 40 for position in outer)


@given(st.permutations(range(40)))
def test_a_draw_from_shuffled_rows_has_the_same_ids(order: list[int]) -> None:
    shuffled = [IDS[position] for position in order]
    assert {shuffled[place] for place in draw(shuffled, 9, "a", 1)} == {
        IDS[place] for place in draw(IDS, 9, "a", 1)
    }


def test_a_rows_chance_does_not_depend_on_the_other_rows() -> None:
    np.testing.assert_array_equal(priorities(IDS, "a", 1)[5:9], priorities(IDS[5:9], "a", 1))


def test_other_purposes_and_seeds_draw_other_rows() -> None:
    drawn = [tuple(draw(IDS, 10, purpose, seed)) for purpose in ("keep", "victims") for seed in range(10)]
    assert len(set(drawn)) == len(drawn)


def test_every_row_is_drawn_about_equally_often() -> None:
    counts = np.zeros(40)
    for seed in range(400):
        counts[draw(IDS, 10, "fair", seed)] += 1
    # Expected 100 times, standard deviation 8.7; the bounds are six standard deviations away.
    assert 48 < counts.min() <= counts.max() < 152


def test_more_rows_than_there_are_cannot_be_drawn() -> None:
    with pytest.raises(AssertionError, match="cannot draw 41 of 40 rows"):
        draw(IDS, 41, "purpose")


def test_nothing_can_be_drawn_from_nothing() -> None:
    assert draw([], 0, "purpose").tolist() == []
