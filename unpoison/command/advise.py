"""`unpoison advise`: the best method according to measured repairs, with the evidence."""

from unpoison.advice import UNKNOWN_FPR, UNKNOWN_RECALL, Advice
from unpoison.advice import advise as advise_by_table
from unpoison.errors import UserError
from unpoison.measured_repairs import Candidate, Range, total

SHOWN = 5  # candidates
HEAD = ("method", "healed", "healed at worst", "broken", "attack left", "clean lost", "cost up to", "options")


def advise(recall: str | None = None, fpr: str | None = None, budget: float | None = None) -> None:
    """Name the method to repair with, with reasons.

    Parameters
    ----------
    recall
        Share of the poisons in the list, such as 0.9 or 0.8-1. The default is 0.2-1.
    fpr
        Share of the clean rows in the list, such as 0.02 or 0-0.05. The default is 0-0.05.
    budget
        Largest cost of a repair; 1 is the cost of retraining.
    """
    asked = (range_of("recall", recall) or UNKNOWN_RECALL, range_of("fpr", fpr) or UNKNOWN_FPR)
    print(in_words(advise_by_table(recall=asked[0], fpr=asked[1], budget=budget)))


def range_of(name: str, text: str | None) -> Range | None:
    """Return both ends of `0.8-1` or `0.9`; None for None."""
    if text is None:
        return None
    try:
        ends = [float(part) for part in text.split("-")]
    except ValueError:
        ends = []
    if len(ends) not in (1, 2) or not 0 <= ends[0] <= ends[-1] <= 1:
        raise UserError(f"--{name}: found {text}, allowed: a share from 0 to 1, or two as 0.8-1")
    return ends[0], ends[-1]


def in_words(advice: Advice) -> str:
    """Return the reasons and a table of the best candidates."""
    lines = [HEAD, *(_line(candidate) for candidate in advice.candidates[:SHOWN])]
    widths = [max(len(line[place]) for line in lines) for place in range(len(HEAD))]
    table = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines]
    return "\n".join([advice.why, "", *(line.rstrip() for line in table)])


def _line(candidate: Candidate) -> tuple[str, ...]:
    models = candidate.count("models")
    return (
        candidate.method,
        f"{candidate.count('healed')} of {models}",
        f"{total(candidate.worst, 'healed')} of {total(candidate.worst, 'models')}",
        f"{candidate.count('broken')} of {models}",
        f"{candidate.mean('attack'):.0f} %",
        f"{candidate.mean('clean_lost'):.1f} points",
        f"{candidate.cost:.2f}",
        ", ".join(f"{name}: {value}" for name, value in candidate.options.items()) or "-",
    )
