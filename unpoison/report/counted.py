"""Shares of healed seeds in words: the methods that heal, the number of seeds, and the uncertainty."""

from typing import Any

from unpoison.report.cells import Cells, Share
from unpoison.report.words import capital, listed, seeds, spoken
from unpoison.results import ENOUGH

NAMED = 3  # methods that a sentence names
COUNTS = ("no", "one", "two", "three", "four")


def best_of(shares: list[Share]) -> Share:
    """Return the share of the method that heals most often; the higher clean accuracy breaks a tie."""
    assert shares, "best_of needs at least one share"
    return leading(shares)[0]


def leading(shares: list[Share]) -> list[Share]:
    """Return the shares from the best to the worst, in the order of `best_of`."""

    def merit(share: Share) -> tuple[float, float, float]:
        accuracy = share.accuracy if share.accuracy == share.accuracy else -1.0  # nan if no seed healed
        return share.share, share.low, accuracy

    return sorted(shares, key=merit, reverse=True)


def from_where(cells: Cells, method: str) -> Any:
    """Return the lowest value of the axis from which on a method heals every seed; None if there is none."""
    found = None
    of_method = {share.value: share for share in cells.shares if share.method == method and share.n}
    for value in reversed(cells.values):
        if value in of_method:
            if not of_method[value].is_all:
                break
            found = value
    return found


def sure_of(share: Share) -> str:
    """Return a sentence on the uncertainty of a share, with its count."""
    ends = f"{100 * share.low:.0f} to {100 * share.high:.0f} %"
    if share.n < ENOUGH:
        n = f"{COUNTS[share.n]} {seeds(share.n)}"
        return (
            f"Not very: {count(share)}. With {n} the true share can be anything from {ends} (95 % interval)."
        )
    return f"{capital(count(share))}: the true share of healed models is {ends} (95 % interval)."


def ranked(shares: list[Share]) -> tuple[str, str]:
    """Return the methods that heal every seed, as a title and as a sentence without its full stop.

    If none does, the best method is named.
    """
    ordered = leading(shares)
    best, name = ordered[0], spoken(ordered[0].method)
    sure = [share for share in ordered if share.is_all]
    if len(sure) == len(shares):
        who = everyone([share.method for share in shares])
        return _healed(who, best)
    if sure:
        headline, sentence = _healed(capital(names(sure)), best)
        return headline, f"{sentence}; {_others(ordered)}"
    if len(shares) == 1:
        return _healed(capital(name), best)
    if best.healed:
        text = f"No method healed the model in every seed: the best, {name}, did in {told(best)}"
        return f"No method healed every model; the best, {name}, healed {best.healed} of {best.n}", text
    none = f"No method healed the model in any of {best.n} {seeds(best.n)}"
    return none, f"{none} ({bracketed(best)})"


def _healed(who: str, share: Share) -> tuple[str, str]:
    return f"{who} healed the model in {count(share)}", f"{who} healed the model in {told(share)}"


def _others(shares: list[Share]) -> str:
    """Return a phrase with the number of methods that heal some seeds, and of those that heal none."""
    partly = sum(0 < share.healed < share.n for share in shares)
    none = sum(not share.healed for share in shares)
    counted = ((partly, "some seeds"), (none, "none"))
    return listed(
        f"{number} {'method' if number == 1 else 'methods'} healed {what}"
        for number, what in counted
        if number
    )


def told(share: Share) -> str:
    """Return `2 of 3 seeds (67 % [18, 96])`."""
    return f"{count(share)} ({bracketed(share)})"


def count(share: Share) -> str:
    """Return `2 of 3 seeds`."""
    return f"{share.healed} of {share.n} {seeds(share.n)}"


def bracketed(share: Share) -> str:
    """Return `67 % [18, 96]`."""
    return f"{100 * share.share:.0f} % [{100 * share.low:.0f}, {100 * share.high:.0f}]"


def healing(shares: list[Share]) -> int:
    """Return the number of methods that heal every seed."""
    return sum(share.is_all for share in shares)


def names(shares: list[Share]) -> str:
    """Return the methods of shares as a list: the first by name, then the number of the others."""
    return listed(some([spoken(share.method) for share in shares]))


def some(words: list[str]) -> list[str]:
    """Return the first words, then the number of the remaining ones."""
    more = len(words) - NAMED
    return words if more < 1 else [*words[:NAMED], f"{more} more"]


def everyone(methods: list[str]) -> str:
    """Return all methods as the subject of a sentence."""
    if len(methods) > NAMED:
        return f"All {len(methods)} methods"
    told = listed(map(spoken, methods))
    return f"Both {told}" if len(methods) == 2 else capital(told)
