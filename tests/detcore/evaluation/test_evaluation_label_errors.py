"""Label errors: each kind in a scene by hand, and planted ones among many labels."""

from __future__ import annotations

import numpy as np
import pytest

from detcore.evaluation.error_types import ErrorType
from detcore.evaluation.label_errors import LABEL_ERRORS, LabelError, LabelErrors, rank_label_errors
from detcore.evaluation.logistic import calibrate, fit_logistic, logit, predict_logistic
from detcore.types import Detections, GroundTruth, LabelAnswers

SIDE = 20.0


def columns(rows: list[tuple[int, int, tuple]], **flags: list[int]) -> GroundTruth:
    """Rows of image, class, box; flags name the rows that are crowds or difficult."""
    boxes = np.array([row[2] for row in rows], dtype=np.float64).reshape(-1, 4)
    given = {name: np.isin(np.arange(len(rows)), flags.get(name, [])) for name in ("crowd", "difficult")}
    return GroundTruth(
        ids=np.arange(1, len(rows) + 1),
        image_ids=np.array([row[0] for row in rows], dtype=np.int64),
        labels=np.array([row[1] for row in rows], dtype=np.int64),
        boxes=boxes,
        areas=(boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]),
        **given,
    )


def scene(
    *, images: int = 30, seed: int = 0
) -> tuple[list[tuple[int, int, tuple]], list[tuple[int, int, tuple, float]]]:
    """Six objects an image, apart from one another, labels of two classes; a detector that finds nearly all, with boxes a
    little off, and that sees weak things between them."""
    rng = np.random.default_rng(seed)
    labels, found = [], []
    for image in range(1, images + 1):
        for place in range(6):
            x, y = rng.uniform(0, 15, 2) + [60.0 * (place % 3), 60.0 * (place // 3)]
            label = 1 + (image + place) % 2
            labels.append((image, label, (x, y, x + SIDE, y + SIDE)))
            box = np.array([x, y, x + SIDE, y + SIDE]) + rng.normal(0, 0.6, 4)
            if rng.random() < 0.95:
                found.append((image, label, tuple(box), float(rng.uniform(0.6, 0.99))))
            found.append((image, 3 - label, tuple(box), float(rng.uniform(0.01, 0.1))))
            between = np.array([x + 25, y + 25, x + 25 + SIDE, y + 25 + SIDE])
            found.append((image, label, tuple(between), float(rng.uniform(0.01, 0.3))))
    return labels, found


def detections(found: list[tuple[int, int, tuple, float]]) -> Detections:
    return Detections(
        image_ids=np.array([row[0] for row in found], dtype=np.int64),
        labels=np.array([row[1] for row in found], dtype=np.int64),
        boxes=np.array([row[2] for row in found], dtype=np.float64).reshape(-1, 4),
        scores=np.array([row[3] for row in found], dtype=np.float64),
    )


def ranked(labels: list, found: list, **options: object) -> LabelErrors:
    gt = labels if isinstance(labels, GroundTruth) else columns(labels)
    return rank_label_errors(gt, detections(found), image_ids=np.arange(1, 31), class_ids=[1, 2], **options)


def surest(labels: list, found: list) -> int:
    """The label whose detection has the highest score."""
    image, label, box, _ = max(found, key=lambda row: row[3])
    return next(
        number
        for number, row in enumerate(labels)
        if row[:2] == (image, label) and np.abs(np.subtract(row[2], box)).max() < 5
    )


def first_of(errors: LabelErrors, kind: LabelError) -> int:
    return int(np.flatnonzero(errors.kind == LABEL_ERRORS.index(kind))[0])


def test_a_label_that_was_taken_away_is_the_first_missing_one():
    labels, found = scene()
    # the object is found surely; its label is gone
    image, label, box = labels.pop(7)
    found = [row for row in found if not (row[0] == image and np.abs(np.subtract(row[2], box)).max() < 9)]
    found.append((image, label, box, 0.95))
    errors = ranked(labels, found)
    first = first_of(errors, LabelError.MISSING)
    assert (errors.image_ids[first], errors.labels[first]) == (image, label)
    assert tuple(errors.boxes[first]) == box
    assert errors.gt_rows[first] == -1
    assert errors.det_rows[first] == len(found) - 1
    assert errors.error_type[first] == ErrorType.BACKGROUND


def test_weak_detections_that_are_many_do_not_count_as_many_overlooked_objects():
    labels, found = scene()
    errors = ranked(labels, found)
    # every label is there, and 180 weak detections lie where nothing is
    missing = errors.scores[errors.kind == LABEL_ERRORS.index(LabelError.MISSING)]
    assert missing.sum() < 5


def test_a_label_around_nothing_is_the_first_spurious_one():
    labels, found = scene()
    labels.insert(11, (5, 1, (150.0, 150.0, 170.0, 170.0)))
    errors = ranked(labels, found)
    first = first_of(errors, LabelError.SPURIOUS)
    assert errors.gt_rows[first] == 11
    assert errors.scores[first] > 0.5
    assert errors.error_type[first] == ErrorType.MISSED


def test_a_label_of_another_class_is_the_first_swapped_one_and_the_right_class_is_suggested():
    labels, found = scene()
    row = surest(labels, found)
    image, label, box = labels[row]
    labels[row] = (image, 3 - label, box)
    errors = ranked(labels, found)
    first = first_of(errors, LabelError.SWAPPED)
    assert errors.gt_rows[first] == row
    assert (errors.labels[first], errors.suggested_labels[first]) == (3 - label, label)
    assert errors.scores[first] > 0.5
    assert errors.error_type[first] == ErrorType.CLASS


def test_a_box_beside_its_object_is_the_first_badly_placed_one_and_a_better_box_is_suggested():
    labels, found = scene()
    row = surest(labels, found)
    image, label, box = labels[row]
    labels[row] = (image, label, tuple(np.array(box) + [8.0, 0.0, 8.0, 0.0]))
    errors = ranked(labels, found)
    first = first_of(errors, LabelError.LOCATION)
    assert errors.gt_rows[first] == row
    assert errors.suggested_boxes[first] == pytest.approx(np.array(box), abs=4)
    assert tuple(errors.boxes[first]) == labels[row][2]
    assert errors.error_type[first] == ErrorType.LOCATION


def test_an_object_labelled_twice_is_reported_once_as_duplicate():
    labels, found = scene()
    image, label, box = labels[20]
    labels.append((image, label, tuple(np.array(box) + [0.5, -0.5, 0.5, 0.5])))
    errors = ranked(labels, found)
    kinds = errors.kind == LABEL_ERRORS.index(LabelError.DUPLICATE)
    assert kinds.sum() == 1
    row = int(errors.gt_rows[kinds][0])
    assert row in (20, len(labels) - 1)
    # what is explained as a duplicate does not lead the spurious ones
    spurious = errors.gt_rows[errors.kind == LABEL_ERRORS.index(LabelError.SPURIOUS)]
    assert row not in spurious[:3]


def test_overlapping_objects_that_are_both_found_are_no_duplicates():
    labels, found = scene()
    image, label, box = labels[surest(labels, found)]
    beside = tuple(np.array(box) + [4.0, 0, 4.0, 0])
    labels.append((image, label, beside))
    alone = ranked(labels, found)
    found.append((image, label, beside, 0.95))
    both = ranked(labels, found)
    kind = LABEL_ERRORS.index(LabelError.DUPLICATE)
    assert both.scores[both.kind == kind].sum() < 0.5 * alone.scores[alone.kind == kind].sum()


def test_crowds_and_difficult_labels_are_not_judged_and_hide_what_lies_on_them():
    labels, found = scene()
    labels.append((3, 1, (200.0, 200.0, 300.0, 300.0)))
    labels.append((4, 1, (200.0, 200.0, 220.0, 220.0)))
    found.append((3, 1, (220.0, 220.0, 240.0, 240.0), 0.97))
    found.append((4, 1, (200.0, 200.0, 220.0, 220.0), 0.97))
    gt = columns(labels, crowd=[len(labels) - 2], difficult=[len(labels) - 1])
    errors = ranked(gt, found)
    assert not np.isin(errors.gt_rows, [len(labels) - 2, len(labels) - 1]).any()
    missing = errors.kind == LABEL_ERRORS.index(LabelError.MISSING)
    assert not np.isin(errors.det_rows[missing], [len(found) - 2, len(found) - 1]).any()


def test_images_that_the_model_has_not_seen_say_nothing():
    labels, found = scene()
    errors = ranked(labels, [row for row in found if row[0] <= 20], predicted=range(1, 21))
    assert len(errors)
    assert errors.image_ids.max() <= 20


def test_without_labels_or_without_detections_there_is_nothing_to_rank_or_only_missing_ones():
    labels, found = scene()
    assert len(ranked(labels, [])) == 0
    assert len(ranked([], [])) == 0
    only = ranked([], found)
    assert set(only.kind.tolist()) <= {LABEL_ERRORS.index(LabelError.MISSING)}


def test_scores_fall_and_every_row_belongs_to_its_candidate():
    labels, found = scene(seed=3)
    labels[3], labels[9] = (1, 2, labels[3][2]), (2, 2, labels[9][2])
    gt, dets = columns(labels), detections(found)
    errors = ranked(gt, found)
    assert (np.diff(errors.scores) <= 0).all()
    assert ((errors.scores > 0) & (errors.scores <= 1)).all()
    of_gt = errors.gt_rows >= 0
    assert (gt.image_ids[errors.gt_rows[of_gt]] == errors.image_ids[of_gt]).all()
    assert (gt.boxes[errors.gt_rows[of_gt]] == errors.boxes[of_gt]).all()
    of_det = errors.det_rows >= 0
    assert (dets.image_ids[errors.det_rows[of_det]] == errors.image_ids[of_det]).all()
    assert (of_gt | of_det).all()


def test_the_order_of_rows_does_not_matter():
    labels, found = scene(seed=4)
    labels.pop(17)
    labels[30] = (*labels[30][:2], tuple(np.array(labels[30][2]) + 7.0))
    rng = np.random.default_rng(0)
    gt, dets = columns(labels), detections(found)
    g, d = rng.permutation(len(gt)), rng.permutation(len(dets))
    one = ranked(gt, found)
    other = rank_label_errors(gt.take(g), dets.take(d), image_ids=np.arange(1, 31), class_ids=[1, 2])
    for kind in range(len(LABEL_ERRORS)):
        scores = [errors.scores[errors.kind == kind] for errors in (one, other)]
        assert scores[0] == pytest.approx(scores[1], abs=1e-6)


def test_many_planted_errors_come_before_nearly_all_good_labels():
    labels, found = scene(images=30, seed=5)
    rng = np.random.default_rng(5)
    rows = rng.permutation(len(labels))
    swapped, shifted = set(rows[:9].tolist()), set(rows[9:18].tolist())
    for row in swapped:
        labels[row] = (labels[row][0], 3 - labels[row][1], labels[row][2])
    for row in shifted:
        labels[row] = (*labels[row][:2], tuple(np.array(labels[row][2]) + [7.0, 7.0, 7.0, 7.0]))
    errors = ranked(labels, found)
    for kind, planted in ((LabelError.SWAPPED, swapped), (LabelError.LOCATION, shifted)):
        first = errors.gt_rows[errors.kind == LABEL_ERRORS.index(kind)][: len(planted)]
        # one object in twenty is not found at all
        assert len(planted & set(first.tolist())) >= len(planted) - 2


def test_logistic_weights_are_those_that_made_the_data():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(20_000, 2))
    chance = 1 / (1 + np.exp(-(1.5 * features[:, 0] - 0.5 * features[:, 1] + 0.25)))
    weights = fit_logistic(features, rng.random(len(features)) < chance)
    assert weights == pytest.approx([1.5, -0.5, 0.25], abs=0.08)
    assert predict_logistic(features, weights) == pytest.approx(chance, abs=0.03)


def test_calibration_learns_each_class_and_leaves_a_rare_one_near_all():
    rng = np.random.default_rng(1)
    label = np.repeat([0, 1, 2], [5000, 5000, 3])
    score = rng.uniform(0.02, 0.98, len(label))
    true = np.where(label == 0, score, score**3)
    odds = calibrate(logit(score), rng.random(len(label)) < true, label, classes=3)
    chance = 1 / (1 + np.exp(-odds))
    assert chance[label == 0] == pytest.approx(true[label == 0], abs=0.05)
    assert np.abs(chance - true)[label == 1].mean() < 0.05
    assert np.corrcoef(chance[label == 2], score[label == 2])[0, 1] > 0.9


def unseen(labels: list, found: list, count: int) -> list[int]:
    """Take all detections away from the first labels of so many images; their rows."""
    rows = [
        next(row for row, label in enumerate(labels) if label[0] == image) for image in range(1, count + 1)
    ]
    for row in rows:
        image, _, (x1, y1, _, _) = labels[row]
        found[:] = [one for one in found if one[0] != image or abs(one[2][0] - x1) + abs(one[2][1] - y1) > 30]
    return rows


def of_rows(errors: LabelErrors, kind: LabelError, rows: list[int]) -> list[float]:
    """The scores of a kind for some labels, 0 for none."""
    mine = errors.kind == LABEL_ERRORS.index(kind)
    scores = dict(zip(errors.gt_rows[mine].tolist(), errors.scores[mine].tolist(), strict=True))
    return [scores.get(row, 0.0) for row in rows]


@pytest.mark.parametrize("count", [1, 3, 10, 25])
def test_that_nothing_was_found_at_a_label_is_never_certainty(count: int):
    labels, found = scene(seed=6)
    rows = unseen(labels, found, count)
    scores = of_rows(ranked(labels, found), LabelError.SPURIOUS, rows)
    assert 0 < max(scores) < 0.99


def test_a_class_that_the_detector_often_doubts_is_not_called_nothing_where_it_is_not_found():
    # of class 2 every fourth object is found weakly or not at all, of class 1 none; then each has one without a trace
    rng = np.random.default_rng(8)
    labels, found = scene(seed=8)
    found = [
        (*row[:3], row[3] * rng.choice([1.0, 1.0, 1.0, 0.05])) if row[1] == 2 and row[3] > 0.5 else row
        for row in found
    ]
    rows = unseen(labels, found, 12)
    errors = ranked(labels, found)
    often = [
        score
        for row, score in zip(rows, of_rows(errors, LabelError.SPURIOUS, rows), strict=True)
        if labels[row][1] == 2
    ]
    never = [
        score
        for row, score in zip(rows, of_rows(errors, LabelError.SPURIOUS, rows), strict=True)
        if labels[row][1] == 1
    ]
    assert often
    assert max(often) < min(never)


def test_a_detection_that_overlaps_a_label_by_less_than_half_speaks_for_a_wrong_place_not_for_nothing():
    labels, found = scene(seed=9)
    row = surest(labels, found)
    image, label, box = labels[row]
    # moved by 9 of 20 pixels, 11/29 = 0.38 of the union is left
    labels[row] = (image, label, tuple(np.array(box) + [9.0, 0.0, 9.0, 0.0]))
    errors = ranked(labels, found)
    assert of_rows(errors, LabelError.LOCATION, [row])[0] > 0.5
    assert of_rows(errors, LabelError.SPURIOUS, [row])[0] < 0.05


def test_a_set_whose_boxes_spread_evenly_has_no_badly_placed_labels():
    # all detections lie off by one spread or the other, none by more than that makes likely
    rng = np.random.default_rng(10)
    labels, found = scene(seed=10)
    found = [(*row[:2], tuple(np.array(row[2]) + rng.normal(0, 1.5, 4)), row[3]) for row in found]
    errors = ranked(labels, found)
    location = errors.kind == LABEL_ERRORS.index(LabelError.LOCATION)
    assert errors.scores[location].sum() < 2


def said_at(
    labels: list, values: dict[int, tuple[float, float, float]], usual: tuple[float, float, float]
) -> LabelAnswers:
    """Answers at every label, ``well``, ``close`` and ``near``, and next to nothing at strange places."""
    gt = columns(labels)
    own = np.array([values.get(row, usual) for row in range(len(labels))])
    rng = np.random.default_rng(0)
    scores = np.concatenate([own, rng.uniform(0, 0.002, own.shape)])
    twice = np.tile(np.arange(len(labels)), 2)
    strange = np.arange(2 * len(labels)) >= len(labels)
    return LabelAnswers(
        label_ids=gt.ids[twice],
        image_ids=np.where(strange, gt.image_ids[twice] % 30 + 1, gt.image_ids[twice]),
        strange=strange,
        labels=gt.labels[twice],
        boxes=gt.boxes[twice],
        well=scores[:, 0],
        close=scores[:, 1],
        other=np.zeros(len(twice)),
        near=scores[:, 2],
    )


USUAL = (0.8, 0.7, 0.1)


def test_what_the_detector_says_at_a_label_before_thresholds_counts():
    labels, found = scene(seed=11)
    rows = unseen(labels, found, 2)
    rng = np.random.default_rng(3)
    spread = {row: (float(rng.beta(6, 2)), 0.5, 0.1) for row in range(len(labels))}
    answers = said_at(labels, {**spread, rows[0]: (0.0, 0.0, 0.0), rows[1]: (0.6, 0.5, 0.1)}, USUAL)
    silent, spoken = of_rows(ranked(labels, found, answers=answers), LabelError.SPURIOUS, rows)
    assert silent > 10 * spoken
    assert silent < 0.99


def test_an_answer_that_lies_close_on_a_label_speaks_for_its_place():
    labels, found = scene(seed=12)
    row = surest(labels, found)
    image, label, box = labels[row]
    labels[row] = (image, label, tuple(np.array(box) + [8.0, 0.0, 8.0, 0.0]))
    none, some = (
        of_rows(
            ranked(labels, found, answers=said_at(labels, {row: (0.9, close, 0.9)}, USUAL)),
            LabelError.LOCATION,
            [row],
        )[0]
        for close in (0.0, 0.99)
    )
    assert none > 0.5
    assert some < 0.1


def test_a_label_that_was_changed_since_is_judged_by_the_detections():
    labels, found = scene(seed=13)
    answers = said_at(labels, {}, USUAL)
    row = surest(labels, found)
    labels[row] = (*labels[row][:2], tuple(np.array(labels[row][2]) + 100.0))
    unasked = ranked(labels, found)
    asked = ranked(labels, found, answers=answers)
    alone = of_rows(unasked, LabelError.SPURIOUS, [row])
    assert alone[0] > 0.5
    assert of_rows(asked, LabelError.SPURIOUS, [row]) == pytest.approx(alone, abs=0.01)
