"""The table of slopes: the change of healing and clean accuracy with recall and false alarms, pooled over settings."""

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from unpoison.columns import TABLES
from unpoison.results import CLEAN, ENOUGH

# Requested shares of a deletion set. The first one that a study varies has a slope for each method in the logistic
# model; the others have one slope for all methods.
KEYS = ("deletion.recall", "deletion.fpr", "deletion.fdr")
FALSE_ALARMS = KEYS[1:]
PLACE = ["study", "dataset", "poison", "training"]
# Standard deviation of the normal prior of each coefficient, in log-odds per unit. A threshold in recall with
# a spread of 0.12 between seeds is a slope of about 15. The seeds' standard deviation has the library's prior.
PRIOR = 10.0
LOGISTIC = "logistic, random intercept of the seed"
LINEAR = {
    True: "linear, random intercept and slope of the seed",
    False: "linear, random intercept of the seed",
}
UNFITTED = "the model did not converge"
NULL = {"slope": float("nan"), "low": float("nan"), "high": float("nan")}


def slopes(results: pd.DataFrame, outcomes: pd.DataFrame) -> pd.DataFrame:
    """Return the slopes of each study that varies recall, FPR or FDR of one deletion set and has five seeds or more.

    healed: logistic regression on the first key x method and the other keys, with a random intercept of the seed, by
    variational Bayes. The joint mode of `fit_map` sets the seeds' variance to zero. clean_accuracy: linear regression
    for each method on all keys, with a random intercept and a random slope of the seed, by restricted maximum
    likelihood; without the random slope if that does not converge. Both intervals are estimate -+ t(seeds - 1) standard
    deviations, since the variational posterior is too narrow for the normal quantile.

    In simulations with 5 to 20 seeds (120 studies each), the nominal 95 % interval of healed covers 84 to 98 % of the
    slopes in recall. So it is approximate. That of clean accuracy covers 94 % or more (5 seeds, 200 studies).

    Args:
        results: the results table.
        outcomes: the table of outcomes.
    """
    lines: list[dict[str, Any]] = []
    clean = results[results["metric"] == CLEAN]
    for rows, told in ((outcomes, healed_slopes), (clean, clean_slopes)):
        for place, group, keys in _groups(rows):
            lines += [{**place, **line} for line in told(group, keys)]
    columns = TABLES["slopes"].columns
    table = pd.DataFrame(lines, columns=list(columns))
    return table.astype({name: column.dtype for name, column in columns.items()})


def _groups(rows: pd.DataFrame) -> Iterator[tuple[dict[str, Any], pd.DataFrame, list[str]]]:
    """Yield the models with a deletion set of each place that has enough seeds, and the keys that vary there."""
    rows = rows[rows["deletion"].notna() & rows["class_name"].isna()]
    for place, group in rows.groupby(PLACE, sort=False):
        varied = [
            name for name in group.columns if name.startswith("deletion.") and group[name].nunique() > 1
        ]
        is_one = group["deletion"].str.split("@").str[0].nunique() == 1
        if varied and is_one and set(varied) <= set(KEYS) and group["seed"].nunique() >= ENOUGH:
            told = group.astype(dict.fromkeys(varied, "float64") | {"method": "object"})
            yield dict(zip(PLACE, place, strict=True)), told, [key for key in KEYS if key in varied]


def healed_slopes(group: pd.DataFrame, keys: list[str]) -> Iterator[dict[str, Any]]:
    """Yield the slopes of log-odds: of the first key for each method, of every other key for all methods together.

    Args:
        group: outcomes of one place.
        keys: those that vary.
    """
    group = group[group["healed"].notna()]
    first, *others = keys
    base = {"metric": "healed", "model": LOGISTIC, "n": group["seed"].nunique()}
    reasons = {str(method): _separation(rows, first) for method, rows in group.groupby("method", sort=True)}
    told = [method for method, reason in reasons.items() if reason is None]
    fitted = group[group["method"].isin(told)]
    found = _logistic(fitted, told, first, others) if told else None
    columns: list[tuple[str | None, str]] = [
        *((method, first) for method in reasons),
        *((None, key) for key in others),
    ]
    for method, key in columns:
        reason = reasons.get(method) if method is not None else None
        if found is None:
            reason = reason or (
                UNFITTED if told else "no method has both healed and other models to tell a slope"
            )
        ends = NULL if reason or found is None else found[method, key]
        yield {**base, "method": method, "key": key, **ends, "reason": reason}


def _separation(rows: pd.DataFrame, key: str) -> str | None:
    """Return the reason for a missing slope: healed and other models do not overlap along the key; None if they do."""
    is_healed = rows["healed"].astype(bool)
    if is_healed.all() or not is_healed.any():
        return f"{'every' if is_healed.all() else 'no'} model is healed"
    inside, outside = rows.loc[is_healed, key], rows.loc[~is_healed, key]
    if inside.min() >= outside.max() or inside.max() <= outside.min():
        return "separated: no value below the highest that fails heals, or the other way round"
    return None


def _logistic(
    rows: pd.DataFrame, methods: list[str], first: str, others: list[str]
) -> dict[tuple[str | None, str], dict[str, float]] | None:
    """Return the slopes of the logistic model by method and key, None if it did not converge."""
    from statsmodels.genmod.bayes_mixed_glm import BinomialBayesMixedGLM  # noqa: PLC0415 (a second to import)

    is_method = np.array([rows["method"] == method for method in methods], float).T  # (rows, methods)
    centred = rows[[first, *others]].to_numpy() - rows[[first, *others]].to_numpy().mean(axis=0)
    exog = np.column_stack([is_method, is_method * centred[:, :1], centred[:, 1:]])
    seeds, place = np.unique(rows["seed"], return_inverse=True)
    endog, effects = rows["healed"].to_numpy(float), np.eye(len(seeds))[place]
    model = BinomialBayesMixedGLM(endog, exog, effects, np.zeros(len(seeds), int), fe_p=PRIOR)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            fit = model.fit_vb(rng=0)  # its starting point is random
        except np.linalg.LinAlgError:
            return None
        means, spreads = fit.fe_mean[len(methods) :], fit.fe_sd[len(methods) :]
    if not (fit.optim_retvals.success and np.isfinite(spreads).all()):
        return None
    names = [*((method, first) for method in methods), *((None, key) for key in others)]
    halves = stats.t.ppf(0.975, len(seeds) - 1) * spreads
    return {name: _ends(*pair) for name, *pair in zip(names, means, halves, strict=True)}


def _ends(slope: float, half: float) -> dict[str, float]:
    return {"slope": float(slope), "low": float(slope - half), "high": float(slope + half)}


def clean_slopes(group: pd.DataFrame, keys: list[str]) -> Iterator[dict[str, Any]]:
    """Yield the slope of clean accuracy in the share of false alarms for each method.

    Args:
        group: clean accuracies of one place.
        keys: those that vary; without FPR and FDR there is no slope.
    """
    for key in (key for key in keys if key in FALSE_ALARMS):
        for method, rows in group.groupby("method", sort=True):
            seeds = rows["seed"].nunique()
            base = {"metric": CLEAN, "method": method, "key": key, "n": seeds}
            fits = ((_linear(rows, keys, key, is_sloped), is_sloped) for is_sloped in (True, False))
            found = next(((fit, is_sloped) for fit, is_sloped in fits if fit is not None), None)
            if found is None or seeds < ENOUGH:
                reason = "fewer than five seeds" if seeds < ENOUGH else UNFITTED
                yield {**base, **NULL, "model": LINEAR[True], "reason": reason}
                continue
            (slope, error), is_sloped = found
            ends = _ends(slope, stats.t.ppf(0.975, seeds - 1) * error)
            yield {**base, **ends, "model": LINEAR[is_sloped], "reason": None}


def _linear(rows: pd.DataFrame, keys: list[str], key: str, is_sloped: bool) -> tuple[float, float] | None:
    """Return the slope of a key and its standard error, None if the model did not converge."""
    from statsmodels.regression.mixed_linear_model import MixedLM  # noqa: PLC0415 (a second to import)

    ordered = [key, *(other for other in keys if other != key and rows[other].nunique() > 1)]
    values = rows[ordered].to_numpy()
    spreads = values.std(axis=0)
    if not spreads.all():
        return None
    scaled = np.column_stack([np.ones(len(rows)), (values - values.mean(axis=0)) / spreads])
    accuracies = 100 * rows["value"].to_numpy()  # the optimiser works best for values near 1
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            fit = MixedLM(
                accuracies, scaled, rows["seed"].to_numpy(), exog_re=scaled[:, :2] if is_sloped else None
            ).fit()
            slope, error = fit.fe_params[1], fit.bse_fe[1]
        except np.linalg.LinAlgError:
            return None
    if not fit.converged or not np.isfinite([slope, error]).all() or error == 0:
        return None
    return float(slope / spreads[0] / 100), float(error / spreads[0] / 100)
