"""Outcomes implied by a bisection: a seed that is healed at one recall counts as healed at every higher one.

The recalls that a seed tries depend on its outcomes. So the seeds that tried a recall are a biased sample, and their
share of healed models says little. With the implied outcomes, every seed counts at every recall.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from unpoison.rounds import BISECT, Bisection

PLACE = ["dataset", "poison", "training", "chain", "method", "seed"]
# Columns that an implied outcome leaves empty, because its model was not run.
UNKNOWN = (
    "attack_success",
    "clean_accuracy",
    "survived",
    "healed_25",
    "healed_75",
    "broken",
    "undefined",
    "fdr",
)


def with_implied(outcomes: pd.DataFrame, rounds: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """Return the outcomes with a column `is_implied`, and with the outcomes implied by the bisections.

    Deletion sets of a higher recall contain those of a lower one. Classes of a bisected study are left out: the next
    recall does not depend on single classes.

    Args:
        outcomes: the table of outcomes.
        rounds: the rule of each adaptive study (see `deciding.decisions`).
    """
    bisected = {study: asked for study, asked in rounds.items() if asked["rule"] == BISECT}
    is_bisected = outcomes["study"].isin(bisected)
    measured = outcomes[~is_bisected | outcomes["class_name"].isna()].assign(is_implied=False)
    implied = [
        line
        for study, asked in sorted(bisected.items())
        for line in _implied(measured[(measured["study"] == study) & measured["deletion"].notna()], asked)
    ]
    if not implied:
        return measured
    added = pd.DataFrame(implied, columns=list(measured.columns)).astype(measured.dtypes.to_dict())
    return pd.concat([measured, added], ignore_index=True)


def by_chain(measured: pd.DataFrame, chains: Mapping[str, Any]) -> Iterator[tuple[Any, pd.DataFrame]]:
    """Yield the outcomes of each bisection of a seed with its place, and the recall of each as the column `asked`.

    Args:
        chains: for each deletion set the name of its chain, and its recall; other sets are left out.
    """
    told = measured[measured["deletion"].isin(chains)]
    places = told["deletion"].map(chains)
    yield from told.assign(chain=places.str[0], asked=places.str[1]).groupby(PLACE, sort=True)


def known(rows: pd.DataFrame) -> list[bool | None]:
    """Return whether each model is healed, None without an outcome."""
    return [None if pd.isna(outcome) else bool(outcome) for outcome in rows["healed"]]


def _implied(measured: pd.DataFrame, asked: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield rows for the recalls that each chain did not try and whose outcomes are implied."""
    rule, chains = Bisection(**asked["options"]), asked["chains"]
    names = {(chain, recall): name for name, (chain, recall) in chains.items()}
    for (*_, chain, _, _), rows in by_chain(measured, chains):
        found = rule.follow(dict(zip(rows["asked"], known(rows), strict=True)))
        template = {str(key): value for key, value in rows.iloc[0].items() if key not in ("chain", "asked")}
        for recall in sorted(set(rule.values()) - set(rows["asked"])):
            is_above = found.high is not None and recall >= found.high
            if is_above or (found.low is not None and recall <= found.low):
                yield {
                    **dict.fromkeys(template),
                    **{key: template[key] for key in template if key not in UNKNOWN},
                    **{"deletion": names[chain, recall], "deletion.recall": recall, "recall": recall},
                    **{"healed": is_above, "is_implied": True},
                }
