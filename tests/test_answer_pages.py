"""The HTML text of the scan and repair pages: their sentences, their data and their size."""

import base64
import gzip
import io
import json
import re
from dataclasses import replace
from typing import Any

import made_up
import numpy as np
import pytest
from PIL import Image

from unpoison.drawing.sheets import SheetLine, draw_before_after, draw_contact_sheet
from unpoison.drawing.thumbnails import thumbnails
from unpoison.report.estimates import Estimate, percent, span
from unpoison.report.histograms import Histogram, drawn
from unpoison.report.repair_page import repair_page
from unpoison.report.scan_page import FIRST_IMAGES, MOST_PICTURES, scan_page

HOSTILE = "<script>alert('x')</script>\n\u202e\"&'"


def held(page: str) -> dict[str, Any]:
    """Return the data that the page embeds for its script."""
    found = re.search(r'id="data">([^<]+)<', page)
    assert found
    return json.loads(gzip.decompress(base64.b64decode(found[1])))


def text_of(page: str) -> str:
    body = page[page.index("<body") :]
    return re.sub("[ \n]+", " ", re.sub(r"<script.*?</script>|<[^>]+>", " ", body, flags=re.DOTALL))


def test_the_verdict_comes_first_and_the_proof_and_the_commands_before_the_rest() -> None:
    said = text_of(scan_page(made_up.scan()))
    wanted = (
        "Three classes",
        "The evidence",
        "What to do next",
        "Review",
        "The detectors",
        "Limits of this scan",
    )
    places = [said.index(words) for words in wanted]
    assert places == sorted(places)


def test_a_class_is_shown_with_both_shares_and_their_intervals() -> None:
    page = scan_page(made_up.scan())
    assert "given label predicted, suspected rows: 5\N{NO-BREAK SPACE}% (2 to 10), control rows: 56" in page
    assert 'cx="5.00%"' in page
    assert 'x1="2.10%" x2="9.90%"' in page


def test_a_class_that_was_not_asked_about_is_in_the_table_and_not_in_the_proof() -> None:
    page = scan_page(made_up.scan())
    proof = page[page.index('id="proof"') : page.index('id="strip-title"')]
    assert "horse" not in proof
    assert "nothing to repair" not in page
    assert "It has too few rows to ask about." in page[page.index('id="classes"') :]


def test_a_clean_set_is_told_as_one_and_has_nothing_to_review() -> None:
    told = "No evidence of poisoning."
    page = scan_page(made_up.scan(verdict="no_evidence", sentence=told, suspicious=(), next_steps=()))
    assert "Poisoning found" not in page
    assert "There is nothing to review" in page
    assert "so there is nothing to repair" in page
    assert "<script" not in page


def test_the_most_suspicious_rows_have_the_pictures_and_no_row_is_lost() -> None:
    rows = made_up.suspicious(made_up.pictures(1) * (MOST_PICTURES + 300))
    page = scan_page(made_up.scan(suspicious=rows[::-1]))
    data = held(page)
    pictured = [row for row, image in zip(data["rows"], data["images"], strict=True) if image]
    assert len(pictured) == MOST_PICTURES
    assert len(data["rows"]) == MOST_PICTURES + 300
    asked = [row[4] == "remove" for row in pictured]
    assert asked == sorted(asked, reverse=True)
    scores = [row[2] for row in pictured if row[4] == "remove"]
    assert scores == sorted(scores, reverse=True)
    assert "300 of the 2,300 suspicious rows" in text_of(page)


def test_a_page_with_all_its_pictures_stays_below_15_megabytes() -> None:
    noise = made_up.pictures(40, size=64) * (MOST_PICTURES // 40)  # noise is the worst case for compression
    assert sum(map(len, noise)) > 20e6
    assert len(scan_page(made_up.scan(suspicious=made_up.suspicious(noise))).encode()) < 15e6
    rows = made_up.repair().flagged
    flagged = tuple(replace(rows[0], image=image) for image in noise)
    assert len(repair_page(made_up.repair(flagged=flagged)).encode()) < 15e6


def test_a_row_without_its_picture_takes_none_from_those_after_it() -> None:
    rows = list(made_up.scan().suspicious)
    rows[1] = replace(rows[1], image=None)
    data = held(scan_page(made_up.scan(suspicious=tuple(rows))))
    assert [bool(image) for image in data["images"]].count(False) == 1
    assert len(data["images"]) == len(rows)


def test_the_first_screen_shows_rows_of_every_accused_class_and_no_doubtful_one() -> None:
    page = scan_page(made_up.scan())
    strip = page[page.index('id="strip-title"') : page.index('id="next"')]
    assert strip.count("<img") == FIRST_IMAGES
    assert set(re.findall(r'label <b dir="auto">(\w+)', strip)) == set(made_up.TAMPERED)


def test_decisions_of_one_list_are_never_anothers() -> None:
    first = held(scan_page(made_up.scan()))["scan"]
    assert first == held(scan_page(made_up.scan()))["scan"]
    fewer = made_up.scan().suspicious[:-1]
    assert first != held(scan_page(made_up.scan(suspicious=fewer)))["scan"]


def test_hostile_texts_are_shown_and_not_run() -> None:
    classes = tuple(replace(each, name=HOSTILE, note=HOSTILE) for each in made_up.scan().classes)
    rows = made_up.suspicious(made_up.pictures(8), names=[HOSTILE] * 8)
    rows = tuple(replace(row, given_label=HOSTILE, read_as=HOSTILE, votes=(HOSTILE,)) for row in rows)
    detectors = tuple(replace(each, name=HOSTILE) for each in made_up.scan().detectors)
    histograms = tuple(replace(each, name=HOSTILE) for each in made_up.scan().histograms)
    scan = made_up.scan(
        classes=classes, suspicious=rows, detectors=detectors, histograms=histograms, data=HOSTILE,
        sentence=HOSTILE, next_steps=((HOSTILE, HOSTILE),), not_looked_at=(HOSTILE,), settings=((HOSTILE, HOSTILE),),
    )  # fmt: skip
    changes = tuple(replace(each, name=HOSTILE) for each in made_up.repair().classes)
    flagged = tuple(replace(row, path=HOSTILE, before=HOSTILE) for row in made_up.repair().flagged)
    repair = made_up.repair(classes=changes, flagged=flagged, data=HOSTILE, loading=HOSTILE, method=HOSTILE)
    for page in (scan_page(scan), repair_page(repair)):
        assert "<script>alert" not in page
        assert "\u202e" not in page
        assert "&lt;script&gt;alert" in page


def test_the_page_of_a_repair_says_first_whether_it_worked() -> None:
    said = text_of(repair_page(made_up.repair()))
    wanted = (
        "The attack is gone",
        "The repair worked",
        "Did it work?",
        "load_file",
        "What it cost",
        "by class",
    )
    places = [said.index(words) for words in wanted]
    assert places == sorted(places)
    assert (
        "93\N{NO-BREAK SPACE}% (88 to 98) before, 8\N{NO-BREAK SPACE}% (3 to 13) after; lower is better"
        in said
    )


def test_what_was_not_measured_is_not_drawn() -> None:
    bare = made_up.repair(held_out=None, accuracy=None, relearning=(), churn=None, flagged=(), caveats=())
    said = text_of(repair_page(bare))
    assert "No held-out check was made" in said
    assert "attack success, estimated" not in said
    assert "Does the attack come back" not in said
    assert "trusted images" not in said


def test_a_true_rate_is_told_apart_from_the_estimate() -> None:
    said = text_of(repair_page(made_up.repair(attack=(made_up.around(0.91), made_up.around(0.07)))))
    assert said.index("attack success, measured") < said.index("attack success, estimated")


@pytest.mark.parametrize("ends", [(0.5, 0.6, 0.7), (0.5, 0.1, 0.4), (1.2, 0.1, 1.3), (float("nan"), 0, 1)])
def test_an_estimate_outside_its_interval_is_refused(ends: tuple[float, float, float]) -> None:
    with pytest.raises(AssertionError, match="0 <= low <= value"):
        Estimate(*ends, rows=10)


def test_shares_are_written_with_as_many_digits_as_they_are_worth() -> None:
    space = "\N{NO-BREAK SPACE}"
    assert [percent(share) for share in (0, 0.004, 0.05, 0.0996, 0.5, 1)] == [
        f"{text}{space}%" for text in ("0", "0.4", "5.0", "10", "50", "100")
    ]
    assert span(Estimate(0.051, 0.02, 0.1, 50)) == f"5{space}% (2 to 10)"
    assert span(Estimate(0.051, 0.041, 0.062, 5000)) == f"5.1{space}% (4.1 to 6.2)"


def test_a_single_row_is_seen_in_a_histogram_and_an_empty_bin_is_not() -> None:
    told = drawn(Histogram("scan", (0.0, 1.0, 2.0), (0, 1), (10_000, 0), cut=1.5))
    heights = [float(height) for height in re.findall(r",([\d.]+)", told["accused"])]
    assert heights[1:3] == [40, 40]
    assert heights[3] < 38
    assert told["cut"] == "75.00"
    assert drawn(Histogram("scan", (0.0, 1.0), (1,), (1,), cut=7.0))["cut"] is None


def test_a_small_image_is_kept_exactly_and_a_large_one_becomes_small() -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)
    first, second = thumbnails(images, [2, 0])
    for file, row in ((first, 2), (second, 0)):
        assert np.array_equal(np.asarray(Image.open(io.BytesIO(file)).convert("RGB")), images[row])
    large = rng.integers(0, 256, (1, 120, 224, 3), dtype=np.uint8)
    assert Image.open(io.BytesIO(thumbnails(large, [0])[0])).size == (96, 51)


def test_pictures_show_as_many_images_as_there_are() -> None:
    images = np.random.default_rng(0).integers(0, 256, (12, 8, 8, 3), dtype=np.uint8)
    lines = [SheetLine("bird", [0, 1, 2], [3, 4], ["cat", "x" * 60]), SheetLine("$ship$", [5], [6], ["dog"])]
    sheet = draw_contact_sheet(images, lines)
    assert sum(len(axes.images) for axes in sheet.axes) == 7
    shares = [("attack success", (0.9, 0.8, 1.0), (0.1, 0.0, 0.2))]
    picture = draw_before_after(images, [0, 1], [("bird", "cat"), ("bird", "dog")], shares)
    drawn_axes = [axes for part in picture.subfigs for axes in part.axes]
    assert sum(len(axes.images) for axes in drawn_axes) == 2
    for figure in (sheet, picture):
        figure.savefig(io.BytesIO(), format="png", dpi=50)
