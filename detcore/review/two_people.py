"""A review of another person's labels: how far the two agree."""

from __future__ import annotations

from detcore.evaluation.agreement import Agreement, agreement
from detcore.review.review import Review


def agreement_of(review: Review) -> Agreement:
    """Of the labels and all boxes of the run, on the images and at the IoU of the review; the project's are the first's."""
    evaluation = review.evaluation
    return agreement(evaluation.confusion(0.0), evaluation.class_ids.tolist())
