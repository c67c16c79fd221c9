"""Contract tests of all metrics."""

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tiny

import unpoison
from unpoison import registration
from unpoison.answers import Answers, answers_of, questions
from unpoison.attacks import apply
from unpoison.contracts.deletion import NO_DELETION, Deletion
from unpoison.contracts.judged import HAS, Judged
from unpoison.contracts.verification import Verification
from unpoison.costs import Cost
from unpoison.deletion import describe
from unpoison.errors import UserError
from unpoison.metrics import FILES, METRICS
from unpoison.plugin_files import KINDS
from unpoison.poisons import POISONS
from unpoison.probes import PROBES
from unpoison.rows import NONE, TRIGGERED, Rows
from unpoison.steps.measuring import measure

ROOT = Path(__file__).parents[2]
COST = Cost(1.5, 640, 80, weights_changed=0.5, gradient_passes=8, tuning_passes=90.0)
VERIFIED = Verification(0.25, 0.125, 0.5, 0.25, (0.25, 0.25), 0.0, {})
every_metric = pytest.mark.parametrize("name", list(METRICS))


def rows_of(poison: str) -> Rows:
    rows = tiny.chosen_rows()
    options = tiny.options_of(poison)
    return apply(POISONS[poison](rows.of("train"), tiny.SEED, tiny.IMAGE_SIZE, **options), rows)


def answered(rows: Rows) -> Answers:
    """Return random answers seeded by row id, so that the order of the rows changes no answer."""
    asked = questions(rows)
    logits = [
        np.random.default_rng([int(stamped), *str(rows.row_id[row]).encode()]).normal(size=3)
        for row, stamped in zip(asked.row, asked.stamped, strict=True)
    ]
    return answers_of(rows, asked, np.array(logits, np.float32).reshape(-1, 3))


def deletion_of(rows: Rows) -> Deletion:
    """Return a deletion set of every third training row by name, with given AUROC and average precision."""
    names = rows.of("train").row_id
    found = describe(rows.of("train"), np.sort(np.argsort(names)[::3]))
    return replace(found, detector_auroc=0.75, detector_average_precision=0.25)


def judged(rows: Rows) -> Judged:
    return Judged(rows, answered(rows), deletion_of(rows), COST, probed_of(rows), VERIFIED)


def probed_of(rows: Rows) -> dict[str, Answers]:
    """Return, for every probe, the answers of a model that always predicts the target."""
    asked = questions(rows)
    target = rows.target[asked.row]
    obeying = replace(answered(rows), predicted=np.where(target == NONE, 0, target))
    return dict.fromkeys(PROBES, obeying)


# Together these cases have every part of the input: several attacks with triggers, and one without.
CASES = ("several", "class_confusion")
# The first of the several attacks has no trigger, and there are three.
UNMEASURED = {f"adversarial_accuracy_of_attack_{number}" for number in (1, 4)}


@every_metric
def test_a_metric_has_values_in_some_case_and_shares_are_shares(name: str) -> None:
    metric = METRICS[name]
    found = [metric.measure(judged(rows_of(poison))) for poison in CASES if has_all(name, poison)]
    values = [value for by_class in found for value in by_class.values()]
    assert bool(values) == (name not in UNMEASURED), f"{name} in {CASES}"
    if metric.unit == "share":
        assert all(0 <= value <= 1 for value in values)
    assert {class_name for by_class in found for class_name in by_class} <= {None, *tiny.CLASS_NAMES}


def has_all(name: str, poison: str) -> bool:
    return METRICS[name].can_measure(judged(rows_of(poison)))


@every_metric
def test_a_metric_says_what_it_is(name: str) -> None:
    metric = METRICS[name]
    assert metric.unit.strip() == metric.unit != ""
    assert metric.meaning.endswith(".") and metric.meaning[0].isupper()
    for text in (metric.meaning, metric.formula, metric.source, metric.label):
        assert text and "{" not in text and "|" not in text and "\n" not in text
    assert metric.needs and set(metric.needs) <= set(HAS)


def test_the_parts_that_a_file_may_need_are_those_that_there_are() -> None:
    assert set(KINDS["measure"].needs) == set(HAS)


@pytest.mark.parametrize("poison", CASES)
def test_another_order_of_the_rows_changes_no_value(poison: str) -> None:
    rows = rows_of(poison)
    shuffled = rows.take(np.random.default_rng(4).permutation(len(rows)))
    first, second = (
        measure(part, answered(part), deletion_of(part), COST, probed_of(part)) for part in (rows, shuffled)
    )
    assert first == second


def without(rows: Rows, need: str) -> Judged:
    """Return the input of a metric with one part missing."""
    nowhere = np.zeros(len(rows), dtype=bool)
    is_test = np.isin(rows.split, ("test", "test_2", "test_3", "test_4", TRIGGERED))
    changed = {
        "training": lambda: rows.take(rows.split != "train"),
        "poisoned_training": lambda: replace(rows, is_poisoned=nowhere),
        "validation": lambda: rows.take(rows.split != "validation"),
        "clean_test": lambda: rows.take(rows.split != "test"),
        "adversarial_test": lambda: replace(rows, trigger_id=np.where(is_test, NONE, rows.trigger_id)),
        "truth": lambda: replace(rows, is_poisoned=None),
    }
    left = changed[need]() if need in changed else rows
    deletion = {
        "deletion": replace(deletion_of(rows), rows=np.array([], np.int64)),
        "detector": replace(deletion_of(rows), detector_auroc=None, detector_average_precision=None),
        "training": NO_DELETION,
    }.get(need, deletion_of(rows))
    costs = {"cost": None} | {
        name: replace(COST, **{name: None}) for name in ("weights_changed", "tuning_passes")
    }
    verified = None if need == "verification" else VERIFIED
    return Judged(left, answered(left), deletion, costs.get(need, COST), probed_of(left), verified)


@pytest.mark.parametrize("need", list(HAS))
def test_a_metric_is_left_out_where_a_part_that_it_needs_is_not_there(need: str) -> None:
    whole, part = judged(rows_of("several")), without(rows_of("several"), need)
    assert whole.has(need)
    assert not part.has(need)
    found, left = (
        {entry.metric for entry in measure(case.rows, case.answers, case.deletion, case.cost, case.probed)}
        for case in (whole, part)
    )
    needing = {name for name in METRICS if need in METRICS[name].needs}
    assert not left & needing
    lost = {name for name in found - left if METRICS[name].can_measure(part)}
    # The missing part may remove one kind of attack, and so the metrics of that attack.
    assert lost <= {"confused_accuracy", "unconfused_accuracy"}


def test_a_metric_of_a_probe_is_of_the_probed_answers_and_left_out_without_them() -> None:
    case = judged(rows_of("patch"))
    measured = [
        {entry.metric: entry.value for entry in measure(case.rows, case.answers, NO_DELETION, None, probed)}
        for probed in (case.probed, {})
    ]
    name = "relearned_attack_success_rate"
    assert measured[0][name] == 1.0
    assert measured[0]["attack_success_rate"] < 1.0
    assert measured[1] == {metric: value for metric, value in measured[0].items() if metric != name}


def test_every_probe_that_a_metric_names_is_there() -> None:
    assert {METRICS[name].probe for name in METRICS} - {None} <= set(PROBES)


def test_answers_about_other_rows_are_refused_in_a_line() -> None:
    rows, other = rows_of("several"), rows_of("patch")
    with pytest.raises(UserError, match=r"found \d+ answers about other rows, allowed: those to the \d+"):
        measure(rows, answered(other), NO_DELETION, None)


OWN = '''"""My own share."""
UNIT = "share"
HIGHER_IS_BETTER = True
FORMULA = "mean[x]"
SOURCE = "ours"
LABEL = "mine"
NEEDS = ("clean_test",)


def measure(judged):
    """Return it."""
    return {}
'''


@pytest.fixture
def no_plugin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registration, "_TABLE", {})


@pytest.mark.usefixtures("no_plugin")
@pytest.mark.parametrize("column", ["answers.predicted", "rows.label"])
def test_a_metric_cannot_change_what_the_others_read(column: str, tmp_path: Path) -> None:
    changed = OWN.replace("return {}", f"judged.clean_test.{column}[:] = 0\n    return {{}}")
    (tmp_path / "a_first.py").write_text(changed)
    unpoison.register(tmp_path)
    case = judged(rows_of("patch"))
    with pytest.raises(ValueError, match="read-only"):
        measure(case.rows, case.answers, NO_DELETION, None)


@pytest.mark.usefixtures("no_plugin")
def test_a_metric_of_ones_own_is_measured(tmp_path: Path) -> None:
    body = "{None: float((judged.clean_test.answers.true_log_odds > 0).mean()), 'cat': 0.5}"
    (tmp_path / "mine.py").write_text(OWN.replace("{}", body))
    unpoison.register(tmp_path)
    case = judged(rows_of("patch"))
    found = measure(case.rows, case.answers, case.deletion, case.cost)
    values = {entry.class_name: entry.value for entry in found if entry.metric == "mine"}
    assert values == {None: float((case.clean_test.answers.true_log_odds > 0).mean()), "cat": 0.5}


@pytest.mark.usefixtures("no_plugin")
@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ("0.5", "gave back a float; allowed: a dict of values by class name"),
        ("{'cow': 0.5}", "gave a value of the class 'cow'; allowed: None or a class"),
        ("{None: float('nan')}", "gave the value nan; allowed: a finite number"),
        ("{None: 'much'}", "gave the value 'much'; allowed: a finite number"),
    ],
)
def test_what_is_no_value_is_refused_in_a_line(tmp_path: Path, given: str, sentence: str) -> None:
    (tmp_path / "mine.py").write_text(OWN.replace("{}", given))
    unpoison.register(tmp_path)
    case = judged(rows_of("patch"))
    with pytest.raises(UserError, match=f"the metric mine {sentence}"):
        measure(case.rows, case.answers, NO_DELETION, None)


@pytest.mark.usefixtures("no_plugin")
def test_the_metric_of_the_docs_is_measured(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "add-a-metric.md").read_text()
    (text,) = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    (tmp_path / "certainty.py").write_text(text)
    unpoison.register(tmp_path)
    case = judged(rows_of("patch"))
    found = measure(case.rows, case.answers, case.deletion, case.cost)
    values = {entry.class_name: entry.value for entry in found if entry.metric == "certainty"}
    assert set(values) == {None, *tiny.CLASS_NAMES}
    by_class = [values[name] for name in tiny.CLASS_NAMES]  # all classes have equally many test images
    assert values[None] == pytest.approx(np.mean(by_class), rel=1e-5)


def test_measuring_imports_neither_torch_nor_pandas() -> None:
    program = (
        "import sys\nimport unpoison.steps.measuring\nfrom unpoison.metrics import FILES, METRICS\n"
        "for name in FILES:\n    FILES.module(name)\n"
        "repr(METRICS)\n"
        "assert not {'torch', 'pandas', 'sklearn'} & set(sys.modules), sorted(sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr.splitlines()[-1]


def test_no_training_or_unlearning_imports_a_metric() -> None:
    program = (
        "import sys\nimport unpoison.steps.training, unpoison.steps.repairing, unpoison.asking_base\n"
        "assert not [name for name in sys.modules if name.startswith('unpoison.metrics')]\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr.splitlines()[-1]
    assert len(FILES) >= 17
