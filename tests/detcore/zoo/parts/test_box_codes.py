"""Codes of boxes against torchvision's coders and against themselves."""

from __future__ import annotations

import pytest
import torch
from torchvision.models.detection._utils import BoxCoder

from detcore.zoo.parts.box_codes import AnchorCode, BoxCode, GridCode, PointCode
from detcore.zoo.parts.places import Places, make_places


def places() -> Places:
    return make_places([(4, 4)], [16], [torch.tensor([[20.0, 12.0]])])


def boxes_within() -> torch.Tensor:
    """One around the middle of each of the sixteen cells, no two alike."""
    middles = places().points
    sides = torch.linspace(9, 24, 16)[:, None] * torch.tensor([1.0, 1.4])
    return torch.cat([middles - sides / 2 + 1, middles + sides / 2 + 2], dim=1)


@pytest.mark.parametrize("weights", [(1.0, 1.0, 1.0, 1.0), (10.0, 10.0, 5.0, 5.0)])
def test_offsets_from_anchors_are_torchvisions(weights: tuple[float, float, float, float]) -> None:
    code, coder = AnchorCode(weights), BoxCoder(weights)
    wanted = coder.encode_single(boxes_within(), places().anchors)
    torch.testing.assert_close(code.encode(boxes_within(), places()), wanted)
    torch.testing.assert_close(code.decode(wanted, places()), coder.decode_single(wanted, places().anchors))


@pytest.mark.parametrize("code", [AnchorCode(), PointCode(), GridCode()])
def test_a_box_comes_back_from_its_numbers(code: BoxCode) -> None:
    numbers = code.encode(boxes_within(), places())
    torch.testing.assert_close(code.decode(numbers, places()), boxes_within(), atol=1e-3, rtol=0)


@pytest.mark.parametrize("code", [AnchorCode(), PointCode(), GridCode()])
def test_wild_numbers_are_finite_boxes(code: BoxCode) -> None:
    assert code.decode(torch.full((1, 16, 4), 1e4), places()).isfinite().all()


def test_distances_are_exponents_of_strides() -> None:
    # The middle of the first cell is (8, 8): e⁰ = 1 stride of 16 pixels to each side.
    assert PointCode().decode(torch.zeros(16, 4), places())[0].tolist() == [-8.0, -8.0, 24.0, 24.0]


def test_a_grids_zeros_are_the_anchor_in_the_middle_of_its_cell() -> None:
    # σ(0) is a half: 2 · ½ − ½ of a cell, and (2 · ½)² of 20 × 12.
    assert GridCode().decode(torch.zeros(16, 4), places())[0].tolist() == [-2.0, 2.0, 18.0, 14.0]
