"""Each false positive is of TIDE's kind and knows its label; edits give what a full run gives."""

from __future__ import annotations

import numpy as np
import pytest

from detcore.evaluation.error_links import ErrorLinks
from detcore.evaluation.error_types import KINDS, find_error_types
from detcore.evaluation.live import LiveEvaluation
from detcore.types import BoolArray, Detections, FloatArray, GroundTruth, IntArray

CLASSES = [1, 2, 3]


def made_up(
    seed: int, *, images: int = 12, truths: int = 70, found: int = 300
) -> tuple[GroundTruth, Detections]:
    """Labels that hardly overlap, and detections around them: good, moved, of other classes, of nothing."""
    rng = np.random.default_rng(seed)
    corner = rng.uniform(0, 700, (truths, 2))
    boxes = np.concatenate([corner, corner + rng.uniform(20, 90, (truths, 2))], axis=1)
    image, label = rng.integers(1, images + 1, truths), rng.integers(1, 4, truths)
    flags = rng.random((2, truths)) < 0.04
    at = rng.integers(0, truths, found)
    moved = boxes[at] + rng.normal(0, 1, (found, 4)) * rng.choice([1.0, 10.0, 60.0], (found, 1))
    moved[:, 2:] = np.maximum(moved[:, 2:], moved[:, :2] + 2)
    return columns(boxes, image, label, crowd=flags[0], difficult=flags[1]), Detections(
        image_ids=image[at],
        labels=np.where(rng.random(found) < 0.3, rng.integers(1, 4, found), label[at]),
        boxes=moved,
        scores=rng.permutation(found) / found,
    )


def columns(
    boxes: FloatArray, image: IntArray, label: IntArray, *, crowd: BoolArray, difficult: BoolArray
) -> GroundTruth:
    return GroundTruth(
        ids=np.arange(len(boxes)) + 11,
        image_ids=image,
        labels=label,
        boxes=boxes,
        areas=(boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]),
        crowd=crowd,
        difficult=difficult,
    )


def without_flags(gt: GroundTruth) -> GroundTruth:
    return gt.take(~(gt.crowd | gt.difficult))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("iou_threshold", [0.5, 0.75])
def test_kinds_and_labels_are_those_of_tide(seed: int, iou_threshold: float) -> None:
    gt, dets = made_up(seed)
    gt = without_flags(gt)
    evaluation = LiveEvaluation(gt, dets, class_ids=CLASSES, iou_threshold=iou_threshold)
    links = ErrorLinks(evaluation)
    expected = find_error_types(gt, dets, np.unique(gt.image_ids), CLASSES, iou_threshold=iou_threshold)
    taking_part = np.isin(dets.image_ids, gt.image_ids)
    assert links.kind[taking_part].tolist() == expected.kind[taking_part].tolist()
    assert set(links.kind.tolist()) == {-1, *range(len(KINDS))}
    meant = expected.gt_row >= 0
    assert (links.target[meant] == gt.ids[expected.gt_row[meant]]).all()


@pytest.mark.parametrize("seed", range(4))
def test_an_edited_image_is_linked_as_in_a_full_run(seed: int) -> None:
    gt, dets = made_up(seed)
    evaluation = LiveEvaluation(gt, dets, class_ids=CLASSES)
    links = ErrorLinks(evaluation)
    rng = np.random.default_rng(seed)
    for image_id in (3, 7, 3, 1):
        mine = evaluation.gt.take(evaluation.gt.image_ids == image_id)
        evaluation.replace_image(image_id, mine.take(rng.random(len(mine)) < 0.5))
        links.update(image_id)
        full = ErrorLinks(LiveEvaluation(evaluation.gt, dets, class_ids=CLASSES))
        assert links.kind.tolist() == full.kind.tolist()
        assert links.target.tolist() == full.target.tolist()


def test_the_best_false_positive_that_was_meant_for_a_label_claims_it() -> None:
    gt, dets = made_up(5)
    links = ErrorLinks(LiveEvaluation(gt, dets, class_ids=CLASSES))
    claimants = links.claimants()
    for box_id in gt.ids.tolist():
        mine = np.flatnonzero(links.target == box_id).tolist()
        assert claimants[box_id] == max(mine, key=lambda row: dets.scores[row], default=-1)


def test_flagged_labels_and_empty_projects_have_no_claimants() -> None:
    gt, dets = made_up(2)
    links = ErrorLinks(LiveEvaluation(gt, dets, class_ids=CLASSES))
    flagged = gt.ids[gt.crowd | gt.difficult]
    assert len(flagged)
    assert not np.isin(links.target, flagged).any()
    nothing = LiveEvaluation(gt.take(np.zeros(0, np.int64)), Detections.empty(), class_ids=CLASSES)
    assert ErrorLinks(nothing).claimants().tolist() == [-1]
