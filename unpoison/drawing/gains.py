"""Gains over doing nothing in percentage points, with intervals if there are enough seeds."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter
from scipy import stats

from unpoison.drawing.looks import Look
from unpoison.errors import UserError

LABEL = "points gained over doing nothing"
NOTHING = "do_nothing"
ENOUGH = 3  # seeds for an interval


def gains(paired: pd.DataFrame) -> pd.DataFrame:
    """Return one row for each model and metric with `gain`, `low` and `high` in percentage points.

    For two seeds, low and high are their two values, as the interval would reach 13 standard errors to each side. For
    one seed they are null.

    Args:
        paired: rows of the table `paired`.

    Raises:
        UserError: if nothing is compared with do_nothing, as in an unfinished run.
    """
    mine = paired[paired["other"] == NOTHING]
    turned = paired[paired["method"] == NOTHING]
    turned = turned.assign(method=turned["other"], difference=-turned["difference"])
    turned = turned.assign(ci_low=-turned["ci_high"], ci_high=-turned["ci_low"])
    rows = pd.concat([mine, turned]).drop(columns="other")
    if rows.empty:
        raise UserError(
            "table paired: found no model that is compared with do_nothing; is the run unfinished?"
        )
    reach = (rows["ci_high"] - rows["ci_low"]) / 2
    reach = reach.where(rows["n"] >= ENOUGH, reach / float(stats.t.ppf(0.975, 1)))
    gain = 100 * rows["difference"]
    return rows.assign(gain=gain, low=gain - 100 * reach, high=gain + 100 * reach)


def draw_gains(axes: Axes, x: pd.Series, rows: pd.DataFrame, look: Look, *, is_joined: bool) -> None:
    """Draw gains with their intervals.

    Args:
        axes: the panel.
        x: the horizontal position of each row.
        rows: rows of `gains`.
        look: of the method.
        is_joined: connect the points by a line.
    """
    reach = [(rows["gain"] - rows["low"]).fillna(0), (rows["high"] - rows["gain"]).fillna(0)]
    axes.errorbar(
        x,
        rows["gain"],
        yerr=[side.clip(lower=0).to_numpy(float) for side in reach],
        label=look.label,
        color=look.colour,
        marker=look.marker,
        linestyle=look.line if is_joined else "none",
        elinewidth=0.9,
        capsize=2,
    )


def show_points(axes: Axes) -> None:
    """Set the y axis to signed points, with a line at zero gain."""
    axes.axhline(0, color="0.4", linewidth=0.8, zorder=1)
    axes.yaxis.set_major_formatter(FuncFormatter(_signed))


def _signed(points: float, _place: int) -> str:
    return f"{points:+g}" if points else "0"


def gains_note(rows: pd.DataFrame) -> str:
    """Return the note on dots and bars: number of seeds and kind of interval."""
    seeds = sorted(set(rows["n"].astype(int)))
    if not seeds or seeds == [1]:
        return "one seed: no intervals"
    if seeds[-1] < ENOUGH:
        return "differences seed by seed, mean of two seeds; bars join their two values (too few for an interval)"
    count = str(seeds[0]) if len(seeds) == 1 else f"{seeds[0]} to {seeds[-1]}"
    return f"differences seed by seed, mean over {count} seeds; bars: 95 % interval of the mean (Student's t)"
