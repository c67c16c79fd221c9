"""User text is never interpreted as code in figures, spreadsheets, pages, logs and files."""

import io
import warnings
from dataclasses import replace
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

from unpoison import files
from unpoison.drawing import text as drawn_text
from unpoison.drawing.samples import MOST_LINES, draw_samples
from unpoison.drawing.style import nudge_of
from unpoison.errors import UserError
from unpoison.plots import PLOTS
from unpoison.rows import clean_rows
from unpoison.text import as_cell, as_html, from_cell, from_html, printable, shortened

NAMES = (
    *(
        "Ba$$in",
        "$10-$20",
        "$x$",
        "_x",
        "a_b^c",
        r"\frac",
        "<b>",
        "</script><script>alert(1)</script>",
        "a & b",
    ),
    *(
        "'quoted'",
        '"quoted"',
        "{brace}",
        "{0}",
        "%s",
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "שלום",
        "سلام",
        "naïve",
    ),
    *(
        "\x1b[31mred",
        "two\nlines",
        "a\tb",
        "\u202eabc",
        "\u200babc",
        "喵",
        "한국",
        "😀",
        "ก",
        "x" * 200,
        "汪" * 200,
    ),
)


def samples_of(names: tuple[str, ...]) -> Figure:
    """Return the figure of samples, with a poisoned image of each class."""
    rows = clean_rows([*map(str, names)], ["train"] * len(names), np.arange(len(names)), names)
    rows = replace(
        rows, is_poisoned=np.ones(len(names), bool), trigger_id=np.zeros(len(names), dtype=np.int64)
    )
    images = np.zeros((len(names), 16, 16, 3), np.uint8)
    return draw_samples(images, images, rows, lambda stamped, _: stamped)


def paired_of(name: str) -> pd.DataFrame:
    """Return the rows for the imbalance figure, with one method and a class of that name."""
    line = {"method": "retrain", "other": "do_nothing", "deletion": "found", "n": 3, "study": "s"}
    line |= {
        "dataset.keep.cat": 0.5,
        "poison.share.cat": 0.2,
        "difference": 0.5,
        "ci_low": 0.4,
        "ci_high": 0.6,
    }
    metrics = ("adversarial_accuracy", "clean_accuracy")
    return pd.DataFrame([{**line, "metric": m, "class_name": c} for m in metrics for c in (None, name)])


def drawn(figure: Figure) -> list[str]:
    """Render a figure, without a warning, and return the texts that it shows."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure.savefig(io.BytesIO(), format="pdf")
    return [text.get_text() for text in figure.findobj(mpl.text.Text) if text.get_visible()]


@pytest.mark.parametrize("first", range(0, len(NAMES), MOST_LINES))
def test_a_figure_shows_class_names_letter_by_letter(first: int) -> None:
    names = NAMES[first : first + MOST_LINES]
    labels = [text for text in drawn(samples_of(names)) if text.startswith("true: ")]
    assert len(labels) == len(names)
    for name, (true, told) in zip(names, (label.split("\n") for label in labels), strict=True):
        shown = true.removeprefix("true: ")
        assert told == f"given: {shown}"
        assert shown.isprintable()
        assert len(shown) <= drawn_text.MOST
        if len(name) <= drawn_text.MOST and name.isascii() and name.isprintable():
            assert shown == name


@pytest.mark.parametrize("name", ["$10-$20", "two\nlines", "汪" * 200])
def test_a_figure_of_one_class_names_it_letter_by_letter(name: str) -> None:
    texts = drawn(PLOTS["imbalance"](paired_of(name), class_name=name))
    assert f"20% of the poisons are {drawn_text.drawn_name(name)}s" in texts


def test_no_figure_reads_mathtext() -> None:
    texts = samples_of(("$a$", "b")).findobj(mpl.text.Text)
    assert {text.get_parse_math() for text in texts if text.get_text()} == {False}
    assert mpl.rcParams["text.usetex"] is False


def test_a_letter_is_drawn_in_a_font_that_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawn_text, "_installed", lambda: [("Empty", "none.ttf"), ("Cats", "cats.ttf")])
    monkeypatch.setattr(
        drawn_text, "_letters", lambda path: frozenset({"cats.ttf": {ord("喵")}}.get(path, {97}))
    )
    drawn_text._font_of.cache_clear()
    assert drawn_text.fonts_for("a喵") == ["sans-serif", "Cats"]
    assert drawn_text.drawn_name("a喵") == "a喵"
    drawn_text._font_of.cache_clear()


def test_where_no_font_has_a_letter_its_code_is_drawn_and_said_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(drawn_text, "_installed", list)
    drawn_text._font_of.cache_clear()
    drawn_text._say_that_fonts_lack.cache_clear()
    assert "true: \\u55b5\ngiven: \\u55b5" in drawn(samples_of(("喵", "汪")))
    assert len(capsys.readouterr().out.splitlines()) == 1
    drawn_text._font_of.cache_clear()


@pytest.mark.parametrize("methods", [2, 7, 22])
@pytest.mark.parametrize("places", [[0.0, 1.0], [0.5, 0.8, 0.9, 1.0], [0.0, 0.05, 1.0]])
def test_a_method_is_drawn_near_its_place(methods: int, places: list[float]) -> None:
    nearest = min(np.diff(places))
    offsets = [nudge_of(index, methods, places) for index in range(methods)]
    assert max(map(abs, offsets)) <= 0.1 * nearest + 1e-12
    assert len(set(offsets)) == methods


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@A1", "\t=1", "\r=1", "\uff1d1", "'=1"])
def test_a_text_that_a_spreadsheet_would_run_has_an_apostrophe_before_it(text: str, tmp_path: Path) -> None:
    files.write_table(tmp_path / "t.csv", pd.DataFrame({"name": [text, "plain"], "value": [-1.5, 2.0]}))
    found = pd.read_csv(tmp_path / "t.csv", lineterminator="\n")
    assert found["name"].tolist() == [f"'{text}", "plain"]
    assert found["value"].tolist() == [-1.5, 2.0], "a number stays one"


@pytest.mark.parametrize("name", ["a\rb", "\ra", "a\r", "a\r\nb", "1", "1.0", "1e3", "True", "inf", "007"])
def test_a_name_with_a_return_or_of_digits_is_read_back_from_csv(name: str, tmp_path: Path) -> None:
    table = pd.DataFrame({"study": "2024", "class_name": pd.array([name, None], "string"), "value": 0.5})
    files.write_table(tmp_path / "t.csv", table)
    found = files.table_of_csv((tmp_path / "t.csv").read_bytes())
    assert found["class_name"].fillna("none").tolist() == [name, "none"]
    assert found["study"].tolist() == ["2024", "2024"]
    assert found["value"].tolist() == [0.5, 0.5]


@given(st.text())
def test_texts_are_marked_and_read_back_unchanged(text: str) -> None:
    assert from_cell(as_cell(text)) == text
    assert from_html(as_html({text: [text]})) == {text: [text]}
    assert not set("<>") & set(as_html(text))
    assert printable(text).isprintable()
    assert len(shortened(text, 9)) <= 9


def test_a_csv_table_is_read_as_it_was_written(tmp_path: Path) -> None:
    names = pd.array(["=1", "'=1", "'q'", "NA", "null", "None", "nan", "喵", None], "string")
    table = pd.DataFrame({"class_name": names, "value": 0.5})
    files.write_table(tmp_path / "t.csv", table)
    found = files.table_of_csv((tmp_path / "t.csv").read_bytes())
    assert found["class_name"].astype("string").equals(table["class_name"])


def test_an_error_is_one_line_whatever_it_names() -> None:
    assert str(UserError("found \x1b[31m\n\u202e")) == r"found \x1b[31m\n\u202e"
