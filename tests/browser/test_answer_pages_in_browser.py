"""The pages of a scan and of a repair in a real browser: decisions by click and key, all screens, hostile names."""

import csv
import io
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import made_up
import pytest

from unpoison.report.repair_page import repair_page
from unpoison.report.scan_page import ScanPage, scan_page
from unpoison.text import from_cell

pytest.importorskip("playwright", reason="no playwright: pip install 'unpoison[dev]'")
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no browser: apt-get install chromium")
LOOKS = {
    "light": (1440, "light"),
    "dark": (1440, "dark"),
    "phone": (390, "light"),
    "dark phone": (390, "dark"),
}
ODD = (
    "train/bird/<img src=x onerror=alert(1)>.png",
    "train/bird/</script><script>alert(1)</script>.png",
    'train/bird/"quoted", and a comma.png',
    "train/bird/two\nlines.png",
    "=HYPERLINK(1).png",
    "+1.png",
    "-1.png",
    "@SUM(1).png",
    "'=quoted already.png",
    "\ttab.png",
    "train/bird/\u202egnp.exe",
    "train/bird/\u55b5.png",
    "train/bird/" + "x" * 300 + ".png",
    "__proto__",
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


@contextmanager
def opened(browser: Browser, path: Path, html: str, look: str = "light") -> Iterator[Page]:
    """Yield the opened page, then assert that it logged nothing, opened no dialog and sent no request."""
    path.write_text(html, encoding="utf-8")
    width, scheme = LOOKS[look]
    context = browser.new_context(viewport={"width": width, "height": 850}, color_scheme=scheme)
    page, said = context.new_page(), []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("dialog", lambda dialog: said.append(dialog.message))
    page.on(
        "request",
        lambda sent: said.append(sent.url) if not sent.url.startswith(("file:", "data:", "blob:")) else 0,
    )
    page.goto(path.as_uri())
    if "review" in html and "sheets" in html:
        page.wait_for_selector("body[data-ready] .tile")
    yield page
    context.close()
    assert said == []


@pytest.fixture
def review(browser: Browser, tmp_path: Path) -> Iterator[Page]:
    with opened(browser, tmp_path / "report.html", scan_page(made_up.scan())) as page:
        yield page


def tile(page: Page, row: int, label: str = "bird") -> object:
    return page.get_by_role("button", name=f"train/{label}/IMG_{row:05d}.png")


def saved(page: Page, act: str = "click") -> list[dict[str, str]]:
    """Save the list by click or by key, and return its rows."""
    with page.expect_download() as download:
        if act == "click":
            page.get_by_role("button", name="Save decisions.csv").click()
        else:
            page.keyboard.press("s")
    assert download.value.suggested_filename == "decisions.csv"
    text = Path(download.value.path()).read_bytes().decode("utf-8")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def removed(rows: list[dict[str, str]]) -> set[str]:
    assert {row["action"] for row in rows} <= {"remove", "keep"}
    return {row["path"] for row in rows if row["action"] == "remove"}


def suggested(content: ScanPage) -> set[str]:
    return {row.path for row in content.suspicious if row.action == "remove"}


PAGES = {
    "scan": lambda: scan_page(made_up.scan()),
    "clean scan": lambda: scan_page(
        made_up.scan(
            verdict="no_evidence", sentence="No evidence of poisoning.", suspicious=(), histograms=(), agreement=()
        )
    ),
    "repair": lambda: repair_page(made_up.repair()),
}  # fmt: skip


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_open_to_all_on_every_screen(
    browser: Browser, tmp_path: Path, name: str, look: str
) -> None:
    with opened(browser, tmp_path / "report.html", PAGES[name](), look) as page:
        page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        violations = Axe().run(page).response["violations"]
        assert [(each["id"], each["nodes"][0]["html"]) for each in violations] == []
        page.screenshot(path=tmp_path / f"{name}-{look}.png", full_page=True)


def test_the_verdict_the_proof_and_the_next_command_are_on_the_first_screen(review: Page) -> None:
    for place in ("h1", "#proof .line >> nth=0", "#proof .line >> nth=3", "#next pre >> nth=0"):
        box = review.locator(place).bounding_box()
        assert box
        assert box["y"] + box["height"] <= 850, place


def test_the_page_follows_the_colour_scheme(browser: Browser, tmp_path: Path) -> None:
    grounds = {}
    for look in ("light", "dark"):
        with opened(browser, tmp_path / f"{look}.html", PAGES["scan"](), look) as page:
            grounds[look] = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert grounds == {"light": "rgb(255, 255, 255)", "dark": "rgb(20, 23, 26)"}


def test_untouched_decisions_are_the_suggestions_for_every_row(review: Page) -> None:
    content = made_up.scan()
    rows = saved(review)
    assert list(rows[0]) == ["path", "given_label", "score", "votes", "action"]
    assert len(rows) == len(content.suspicious)
    assert removed(rows) == suggested(content)
    by_path = {row["path"]: row for row in rows}
    for row in content.suspicious:
        told = by_path[row.path]
        assert (told["given_label"], float(told["score"])) == (row.given_label, row.score)
        assert told["votes"].split(" ") == list(row.votes)


def test_a_click_keeps_a_row_and_another_click_deletes_it(review: Page) -> None:
    status, first = review.get_by_role("status"), tile(review, 0)
    assert status.inner_text() == "84 of 96 rows marked for deletion"
    first.click()
    assert first.get_attribute("aria-pressed") == "false"
    assert status.inner_text() == "83 of 96 rows marked for deletion"
    assert suggested(made_up.scan()) - removed(saved(review)) == {"train/bird/IMG_00000.png"}
    first.click()
    assert removed(saved(review)) == suggested(made_up.scan())


def test_keys_move_keep_delete_and_save(review: Page) -> None:
    tile(review, 0).focus()
    for key in ("k", "ArrowRight", "k", "ArrowLeft", "d"):
        review.keyboard.press(key)
    second = review.locator(".tile").nth(1)
    assert second.get_attribute("aria-pressed") == "false"
    kept = suggested(made_up.scan()) - removed(saved(review, "key"))
    assert kept == {second.get_attribute("aria-label").split(",")[0]}


def test_down_moves_to_the_tile_below_and_past_the_end_into_the_next_class(review: Page) -> None:
    tiles = review.locator(".sheet").first.locator(".tile")
    lefts = tiles.evaluate_all("all => all.map((each) => each.getBoundingClientRect().left)")
    columns = lefts[1:].index(lefts[0]) + 1
    tiles.first.focus()
    review.keyboard.press("ArrowDown")
    below = tiles.nth(columns).get_attribute("aria-label")
    assert review.locator(":focus").get_attribute("aria-label") == below
    tiles.last.focus()
    review.keyboard.press("ArrowRight")
    assert "label cat" in review.locator(":focus").get_attribute("aria-label")
    review.keyboard.press("ArrowLeft")
    assert review.locator(":focus").get_attribute("aria-label") == tiles.last.get_attribute("aria-label")


def test_the_tile_with_the_focus_is_never_under_the_bar(review: Page) -> None:
    review.locator(".tile").first.focus()
    for _ in range(8):
        review.keyboard.press("ArrowDown")
        focused, bar = review.locator(":focus").bounding_box(), review.locator(".bar").bounding_box()
        assert focused["y"] + focused["height"] <= bar["y"]


def test_all_or_none_of_a_class_leaves_the_other_classes_and_is_undone(review: Page) -> None:
    review.locator(".tile[aria-label*='label dog']").first.focus()
    review.keyboard.press("a")
    dogs = {row.path for row in made_up.scan().suspicious if row.given_label == "dog"}
    assert removed(saved(review)) == suggested(made_up.scan()) | dogs
    review.locator(".tile[aria-label*='label dog']").first.focus()
    review.keyboard.press("n")
    assert removed(saved(review)) == suggested(made_up.scan())
    review.get_by_role("button", name="Undo").click()
    assert removed(saved(review)) == suggested(made_up.scan()) | dogs


def test_a_key_with_a_modifier_is_the_browsers(review: Page) -> None:
    tile(review, 0).focus()
    review.keyboard.press("Control+k")
    assert removed(saved(review)) == suggested(made_up.scan())


def test_decisions_outlive_the_page_and_belong_to_their_scan(browser: Browser, tmp_path: Path) -> None:
    with opened(browser, tmp_path / "report.html", scan_page(made_up.scan())) as page:
        tile(page, 0).click()
        page.reload()
        page.wait_for_selector("body[data-ready]")
        assert tile(page, 0).get_attribute("aria-pressed") == "false"
        other = made_up.scan(data="other_data")
        (tmp_path / "other.html").write_text(scan_page(other), encoding="utf-8")
        page.goto((tmp_path / "other.html").as_uri())
        page.wait_for_selector("body[data-ready]")
        assert tile(page, 0).get_attribute("aria-pressed") == "true"


def test_a_browser_that_keeps_nothing_says_so_and_still_saves(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text(scan_page(made_up.scan()), encoding="utf-8")
    page = browser.new_page()
    page.add_init_script(
        "Object.defineProperty(window, 'localStorage', { get() { throw new Error('no'); } })"
    )
    page.goto(path.as_uri())
    page.wait_for_selector("body[data-ready]")
    assert "keeps no decisions" in page.get_by_role("status").inner_text()
    tile(page, 0).click()
    assert len(removed(saved(page))) == 83
    page.close()


@pytest.mark.parametrize("look", ["light", "phone"])
def test_hostile_names_are_text_and_come_back_as_the_same_paths(
    browser: Browser, tmp_path: Path, look: str
) -> None:
    rows = made_up.suspicious(made_up.pictures(len(ODD)), names=ODD)
    rows = tuple(replace(row, given_label=name, read_as=name) for row, name in zip(rows, ODD, strict=True))
    classes = tuple(replace(made_up.scan().classes[2], name=name) for name in ODD)
    with opened(
        browser, tmp_path / "report.html", scan_page(made_up.scan(suspicious=rows, classes=classes)), look
    ) as page:
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert page.locator(".tile").count() == len(ODD)
        for place in range(len(ODD)):
            page.locator(".tile").nth(place).focus()
        told = saved(page)
    assert {from_cell(row["path"]) for row in told} == set(ODD)
    assert {from_cell(row["given_label"]) for row in told} == set(ODD)
    assert not [row["path"] for row in told if row["path"].startswith(("=", "+", "-", "@", "\t"))]


def test_2000_pictures_are_decoded_only_where_they_are_seen(browser: Browser, tmp_path: Path) -> None:
    images = made_up.pictures(100) * 20
    content = made_up.scan(suspicious=made_up.suspicious(images))
    with opened(browser, tmp_path / "report.html", scan_page(content)) as page:
        assert page.locator(".tile").count() == 2000
        assert page.locator(".tile img[src]").count() < 600
        last = page.locator(".sheet[open] .tile").last
        last.scroll_into_view_if_needed()
        page.wait_for_function(
            "[...document.querySelectorAll('.sheet[open] .tile img')].at(-1).naturalWidth > 0"
        )
        last.focus()
        page.keyboard.press("d")
        assert last.get_attribute("aria-pressed") == "true"
