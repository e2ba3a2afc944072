"""How a box lies to what is nearest to it, in words."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from app.review.texts import overlap_text
from detcore.evaluation.label_errors import LabelError
from detcore.evaluation.live import LiveEvaluation
from detcore.review.entries import ErrorEntry
from detcore.review.kinds import ErrorKind, ItemType
from detcore.review.suspicions import Suspicion
from detcore.types import Box, Detections, ObjectClass
from tests.columns import ground_truth

CAT = 1
CLASSES = {CAT: ObjectClass(id=CAT, name="cat", color="#aa3377")}
LABEL = ErrorEntry(
    key=8,
    kind=ErrorKind.FN,
    type=ItemType.MISSED,
    image_id=1,
    class_id=CAT,
    class_name="cat",
    class_color="#aa3377",
    xyxy=(0.0, 0.0, 10.0, 10.0),
    score=None,
    path=Path("a.jpg"),
)


def text_of(entry: ErrorEntry, *detections: tuple[float, float], threshold: float = 0.5) -> str:
    """Among detections as high as the label and 10 wide, given by where they begin and their scores."""
    dets = Detections(
        image_ids=np.ones(len(detections), np.int64),
        labels=np.full(len(detections), CAT),
        boxes=np.array([(x, 0, x + 10, 10) for x, _ in detections], np.float64).reshape(-1, 4),
        scores=np.array([score for _, score in detections]),
    )
    truth = ground_truth([Box(id=8, image_id=1, class_id=CAT, x1=0, y1=0, x2=10, y2=10)])
    evaluation = LiveEvaluation(truth, dets, class_ids=[CAT], image_ids=[1])
    return overlap_text(entry, evaluation, CLASSES, threshold)


def test_a_label_names_the_nearest_detection_that_counts() -> None:
    # 7 of 13
    assert text_of(LABEL, (3, 0.9), (1, 0.2)) == "Nearest detection: cat, IoU 0.54"
    assert text_of(LABEL, (50, 0.9)) == "No detection nearby"
    assert text_of(LABEL) == "No detection nearby"


def test_where_nothing_that_counts_is_near_what_is_below_the_threshold_is_named() -> None:
    # 5 of 15; 1 of 19 is no more than a neighbour
    below = "Detection below the threshold: cat 0.20, IoU 0.33"
    assert text_of(LABEL, (5, 0.2), (50, 0.9)) == below
    assert text_of(LABEL, (5, 0.2), (9, 0.9)) == below
    assert text_of(LABEL, (9, 0.2)) == "No detection nearby"


def test_the_detection_that_says_that_a_label_is_wrong_is_named_before_nearer_ones() -> None:
    suspicion = Suspicion(kind=LabelError.LOCATION, score=0.9, speaker=-1)
    doubted = replace(LABEL, suspicion=suspicion)
    assert (
        text_of(doubted, (5, 0.2), (3, 0.9), (1, 0.1)) == "Detection below the threshold: cat 0.20, IoU 0.33"
    )
    assert text_of(doubted, (5, 0.8), (1, 0.1)) == "Nearest detection: cat, IoU 0.33"


def test_a_detection_names_its_label_or_else_the_nearest() -> None:
    detection = replace(LABEL, key=-1, kind=ErrorKind.FP, xyxy=(5.0, 0.0, 15.0, 10.0), score=0.9)
    assert text_of(detection, (5, 0.9)) == "Nearest label: cat, IoU 0.33"
    assert text_of(replace(detection, partner=LABEL), (5, 0.9)) == "IoU with the label 0.33"
    assert text_of(replace(detection, xyxy=(70.0, 0.0, 80.0, 10.0)), (70, 0.9)) == "No label nearby"
