"""Reticle's own detectors are one network in several sizes: what each costs."""

from __future__ import annotations

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from detcore.zoo.building import build_detector
from detcore.zoo.catalogue import find_detector
from detcore.zoo.detectors.reticle import Reticle
from detcore.zoo.summary import detector_costs

CLASSES = 3
Widths = tuple[int, int, int, int, int]
SIZES: dict[str, tuple[Widths, int]] = {
    "reticle-n": ((8, 16, 32, 64, 96), 32),
    "reticle-s": ((16, 32, 64, 96, 128), 64),
    "reticle-m": ((32, 64, 128, 192, 256), 128),
}


def conv(inputs: int, outputs: int, kernel: int) -> int:
    """Parameters of a convolution without bias and of its norm, which has a factor and a shift a channel."""
    return inputs * outputs * kernel**2 + 2 * outputs


def split(inputs: int, outputs: int, depth: int) -> int:
    half = outputs // 2
    return conv(inputs, outputs, 1) + 2 * depth * conv(half, half, 3) + conv((2 + depth) * half, outputs, 1)


def parameters_by_hand(widths: Widths, neck: int) -> int:
    w1, w2, w3, w4, w5 = widths
    down = sum(conv(*pair, 3) for pair in ((3, w1), (w1, w2), (w2, w3), (w3, w4), (w4, w5)))
    stages = split(w2, w2, 1) + split(w3, w3, 2) + split(w4, w4, 2) + split(w5, w5, 1)
    pyramid = conv(w5, w5 // 2, 1) + conv(2 * w5, w5, 1)
    laterals = sum(conv(width, neck, 1) for width in (w3, w4, w5))
    joins = 4 * split(2 * neck, neck, 1) + 2 * conv(neck, neck, 3)
    answers = (neck + 1) * CLASSES + (neck + 1) * 4 * 16  # with bias; 16 bins for each of the four edges
    return down + stages + pyramid + laterals + joins + 3 * (4 * conv(neck, neck, 3) + answers)


def build(model: str) -> Reticle:
    detector = build_detector(model, num_classes=CLASSES, image_size=320)
    assert isinstance(detector, Reticle)
    return detector.eval()


@pytest.mark.parametrize("model", SIZES)
def test_a_size_has_the_parameters_of_hand_arithmetic(model: str) -> None:
    wanted = parameters_by_hand(*SIZES[model])
    assert sum(parameter.numel() for parameter in build(model).parameters()) == wanted
    assert find_detector(model).parameters == round(wanted / 1e6, 1)


@pytest.mark.parametrize(("model", "millions"), [("reticle-n", 202), ("reticle-s", 716), ("reticle-m", 2825)])
def test_a_size_makes_the_multiply_adds_that_torch_counts(model: str, millions: int) -> None:
    detector = build(model)
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        detector.predict(torch.zeros(1, 3, 320, 320))
    counted = counter.get_total_flops() // 2  # torch counts a multiplication and an addition as two
    assert counted // 1_000_000 == millions
    assert sum(cost.macs for cost in detector_costs(detector, frame=(320, 320))) == counted
