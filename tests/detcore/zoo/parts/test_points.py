"""Corner pooling, heat maps and centredness by hand and by brute force."""

from __future__ import annotations

import math

import pytest
import torch
from torch.autograd import gradcheck

from detcore.zoo.parts.corner_pool import downward, leftward, rightward, upward
from detcore.zoo.parts.heads.fcos import centredness
from detcore.zoo.parts.heat_maps import draw_peak, gaussian_radius, heat_loss, peaks


def test_corner_pooling_is_the_largest_value_along_the_way() -> None:
    row = torch.tensor([[2.0, 1.0, 3.0, 0.0, 2.0]])
    assert rightward(row).tolist() == [[3, 3, 3, 2, 2]]
    assert leftward(row).tolist() == [[2, 2, 3, 3, 3]]
    assert downward(row.T).T.tolist() == [[3, 3, 3, 2, 2]]
    assert upward(row.T).T.tolist() == [[2, 2, 3, 3, 3]]


@pytest.mark.parametrize("pool", [rightward, leftward, downward, upward])
def test_gradients_of_corner_pooling_are_those_of_finite_differences(pool: object) -> None:
    assert callable(pool)
    features = torch.randn(1, 1, 4, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    assert gradcheck(pool, (features.requires_grad_(),))


def test_the_radius_is_the_largest_that_keeps_the_overlap() -> None:
    radius = gaussian_radius(20, 10, iou=0.7)

    def overlap(first: float, last: float) -> float:
        """IoU of 0..20 × 0..10 with both corners moved, across and down alike."""
        left, right, bottom = first, 20 + last, 10 + last
        inner = (min(right, 20) - max(left, 0)) * (min(bottom, 10) - max(left, 0))
        return inner / (200 + (right - left) * (bottom - left) - inner)

    ways = [(radius, radius), (radius, -radius), (-radius, radius)]
    assert min(overlap(*way) for way in ways) == pytest.approx(0.7, abs=1e-6)


def test_peaks_are_one_and_the_larger_where_they_meet() -> None:
    heat = torch.zeros(9, 9)
    draw_peak(heat, 4, 4, 2.0)
    assert heat[4, 4] == 1
    # σ is a sixth of 2 · 2 + 1
    assert float(heat[4, 5]) == pytest.approx(math.exp(-1 / (2 * (5 / 6) ** 2)))
    before = heat.clone()
    draw_peak(heat, 8, 8, 2.0)
    assert (heat[:6, :6] == before[:6, :6]).all()


def test_a_peak_beyond_the_edge_is_cut() -> None:
    heat = torch.zeros(4, 4)
    draw_peak(heat, 0, 3, 3.0)
    assert heat[3, 0] == 1


def test_the_loss_of_heat_by_hand() -> None:
    logits, heat = torch.zeros(1, 1, 1, 3), torch.tensor([[[[1.0, 0.5, 0.0]]]])
    # p = ½. At the peak ¼ ln 2; at .5 (½)⁴ ¼ ln 2; at 0 ¼ ln 2.
    wanted = math.log(2) * (0.25 + 0.25 / 16 + 0.25)
    assert float(heat_loss(logits, heat, torch.ones(1, 1, 1, 3))) == pytest.approx(wanted)
    free = torch.tensor([[[[1.0, 1.0, 0.0]]]])
    assert float(heat_loss(logits, heat, free)) == pytest.approx(math.log(2) * (0.25 + 0.25 / 16))


def test_peaks_are_no_smaller_than_their_neighbours() -> None:
    chance = torch.tensor([[[[0.1, 0.9, 0.2], [0.3, 0.4, 0.1], [0.8, 0.1, 0.7]]]])
    assert peaks(chance)[0, 0].tolist() == [
        [0.0, pytest.approx(0.9), 0.0],
        [0.0, 0.0, 0.0],
        [pytest.approx(0.8), 0.0, pytest.approx(0.7)],
    ]


def test_centredness_by_hand() -> None:
    boxes = torch.tensor([[0.0, 0.0, 10.0, 10.0]]).expand(2, -1)
    # In the middle 1; at (2, 5) √(2/8 · 1).
    assert centredness(boxes, torch.tensor([[5.0, 5.0], [2.0, 5.0]])).tolist() == pytest.approx([1.0, 0.5])
