"""Losses against torchvision's, against hand arithmetic, and their gradients by finite differences."""

from __future__ import annotations

import math

import pytest
import torch
from torch.autograd import gradcheck
from torchvision.ops import (
    complete_box_iou_loss,
    distance_box_iou_loss,
    generalized_box_iou_loss,
    sigmoid_focal_loss,
)

from detcore.zoo.parts.losses.class_loss import BACKGROUND, IGNORED, ClassLoss
from detcore.zoo.parts.losses.cross_entropy import CrossEntropy, HardNegatives, OnlineHard
from detcore.zoo.parts.losses.iou import Overlap, iou_loss
from detcore.zoo.parts.losses.offsets import Offset, offset_loss
from detcore.zoo.parts.losses.sigmoid import BinaryCrossEntropy, Focal, QualityFocal

ONE = torch.tensor(1.0)


def pairs(*, double: bool = False) -> tuple[torch.Tensor, torch.Tensor]:
    rng = torch.Generator().manual_seed(0)
    both: list[torch.Tensor] = []
    for _ in range(2):
        corners = torch.rand(20, 2, generator=rng) * 30
        both.append(torch.cat([corners, corners + 3 + torch.rand(20, 2, generator=rng) * 30], dim=1))
    return (both[0].double(), both[1].double()) if double else (both[0], both[1])


@pytest.mark.parametrize(
    ("kind", "theirs"),
    [("giou", generalized_box_iou_loss), ("diou", distance_box_iou_loss), ("ciou", complete_box_iou_loss)],
)
def test_losses_of_overlap_are_torchvisions(kind: Overlap, theirs: object) -> None:
    boxes, others = pairs()
    assert callable(theirs)
    torch.testing.assert_close(iou_loss(boxes, others, kind), theirs(boxes, others), atol=1e-5, rtol=1e-4)


def test_the_loss_of_iou_is_its_logarithm() -> None:
    boxes, others = torch.tensor([[0.0, 0.0, 10.0, 10.0]]), torch.tensor([[0.0, 0.0, 10.0, 5.0]])
    assert float(iou_loss(boxes, others, "iou")) == pytest.approx(math.log(2), abs=1e-6)


@pytest.mark.parametrize("kind", ["iou", "giou", "diou"])
def test_gradients_of_overlap_are_those_of_finite_differences(kind: Overlap) -> None:
    boxes, others = pairs(double=True)
    touching = iou_loss(boxes, others, "iou") < 5
    assert gradcheck(
        lambda told: iou_loss(told, others[touching], kind), (boxes[touching].requires_grad_(),), atol=1e-4
    )


@pytest.mark.parametrize(
    ("kind", "wanted"), [("l1", 3.5), ("l2", 2.125 + 0.5), ("smooth-l1", 1.5 + 0.125 + 0.5)]
)
def test_losses_of_offsets_by_hand(kind: Offset, wanted: float) -> None:
    # Distances 2, 0.5, 0 and 1. L1: 3.5. L2: 2 + .125 + 0 + .5. Smooth: 1.5 + .125 + 0 + .5.
    told = torch.tensor([[2.0, 0.5, 0.0, -1.0]])
    assert float(offset_loss(told, torch.zeros(1, 4), kind)) == pytest.approx(wanted)


def of(loss: ClassLoss, logits: torch.Tensor, labels: list[int], quality: list[float] | None = None) -> float:
    fits = torch.tensor([quality or [1.0] * len(labels)])
    return float(loss(logits[None], torch.tensor([labels]), fits, ONE))


def test_focal_loss_is_torchvisions() -> None:
    logits = torch.randn(6, 3, generator=torch.Generator().manual_seed(0)) * 2
    wanted = torch.zeros(6, 3)
    wanted[0, 2] = wanted[4, 1] = 1.0
    theirs = sigmoid_focal_loss(logits, wanted, reduction="sum")
    assert of(Focal(), logits, [2, -1, -1, -1, 1, -1]) == pytest.approx(float(theirs), rel=1e-5)


def test_quality_focal_loss_by_hand() -> None:
    # σ(0) = ½ at both. Of the object with q = .8: |.8 − .5|² ln 2; of the other class |0 − .5|² ln 2.
    assert of(QualityFocal(), torch.zeros(1, 2), [0], [0.8]) == pytest.approx((0.09 + 0.25) * math.log(2))


def test_binary_cross_entropy_learns_the_quality_or_one() -> None:
    logits = torch.tensor([[math.log(3.0)]])  # p = ¾
    soft = -(0.5 * math.log(0.75) + 0.5 * math.log(0.25))
    assert of(BinaryCrossEntropy(), logits, [0], [0.5]) == pytest.approx(soft)
    assert of(BinaryCrossEntropy(hard=True), logits, [0], [0.5]) == pytest.approx(-math.log(0.75))


def test_cross_entropy_is_the_mean_over_the_places_that_count() -> None:
    logits = torch.zeros(3, 3)  # a third for each of background and two classes
    assert of(CrossEntropy(), logits, [1, BACKGROUND, IGNORED]) == pytest.approx(math.log(3))


def test_hard_negatives_are_the_three_worst_for_each_object() -> None:
    logits = torch.zeros(7, 2)
    logits[:, 1] = torch.tensor([0.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0])  # of the class; of the background 0
    worst = sum(math.log(1 + math.exp(value)) for value in (1.0, 2.0, 3.0))
    assert of(HardNegatives(), logits, [0, *[BACKGROUND] * 6]) == pytest.approx(math.log(2) + worst, rel=1e-6)


def test_ohem_takes_the_worst_places_whatever_they_are() -> None:
    logits = torch.zeros(4, 2)
    logits[:, 1] = torch.tensor([5.0, 1.0, 2.0, 3.0])
    worst = math.log(1 + math.exp(2.0)) + math.log(1 + math.exp(3.0))
    assert of(OnlineHard(each=2), logits, [0, *[BACKGROUND] * 3]) == pytest.approx(worst, rel=1e-6)


@pytest.mark.parametrize(
    "loss", [CrossEntropy(), HardNegatives(), OnlineHard(), BinaryCrossEntropy(), Focal(), QualityFocal()]
)
def test_ignored_places_have_no_gradient(loss: ClassLoss) -> None:
    logits = torch.zeros(1, 3, 4, requires_grad=True)
    torch.autograd.backward(loss(logits, torch.tensor([[0, IGNORED, BACKGROUND]]), torch.ones(1, 3), ONE))
    assert logits.grad is not None
    assert (logits.grad[0, 1] == 0).all()
    assert (logits.grad[0, 0] != 0).any()
