"""Counts of healed seeds in figures: share, interval, colour, and the note below."""

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, Normalize

from unpoison.drawing.looks import Look
from unpoison.drawing.style import PerCent
from unpoison.errors import UserError

# Light for no seed healed, dark for all; the darkest blues are left out, so that markers on them stay visible.
COLOURS = LinearSegmentedColormap.from_list("healed", colormaps["Blues"](np.linspace(0.03, 0.72, 256)))
WHOLE = Normalize(0, 1)
DARK = 0.7  # share above which text on a cell is white
SHARE_LABEL = "share of the seeds healed"
SHARES_NOTE = "in cells: seeds healed / seeds with an outcome"


def with_shares(healed: pd.DataFrame) -> pd.DataFrame:
    """Return the rows over all classes, with `share`: healed / n, null if no seed has an outcome.

    Args:
        healed: rows of the table `healed`.
    """
    whole = healed[healed["class_name"].isna()]
    return whole.assign(share=(whole["healed"] / whole["n"].where(whole["n"] > 0)).astype(float))


def judged(healed: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of `with_shares`.

    Raises:
        UserError: if no model with a deletion set is among them, as in an unfinished run.
    """
    whole = with_shares(healed)
    if whole["deletion"].isna().all():
        raise UserError(
            "table healed: found no model with a deletion set that can be compared with do_nothing; is the run "
            "unfinished?"
        )
    return whole


def fpr_levels(table: pd.DataFrame) -> list[float | None]:
    """Return the values of deletion.fpr of the deletion sets; `[None]` if it does not vary."""
    if "deletion.fpr" not in table or table["deletion.fpr"].isna().all():
        return [None]
    return sorted(table["deletion.fpr"].dropna().astype(float).unique())


def at_level(table: pd.DataFrame, level: float | None) -> pd.DataFrame:
    """Return the deletion sets of one FPR; all of them if `level` is None."""
    return table if level is None else table[table["deletion.fpr"] == level]


def fpr_title(level: float | None) -> str:
    """Return the title of a panel of one FPR; empty if `level` is None."""
    return "" if level is None else f"FPR {100 * level:g} %"


def draw_counts(axes: Axes, x: pd.Series, rows: pd.DataFrame, look: Look) -> None:
    """Draw the share of healed seeds at each position with its Jeffreys interval, and a pale line as a guide.

    Args:
        axes: the panel.
        x: the horizontal position of each row.
        look: of the method.
        rows: rows of `with_shares`; those without a share are left out.
    """
    known = rows["share"].notna()
    rows, x = rows[known], x[known]
    axes.plot(x, rows["share"], color=look.colour, linestyle=look.line, linewidth=0.7, alpha=0.55, zorder=2)
    reach = [rows["share"] - rows["low"], rows["high"] - rows["share"]]
    axes.errorbar(
        x,
        rows["share"],
        yerr=[side.clip(lower=0).to_numpy(float) for side in reach],
        label=look.label,
        color=look.colour,
        marker=look.marker,
        linestyle="none",
        elinewidth=0.8,
        zorder=3,
    )


def show_shares(axes: Axes) -> None:
    """Set the y axis to shares from 0 to 100 %."""
    axes.set_ylim(-0.06, 1.06)
    axes.set_yticks([0, 0.5, 1])
    axes.yaxis.set_major_formatter(PerCent())


def counts_note(rows: pd.DataFrame) -> str:
    """Return the note on dots and bars: number of seeds, kind of interval, cells without an outcome."""
    seeds = sorted(set(rows.loc[rows["n"] > 0, "n"].astype(int)))
    if not seeds:
        return "no seed has an outcome: the attack did not take, or a reference model did not train"
    count = str(seeds[0]) if len(seeds) == 1 else f"{seeds[0]} to {seeds[-1]}"
    note = f"{count} {'seed' if seeds == [1] else 'seeds'}; 95 % intervals of the share: Jeffreys"
    missing = int((rows["n"] == 0).sum())
    return note + (f"; {missing} cells without an outcome are left out" if missing else "")
