"""Pages filled from the templates of this folder; each is one file that needs no network."""

import base64
import gzip
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from unpoison.report.estimates import percent, place, span
from unpoison.text import printable

FOLDER = Path(__file__).parent


def filled(template: str, **content: Any) -> str:
    """Return the HTML of a template of this folder; every text in it is escaped."""
    return _environment().get_template(template).render(**content)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"percent": percent, "place": place, "span": span}
    environment.filters |= {"shown": shown, "code": code, "picture": picture}
    return environment


def shown(text: str) -> str:
    """Return a text for a page: unprintable letters are escaped, and no line breaks before `%`."""
    spaced = printable(text.replace("\N{NO-BREAK SPACE}", " "))
    return spaced.replace(" %", "\N{NO-BREAK SPACE}%")


def code(text: str) -> str:
    """Return lines of code with escapes for unprintable letters, such as those that change the text direction."""
    return "\n".join(map(printable, text.split("\n")))


def packed(data: bytes) -> str:
    """Return bytes as compressed text for a page; equal bytes give equal text."""
    return base64.b64encode(gzip.compress(data, 9, mtime=0)).decode()


def picture(image: bytes, kind: str = "webp") -> str:
    """Return an image file's bytes as a data URL."""
    return f"data:image/{kind};base64,{base64.b64encode(image).decode()}"


def script(text: str) -> str:
    """Return a script in its own scope; `</script` within it is escaped."""
    return "(() => {" + text.replace("</script", "<\\/script") + "})();"


def read(*names: str) -> str:
    """Return the text of files of this folder, one after the other."""
    return "".join((FOLDER / name).read_text(encoding="utf-8") for name in names)
