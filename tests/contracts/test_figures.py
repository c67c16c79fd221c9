"""Contracts of every figure: it shows any number of seeds, has the configured size, and cuts off nothing."""

import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import studies
from matplotlib.axis import Tick
from matplotlib.figure import Figure
from matplotlib.text import Text

from unpoison.drawing.style import COLUMN_WIDTH, PAGE_WIDTH, save
from unpoison.plots import PLOTS, tables_needed
from unpoison.tables import DERIVED

VALUES = {"deletion.recall": (0.2, 0.6, 1.0), "deletion.fpr": (0.0, 0.2), "deletion.fdr": (0.0, 0.2)}
DETECTORS = {"scan": (0.9, 0.01), "loss": (0.1, 0.3), "mine": (0.5, 0.1)}


def table_of(figure: str, **more: Any) -> pd.DataFrame:
    """Return results of a study that varies the keys that the figure needs with its default options."""
    defaults = {name: option.default for name, option in PLOTS.options(figure).items()}
    keys = [choice[0].format(**defaults) for choice in PLOTS.constant(figure, "NEEDS")]
    beside = DETECTORS if PLOTS.constant(figure, "DETECTORS", False) else None
    return studies.results({key: VALUES.get(key, (0.4, 1.0)) for key in keys}, detectors=beside, **more)


def drawn(figure: str, **more: Any) -> Figure:
    return PLOTS[figure](*studies.tables(table_of(figure, **more), tables_needed(figure)))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("seeds", [1, 2, 5])
@pytest.mark.parametrize("figure", PLOTS)
def test_a_figure_is_drawn_of_any_number_of_seeds(figure: str, seeds: int, tmp_path: Path) -> None:
    save(drawn(figure, seeds=seeds), tmp_path / "x.pdf", tmp_path / "x.png")
    assert (tmp_path / "x.png").stat().st_size > 0


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("figure", PLOTS)
def test_a_figure_is_drawn_of_an_attack_that_did_not_take(figure: str, tmp_path: Path) -> None:
    whole = table_of(figure)
    harmless = whole.assign(value=whole["value"].mask(whole["metric"] == "attack_success_rate", 0.05))
    save(
        PLOTS[figure](*studies.tables(harmless, tables_needed(figure))),
        tmp_path / "x.pdf",
        tmp_path / "x.png",
    )


@pytest.mark.parametrize("figure", PLOTS)
def test_a_figure_is_a_column_to_a_page_wide_and_its_text_is_7_points_or_nearly(figure: str) -> None:
    shown = drawn(figure)
    shown.draw_without_rendering()
    assert COLUMN_WIDTH <= shown.get_figwidth() <= PAGE_WIDTH
    texts = [text for text in shown.findobj(Text) if text.get_text().strip() and text.get_visible()]
    assert min(text.get_fontsize() for text in texts) >= 6.5
    ticks = {label for tick in shown.findobj(Tick) for label in (tick.label1, tick.label2)}
    for text in set(texts) - ticks:  # ticks beyond the limits are not drawn
        box = Text.get_window_extent(text)  # without leader lines
        assert box.x0 >= -1, text.get_text()
        assert box.x1 <= shown.bbox.x1 + 1, text.get_text()


@pytest.mark.parametrize("figure", PLOTS)
def test_a_figure_asks_for_tables_that_there_are_and_its_caption_is_plain(figure: str) -> None:
    assert set(tables_needed(figure)) <= {"results", *DERIVED}
    sentences = re.split(r"(?<=[.:;]) ", PLOTS.summary(figure))
    assert PLOTS.summary(figure).endswith(".")
    assert max(len(sentence.split()) for sentence in sentences) <= 25, sentences
