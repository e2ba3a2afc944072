"""A detector whose norms are folded answers as it did."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from detcore.zoo.building import build_detector
from detcore.zoo.folding import folded


def lived_in(layers: nn.Module) -> None:
    """Norms as after a training: means, spreads, factors and shifts that differ by channel."""
    draw = torch.Generator().manual_seed(1)
    for layer in layers.modules():
        if isinstance(layer, nn.BatchNorm2d):
            for tensor, low, high in (
                (layer.running_mean, -0.3, 0.3),
                (layer.running_var, 0.5, 2.0),
                (layer.weight, 0.5, 1.5),
                (layer.bias, -0.3, 0.3),
            ):
                assert tensor is not None
                tensor.data.copy_(low + (high - low) * torch.rand(tensor.shape, generator=draw))


@pytest.mark.parametrize("name", ["reticle-s", "ssdlite320"])
def test_the_folded_detector_sees_the_same_and_has_no_norm_left_after_a_convolution(name: str) -> None:
    torch.manual_seed(0)
    detector = build_detector(name, num_classes=3, image_size=128)
    lived_in(detector)
    detector.eval()
    without = folded(detector)
    images = torch.rand(2, 3, 128, 128, generator=torch.Generator().manual_seed(2))
    with torch.inference_mode():
        for kept, new in zip(detector.look(images), without.look(images), strict=True):
            assert torch.allclose(kept["boxes"], new["boxes"], atol=0.01)
            assert torch.allclose(kept["scores"], new["scores"], atol=1e-4)
    norms = sum(isinstance(layer, nn.BatchNorm2d) for layer in without.modules())
    assert norms < 0.1 * sum(isinstance(layer, nn.BatchNorm2d) for layer in detector.modules())


def test_the_detector_itself_stays_as_it_is() -> None:
    detector = build_detector("reticle-s", num_classes=2, image_size=64)
    before = {name: tensor.clone() for name, tensor in detector.state_dict().items()}
    detector.train()
    folded(detector)
    assert detector.training
    assert all(torch.equal(before[name], tensor) for name, tensor in detector.state_dict().items())


def test_a_convolution_takes_in_factor_and_shift_of_its_norm() -> None:
    """By hand: a weight of 2 and a norm with mean 1, variance 3 (and epsilon 1), factor 4 and shift 5 makes
    2x -> 4 (2x - 1) / 2 + 5 = 4x + 3."""
    convolution, norm = nn.Conv2d(1, 1, 1, bias=False), nn.BatchNorm2d(1, eps=1.0)
    convolution.weight.data.fill_(2.0)
    for tensor, value in (
        (norm.running_mean, 1.0),
        (norm.running_var, 3.0),
        (norm.weight, 4.0),
        (norm.bias, 5.0),
    ):
        assert tensor is not None
        tensor.data.fill_(value)
    found = folded(nn.Sequential(convolution, norm))
    assert isinstance(found[1], nn.Identity)
    assert found(torch.full((1, 1, 1, 1), 7.0)).item() == pytest.approx(4 * 7 + 3)
