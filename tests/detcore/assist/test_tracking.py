"""Made-up things that move over a made-up ground, whose places are known."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
import pytest

from detcore.assist.carrying import Labelled, carry
from detcore.assist.filling import MOST_FRAMES, STRAIGHT, fill, gap_around
from detcore.assist.tracking import SURE, Picture
from detcore.types import Box, FloatArray, ImageArray

WIDTH, HEIGHT = 480, 360
Edges = tuple[float, float, float, float]
CAR, TREE = 4, 9


def texture(seed: int, width: int, height: int, *, grain: int, depth: float) -> FloatArray:
    """(height, width, 3) smooth noise about 128, whose spots are ``grain`` pixels wide."""
    random = np.random.default_rng(seed)
    coarse = random.normal(0.0, depth, (height // grain + 2, width // grain + 2, 3))
    whole = cv2.resize(coarse, None, fx=grain, fy=grain, interpolation=cv2.INTER_CUBIC)
    return 128.0 + np.asarray(whole[:height, :width], np.float64)


GROUND = texture(0, 2 * WIDTH, 2 * HEIGHT, grain=9, depth=18.0)
THINGS = [texture(seed, 80, 60, grain=6, depth=60.0) for seed in range(1, 8)]


def picture(
    *things: tuple[int, Edges], ground: FloatArray = GROUND, pan: tuple[int, int] = (0, 0)
) -> Picture:
    """Things by number, each drawn into its edges to fractions of a pixel, over the ground from ``pan`` on."""
    x, y = pan
    image = ground[y : y + HEIGHT, x : x + WIDTH].copy()
    for number, (x1, y1, x2, y2) in things:
        thing = THINGS[number]
        height, width = thing.shape[:2]
        across, down = (x2 - x1) / width, (y2 - y1) / height
        # pixel centers lie at halves
        put = np.array([[across, 0, x1 + across / 2 - 0.5], [0, down, y1 + down / 2 - 0.5]])
        size = (WIDTH, HEIGHT)
        cover = cv2.warpAffine(np.ones((height, width)), put, size)[..., None]
        image = image * (1 - cover) + cv2.warpAffine(thing, put, size)
    return Picture(as_image(image))


def as_image(values: FloatArray) -> ImageArray:
    return np.clip(values, 0, 255).round().astype(np.uint8)


def labelled(*edges: Edges, time: int = 0, labels: tuple[int, ...] = ()) -> Labelled:
    return Labelled(
        time=time,
        labels=np.array(labels or [CAR] * len(edges), np.int64),
        boxes=np.array(edges, np.float64).reshape(-1, 4),
        scores=np.ones(len(edges)),
    )


def moved(edges: Edges, x: float, y: float) -> Edges:
    return (edges[0] + x, edges[1] + y, edges[2] + x, edges[3] + y)


PLACE: Edges = (200.0, 150.0, 280.0, 210.0)


@pytest.mark.parametrize("motion", [(0.0, 0.0), (7.0, -4.0), (-31.5, 22.25), (0.5, 40.0)])
def test_what_moves_is_found_to_the_pixel(motion: tuple[float, float]) -> None:
    there = moved(PLACE, *motion)
    found = carry(labelled(PLACE), picture((0, PLACE)), picture((0, there)), time=1)
    assert found.boxes[0] == pytest.approx(there, abs=1.0)
    assert found.scores[0] > 0.9


def test_what_stands_still_in_a_still_picture_stays_where_it_is_labelled() -> None:
    still = picture((0, PLACE))
    found = carry(labelled(PLACE, (30, 40, 90, 100)), still, still, time=1)
    assert found.boxes == pytest.approx(np.array([PLACE, (30, 40, 90, 100)]), abs=0.01)
    assert found.scores == pytest.approx(np.ones(2), abs=1e-3)


@pytest.mark.parametrize("growth", [0.95, 0.98, 1.0, 1.03, 1.05])
def test_what_comes_nearer_grows(growth: float) -> None:
    half = np.array([40.0, 30.0]) * growth
    x, y = 246.0, 183.0
    there = (x - half[0], y - half[1], x + half[0], y + half[1])
    found = carry(labelled(PLACE), picture((0, PLACE)), picture((0, there)), time=1)
    assert found.boxes[0] == pytest.approx(there, abs=1.0)


def test_a_large_thing_is_found_as_well_and_in_other_light() -> None:
    place, there = (40.0, 30.0, 360.0, 270.0), (62.0, 47.0, 382.0, 287.0)
    darker = Picture(as_image(sampled(picture((0, there))).astype(np.float64) * 0.8 - 6))
    assert carry(labelled(place), picture((0, place)), darker, time=1).boxes[0] == pytest.approx(
        there, abs=2.0
    )


def sampled(whole: Picture) -> ImageArray:
    """The grey picture as an image again."""
    grey = whole.sample(np.array([WIDTH / 2, HEIGHT / 2]), (HEIGHT, WIDTH), 1.0)
    return np.repeat(grey[..., None], 3, axis=2)


def test_what_partly_leaves_the_image_is_cut_and_what_has_left_it_ends() -> None:
    place, there, beyond = (3.0, 100.0, 83.0, 160.0), (-20.0, 100.0, 60.0, 160.0), (-75.0, 100.0, 5.0, 160.0)
    found = carry(labelled(place), picture((0, place)), picture((0, there)), time=1)
    assert found.boxes[0] == pytest.approx((0.0, 100.0, 60.0, 160.0), abs=2.0)
    assert len(carry(labelled(place), picture((0, place)), picture((0, beyond)), time=1).boxes) == 0


def test_what_something_else_hides_is_not_proposed() -> None:
    before = picture((0, PLACE))
    after = picture((0, moved(PLACE, 5, 0)), (3, moved(PLACE, 8, 4)))
    assert len(carry(labelled(PLACE), before, after, time=1).boxes) == 0


def test_of_another_picture_there_is_nothing_nor_of_another_size() -> None:
    before = picture((0, PLACE))
    elsewhere = picture((0, PLACE), ground=texture(99, WIDTH, HEIGHT, grain=9, depth=18.0))
    assert len(carry(labelled(PLACE), before, elsewhere, time=1).boxes) == 0
    smaller = Picture(sampled(before)[:-20])
    assert len(carry(labelled(PLACE), before, smaller, time=1).boxes) == 0


def test_in_a_picture_without_anything_to_see_nothing_is_found() -> None:
    flat = Picture(np.full((HEIGHT, WIDTH, 3), 90, np.uint8))
    assert len(carry(labelled(PLACE), flat, flat, time=1).boxes) == 0


def test_a_panned_camera_moves_all() -> None:
    small = (300.0, 200.0, 320.0, 215.0)
    there = moved(small, -45, -30)
    before, after = picture((0, small)), picture((0, there), pan=(45, 30))
    found = carry(labelled(small, (100, 100, 150, 150)), before, after, time=1)
    assert found.boxes == pytest.approx(np.array([there, (55, 70, 105, 120)]), abs=1.0)


def test_what_moved_before_is_looked_for_where_it_goes_on_to() -> None:
    """A small thing moves by 36 pixels a frame, one frame is missing: it is 72 further."""
    small = (30.0, 200.0, 150.0, 230.0)
    before, after = picture((0, moved(small, 36, 0))), picture((0, moved(small, 108, 0)))
    now = labelled(moved(small, 36, 0), time=1)
    assert len(carry(now, before, after, time=3).boxes) == 0
    found = carry(now, before, after, time=3, earlier=labelled(small, time=0))
    assert found.boxes[0] == pytest.approx(moved(small, 108, 0), abs=1.0)


def test_each_keeps_its_class_and_no_two_have_one_score() -> None:
    other = (60.0, 60.0, 140.0, 120.0)
    still = picture((0, PLACE), (1, other))
    found = carry(labelled(PLACE, other, labels=(CAR, TREE)), still, still, time=1).detections(77)
    assert found.labels.tolist() == [CAR, TREE]
    assert found.image_ids.tolist() == [77, 77]
    assert len(set(found.scores.tolist())) == 2


def test_a_crowd_is_not_followed() -> None:
    boxes = [
        Box(id=1, image_id=1, class_id=CAR, x1=1, y1=2, x2=3, y2=4, crowd=crowd) for crowd in (True, False)
    ]
    assert len(Labelled.by(boxes, time=0).boxes) == 1


def filled(
    first: Labelled, last: Labelled, pictures: Iterator[tuple[int, Picture]]
) -> dict[int, tuple[list[list[float]], list[float]]]:
    """Boxes and scores by time."""
    return {one.time: (one.boxes.tolist(), one.scores.tolist()) for one in fill(first, last, pictures)}


def test_between_two_frames_a_box_follows_what_it_is_around() -> None:
    """It swings out by 40 pixels, where the straight way would stay on its height; one frame is missing."""
    heights = {0: 0.0, 1: 20.0, 2: 35.0, 4: 40.0, 5: 20.0, 6: 0.0}
    places = {time: moved(PLACE, 6.0 * time, height) for time, height in heights.items()}
    found = filled(
        labelled(places[0]),
        labelled(places[6], time=6),
        ((time, picture((0, place))) for time, place in places.items()),
    )
    assert sorted(found) == [1, 2, 4, 5]
    for time, (boxes, scores) in found.items():
        assert boxes[0] == pytest.approx(places[time], abs=1.5)
        assert SURE <= scores[0] <= 1.0


def test_between_two_frames_the_only_one_of_its_class_goes_straight_where_it_cannot_be_followed() -> None:
    """Nothing is seen of either; the car goes 40 to the right and 8 higher in four frames, the two trees go nowhere near."""
    flat = Picture(np.full((HEIGHT, WIDTH, 3), 90, np.uint8))
    first = labelled(PLACE, (0, 0, 9, 9), (20, 0, 29, 9), labels=(CAR, TREE, TREE))
    last = labelled(
        moved((200.0, 150.0, 280.0, 218.0), 140, 80),
        (90, 90, 99, 99),
        (90, 0, 99, 9),
        time=4,
        labels=(CAR, TREE, TREE),
    )
    found = filled(first, last, ((time, flat) for time in range(5)))
    assert {time: boxes for time, (boxes, _) in found.items()} == {
        1: [[235.0, 170.0, 315.0, 232.0]],
        2: [[270.0, 190.0, 350.0, 254.0]],
        3: [[305.0, 210.0, 385.0, 276.0]],
    }
    assert {scores[0] for _, scores in found.values()} == {STRAIGHT}


def test_between_two_frames_what_is_labelled_on_one_alone_is_not_proposed() -> None:
    still = picture((0, PLACE))
    assert (
        filled(labelled(PLACE), labelled(PLACE, labels=(TREE,), time=2), ((t, still) for t in range(3))) == {}
    )
    assert filled(labelled(), labelled(PLACE, time=2), ((t, still) for t in range(3))) == {}


def test_two_of_a_class_that_pass_each_other_keep_their_ways() -> None:
    left, right = (60.0, 100.0, 140.0, 160.0), (300.0, 190.0, 380.0, 250.0)
    steps = [((0, moved(left, 40 * t, 0)), (1, moved(right, -40 * t, 0))) for t in range(7)]
    found = filled(
        labelled(left, right),
        labelled(moved(right, -240, 0), moved(left, 240, 0), time=6),
        ((time, picture(*things)) for time, things in enumerate(steps)),
    )
    for time, (boxes, _) in found.items():
        assert boxes == [pytest.approx(edges, abs=1.5) for _, edges in steps[time]]


@pytest.mark.parametrize(
    ("frames", "at", "expected"),
    [
        ("X...X", 2, (0, 4)),
        ("X.X..X.X", 3, (2, 5)),
        ("X..X.X", 3, (3, 5)),
        ("X..XX", 3, (0, 3)),
        ("XXX", 1, None),
        ("X....", 2, None),
        (".....", 2, None),
        ("X" + "." * MOST_FRAMES + "X", 5, (0, MOST_FRAMES + 1)),
        ("X" + "." * (MOST_FRAMES + 1) + "X", 5, None),
    ],
)
def test_frames_are_filled_from_the_label_before_to_the_label_after(
    frames: str, at: int, expected: tuple[int, int] | None
) -> None:
    assert gap_around([frame == "X" for frame in frames], at) == expected
