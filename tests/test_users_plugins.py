"""Users' plug-ins that return a wrong type or value: one error line, and no result."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jaxtyping
import numpy as np
import pytest
import tiny
from torch import nn

import unpoison
from unpoison import registration

LABELS = np.arange(12) % 3
DETECTOR = '''"""A detector."""
import numpy as np
from unpoison import Scores
NEEDS = ()
OWN_RULE = True
def score(evidence):
    n = len(evidence.training)
    return {}
'''
POISON = '''"""A poison."""
import numpy as np
from unpoison import Poisoning
def plan(there, image_size): return 3
def stamp(images, trigger_ids): return {stamped}
def poison(clean, seed, image_size):
    rows = np.arange(3)
    return {made}
'''
MADE, STAMPED = "Poisoning(rows, rows * 0, rows * 0, {0: (0, 1)})", "images"


@pytest.fixture(autouse=True)
def as_users_run_it(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Disable the tests' type checks, and unregister plug-ins after the test."""
    monkeypatch.setattr(registration, "_TABLE", {})
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@pytest.fixture
def data() -> unpoison.Data:
    pair = tiny.draw_squares(LABELS), LABELS
    return unpoison.Data(*pair, tiny.CLASS_NAMES, test=pair)


def register(folder: Path, text: str) -> None:
    (folder / "own_one.py").write_text(text)
    unpoison.register(folder / "own_one.py")


def refused(sentence: str, call: Callable[[], Any]) -> None:
    with pytest.raises(unpoison.UserError, match=sentence):
        call()


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ("[1, 2]", "gave back a list; allowed: Scores"),
        ("Scores(np.zeros(3), np.zeros(0))", r"training scores of the shape \(3,\); allowed: \(12,\)"),
        ("Scores(np.zeros(n), np.zeros(1))", r"validation scores of the shape \(1,\); allowed: \(0,\)"),
        ("Scores(np.zeros(n), np.zeros(0), np.zeros(n, int))", r"int64 .*allowed: a mask \(12,\)"),
        ("Scores(np.zeros(n), np.zeros(0), np.zeros(3, bool))", r"the shape \(3,\); allowed: a mask"),
    ],
)
def test_scores_that_are_not_one_a_row_are_refused_in_a_line(
    tmp_path: Path, data: unpoison.Data, given: str, sentence: str
) -> None:
    register(tmp_path, DETECTOR.format(given))
    model = unpoison.wrap_model(nn.Sequential(nn.Flatten(), nn.Linear(768, 3)), tiny.CLASS_NAMES)
    refused(sentence, lambda: unpoison.score(model, data, "own_one"))


@pytest.mark.parametrize(
    ("made", "sentence"),
    [
        ("None", "gave back a NoneType, allowed: a Poisoning"),
        ("Poisoning(rows, rows[:2], rows, {0: (0, 1)})", "3 rows, 2 labels and 3 triggers"),
        ("Poisoning(rows - 1, rows, rows, {0: (0, 1)})", "different positions from 0 to 11"),
        ("Poisoning(rows + 10, rows, rows, {0: (0, 1)})", "different positions from 0 to 11"),
        ("Poisoning(rows * 0, rows, rows, {0: (0, 1)})", "different positions from 0 to 11"),
        ("Poisoning(rows, rows + 1, rows, {0: (0, 1)})", "the label 3, allowed: 0 to 2"),
        ("Poisoning(rows, rows, rows, {0: (0, 9)})", "the label 9, allowed: 0 to 2"),
    ],
)
def test_rows_labels_and_targets_that_are_not_there_are_refused_in_a_line(
    tmp_path: Path, data: unpoison.Data, made: str, sentence: str
) -> None:
    register(tmp_path, POISON.format(stamped=STAMPED, made=made))
    refused(sentence, lambda: unpoison.poison(data, "own_one"))


@pytest.mark.parametrize("stamped", ["images / 255", "images[:, :, 1:]", "None"])
def test_a_stamp_that_gives_other_images_is_refused_in_a_line(
    tmp_path: Path, data: unpoison.Data, stamped: str
) -> None:
    register(tmp_path, POISON.format(stamped=stamped, made=MADE))
    refused("the stamp gives .*, allowed: images like those", lambda: unpoison.poison(data, "own_one"))


def test_a_poison_of_ones_own_is_planted(tmp_path: Path, data: unpoison.Data) -> None:
    register(tmp_path, POISON.format(stamped=STAMPED, made=MADE))
    planted = unpoison.poison(data, "own_one")
    assert np.flatnonzero(planted.rows.of("train").is_poisoned).tolist() == [0, 1, 2]


@pytest.mark.parametrize("network", ["nn.Flatten()", "nn.Linear(768, 3).requires_grad_(False)"])
def test_a_model_without_weights_to_train_is_refused_in_a_line(
    tmp_path: Path, data: unpoison.Data, network: str
) -> None:
    text = f'"""A model."""\nfrom torch import nn\ndef network(classes, image_size): return {network}\n'
    register(tmp_path, text)
    refused("no weights that can be trained", lambda: unpoison.train(data, "own_one"))


def test_what_is_no_path_is_refused_in_a_line() -> None:
    refused("register: found int, allowed: a path", lambda: unpoison.register(3))
