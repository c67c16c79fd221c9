"""Users' data: torchvision data sets with their own classes, and arrays of unusual types."""

from collections.abc import Callable, Iterator
from pathlib import Path

import jaxtyping
import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import IterableDataset, Subset
from torchvision.datasets import ImageFolder

import unpoison


@pytest.fixture(autouse=True)
def as_users_run_it() -> Iterator[None]:
    """Disable the tests' type checks, as for users."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


def refused(sentence: str, call: Callable[[], object]) -> None:
    with pytest.raises(unpoison.UserError, match=sentence) as caught:
        call()
    assert "\n" not in str(caught.value)


LEVEL = {"ant": 10, "bee": 20, "cow": 30, "dog": 40}


def folder_of(path: Path, classes: list[str]) -> ImageFolder:
    """Return a folder of two images for each class; the class sets the grey level."""
    for name in classes:
        (path / name).mkdir(parents=True)
        for number in range(2):
            Image.new("RGB", (4, 4), (LEVEL[name],) * 3).save(path / name / f"{number}.png")
    return ImageFolder(path)


def test_labels_of_a_test_set_are_those_of_the_training_sets_names(tmp_path: Path) -> None:
    training = folder_of(tmp_path / "train", ["ant", "bee", "cow"])
    test = folder_of(tmp_path / "test", ["bee", "cow"])  # labels 0 and 1 here
    for further in (test, Subset(test, range(len(test)))):
        data = unpoison.Data.from_torchvision(training, further, trusted=further)
        named = np.array(data.class_names)[data.rows.given_label]
        assert [LEVEL[name] for name in named] == data.images[:, 0, 0, 0].tolist()
    part = unpoison.Data.from_torchvision(Subset(training, [0, 2, 3]), test)
    assert part.class_names == ("ant", "bee", "cow")


def test_a_class_that_the_training_set_lacks_is_refused(tmp_path: Path) -> None:
    training = folder_of(tmp_path / "train", ["ant", "bee"])
    test = folder_of(tmp_path / "test", ["bee", "dog"])
    refused(
        "test: found the class dog, allowed: .*ant, bee",
        lambda: unpoison.Data.from_torchvision(training, test),
    )


def test_images_of_torchvision_are_read_as_they_are_shown() -> None:
    deep = Image.fromarray(np.full((4, 4), 32_896, np.uint16))  # 128 in 8 bits
    clear = Image.new("RGBA", (4, 4), (0, 0, 0, 0))
    data = unpoison.Data.from_torchvision([(deep, 0), (clear, 1)])
    assert np.unique(data.images[0]) == 128
    assert np.unique(data.images[1]) == 255


PICTURE = Image.new("RGB", (4, 4))


class Endless(IterableDataset):
    """A data set without a length."""

    def __iter__(self) -> Iterator[tuple[Image.Image, int]]:
        yield PICTURE, 0


NO_SETS = {
    "none": (None, "training: found NoneType, allowed: a data set"),
    "no length": (Endless(), "training: found Endless"),
    "a float label": ([(PICTURE, 0.7)], "training: found the label 0.7, allowed: an integer"),
    "many labels": ([(PICTURE, torch.tensor([0, 1]))], "training: found the label tensor"),
    "three parts": ([(PICTURE, 0, 1)], "allowed: pairs of an image and a label"),
}


@pytest.mark.parametrize("case", list(NO_SETS))
def test_what_is_no_data_set_of_labelled_images_is_refused_in_a_line(case: str) -> None:
    given, sentence = NO_SETS[case]
    refused(sentence, lambda: unpoison.Data.from_torchvision(given))


IMAGES, LABELS = np.arange(4 * 48, dtype=np.uint8).reshape(4, 4, 4, 3), np.array([0, 1, 0, 1])


@pytest.mark.parametrize("kind", ["bfloat16", "sparse", "meta"])
def test_tensors_that_numpy_does_not_have_are_refused_in_a_line(kind: str) -> None:
    images = torch.from_numpy(IMAGES)
    given = {"bfloat16": images.bfloat16(), "sparse": images.to_sparse(), "meta": images.to("meta")}[kind]
    refused("images: found Tensor that NumPy cannot convert", lambda: unpoison.Data(given, LABELS))


@pytest.mark.parametrize("names", [{"ant", "bee"}, iter(["ant", "bee"]), 2])
def test_class_names_without_an_order_or_a_length_are_refused(names: object) -> None:
    refused("class_names: found .*in the order of labels", lambda: unpoison.Data(IMAGES, LABELS, names))
    net = torch.nn.Linear(3, 2)
    refused("class_names: found .*in the order of labels", lambda: unpoison.wrap_model(net, names))


def test_means_are_numbers_up_to_white_and_may_be_a_tensor() -> None:
    net, names = torch.nn.Linear(3, 2), ["ant", "bee"]
    model = unpoison.wrap_model(net, names, mean=torch.full((3,), 0.5), deviation=np.full(3, 0.25))
    assert (model.preprocessing.mean, model.preprocessing.deviation) == ((0.5,) * 3, (0.25,) * 3)
    refused("three numbers from 0 to 1", lambda: unpoison.wrap_model(net, names, mean=(123.7, 116.3, 103.5)))
