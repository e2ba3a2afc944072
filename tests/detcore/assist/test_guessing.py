"""Classes of a box that was drawn, by hand arithmetic."""

from __future__ import annotations

import numpy as np
import pytest

from detcore.assist.guessing import guess_by_size, guess_class
from detcore.boxes import Xyxy
from detcore.types import Detections, GroundTruth

CELL, PLATELET, BLOB, OTHER = 1, 2, 3, 4
DRAWN = (0.0, 0.0, 10.0, 10.0)


def guesses(*rows: tuple[int, Xyxy, float]) -> list[tuple[int, float]]:
    dets = Detections(
        image_ids=np.ones(len(rows), np.int64),
        labels=np.array([row[0] for row in rows], np.int64),
        boxes=np.array([row[1] for row in rows], np.float64).reshape(-1, 4),
        scores=np.array([row[2] for row in rows], np.float64),
    )
    made = guess_class(DRAWN, dets, (CELL, PLATELET, BLOB, OTHER))
    return [(guess.class_id, guess.probability) for guess in made]


def test_each_detection_speaks_for_its_class_with_score_times_overlap() -> None:
    # 0.6 * 1, and 0.5 * 0.8 for the other class
    said = guesses((CELL, DRAWN, 0.6), (PLATELET, (0, 0, 10, 8), 0.5))
    assert said == [(CELL, pytest.approx(0.6)), (PLATELET, pytest.approx(0.4))]


def test_several_of_a_class_add_up() -> None:
    # 0.4 against 0.3 + 0.3 * 0.5
    said = guesses((CELL, DRAWN, 0.4), (BLOB, DRAWN, 0.3), (BLOB, (0, 0, 10, 5), 0.3))
    assert said == [(BLOB, pytest.approx(0.45 / 0.85)), (CELL, pytest.approx(0.4 / 0.85))]


def test_neighbours_are_not_asked() -> None:
    assert guesses((CELL, (8, 0, 18, 10), 0.9)) == []


def test_nothing_is_guessed_where_nothing_was_found() -> None:
    assert guesses() == []


def test_three_are_named_and_none_that_is_hardly_possible() -> None:
    said = guesses((CELL, DRAWN, 0.5), (PLATELET, DRAWN, 0.3), (BLOB, DRAWN, 0.2), (OTHER, DRAWN, 0.1))
    assert [class_id for class_id, _ in said] == [CELL, PLATELET, BLOB]
    assert [class_id for class_id, _ in guesses((CELL, DRAWN, 0.99), (PLATELET, DRAWN, 0.01))] == [CELL]


def test_a_class_that_was_deleted_is_not_guessed() -> None:
    assert guesses((9, DRAWN, 0.9), (CELL, DRAWN, 0.1)) == [(CELL, pytest.approx(1.0))]


def labels(*rows: tuple[int, float, float]) -> GroundTruth:
    """Boxes of a class, a width and a height."""
    count = len(rows)
    boxes = np.array([[0, 0, width, height] for _, width, height in rows], np.float64).reshape(-1, 4)
    return GroundTruth(
        ids=np.arange(1, count + 1),
        image_ids=np.ones(count, np.int64),
        labels=np.array([row[0] for row in rows], np.int64),
        boxes=boxes,
        areas=boxes[:, 2] * boxes[:, 3],
        crowd=np.zeros(count, np.bool_),
        difficult=np.zeros(count, np.bool_),
    )


SMALL_AND_LARGE = [
    (class_id, side + more, side) for class_id, side in ((CELL, 80), (PLATELET, 20)) for more in range(6)
]


def test_where_sizes_tell_classes_the_nearest_ones_say_which() -> None:
    (small, *_), (large, *_) = (
        guess_by_size((5, 5, 5 + side, 5 + side), labels(*SMALL_AND_LARGE)) for side in (22, 75)
    )
    assert (small.class_id, large.class_id) == (PLATELET, CELL)
    assert min(small.probability, large.probability) > 0.9


def test_where_sizes_do_not_tell_classes_nothing_is_guessed() -> None:
    mixed = [(class_id, 40 + more, 40) for class_id in (CELL, PLATELET) for more in range(8)]
    assert guess_by_size(DRAWN, labels(*mixed)) == []


def test_one_class_or_a_few_labels_say_nothing() -> None:
    assert guess_by_size(DRAWN, labels()) == []
    assert guess_by_size(DRAWN, labels(*SMALL_AND_LARGE[:6])) == []
    assert guess_by_size(DRAWN, labels(*SMALL_AND_LARGE[:1], *SMALL_AND_LARGE[-1:])) == []
