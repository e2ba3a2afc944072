"""Counts by size at any threshold, and the rows behind them, are those of a look at every image."""

from __future__ import annotations

import numpy as np
import pytest

from detcore.evaluation.live import DetState, GtState, LiveEvaluation
from detcore.review.kinds import ErrorKind
from detcore.review.picked import PickedBoxes, picked_detections
from detcore.review.sizes import SizeCounts, size_rows, sized_rows
from tests.app.review.made_up_evaluation import CLASSES, IMAGES, made_up_evaluation, made_up_truth

SEEDS = range(4)
THRESHOLDS = (-np.inf, 0.0, 0.1, 0.25, 0.3, 0.5, 0.7, 0.9, 1.0, 1.1, np.inf)
CHOICES = (None, *CLASSES)


def size_of(pixels: float) -> int:
    """As COCO has it."""
    if pixels < 32 * 32:
        return 0
    return 1 if pixels < 96 * 96 else 2


def box_by_box(evaluation: LiveEvaluation, threshold: float, class_id: int | None) -> list[list[int]]:
    """What is found, false and missed of each size."""
    gt, dets = evaluation.gt, evaluation.dets
    counts = [[0, 0, 0] for _ in range(3)]
    for image_id in IMAGES:
        view = evaluation.image_view(image_id, threshold)
        for row, state in zip(view.gt_rows.tolist(), view.gt_state.tolist(), strict=True):
            if class_id in (None, int(gt.labels[row])) and state == GtState.MISSED:
                counts[size_of(float(gt.areas[row]))][ErrorKind.FN] += 1
        for row, state, label in zip(view.det_rows, view.det_state, view.det_match, strict=True):
            if class_id not in (None, int(dets.labels[row])):
                continue
            x1, y1, x2, y2 = dets.boxes[row].tolist()
            if state == DetState.TRUE_POSITIVE:
                counts[size_of(float(gt.areas[label]))][ErrorKind.TP] += 1
            elif state == DetState.FALSE_POSITIVE:
                counts[size_of((x2 - x1) * (y2 - y1))][ErrorKind.FP] += 1
    return counts


def assert_counts_hold(counts: SizeCounts) -> None:
    for class_id in CHOICES:
        for threshold in THRESHOLDS[1:]:
            expected = box_by_box(counts.evaluation, threshold, class_id)
            assert counts.at(threshold, class_id).tolist() == expected, (threshold, class_id)


@pytest.mark.parametrize("seed", SEEDS)
def test_sizes_are_counted_as_box_by_box_at_every_threshold_and_after_edits(seed: int) -> None:
    evaluation, random = made_up_evaluation(seed), np.random.default_rng(seed)
    counts = SizeCounts(evaluation)
    assert all(sum(row) > 0 for row in counts.at(0.3, None).tolist()), "every size occurs"
    assert_counts_hold(counts)
    for image_id, boxes in ((3, 9), (7, 0), (3, 2)):
        evaluation.replace_image(image_id, made_up_truth(random, boxes, image_id=image_id))
        assert_counts_hold(counts)


def test_thresholds_in_any_order_of_classes_in_any_order_are_counted_anew() -> None:
    evaluation, random = made_up_evaluation(9), np.random.default_rng(9)
    counts = SizeCounts(evaluation)
    for _ in range(40):
        threshold, class_id = float(random.uniform(0, 1)), CHOICES[random.integers(0, len(CHOICES))]
        assert counts.at(threshold, class_id).tolist() == box_by_box(evaluation, threshold, class_id)


def test_nothing_at_all_is_counted_as_nothing() -> None:
    truth = made_up_evaluation(0).gt
    dets = made_up_evaluation(0).dets
    nothing = LiveEvaluation(
        truth.take(np.zeros(0, np.int64)), dets.take(np.zeros(0, np.int64)), class_ids=[1]
    )
    assert SizeCounts(nothing).at(0.5, None).tolist() == [[0, 0, 0]] * 3
    assert SizeCounts(nothing).at(0.5, 1).tolist() == [[0, 0, 0]] * 3


def test_the_rows_of_the_table_add_up_and_take_the_aps_of_their_class() -> None:
    aps = np.arange(24.0).reshape(2, 4, 3) / 24
    aps[:, 1, 2] = -1.0  # class 3 has no small objects
    by_size = np.array([[1, 2, 3], [4, 5, 6], [7, 8, 9]])
    rows = size_rows(by_size, np.array(CLASSES), None, aps)
    assert [row.counts for row in rows] == [(12, 15, 18), (1, 2, 3), (4, 5, 6), (7, 8, 9)]
    assert [row.labels for row in rows] == [30, 4, 10, 16]
    # means of 0 1 2, of 3 4, of 6 7 8, of 9 10 11
    assert [row.ap for row in rows] == pytest.approx([1 / 24, 3.5 / 24, 7 / 24, 10 / 24])
    of_one = size_rows(by_size, np.array(CLASSES), 3, aps)
    assert [row.ap_at for row in of_one] == pytest.approx([14 / 24, -1.0, 20 / 24, 23 / 24])
    assert {row.ap for row in size_rows(by_size, np.array(CLASSES), 3, None)} == {None}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("class_id", CHOICES)
def test_found_objects_of_a_size_are_those_behind_the_diagonal_of_the_matrix(
    seed: int, class_id: int | None
) -> None:
    evaluation = made_up_evaluation(seed)
    for threshold in THRESHOLDS:
        expected: dict[int, int] = {}
        for one in CLASSES if class_id is None else (class_id,):
            labels, rows = evaluation.confusion_rows(threshold, one, one)
            sizes = [size_of(area) for area in evaluation.gt.areas[labels].tolist()]
            expected.update(zip(rows.tolist(), sizes, strict=True))
        rows, sizes = sized_rows(evaluation, threshold, ErrorKind.TP, class_id)
        assert dict(zip(rows.tolist(), sizes.tolist(), strict=True)) == expected
        assert len(rows) == len(expected)
        # in the order in which they are listed without regard to size
        assert rows.tolist() == evaluation.true_positives(threshold, class_id).tolist()


@pytest.mark.parametrize("seed", SEEDS)
def test_a_picked_label_brings_the_detection_that_found_it(seed: int) -> None:
    evaluation, random = made_up_evaluation(seed), np.random.default_rng(seed)
    labels = frozenset(random.choice(evaluation.gt.ids, 40).tolist())
    own = frozenset(random.choice(len(evaluation.dets), 20).tolist())
    run_rows = np.arange(len(evaluation.dets)) + 5
    for threshold in THRESHOLDS:
        expected = {row - 5 for row in own if row >= 5}
        for image_id in IMAGES:
            view = evaluation.image_view(image_id, threshold)
            for row, state, label in zip(view.det_rows, view.det_state, view.det_match, strict=True):
                if state == DetState.TRUE_POSITIVE and int(evaluation.gt.ids[label]) in labels:
                    expected.add(int(row))
        picked = PickedBoxes(name="some", fingerprint="", labels=labels, detections=own)
        assert picked_detections(evaluation, run_rows, threshold, picked).tolist() == sorted(expected)
