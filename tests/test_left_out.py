"""The judgement of the left-out check: its ratio, its conditions, and the combination of searches."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.stats import beta

from unpoison.left_out import ACCUSED, CONTROL, FEWEST, KEPT, USUAL, Readings, judgement_of, readings_of

POISONS = Readings(100, 8, 200, 120, learned=99, apart=6.0, beyond=2.0, searches=1)
NATURAL = replace(POISONS, accused_as_labelled=62)


def quantile_by_integration(read: Readings, share: float) -> float:
    """Return a quantile of accused share / control share, by numerical integration for each guess."""
    accused = beta(read.accused_as_labelled + 0.5, read.accused - read.accused_as_labelled + 0.5)
    control = beta(read.control_as_labelled + 0.5, read.control - read.control_as_labelled + 0.5)

    def below(ratio: float) -> float:
        centre = control.mean()
        return quad(lambda told: accused.cdf(ratio * told) * control.pdf(told), 0, 1, points=[centre])[0]

    return brentq(lambda ratio: below(ratio) - share, 1e-6, 50, xtol=1e-6)


@pytest.mark.parametrize("read", [POISONS, NATURAL, Readings(12, 3, 20, 15)])
def test_the_ends_of_the_ratio_are_the_quantiles_of_an_integral(read: Readings) -> None:
    _, low, high = read.ratio
    # The interval comes from 20,000 draws; a hundred lie beyond each end.
    assert low == pytest.approx(quantile_by_integration(read, 0.005), rel=0.04)
    assert high == pytest.approx(quantile_by_integration(read, 0.995), rel=0.04)


def test_the_ratio_is_that_of_the_two_shares() -> None:
    ratio, low, high = Readings(99, 9, 199, 99).ratio
    assert ratio == pytest.approx((9.5 / 100) / (99.5 / 200))
    assert low < ratio < high
    assert Readings(10_000, 1000, 10_000, 5000).ratio[0] == pytest.approx(0.2, abs=1e-3)


def test_a_group_that_is_learned_and_not_predicted_as_labelled_is_tampered() -> None:
    assert POISONS.judgement == "tampered"


def test_a_group_that_is_predicted_as_labelled_cannot_be_told_from_poisons_with_right_labels() -> None:
    assert NATURAL.judgement == "cannot tell"


@pytest.mark.parametrize(
    "changes",
    [
        {"apart": 3.9},
        {"apart": 4.5, "beyond": 0.9},
        {"learned": 70},
        {"accused": 4, "accused_as_labelled": 0, "learned": 4},
    ],
    ids=["near its class", "no farther than in other classes", "not learned", "few rows"],
)
def test_what_is_no_group_of_its_own_is_clear_however_it_is_read(changes: dict[str, float]) -> None:
    assert replace(POISONS, **changes).judgement == "clear"


def test_a_striking_group_needs_no_comparison_with_other_classes() -> None:
    assert replace(POISONS, apart=5.0, beyond=-1.0).judgement == "tampered"


def test_an_interval_that_holds_the_limit_cannot_tell() -> None:
    few = Readings(10, 2, 12, 9, learned=10, apart=5.0, beyond=2.0, searches=1)
    _, low, high = few.ratio
    assert low < 0.5 < high
    assert few.judgement == "cannot tell"


def test_without_control_rows_the_check_cannot_tell() -> None:
    assert replace(POISONS, control=FEWEST - 1, control_as_labelled=3).judgement == "cannot tell"


def test_searches_are_added_up() -> None:
    together = POISONS + replace(POISONS, apart=3.0)
    assert (together.accused, together.control_as_labelled, together.searches) == (200, 240, 2)
    assert together.judgement == "tampered"  # the mean of 6 and 3 is 4.5
    assert (POISONS + replace(POISONS, apart=1.0)).judgement == "clear"
    # The searches must have found enough rows on average.
    few = replace(POISONS, accused=9, accused_as_labelled=0, learned=9, control_as_labelled=195)
    assert few.judgement == "tampered"
    assert replace(few, searches=2, apart=12.0, beyond=4.0).judgement == "clear"


def test_one_search_that_speaks_for_the_class_makes_it_doubtful() -> None:
    many = replace(POISONS, accused=300, accused_as_labelled=5, learned=300)
    assert (many + NATURAL).judgement == "tampered"
    assert judgement_of([many, NATURAL]) == "cannot tell"
    assert judgement_of([many, POISONS]) == "tampered"


def test_a_search_that_accuses_hardly_a_row_says_nothing_about_the_class() -> None:
    none = Readings(2, 2, 200, 120, learned=2, apart=6.0, beyond=2.0, searches=1)
    assert judgement_of([POISONS, none]) == "tampered"


def test_readings_are_counted_from_the_rows_of_each_class_alone() -> None:
    rng = np.random.default_rng(0)
    labels, role = rng.integers(0, 3, 200), rng.choice([KEPT, ACCUSED, CONTROL], 200)
    as_labelled, learned = rng.random((2, 200)) < 0.5
    found = readings_of(role, as_labelled, learned, np.array([1.5, 6.5, 4.0])[labels], labels)
    counts = [0, 0, 0, 0, 0]
    for row in range(200):
        if labels[row] == 1 and role[row] == ACCUSED:
            counts[0] += 1
            counts[1] += int(as_labelled[row])
            counts[4] += int(learned[row])
        if labels[row] == 1 and role[row] == CONTROL:
            counts[2] += 1
            counts[3] += int(as_labelled[row])
    assert set(found) == {0, 1, 2}
    # The other classes' distances are 1.5 and 4. The least is USUAL, that in a split normal distribution.
    assert found[1] == Readings(*counts, 6.5, 6.5 - (USUAL + 4.0) / 2, 1)
    assert found[0].beyond == 1.5 - (6.5 + 4.0) / 2
