"""The docs site in a real browser: built strictly, and readable on every screen and in both colour schemes."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from threading import Thread

import pytest

pytest.importorskip("playwright", reason="no playwright: pip install 'unpoison[dev]'")
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).parents[2]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
# The environment of `make docs`, or this one where the extra `docs` is installed.
BUILDERS = [ROOT / ".venv-docs/bin/python", *([Path(sys.executable)] if find_spec("mkdocstrings") else [])]
BUILDER = next((path for path in BUILDERS if path.exists()), None)
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no browser: apt-get install chromium"),
    pytest.mark.skipif(BUILDER is None, reason="no mkdocs: make docs, or pip install 'unpoison[docs]'"),
]
LOOKS = [(width, scheme) for width in (1280, 390) for scheme in ("light", "dark")]
at_one_look = pytest.mark.parametrize("page", LOOKS[:1], indirect=True)


class Quiet(SimpleHTTPRequestHandler):
    """A server of files that logs nothing."""

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the site, built once."""
    folder = tmp_path_factory.mktemp("site")
    command = [str(BUILDER), "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture(params=LOOKS)
def page(request: pytest.FixtureRequest, browser: Browser, site: str) -> Iterator[Page]:
    """Yield an empty page, then assert that it logged nothing and that no request left the site."""
    width, scheme = request.param
    context = browser.new_context(
        viewport={"width": width, "height": 850}, color_scheme=scheme, base_url=site
    )
    page, said = context.new_page(), []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda sent: None if sent.url.startswith((site, "data:")) else said.append(sent.url))
    yield page
    context.close()
    assert said == []


@pytest.mark.parametrize("name", ["index.html", "api.html"])
def test_a_page_fits_the_screen_and_is_open_to_all(page: Page, name: str) -> None:
    page.goto(name)
    page.wait_for_load_state("networkidle")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    violations = Axe().run(page).response["violations"]
    assert [each["id"] for each in violations if each["impact"] in ("serious", "critical")] == []


@at_one_look
def test_the_api_page_shows_signatures_and_docstrings(page: Page) -> None:
    page.goto("api.html")
    shown = page.locator("main").inner_text()
    assert 'method: str = "retrain"' in shown
    assert "Return a copy of the model that has unlearned the flagged rows, and the cost" in shown


@at_one_look
def test_pages_and_links_from_outside_docs_reach_their_targets(page: Page, site: str) -> None:
    page.goto("add-a-method.html")
    page.get_by_role("link", name="config/README.md").click()
    assert page.url == f"{site}config.html"
    assert page.locator("h1").inner_text().startswith("The config, key by key")
    links = page.locator("main a").evaluate_all("all => all.map((each) => each.getAttribute('href'))")
    assert "running.html#gpus-and-cores" in links
    page.goto("performance.html")
    assert page.locator("main a[href$='/blob/main/benchmarks/plain_loop.py']").count() == 1


@at_one_look
def test_a_list_below_a_paragraph_is_a_list(page: Page) -> None:
    page.goto("images.html")
    assert page.locator("main li", has_text="a row of a list without a path or label").count() == 1
