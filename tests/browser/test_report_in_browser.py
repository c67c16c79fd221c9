"""The report in a real browser: it opens offline, works with mouse and keyboard, and is accessible."""

import io
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from unpoison.columns import TABLES
from unpoison.drawing.looks import LOOKS
from unpoison.outcomes import healed, outcomes
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


ODD = (
    "back\\",
    '"quoted"',
    "a|b",
    "=1+1",
    "<img src=x onerror=alert(1)>",
    "</script>",
    "喵",
    "__proto__",
    "$x$",
    "x" * 200,
)


def results(
    ratios: int,
    seeds: int,
    classes: int,
    *,
    methods: Sequence[str] = METHODS,
    names: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Return a made-up results table with one model for each method, ratio and seed."""
    rng = np.random.default_rng(0)
    lines = [
        (f"pair@{ratio}", ratio / ratios, seed, method, metric, name, unit, 0.5 + 0.4 * rng.random())
        for ratio in range(ratios)
        for seed in range(seeds)
        for method in methods
        for metric, unit in (
            ("clean_accuracy", "share"),
            ("adversarial_accuracy", "share"),
            ("attack_success_rate", "share"),
            ("image_passes", "images"),
        )
        for name in (None, *(names or [f"class{number}" for number in range(classes)]))
        if name is None or unit == "share"
    ]
    columns = ["dataset", KEY, "seed", "method", "metric", "class_name", "unit", "value"]
    table = pd.DataFrame(lines, columns=columns).assign(study="imbalance", poison="swap", training="net")
    table["attack"] = "planted"
    table = table.assign(
        higher_is_better=table["unit"] == "share", detector=None, recall=1.0, fdr=0.0, fpr=0.0
    )
    table["deletion"] = np.where(table["method"].isin(["do_nothing", "oracle"]), None, "found")
    attacked = table["metric"] == "attack_success_rate"
    left = table["method"].map({"do_nothing": 0.95, "scrub": 0.9}).fillna(0.1)
    table["value"] = table["value"].where(~attacked, left)
    return table.astype({"class_name": "string", "deletion": "string"})


def detectors() -> pd.DataFrame:
    """Return a table of detectors with one line."""
    columns = TABLES["detectors"].columns
    line = {name: 0.5 for name, column in columns.items() if column.dtype == "float64"}
    line |= {name: 3 for name, column in columns.items() if column.dtype == "int64"}
    line |= {name: "found" for name, column in columns.items() if column.dtype == "string"}
    return pd.DataFrame([line], columns=list(columns))


def report(table: pd.DataFrame, others: Mapping[str, pd.DataFrame] | None = None) -> str:
    cells = table[["dataset", "poison", "training", "seed", "deletion", "method"]].drop_duplicates()
    told = {
        "step": "unlearn",
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
        "attack": "planted",
        "seeds": [0],
        "vary": {KEY: ratios},
        "deletions": {"found": "found"},
    }
    named = {"summary": summarise(table), "paired": paired(table), "provenance": records}
    judged = outcomes(table)
    named |= {"outcomes": judged, "healed": healed(judged, {}), "detectors": detectors(), **(others or {})}
    tables = Tables(named, table.to_csv(index=False).encode())
    figures = [
        Figure(name, "Accuracy over the ratio.", picture.getvalue()) for name in ("imbalance", "samples_main")
    ]
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
    path.write_text(report(results(ratios=3, seeds=3, classes=2)), encoding="utf-8")
    return path


@pytest.fixture(params=["light", "dark", "phone"])
def page(request: pytest.FixtureRequest, browser: Browser, file: Path, tmp_path: Path) -> Iterator[Page]:
    """Yield the opened report, then save a screenshot and assert that it logged and requested nothing."""
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
    page.wait_for_selector("body[data-ready]")
    yield page
    page.screenshot(path=tmp_path / f"{request.param}.png", full_page=True)
    context.close()
    assert said == []


def unfold(page: Page) -> None:
    """Open all parts of the report."""
    page.evaluate("for (const part of document.querySelectorAll('details')) part.open = true")
    page.wait_for_selector("#chart svg")


def test_the_first_screen_asks_answers_and_says_how_sure_and_what_next(page: Page) -> None:
    phone = page.viewport_size == {"width": 390, "height": 800}
    lowest = 2 * 844 if phone else 800
    study = page.locator("article.study").first
    words = ("Asked", "Answer", "How sure", "What to do next", "Share of models healed")
    for what in (
        *(study.get_by_text(word, exact=True).first for word in words),
        study.locator("figure .scale"),
    ):
        box = what.bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= lowest, what
    assert study.locator(".asked").inner_text().startswith("ASKED Does it matter?")
    assert page.title().startswith(study.locator("h1").inner_text().replace("\u00a0", " "))
    assert "EU" in study.locator("h1").inner_text()
    assert study.locator("figure .dots li").count() == 8


def test_the_folded_report_is_open_to_all(page: Page) -> None:
    assert page.locator("details[open]").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    violations = Axe().run(page).response["violations"]
    assert [each["id"] for each in violations if each["impact"] in ("serious", "critical")] == []


def test_a_link_opens_the_folded_part_that_it_leads_to(page: Page) -> None:
    page.get_by_role("navigation").get_by_role("link", name="Explore").click()
    page.wait_for_selector("#explore[open] #chart svg")
    page.evaluate("document.getElementById('explore').open = false")
    page.get_by_role("navigation").get_by_role("link", name="Explore").click()
    page.wait_for_selector("#explore[open] #chart svg")
    page.evaluate("location.hash = 'comparisons-title'")
    page.wait_for_selector("#tables[open]")


def test_a_printed_report_has_all_of_its_parts(page: Page) -> None:
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details:not([open])").count() == 0
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("details[open]").count() == 0


def test_the_share_healed_is_a_measure_of_the_chart(page: Page) -> None:
    unfold(page)
    page.get_by_role("form").get_by_label("Metric").select_option("share_healed")
    page.locator("#chart svg text", has_text="share healed").wait_for()


def test_the_report_is_open_to_all_on_every_page(page: Page) -> None:
    unfold(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    violations = Axe().run(page).response["violations"]
    assert [each["id"] for each in violations if each["impact"] in ("serious", "critical")] == []


@pytest.mark.parametrize(("scheme", "drawn"), [("light", 255), ("dark", 22)])
def test_drawn_figures_follow_the_colour_scheme_and_photographs_do_not(
    browser: Browser, file: Path, scheme: str, drawn: int
) -> None:
    context = browser.new_context(viewport={"width": 1100, "height": 800}, color_scheme=scheme)
    page = context.new_page()
    page.goto(file.as_uri())
    page.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")
    greys = []
    for name in ("Imbalance", "Samples main"):
        shot = page.get_by_role("img", name=f"Figure {name}").screenshot()
        greys.append(int(np.median(np.asarray(Image.open(io.BytesIO(shot)).convert("L")))))
    context.close()
    assert greys == [pytest.approx(drawn, abs=4), 255]


def test_the_chart_follows_metric_and_method(page: Page) -> None:
    unfold(page)
    page.get_by_role("form").get_by_label("Metric").select_option("clean_accuracy")
    page.locator("#chart svg text", has_text="clean accuracy").wait_for()
    before = page.locator("#chart svg path").count()
    page.locator("#methods").get_by_label("SCRUB").uncheck()
    page.wait_for_function(f"document.querySelectorAll('#chart svg path').length < {before}")


def test_a_table_is_sorted_by_keyboard_filtered_and_saved(page: Page, tmp_path: Path) -> None:
    unfold(page)
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
    unfold(page)
    with page.expect_download() as saved:
        page.get_by_role("button", name="Download all measurements").click()
    assert Path(saved.value.path()).read_bytes() == results(3, 3, 2).to_csv(index=False).encode()


def test_a_report_of_1000_models_stays_under_10_megabytes() -> None:
    assert len(report(results(ratios=200, seeds=1, classes=10)).encode()) < 10e6


@contextmanager
def opened(
    browser: Browser, path: Path, table: pd.DataFrame, others: Mapping[str, pd.DataFrame] | None = None
) -> Iterator[Page]:
    """Yield the opened report of a table, then assert that no script failed and no dialog opened."""
    path.write_text(report(table, others), encoding="utf-8")
    page, said = browser.new_page(), []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("dialog", lambda dialog: said.append(dialog.message))
    page.goto(path.as_uri())
    page.wait_for_selector("body[data-ready]")
    unfold(page)
    yield page
    page.close()
    assert said == []


def places(page: Page, marks: str) -> list[float]:
    """Return the positions of the chart's marks, in pixels from the left."""
    moved = page.locator(f"#chart svg {marks}").evaluate_all("all => all.map((each) => each.getCTM().e)")
    return sorted({round(place, 3) for place in moved})


def test_every_method_is_drawn_near_its_place_and_few_of_many_are_ticked(
    browser: Browser, tmp_path: Path
) -> None:
    table = results(ratios=5, seeds=3, classes=0, methods=list(LOOKS))
    with opened(browser, tmp_path / "report.html", table) as page:
        assert page.locator("#methods input").count() == len(LOOKS)
        ticked = page.locator("#methods label:has(input:checked)").all_inner_texts()
        assert len(ticked) == 8
        assert {"oracle", "do nothing", "EU (retrain)", "CF (finetune)"} <= {text.strip() for text in ticked}
        page.get_by_role("button", name="All", exact=True).click()
        assert page.locator("#methods input:checked").count() == len(LOOKS)
        page.wait_for_function(
            f"document.querySelectorAll('#chart svg .mark-symbol path').length >= {5 * (len(LOOKS) - 2)}"
        )
        ticks, points = places(page, ".role-axis-tick line"), places(page, ".mark-symbol path")
        ticks = ticks[-5:]  # the ticks of the left axis come first
        gap = min(np.diff(ticks))
        assert (
            max(min(abs(point - tick) for tick in ticks) for point in points) <= 0.1 * gap + 2
        )  # ticks are rounded to whole pixels
        page.get_by_role("button", name="Few", exact=True).click()
        assert page.locator("#methods input:checked").count() == 8


def test_a_class_name_is_text_in_the_chart_and_the_tables(browser: Browser, tmp_path: Path) -> None:
    table = results(ratios=2, seeds=3, classes=0, names=ODD)
    with opened(browser, tmp_path / "report.html", table) as page:
        page.set_viewport_size({"width": 390, "height": 800})
        page.wait_for_function("document.documentElement.scrollWidth <= innerWidth", timeout=5000)
        for name in ODD:
            page.get_by_role("form").get_by_label("Class").select_option(name)
            page.locator("#chart svg text", has_text=f"adversarial accuracy, {name}"[:30]).wait_for()
            page.locator("#chart svg .mark-symbol path").first.hover(force=True)
            page.locator("#means").get_by_label("Class").select_option(name)
            assert page.locator("#means tbody tr").count() == len(METHODS) * 2


def test_a_text_of_a_saved_table_is_no_formula(browser: Browser, tmp_path: Path) -> None:
    others = {"references": pd.DataFrame({"reason": ["=1+1", "'=1", "plain"], "value": [-1.5, 1.0, 2.0]})}
    with opened(browser, tmp_path / "report.html", results(2, 3, 0), others) as page:
        with page.expect_download() as saved:
            page.locator("#other-references").get_by_role("button", name="Download these rows").click()
        lines = Path(saved.value.path()).read_text(encoding="utf-8").splitlines()
    assert lines == ["reason,value", "'=1+1,\u22121.5", "''=1,1", "plain,2"]
