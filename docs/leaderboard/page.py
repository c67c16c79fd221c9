"""The page of the leaderboard: its tables, made from the lines of all studies and submissions."""

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pandas as pd

from docs.leaderboard.board import SETTING, lines_of, published, ranked, runs
from docs.leaderboard.entries import entries, submitted_lines
from docs.measured import label_of, printed
from docs.pages import in_markdown
from unpoison.runs.options import filled as filled_between

PAGE = Path(__file__).with_name("README.md")
HEAD = ("method", "healed", "P(healed)", "clean cost in points", "price over EU")


@cache
def board() -> pd.DataFrame:
    """Return the lines of all settings: those of the published studies, and those of submissions to them."""
    parts = []
    for run in runs():
        own = lines_of(run, published(run)).assign(submission="")
        there = [entry for entry in entries() if entry.run == run]
        parts += [own, *(submitted_lines(entry, own) for entry in there)]
    return pd.concat(parts, ignore_index=True)


def by_setting() -> Iterator[tuple[tuple[str, ...], pd.DataFrame]]:
    """Yield run, study, data set, poison and training of each setting, with its lines in the order of the page."""
    for setting, lines in board().groupby(["run", *SETTING], sort=True):
        yield setting, ranked(lines)


def overview() -> str:
    """Return the table of settings: the first method of each, and the number of methods whose interval overlaps it."""
    rows = [
        ("setting", "seeds", "methods", "first by the order below", "P(healed)", "intervals that overlap it")
    ]
    for setting, lines in by_setting():
        first, others = lines.iloc[0], lines.iloc[1:]
        overlap = int(((others["high"] >= first["low"]) & (others["low"] <= first["high"])).sum())
        name = _name(setting)
        rows.append(
            (
                f"[{name}](#{_anchor(name)})",
                str(int(lines["n"].max())),
                str(len(lines)),
                _label(first),
                _share(first),
                f"{overlap} of {len(others)}",
            )
        )
    return in_markdown(iter(rows))


def settings() -> str:
    """Return a section for each setting with the table of its methods."""
    return "\n\n".join(_section(setting, lines) for setting, lines in by_setting())


def _section(setting: tuple[str, ...], lines: pd.DataFrame) -> str:
    run, *_ = setting
    given = lines[lines["deletion"].notna()].iloc[0]
    said = (
        f"[The run](../results/{run}/README.md). Deletion set `{given['setting_deletion']}`: recall "
        f"{_percent(given['recall'])} %, FPR {_percent(given['fpr'])} %."
    )
    rows = [HEAD, *(_row(line) for _, line in lines.iterrows())]
    return f"### {_name(setting)}\n\n{said}\n\n{in_markdown(iter(rows))}"


def _row(line: pd.Series) -> tuple[str, ...]:
    cost = printed(line["cost"])
    if pd.notna(line["cost_low"]):
        cost += f" [{printed(line['cost_low'])}, {printed(line['cost_high'])}]"
    price = "" if pd.isna(line["price"]) else f"{line['price']:.2f}"
    return _label(line), f"{line['healed']} of {line['n']}", _share(line), cost, price


def _label(line: pd.Series) -> str:
    if line["submission"]:
        return f"`{line['method']}` ([submitted](submissions/{line['submission']}/submission.json))"
    alone = ", without a deletion set" if pd.isna(line["deletion"]) else ""
    return f"{label_of(line['method'])}{alone}"


def _share(line: pd.Series) -> str:
    if not line["n"]:
        return ""
    return f"{line['healed'] / line['n']:.2f} [{line['low']:.2f}, {line['high']:.2f}]"


def _percent(share: float) -> str:
    return printed(100 * share)


def _name(setting: tuple[str, ...]) -> str:
    """Return run and study, with data set, poison and training if the study has several."""
    run, study, dataset, poison, training = setting
    others = board()
    others = others[(others["run"] == run) & (others["study"] == study)]
    several = (("dataset", dataset), ("poison", poison), ("training", training))
    return ", ".join([run, study, *(value for level, value in several if others[level].nunique() > 1)])


def _anchor(name: str) -> str:
    """Return the anchor that GitHub and the site give a heading."""
    kept = "".join(letter for letter in name.lower() if letter.isalnum() or letter in " -_")
    return kept.replace(" ", "-")


TABLES: dict[str, Callable[[], str]] = {table.__name__: table for table in (overview, settings)}


def filled(page: str) -> str:
    """Return a page with its tables rebuilt, between `<!-- leaderboard: NAME -->` and the end mark."""
    return filled_between(page, "leaderboard", lambda name: TABLES[name]())
