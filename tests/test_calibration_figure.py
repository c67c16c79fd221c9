"""The figure that compares held-out checks with the truth."""

import pandas as pd
import pytest
import yaml

from tests.workflow.conftest import TINY
from unpoison.errors import UserError
from unpoison.plots.calibration import ESTIMATE, TRUTH, plot
from unpoison.study.plan import Plan


def summary(**estimates: float) -> pd.DataFrame:
    """Return a summary with one cell for each method, with true value 0.2, at two FDRs."""
    lines = [
        {"method": method, "deletion": "found", "class_name": None, "metric": metric, "mean": value}
        | {"deletion.recall": recall, "deletion.fdr": fdr}
        for method, estimate in estimates.items()
        for recall in (0.8, 1.0)
        for fdr in (0.0, 0.3)
        for metric, value in {
            TRUTH: 0.2,
            ESTIMATE: estimate,
            f"{ESTIMATE}_low": estimate - 0.1,
            f"{ESTIMATE}_high": estimate + 0.1,
        }.items()
    ]
    return pd.DataFrame(lines)


def test_each_share_of_false_alarms_is_a_panel_and_each_method_is_named_once() -> None:
    figure = plot(summary(retrain=0.25, scrub=0.6))
    assert [axes.get_title() for axes in figure.axes] == ["FDR 0%", "FDR 30%"]
    handles, labels = figure.axes[0].get_legend_handles_labels()
    assert labels == ["EU (retrain)", "SCRUB"]
    assert [float(handle.lines[0].get_ydata()[0]) for handle in handles] == [0.25, 0.6]


def test_a_run_that_has_no_check_yet_is_drawn_empty() -> None:
    table = summary(retrain=0.25)
    figure = plot(table[table["metric"] == TRUTH])
    assert all(len(axes.lines) == 1 for axes in figure.axes)  # only the diagonal


def test_a_study_without_checks_is_refused() -> None:
    config = yaml.safe_load(TINY)
    study = {**config["studies"]["false_positives"], "vary": {"deletion.recall": [1.0]}}
    config |= {"studies": {"plain": study}, "figures": {"calibration": {"studies": ["plain"]}}}
    with pytest.raises(UserError, match=r"found none in plain, allowed: verify in studies\.plain"):
        Plan(config)
    Plan({**config, "studies": {"plain": {**study, "verify": {}}}})
