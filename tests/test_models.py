"""Networks: construction, saving and loading."""

from collections.abc import Callable
from pathlib import Path

import pytest
import tiny
import torch
from arithmetic import PASS, assert_same
from tiny import build
from torch import Tensor, nn

import unpoison
from unpoison.contracts.request import Request
from unpoison.models import MODELS
from unpoison.models._celu import CELU
from unpoison.models.resnet9 import GlobalMax
from unpoison.networks import CIFAR10_DEVIATION, CIFAR10_MEAN
from unpoison.weights import load_model, save_model

every_model = pytest.mark.parametrize("name", list(tiny.MODEL_OPTIONS))


def test_every_model_but_the_users_own_is_tested() -> None:
    assert {*tiny.MODEL_OPTIONS, "python"} == {*MODELS}


def some_images(count: int, size: int) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (count, 3, size, size), dtype=torch.uint8, generator=generator)


@every_model
@pytest.mark.parametrize("size", [16, 20, 32, 64])
@pytest.mark.parametrize("classes", [2, 10])
def test_a_network_gives_one_logit_per_class_at_every_size(name: str, size: int, classes: int) -> None:
    model = build(name, classes, tiny.MODEL_OPTIONS[name], seed=0, image_size=size)
    for mode in (model.train(), model.eval()):
        logits = mode(some_images(2, size))
        assert logits.shape == (2, classes)
        assert logits.dtype == torch.float32
        assert torch.isfinite(logits).all()


@every_model
def test_the_initial_weights_depend_on_the_seed_alone(name: str) -> None:
    torch.manual_seed(1)
    state = torch.get_rng_state()
    options = tiny.MODEL_OPTIONS[name]
    first = build(name, 3, options, seed=4).state_dict()
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(2)
    second, other = (build(name, 3, options, seed=seed).state_dict() for seed in (4, 5))
    assert all(torch.equal(first[key], second[key]) for key in first)
    weights = [key for key in first if first[key].dim() > 1]
    assert not any(torch.equal(first[key], other[key]) for key in weights)


@every_model
def test_a_network_sees_the_same_image_in_any_memory_layout(name: str) -> None:
    model = build(name, 3, tiny.MODEL_OPTIONS[name], seed=0).eval()
    images = some_images(3, 16)
    last = images.contiguous(memory_format=torch.channels_last)
    assert_same(model(images), model(last), terms=PASS)


# -- ResNet-9 as published --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("width", "classes", "parameters"),
    [
        # 3x3x3x64 + 2x64; 5x5x64x128 + 2x128; 2 (3x3x128x128 + 2x128); 3x3x128x256 + 2x256;
        # 2 (3x3x256x256 + 2x256); 3x3x256x128 + 2x128; 128x10.
        (64, 10, 1856 + 205_056 + 295_424 + 295_424 + 1_180_672 + 295_168 + 1280),
        (64, 10, 2_274_880),
        (64, 2, 2_273_856),
        (4, 3, 9164),
    ],
)
def test_resnet9_has_the_published_number_of_parameters(width: int, classes: int, parameters: int) -> None:
    model = build("resnet9", classes, {"width": width}, seed=0)
    assert sum(parameter.numel() for parameter in model.parameters()) == parameters


def test_resnet9_has_the_literatures_width_unless_told() -> None:
    assert MODELS.options("resnet9")["width"].default == 64


def test_resnet9_has_the_published_layers_in_their_order() -> None:
    w = 8
    convolutions = [
        module for module in build("resnet9", 10, {"width": w}, 0).modules() if isinstance(module, nn.Conv2d)
    ]
    found = [
        (layer.in_channels, layer.out_channels, layer.kernel_size[0], layer.stride[0], layer.padding[0])
        for layer in convolutions
    ]
    assert found == [
        (3, w, 3, 1, 1),
        (w, 2 * w, 5, 2, 2),
        (2 * w, 2 * w, 3, 1, 1),
        (2 * w, 2 * w, 3, 1, 1),
        (2 * w, 4 * w, 3, 1, 1),
        (4 * w, 4 * w, 3, 1, 1),
        (4 * w, 4 * w, 3, 1, 1),
        (4 * w, 2 * w, 3, 1, 0),
    ]
    assert all(layer.bias is None for layer in convolutions)


def test_every_convolution_of_resnet9_is_followed_by_batch_norm_and_celu() -> None:
    model = build("resnet9", 10, {"width": 4}, 0)
    blocks = [
        [layer for layer in block if not isinstance(layer, nn.MaxPool2d | GlobalMax)]
        for block in convolution_blocks(model)
    ]
    assert [[type(layer) for layer in block] for block in blocks] == [[nn.Conv2d, nn.BatchNorm2d, CELU]] * 8
    assert {block[-1].alpha for block in blocks} == {0.075}
    [head] = [module for module in model.modules() if isinstance(module, nn.Linear)]
    assert (head.in_features, head.out_features, head.bias) == (8, 10, None)


def convolution_blocks(model: nn.Module) -> list[nn.Sequential]:
    return [
        module
        for module in model.modules()
        if isinstance(module, nn.Sequential) and isinstance(module[0], nn.Conv2d)
    ]


def test_resnet9_computes_what_was_published() -> None:
    """The expected forward pass is written out, with torch's own CELU and each pool after it."""
    model = build("resnet9", 5, {"width": 4}, seed=3)
    for module in model.modules():  # statistics and affine terms that differ from zero and one
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.running_mean)
            nn.init.uniform_(module.running_var, 0.5, 2)
            nn.init.normal_(module.weight)
            nn.init.normal_(module.bias)
    blocks = [
        lambda features, block=block: nn.functional.celu(block[1](block[0](features)), 0.075)
        for block in convolution_blocks(model.eval())
    ]
    head = next(module for module in model.modules() if isinstance(module, nn.Linear))
    images = some_images(4, 32)
    mean, deviation = torch.tensor(CIFAR10_MEAN).view(3, 1, 1), torch.tensor(CIFAR10_DEVIATION).view(3, 1, 1)
    features = (images / 255 - mean) / deviation
    features = blocks[1](blocks[0](features))
    features = features + blocks[3](blocks[2](features))
    features = nn.functional.max_pool2d(blocks[4](features), 2)
    features = features + blocks[6](blocks[5](features))
    features = blocks[7](features).amax(dim=(2, 3))
    assert_same(model(images), features @ head.weight.T, terms=PASS)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_our_celu_is_torchs(dtype: torch.dtype) -> None:
    alpha = 0.075
    features = torch.linspace(-3, 3, 10_001, dtype=torch.float64).to(dtype)
    found = CELU(alpha)(features)
    assert found.dtype == dtype
    expected = nn.functional.celu(features.double(), alpha)
    computed = torch.finfo(torch.promote_types(dtype, torch.float32)).eps
    # The exponential of a rounded argument is off by up to two units; then the result is rounded.
    room = 2 * computed * alpha + torch.finfo(dtype).eps / 2 * expected.abs()
    assert ((found.double() - expected).abs() <= room).all()


def test_our_celu_has_first_and_second_derivatives_and_per_sample_gradients() -> None:
    features = torch.randn(4, 6, dtype=torch.float64, requires_grad=True)
    activation = CELU(0.075)
    assert torch.autograd.gradcheck(activation, features)
    assert torch.autograd.gradgradcheck(activation, features)

    def loss(sample: torch.Tensor) -> torch.Tensor:
        return activation(sample).square().sum()

    one_by_one = torch.stack([torch.func.grad(loss)(sample) for sample in features.detach()])
    torch.testing.assert_close(torch.func.vmap(torch.func.grad(loss))(features.detach()), one_by_one)


def test_black_and_white_become_minus_mean_and_its_rest_over_the_deviation() -> None:
    images = torch.tensor([0, 255], dtype=torch.uint8).view(2, 1, 1, 1).expand(2, 3, 1, 1)
    black, white = build("resnet9", 2, {"width": 2}, seed=0).prepared(images)[:, :, 0, 0]
    assert_same(black, -torch.tensor(CIFAR10_MEAN) / torch.tensor(CIFAR10_DEVIATION), terms=2)
    assert_same(white, (1 - torch.tensor(CIFAR10_MEAN)) / torch.tensor(CIFAR10_DEVIATION), terms=2)


# -- on disk ----------------------------------------------------------------------------------------


@pytest.fixture
def saved(trained: nn.Module, tmp_path: Path) -> Path:
    save_model(tmp_path / "base/model.safetensors", trained)
    return tmp_path / "base"


def test_a_saved_model_gives_the_same_logits_when_loaded(saved: Path, trained: nn.Module) -> None:
    for place in (saved, saved / "model.safetensors", str(saved)):
        model = load_model(place)
        assert not model.training
        assert torch.equal(model(some_images(5, 16)), trained(some_images(5, 16)))


def test_a_loaded_model_has_all_weights_and_statistics_of_the_saved_one(
    saved: Path, trained: nn.Module
) -> None:
    found, expected = load_model(saved).state_dict(), trained.state_dict()
    assert found.keys() == expected.keys()
    assert any("running_var" in key for key in found)
    assert all(torch.equal(found[key], expected[key]) for key in found)


def test_a_loaded_model_knows_the_names_of_its_classes(saved: Path) -> None:
    assert load_model(saved).class_names == ("cat", "dog", "ship")


def test_the_package_gives_back_a_model_by_its_folder(saved: Path) -> None:
    assert unpoison.load_model is load_model
    with pytest.raises(AttributeError, match="has no attribute 'load_models'"):
        _ = unpoison.load_models


def test_a_loaded_model_can_be_trained_further(saved: Path, make_request: Callable[..., Request]) -> None:
    from unpoison.unlearning import METHODS

    model = METHODS["finetune"](make_request([1, 2], model=load_model(saved)))
    assert torch.isfinite(model(some_images(2, 16))).all()


def test_saving_leaves_the_model_as_it_was(trained: nn.Module, tmp_path: Path) -> None:
    layout = [tensor.stride() for tensor in trained.state_dict().values()]
    save_model(tmp_path / "model.safetensors", trained)
    assert [tensor.stride() for tensor in trained.state_dict().values()] == layout
