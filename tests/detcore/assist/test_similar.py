"""Everything alike on painted images."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from detcore.assist.similar.channels import Channels, turned
from detcore.assist.similar.finding import Alike, Lesson, Look
from detcore.assist.similar.searches import SOURCE, Search, search_images
from detcore.boxes import iou
from detcore.project.edits import add_boxes, add_class, add_verdicts
from detcore.project.project import Project
from detcore.project.verdict_rows import Verdict, VerdictKind
from detcore.types import Box, FloatArray, ImageArray

NOTHING: FloatArray = np.zeros((0, 4))
WIDE, HIGH = 400, 300
PLACES = ((60, 60), (200, 50), (330, 80), (80, 220), (210, 170), (340, 230))
"""Middles of six objects."""


def ground(*, grey: bool = False) -> ImageArray:
    """Noise, and faint stripes."""
    random = np.random.default_rng(3)
    image = np.full((HIGH, WIDE, 3), (140, 150, 120), np.float64)
    image[:, ::40] -= 25
    image += random.normal(0, 8, image.shape)
    image = np.clip(image, 0, 255).astype(np.uint8)
    return np.repeat(image[..., :1], 3, axis=2) if grey else image


def arrow(image: ImageArray, x: int, y: int, *, turn: int = 0, half: int = 18) -> tuple[int, int, int, int]:
    """A red arrow to the right, after so many quarter turns; its box."""
    shape = np.array([(-1, -0.3), (0.2, -0.3), (0.2, -1), (1, 0), (0.2, 1), (0.2, 0.3), (-1, 0.3)])
    for _ in range(turn):
        shape = shape[:, ::-1] * (1, -1)
    cv2.fillPoly(image, [np.round(shape * half + (x, y)).astype(np.int32)], (200, 40, 40))
    return (x - half, y - half, x + half, y + half)


def disc(
    image: ImageArray, x: int, y: int, color: tuple[int, int, int] = (40, 60, 190), half: int = 18
) -> tuple[int, int, int, int]:
    cv2.circle(image, (x, y), half, color, -1)
    return (x - half, y - half, x + half, y + half)


def found(
    image: ImageArray, examples: FloatArray, unlike: FloatArray = NOTHING
) -> tuple[Look, Lesson, Alike]:
    look = Look(image, float(np.sqrt(np.prod(examples[:, 2:] - examples[:, :2], axis=1).mean())))
    lesson = look.learn(examples, unlike)
    look.search(lesson, examples=examples)
    return look, lesson, look.propose(lesson)


def hits(alike: Alike, boxes: FloatArray) -> list[bool]:
    """Which of the boxes are found."""
    return (iou(boxes, alike.boxes).max(axis=1, initial=0) >= 0.5).tolist()


def test_from_one_example_all_others_are_found_and_nothing_else() -> None:
    image = ground()
    boxes = np.array([disc(image, x, y) for x, y in PLACES], np.float64)
    _, _, alike = found(image, boxes[:1])
    assert hits(alike, boxes) == [True] * 6
    assert len(alike.boxes) == 6
    assert iou(alike.boxes, boxes).max(axis=1).min() > 0.7


def test_objects_of_another_colour_are_left_out() -> None:
    image = ground()
    blue = np.array([disc(image, x, y) for x, y in PLACES[:3]], np.float64)
    green = np.array([disc(image, x, y, (60, 190, 60)) for x, y in PLACES[3:]], np.float64)
    _, _, alike = found(image, blue[:1])
    assert hits(alike, blue) == [True] * 3
    assert hits(alike, green) == [False] * 3


def test_quarter_turns_are_found() -> None:
    image = ground()
    boxes = np.array([arrow(image, x, y, turn=row % 4) for row, (x, y) in enumerate(PLACES)], np.float64)
    _, _, alike = found(image, boxes[:1])
    assert hits(alike, boxes) == [True] * 6


def test_half_as_large_again_is_found_and_its_box_fits() -> None:
    image = ground()
    boxes = np.array(
        [disc(image, x, y, half=half) for (x, y), half in zip(PLACES, (18, 14, 23, 18, 15, 21), strict=True)],
        np.float64,
    )
    _, _, alike = found(image, boxes[:1])
    assert hits(alike, boxes) == [True] * 6


def test_on_a_grey_image_shape_tells() -> None:
    image = ground(grey=True)
    boxes = np.array([disc(image, x, y, (70, 70, 70)) for x, y in PLACES], np.float64)
    _, _, alike = found(image, boxes[:1])
    assert hits(alike, boxes) == [True] * 6


def test_one_at_the_border_is_found_and_cut_to_the_image() -> None:
    image = ground()
    inside = np.array([disc(image, x, y) for x, y in PLACES[:4]], np.float64)
    disc(image, 390, 150)
    _, _, alike = found(image, inside[:1])
    assert alike.boxes[:, [0, 2]].max() <= WIDE
    assert hits(alike, np.array([(372.0, 132.0, 400.0, 168.0)])) == [True]


def test_an_example_at_the_border_finds_whole_ones() -> None:
    image = ground()
    disc(image, 4, 150)
    inside = np.array([disc(image, x, y) for x, y in PLACES], np.float64)
    _, _, alike = found(image, np.array([(0.0, 132.0, 22.0, 168.0)]))
    assert len(alike.boxes) > 0
    assert (iou(alike.boxes, np.concatenate([inside, [(0.0, 132.0, 22.0, 168.0)]])) > 0).any(axis=1).all()


def test_a_crowd_is_found_one_by_one() -> None:
    image = ground()
    boxes = np.array(
        [disc(image, x, y, half=10) for x in range(30, 380, 26) for y in range(30, 280, 26)], np.float64
    )
    _, _, alike = found(image, boxes[:3])
    assert len(boxes) == 140
    assert sum(hits(alike, boxes)) > 130
    assert len(alike.boxes) <= len(boxes)


@pytest.mark.parametrize("box", [(200, 150, 201, 151), (0, 0, WIDE, HIGH), (0, 0, 1, HIGH)])
def test_odd_examples_do_no_harm(box: tuple[int, int, int, int]) -> None:
    image = ground()
    disc(image, 200, 150)
    _, _, alike = found(image, np.array([box], np.float64))
    assert len(alike.boxes) <= 300
    assert np.isfinite(alike.boxes).all()


def test_a_plain_image_of_few_pixels_is_like_nothing() -> None:
    _, _, alike = found(np.full((3, 2, 3), 90, np.uint8), np.array([(0.0, 0.0, 2.0, 3.0)]))
    assert len(alike.boxes) == 0


def test_a_rejected_one_takes_its_likes_along_and_accepted_ones_stay() -> None:
    image = ground()
    discs = np.array([disc(image, x, y) for x, y in PLACES[:3]], np.float64)
    squares = np.array([(x - 17, y - 17, x + 17, y + 17) for x, y in PLACES[3:]], np.float64)
    for x1, y1, x2, y2 in squares.astype(int).tolist():
        cv2.rectangle(image, (x1, y1), (x2, y2), (40, 60, 190), -1)
    look, _, alike = found(image, discs[:1])
    assert hits(alike, squares) == [True] * 3
    again = look.propose(look.learn(discs[:2], squares[:1]))
    assert hits(again, squares) == [False] * 3
    assert hits(again, discs) == [True] * 3


def test_to_fit_again_the_image_is_not_looked_at_again(monkeypatch: pytest.MonkeyPatch) -> None:
    image = ground()
    boxes = np.array([disc(image, x, y) for x, y in PLACES], np.float64)
    look, _, first = found(image, boxes[:1])
    monkeypatch.setattr(Channels, "__init__", lambda *_args: pytest.fail("looked again"))
    monkeypatch.setattr(Channels, "cells", lambda *_args: pytest.fail("searched again"))
    again = look.propose(look.learn(boxes[:3], NOTHING))
    assert hits(again, boxes) == hits(first, boxes) == [True] * 6


def test_what_was_learnt_on_one_image_finds_on_another() -> None:
    one, other = ground(), ground()[::-1].copy()
    example = np.array([disc(one, 100, 100)], np.float64)
    boxes = np.array([disc(other, x, y) for x, y in PLACES], np.float64)
    lesson = Look(one, 36).learn(example, NOTHING)
    look = Look(other, 36)
    look.search(lesson, examples=NOTHING)
    alike = look.propose(lesson)
    assert hits(alike, boxes) == [True] * 6
    assert len(alike.boxes) == 6


@pytest.mark.parametrize("turn", range(8))
def test_a_turned_description_is_that_of_the_turned_image(turn: int) -> None:
    image = np.ascontiguousarray(np.full((60, 60, 3), 100, np.uint8))
    arrow(image, 30, 30)
    cv2.circle(image, (20, 40), 5, (30, 30, 200), -1)
    flipped = image[:, ::-1] if turn >= 4 else image
    whole = np.array([(10.0, 10.0, 50.0, 50.0)])
    seen = Channels(np.ascontiguousarray(np.rot90(flipped, turn % 4)), 40.0).describe(whole)
    assert turned(Channels(image, 40.0).describe(whole), turn) == pytest.approx(seen, abs=0.05)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Two images of six discs each, one of which is labelled; two classes."""
    folder = tmp_path / "images"
    folder.mkdir()
    for number in range(2):
        image = ground()
        boxes = [disc(image, x, y) for x, y in PLACES]
        cv2.imwrite(str(folder / f"{number}.png"), image[..., ::-1])
    (folder / "2.png").write_bytes(b"no image")
    with Project.create(
        tmp_path / "p.reticle", image_root=folder, image_paths=["0.png", "1.png", "2.png"]
    ) as made:
        for name in ("disc", "other"):
            made.edit(add_class, name)
        x1, y1, x2, y2 = boxes[0]
        label = Box(
            id=0, image_id=made.image_ids()[0], class_id=made.classes()[0].id, x1=x1, y1=y1, x2=x2, y2=y2
        )
        made.edit(add_boxes, [label])
        yield made


def test_labels_of_the_class_are_examples_and_verdicts_say_what_is_not_meant(project: Project) -> None:
    first = project.image_ids()[0]
    class_id = project.classes()[0].id
    search = Search(project, class_id)
    dets = search.on_image(first, frozenset())
    assert len(dets) == 5
    assert set(dets.labels.tolist()) == {class_id}
    assert dets.scores.min() >= 0.5
    x1, y1, x2, y2 = dets.boxes[-1].tolist()
    verdict = Verdict(
        id=0,
        image_id=first,
        run=SOURCE,
        kind=VerdictKind.MODEL_WRONG,
        class_id=class_id,
        x1=x1,
        y1=y1,
        x2=x2,
        y2=y2,
    )
    project.edit(add_verdicts, [verdict])
    assert search.on_image(first, frozenset()).scores.max() < dets.scores.max()
    project.undo()
    assert search.on_image(first, frozenset()).scores.tolist() == dets.scores.tolist()


def test_without_an_example_nothing_is_found(project: Project) -> None:
    first = project.image_ids()[0]
    search = Search(project, project.classes()[0].id)
    assert len(search.on_image(first, {box.id for box in project.boxes(first)})) == 0


def test_images_that_follow_are_searched_and_those_that_cannot_be_read_are_told(project: Project) -> None:
    first, second, broken = project.image_ids()
    class_id = project.classes()[0].id
    result = search_images(
        [(Search(project, class_id), ())], first, [second, broken], lambda _done, _total: True
    )
    assert {key: len(dets) for key, dets in result.found.items()} == {
        (class_id, first): 5,
        (class_id, second): 6,
    }
    assert result.unread == [broken]


def test_a_cancelled_search_keeps_what_it_has_found(project: Project) -> None:
    first, second, broken = project.image_ids()
    class_id = project.classes()[0].id
    result = search_images(
        [(Search(project, class_id), ())], first, [second, broken], lambda done, _total: done < 1
    )
    assert list(result.found) == [(class_id, first), (class_id, second)]
    assert result.unread == []
