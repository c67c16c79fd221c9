"""Made-up results of studies, and the tables that figures receive of them."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

import pandas as pd

from unpoison.drawing.given import tables_for
from unpoison.drawing.looks import family_of
from unpoison.levels import IDENTITY, REFERENCES
from unpoison.tables import make_tables

REPAIRS = ("fine_pruning", "anp")
RATES = ("recall", "fpr", "fdr")
COSTS = {"forward_passes": 500.0, "image_passes": 1000.0, "unlearning_seconds": 2.0, "tuning_passes": 4000.0}
Place = tuple[str, str | None, str | None, dict[str, float]]  # study, deletion set, detector, varied keys


def results(
    vary: Mapping[str, Sequence[float]],
    *,
    methods: Sequence[str] = ("retrain", "finetune", "fine_pruning", "mine"),
    seeds: int = 3,
    detectors: Mapping[str, tuple[float, float]] | None = None,
    robust: str = "adversarial_accuracy",
    attack_left: Any = None,
) -> pd.DataFrame:
    """Return a results table over the product of varied keys, with every model of each seed.

    Args:
        detectors: recall and FPR of the deletion set of each detector, in the study `real`.
        robust: the metric that the attack is judged by.
        attack_left: (method, keys, seed) -> share of the attack that is left; by default 1 - recall.
    """
    left = attack_left or (lambda _method, keys, _seed: 1 - keys.get("deletion.recall", 1.0))
    lines: list[dict[str, Any]] = []
    for seed in range(seeds):
        for study, deletion, detector, keys in _places(vary, detectors or {}):
            of_base = {key: value for key, value in keys.items() if not key.startswith("deletion.")}
            for method in (*REFERENCES, *methods):
                alone = method in (*REFERENCES, *REPAIRS)
                told = of_base if alone else keys
                share = {"do_nothing": 1.0, "oracle": 0.0}.get(method)
                share = left(method, told, seed) if share is None else share
                identity = {
                    "study": study,
                    "dataset": f"d{sorted(of_base.items())}",
                    "poison": "p",
                    "attack": "planted",
                    "training": "t",
                    "seed": seed,
                    "deletion": None if alone else deletion,
                    "detector": None if alone else detector,
                    "method": method,
                    **(told if detector is None else {}),
                }
                for rate in RATES:
                    identity[rate] = None if alone else keys.get(f"deletion.{rate}", 0.0) + 0.01 * seed
                lines += _measured(
                    identity, share, robust, place=methods.index(method) if method in methods else 0
                )
    told_once = [*IDENTITY, "metric", "class_name"]
    table = pd.DataFrame(lines).drop_duplicates(told_once)
    keys = [key for key in vary if key not in table]
    return table.assign(size=10, **dict.fromkeys(keys)).astype(
        {
            "class_name": "string",
            "deletion": "string",
            "detector": "string",
            **dict.fromkeys(RATES, float),
        }
    )


def _places(
    vary: Mapping[str, Sequence[float]], detectors: Mapping[str, tuple[float, float]]
) -> Iterator[Place]:
    for values in product(*vary.values()):
        keys = dict(zip(vary, values, strict=True))
        of_deletion = {key: value for key, value in keys.items() if key.startswith("deletion.")}
        yield "s", f"found{sorted(of_deletion.items())}", None, keys
    for name, (recall, fpr) in detectors.items():
        yield (
            "real",
            f"of {name}",
            name,
            {"deletion.recall": recall, "deletion.fpr": fpr, "deletion.fdr": fpr},
        )


def _measured(identity: dict[str, Any], left: float, robust: str, place: int) -> Iterator[dict[str, Any]]:
    """Yield the metrics of one model; the attack succeeds on 10 to 90 % of the images."""
    success = 0.1 + 0.8 * left
    shares = {robust: 1 - success, "clean_accuracy": 0.8 - 0.01 * place, "retained_accuracy": 0.9}
    if robust == "adversarial_accuracy":
        shares["attack_success_rate"] = success
    costs = {name: value * 3**place for name, value in COSTS.items()}
    for metric, value in {**shares, **(costs if identity["method"] not in REFERENCES else {})}.items():
        told = {"unit": "share" if metric in shares else "images", "higher_is_better": metric not in costs}
        for name in (None, "cat", "dog") if metric in shares else (None,):
            yield {**identity, **told, "metric": metric, "class_name": name, "value": value}


def tables(whole: pd.DataFrame, names: Sequence[str], *studies: str) -> list[pd.DataFrame]:
    """Return the named tables as a figure of these studies receives them; by default of all studies."""
    made = {"results": whole, **make_tables(whole, {})}
    families = {name: family_of(name) for name in set(whole["method"]) - set(REFERENCES)}
    return tables_for([made[name] for name in names], studies or set(whole["study"]), families)
