"""Sentences that describe a study's measurements, computed from the tables; its claims: `unpoison.report.planned`."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from unpoison.attack_kinds import AS_FOUND, WITHOUT_ORACLE
from unpoison.levels import REFERENCES
from unpoison.report.known import model_of
from unpoison.report.words import Finding, capital, interval, per_cent, points, prose_of, seeds, setting, span
from unpoison.results import ENOUGH, judged_by
from unpoison.statistics import varied_keys

SIGNIFICANT = 0.05
# Names of metrics within the sentences.
TESTS = {
    "adversarial_accuracy": "on the adversarial test",
    "confused_accuracy": "on the confused classes",
    "corrected_accuracy": "on the poisoned training rows",
    "clean_accuracy": "on the clean test",
    "given_label_agreement": "in agreement with the given labels",
}
MOST = 4  # comparisons with a sentence, for each metric; the table has all
Verdict = Literal["better", "worse", "open", "few"]


@dataclass(frozen=True)
class Difference:
    """The difference between two methods in one setting of a study, in shares; positive if the first is better."""

    where: str
    value: float
    low: float
    high: float
    n: int
    p_adjusted: float

    @property
    def verdict(self) -> Verdict:
        """Better or worse only if the interval excludes zero and the corrected test agrees.

        It describes the data. Only planned contrasts are claims.
        """
        if self.n < ENOUGH:
            return "few"
        holds_zero = self.low <= 0 <= self.high
        if holds_zero or self.p_adjusted >= SIGNIFICANT:  # false for nan, which means equal differences
            return "open"
        return "better" if self.value > 0 else "worse"


def untrained(references: pd.DataFrame) -> Iterator[Finding]:
    """Yield the reference models of one study that did not train, from its rows of the references table."""
    for row in references[~references["trained"]].to_dict("records"):
        model = {"do_nothing": capital(model_of(row["attack"])), "oracle": "The oracle"}[row["method"]]
        by = (
            "agreement with the given labels"
            if row["attack"] == AS_FOUND
            else "accuracy on clean training rows"
        )
        reached, best = (
            f"{per_cent(row[name])}\N{NO-BREAK SPACE}%" for name in ("training_accuracy", "best")
        )
        yield Finding(
            "untrained",
            f"{model} of seed {row['seed']} ({row['dataset']}, {row['poison']}) did not train: its {by} "
            f"is {reached}, that of the best comparable model {best}. "
            "Means and differences that include it are not reliable.",
        )


def idle(summary: pd.DataFrame) -> Iterator[Finding]:
    """Yield the methods that changed no weight, with the settings, from the rows of one study in the summary.

    Empty deletion sets are reported separately, since no method can act on them.
    """
    cells = summary.drop_duplicates(["dataset", "poison", "training", "deletion", "method"])
    cells = cells.assign(**{"deletion set": cells["deletion"].str.split("@").str[0]})
    named = ["deletion set"] if cells["deletion set"].nunique() > 1 else []
    keys = [*named, *varied_keys(summary)]
    cells = cells[cells["did_nothing"].fillna(0).gt(0) & ~cells["method"].isin(REFERENCES)]
    is_empty = cells["deletion"].notna() & cells["recall"].fillna(0).eq(0) & cells["fpr"].eq(0)
    places = list(dict.fromkeys(_places(cells[is_empty], keys)))
    if places:
        where = f" ({_listed(places)})" if any(places) else ""
        yield Finding(
            "idle", f"Nothing was flagged in any seed{where}: every method returns the model unchanged there."
        )
    for method, rows in cells[~is_empty].groupby("method", sort=False):
        told = [
            f"{found} of {n} {seeds(n)}" + (f" at {place}" if place else "")
            for place, found, n in zip(_places(rows, keys), rows["did_nothing"], rows["n"], strict=True)
        ]
        yield Finding(
            "idle",
            f"{capital(prose_of(str(method)))} changed no weight in {_listed(told)}. "
            "Its results there are those of the unrepaired model. With other options it may change the model.",
        )


def _places(cells: pd.DataFrame, keys: list[str]) -> list[str]:
    """Return the setting of each cell in words."""
    return [setting(dict(zip(keys, row, strict=True))) for row in cells[keys].itertuples(index=False)]


def _listed(told: list[str]) -> str:
    """Return the first few texts, and the number of the others."""
    more = f" and in {len(told) - MOST} further settings" if len(told) > MOST else ""
    return "; ".join(told[:MOST]) + more


def findings(summary: pd.DataFrame, paired: pd.DataFrame) -> list[Finding]:
    """Return the findings of one study, from its own rows of both tables."""
    whole = summary[summary["class_name"].isna()]
    pairs = paired[paired["class_name"].isna()]
    metrics = judged_by(whole)
    found = list(_damage(whole, metrics))
    for metric in metrics:
        found += _comparisons(pairs[pairs["metric"] == metric], whole[whole["metric"] == metric], metric)
    return found + list(_costs(whole))


def _damage(whole: pd.DataFrame, metrics: list[str]) -> Iterator[Finding]:
    """Yield the scores of the unrepaired model and of the oracle, as a sentence."""
    means = {
        method: {metric: span(rows["mean"]) for metric, rows in of_method.groupby("metric", sort=False)}
        for method, of_method in whole[whole["metric"].isin(metrics)].groupby("method", sort=False)
    }
    if not metrics:
        return
    attack = str(whole["attack"].iloc[0])
    references = [name for name in REFERENCES if name != "oracle" or attack not in WITHOUT_ORACLE]
    if not set(references) <= set(means):
        return
    told = [
        " and ".join(f"{means[method][metric]}\N{NO-BREAK SPACE}% {TESTS[metric]}" for metric in metrics)
        for method in references
    ]
    oracle = "; the oracle, trained on the clean rows alone, "
    yield Finding("measured", f"Without repair, {model_of(attack)} scores {oracle.join(told)}.")


def _comparisons(pairs: pd.DataFrame, whole: pd.DataFrame, metric: str) -> Iterator[Finding]:
    """Yield comparisons of the method with the best mean against the next ones and against doing nothing."""
    methods = whole[~whole["method"].isin(REFERENCES)]
    if whole["higher_is_better"].isna().any():  # a difference is then neither better nor worse
        return
    better = bool(whole["higher_is_better"].iloc[0])
    means = methods.groupby("method")["mean"].mean().sort_values(ascending=not better, kind="stable")
    ranked = means.index.tolist()
    if not ranked:
        return
    leader, *others = ranked
    for other in [*others[:MOST], "do_nothing"]:
        differences = list(_differences(pairs, leader, other, better))
        if differences:
            yield Finding(*_worded(prose_of(leader), prose_of(other), TESTS[metric], differences))
    if len(others) > MOST:
        yield Finding(
            "measured", f"{len(others) - MOST} further methods {TESTS[metric]}: see the comparisons."
        )


def _costs(whole: pd.DataFrame) -> Iterator[Finding]:
    """Yield the costs of the cheapest and of the most expensive method, as a sentence."""
    methods = whole[~whole["method"].isin(REFERENCES)]
    means = methods.pivot_table(index="method", columns="metric", values="mean")
    if not {"image_passes", "unlearning_seconds"} <= set(means):
        return
    ranked = means.sort_values("image_passes", kind="stable")
    told = [
        f"{passes:,.0f} image passes and {seconds:,.1f} s ({prose_of(str(method))})"
        for method, passes, seconds in ranked[["image_passes", "unlearning_seconds"]].itertuples()
    ]
    ends = f"from {told[0]} to {told[-1]}" if len(told) > 1 else told[0]
    yield Finding("measured", f"A repair takes {ends}, on average.")


def _differences(pairs: pd.DataFrame, method: str, other: str, better: bool) -> Iterator[Difference]:
    varied = [key for key in pairs.columns if "." in key]
    for first, second, sign in ((method, other, 1), (other, method, -1)):
        rows = pairs[(pairs["method"] == first) & (pairs["other"] == second)]
        told = _settings(rows, varied)
        turn = sign if better else -sign
        for where, row in zip(told, rows.to_dict("records"), strict=True):
            low, high = sorted([turn * row["ci_low"], turn * row["ci_high"]])
            yield Difference(where, turn * row["difference"], low, high, row["n"], row["p_adjusted"])


def _settings(rows: pd.DataFrame, varied: list[str]) -> list[str]:
    """Return the setting of each row: its varied keys, and the deletion set's name if these are not unique."""
    told = [setting(dict(zip(varied, row, strict=True))) for row in rows[varied].itertuples(index=False)]
    if len(set(told)) == len(told):
        return told
    names = rows["deletion"].fillna("no deletion set")
    return [f"{text}, {name}".removeprefix(", ") for text, name in zip(told, names, strict=True)]


def _worded(method: str, other: str, test: str, found: list[Difference]) -> tuple[Any, str]:
    """Return the kind and text of a finding on two methods over all settings of a study."""
    of = {
        kind: [each for each in found if each.verdict == kind] for kind in ("better", "worse", "open", "few")
    }
    if len(of["few"]) == len(found):
        return "few", _too_few(method, other, test, found)
    said = [
        _ahead(first, second, test, of[kind], len(found))
        for first, second, kind in ((method, other, "better"), (other, method, "worse"))
        if of[kind]
    ]
    if not said:
        where = "" if len(found) == 1 else f" in any of the {len(found)} settings"
        text = f"{method} and {other} cannot be told apart {test}{where}: {_why_open(of['open'])}."
        return "open", capital(text)
    if of["open"]:
        said.append(
            f"In {_count(len(of['open']), len(found))} no difference is shown: {_why_open(of['open'])}."
        )
    if of["few"]:
        said.append(f"In {_count(len(of['few']), len(found))} there are too few seeds to tell.")
    return "measured", " ".join(capital(text) for text in said)


def _ahead(method: str, other: str, test: str, found: list[Difference], settings: int) -> str:
    most = max(found, key=lambda each: abs(each.value))
    ends = sorted([abs(most.low), abs(most.high)])
    amount = f"{points(abs(most.value))} points {interval(*ends)}"
    at = f" at {most.where}" if most.where else ""
    if len(found) == 1:
        return f"{method} is ahead of {other} by {amount} {test}{at} ({most.n} seeds)."
    gains = span([abs(each.value) for each in found], points)
    return (
        f"{method} is ahead of {other} {test} in {_share(len(found), settings)}, by {gains} points; "
        f"most{at}: {amount} ({most.n} seeds)."
    )


def _too_few(method: str, other: str, test: str, found: list[Difference]) -> str:
    """Return a sentence on the difference of the means, for a list of findings with too few seeds for a test."""
    if len(found) == 1:
        value, n = found[0].value, found[0].n
        side = "above" if value > 0 else "below"
        amount = f"{points(abs(value))} points {side} {other}" if value else f"level with {other}"
        return capital(f"{method} is {amount} {test} (mean of {n} {seeds(n)}).")
    ahead = [each for each in found if each.value > 0]
    n = max(each.n for each in found)
    if not ahead:
        return capital(f"{method} is ahead of {other} {test} in none of {len(found)} settings.")
    where, gains = _share(len(ahead), len(found)), span([each.value for each in ahead], points)
    if len(ahead) == 1:
        where += f" ({ahead[0].where})"
    return capital(
        f"{method} is ahead of {other} {test} in {where}, by {gains} points (means of {n} {seeds(n)})."
    )


def _share(part: int, settings: int) -> str:
    if part < settings:
        return f"{part} of {settings} settings"
    return "both settings" if settings == 2 else f"all {settings} settings"


def _why_open(found: list[Difference]) -> str:
    if all(each.low <= 0 <= each.high for each in found):
        return "the interval holds zero"
    return "the interval holds zero, or the test is not significant once corrected for all comparisons"


def _count(part: int, settings: int) -> str:
    return f"{part} of the {settings} settings"
