"""The objectness of a grid by hand."""

from __future__ import annotations

import math

import pytest
import torch

from detcore.zoo.parts.losses.objectness import objectness_loss
from detcore.zoo.parts.places import make_places


def test_each_level_counts_by_its_weight_and_not_by_its_places() -> None:
    places = make_places([(8, 8), (4, 4)], [8, 16], [torch.ones(3, 2)] * 2)
    logits = torch.zeros(2, len(places.points))  # each costs ln 2
    counts = torch.ones_like(logits, dtype=torch.bool)
    # 64² pixels are a hundredth of 640²
    wanted = 0.01 * (4 + 1) * math.log(2)
    assert float(objectness_loss(logits, torch.zeros_like(logits), counts, places)) == pytest.approx(wanted)
    # places that do not count are not in the mean
    logits[0, :100], counts[0, :100] = 9.0, False
    assert float(objectness_loss(logits, torch.zeros_like(logits), counts, places)) == pytest.approx(wanted)


def test_a_place_learns_how_well_its_box_fits() -> None:
    places = make_places([(80, 80)], [8])
    logits = torch.zeros(1, 6400, requires_grad=True)
    quality = torch.zeros(1, 6400)
    quality[0, 7] = 0.75
    torch.autograd.backward(objectness_loss(logits, quality, quality >= 0, places))
    assert logits.grad is not None
    # the derivative is σ(0) less the quality, over 6,400 places and times 4
    assert float(logits.grad[0, 7]) == pytest.approx(4 * (0.5 - 0.75) / 6400)
    assert float(logits.grad[0, 8]) == pytest.approx(4 * 0.5 / 6400)
