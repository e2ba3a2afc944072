"""Labels that go from frame to frame on the Label page, by keys."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.label.page import LabelPage
from app.services.tasks import Task
from detcore.project.edits import (
    add_boxes,
    add_class,
    delete_boxes,
    delete_class,
    remove_images,
    update_boxes,
)
from detcore.project.project import Project
from detcore.types import Box, Origin, Status

FRAMES, STEP = 8, 6
NONE = Qt.KeyboardModifier.NoModifier
Edges = tuple[float, float, float, float]


def places(frame: int) -> list[Edges]:
    """Of the two things: one goes to the right, one goes down."""
    right, down = 20.0 + STEP * frame, 20.0 + 4.0 * frame
    return [(right, 60.0, right + 30, 90.0), (110.0, down, 140.0, down + 24)]


def noise(seed: int, width: int, height: int, depth: float) -> np.ndarray:
    random = np.random.default_rng(seed)
    small = random.normal(128.0, depth, (height // 4, width // 4, 3))
    return np.clip(cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC), 0, 255).astype(np.uint8)


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """Eight frames, on the first of which two things are labelled, and a picture of something else that is called like
    the ninth."""
    folder = tmp_path / "clip"
    folder.mkdir()
    ground, things = noise(0, 160, 120, 20.0), (noise(1, 30, 30, 60.0), noise(2, 30, 24, 60.0))
    for frame in range(FRAMES):
        image = ground.copy()
        for thing, edges in zip(things, places(frame), strict=True):
            x1, y1, x2, y2 = (int(edge) for edge in edges)
            image[y1:y2, x1:x2] = thing
        cv2.imwrite(str(folder / f"shot_{frame:02}.png"), image)
    cv2.imwrite(str(folder / f"shot_{FRAMES:02}.png"), noise(3, 160, 120, 40.0))
    paths = sorted(path.name for path in folder.iterdir())
    with Project.create(tmp_path / "clip.reticle", image_root=folder, image_paths=paths) as project:
        for name in ("car", "tree"):
            project.edit(add_class, name)
        label(project, 0)
        yield project


def label(project: Project, frame: int) -> None:
    """What is there, as a person would."""
    classes = [item.id for item in project.classes()]
    image_id = project.image_ids()[frame]
    boxes = [
        Box(id=0, image_id=image_id, class_id=class_id, x1=x1, y1=y1, x2=x2, y2=y2)
        for class_id, (x1, y1, x2, y2) in zip(classes, places(frame), strict=True)
    ]
    project.edit(add_boxes, boxes)


@pytest.fixture
def page(qtbot: QtBot, empty_page: LabelPage, project: Project) -> LabelPage:
    """The first frame is shown, and labels are carried."""
    empty_page.context.actions["label.follow_sequences"].setChecked(True)
    empty_page.context.document.open(project)
    qtbot.waitUntil(lambda: empty_page.viewer.is_showing, timeout=5000)
    qtbot.waitUntil(lambda: empty_page.sequences.place(project.image_ids()[0]) is not None)
    empty_page.entered()
    empty_page.canvas.setFocus()
    qtbot.waitUntil(empty_page.canvas.hasFocus)
    return empty_page


def key(page: LabelPage, which: Qt.Key, modifier: Qt.KeyboardModifier = NONE) -> None:
    QTest.keyClick(page.canvas, which, modifier)
    QApplication.processEvents()


def proposed(page: LabelPage) -> list[Edges]:
    """Those on the current image, from left to right."""
    proposer = page.proposals.proposer
    boxes = [] if proposer is None else proposer.found.detections.boxes[page.proposals.rows].tolist()
    return sorted(tuple(box) for box in boxes)


def wait_for(qtbot: QtBot, page: LabelPage, count: int) -> None:
    qtbot.waitUntil(lambda: page.viewer.is_showing and len(proposed(page)) == count, timeout=5000)


def settle(qtbot: QtBot, page: LabelPage) -> None:
    """Until nothing is being worked out any more."""
    qtbot.waitUntil(lambda: page.viewer.is_showing and not page.sequences.is_busy, timeout=5000)


def said(page: LabelPage) -> str:
    history = page.context.messages.history
    return history[-1].text if history else ""


def near(edges: list[Edges]) -> list[object]:
    return [pytest.approx(one, abs=1.0) for one in edges]


def test_labels_of_a_frame_lie_on_the_next_one(qtbot: QtBot, page: LabelPage, project: Project) -> None:
    assert proposed(page) == []
    key(page, Qt.Key.Key_D)
    wait_for(qtbot, page, 2)
    assert proposed(page) == near(places(1))
    assert page.proposal_bar.isVisible()
    assert project.boxes(project.image_ids()[1]) == []
    key(page, Qt.Key.Key_D)  # nothing is labelled on the one before
    settle(qtbot, page)
    assert proposed(page) == []


def test_one_key_a_frame_goes_through_the_sequence_to_its_end(
    qtbot: QtBot, page: LabelPage, project: Project
) -> None:
    ids = project.image_ids()
    key(page, Qt.Key.Key_D)
    for frame in range(1, FRAMES):
        wait_for(qtbot, page, 2)
        key(page, Qt.Key.Key_G)
        boxes = project.boxes(ids[frame])
        assert sorted(box.xyxy for box in boxes) == near(places(frame))
        assert {(box.origin, box.run) for box in boxes} == {(Origin.MODEL, "sequence")}
        assert project.image(ids[frame]).status is Status.VERIFIED
    assert page.context.view.image_id == ids[FRAMES]
    settle(qtbot, page)
    assert proposed(page) == []  # it shows something else


def test_undo_takes_the_labels_back_and_they_are_proposed_again(
    qtbot: QtBot, page: LabelPage, project: Project
) -> None:
    key(page, Qt.Key.Key_D)
    wait_for(qtbot, page, 2)
    key(page, Qt.Key.Key_G)
    page.context.document.undo()
    assert project.boxes(project.image_ids()[1]) == []
    page.context.view.show_image(project.image_ids()[1])
    wait_for(qtbot, page, 2)


def test_what_is_left_stays_proposed_when_one_is_accepted_also_after_a_look_elsewhere(
    qtbot: QtBot, page: LabelPage
) -> None:
    key(page, Qt.Key.Key_D)
    wait_for(qtbot, page, 2)
    key(page, Qt.Key.Key_Tab)
    key(page, Qt.Key.Key_Q)
    assert len(proposed(page)) == 1
    key(page, Qt.Key.Key_A)
    key(page, Qt.Key.Key_D)
    wait_for(qtbot, page, 1)


def test_what_is_rejected_is_not_proposed_on_that_frame_again(qtbot: QtBot, page: LabelPage) -> None:
    key(page, Qt.Key.Key_D)
    wait_for(qtbot, page, 2)
    key(page, Qt.Key.Key_Tab)
    key(page, Qt.Key.Key_X)
    assert len(proposed(page)) == 1
    key(page, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert len(proposed(page)) == 2


def test_turned_off_nothing_is_carried_and_it_is_remembered(qtbot: QtBot, page: LabelPage) -> None:
    key(page, Qt.Key.Key_D)
    wait_for(qtbot, page, 2)
    action = next(
        action
        for action in page.proposal_bar.more.menu().actions()
        if action.text() == "Carry boxes along sequences"
    )
    assert action.isChecked()
    action.trigger()
    assert proposed(page) == []
    assert not page.context.settings.follow_sequences
    action.trigger()
    wait_for(qtbot, page, 2)


def test_labels_that_change_on_the_frame_before_change_what_is_proposed(
    qtbot: QtBot, page: LabelPage, project: Project
) -> None:
    first, second = project.image_ids()[:2]
    key(page, Qt.Key.Key_D)
    wait_for(qtbot, page, 2)
    car, tree = project.boxes(first)
    page.context.document.edit(delete_boxes, [tree.id])
    wait_for(qtbot, page, 1)
    assert proposed(page) == near(places(1)[:1])
    wider = Box(**{**{name: getattr(car, name) for name in car.__slots__}, "x1": car.x1 - 10})
    page.context.document.edit(update_boxes, [wider])
    x1, y1, x2, y2 = places(1)[0]
    qtbot.waitUntil(lambda: proposed(page) == near([(x1 - 10, y1, x2, y2)]), timeout=5000)
    page.context.document.edit(delete_boxes, [car.id])
    wait_for(qtbot, page, 0)
    for _ in range(3):
        page.context.document.undo()
    wait_for(qtbot, page, 2)
    assert page.context.view.image_id == second


def test_a_class_that_is_deleted_is_proposed_no_more(qtbot: QtBot, page: LabelPage, project: Project) -> None:
    key(page, Qt.Key.Key_D)
    wait_for(qtbot, page, 2)
    page.context.document.edit(delete_class, project.classes()[0].id, delete_boxes=True)
    wait_for(qtbot, page, 1)
    assert proposed(page) == near(places(1)[1:])
    page.context.document.undo()
    wait_for(qtbot, page, 2)


def test_nothing_is_carried_to_an_image_that_was_labelled_or_verified(
    qtbot: QtBot, page: LabelPage, project: Project
) -> None:
    ids = project.image_ids()
    x = Box(id=0, image_id=ids[1], class_id=project.classes()[0].id, x1=1, y1=1, x2=9, y2=9)
    page.context.document.edit(add_boxes, [x])
    key(page, Qt.Key.Key_D)
    settle(qtbot, page)
    assert proposed(page) == []
    page.context.document.undo()
    wait_for(qtbot, page, 2)
    key(page, Qt.Key.Key_Space, Qt.KeyboardModifier.ShiftModifier)
    assert proposed(page) == []


def test_one_key_too_many_leaves_nothing_of_the_image_before(qtbot: QtBot, page: LabelPage) -> None:
    for which in (Qt.Key.Key_D, Qt.Key.Key_D, Qt.Key.Key_A, Qt.Key.Key_D):
        key(page, which)
    settle(qtbot, page)
    assert proposed(page) == []
    key(page, Qt.Key.Key_A)
    wait_for(qtbot, page, 2)
    assert proposed(page) == near(places(1))


def test_an_image_that_cannot_be_read_ends_it_quietly(
    qtbot: QtBot, page: LabelPage, project: Project
) -> None:
    (project.image_root / "shot_00.png").write_bytes(b"no picture")
    key(page, Qt.Key.Key_D)
    settle(qtbot, page)
    assert proposed(page) == []
    assert said(page) == ""


def test_images_that_leave_the_project_leave_the_sequence(
    qtbot: QtBot, page: LabelPage, project: Project
) -> None:
    ids = project.image_ids()
    page.context.document.edit(remove_images, ids[1:2])
    qtbot.waitUntil(lambda: page.sequences.place(ids[1]) is None, timeout=5000)
    page.context.view.show_image(ids[2])
    wait_for(qtbot, page, 2)
    assert proposed(page) == near(places(2))


def test_between_two_labelled_frames_all_are_filled_at_once(
    qtbot: QtBot, page: LabelPage, project: Project
) -> None:
    label(project, 6)
    page.context.view.show_image(project.image_ids()[3])
    page.context.actions["label.interpolate"].trigger()
    wait_for(qtbot, page, 2)
    assert said(page) == "5 images have proposals now, between shot_00.png and shot_06.png."
    page.context.view.show_image(project.image_ids()[1])
    for frame in range(1, 6):
        wait_for(qtbot, page, 2)
        assert proposed(page) == near(places(frame))
        key(page, Qt.Key.Key_G)
    assert [len(project.boxes(image_id)) for image_id in project.image_ids()] == [2] * 7 + [0, 0]


def test_what_was_filled_goes_when_one_of_the_two_frames_changes(
    qtbot: QtBot, page: LabelPage, project: Project
) -> None:
    ids = project.image_ids()
    label(project, 6)
    page.context.view.show_image(ids[3])
    page.context.actions["label.interpolate"].trigger()
    wait_for(qtbot, page, 2)
    page.context.document.edit(delete_boxes, [project.boxes(ids[6])[0].id])
    assert proposed(page) == []


def test_what_is_missing_for_filling_is_said(qtbot: QtBot, page: LabelPage, project: Project) -> None:
    fill = page.context.actions["label.interpolate"]
    fill.trigger()
    assert said(page).startswith("Label the same objects on a frame before this one and on one after it")
    other = Box(
        id=0, image_id=project.image_ids()[4], class_id=project.classes()[1].id, x1=1, y1=1, x2=9, y2=9
    )
    page.context.document.edit(add_boxes, [other])
    page.context.document.edit(delete_boxes, [project.boxes(project.image_ids()[0])[1].id])
    fill.trigger()
    qtbot.waitUntil(
        lambda: "No object of shot_00.png was found again on shot_04.png" in said(page), timeout=5000
    )
    page.context.document.edit(remove_images, project.image_ids()[4:])
    qtbot.waitUntil(lambda: page.sequences.place(project.image_ids()[0]) is None, timeout=5000)
    fill.trigger()
    assert said(page).startswith("This image is in no sequence")


def test_filling_that_is_cancelled_or_overtaken_proposes_nothing_and_says_so(
    qtbot: QtBot, page: LabelPage, project: Project
) -> None:
    label(project, 6)
    ids, tasks = project.image_ids(), page.context.tasks
    page.context.view.show_image(ids[3])
    tasks.started.connect(Task.cancel)
    page.context.actions["label.interpolate"].trigger()
    qtbot.waitUntil(lambda: said(page).startswith("Cancelled."), timeout=5000)
    tasks.started.disconnect(Task.cancel)
    page.context.actions["label.interpolate"].trigger()
    page.context.document.edit(delete_boxes, [project.boxes(ids[6])[0].id])
    qtbot.waitUntil(lambda: "were changed meanwhile" in said(page), timeout=5000)
    assert proposed(page) == []


def test_frames_that_cannot_be_read_or_have_another_size_are_left_out_of_filling(
    qtbot: QtBot, page: LabelPage, project: Project
) -> None:
    label(project, 6)
    (project.image_root / "shot_02.png").write_bytes(b"no picture")
    cv2.imwrite(str(project.image_root / "shot_04.png"), noise(4, 80, 60, 40.0))
    page.context.view.show_image(project.image_ids()[3])
    page.context.actions["label.interpolate"].trigger()
    wait_for(qtbot, page, 2)
    assert proposed(page) == near(places(3))
    assert said(page).startswith("3 images have proposals now")
