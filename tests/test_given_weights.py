"""A user's own weights: accepted file formats, no execution of code from files, and one-line refusals."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny
import torch
from safetensors.torch import save_file
from torch import nn

from unpoison.data import Data
from unpoison.errors import UserError
from unpoison.given_weights import load_given
from unpoison.networks import Architecture, Preprocessing
from unpoison.recipes import Recipe
from unpoison.steps.setting import Setting
from unpoison.steps.training import given_model
from unpoison.steps.trying import check_untrained
from unpoison.weights import load_model, save_model

HEADER = """
import random
import torch
from torch import nn
"""
NET = """
class Net(nn.Module):
    def __init__(self, classes=3):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 4, 3, 2), nn.BatchNorm2d(4), nn.ReLU(), nn.AdaptiveAvgPool2d(1))
        self.head = nn.Linear(4, classes)

    def forward(self, images):
        return self.head(self.body(images).flatten(1))
"""


@pytest.fixture
def kind(tmp_path: Path) -> Callable[..., Architecture]:
    """A function that makes the architecture of a user's network from source text."""

    def make(text: str = NET, name: str = "Net", **arguments: Any) -> Architecture:
        (tmp_path / "net.py").write_text(HEADER + text)
        options = {"python": f"{tmp_path}/net.py:{name}", "arguments": arguments or None}
        return Architecture("python", options, tiny.CLASS_NAMES, tiny.IMAGE_SIZE)

    return make


@pytest.fixture
def weights(kind: Callable[..., Architecture]) -> dict[str, torch.Tensor]:
    return {key: tensor.contiguous() for key, tensor in kind().new(7).network.state_dict().items()}


@pytest.fixture
def data(stored: np.ndarray) -> Data:
    return Data.of_rows(stored, tiny.chosen_rows())


def refused(words: str, call: Callable[[], Any]) -> None:
    with pytest.raises(UserError, match=words) as error:
        call()
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 700


# -- files -----------------------------------------------------------------------------------------------

READ: dict[str, Callable[[dict[str, torch.Tensor], str], None]] = {
    "w.safetensors": save_file,
    "w.pt": torch.save,
    "old.pth": lambda weights, path: torch.save(weights, path, _use_new_zipfile_serialization=False),
    "below state_dict.pt": lambda weights, path: torch.save({"epoch": 3, "state_dict": weights}, path),
    "below model.pt": lambda weights, path: torch.save({"model": weights, "optimizer": {"a": [1]}}, path),
    "parallel.pt": lambda weights, path: torch.save(
        {f"module.{key}": tensor for key, tensor in weights.items()}, path
    ),
    "compiled.pt": lambda weights, path: torch.save(
        {f"_orig_mod.{key}": tensor for key, tensor in weights.items()}, path
    ),
    "half.pt": lambda weights, path: torch.save(
        {key: tensor.half() if tensor.is_floating_point() else tensor for key, tensor in weights.items()},
        path,
    ),
}


@pytest.mark.parametrize("file", READ)
def test_weights_are_read_as_they_are(
    file: str, kind: Callable[..., Architecture], weights: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    READ[file](weights, str(tmp_path / file))
    found = load_given(tmp_path / file, kind()).network.state_dict()
    for key, tensor in weights.items():
        wanted = tensor.half().float() if file == "half.pt" and tensor.is_floating_point() else tensor
        assert found[key].dtype == tensor.dtype
        assert torch.equal(found[key], wanted)


def test_a_network_whose_own_names_begin_with_module_keeps_them(
    kind: Callable[..., Architecture], tmp_path: Path
) -> None:
    text = NET + "\nclass Wrapped(Net):\n    def __init__(self):\n        nn.Module.__init__(self)\n"
    text += (
        "        self.module = Net()\n\n    def forward(self, images):\n        return self.module(images)\n"
    )
    architecture = kind(text, "Wrapped")
    wanted = architecture.new(3).network.state_dict()
    torch.save(wanted, tmp_path / "w.pt")
    found = load_given(tmp_path / "w.pt", architecture).network.state_dict()
    assert all(torch.equal(found[key], tensor) for key, tensor in wanted.items())


class Evil:
    """A pickle that creates a folder when it is loaded."""

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (self.folder,)


def test_a_pickle_with_code_is_refused_and_its_code_is_not_run(
    kind: Callable[..., Architecture], weights: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    torch.save({**weights, "more": Evil(str(tmp_path / "made"))}, tmp_path / "w.pt")
    words = r"w.pt cannot be read as weights \(it holds \S*mkdir, which is more than weights\); allowed: "
    refused(words, lambda: load_given(tmp_path / "w.pt", kind()))
    assert not (tmp_path / "made").exists()


def test_a_whole_module_is_refused(kind: Callable[..., Architecture], tmp_path: Path) -> None:
    torch.save(nn.Linear(4, 3), tmp_path / "w.pt")
    words = r"it holds torch.nn.modules.linear.Linear, which is more than weights\); allowed: safetensors"
    refused(words, lambda: load_given(tmp_path / "w.pt", kind()))


OTHER: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "one missing": (
        lambda w: {key: w[key] for key in w if key != "head.bias"},
        "1 missing .head.bias.",
    ),
    "one unknown": (lambda w: {**w, "tail.bias": torch.ones(3)}, "1 unknown .tail.bias."),
    "all others": (
        lambda w: {f"a{number}": torch.ones(1) for number in range(9)},
        "9 missing .*, ....*9 unknown .a0, a1, a2, ....",
    ),
    "another shape": (
        lambda w: {**w, "head.bias": torch.ones(10)},
        r"head.bias has the shape \[10\]; the network .*net.py:Net has \[3\]",
    ),
    "not a number": (
        lambda w: {**w, "head.bias": torch.tensor([1, np.nan, 1])},
        "head.bias holds values that are not finite numbers of torch.float32",
    ),
    "too large for float32": (
        lambda w: {**w, "head.bias": torch.tensor([1e300, 1, 1], dtype=torch.float64)},
        "head.bias holds values that are not finite numbers of torch.float32",
    ),
    "quantised": (
        lambda w: {**w, "head.weight": torch.ones(3, 4, dtype=torch.int8)},
        "head.weight is of the type torch.int8; the network .* has torch.float32",
    ),
    "a list": (lambda w: list(w.values()), "holds no weights"),
    "a number": (lambda w: {**w, "epoch": 3}, "holds no weights"),
    "nothing": (lambda w: {}, "holds no weights"),
}


@pytest.mark.parametrize("case", OTHER)
def test_weights_of_another_network_are_refused(
    case: str, kind: Callable[..., Architecture], weights: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    change, words = OTHER[case]
    torch.save(change(weights), tmp_path / "w.pt")
    refused(words, lambda: load_given(tmp_path / "w.pt", kind()))


@pytest.mark.parametrize("name", ["w.safetensors", "w.pt"])
def test_a_file_that_is_no_weights_is_refused(
    name: str, kind: Callable[..., Architecture], tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(b"no weights at all")
    refused("cannot be read as weights", lambda: load_given(tmp_path / name, kind()))


def test_weights_that_are_rounded_are_warned_of(
    kind: Callable[..., Architecture], weights: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    precise = weights["head.bias"].double() + 1e-12
    torch.save({**weights, "head.bias": precise}, tmp_path / "w.pt")
    with pytest.warns(UserWarning, match="head.bias is rounded from torch.float64 to torch.float32"):
        load_given(tmp_path / "w.pt", kind())


# -- the user's code -------------------------------------------------------------------------------------

CODE: dict[str, tuple[str, dict[str, Any], str]] = {
    "raises": ("def Net():\n    raise KeyError('no\\nweights')", {}, "could not be built: KeyError"),
    "another argument": (NET, {"clases": 3}, "could not be built: TypeError: .*'clases'"),
    "no module": ("def Net():\n    return 3", {}, "gave a int; allowed: a torch.nn.Module"),
    "no class": ("Net = 3", {}, "has no class or function 'Net'"),
    "no weights": ("Net = nn.Flatten", {}, "has no weights that can be trained"),
    "lazy": ("def Net():\n    return nn.Sequential(nn.Flatten(), nn.LazyLinear(3))", {}, "learn their size"),
    "ends at once": (NET + "\nraise OSError('gone')", {}, "line 15: it cannot be imported: OSError: gone"),
    "two classes": (NET, {"classes": 2}, r"logits of the shape \(1, 2\), allowed: \(1, 3\), one for each"),
    "another size": (
        "def Net():\n    return nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 3))",
        {},
        "fails on an image of 16 x 16 pixels .RuntimeError: .*; image_size resizes images",
    ),
    "infinite": (
        NET.replace("return self.head", "return 1e38 * 1e38 * self.head"),
        {},
        "logits of the first image are not finite",
    ),
    "a tuple": (NET.replace("return self.head", "return 1, self.head"), {}, "gives tuple, allowed: a tensor"),
    "the same each time": (
        NET + "\nONE = Net()\ndef Same():\n    return ONE",
        {},
        "gives networks that share",
    ),
    "a shared part": (
        NET + "\nBODY = Net().body\ndef Same():\n    net = Net()\n    net.body = BODY\n    return net",
        {},
        "gives networks that share weights, allowed: a new network from each call",
    ),
    "random by itself": (
        NET + "\ndef Same():\n    net = Net()\n    net.head.bias.data += random.random()\n    return net",
        {},
        "other initial weights for the same seed; allowed: weights drawn by torch",
    ),
    "random outside of its weights": (
        NET.replace("self.head =", "self.noise = torch.randn(3)\n        self.head =").replace(
            "return self.head", "return self.noise + self.head"
        ),
        {},
        "with the same weights give other logits",
    ),
}


@pytest.mark.parametrize("case", CODE)
def test_code_that_gives_no_network_for_the_data_is_refused(
    case: str, kind: Callable[..., Architecture], data: Data
) -> None:
    text, arguments, words = CODE[case]
    name = "Same" if "Same" in text else "Net"
    refused(words, lambda: check_untrained(kind(text, name, **arguments), data))


def test_an_untrained_network_with_dropout_is_taken_without_a_word(
    kind: Callable[..., Architecture], data: Data, recwarn: pytest.WarningsRecorder
) -> None:
    text = NET.replace("self.head(self.body", "nn.functional.dropout(self.head(self.body").replace(
        "flatten(1))", "flatten(1)), 0.5, self.training)"
    )
    check_untrained(kind(text), data)
    assert not recwarn.list


def test_a_network_that_loads_a_pretrained_body_by_itself_is_warned_of(
    kind: Callable[..., Architecture], data: Data
) -> None:
    text = NET + "\ndef Loaded():\n    net = Net()\n    torch.manual_seed(0)\n"
    text += "    nn.init.normal_(net.body[0].weight)\n    return net"
    with pytest.warns(UserWarning, match="the same values for 90% of its weights, whatever the seed"):
        check_untrained(kind(text, "Loaded"), data)


def test_a_network_whose_layers_share_a_weight_is_saved_and_loaded(
    kind: Callable[..., Architecture], tmp_path: Path
) -> None:
    tied = "class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
    tied += "        self.one, self.two = nn.Linear(3, 3), nn.Linear(3, 3)\n"
    tied += "        self.two.weight = self.one.weight\n\n    def forward(self, images):\n"
    tied += "        return self.two(self.one(images.mean((2, 3))))\n"
    model = kind(tied).new(3)
    save_model(tmp_path / "model.safetensors", model)
    found = load_model(tmp_path)
    assert found.network.one.weight is found.network.two.weight
    assert torch.equal(found.network.one.weight, model.network.one.weight)


def test_a_network_in_a_package_imports_from_it(tmp_path: Path, data: Data) -> None:
    folder = tmp_path / "acme_package" / "models"
    folder.mkdir(parents=True)
    (folder.parent / "__init__.py").write_text("")
    (folder / "__init__.py").write_text("")
    (folder.parent / "sizes.py").write_text("CLASSES = 3\n")
    text = HEADER + NET.replace("=3", "=CLASSES")
    (folder / "net.py").write_text(f"from ..sizes import CLASSES\n{text}")
    options = {"python": f"{folder}/net.py:Net", "arguments": None}
    check_untrained(Architecture("python", options, tiny.CLASS_NAMES, tiny.IMAGE_SIZE), data)


# -- the model to repair ---------------------------------------------------------------------------------


def test_given_weights_that_do_not_know_the_data_are_warned_of(
    kind: Callable[..., Architecture], patched: Any, stored: np.ndarray, tmp_path: Path
) -> None:
    data = Data.of_rows(stored, patched.rows, patched.stamp)
    setting, recipe = Setting(0, torch.device("cpu")), Recipe(learning_rate=0.1, batch_size=8, epochs=1)
    blind = kind().new(0).network.state_dict()
    blind = {key: torch.zeros_like(tensor) for key, tensor in blind.items()}
    torch.save(blind, tmp_path / "w.pt")
    with pytest.warns(UserWarning, match="see that the logits are in the order cat, dog, ship") as told:
        model = given_model(str(tmp_path / "w.pt"), data, kind(), recipe, setting)
    assert any("they seem not to be trained on them" in str(warning.message) for warning in told)
    assert model.recipe == recipe


def test_preprocessing_on_a_scale_of_255_is_refused() -> None:
    refused(
        "mean: found .*, allowed: three numbers from 0 to 1", lambda: Preprocessing((125.0, 123.0, 114.0))
    )
    refused(
        "deviation: found .*, allowed: three numbers above 0, to 1",
        lambda: Preprocessing(deviation=(63.0, 62.0, 67.0)),
    )
