"""A check that the reference models trained: the poisoned model (do nothing) and the oracle."""

import pandas as pd

from unpoison.attack_kinds import AS_FOUND
from unpoison.levels import BASE_MODEL, REFERENCES
from unpoison.results import AGREEMENT

SHORTFALL = 0.1  # of training accuracy below the best comparable reference
ABOVE_CHANCE = 0.1  # of training accuracy
GROUP = ["study", "dataset", "poison", "attack", "training"]


def trained_references(results: pd.DataFrame) -> pd.DataFrame:
    """Return one row for each reference model, with its accuracy on clean training rows and whether it trained.

    The accuracy is the mean over classes of `retained_accuracy`, so a network that knows only the largest class
    reaches at most one half. A reference did not train if its accuracy lies within ABOVE_CHANCE of chance, or more
    than SHORTFALL below the best of its group. The oracle's group is all references of all seeds. The poisoned model's
    group is the poisoned models, since an attack may cost accuracy. A poisoned model far below chance did train: it
    has learned wrong labels, which are the majority.

    For data as found, whose clean rows are unknown, `given_label_agreement` replaces `retained_accuracy`.

    Args:
        results: the results table.
    """
    known = results["metric"] == "retained_accuracy"
    unknown = (results["metric"] == AGREEMENT) & (results["attack"] == AS_FOUND)
    rows = results[results["method"].isin(REFERENCES) & (known | unknown)]
    by_class = rows[rows["class_name"].notna()].groupby([*GROUP, "seed", "method"])["value"]
    table = by_class.agg(training_accuracy="mean", classes="size").reset_index()
    of_kind = table.groupby([*GROUP, "method"])["training_accuracy"].transform("max")
    of_all = table.groupby(GROUP)["training_accuracy"].transform("max")
    table["best"] = of_kind.where(table["method"] == "do_nothing", of_all)
    gain = table["training_accuracy"] - 1 / table["classes"]
    gain = gain.where(table["method"] == "oracle", gain.abs())
    # With a single class of clean rows chance is also right: all rows of the other classes are poisoned.
    learned = (gain >= ABOVE_CHANCE) | (table["classes"] == 1)
    table["trained"] = learned & (table["training_accuracy"] >= table["best"] - SHORTFALL)
    return table.drop(columns="classes")


def untrained_models(results: pd.DataFrame) -> pd.DataFrame:
    """Return one row for each base model, with `untrained`: whether one of its reference models did not train.

    Args:
        results: the results table.
    """
    of_model = trained_references(results).groupby(["study", *BASE_MODEL], sort=False)["trained"]
    return (~of_model.all()).rename("untrained").reset_index()
