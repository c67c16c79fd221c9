"""A model's answers and outputs against plain loops over the rows."""

from math import exp, fsum, log
from pathlib import Path

import numpy as np
import pytest
import tiny
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from unpoison.answers import answers_of, log_odds, questions, read_answers, write_answers
from unpoison.asking import ask
from unpoison.asking_base import ask_base
from unpoison.attacks import apply
from unpoison.data import Data
from unpoison.errors import UserError
from unpoison.examples import Examples
from unpoison.features import outputs_of
from unpoison.files import write_array
from unpoison.outputs import read_outputs, write_outputs
from unpoison.poisons import POISONS, trigger_of
from unpoison.rows import NONE, choose_rows, clean_rows

POISON = ("patch", "label_noise", "corner_swap", "class_confusion")
COUNTS = {"train": 500, "test": 60}  # more than two batches of training rows, the last one smaller


def many(poison: str) -> Data:
    """Return a data set of several batches whose rows are not in the order of their ids."""
    order = np.random.default_rng(5).permutation
    entries = [(f"{split}/{number:04}", split) for split, count in COUNTS.items() for number in order(count)]
    row_ids, splits = zip(*entries, strict=True)
    labels = np.random.default_rng(6).integers(0, 3, len(entries))
    rows = choose_rows(clean_rows(row_ids, splits, labels, tiny.CLASS_NAMES), tiny.SEED, validation=45)
    options = tiny.options_of(poison)
    poisoning = POISONS[poison](rows.of("train"), tiny.SEED, tiny.IMAGE_SIZE, **options)
    poisoned = apply(poisoning, rows)
    return Data.of_rows(tiny.draw_squares(labels), poisoned, trigger_of(poison, options))


@pytest.fixture(scope="module")
def model() -> nn.Module:
    return tiny.build("resnet9", 3, {"width": 4}, 1).eval()


def slow_log_odds(logits: list[float], label: int) -> float:
    """Return the logarithm of p / (1 - p), one exponential at a time, in double precision."""
    if label == NONE:
        return float("nan")
    largest = max(logits)
    likely = [exp(logit - largest) for logit in logits]
    return log(likely[label]) - log(fsum(likely[:label] + likely[label + 1 :]))


@given(st.integers(2, 6), st.integers(0, 2**32 - 1), st.sampled_from([0.1, 3.0, 50.0]))
def test_log_odds_are_those_of_the_formula(classes: int, seed: int, scale: float) -> None:
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, scale, (7, classes)).astype(np.float32)
    labels = rng.integers(-1, classes, 7)
    expected = [slow_log_odds(*pair) for pair in zip(logits.tolist(), labels.tolist(), strict=True)]
    found = log_odds(logits, labels)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)


def test_log_odds_of_a_certain_network_are_finite() -> None:
    found = log_odds(np.array([[2000.0, 0.0, -1000.0]], np.float32), np.array([0]))
    assert found.tolist() == [2000.0]


def shown(data: Data, row: int, stamped: bool) -> torch.Tensor:
    """Return the image of one question, stamped on its own and not in a batch."""
    image = torch.from_numpy(data.images[data.rows.image[[row]]]).permute(0, 3, 1, 2)
    return data.stamp(image, torch.tensor([data.rows.trigger_id[row]])) if stamped else image


@pytest.mark.parametrize("poison", POISON)
def test_answers_are_those_of_a_loop_over_the_questions(poison: str, model: nn.Module) -> None:
    data = many(poison)
    answers = ask(data, model, "float32")
    rows, asked = data.rows, questions(data.rows)
    assert (answers.row.tolist(), answers.stamped.tolist()) == (asked.row.tolist(), asked.stamped.tolist())
    with torch.inference_mode():
        images = [shown(data, row, stamped) for row, stamped in zip(asked.row, asked.stamped, strict=True)]
        logits = model(torch.cat(images)).numpy()
    assert answers.predicted.tolist() == logits.argmax(1).tolist()
    for column, labels in (("given", rows.given_label), ("true", rows.label), ("target", rows.target)):
        expected = [
            slow_log_odds(*pair) for pair in zip(logits.tolist(), labels[asked.row].tolist(), strict=True)
        ]
        np.testing.assert_allclose(getattr(answers, f"{column}_log_odds"), expected, rtol=1e-4, atol=1e-4)


def test_the_questions_are_every_row_as_it_is_judged() -> None:
    data = many("corner_swap")
    rows, asked = data.rows, questions(data.rows)
    found = [(str(rows.row_id[row]), stamped) for row, stamped in zip(asked.row, asked.stamped, strict=True)]
    train, poisoned = rows.of("train"), rows.take(rows.is_poisoned)
    attacked = rows.take((rows.split == "test") & (rows.trigger_id != NONE))
    parts = [(train, False), (poisoned, True), (rows.of("validation"), False), (rows.of("test"), False)]
    parts.append((attacked, True))
    assert found == [(str(name), stamped) for part, stamped in parts for name in part.row_id]


class Counted:
    """Counts the images that a network is given."""

    def __init__(self, model: nn.Module) -> None:
        self.images = 0
        model.register_forward_pre_hook(lambda _, inputs: self.count(inputs[0]))

    def count(self, images: torch.Tensor) -> None:
        self.images += len(images)


@pytest.mark.parametrize("poison", POISON)
def test_a_base_model_gives_the_same_answers_and_sees_no_image_twice(poison: str) -> None:
    data, model = many(poison), tiny.build("resnet9", 3, {"width": 4}, 1).eval()
    answers = ask(data, model, "float32")
    counted = Counted(model)
    found, (training, validation) = ask_base(data, model, "float32")
    for name, column in vars(answers).items():
        np.testing.assert_allclose(getattr(found, name), column, rtol=1e-4, atol=1e-4, err_msg=name)
    rows = data.rows
    again = (rows.split == "train") & (rows.trigger_id != NONE)  # asked with and without the stamp
    of_tests = (rows.split == "test").sum() + ((rows.split == "test") & (rows.trigger_id != NONE)).sum()
    looks = 4  # single forward passes that find the feature layer
    expected = len(training.labels) + again.sum() + len(validation.labels) + of_tests
    assert expected <= counted.images <= expected + looks


def as_detectors_see_them(data: Data, split: str) -> tuple[Examples, np.ndarray]:
    part = data.rows.of(split)
    order = np.argsort(part.row_id, kind="stable")
    return data.examples(part, torch.device("cpu")).take(torch.from_numpy(order)), order


@pytest.mark.parametrize("poison", POISON)
def test_outputs_are_bit_for_bit_those_of_rows_in_the_order_of_their_ids(
    poison: str, model: nn.Module, tmp_path: Path
) -> None:
    data = many(poison)
    _, outputs = ask_base(data, model, "float32")
    write_outputs(tmp_path / "outputs.npy", data.rows, outputs)
    read = read_outputs(tmp_path / "outputs.npy", data.rows)
    for split, made, stored in zip(("train", "validation"), outputs, read, strict=True):
        examples, order = as_detectors_see_them(data, split)
        computed = outputs_of(model, examples, "float32")
        for found in (made.take(order), stored.take(order)):
            assert found.features.tobytes() == computed.features.tobytes()
            assert found.logits.tobytes() == computed.logits.tobytes()
            assert found.labels.tolist() == computed.labels.tolist()


class Colours(nn.Module):
    """The mean of each channel as the logit of a class: no layer is linear."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.scale * images.float().mean((2, 3))


def test_a_network_without_features_has_its_logits_stored(tmp_path: Path) -> None:
    data = many("patch")
    _, outputs = ask_base(data, tiny.bare(Colours()), "float32")
    write_outputs(tmp_path / "outputs.npy", data.rows, outputs)
    training, _ = read_outputs(tmp_path / "outputs.npy", data.rows)
    assert training.logits.tobytes() == outputs[0].logits.tobytes()
    with pytest.raises(UserError, match="does not end on a linear layer"):
        _ = training.features


def test_what_is_written_is_read(model: nn.Module, tmp_path: Path) -> None:
    answers = ask(many("patch"), model, "float32")
    write_answers(tmp_path / "answers.npy", answers)
    read = read_answers(tmp_path / "answers.npy")
    for name, column in vars(answers).items():
        assert getattr(read, name).dtype == column.dtype, name
        np.testing.assert_array_equal(getattr(read, name), column)
    bytes_a_question = 4 + 1 + 1 + 4 * 4
    assert (tmp_path / "answers.npy").stat().st_size < len(answers) * bytes_a_question + 1024


def test_a_file_of_something_else_is_refused_in_a_line(model: nn.Module, tmp_path: Path) -> None:
    data, other = many("patch"), many("label_noise")
    write_array(tmp_path / "images.npy", data.images)
    write_outputs(tmp_path / "outputs.npy", data.rows, ask_base(data, model, "float32")[1])
    with pytest.raises(UserError, match="holds no answers: found no columns, allowed: row, stamped"):
        read_answers(tmp_path / "images.npy")
    fewer = other.rows.take(np.arange(1, len(other.rows)))
    for path, rows in (("images.npy", data.rows), ("outputs.npy", fewer)):
        with pytest.raises(UserError, match="does not hold the outputs of a network for these"):
            read_outputs(tmp_path / path, rows)


def test_answers_are_told_of_each_question_by_its_own_logits() -> None:
    data = many("patch")
    asked = questions(data.rows)
    logits = np.random.default_rng(2).normal(size=(len(asked), 3)).astype(np.float32)
    whole = answers_of(data.rows, asked, logits)
    order = np.random.default_rng(3).permutation(len(asked))
    part = answers_of(data.rows, asked.take(order), logits[order])
    for name, column in vars(whole).items():
        np.testing.assert_array_equal(column[order], getattr(part, name))
