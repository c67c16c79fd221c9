"""Figures of gains in points: their numbers, their intervals, and all classes visible."""

import numpy as np
import pandas as pd
import pytest
import studies
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from unpoison.drawing.gains import gains
from unpoison.errors import UserError
from unpoison.plots import false_positives, imbalance

RATIOS, SHARES = [0.2, 1.0], [0.1, 0.9]


def paired(seeds: int = 3, robust: str = "adversarial_accuracy", **vary: list[float]) -> pd.DataFrame:
    """Return paired results; each seed leaves a tenth more of the attack: gains of 80, 72, 64 ... points."""
    return over_false_alarms(seeds, robust, **vary)[0]


def over_false_alarms(
    seeds: int = 3, robust: str = "adversarial_accuracy", **vary: list[float]
) -> list[pd.DataFrame]:
    """Return the tables that the false alarm figure receives; every deletion set has recall 1."""
    keys = {name.replace("__", "."): values for name, values in vary.items()}
    whole = studies.results(
        keys,
        methods=("retrain", "finetune"),
        seeds=seeds,
        robust=robust,
        attack_left=lambda _m, _k, seed: seed / 10,
    )
    return studies.tables(whole, false_positives.TABLES)


def of_imbalance(**more) -> pd.DataFrame:
    return paired(dataset__keep__cat=RATIOS, **more)


def drawn(axes: Axes) -> dict[str, list[float]]:
    return {
        part.get_label(): np.asarray(part[0].get_ydata(), float).round(6).tolist() for part in axes.containers
    }


def imbalanced(**more) -> Figure:
    keys = {"dataset.keep.cat": RATIOS, "dataset.share.cat": SHARES}
    whole = studies.results(
        keys, methods=("retrain", "finetune"), attack_left=lambda _m, _k, seed: seed / 10, **more
    )
    [table] = studies.tables(whole, ["paired"])
    return imbalance.plot(table, share="dataset.share.cat")


def test_gains_are_points_over_doing_nothing_whichever_way_the_pair_stands() -> None:
    table = gains(paired(deletion__fpr=[0.0]))
    robust = table[(table["metric"] == "adversarial_accuracy") & table["class_name"].isna()].set_index(
        "method"
    )
    assert robust["gain"].round(6).to_dict() == {"finetune": 72.0, "retrain": 72.0, "oracle": 80.0}
    half = 4.302653 * 8 / 3**0.5
    assert robust.loc["retrain", ["low", "high"]].tolist() == pytest.approx([72 - half, 72 + half], abs=1e-4)


def test_two_seeds_are_their_two_values() -> None:
    table = gains(paired(seeds=2, deletion__fpr=[0.0]))
    robust = table[(table["metric"] == "adversarial_accuracy") & table["class_name"].isna()].set_index(
        "method"
    )
    assert robust.loc["retrain", ["low", "gain", "high"]].tolist() == pytest.approx([72, 76, 80])


def test_a_table_without_doing_nothing_is_refused() -> None:
    table = paired(deletion__fpr=[0.0])
    alone = table[(table["method"] != "do_nothing") & (table["other"] != "do_nothing")]
    with pytest.raises(UserError, match="found no model that is compared with do_nothing"):
        gains(alone)


def test_imbalance_shows_all_classes_the_small_one_and_the_others() -> None:
    figure = imbalanced()
    labels = [axes.get_ylabel().replace("\n", " ") for axes in figure.axes[::2]]
    robust = "adversarial test accuracy"
    assert labels == ["clean test accuracy", robust, f"{robust}, cats", f"{robust}, dogs"]
    assert drawn(figure.axes[2])["EU (retrain)"] == [72.0, 72.0]


def test_imbalance_joins_no_two_ratios() -> None:
    for axes in imbalanced().axes:
        assert {part[0].get_linestyle() for part in axes.containers} == {"None"}


def test_differences_are_labelled_as_signed_points() -> None:
    figure = imbalanced()
    figure.draw_without_rendering()
    assert figure.get_supylabel() == "points gained over doing nothing"
    labels = [label.get_text() for label in figure.axes[2].get_yticklabels()]
    assert "+50" in labels
    assert not any("%" in label for label in labels)


def test_false_alarms_have_a_column_for_each_reading_and_share_cf_0() -> None:
    fprs, fdrs = over_false_alarms(deletion__fpr=[0.0, 0.2, 0.4]), over_false_alarms(deletion__fdr=[0.3])
    pairs = zip(fprs, fdrs, strict=True)
    figure = false_positives.plot(*(pd.concat([a.assign(study="a"), b.assign(study="b")]) for a, b in pairs))
    fdr, fpr = figure.axes[:2]
    assert len(drawn(fpr)["EU (retrain)"]) == 3
    [eu] = [part[0] for part in fdr.containers if part.get_label() == "EU (retrain)"]
    assert np.asarray(eu.get_xdata(), float).round(1).tolist() == [0.0, 0.3]


def test_false_alarms_that_displace_poisons_have_a_column_of_their_own() -> None:
    on_top = [table.assign(study="on_top") for table in over_false_alarms(deletion__fdr=[0.0, 0.4])]
    instead = [table.assign(study="instead") for table in over_false_alarms(deletion__fdr=[0.2, 0.4])]
    instead[1]["recall"] = 1 - instead[1]["deletion.fdr"]
    figure = false_positives.plot(*(pd.concat(pair) for pair in zip(on_top, instead, strict=True)))
    first, second, *_ = figure.axes
    assert [axes.get_xlabel().split(";")[1].strip() for axes in figure.axes[2:]] == [
        "a false alarm displaces a poison",
        "a false alarm comes on top",
    ]
    for axes, places in ((first, [0.2, 0.4]), (second, [0.0, 0.4])):
        [eu] = [part[0] for part in axes.containers if part.get_label() == "EU (retrain)"]
        assert np.asarray(eu.get_xdata(), float).round(1).tolist() == places


def test_a_model_without_a_deletion_set_is_a_line_across_with_one_interval() -> None:
    fpr, *_ = false_positives.plot(*over_false_alarms(deletion__fpr=[0.0, 0.2, 0.4])).axes
    assert len(drawn(fpr)["oracle"]) == 1
    assert [0.0, 0.4] in [list(line.get_xdata()) for line in fpr.lines if line.get_linestyle() == ":"]


@pytest.mark.parametrize(
    ("robust", "label"),
    [
        ("adversarial_accuracy", "adversarial test accuracy"),
        ("confused_accuracy", "accuracy on the confused classes (no trigger)"),
        ("corrected_accuracy", "accuracy on the mislabelled rows (no trigger)"),
    ],
)
def test_what_an_attack_without_a_trigger_is_judged_by_is_named(robust: str, label: str) -> None:
    for figure in (
        imbalanced(robust=robust),
        false_positives.plot(*over_false_alarms(robust=robust, deletion__fpr=[0.0, 0.2])),
    ):
        assert label in {axes.get_ylabel().replace("\n", " ") for axes in figure.axes}
