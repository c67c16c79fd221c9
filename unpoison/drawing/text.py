"""Names from users in figures: drawn literally, each letter in a font that has it."""

import unicodedata
from contextlib import suppress
from functools import cache

import matplotlib as mpl
from matplotlib.font_manager import FontProperties, findfont, findSystemFonts, fontManager, get_font

from unpoison.text import printable, shortened

# Font families that are tried first; after them every other installed font by its name.
PREFERRED = ("Noto Sans CJK", "Source Han Sans", "WenQuanYi", "Droid Sans Fallback", "Noto Sans", "Unifont")
MOST = 16  # longest name in figures, in letters; Chinese, Japanese and Korean letters count twice
BROKEN = (
    OSError,
    RuntimeError,
)  # errors of FreeType for a font that it cannot read, such as a bitmap font


def drawn_name(name: str) -> str:
    r"""Return a name for figures: letters that no font has are escaped as `\u55b5`, and a long name is shortened."""
    text = "".join(letter if _font_of(letter) else ascii(letter)[1:-1] for letter in printable(name))
    wide = sum(unicodedata.east_asian_width(letter) in "WF" for letter in text)
    return shortened(text, MOST * len(text) // (len(text) + wide)) if text else text


def fonts_for(text: str) -> list[str]:
    """Return the font families of a text: that of all figures, then others for the letters that it lacks."""
    found = (_font_of(letter) for letter in text)
    return list(dict.fromkeys(["sans-serif", *(family for family in found if family)]))


@cache
def _font_of(letter: str) -> str | None:
    """Return the first font family that has a letter; None if no installed font has it."""
    if letter.isspace() or ord(letter) in _letters(findfont(FontProperties(family=["sans-serif"]))):
        return "sans-serif"
    for family, path in _installed():
        if ord(letter) in _letters(path):
            return family
    _say_that_fonts_lack()
    return None


@cache
def _say_that_fonts_lack() -> None:
    print(
        "names: some letters are in no installed font; figures show their codes instead, such as \\u55b5",
        flush=True,
    )


@cache
def _installed() -> list[tuple[str, str]]:
    """Return family and path of the installed upright fonts of normal weight, the preferred families first."""
    known = {font.fname for font in fontManager.ttflist}
    for path in set(findSystemFonts()) - known:  # fonts that were installed after matplotlib cached its list
        with suppress(*BROKEN):
            fontManager.addfont(path)
    fonts = {
        font.name: font.fname
        for font in fontManager.ttflist
        if font.style == "normal"
        and font.weight == 400
        and not font.fname.startswith(
            mpl.get_data_path()
        )  # matplotlib's symbol fonts reuse the codes of letters
        and "lastresort" not in font.name.replace(" ", "").lower()  # draws a box for every letter
    }
    return sorted(fonts.items(), key=lambda font: (_rank(font[0]), font[0]))


def _rank(family: str) -> int:
    return next((rank for rank, start in enumerate(PREFERRED) if family.startswith(start)), len(PREFERRED))


@cache
def _letters(path: str) -> frozenset[int]:
    try:
        return frozenset(get_font(path).get_charmap())
    except BROKEN:
        return frozenset()
