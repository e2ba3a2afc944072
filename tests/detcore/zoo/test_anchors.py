"""Sizes of anchors."""

from __future__ import annotations

import numpy as np
import pytest
from torchvision.models.detection.anchor_utils import AnchorGenerator

from detcore.zoo.anchors import anchors_of, formula_anchors


def test_formula_gives_torchvisions_anchors() -> None:
    scales, ratios = (32.0, 40.3, 50.8), (0.5, 1.0, 2.0)
    made = formula_anchors(1.0, scales, ratios)
    theirs = AnchorGenerator((scales,), (ratios,)).cell_anchors[0]
    sides = np.stack([theirs[:, 2] - theirs[:, 0], theirs[:, 3] - theirs[:, 1]], axis=1)
    assert made == pytest.approx(sides, abs=1.0)  # theirs are rounded to whole pixels


def test_k_means_finds_the_sizes_that_boxes_were_made_of() -> None:
    rng = np.random.default_rng(0)
    true = np.array([[10.0, 14.0], [40.0, 30.0], [120.0, 90.0]])
    sizes = np.repeat(true, 50, axis=0) * rng.uniform(0.95, 1.05, (150, 2))
    found = anchors_of(sizes, 3)
    assert found.sizes == pytest.approx(true, rel=0.03)
    assert 0.9 < found.mean_iou < 1.0


def test_mean_iou_by_hand() -> None:
    # One anchor for 10×10 and 20×20 lies at their median, 15×15: 100 / 225 and 225 / 400.
    found = anchors_of(np.array([[10.0, 10.0], [20.0, 20.0]]), 1)
    assert found.mean_iou == pytest.approx((100 / 225 + 225 / 400) / 2)


def test_fewer_unlike_boxes_than_anchors_are_told() -> None:
    with pytest.raises(ValueError, match="3 anchors need boxes of as many unlike sizes"):
        anchors_of(np.ones((10, 2)), 3)


def test_of_very_many_boxes_some_tell_the_anchors_and_all_how_well_these_fit() -> None:
    sizes = np.array([[10.0, 10.0], [40.0, 20.0]]).repeat([8_000, 2_000], axis=0)
    found = anchors_of(sizes, 2)
    np.testing.assert_array_equal(found.sizes, [[10, 10], [40, 20]])
    assert len(found.overlaps) == 10_000
