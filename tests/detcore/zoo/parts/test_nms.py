"""Suppression against torchvision's and by hand."""

from __future__ import annotations

import math

import pytest
import torch
from torchvision.ops import batched_nms, nms

from detcore.zoo.parts.post.nms import Suppression, suppress

BOXES = torch.tensor([[0.0, 0, 10, 10], [0, 0, 10, 8], [20, 0, 30, 10]])
SCORES = torch.tensor([0.9, 0.8, 0.7])
SAME = torch.zeros(3, dtype=torch.int64)


def kept(
    kind: Suppression, labels: torch.Tensor = SAME, *, iou: float = 0.5, floor: float = 0.01
) -> dict[int, float]:
    rows, scores = suppress(BOXES, SCORES, labels, kind, iou=iou, floor=floor)
    return {
        row: pytest.approx(score, abs=1e-6) for row, score in zip(rows.tolist(), scores.tolist(), strict=True)
    }


def many() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    rng = torch.Generator().manual_seed(0)
    corners = torch.rand(60, 2, generator=rng) * 40
    boxes = torch.cat([corners, corners + 10 + torch.rand(60, 2, generator=rng) * 20], dim=1)
    return boxes, torch.rand(60, generator=rng), torch.randint(0, 2, (60,), generator=rng)


def test_hard_ones_are_torchvisions() -> None:
    boxes, scores, labels = many()
    assert (
        suppress(boxes, scores, labels, "hard", iou=0.5, floor=0)[0].tolist()
        == nms(boxes, scores, 0.5).tolist()
    )
    own = suppress(boxes, scores, labels, "classwise", iou=0.5, floor=0)[0]
    assert own.tolist() == batched_nms(boxes, scores, labels, 0.5).tolist()


def test_soft_linear_takes_the_overlap_from_the_score() -> None:
    # IoU of the first two is .8: .8 · (1 − .8) = .16, and it comes last.
    assert list(kept("soft-linear").items()) == [(0, 0.9), (2, 0.7), (1, 0.16)]


def test_soft_gaussian_takes_by_the_square_of_the_overlap() -> None:
    assert list(kept("soft-gaussian").items()) == [(0, 0.9), (2, 0.7), (1, 0.8 * math.exp(-0.64 / 0.5))]


def test_soft_scores_below_the_floor_go() -> None:
    assert list(kept("soft-linear", floor=0.2)) == [0, 2]


@pytest.mark.parametrize("kind", ["classwise", "soft-linear", "soft-gaussian", "diou"])
def test_other_classes_do_not_suppress(kind: Suppression) -> None:
    assert kept(kind, torch.tensor([0, 1, 0])) == {0: 0.9, 1: 0.8, 2: 0.7}


def test_diou_spares_boxes_whose_middles_are_apart() -> None:
    # IoU .8, less the centres' distance of 1 squared over the hull's diagonal, 200: .795.
    assert list(kept("diou", iou=0.797)) == [0, 1, 2]
    assert list(kept("diou", iou=0.79)) == [0, 2]


def test_without_suppression_all_stay_best_first() -> None:
    assert list(kept("none")) == [0, 1, 2]


@pytest.mark.parametrize("kind", ["classwise", "hard", "soft-linear", "soft-gaussian", "diou", "none"])
def test_no_boxes_are_none(kind: Suppression) -> None:
    rows, scores = suppress(BOXES[:0], SCORES[:0], SAME[:0], kind, iou=0.5, floor=0.01)
    assert (len(rows), len(scores)) == (0, 0)
