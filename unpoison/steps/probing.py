"""The answers of a model after a probe has changed a copy of it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from unpoison.answers import Answers
from unpoison.asking import ask
from unpoison.contracts.request import Request
from unpoison.data import Data
from unpoison.networks import Classifier
from unpoison.probes import PROBES
from unpoison.steps.repairing import run_method


def ask_probed(
    data: Data, model: Classifier, request: Request, probe: str, options: Mapping[str, Any]
) -> Answers:
    """Return a probed copy's answers to the questions that the model itself is asked.

    The passes of the probe do not count as a cost: it measures, and repairs nothing.

    Args:
        model: the repaired model, which stays as it is.
        request: what the method was given.

    Raises:
        UserError: for a probe that returns something other than a network, or weights that are not finite.
    """
    given = replace(request, model=model)
    probed, _ = run_method(PROBES[probe], given, options, needs=("retain",))
    return ask(data, probed, request.precision)
