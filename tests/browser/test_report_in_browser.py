"""The report in a real browser: it opens offline, is used by mouse and keyboard, and shuts nobody out."""

import io
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from unpoison.provenance import PACKAGES
from unpoison.report.page import Figure, Tables, render
from unpoison.statistics import paired, summarise

pytest.importorskip("playwright", reason="no playwright: pip install 'unpoison[dev]'")
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no browser: apt-get install chromium")
METHODS = ("retrain", "finetune", "scrub", "do_nothing", "oracle")
KEY = "dataset.keep.cat"


def results(ratios: int, seeds: int, classes: int) -> pd.DataFrame:
    """A results table of a made-up study: 5 models for each ratio and seed."""
    rng = np.random.default_rng(0)
    lines = [
        (f"pair@{ratio}", ratio / ratios, seed, method, metric, name, unit, 0.5 + 0.4 * rng.random())
        for ratio in range(ratios)
        for seed in range(seeds)
        for method in METHODS
        for metric, unit in (
            ("clean_accuracy", "share"),
            ("adversarial_accuracy", "share"),
            ("image_passes", "images"),
        )
        for name in (None, *(f"class{number}" for number in range(classes)))
        if name is None or unit == "share"
    ]
    names = ["dataset", KEY, "seed", "method", "metric", "class_name", "unit", "value"]
    table = pd.DataFrame(lines, columns=names).assign(study="imbalance", poison="swap", training="net")
    table = table.assign(
        higher_is_better=table["unit"] == "share", detector=None, recall=1.0, fdr=0.0, fpr=0.0
    )
    table["deletion"] = np.where(table["method"].isin(["do_nothing", "oracle"]), None, "found")
    return table.astype({"class_name": "string", "deletion": "string"})


def report(table: pd.DataFrame) -> str:
    cells = table[["dataset", "poison", "training", "seed", "deletion", "method"]].drop_duplicates()
    told = {
        "step": "evaluate",
        "commit": "a" * 40,
        "dirty": False,
        "device": "cpu",
        "threads": 1,
        "host": "here",
    }
    told |= dict.fromkeys(("python", *PACKAGES), "1.0")
    records = cells.assign(**told, finished="2026-01-01T00:00:00+00:00", is_current=True, record="run.json")
    picture = io.BytesIO()
    Image.new("RGB", (1370, 600), "white").save(picture, "png")
    options = {"what": "method", "name": "retrain", "options": {"length": 0.5}}
    entries = [
        {**options, "what": what} for what in ("data set", "poison", "training", "deletion set", "method")
    ]
    ratios = sorted(set(table[KEY].tolist()))
    study = {
        "question": "Does it matter?",
        "seeds": [0],
        "vary": {KEY: ratios},
        "deletions": {"found": "found"},
    }
    tables = Tables(summarise(table), paired(table), records, table.to_csv(index=False).encode())
    figures = [Figure("imbalance", "Accuracy over the ratio.", picture.getvalue())]
    return render(tables, figures, {"imbalance": {**study, "entries": entries}}, "results/made_up")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(report(results(ratios=3, seeds=3, classes=2)))
    return path


@pytest.fixture(params=["light", "dark", "phone"])
def page(request: pytest.FixtureRequest, browser: Browser, file: Path, tmp_path: Path) -> Iterator[Page]:
    """The report, opened; afterwards nothing has left the page, nothing was logged, and a screenshot is kept."""
    width = 390 if request.param == "phone" else 1100
    scheme = "dark" if request.param == "dark" else "light"
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page, said = context.new_page(), []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on(
        "request",
        lambda sent: said.append(sent.url) if not sent.url.startswith(("file:", "data:", "blob:")) else 0,
    )
    page.goto(file.as_uri())
    page.wait_for_selector("body[data-ready] #chart svg")
    yield page
    page.screenshot(path=tmp_path / f"{request.param}.png", full_page=True)
    context.close()
    assert said == []


def test_the_report_is_open_to_all_on_every_page(page: Page) -> None:
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    violations = Axe().run(page).response["violations"]
    assert [each["id"] for each in violations if each["impact"] in ("serious", "critical")] == []


def test_the_chart_follows_metric_and_method(page: Page) -> None:
    page.get_by_role("form").get_by_label("Metric").select_option("clean_accuracy")
    page.locator("#chart svg text", has_text="clean accuracy").wait_for()
    before = page.locator("#chart svg path").count()
    page.locator("#methods").get_by_label("SCRUB").uncheck()
    page.wait_for_function(f"document.querySelectorAll('#chart svg path').length < {before}")


def test_a_table_is_sorted_by_keyboard_filtered_and_saved(page: Page, tmp_path: Path) -> None:
    table = page.locator("#means")
    button = table.get_by_role("button", name="mean", exact=True)
    button.focus()
    page.keyboard.press("Enter")
    assert table.locator("th[aria-sort=descending]").inner_text().startswith("mean")
    means = [float(text.split()[0]) for text in table.locator("tbody td:nth-child(4)").all_inner_texts()]
    assert len(means) == 15
    assert means == sorted(means, reverse=True)
    table.get_by_label("Find").fill("scrub")
    assert table.locator("tbody tr").count() == 3
    with page.expect_download() as saved:
        table.get_by_role("button", name="Download these rows").click()
    assert len(Path(saved.value.path()).read_text().splitlines()) == 1 + 3


def test_all_measurements_are_saved_as_they_are(browser: Browser, file: Path) -> None:
    page = browser.new_page()
    page.goto(file.as_uri())
    page.wait_for_selector("body[data-ready]")
    with page.expect_download() as saved:
        page.get_by_role("button", name="Download all measurements").click()
    assert Path(saved.value.path()).read_bytes() == results(3, 3, 2).to_csv(index=False).encode()


def test_a_report_of_1000_models_stays_under_10_megabytes() -> None:
    assert len(report(results(ratios=200, seeds=1, classes=10)).encode()) < 10e6
