"""Channels are taken out of a network everywhere at once, the weakest first."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from detcore.errors import ConfigError
from detcore.zoo.building import build_detector
from detcore.zoo.detectors.reticle import Reticle
from detcore.zoo.parts.backbones.trunks import LiteTrunk, SplitTrunk
from detcore.zoo.parts.blocks import ConvBlock, PoolPyramid, SplitStage
from detcore.zoo.parts.channels import Channels, Wiring, first_ones, strongest, take_out
from detcore.zoo.summary import layer_costs


def small() -> Reticle:
    torch.manual_seed(0)
    return worn(Reticle(2, backbone=SplitTrunk((8, 8, 16, 16, 16)), neck_width=16)).eval()


def worn(detector: Reticle) -> Reticle:
    """With norms as after some training."""
    for part in detector.modules():
        if isinstance(part, nn.BatchNorm2d):
            nn.init.uniform_(part.weight, 0.5, 1.5)
            nn.init.normal_(part.bias, std=0.3)
            part.running_mean.normal_(std=0.3)  # type: ignore[union-attr]
            part.running_var.uniform_(0.5, 1.5)  # type: ignore[union-attr]
    return detector


def test_taking_out_channels_whose_scale_and_shift_are_zero_changes_no_answer() -> None:
    detector = small()
    zeros = total = 0
    for part in detector.channels():
        gone = torch.rand(part.width) < 0.6
        gone[: (part.width + 1) // 2] = False
        for block, start in part.makers:
            norm = block[1]
            norm.weight.data[start : start + part.width][gone] = 0.0
            norm.bias.data[start : start + part.width][gone] = 0.0
        zeros, total = zeros + int(gone.sum()), total + part.width
    images = torch.rand(2, 3, 64, 96)
    before = sum(parameter.numel() for parameter in detector.parameters())
    with torch.no_grad():
        wanted = detector.predict(images)
        detector.prune(1 - zeros / total)
        pruned = detector.predict(images)
    assert sum(part.width for part in detector.channels()) == total - zeros
    assert sum(parameter.numel() for parameter in detector.parameters()) < 0.7 * before
    torch.testing.assert_close(pruned.logits, wanted.logits, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(pruned.boxes, wanted.boxes, atol=1e-3, rtol=1e-5)


def net() -> nn.Sequential:
    return nn.Sequential(ConvBlock(3, 4), SplitStage(4, 4, 1), PoolPyramid(4), nn.Conv2d(4, 2, 1))


def channels_of(parts: nn.Sequential) -> list[Channels]:
    wiring = Wiring()
    wiring.sequence(parts, ())
    return wiring.channels


def test_parameters_and_multiply_adds_fall_as_counted_by_hand() -> None:
    """Of the 4 channels of a block, of the 2 + 2 that enter a stage, the 2 within its bottleneck, the 4 that leave it and
    the 2 and 4 of a pyramid one each is left but of the first and the last block, where two are."""
    parts = net()
    take_out(channels_of(parts), first_ones(channels_of(parts), "2 1 1 1 1 1 2"))
    convolutions = (
        3 * 2 * 9,  # the first block
        2 * 2,  # of its 2 the stage makes one that goes past and one that goes through
        1 * 9,
        1 * 9,
        3 * 1,  # past, before and behind the bottleneck: one each
        1 * 1,
        4 * 2,  # one channel four times
        2 * 2,
    )
    norms = 2 * (2 + 2 + 1 + 1 + 1 + 1 + 2)
    bias = 2
    assert sum(parameter.numel() for parameter in parts.parameters()) == sum(convolutions) + norms + bias
    costs = layer_costs(parts, lambda: parts(torch.zeros(1, 3, 8, 8)))
    assert [cost.macs for cost in costs] == [64 * number for number in convolutions]


def test_the_largest_scales_of_the_whole_network_stay_and_of_each_layer_half_the_share() -> None:
    parts = nn.Sequential(ConvBlock(3, 4), ConvBlock(4, 8), ConvBlock(8, 4))
    scales = ([0.9, -0.8, 0.1, 0.2], [0.01, 0.02, 0.03, 0.05, 0.04, 0.0, 0.0, 0.0], [0.5, 0.3, 0.4, -0.7])
    for block, values in zip(parts, scales, strict=True):
        block[1].weight.data = torch.tensor(values)
    kept = [mask.nonzero().flatten().tolist() for mask in strongest(channels_of(parts), 6 / 16)]
    assert kept == [[0, 1], [3, 4], [0, 1, 2, 3]]  # 3/16 of eight are 1.5


def test_a_channel_that_a_shortcut_adds_to_is_as_strong_as_the_strongest_that_makes_it() -> None:
    stage = SplitStage(4, 4, 1)
    entering, added = stage.enter[1], stage.blocks[0].body[1][1]
    entering.weight.data = torch.tensor([0.1, 0.2, 0.3, 0.4])
    added.weight.data = torch.tensor([0.9, -0.2])
    through = channels_of(nn.Sequential(stage))[1]
    torch.testing.assert_close(through.scales(), torch.tensor([0.9, 0.4]))


@pytest.mark.parametrize("name", ["reticle-n", "reticle-s", "reticle-m"])
def test_a_detector_that_is_built_with_the_widths_of_a_pruned_one_takes_its_weights(name: str) -> None:
    pruned = build_detector(name, num_classes=2, image_size=96)
    assert isinstance(pruned, Reticle)
    whole = sum(part.width for part in pruned.channels())
    widths = worn(pruned).prune(0.6)
    assert sum(map(int, widths.split())) == pytest.approx(0.6 * whole, rel=0.02)
    again = build_detector(name, num_classes=2, image_size=96, options={"widths": widths})
    again.load_state_dict(pruned.state_dict())
    images = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        one, other = pruned.eval().predict(images), again.eval().predict(images)  # type: ignore[operator]
    torch.testing.assert_close(one.logits, other.logits)
    assert again.prune(1.0) == widths  # type: ignore[operator]


@pytest.mark.parametrize("widths", ["8 8", "many", "0 " * 40, "9999999 " * 40])
def test_widths_that_do_not_fit_are_refused(widths: str) -> None:
    with pytest.raises(ConfigError, match="do not fit this detector"):
        build_detector("reticle-n", num_classes=2, image_size=96, options={"widths": widths})


def test_a_trunk_whose_channels_are_not_known_is_not_prunable() -> None:
    detector = Reticle(2, backbone=LiteTrunk())
    assert not detector.prunable
    with pytest.raises(TypeError):
        detector.channels()
