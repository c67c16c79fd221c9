"""A user's plug-in file: its kind, the check of the parts that its kind needs, and its import."""

import re
import sys
import traceback
from dataclasses import dataclass
from importlib import import_module, invalidate_caches
from importlib.machinery import FileFinder, SourceFileLoader
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

from unpoison.errors import UserError
from unpoison.source_text import REQUIRED, constant, functions_of, given_arguments, keyword_options

PREFIX = "unpoison_plugins_"  # of the names given to users' modules; without a dot, so that pickle finds them
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,59}")  # as the config takes names


@dataclass(frozen=True)
class Kind:
    """The parts that a plug-in file of a kind must have.

    folder: of the shipped ones; given: the function's arguments before its options; functions, constants: those that it
    must have; texts: the constants that are texts; needs: names that `NEEDS` may hold; given_by: a constant that names
    the function's arguments, in place of `given`.
    """

    folder: str
    given: tuple[str, ...]
    functions: tuple[str, ...] = ()
    constants: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    given_by: str = ""


KINDS = {
    "unlearn": Kind("unlearning", ("request",), needs=("forget", "validation")),
    "score": Kind(
        "detectors",
        ("evidence",),
        constants=("NEEDS", "OWN_RULE"),
        needs=("validation", "triggered_examples"),
    ),
    "poison": Kind(
        "poisons", ("clean", "seed", "image_size"), functions=("plan", "stamp"), needs=("surrogate",)
    ),
    "network": Kind("models", ("classes", "image_size")),
    "read": Kind("datasets", ("folder", "image_size"), functions=("peek",)),
    "plot": Kind("plots", ("summary",), constants=("NEEDS",), given_by="TABLES"),
    "probe": Kind("probes", ("request",)),
    "measure": Kind(
        "metrics",
        ("judged",),
        constants=("UNIT", "HIGHER_IS_BETTER", "FORMULA", "SOURCE", "LABEL", "NEEDS"),
        texts=("UNIT", "FORMULA", "SOURCE", "LABEL"),
        needs=(
            *("training", "poisoned_training", "validation", "clean_test", "adversarial_test"),
            *("truth", "deletion", "detector", "cost", "weights_changed", "tuning_passes", "verification"),
        ),
    ),
}
SHIPPED = Path(__file__).parent


@dataclass(frozen=True)
class Registered:
    """A user's plug-in.

    root: the folder in which its own imports are found; package: the top package of an entry point's module, which
    holds all of the plug-in's own code; "" for a file of the user's folder. module: its name in `sys.modules`.
    """

    path: Path
    root: Path
    module: str
    package: str = ""

    def imported(self) -> ModuleType:
        """Return its module, imported on first use.

        Raises:
            UserError: for any error of its import, with the line of the file.
        """
        try:
            if self.package:
                return import_module(self.module)
            return sys.modules.get(self.module) or _executed(self.path, self.module)
        except Exception as error:
            lines = [
                frame.lineno for frame in traceback.extract_tb(error.__traceback__) if _is(frame, self.path)
            ]
            where = f"{self.path}, line {lines[-1]}" if lines else str(self.path)
            raise UserError(f"{where}: it cannot be imported: {type(error).__name__}: {error}") from error


def kind_of(path: Path, name: str) -> str:
    """Return the agreed function that a file defines, which is the kind of the plug-in.

    Args:
        name: of the plug-in in a config.

    Raises:
        UserError: for a file with none of these functions or with several, one that cannot be parsed, and one that
            lacks a part of its kind.
    """
    if not NAME.fullmatch(name):
        raise UserError(
            f"{path}: found the name {name!r}, allowed: letters, digits, _ and -, at most 60, no _ or - first"
        )
    defined = functions_of(path)
    found = [function for function in KINDS if function in defined]
    if len(found) != 1:
        said = " and ".join(found) or "none of the agreed functions"
        raise UserError(
            f"{path} is no plug-in: it defines {said}; allowed: one of {', '.join(KINDS)} (a file whose name begins "
            "with _ is a helper)"
        )
    _check_parts(path, found[0], defined)
    return found[0]


def _check_parts(path: Path, function: str, defined: list[str]) -> None:
    """Refuse a plug-in that lacks a part of its kind, or has a constant or a default that is not a literal."""
    kind = KINDS[function]
    absent = object()
    needs = constant(path, "NEEDS", absent)
    if needs is not absent and kind.needs and not (isinstance(needs, tuple) and {*needs} <= {*kind.needs}):
        raise UserError(f"{path}: found NEEDS = {needs!r}, allowed: a tuple of {', '.join(kind.needs)}")
    wanted = (*kind.functions, "perturb") if needs == ("surrogate",) else kind.functions
    missing = [name for name in wanted if name not in defined]
    missing += [name for name in kind.constants if constant(path, name, absent) is absent]
    if missing:
        raise UserError(f"{path} lacks {' and '.join(missing)}, which a file with {function} must have")
    given = constant(path, kind.given_by, kind.given) if kind.given_by else kind.given
    if not isinstance(given, tuple) or not all(isinstance(name, str) for name in given):
        raise UserError(f"{path}: found {kind.given_by} = {given!r}, allowed: a tuple of names")
    found = given_arguments(path, function)
    if len(found) != len(given):
        said, allowed = ", ".join(found), ", ".join(given)
        raise UserError(
            f"{path}: found {function}({said}, ...), allowed: {function}({allowed}, *, ...), options after the star"
        )
    for name in (function, *wanted):
        keyword_options(path, name)
    for name in kind.texts:
        text = constant(path, name)
        if not isinstance(text, str) or not text.strip() or "\n" in text:
            raise UserError(f"{path}: found {name} = {text!r}, allowed: a text of one line")
    if function == "measure":
        _check_metric(path)


def _check_metric(path: Path) -> None:
    """Refuse a metric with an invalid direction, a probe that is not a name, and options without a value."""
    better, each = constant(path, "HIGHER_IS_BETTER"), constant(path, "EACH", {})
    if better not in (True, False, None):
        raise UserError(f"{path}: found HIGHER_IS_BETTER = {better!r}, allowed: True, False, None (neither)")
    probe = constant(path, "PROBE", None)
    if not isinstance(probe, str | None):
        raise UserError(f"{path}: found PROBE = {probe!r}, allowed: the name of a probe")
    values = [value for found in each.values() for value in found] if isinstance(each, dict) else [each]
    options = keyword_options(path, "measure")
    if not set(map(type, values)) <= {int} or len(set(values)) < len(values) or set(each) - set(options):
        raise UserError(
            f"{path}: found EACH = {each!r}, allowed: an option of measure with integers, such as {{'attack': (1, 2)}}"
        )
    missing = [name for name, option in options.items() if option.default is REQUIRED and name not in each]
    if missing:
        raise UserError(
            f"{path}: the option {missing[0]} of measure has no value; allowed: a default, or EACH"
        )


class FromText(SourceFileLoader):
    """A loader that always compiles the file: Python's cache checks size and second, which an edit can leave equal."""

    def path_stats(self, path: str) -> dict[str, float]:
        """Raise OSError, so that no compiled file is read or written."""
        raise OSError


def make_importable(root: Path) -> bool:
    """Let the files of a folder be imported by their names, and return whether they could not be before."""
    place = str(root)
    is_new = place not in sys.path
    if is_new:
        sys.path.append(place)  # last: a file here hides no other module
        sys.path_importer_cache[place] = FileFinder(place, (FromText, [".py"]))
    invalidate_caches()
    return is_new


def _executed(path: Path, name: str) -> ModuleType:
    spec = spec_from_file_location(name, path, loader=FromText(name, str(path)))
    assert spec and spec.loader, f"{path} has a loader"
    module = module_from_spec(spec)
    sys.modules[name] = module  # before its code runs: dataclasses look their module up
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _is(frame: traceback.FrameSummary, path: Path) -> bool:
    return frame.filename == str(path)
