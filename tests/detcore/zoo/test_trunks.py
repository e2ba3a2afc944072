"""EfficientNet-lite0 as the trunk of a detector: the published network number by number, and its file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from detcore.weights.cache import default_cache
from detcore.weights.catalogue import find_weights
from detcore.zoo.building import build_detector
from detcore.zoo.detectors.reticle import Reticle
from detcore.zoo.parts.backbones.trunks import LiteConv, LiteTrunk
from detcore.zoo.weights import load_weights, read_tensors

# Of timm's tf_efficientnet_lite0 (Apache-2.0) with the tensors of `made_up` and the image of `waves`, after its
# blocks 2, 4 and 6: channels, mean, spread, first and last value.
BY_TIMM = (
    (40, -0.284373939, 6.582938671, 15.671432495, 6.139623642),
    (112, 0.118064485, 7.011932373, 5.815429211, 0.493453264),
    (320, -0.007220467, 4.105901718, 1.707267284, -5.228097916),
)


def published_names() -> Iterator[str]:
    """Those of the file, as far as the trunk goes: block 0 is not made wider first."""
    norm = ("weight", "bias", "running_mean", "running_var")
    yield "_conv_stem.weight"
    yield from (f"_bn0.{part}" for part in norm)
    for block in range(16):
        layers = (("_expand_conv", "_bn0"), ("_depthwise_conv", "_bn1"), ("_project_conv", "_bn2"))
        for conv, bn in layers[block == 0 :]:
            yield f"_blocks.{block}.{conv}.weight"
            yield from (f"_blocks.{block}.{bn}.{part}" for part in norm)


def made_up(name: str, shape: torch.Size) -> Tensor:
    """Numbers that anyone can make again, and that keep the activations in bounds."""
    number = int((re.findall(r"\d+", name) or ["0"])[0])
    wave = torch.sin(torch.arange(shape.numel(), dtype=torch.float64) * 0.7 + len(name) + number)
    if name.endswith("running_var"):
        values = 1 + 0.5 * wave
    elif name.endswith(("running_mean", "bias")):
        values = 0.1 * wave
    elif len(shape) == 1:
        values = 1 + 0.2 * wave
    else:
        values = wave * (6 / shape[1:].numel()) ** 0.5
    return values.reshape(shape).float()


def waves() -> Tensor:
    return torch.sin(torch.arange(3 * 96 * 64, dtype=torch.float64) * 0.01).reshape(1, 3, 96, 64).float()


@pytest.fixture
def trunk() -> LiteTrunk:
    trunk = LiteTrunk().eval()
    own = trunk.state_dict()
    places = {name: str(trunk.own_name(name)) for name in published_names()}
    counts = {name for name in own if name.endswith("num_batches_tracked")}
    assert set(places.values()) == set(own) - counts
    trunk.load_state_dict(
        {place: made_up(name, own[place].shape) for name, place in places.items()}, strict=False
    )
    return trunk


def test_its_maps_are_those_of_timm_number_by_number(trunk: LiteTrunk) -> None:
    with torch.no_grad():
        maps = trunk(waves())
    for features, (channels, mean, spread, first, last), stride in zip(
        maps, BY_TIMM, (8, 16, 32), strict=True
    ):
        assert features.shape == (1, channels, 96 // stride, 64 // stride)
        found = [features.mean(), features.std(), features[0, 0, 0, 0], features[0, -1, -1, -1]]
        assert [float(value) for value in found] == pytest.approx([mean, spread, first, last], rel=1e-4)


def test_the_same_padding_on_both_sides_would_be_another_network(trunk: LiteTrunk) -> None:
    for layer in trunk.modules():
        if isinstance(layer, LiteConv) and hasattr(layer, "pad"):
            layer.pad = nn.ZeroPad2d(layer.conv.kernel_size[0] // 2)
    with torch.no_grad():
        deepest = trunk(waves())[2]
    assert float(deepest[0, 0, 0, 0]) != pytest.approx(BY_TIMM[2][3], rel=0.01)


def test_a_published_file_fills_the_trunk_and_nothing_else(tmp_path: Path, trunk: LiteTrunk) -> None:
    own = trunk.state_dict()
    file = {name: own[str(trunk.own_name(name))] for name in published_names()}
    # The file holds convolutions that are laid out backwards, and a classifier.
    file = {name: value.flip(0).contiguous().flip(0) for name, value in file.items()}
    file |= {"_conv_head.weight": torch.ones(1280, 320, 1, 1), "_bn1.weight": torch.ones(1280)}
    file |= {"_fc.weight": torch.ones(1000, 1280), "_fc.bias": torch.ones(1000)}
    torch.save(file, tmp_path / "lite0.pth")
    detector = build_detector("reticle-s-pretrained", num_classes=3, image_size=320)
    report = load_weights(detector, tmp_path / "lite0.pth")
    assert isinstance(detector, Reticle)
    filled = detector.backbone.state_dict()
    assert all(torch.equal(filled[name], own[name]) for name in own if "num_batches" not in name)
    assert set(report.unexpected) == {"_conv_head.weight", "_bn1.weight", "_fc.weight", "_fc.bias"}
    assert not report.mismatched
    assert all(name.startswith(("neck.", "heads.")) for name in report.missing)


def test_the_trunk_sees_pixels_less_127_by_128() -> None:
    detector = build_detector("reticle-s-pretrained", num_classes=3, image_size=320).eval()
    assert isinstance(detector, Reticle)
    seen: list[Tensor] = []
    detector.backbone.register_forward_pre_hook(lambda _module, inputs: seen.append(inputs[0]))
    pixels = torch.tensor([0.0, 127.0, 255.0]).reshape(1, 3, 1, 1).expand(1, 3, 64, 64)
    with torch.no_grad():
        detector.detect(pixels / 255)
    assert seen[0][0, :, 0, 0].tolist() == pytest.approx([-127 / 128, 0.0, 1.0], abs=1e-6)


def test_the_package_holds_the_file_that_the_card_names() -> None:
    file = find_weights("lite0-imagenet")
    if file.installed is None:
        pytest.skip(f"{file.package} is not installed")
    tensors = read_tensors(default_cache().check(file))
    assert len(tensors) == 296
    assert set(published_names()) <= set(tensors)
