"""The advice follows from the shipped table, and the table from the measurements."""

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from scipy.stats import binom

from docs import advice_table
from unpoison import measured_repairs
from unpoison.advice import advise
from unpoison.command import advise as command
from unpoison.errors import UserError
from unpoison.measured_repairs import Measured
from unpoison.proportions import jeffreys

ROOT = Path(__file__).parents[1]


def line(**changes: object) -> Measured:
    about = {"network": "a net", "source": "a study", "commit": "abc"}
    numbers = {"recall": 0.8, "fpr": 0.05, "healed": 9, "broken": 0, "below_15": 9, "models": 9}
    means = {"attack": 5.0, "clean_lost": 1.0, "target_lost": 2.0, "passes": 1.0}
    return Measured(**{**numbers, **means, **about, **changes})


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch):
    """A function that replaces the shipped table by the given rows of each method."""

    def tell(**methods: list[Measured]) -> None:
        monkeypatch.setattr(
            measured_repairs, "table", lambda: {(name, "{}"): rows for name, rows in methods.items()}
        )

    return tell


def best(**asked: object) -> str:
    return advise(recall=(0.8, 1.0), fpr=(0.0, 0.05), **asked).method


def test_the_shipped_table_is_what_the_script_makes_of_the_measurements() -> None:
    assert measured_repairs.TABLE.read_text(encoding="utf-8") == advice_table.written()


def test_the_page_of_the_companys_networks_counts_what_its_table_holds() -> None:
    page = " ".join((ROOT / "docs/results/company/README.md").read_text(encoding="utf-8").split())
    table = pd.read_csv(ROOT / "docs/results/company/tables/results.csv")
    model = ["images", "network", "batch_norm", "recall", "fpr"]
    before = table[table["method"] == "do_nothing"].set_index(model)
    found, left = {}, {}
    for method, rows in table.groupby("method"):
        after = rows.set_index(model)
        lost = before.loc[after.index, "clean"] - after["clean"]
        healed = (after["attack"] < before.loc[after.index, "attack"] / 2) & (lost < 10)
        found[method] = healed.sum(), (lost >= 10).sum(), len(after)
        left[method] = f"{after['attack'].min():.1f}", f"{after['attack'].max():.1f}"
    assert found["negative_learning"] == (12, 0, 12) and "12 of 12, and none broken" in page
    assert left["negative_learning"] == ("2.5", "10.3") and "It left 2.5 to 10.3 % attack success" in page
    assert found["retrain"] == (11, 0, 12) and "11 of 12." in page
    assert left["retrain"][1] == "62.1" and "up to 62.1 %" in page
    assert (
        found["negative_gradient_plus"] == (9, 0, 12) and "9 of 12: all 8 of CompanyNet, and 1 of 4" in page
    )
    assert found["finetune"] == (7, 0, 12) and "CF healed 7 of 12" in page


def test_every_method_of_the_table_takes_its_options() -> None:
    from unpoison.options import check_given
    from unpoison.unlearning import METHODS

    for method, options in measured_repairs.table():
        check_given(json.loads(options), METHODS.options(method), method)


def test_what_healed_more_models_is_preferred(told) -> None:
    told(sure=[line()], unsure=[line(healed=3, passes=0.1)])
    assert best() == "sure"


def test_a_few_models_are_less_evidence_than_many(told) -> None:
    told(many=[line()], few=[line(healed=3, below_15=3, models=3, passes=0.1)])
    assert best() == "many"


def test_of_equal_evidence_the_cheaper_method_is_chosen(told) -> None:
    told(dear=[line()], cheap=[line(passes=0.2)])
    assert best() == "cheap"


def test_of_equally_healed_models_fewer_with_an_attack_above_15_percent_are_preferred(told) -> None:
    told(deep=[line()], shallow=[line(passes=0.2, below_15=2)])
    assert best() == "deep"


def test_what_healed_two_networks_is_preferred_to_what_was_tried_on_one(told) -> None:
    told(
        tuned=[line(models=90, healed=90, below_15=90, passes=0.1)], robust=[line(), line(network="another")]
    )
    assert best() == "robust"
    told(tuned=[line(models=90, healed=90, below_15=90)], fragile=[line(), line(network="another", healed=6)])
    assert best() == "tuned"


def test_a_harder_list_of_another_network_counts_where_it_was_given_no_easier_one(told) -> None:
    told(
        one=[
            line(fpr=0.0),
            line(fpr=0.2),
            line(network="another", fpr=0.05),
            line(network="another", fpr=0.1),
        ]
    )
    (candidate,) = advise(recall=(0.8, 1.0), fpr=(0.0, 0.0)).candidates
    assert [(row.network, row.fpr) for row in candidate.rows] == [("a net", 0.0), ("another", 0.05)]


def test_for_the_list_of_a_scan_the_method_that_healed_unlike_networks_is_advised() -> None:
    chosen = advise(recall=(0.8, 1.0), fpr=(0.0, 0.05))
    assert (chosen.method, chosen.options) == ("negative_learning", {})
    assert len(chosen.candidates[0].networks) == 2


def test_the_budget_leaves_out_what_costs_more(told) -> None:
    told(dear=[line()], cheap=[line(healed=1, passes=0.2)])
    assert best(budget=0.5) == "cheap" and best() == "dear"
    with pytest.raises(UserError, match=r"budget: found 0.1, allowed: from 0.20 on"):
        best(budget=0.1)


def test_lists_that_are_hard_in_recall_or_in_fpr_are_evidence_together(told) -> None:
    told(apart=[line(recall=0.9, fpr=0.0), line(recall=1.0, fpr=0.1)])
    (candidate,) = advise(recall=(0.9, 0.9), fpr=(0.02, 0.02)).candidates
    assert candidate.count("models") == 18 and candidate.is_covered


def test_of_harder_lists_the_nearest_is_the_evidence(told) -> None:
    told(one=[line(recall=1.0, fpr=0.1), line(recall=0.3, fpr=0.05, healed=0)])
    (candidate,) = advise(recall=(1.0, 1.0), fpr=(0.02, 0.02)).candidates
    assert [row.recall for row in candidate.rows] == [1.0]


def test_a_method_counts_as_well_as_on_the_list_where_it_did_worst(told) -> None:
    told(
        steady=[line(healed=8), line(recall=1.0, healed=8)],
        uneven=[line(healed=5, models=10), line(recall=1.0, healed=90, below_15=90, models=90, passes=0.1)],
    )
    assert best() == "steady"


@pytest.mark.parametrize(("others", "reason"), [
    ({"other": [line(healed=1)]}, "the one with lists nearest to yours, among those that healed at least half"),
    ({"other": [line(healed=6)]}, "healed the largest share on the lists where it did worst"),
    ({"other": [line(below_15=1)]}, "most often left less than 15 % attack success"),
    ({"other": [line(passes=2.0)]}, "it is the cheapest of those that repaired equally well"),
])  # fmt: skip
def test_the_reason_says_what_decided(told, others: dict, reason: str) -> None:
    told(one=[line()], **others)
    assert advise(recall=(0.8, 1.0)).method == "one"
    assert "Of 2 measured settings, it is" in (why := advise(recall=(0.8, 1.0)).why) and reason in why


def test_lists_outside_of_the_ranges_do_not_count(told) -> None:
    told(
        here=[line(), line(recall=0.9)],
        elsewhere=[line(healed=0), line(recall=0.9, healed=0), line(recall=0.3, models=90, healed=90)],
    )
    assert best() == "here"


def test_a_method_that_was_never_given_false_alarms_comes_after_those_that_were(told) -> None:
    told(pure=[line(fpr=0.0, passes=0.1)], mixed=[line(healed=8)])
    assert best() == "mixed"
    told(pure=[line(fpr=0.0, passes=0.1)])
    assert "was measured: this is an extrapolation" in advise(recall=(0.8, 1.0)).why


def test_where_nothing_was_measured_at_the_hard_end_the_next_harder_list_counts(told) -> None:
    told(one=[line(recall=1.0), line(recall=0.7, healed=0), line(recall=0.2, healed=0)])
    (candidate,) = advise(recall=(0.8, 1.0)).candidates
    assert [row.recall for row in candidate.rows] == [1.0, 0.7]


def test_the_reason_says_how_many_models_were_healed_and_where(told) -> None:
    told(one=[line(healed=4)])
    why = advise(recall=(0.8, 1.0)).why
    assert "one healed 4 of 9 models (95 % interval: 17 to 75 %)" in why and "a net (a study)" in why
    assert "No measured method is likely to heal such a model" in why and "on one network alone" in why
    told(one=[line(), line(network="another")])
    assert "on one network alone" not in advise(recall=(0.8, 1.0)).why


@pytest.mark.parametrize(("count", "of"), [(0, 9), (3, 9), (9, 9)])
def test_the_interval_holds_the_observed_share_and_excludes_shares_that_hardly_give_it(
    count: int, of: int
) -> None:
    low, high = jeffreys(count, of)
    assert low <= count / of <= high
    assert count == 0 or binom.sf(count - 1, of, low) < 0.1
    assert count == of or binom.cdf(count, of, high) < 0.1


@pytest.mark.parametrize(("asked", "sentence"), [
    ({"recall": (0.9, 0.8)}, "recall: found"),
    ({"fpr": (0.0, 1.5)}, "fpr: found"),
    ({"budget": 0}, "budget: found 0"),
])  # fmt: skip
def test_a_range_that_is_none_is_refused(asked: dict, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        advise(**asked)


@pytest.mark.parametrize("text", ["a", "0.8-", "1-0.8", "80", "0.1-0.2-0.3", "-0.5"])
def test_the_command_refuses_what_is_no_range(text: str) -> None:
    with pytest.raises(UserError, match="--recall: found"):
        command.advise(recall=text)


def test_the_command_prints_the_reasons_and_the_best_candidates(capsys: pytest.CaptureFixture[str]) -> None:
    command.advise(recall="0.8-1", fpr="0-0.05")
    shown = capsys.readouterr().out
    assert shown.startswith(advise(recall=(0.8, 1.0), fpr=(0.0, 0.05)).why)
    assert len(shown.splitlines()) == 2 + 1 + command.SHOWN


def test_the_command_imports_neither_torch_nor_pandas() -> None:
    program = (
        "import sys; from unpoison.command.advise import advise; advise()\n"
        "assert not {'torch', 'pandas', 'snakemake'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True, capture_output=True)
