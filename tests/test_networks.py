"""Networks that are built by name: with CIFAR stems, and from torchvision and timm."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import timm
import tiny
import torch
from arithmetic import PASS, assert_same
from torch import Tensor, nn
from torch.nn.functional import batch_norm, conv2d, cross_entropy, linear
from torchvision import models

from unpoison.errors import UserError
from unpoison.models import MODELS
from unpoison.unlearning._last import cut_before

PACKAGE = Path(__file__).parents[1] / "unpoison"
TINY = {
    "preact_resnet18": ("preact_resnet18", {"width": 4}),
    "wide_resnet": ("wide_resnet", {"depth": 10, "width": 1}),
    "mobilenet": ("torchvision", {"name": "mobilenet_v3_small"}),
    "shufflenet": ("torchvision", {"name": "shufflenet_v2_x0_5"}),
    "vit": ("timm", {"name": "test_vit"}),
    "resnet": ("timm", {"name": "test_resnet"}),
    "efficientnet": ("timm", {"name": "test_efficientnet"}),
}
every_tiny = pytest.mark.parametrize(("kind", "options"), TINY.values(), ids=TINY)
# One network of each torchvision family that supports the CIFAR stem.
FAMILIES = (
    "convnext_tiny",
    "densenet121",
    "efficientnet_b0",
    "googlenet",
    "mnasnet0_5",
    "mobilenet_v2",
    "mobilenet_v3_small",
    "resnet18",
    "shufflenet_v2_x0_5",
)


def untrained(
    kind: str, options: Mapping[str, Any], *, image_size: int = 32, classes: int = 10, seed: int = 0
) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return MODELS[kind](classes, image_size, **options)


def shapes_of(kind: str, options: Mapping[str, Any], **where: int) -> dict[str, torch.Size]:
    """Return the shapes of a network's weights, without allocating the weights."""
    with torch.device("meta"):
        return {key: weights.shape for key, weights in untrained(kind, options, **where).state_dict().items()}


def some_images(count: int, size: int) -> Tensor:
    return torch.randn(count, 3, size, size, generator=torch.Generator().manual_seed(0))


@every_tiny
@pytest.mark.parametrize("size", [16, 32, 64])
def test_a_network_gives_one_finite_logit_per_class(kind: str, options: dict[str, Any], size: int) -> None:
    model = untrained(kind, options, image_size=size, classes=3)
    assert model.training
    for mode in (model.train(), model.eval()):
        logits = mode(some_images(2, size))
        assert logits.shape == (2, 3)
        assert logits.dtype == torch.float32
        assert torch.isfinite(logits).all()


@every_tiny
def test_the_initial_weights_depend_on_the_seed_alone(kind: str, options: dict[str, Any]) -> None:
    first, second, other = (untrained(kind, options, seed=seed).state_dict() for seed in (4, 4, 5))
    assert all(torch.equal(first[key], second[key]) for key in first)
    filters = [key for key in first if first[key].dim() == 4]
    assert filters and not any(torch.equal(first[key], other[key]) for key in filters)


@every_tiny
def test_a_training_step_is_repeatable_and_moves_the_weights(kind: str, options: dict[str, Any]) -> None:
    one, other = (step(untrained(kind, options)) for _ in range(2))
    assert all(torch.equal(one[key], other[key]) for key in one)
    before = dict(untrained(kind, options).named_parameters())
    stem = next(key for key in before if before[key].dim() == 4)
    assert not torch.equal(one[stem], before[stem])


def step(model: nn.Module) -> dict[str, Tensor]:
    """Return the weights after one gradient step; operations without a deterministic form raise."""
    assert torch.get_deterministic_debug_mode() == 2
    parameters = dict(model.named_parameters())
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)  # for dropout and stochastic depth
        loss = cross_entropy(model.train()(some_images(4, 32)), torch.arange(4))
    gradients = torch.autograd.grad(loss, list(parameters.values()))
    return {
        key: (weights - 0.1 * gradient).detach()
        for (key, weights), gradient in zip(parameters.items(), gradients, strict=True)
    }


# -- PreAct-ResNet-18 and WideResNet as published ----------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "options", "millions"),
    [
        ("preact_resnet18", {}, 11.17),
        ("wide_resnet", {}, 36.48),  # WRN-28-10, 36.5 in the paper's Table 4
        ("wide_resnet", {"depth": 40, "width": 4}, 8.95),  # 8.9
        ("wide_resnet", {"depth": 16, "width": 8}, 10.96),  # 11.0
        ("wide_resnet", {"depth": 40, "width": 1}, 0.56),  # 0.6
        ("torchvision", {"name": "resnet18"}, 11.17),
    ],
)
def test_a_network_has_the_published_number_of_parameters(
    kind: str, options: dict[str, Any], millions: float
) -> None:
    with torch.device("meta"):
        model = untrained(kind, options)
    assert round(sum(weights.numel() for weights in model.parameters()) / 1e6, 2) == millions


@pytest.mark.parametrize(
    ("kind", "options"), [TINY["preact_resnet18"], TINY["wide_resnet"]], ids=["preact", "wide"]
)
def test_a_pre_activation_network_computes_what_was_published(kind: str, options: dict[str, Any]) -> None:
    """Expected: x + W2 relu(BN(W1 relu(BN(x)))), He et al. 2016, Fig. 1 (b); 1x1 filters where shapes change."""
    model = untrained(kind, options)
    for module in model.modules():  # statistics and affine terms that differ from zero and one
        if isinstance(module, nn.BatchNorm2d):
            for terms in (module.running_mean, module.weight, module.bias):
                nn.init.normal_(terms)
            nn.init.uniform_(module.running_var, 0.5, 2)
    w = model.eval().state_dict()

    def activated(features: Tensor, norm: str) -> Tensor:
        terms = (w[f"{norm}.{name}"] for name in ("running_mean", "running_var", "weight", "bias"))
        return batch_norm(features, *terms).relu()

    features = conv2d(some_images(2, 32), w["layers.0.weight"], padding=1)
    blocks = sorted({int(key.split(".")[1]) for key in w if "conv2" in key})
    for number, block in enumerate(blocks):
        stages = {"preact_resnet18": 4, "wide_resnet": 3}[kind]
        each = len(blocks) // stages
        stride = 2 if number and number % each == 0 else 1
        active = activated(features, f"layers.{block}.norm1")
        shortcut = w.get(f"layers.{block}.shortcut.weight")
        kept = features if shortcut is None else conv2d(active, shortcut, stride=stride)
        inner = conv2d(active, w[f"layers.{block}.conv1.weight"], stride=stride, padding=1)
        inner = activated(inner, f"layers.{block}.norm2")
        features = kept + conv2d(inner, w[f"layers.{block}.conv2.weight"], padding=1)
    norm, head = blocks[-1] + 1, blocks[-1] + 5
    pooled = activated(features, f"layers.{norm}").mean((2, 3))
    expected = linear(pooled, w[f"layers.{head}.weight"], w[f"layers.{head}.bias"])
    assert_same(model(some_images(2, 32)), expected, terms=4 * PASS)


def test_preact_resnet18_lists_where_it_can_be_cut() -> None:
    model = untrained("preact_resnet18", {"width": 1})
    allowed = MODELS.constant("preact_resnet18", "LAST")
    assert [last for last in range(1, 30) if is_cut(model, last)] == list(allowed)


def is_cut(model: nn.Module, last: int) -> bool:
    try:
        cut_before(tiny.bare(model), last)
    except UserError:
        return False
    return True


# -- stems and patches -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FAMILIES)
def test_the_cifar_stem_changes_the_first_filters_alone(name: str) -> None:
    published = shapes_of("torchvision", {"name": name, "stem": "imagenet"})
    small = shapes_of("torchvision", {"name": name})
    first = next(key for key in published if published[key][1:2] == (3,))
    assert small.pop(first) == (*published.pop(first)[:2], 3, 3)
    assert small == published


@pytest.mark.parametrize(
    ("kind", "name", "count"),
    [
        ("torchvision", "resnet18", 1 + 4),
        ("torchvision", "densenet121", 1 + 2 * 6),
        ("torchvision", "shufflenet_v2_x0_5", 1),
        ("torchvision", "mobilenet_v3_small", 1),
        ("timm", "test_efficientnet", 1),
        ("timm", "regnetx_002", 1),
        ("timm", "densenet121", 1 + 2 * 6),
        ("timm", "resnet18d", 3 + 4),  # three convolutions in its stem
        ("timm", "resnetaa50", 1 + 3 * 3),  # its max-pool is two layers
    ],
)
def test_the_cifar_stem_keeps_the_size_of_the_image(kind: str, name: str, count: int) -> None:
    """The size is kept by the stem, and by the first stage where the stem ends in a max-pool."""
    sides: list[int] = []
    with torch.device("meta"):
        model = untrained(kind, {"name": name})
        for module in model.modules():
            if isinstance(module, nn.Conv2d):
                module.register_forward_hook(lambda _, inputs, output: sides.append(output.shape[-1]))
        model(torch.zeros(2, 3, 32, 32))
    assert sides[:count] == [32] * count


def test_the_imagenet_stem_is_torchvisions_own() -> None:
    own = models.mobilenet_v3_small(weights=None, num_classes=10)
    model = untrained("torchvision", {"name": "mobilenet_v3_small", "stem": "imagenet"})
    model.load_state_dict(own.state_dict())
    images = some_images(2, 64)
    assert torch.equal(model.eval()(images), own.eval()(images))


@pytest.mark.parametrize(
    ("options", "tokens"),
    [
        ({}, 8 * 8),
        ({"patch_size": 8}, 4 * 4),
        ({"stem": "imagenet"}, 2 * 2),
        ({"stem": "imagenet", "patch_size": 2}, 16 * 16),
    ],
)
def test_a_vision_transformer_is_built_for_image_and_patch(options: dict[str, Any], tokens: int) -> None:
    found = shapes_of("torchvision", {"name": "vit_b_16", **options})
    assert found["encoder.pos_embedding"][1] == tokens + 1  # plus the class token
    found = shapes_of("timm", {"name": "test_vit", **options})
    assert found["pos_embed"][1] == tokens + 1


@pytest.mark.parametrize("name", ["vit_b_32", "vit_h_14"])
def test_a_vision_transformer_differs_from_torchvisions_own_in_its_patches_alone(name: str) -> None:
    with torch.device("meta"):
        own = models.get_model(name, weights=None, num_classes=10)
        model = untrained("torchvision", {"name": name})
    found, expected = (
        {key: weights.shape for key, weights in one.state_dict().items()} for one in (model, own)
    )
    for key in ("conv_proj.weight", "encoder.pos_embedding"):
        assert found.pop(key) != expected.pop(key)
    assert found == expected
    heads, own_heads = (
        [layer.num_heads for layer in one.modules() if isinstance(layer, nn.MultiheadAttention)]
        for one in (model, own)
    )
    assert heads == own_heads


def test_patches_of_larger_images_are_the_networks_own() -> None:
    assert shapes_of("torchvision", {"name": "vit_b_16"}, image_size=96)["conv_proj.weight"][2] == 16
    assert shapes_of("timm", {"name": "test_vit"}, image_size=96)["patch_embed.proj.weight"][2] == 16


@pytest.mark.parametrize(("patch_size", "side"), [(None, 4), (2, 2)])
def test_swin_takes_a_patch_size(patch_size: int | None, side: int) -> None:
    found = shapes_of("torchvision", {"name": "swin_t", "patch_size": patch_size})
    assert found["features.0.0.weight"] == (96, 3, side, side)


def test_vgg_classifies_the_mean_of_its_features() -> None:
    found = shapes_of("torchvision", {"name": "vgg11"})
    assert found["classifier.0.weight"] == (4096, 512)
    assert found["classifier.6.weight"] == (10, 4096)


# -- refusals in one line ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "options", "size", "message"),
    [
        ("wide_resnet", {"depth": 27}, 32, r"depth of wide_resnet: found 27, allowed: 6 n \+ 4"),
        ("wide_resnet", {"depth": 4}, 32, r"found 4, allowed: 6 n \+ 4"),
        ("torchvision", {"name": "resnet81"}, 32, "unknown network 'resnet81'.*similar:.*resnet18"),
        ("torchvision", {"name": "?"}, 32, r"torchvision.models has \d+ and none"),
        ("torchvision", {"name": "fcn_resnet50"}, 32, "unknown network 'fcn_resnet50'"),
        ("timm", {"name": "resnt18"}, 32, "unknown network 'resnt18'.*similar:.*resnet18"),
        ("torchvision", {"name": "squeezenet1_1"}, 32, "a SqueezeNet; allowed: stem: imagenet"),
        ("timm", {"name": "mixer_s32_224"}, 32, "stem: cifar is not known for mixer_s32_224"),
        ("timm", {"name": "vit_tiny_r_s16_p8_224"}, 32, "stem: cifar is not known for vit_tiny_r_s16_p8_224"),
        ("timm", {"name": "vit_base_mci_224"}, 32, "vit_base_mci_224 does not take images"),
        ("timm", {"name": "mixer_s32_224", "patch_size": 4}, 32, "patch_size: found 4"),
        ("torchvision", {"name": "resnet18", "patch_size": 4}, 32, "patch_size: found 4, but resnet18"),
        ("timm", {"name": "test_resnet", "patch_size": 4}, 32, "patch_size: found 4, but test_resnet"),
        (
            "torchvision",
            {"name": "vit_b_16"},
            30,
            "found 4, allowed: a divisor of the image size, which is 30",
        ),
        ("torchvision", {"name": "swin_t", "patch_size": 5}, 32, "patch_size of swin_t: found 5"),
        ("timm", {"name": "test_vit"}, 30, "patch_size of test_vit: found 4"),
        ("timm", {"name": "test_vit", "stem": "imagenet"}, 40, "does not take images of 40 pixels"),
        ("torchvision", {"name": "inception_v3", "stem": "imagenet"}, 32, "not take images of 32 pixels"),
        ("torchvision", {"name": "maxvit_t", "stem": "imagenet"}, 32, "not take images of 32 pixels"),
        ("timm", {"name": "visformer_tiny"}, 32, "visformer_tiny does not take images of 32 pixels"),
        ("torchvision", {"name": "vgg11"}, 16, "vgg11 does not take images of 16 pixels"),
    ],
)
def test_what_cannot_be_built_is_refused_in_a_line(
    kind: str, options: dict[str, Any], size: int, message: str
) -> None:
    with pytest.raises(UserError, match=message) as refused, torch.device("meta"):
        untrained(kind, options, image_size=size)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", ["resnet18.a1_in1k", "hf-hub:timm/resnet18.a1_in1k", "local-dir:/tmp"])
def test_names_of_pretrained_weights_are_refused_before_anything_is_fetched(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timm, "create_model", None)
    with pytest.raises(UserError, match="unknown network"):
        untrained("timm", {"name": name})


def test_timm_is_imported_by_its_plug_in_alone() -> None:
    users = [path.name for path in PACKAGE.rglob("*.py") if "import timm" in path.read_text(encoding="utf-8")]
    assert users == ["timm.py"]


@pytest.mark.hard
@pytest.mark.parametrize("stem", ["cifar", "imagenet"])
@pytest.mark.parametrize("name", models.list_models(module=models))
def test_every_network_of_torchvision_is_built_or_refused_in_a_line(name: str, stem: str) -> None:
    place = "cpu" if name.startswith("regnet") else "meta"  # RegNets compute their depths from tensor values
    try:
        with torch.device(place):
            untrained("torchvision", {"name": name, "stem": stem})
    except UserError as refused:
        assert "\n" not in str(refused)
