"""Loose boxes made to fit, on pictures that are painted here and on detections whose mean is made by hand."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from detcore.assist.tighten import Fit, Loose, Unchanged, cut_out, tighten, vote
from detcore.boxes import Xyxy
from detcore.errors import Cancelled
from detcore.types import Detections, ImageArray

CELL, PLATELET = 1, 2


def noise(width: int = 200, height: int = 160) -> ImageArray:
    return np.random.default_rng(0).integers(60, 100, (height, width, 3), np.uint8)


def found(*rows: tuple[int, Xyxy, float]) -> Detections:
    return Detections(
        image_ids=np.ones(len(rows), np.int64),
        labels=np.array([row[0] for row in rows], np.int64),
        boxes=np.array([row[1] for row in rows], np.float64).reshape(-1, 4),
        scores=np.array([row[2] for row in rows], np.float64),
    )


def fit(drawn: Xyxy, dets: Detections, image: ImageArray | None = None, class_id: int = CELL) -> object:
    (one,) = tightened(
        [Loose(class_id=class_id, xyxy=drawn)], dets, lambda: noise() if image is None else image
    )
    return one


def tightened(loose: list[Loose], dets: Detections, read: Callable[[], ImageArray]) -> list[Fit]:
    return tighten(loose, dets, read, progress=lambda done, total: done < total)


@pytest.mark.parametrize(
    "drawn", [(52, 41, 135, 108), (66, 57, 131, 99), (55, 57, 117, 110)], ids=["large", "small", "aside"]
)
def test_a_loose_box_around_a_rectangle_on_noise_becomes_exact(drawn: Xyxy) -> None:
    image = noise()
    image[50:100, 60:125] = (200, 140, 60)
    assert fit(drawn, Detections.empty(), image) == pytest.approx((60, 50, 125, 100), abs=1.0)


def test_a_round_object_is_held_by_its_outermost_points() -> None:
    image = noise()
    cv2.circle(image, (100, 80), 30, (210, 150, 190), -1)
    assert fit((63, 45, 137, 117), Detections.empty(), image) == pytest.approx((70, 50, 131, 111), abs=2.0)


def test_an_object_at_the_border_of_the_image_is_held_there_too() -> None:
    image = noise()
    image[0:50, 150:200] = (200, 140, 60)
    assert fit((143, 0, 200, 57), Detections.empty(), image) == pytest.approx((150, 0, 200, 50), abs=1.0)


def test_a_large_object_is_found_on_a_small_copy_to_a_hundredth_of_its_side() -> None:
    image = noise(1600, 1200)
    image[300:900, 500:1200] = (200, 140, 60)
    drawn = (430.0, 260.0, 1270.0, 960.0)
    assert fit(drawn, Detections.empty(), image) == pytest.approx((500, 300, 1200, 900), abs=14)


def test_a_box_in_a_flat_image_stays_as_it_was() -> None:
    flat = np.full((120, 160, 3), 128, np.uint8)
    assert fit((20, 30, 70, 80), Detections.empty(), flat) is Unchanged.UNCLEAR


@pytest.mark.parametrize(
    "drawn", [(10, 10, 11, 11), (0, 0, 1, 160), (0, 0, 200, 160)], ids=["pixel", "line", "whole image"]
)
def test_where_nothing_can_be_told_the_box_stays_as_it_was(drawn: Xyxy) -> None:
    assert fit(drawn, Detections.empty()) is Unchanged.UNCLEAR


def test_a_box_on_noise_stays_as_it_was() -> None:
    assert fit((50, 40, 120, 110), Detections.empty()) is Unchanged.UNCLEAR


def test_an_edge_stays_where_the_object_goes_on_beyond_what_was_drawn() -> None:
    image = noise()
    image[50:100, 60:200] = (200, 140, 60)
    assert fit((52, 41, 120, 108), Detections.empty(), image) == pytest.approx((60, 50, 120, 100), abs=2.0)


def test_nothing_becomes_half_as_large_without_being_asked_for() -> None:
    image = noise()
    image[67:93, 87:113] = (200, 140, 60)
    assert fit((70, 50, 130, 110), Detections.empty(), image) is Unchanged.FAR


def test_the_image_is_not_read_where_a_run_has_found_something() -> None:
    def read() -> ImageArray:
        raise AssertionError

    loose = Loose(class_id=CELL, xyxy=(10, 10, 50, 50))
    assert tightened([loose], found((CELL, (10, 10, 50, 50), 0.2)), read) == [pytest.approx((10, 10, 50, 50))]


def test_detections_vote_by_score_and_by_overlap_with_the_box_and_the_best_of_them() -> None:
    drawn = (0.0, 0.0, 10.0, 10.0)
    dets = found((CELL, drawn, 0.8), (CELL, (0, 0, 10, 8), 0.5), (CELL, (0, 0, 10, 4), 0.9))
    # IoU 1, 0.8 and 0.4 with the box and the best, so the last one is of something else; what was drawn weighs 0.1
    second = 0.5 * 0.8**2 * 0.8**2
    bottom = (0.8 * 10 + second * 8 + 0.1 * 10) / (0.8 + second + 0.1)
    assert vote(Loose(class_id=CELL, xyxy=drawn), dets) == pytest.approx((0, 0, 10, bottom))


def test_detections_of_other_classes_and_of_other_places_have_no_say() -> None:
    dets = found((PLATELET, (0, 0, 10, 10), 0.9), (CELL, (8, 8, 18, 18), 0.9))
    assert vote(Loose(class_id=CELL, xyxy=(0, 0, 10, 10)), dets) is None


def test_a_run_that_is_hardly_sure_moves_little() -> None:
    drawn, there = (0.0, 0.0, 10.0, 10.0), (0.0, 0.0, 8.0, 10.0)
    assert fit(drawn, found((CELL, there, 0.01))) == pytest.approx((0, 0, 10, 10), abs=0.2)
    assert fit(drawn, found((CELL, there, 0.99))) == pytest.approx((0, 0, 8, 10), abs=0.3)


def test_what_a_run_has_found_is_not_taken_where_it_is_more_than_half_as_large_again() -> None:
    # 24 wide with IoU 10 / 24: (0.9 * 0.174 * 24 + 0.1 * 10) / (0.9 * 0.174 + 0.1) = 18.5 wide; 16 wide becomes 14.7
    assert fit((0, 0, 10, 10), found((CELL, (0, 0, 24, 10), 0.9))) is Unchanged.FAR
    assert fit((0, 0, 10, 10), found((CELL, (0, 0, 16, 10), 0.9))) == pytest.approx(
        (0, 0, 14.7, 10), abs=0.05
    )


def test_several_boxes_are_told_apart() -> None:
    image = noise()
    image[50:100, 60:125] = (200, 140, 60)
    loose = [
        Loose(class_id=CELL, xyxy=xyxy) for xyxy in ((52, 41, 135, 108), (150, 10, 151, 11), (2, 2, 12, 12))
    ]
    fits = tightened(loose, found((CELL, (1, 1, 11, 11), 0.3)), lambda: image)
    assert fits[0] == pytest.approx((60, 50, 125, 100), abs=1.0)
    assert fits[1] is Unchanged.UNCLEAR
    assert fits[2] == pytest.approx((1.42, 1.42, 11.42, 11.42), abs=0.05)


def test_the_same_pixels_give_the_same_edges() -> None:
    image = noise()
    cv2.circle(image, (100, 80), 30, (110, 90, 95), -1)
    assert cut_out(image, (63, 45, 137, 117)) == cut_out(image, (63, 45, 137, 117))


def test_it_ends_when_nobody_wants_it_any_more() -> None:
    asked: list[tuple[int, int]] = []

    def once(done: int, total: int) -> bool:
        asked.append((done, total))
        return not done

    loose = [Loose(class_id=CELL, xyxy=(1, 1, 11, 11))] * 3
    with pytest.raises(Cancelled):
        tighten(loose, found((CELL, (1, 1, 11, 11), 0.3)), noise, progress=once)
    assert asked == [(0, 3), (1, 3)]
