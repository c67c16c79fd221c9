"""Find the poisoned rows of a training set, repair the model that was trained on them, and measure the repair."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from unpoison.api import measure, repair, score, train
    from unpoison.contracts.evidence import Evidence
    from unpoison.contracts.judged import Judged
    from unpoison.contracts.poisoning import Poisoning
    from unpoison.contracts.request import Request
    from unpoison.contracts.scores import Scores
    from unpoison.contracts.verification import Verification
    from unpoison.data import Data
    from unpoison.detectors import DETECTORS
    from unpoison.errors import UserError
    from unpoison.loading import load_data
    from unpoison.metrics import METRICS
    from unpoison.models import MODELS
    from unpoison.planting import poison
    from unpoison.poisons import POISONS
    from unpoison.probes import PROBES
    from unpoison.recipes import RECIPES, Recipe
    from unpoison.registration import register
    from unpoison.unlearning import METHODS
    from unpoison.verifying import verify
    from unpoison.weights import load_model, save_model
    from unpoison.wrapping import wrap_model

__version__ = "0.1.0"
HOMES = {
    "api": ("train", "score", "repair", "measure"),
    "contracts.evidence": ("Evidence",),
    "contracts.judged": ("Judged",),
    "contracts.poisoning": ("Poisoning",),
    "contracts.request": ("Request",),
    "contracts.scores": ("Scores",),
    "data": ("Data",),
    "detectors": ("DETECTORS",),
    "errors": ("UserError",),
    "loading": ("load_data",),
    "metrics": ("METRICS",),
    "models": ("MODELS",),
    "planting": ("poison",),
    "poisons": ("POISONS",),
    "probes": ("PROBES",),
    "recipes": ("RECIPES", "Recipe"),
    "unlearning": ("METHODS",),
    "registration": ("register",),
    "contracts.verification": ("Verification",),
    "verifying": ("verify",),
    "weights": ("load_model", "save_model"),
    "wrapping": ("wrap_model",),
}
_HOME_OF = {name: home for home, names in HOMES.items() for name in names}
__all__ = [
    "DETECTORS",
    "METHODS",
    "METRICS",
    "MODELS",
    "POISONS",
    "PROBES",
    "RECIPES",
    "Data",
    "Evidence",
    "Judged",
    "Poisoning",
    "Recipe",
    "Request",
    "Scores",
    "UserError",
    "Verification",
    "load_data",
    "load_model",
    "measure",
    "poison",
    "register",
    "repair",
    "save_model",
    "score",
    "train",
    "verify",
    "wrap_model",
]


def __getattr__(name: str) -> Any:
    # Late, so that a job that only moves tables does not pay two CPU seconds for `import torch`.
    if name in _HOME_OF:
        return getattr(import_module(f"unpoison.{_HOME_OF[name]}"), name)
    raise AttributeError(f"module 'unpoison' has no attribute '{name}'")


def __dir__() -> list[str]:
    return __all__
