"""What some orders of the queue need beyond the matches. Each takes seconds; safe off the GUI thread."""

from __future__ import annotations

from detcore.evaluation.error_costs import ErrorCosts, find_error_costs
from detcore.evaluation.label_errors import LabelErrors, rank_label_errors
from detcore.review.filter import SortOrder
from detcore.review.review import Review
from detcore.types import GroundTruth


def find_costs(review: Review, gt: GroundTruth) -> ErrorCosts:
    """What each error costs in AP, with the labels ``gt`` of the review's images."""
    evaluation = review.evaluation
    return find_error_costs(
        gt,
        evaluation.dets,
        evaluation.image_ids,
        evaluation.class_ids,
        iou_threshold=evaluation.iou_threshold,
    )


def find_label_errors(review: Review, gt: GroundTruth) -> LabelErrors:
    """How probably each of the labels ``gt`` of the review's images is wrong."""
    evaluation = review.evaluation
    return rank_label_errors(
        gt,
        evaluation.dets,
        image_ids=evaluation.image_ids,
        class_ids=evaluation.class_ids,
        answers=review.answers,
    )


def prepare_order(review: Review, order: SortOrder) -> None:
    """Let the review know what its items are to be ordered by."""
    gt = review.evaluation.gt
    if order is SortOrder.COST:
        review.source.costs.take(find_costs(review, gt), gt.ids)
    elif order is SortOrder.LABEL_ERRORS:
        review.source.suspicions.take(find_label_errors(review, gt), gt.ids)
