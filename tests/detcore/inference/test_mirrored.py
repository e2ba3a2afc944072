"""What is seen in an image and in its mirror image becomes one answer."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from detcore.inference.mirrored import Mirrored, fuse
from detcore.zoo.base import MAX_DETECTIONS
from detcore.zoo.running import Answers, Seen


def see_bright(images: Tensor) -> list[Seen]:
    """The box about what is bright, surer the further left it begins; answers tell the first bright column."""
    found: list[Seen] = []
    for image in images[:, 0]:
        rows, columns = torch.nonzero(image > 200, as_tuple=True)
        box = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        score = 0.9 if columns.min() < 10 else 0.5
        found.append(
            Seen(
                boxes=np.array([box], np.float64),
                labels=np.array([1]),
                scores=np.array([score]),
                answers=Answers(np.array([box], np.float64), np.array([[score]])),
            )
        )
    return found


def test_both_views_agree_on_the_place_and_share_the_score() -> None:
    images = torch.zeros(2, 3, 64, 96, dtype=torch.uint8)
    images[0, :, 10:20, 5:25] = 255
    images[1, :, 30:50, 40:80] = 255
    first, second = Mirrored(see_bright)(images)
    assert first.boxes.tolist() == [[5, 10, 25, 20]]
    assert first.scores.tolist() == pytest.approx([(0.9 + 0.5) / 2])
    assert second.boxes.tolist() == [[40, 30, 80, 50]]
    assert second.scores.tolist() == pytest.approx([0.5])
    assert first.answers is not None
    assert first.answers.scores.tolist() == [[0.9]], "answers are those of the image as it is"


def test_boxes_of_one_object_become_their_mean_weighed_by_scores() -> None:
    """By hand: they overlap by 8/12, the place is (0.8 a + 0.4 b) / 1.2, the score (0.8 + 0.4) / 2."""
    boxes = np.array([[0, 0, 10, 10], [2, 0, 12, 10], [50, 50, 60, 60]], np.float64)
    placed, labels, scores = fuse(boxes, np.array([3, 3, 3]), np.array([0.8, 0.4, 0.7]), views=2)
    np.testing.assert_allclose(placed, [[2 / 3, 0, 10 + 2 / 3, 10], [50, 50, 60, 60]])
    np.testing.assert_allclose(scores, [0.6, 0.35])
    assert labels.tolist() == [3, 3]


def test_boxes_of_two_classes_and_more_than_one_a_view_stay_apart() -> None:
    boxes = np.array([[0, 0, 10, 10]] * 4, np.float64)
    _, labels, scores = fuse(boxes, np.array([0, 0, 0, 1]), np.array([0.8, 0.6, 0.4, 0.2]), views=2)
    assert labels.tolist() == [0, 0, 1]
    np.testing.assert_allclose(scores, [0.7, 0.2, 0.1])


def test_nothing_seen_is_nothing_and_much_is_cut() -> None:
    empty = np.zeros((0, 4)), np.zeros(0, np.int64), np.zeros(0)
    assert [len(part) for part in fuse(*empty, views=2)] == [0, 0, 0]
    starts = 20.0 * np.arange(MAX_DETECTIONS + 50)
    many = np.stack([starts, starts, starts + 10, starts + 10], axis=1)
    _, _, scores = fuse(many, np.zeros(len(many), np.int64), np.linspace(0.1, 0.9, len(many)), views=2)
    assert len(scores) == MAX_DETECTIONS
    assert scores[0] == pytest.approx(0.45)
