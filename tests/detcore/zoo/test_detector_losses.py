"""Losses, assignment and selection against numbers worked out by hand or by torchvision."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torchvision.ops import box_iou, complete_box_iou

from detcore.zoo.base import Selection, Target
from detcore.zoo.detectors.reticle import Raw, Reticle
from detcore.zoo.parts.assigners.task_aligned import assign
from detcore.zoo.parts.losses.distribution import distribution_loss
from detcore.zoo.parts.losses.iou import paired_iou
from detcore.zoo.parts.post.select import select
from tests.detcore.training.small import small_batch, small_detector


def random_boxes(count: int, seed: int) -> torch.Tensor:
    rng = torch.Generator().manual_seed(seed)
    corners = torch.rand(count, 2, generator=rng) * 50
    return torch.cat([corners, corners + 1 + torch.rand(count, 2, generator=rng) * 30], dim=1)


def test_iou_of_pairs_is_torchvisions_diagonal() -> None:
    one, other = random_boxes(50, 0), random_boxes(50, 1)
    torch.testing.assert_close(paired_iou(one, other), box_iou(one, other).diagonal(), atol=1e-5, rtol=0)


def test_complete_iou_is_torchvisions() -> None:
    one, other = random_boxes(50, 2), random_boxes(50, 3)
    ours = paired_iou(one, other, "ciou")
    torch.testing.assert_close(ours, complete_box_iou(one, other).diagonal(), atol=1e-4, rtol=0)


def test_complete_iou_pulls_boxes_that_do_not_touch() -> None:
    box = torch.tensor([[0.0, 0.0, 10.0, 10.0]], requires_grad=True)
    torch.autograd.backward(paired_iou(box, torch.tensor([[50.0, 0.0, 60.0, 10.0]]), "ciou").sum())
    assert box.grad is not None
    assert float(box.grad[0, [0, 2]].sum()) > 0


def test_distribution_loss_is_the_entropy_of_the_two_neighbours() -> None:
    # All probability on bins 2 and 3, half each, and a distance of 2.5: cross entropy is ln 2.
    logits = torch.full((1, 4, 8), -100.0)
    logits[..., 2:4] = 0.0
    loss = distribution_loss(logits, torch.full((1, 4), 2.5))
    assert float(loss) == pytest.approx(math.log(2), abs=1e-5)


def test_distribution_loss_is_finite_beyond_the_last_bin() -> None:
    loss = distribution_loss(torch.zeros(1, 4, 8), torch.tensor([[-3.0, 0.0, 7.0, 400.0]]))
    assert bool(torch.isfinite(loss).all())


def grid(size: int, stride: int) -> tuple[torch.Tensor, torch.Tensor]:
    steps = torch.arange(stride / 2, size, stride)
    ys, xs = torch.meshgrid(steps, steps, indexing="ij")
    points = torch.stack([xs.flatten(), ys.flatten()], dim=1)
    return points, torch.full((len(points),), float(stride))


def test_places_are_inside_their_object_and_the_best_overlap_wins() -> None:
    points, strides = grid(64, 8)
    gt = torch.tensor([[[8.0, 8.0, 40.0, 40.0], [24.0, 24.0, 60.0, 60.0]]])
    labels, valid = torch.tensor([[0, 1]]), torch.ones(1, 2, dtype=torch.bool)
    # Every place predicts the second object exactly.
    boxes = gt[:, 1:2].expand(1, len(points), 4)
    scores = torch.full((1, len(points), 2), 0.5)
    found = assign(scores, boxes, points, strides, gt, labels, valid, take=64)
    chosen = points[found.positive[0]]
    objects = found.objects[0][found.positive[0]]
    for point, row in zip(chosen, objects, strict=True):
        box = gt[0, row]
        assert bool(((point > box[:2]) & (point < box[2:])).all())
    in_both = ((chosen > 24) & (chosen < 40)).all(dim=1)
    assert bool((objects[in_both] == 1).all())
    assert float(found.quality.max()) == pytest.approx(1.0, abs=1e-3)


def test_each_object_gets_a_place_before_anything_is_learnt() -> None:
    points, strides = grid(64, 8)
    gt = torch.tensor([[[1.0, 1.0, 4.0, 4.0], [30.0, 30.0, 60.0, 60.0]]])
    boxes = torch.zeros(1, len(points), 4)
    scores = torch.full((1, len(points), 1), 0.01)
    valid = torch.ones(1, 2, dtype=torch.bool)
    found = assign(scores, boxes, points, strides, gt, torch.zeros(1, 2, dtype=torch.int64), valid)
    assert set(found.objects[0][found.positive[0]].tolist()) == {0, 1}


def test_filling_rows_get_no_place() -> None:
    points, strides = grid(32, 8)
    gt = torch.tensor([[[0.0, 0.0, 32.0, 32.0]]])
    boxes, scores = gt.expand(1, len(points), 4), torch.full((1, len(points), 1), 0.5)
    nothing = torch.zeros(1, 1, dtype=torch.bool)
    found = assign(scores, boxes, points, strides, gt, torch.zeros(1, 1, dtype=torch.int64), nothing)
    assert not bool(found.positive.any())
    assert float(found.quality.sum()) == 0.0


def test_selection_suppresses_within_a_class_only_and_sorts() -> None:
    boxes = torch.tensor([[0.0, 0, 10, 10], [0, 0, 10, 9], [0, 0, 10, 10], [-5, -5, 300, 300]])
    scores = torch.tensor([[0.9, 0.0], [0.8, 0.0], [0.0, 0.7], [0.005, 0.0]])
    found = select(boxes, scores, Selection(nms_iou=0.5, max_detections=10), width=64, height=64)
    np.testing.assert_allclose(found["scores"].numpy(), [0.9, 0.7])
    assert found["labels"].tolist() == [0, 1]


def test_selection_clips_to_the_frame_and_keeps_the_best_hundred() -> None:
    corners = torch.arange(300.0)[:, None] * 5
    boxes = torch.cat([corners, corners, corners + 4, corners + 4], dim=1)
    scores = torch.linspace(0.1, 0.9, 300)[:, None]
    found = select(boxes, scores, Selection(nms_iou=0.5), width=2000, height=1000)
    assert len(found["scores"]) == 100
    assert float(found["boxes"][:, 3].max()) <= 1000
    assert bool((found["scores"].diff() <= 0).all())


def test_smoothed_labels_cost_what_the_share_that_moves_to_the_other_class_costs() -> None:
    detector, gt = Reticle(2), torch.tensor([8.0, 8.0, 56.0, 56.0])
    points, strides = grid(64, 8)
    count = len(points)
    raw = Raw(
        logits=torch.tensor([1.5, -0.5]).expand(1, count, 2),
        bins=torch.zeros(1, count, 4, 16),
        boxes=gt.expand(1, count, 4),
        points=points,
        strides=strides,
    )
    detector.predict = lambda _images: raw  # type: ignore[method-assign]
    target = Target(boxes=gt[None], labels=torch.tensor([0]), ignore=torch.zeros(0, 4))

    def class_loss(share: float) -> float:
        detector.label_smoothing = share
        return float(detector.losses(torch.zeros(1, 3, 64, 64), [target])["class"])

    # Cross entropy is softplus(x) - x y: of y 0.2 / 2 goes from the logit 1.5 to the logit -0.5.
    assert class_loss(0.2) - class_loss(0.0) == pytest.approx(0.1 * (1.5 + 0.5), abs=1e-4)


def test_the_loss_of_a_class_is_what_its_scores_and_the_boxes_of_its_objects_add() -> None:
    """Four places with scores of 0.5, so each has a cross entropy of ln 2 for each class, whatever is wanted of it. Two
    objects of the second class, each seen by one place exactly: their boxes cost nothing. Of distances of 4 the
    distribution knows nothing, so each of the four sides costs ln 16. Losses are divided by the two objects."""
    points = torch.tensor([[16.0, 16.0], [80.0, 80.0], [16.0, 80.0], [80.0, 16.0]])
    reach = torch.tensor([-16.0, -16.0, 16.0, 16.0])
    boxes = points.repeat(1, 2) + 0.5 * reach * torch.tensor([[2.0], [2.0], [1.0], [1.0]])
    raw = Raw(
        logits=torch.zeros(1, 4, 3),
        bins=torch.zeros(1, 4, 4, 16),
        boxes=boxes[None],
        points=points,
        strides=torch.full((4,), 4.0),
    )
    target = Target(boxes=boxes[:2], labels=torch.tensor([1, 1]), ignore=torch.zeros(0, 4))
    detector = Reticle(3)
    losses = detector._losses(raw, [target])
    assert detector.class_losses is not None
    one = 4 * math.log(2) / 2
    edges = 0.5 * math.log(16)
    np.testing.assert_allclose(detector.class_losses, [one, one + edges, one], atol=1e-5)
    assert float(sum(losses.values())) == pytest.approx(3 * one + edges, abs=1e-5)


def test_an_object_of_which_a_teacher_is_a_quarter_sure_counts_a_quarter() -> None:
    """Four places with logits of 1, two objects that are each seen by one place exactly. Cross entropy is softplus(x) - x y:
    12 softplus(1) less 1 for the label and less 1/4 for what a teacher has found. Of distances of 4 the distribution
    knows nothing: ln 16 of the one and a quarter of that of the other, times 0.5. Losses are divided by 1.25 objects."""
    points = torch.tensor([[16.0, 16.0], [80.0, 80.0], [16.0, 80.0], [80.0, 16.0]])
    reach = torch.tensor([-16.0, -16.0, 16.0, 16.0])
    boxes = points.repeat(1, 2) + 0.5 * reach * torch.tensor([[2.0], [2.0], [1.0], [1.0]])
    raw = Raw(
        logits=torch.ones(1, 4, 3),
        bins=torch.zeros(1, 4, 4, 16),
        boxes=boxes[None],
        points=points,
        strides=torch.full((4,), 4.0),
    )
    target = Target(
        boxes=boxes[:2],
        labels=torch.tensor([1, 2]),
        ignore=torch.zeros(0, 4),
        scores=torch.tensor([1.0, 0.25]),
    )
    losses = Reticle(3)._losses(raw, [target])
    softplus = math.log(1 + math.e)
    assert float(losses["class"]) == pytest.approx((12 * softplus - 1.25) / 1.25, abs=1e-5)
    assert float(losses["box"]) == pytest.approx(0.0, abs=1e-5)
    assert float(losses["edges"]) == pytest.approx(0.5 * math.log(16), abs=1e-5)


def test_a_student_becomes_as_sure_of_an_object_as_its_teacher_is() -> None:
    """The score of a place learns the teacher's times the IoU of its box: 0.4 of what is red, 1 of what is green."""
    images = torch.zeros(2, 3, 32, 32)
    for row in (0, 1):
        images[row, row, 8:24, 4:20] = 1.0
    targets = [
        Target(
            boxes=torch.tensor([[4.0, 8.0, 20.0, 24.0]]),
            labels=torch.tensor([label]),
            ignore=torch.zeros(0, 4),
            scores=torch.tensor([score]),
        )
        for label, score in ((0, 0.4), (1, 1.0))
    ]
    detector = small_detector().train()
    optimiser = torch.optim.AdamW(detector.parameters(), lr=5e-3)
    for _ in range(60):
        losses = detector.losses(images, targets)
        optimiser.zero_grad()
        torch.autograd.backward(torch.stack(list(losses.values())).sum())
        optimiser.step()
    with torch.no_grad():
        scores = detector.predict(images).logits.sigmoid().amax(dim=1)
    assert float(scores[0, 0]) == pytest.approx(0.4, abs=0.1)
    assert float(scores[1, 1]) > 0.7


def test_losses_of_classes_add_up_to_the_loss_of_a_batch() -> None:
    images, targets = small_batch(count=3)
    targets[1] = Target(
        boxes=random_boxes(4, 5) + 8, labels=torch.tensor([0, 1, 0, 0]), ignore=random_boxes(2, 6)
    )
    detector = small_detector().train()
    whole = torch.stack(list(detector.losses(images, targets).values())).sum().detach()
    assert detector.class_losses is not None
    assert not detector.class_losses.requires_grad
    torch.testing.assert_close(detector.class_losses.sum(), whole)
    assert float(detector.class_losses.min()) > 0
