"""What a detector says at labels before thresholds, taken down and found again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from detcore.evaluation.label_answers import AnswerRecorder, rows_at_labels
from detcore.types import GroundTruth, LabelAnswers


def labels(*rows: tuple[int, int, tuple[float, float, float, float]]) -> GroundTruth:
    """Rows of image, class, box; ids from 1."""
    boxes = np.array([row[2] for row in rows], np.float64).reshape(-1, 4)
    return GroundTruth(
        ids=np.arange(1, len(rows) + 1),
        image_ids=np.array([row[0] for row in rows], np.int64),
        labels=np.array([row[1] for row in rows], np.int64),
        boxes=boxes,
        areas=(boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]),
        crowd=np.zeros(len(rows), np.bool_),
        difficult=np.zeros(len(rows), np.bool_),
    )


def recorded(gt: GroundTruth, heard: dict[int, list[tuple[tuple, tuple]]], **options: object) -> LabelAnswers:
    """``heard``: by image the answers, each a box and its scores for the classes 9 and 4."""
    recorder = AnswerRecorder(gt, image_ids=list(heard), class_ids=np.array([9, 4]))
    for image_id, answers in heard.items():
        boxes = np.array([box for box, _ in answers], np.float64).reshape(-1, 4)
        recorder.hear(image_id, boxes, np.array([scores for _, scores in answers], np.float64).reshape(-1, 2))
    return recorder.answers()


def own(answers: LabelAnswers) -> LabelAnswers:
    return answers.take(~answers.strange)


SQUARE = (0.0, 0.0, 10.0, 10.0)


def test_the_best_answer_counts_by_how_well_it_lies_on_the_label():
    # a box of the same size that is moved by s to the right overlaps a square of 10 by (10 - s) / (10 + s)
    moved = {step: (step, 0.0, 10 + step, 10.0) for step in (1.0, 3.0, 4.0, 6.0)}
    # 9/11 = 0.82 and 7/13 = 0.54 lie well, the first of them close; 6/14 = 0.43 is near, 4/16 = 0.25 neither
    said = [
        (moved[1.0], (0.2, 0.3)),
        (moved[3.0], (0.1, 0.6)),
        (moved[4.0], (0.9, 0.5)),
        (moved[6.0], (0.99, 0.99)),
    ]
    answers = own(recorded(labels((1, 4, SQUARE)), {1: said}))
    assert answers.label_ids.tolist() == [1]
    assert (answers.well[0], answers.close[0], answers.near[0]) == (0.6, 0.3, 0.5)
    assert answers.other[0] == 0.2


def test_an_answer_that_lies_better_on_another_label_does_not_count():
    # both overlap it by more than half, the second one all of it
    beside = (2.0, 0.0, 12.0, 10.0)
    answers = own(recorded(labels((1, 9, SQUARE), (1, 9, beside)), {1: [(beside, (0.8, 0.0))]}))
    assert answers.well.tolist() == [0.0, 0.8]


def test_labels_of_the_image_before_are_put_on_the_next_one_as_strange_ones():
    gt = labels((5, 9, SQUARE), (7, 4, (50.0, 50.0, 60.0, 60.0)))
    heard = {5: [((50.0, 50.0, 60.0, 60.0), (0.7, 0.1))], 7: [(SQUARE, (0.4, 0.2))]}
    answers = recorded(gt, heard)
    strange = answers.take(answers.strange)
    # label 1 (class 9) on image 7, label 2 (class 4) on image 5: what lies there is no label's own
    assert dict(zip(strange.label_ids.tolist(), strange.image_ids.tolist(), strict=True)) == {1: 7, 2: 5}
    assert dict(zip(strange.label_ids.tolist(), strange.well.tolist(), strict=True)) == {1: 0.4, 2: 0.1}
    assert own(answers).well.tolist() == [0.0, 0.0]


def test_an_only_image_has_no_strange_labels_and_one_without_answers_has_none():
    answers = recorded(labels((1, 9, SQUARE)), {1: []})
    assert answers.strange.tolist() == [False]
    assert answers.well.tolist() == [0.0]
    assert len(recorded(labels(), {1: [], 2: [(SQUARE, (0.5, 0.5))]})) == 0


def test_labels_of_a_class_that_the_detector_does_not_know_are_not_asked_about():
    answers = own(recorded(labels((1, 3, SQUARE), (1, 9, SQUARE)), {1: [(SQUARE, (0.5, 0.4))]}))
    assert answers.label_ids.tolist() == [2]


def test_an_image_that_is_heard_of_twice_counts_once():
    gt = labels((1, 9, SQUARE))
    recorder = AnswerRecorder(gt, image_ids=[1], class_ids=np.array([9, 4]))
    recorder.hear(1, np.array([SQUARE]), np.array([[0.5, 0.1]]))
    recorder.hear(1, np.array([SQUARE]), np.array([[0.6, 0.1]]))
    assert recorder.answers().well.tolist() == [0.6]


@pytest.mark.parametrize(
    "change",
    [
        {"labels": np.array([4])},
        {"boxes": np.array([[0.0, 0.0, 10.0, 11.0]])},
        {"ids": np.array([8])},
        {"image_ids": np.array([2])},
    ],
)
def test_a_label_that_has_changed_since_finds_nothing_said_about_it(change: dict):
    gt = labels((1, 9, SQUARE))
    answers = recorded(gt, {1: [(SQUARE, (0.5, 0.1))]})
    assert rows_at_labels(answers, gt, strange=False).tolist() == [0]
    assert rows_at_labels(answers, replace(gt, **change), strange=False).tolist() == [-1]
    assert rows_at_labels(answers, gt, strange=True).tolist() == [-1]
    assert rows_at_labels(LabelAnswers.empty(), gt, strange=False).tolist() == [-1]
