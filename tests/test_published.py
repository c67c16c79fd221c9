"""The published pages agree with the published tables."""

import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import yaml
from published import (
    CF,
    CLEAN,
    EU,
    PLANES,
    RESULTS,
    ROOT,
    STAMPED,
    below_eu,
    detected,
    exact,
    found,
    healed,
    healed_over_recall,
    interval,
    intervals_of,
    measured,
    passes,
    printed,
    seeds,
    table,
    text,
    weakened,
)

from docs import planes
from docs.measured import PAGES as MEASURED
from unpoison.drawing.looks import LOOKS

PAGES = sorted(RESULTS.glob("**/*.md"))


def config_of(name: str) -> dict:
    return yaml.safe_load((ROOT / "config" / f"{name}.yaml").read_text(encoding="utf-8"))


DETECTORS = {
    "Influence (shown 10 triggered images)": "influence",
    "frequency": "frequency",
    "activation clustering": "clustering",
}


def answers() -> Iterator[str]:
    """Yield the sentences of the answers page, with the numbers of the tables."""
    for method, words in ((EU, "EU healed {} of 15"), (CF, "CF healed {} of 15")):
        late, last = (sum(healed_over_recall(method, recall)) for recall in (0.9, 1.0))
        yield f"{words.format(late)} seeds at recall 0.9 and {last} of 15 at 1.0"
        yield f"shares {exact(late, 15)} and {exact(last, 15)}"
    for recall in (0.5, 0.9, 1.0):
        counts = healed_over_recall(EU, recall) + healed_over_recall(CF, recall)
        yield f"| {recall:g} | {' | '.join(f'{count} of 5' for count in counts)} |"
    yield f"{text(below_eu('npo'))} and {text(below_eu('random_labels'))} adversarial"
    run_alone, with_search = (passes("random_labels", tuning=tuning) for tuning in (False, True))
    yield f"{run_alone:.2f} of EU's image passes for a run, and {with_search:.2f} with the tuning"
    yield from (f"{name} {detected(deletion)} of 15 seeds" for name, deletion in DETECTORS.items())


EARLY = ["npo", "potion"]
NEAR = ["npo", "random_labels", "ssd", "bad_teacher"]


def front_page() -> Iterator[str]:
    """Yield the sentences of the README, with the numbers of the tables."""
    eu, cf = ([sum(healed_over_recall(method, recall)) for recall in (0.9, 1.0)] for method in (EU, CF))
    for method, counts in (("EU", eu), ("CF", cf)):
        yield f"{method} healed {counts[0]} of 15 seeds with 90 % found and {counts[1]} of 15 with all found"
    yield from (f"{name} {detected(deletion)} of 15" for name, deletion in DETECTORS.items())
    below = [float(printed(-below_eu(method).mean())) for method in NEAR]
    yield f"{min(below)} to {max(below)} points below EU"
    alone, searched = ([passes(method, tuning=tuning) for method in NEAR] for tuning in (False, True))
    yield f"at {min(alone):.2f} to {max(alone):.2f} of its passes, and {min(searched):.2f} to {max(searched):.2f} with"


def flat(page: Path) -> str:
    return " ".join(page.read_text().split())


@pytest.mark.parametrize("claim", [*answers()])
def test_the_answers_are_the_tables(claim: str) -> None:
    assert claim in flat(RESULTS / "README.md")


@pytest.mark.parametrize("claim", [*front_page()])
def test_the_front_page_is_the_tables(claim: str) -> None:
    assert claim in flat(ROOT / "README.md")


def test_the_methods_that_heal_at_recall_0_2_are_those_named() -> None:
    run, study, deletion = found(0.2)
    methods = measured(run).xs((study, deletion), level=("study", "deletion")).index.unique("method")
    assert sorted(name for name in methods if healed(run, study, name, deletion) == 3) == EARLY
    assert healed(run, study, EU, deletion) == 0
    assert all(healed(*found(0.9)[:2], name, found(0.9)[2]) == 3 for name in [*NEAR, EU])


FOUND = {"half found": 0.5, "90 % found": 0.9, "all found": 1.0}


@pytest.mark.parametrize(
    ("run", "methods", "fprs"),
    [
        ("plane", {"EU": EU, "CF": CF, "SSD": "ssd"}, (0.0, 0.05, 0.2, 0.4)),
        ("plane_catdog", {"EU": EU, "CF": CF}, (0.0, 0.1, 0.4)),
        ("plane_cifar10", {"EU": EU, "CF": CF}, (0.0, 0.4)),
    ],
)
def test_the_seeds_healed_over_the_plane_are_counted(
    run: str, methods: dict[str, str], fprs: tuple[float, ...]
) -> None:
    page = flat(RESULTS / run / "README.md")
    for (name, method), (words, recall) in product(methods.items(), FOUND.items()):
        counts = [weakened(run, "plane", method, f"drawn@fpr={fpr}@recall={recall}") for fpr in fprs]
        cells = [f"{whole} of 5, {broken} broken" if broken else f"{whole} of 5" for whole, broken in counts]
        assert f"| {name}, {words} | {' | '.join(cells)} |" in page


@pytest.mark.parametrize("page", planes.PAGES.tables, ids=lambda page: f"{page.parent.name}/{page.name}")
def test_the_tables_of_a_plane_are_those_of_the_script(page: Path) -> None:
    assert planes.PAGES.made(page) == page.read_text(encoding="utf-8"), "run `python -m docs.planes`"


@pytest.mark.parametrize("run", PLANES)
@pytest.mark.parametrize("page", ["README.md", "numbers.md"])
def test_all_intervals_of_a_plane_are_made_by_the_script(run: str, page: str) -> None:
    told = (RESULTS / run / page).read_text(encoding="utf-8")
    by_hand = re.sub(r"<!-- measured: .*?<!-- end of measured -->", "", told, flags=re.DOTALL)
    assert not re.search(r"\d \[-?\d", by_hand)


COSTS = {
    f"{of}_cost_{short}": (method, measure, "drawn@fpr=0.0@recall=1.0", "drawn@fpr=0.4@recall=1.0")
    for of, measure in (("clean", CLEAN), ("adversarial", STAMPED))
    for short, method in (("eu", EU), ("cf", CF))
}


@pytest.mark.parametrize("run", PLANES)
@pytest.mark.parametrize("name", [*COSTS, "eu_less_cf_90_found"])
def test_a_contrast_of_a_plane_is_the_paired_difference(run: str, name: str) -> None:
    if name in COSTS:
        method, measure, none, many = COSTS[name]
        values = seeds(run, "plane", method, many, measure) - seeds(run, "plane", method, none, measure)
    else:
        values = np.subtract(
            *(seeds(run, "plane", each, "drawn@fpr=0.0@recall=0.9", STAMPED) for each in (EU, CF))
        )
    row = table(run, "contrasts").set_index("contrast").loc[name]
    assert interval(values) == tuple(printed(100 * row[end]) for end in ("difference", "low", "high"))
    page = (RESULTS / run / "README.md").read_text(encoding="utf-8")
    assert f"| {text(values)}, 5 seeds, p = {row['p_adjusted']:.2g} |" in page


@pytest.mark.parametrize("page", planes.PAGES.rows, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_first_pages_show_the_planes_as_the_script_does(page: Path) -> None:
    assert planes.PAGES.made(page) == page.read_text(encoding="utf-8"), "run `python -m docs.planes`"


@pytest.mark.parametrize("page", MEASURED.tables, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_tables_of_measured_numbers_are_those_of_the_script(page: Path) -> None:
    text_ = page.read_text(encoding="utf-8")
    assert "<!-- measured: " in text_
    assert MEASURED.made(page) == text_, "run `python -m docs.measured`"


REPAIRS = {"fine_pruning", "anp", "ibau"}
RECALLS = (0.2, 0.5, 0.8, 0.9, 1.0)


@pytest.mark.parametrize("method", sorted(set(config_of("methods")["methods"]) - REPAIRS))
def test_the_seeds_healed_by_a_method_are_counted(method: str) -> None:
    run, study, _ = found(0.2)
    counts = [weakened(run, study, method, found(recall)[2]) for recall in RECALLS]
    cells = [f"{whole} (+{broken} broken)" if broken else str(whole) for whole, broken in counts]
    assert f"| {LOOKS[method].label} | {' | '.join(cells)} |" in flat(RESULTS / run / "README.md")


def test_the_seeds_healed_by_a_deviation_are_counted() -> None:
    page = flat(ROOT / "docs" / "methods" / "deviations.md")
    entries = config_of("deviations_cifar10")["methods"]
    for name in ("salun", "salun_eval", "rem_eval", "scrub_goel_full_rate", "ssd_goel", "npo"):
        recalls = (0.2, 0.7, 1.0)
        counts = [weakened("deviations", "deviations", name, f"found@recall={recall}") for recall in recalls]
        told = ", ".join(f"{whole} (+{broken} broken)" if broken else str(whole) for whole, broken in counts)
        options = [
            f"`{key}: {str(value).lower()}`" for key, value in entries[name].items() if key != "method"
        ]
        assert re.search(
            rf"\| {re.escape(', '.join(options) or 'defaults')} \|[^\n]*?\| {re.escape(told)} \|", page
        ), name


def deviation_claims() -> Iterator[tuple[str, str]]:
    """Yield pages and their sentences on published settings and deviations, with the counts of the tables."""

    def counts(name: str) -> list[tuple[int, int]]:
        recalls = (0.2, 0.7, 1.0)
        return [weakened("deviations", "deviations", name, f"found@recall={recall}") for recall in recalls]

    def all_healed(name: str) -> int:
        return sum(whole for whole, _ in counts(name))

    assert all_healed("negative_gradient_plus_bound") == 0
    bound, ours = (all_healed(f"negative_gradient_plus_{name}") for name in ("eval_bound", "all"))
    yield "deviations", f"with it {bound} of 9 models were healed, {ours} of 9 with the recipe's momentum"
    broken = {sum(broken for _, broken in counts(name)) for name in ("lfssd", "npo_beta")}
    yield "deviations", f"NPO with its paper's beta of 0.1, in {broken.pop()} of 9 models each"
    assert not broken
    as_they_are, augmented, default = (
        healed("deviations", "clean_rows", name, "found@fpr=0.05")
        for name in ("ssd_retain", "ssd_goel", "ssd")
    )
    many = healed("deviations", "clean_rows", "ssd_retain", "found@fpr=0.2")
    yield "deviations", f"| {as_they_are}, {augmented}, {default} and {many} of 3 seeds |"
    yield "withdrawn.md", f"{augmented} of 3 where they were augmented, and {many} of 3 with a fifth"
    yield (
        "methods_cifar10",
        f"At the recipe's rate it healed {counts('salun')[2][0]} of 3 seeds at recall 1.0",
    )
    yield (
        "methods_cifar10",
        f"At the published rates Goel et al.'s healed {counts('scrub_goel')[2][0]} of 3 at recall 1.0",
    )


@pytest.mark.parametrize(("page", "claim"), [*deviation_claims()])
def test_what_the_pages_tell_of_deviations_is_counted(page: str, claim: str) -> None:
    path = RESULTS / page
    assert claim in flat(path / "README.md" if path.is_dir() else path)


SPREAD = re.compile(r"(-?\d+\.\d)(?: points)? \[(-?\d+\.\d), (-?\d+\.\d)\]")


def turned(spread: tuple[str, str, str]) -> tuple[str, str, str]:
    """Return the same interval as a loss: with the opposite sign."""
    mean, low, high = (printed(-float(end)) for end in spread)
    return mean, high, low


TOLD = [
    (page, page.parent.name)
    for page in PAGES
    if page.parent.name
    not in (
        RESULTS.name,
        *("company", "demo_seeds", "deviations", "simulations", "adaptive"),
        *("false_positives", "imbalance"),  # tested in tests/test_mission.py
        *PLANES,  # their intervals are all made by the script
    )
]
TOLD += [
    (ROOT / "docs" / page, "deviations") for page in ("methods/deviations.md", "detectors/deviations.md")
]


@pytest.mark.parametrize(("page", "run"), TOLD, ids=[str(page.relative_to(ROOT)) for page, _ in TOLD])
def test_every_interval_of_a_page_is_one_of_its_tables(page: Path, run: str) -> None:
    told = SPREAD.findall(flat(page))
    assert len(told) > 3
    assert not [spread for spread in told if not {spread, turned(spread)} & intervals_of(run)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(RESULTS)))
def test_a_page_of_results_is_short_and_opens_with_its_answers(page: Path) -> None:
    text_ = page.read_text()
    assert len(text_.replace("|", " ").split()) <= 1500
    if page.name == "README.md":
        assert "| question | answer | how sure |" in text_.split("\n## ")[0]


# -- the demo's recipe -----------------------------------------------------------------------------------


def test_the_demos_recipe_trained_every_reference_of_twenty_seeds() -> None:
    references = table("demo_seeds", "references")
    assert references["trained"].all()
    assert set(references["seed"]) == set(range(20, 40))
    page = (RESULTS / "demo_seeds/README.md").read_text(encoding="utf-8")
    assert f"{len(references)} of {len(references)}, over twenty seeds" in page
    cells = references.groupby(["dataset", "method"])["training_accuracy"].agg(["min", "median", "max"])
    for accuracies in cells.to_numpy():
        assert " | ".join(f"{100 * share:.1f}" for share in accuracies) in page
    summary = table("demo_seeds", "summary")
    assert set(summary.loc[summary["metric"] == "attack_success_rate", "n"]) == {20}
    recipe = yaml.safe_load((ROOT / "config/demo.yaml").read_text(encoding="utf-8"))["recipes"]["quick"]
    assert f"{recipe['iterations']} steps of {recipe['batch_size']} images" in page
    assert f"learning rate {recipe['learning_rate']}, warm-up {recipe['warmup']}" in page
