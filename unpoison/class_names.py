"""Class names that a person can tell apart."""

import unicodedata
from collections.abc import Iterable, Sequence, Set

from unpoison.errors import UserError

# Letters and symbols without a visible shape: Hangul fillers and the blank Braille pattern.
BLANK_LETTERS = "\u115f\u1160\u3164\uffa0\u2800"


def composed(name: str) -> str:
    """Return the name in composed Unicode (NFC), as keyboards type it; macOS file systems decompose names."""
    return unicodedata.normalize("NFC", name)


def named_classes(names: Sequence[str]) -> tuple[str, ...]:
    """Return the names of two classes or more, in the order of their labels.

    Raises:
        UserError: for a collection without order or length, fewer than two names, and names that
            `check_class_names` refuses.
    """
    is_ordered = hasattr(names, "__len__") and not isinstance(names, str | Set)
    if not is_ordered or len(names) < 2:
        raise UserError(f"class_names: found {names!r}, allowed: two names or more, in the order of labels")
    check_class_names(names)
    return tuple(names)


def check_class_names(names: Iterable[object]) -> None:
    """Refuse class names that cannot be read, or that look the same.

    Raises:
        UserError: for a name that is blank or not printable, one that occurs twice, and two names that
            differ only by blanks or by how Unicode composes their letters.
    """
    first: dict[str, str] = {}
    for name in names:
        if not isinstance(name, str) or not name.isprintable() or is_blank(name):
            raise UserError(f"found the class name {name!r}, allowed: printable text that is not blank")
        look = " ".join(composed(name).split())
        if look not in first:
            first[look] = name
        elif first[look] == name:
            raise UserError(f"found the class name {name!r} twice, allowed: each once")
        else:
            raise UserError(
                f"found the class names {first[look]!a} and {name!a}, which look the same; rename one of them"
            )


def is_blank(name: str) -> bool:
    """Return whether a name is invisible: blanks, combining marks on nothing, and letters without a shape."""
    return all(
        letter in BLANK_LETTERS or unicodedata.category(letter) in ("Zs", "Zl", "Zp", "Cc", "Cf", "Mn")
        for letter in name
    )
