"""The simulated user of the benchmark of effort at the real window: what it takes, and what comes out."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from detcore.project.project import Project
from detcore.project.runs import create_run, save_detections
from detcore.types import Detections
from tests.benchmarks.effort import label_all
from tests.benchmarks.effort_sets import Boxes, Truth, ap50, make_project
from tests.benchmarks.effort_user import Effort

CLASSES = ("cell", "platelet", "blob")
A = ("cell", (10, 10, 40, 40))
B = ("platelet", (60, 20, 90, 60))
C = ("cell", (100, 70, 140, 110))
D = ("blob", (100, 70, 140, 110))


def painted(folder: Path, contents: list[list[tuple[str, tuple[int, int, int, int]]]]) -> Truth:
    """Images of 160 × 120 with a rectangle for each box."""
    folder.mkdir()
    images: list[tuple[Path, Boxes]] = []
    for number, boxes in enumerate(contents):
        pixels = np.full((120, 160, 3), 40, np.uint8)
        for _, (x1, y1, x2, y2) in boxes:
            pixels[y1:y2, x1:x2] = 200
        path = folder / f"{number}.png"
        cv2.imwrite(str(path), pixels)
        images.append((path, boxes))
    return Truth(classes=CLASSES, images=images)


def test_by_hand_each_object_is_a_drag(qapp: QApplication, qtbot: QtBot, tmp_path: Path) -> None:
    truth = painted(tmp_path / "painted", [[A, B, C], [A, B], []])
    efforts, labelled = label_all(qapp, make_project(truth, tmp_path / "work"), truth, "manual")
    assert efforts == [
        # W, and the key of the platelets after the cells; Space
        Effort(drags=3, keys=3, images=1, boxes=3),
        # the platelet first, then the key of the cells; Space
        Effort(drags=2, keys=2, images=1, boxes=2),
        Effort(keys=1, images=1),
    ]
    for (_, boxes), made in zip(truth.images, labelled, strict=True):
        assert sorted(name for name, _ in made) == sorted(name for name, _ in boxes)
        # an image pixel is five on the screen
        found = sorted(xyxy for _, xyxy in made)
        assert np.array(found) == pytest.approx(np.array(sorted(xyxy for _, xyxy in boxes)), abs=0.15)


def test_with_proposals_right_ones_are_one_key_and_others_what_it_takes_to_mend_them(
    qapp: QApplication, qtbot: QtBot, tmp_path: Path
) -> None:
    wrong = [("blob", (10 + 40 * number, 80, 35 + 40 * number, 110)) for number in range(3)]
    images = [
        # what is there, what is proposed, and what that takes
        ([A, B], [A, B], Effort(keys=1 + 1, boxes=2)),  # W at first
        ([A, B], [A, B, D], Effort(points=1, keys=2, boxes=3)),  # a wrong one
        ([A], [A, *wrong], Effort(clicks=1, keys=1, boxes=4)),  # most are wrong; with the slider no less
        ([A, B], [A], Effort(drags=1, keys=2, boxes=2)),  # a missed one, of another class than in use
        ([A, B], [A, ("platelet", (60, 20, 90, 44))], Effort(drags=1, keys=1, boxes=2)),  # IoU 0.6
        ([A, B, C], [A, B, ("cell", (100, 70, 140, 88))], Effort(clicks=1, drags=1, keys=1, boxes=3)),  # 0.45
        ([A, D], [A, ("cell", (100, 70, 140, 110))], Effort(clicks=1, keys=2, boxes=2)),  # another class
    ]
    truth = painted(tmp_path / "painted", [boxes for boxes, _, _ in images])
    path = make_project(truth, tmp_path / "work")
    propose(path, [proposed for _, proposed, _ in images])
    efforts, labelled = label_all(qapp, path, truth, "manual")
    assert efforts == [effort + Effort(images=1) for _, _, effort in images]
    assert ap50(labelled, [boxes for _, boxes in truth.images], CLASSES) == 1.0


def test_the_slider_is_dragged_where_that_saves_more_than_it_takes(
    qapp: QApplication, qtbot: QtBot, tmp_path: Path
) -> None:
    wrong = [("blob", (10 + 50 * number, 80, 50 + 50 * number, 110)) for number in range(3)]
    truth = painted(tmp_path / "painted", [[A, B], [A, B]])
    # scores fall from 0.95 to 0.6 in this order, and are shown from 0.5 on
    proposed = [[A, B, *wrong], [A, B]]
    path = make_project(truth, tmp_path / "work")
    propose(path, proposed)
    efforts, _ = label_all(qapp, path, truth, "manual")
    assert efforts == [
        # W; up beyond those that are wrong, and G: two clicks and Space would be one more
        Effort(drags=1, keys=2, images=1, boxes=2),
        # down again, and G: else two drags, the key of the platelets and Space
        Effort(drags=1, keys=1, images=1, boxes=2),
    ]
    path = make_project(truth, tmp_path / "without")
    propose(path, proposed)
    efforts, _ = label_all(qapp, path, truth, "manual", slides=False)
    assert efforts == [
        Effort(clicks=2, keys=2, images=1, boxes=5),
        Effort(keys=1, images=1, boxes=2),
    ]


def propose(path: Path, proposed: list[list[tuple[str, tuple[int, int, int, int]]]]) -> None:
    """A run that has found these on the images."""
    with Project.open(path) as project:
        class_ids = {item.name: item.id for item in project.classes()}
        rows = [
            (image_id, class_ids[name], xyxy)
            for image_id, boxes in zip(project.image_ids(), proposed, strict=True)
            for name, xyxy in boxes
        ]
        dets = Detections(
            image_ids=np.array([row[0] for row in rows], np.int64),
            labels=np.array([row[1] for row in rows], np.int64),
            boxes=np.array([row[2] for row in rows], np.float64),
            scores=np.linspace(0.95, 0.6, len(rows)),
        )
        save_detections(create_run(project, "reticle-s"), dets, image_ids=project.image_ids())


def test_what_is_labelled_wrongly_shows_in_the_figure() -> None:
    true: list[Boxes] = [[A, B], [C]]
    assert ap50(true, true, CLASSES) == 1.0
    # one of two cells is missing: precision is 1 up to a recall of a half, so 51 of 101 points; the platelet has all
    assert ap50([[A, B], []], true, CLASSES) == pytest.approx((51 / 101 + 1) / 2)
