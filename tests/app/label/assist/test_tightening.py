"""Loose boxes made to fit on the Label page, by keys and mouse."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from app.label.page import LabelPage
from detcore.project.edits import add_boxes, delete_boxes
from detcore.project.project import Project
from detcore.project.runs import create_run, save_detections
from detcore.types import Box, Detections, Origin
from tests.app.held_keys import WAYS

LEFT, NONE, CTRL = (
    Qt.MouseButton.LeftButton,
    Qt.KeyboardModifier.NoModifier,
    Qt.KeyboardModifier.ControlModifier,
)
C, ESC, ENTER = Qt.Key.Key_C, Qt.Key.Key_Escape, Qt.Key.Key_Return
LOOSE, DISC = (33.0, 34.0, 88.0, 87.0), (40.0, 40.0, 81.0, 81.0)
"""A box around the disc of the third image, and the pixels that the disc has."""


@pytest.fixture
def loose(qtbot: QtBot, page: LabelPage, project: Project) -> LabelPage:
    """The third image with one loose box, which is selected."""
    third = project.image_ids()[2]
    page.context.view.show_image(third)
    qtbot.waitUntil(lambda: page.viewer.is_showing, timeout=5000)
    add(page, LOOSE)
    page.canvas.setFocus()
    qtbot.waitUntil(page.canvas.hasFocus)
    return page


def add(page: LabelPage, *edges: tuple[float, float, float, float]) -> None:
    """More boxes; all of them are selected."""
    document, image_id = page.context.document, page.context.view.image_id
    class_id = document.project.classes()[0].id
    boxes = [Box(id=0, image_id=image_id, class_id=class_id, x1=a, y1=b, x2=c, y2=d) for a, b, c, d in edges]
    document.edit(add_boxes, boxes)
    page.context.view.select(frozenset(box.id for box in document.project.boxes(image_id)))


def edges(page: LabelPage) -> list[tuple[float, ...]]:
    return [box.xyxy for box in page.context.document.project.boxes(page.context.view.image_id)]


def ghosts(page: LabelPage) -> list[list[float]]:
    return page.canvas.ghosts().boxes.tolist()


def key(page: LabelPage, which: Qt.Key, modifier: Qt.KeyboardModifier = NONE) -> None:
    QTest.keyClick(page.canvas, which, modifier)
    QApplication.processEvents()


def ask(qtbot: QtBot, page: LabelPage) -> None:
    """Press the key and wait for what it shows."""
    key(page, C)
    qtbot.waitUntil(lambda: bool(ghosts(page)), timeout=5000)


@pytest.mark.parametrize("answer", [ENTER, C], ids=["enter", "the key again"])
def test_it_is_seen_first_and_taken_in_one_step(qtbot: QtBot, loose: LabelPage, answer: Qt.Key) -> None:
    ask(qtbot, loose)
    assert edges(loose) == [LOOSE]
    assert ghosts(loose) == [pytest.approx(DISC, abs=2.0)]
    shown = tuple(ghosts(loose)[0])
    key(loose, answer)
    assert edges(loose) == [shown]
    assert ghosts(loose) == []
    assert loose.context.document.project.undo_text == "Tighten box"
    key(loose, Qt.Key.Key_Z, CTRL)
    assert edges(loose) == [LOOSE]


def test_esc_leaves_it_as_it_was_and_selected(qtbot: QtBot, loose: LabelPage) -> None:
    selected = loose.context.view.selection
    ask(qtbot, loose)
    key(loose, ESC)
    assert (edges(loose), ghosts(loose), loose.context.view.selection) == ([LOOSE], [], selected)


@pytest.mark.parametrize(
    "other", [Qt.Key.Key_2, Qt.Key.Key_D, Qt.Key.Key_H, Qt.Key.Key_Right, Qt.Key.Key_Delete]
)
def test_whatever_else_is_done_drops_it(qtbot: QtBot, loose: LabelPage, other: Qt.Key) -> None:
    ask(qtbot, loose)
    key(loose, other)
    assert ghosts(loose) == []


def test_a_press_on_the_image_drops_it_and_zooming_does_not(qtbot: QtBot, loose: LabelPage) -> None:
    ask(qtbot, loose)
    loose.context.actions["label.zoom_in"].trigger()
    assert ghosts(loose)
    QTest.mouseClick(loose.canvas.viewport(), LEFT, NONE, loose.canvas.mapFromScene(QPointF(60, 60)))
    assert (ghosts(loose), edges(loose)) == ([], [LOOSE])


@pytest.mark.parametrize("hold", WAYS)
def test_a_held_key_asks_once_and_takes_nothing(
    qtbot: QtBot, loose: LabelPage, hold: Callable[[QWidget, Qt.Key, Qt.KeyboardModifier], None]
) -> None:
    hold(loose.canvas, C, NONE)
    qtbot.waitUntil(lambda: bool(ghosts(loose)), timeout=5000)
    assert edges(loose) == [LOOSE]
    hold(loose.canvas, ENTER, NONE)
    assert edges(loose) == [pytest.approx(DISC, abs=2.0)]
    assert not QApplication.activePopupWidget()


def test_several_boxes_are_one_step_and_those_that_stay_are_told_of(qtbot: QtBot, loose: LabelPage) -> None:
    add(loose, (36, 36, 84, 85), (120, 90, 124, 94))
    ask(qtbot, loose)
    assert len(ghosts(loose)) == 2
    assert loose.context.messages.history[-1].text.startswith("1 box of 3 stay as drawn")
    key(loose, ENTER)
    assert edges(loose)[:2] == [pytest.approx(DISC, abs=2.0)] * 2
    assert edges(loose)[2] == (120, 90, 124, 94)
    assert loose.context.document.project.undo_text == "Tighten 2 boxes"
    key(loose, Qt.Key.Key_Z, CTRL)
    assert edges(loose) == [LOOSE, (36, 36, 84, 85), (120, 90, 124, 94)]


def test_where_nothing_is_clear_the_box_stays_and_that_is_said(qtbot: QtBot, loose: LabelPage) -> None:
    loose.context.document.edit(delete_boxes, loose.context.view.selection)
    add(loose, (110, 70, 150, 110))
    before = len(loose.context.messages.history)
    key(loose, C)
    qtbot.waitUntil(lambda: len(loose.context.messages.history) > before, timeout=5000)
    assert loose.context.messages.history[-1].text.startswith("The box stays as it was: ")
    assert (ghosts(loose), edges(loose)) == ([], [(110, 70, 150, 110)])


def test_hidden_boxes_are_not_tightened(loose: LabelPage) -> None:
    key(loose, Qt.Key.Key_H)
    assert not loose.context.actions["label.tighten"].isEnabled()


def settle(qtbot: QtBot, page: LabelPage) -> None:
    """Until what was begun in the pool is delivered: what was begun before it is done by then."""
    done: list[bool] = []
    page.context.tasks.run(lambda: True, done=done.append, failed=lambda error: None)
    qtbot.waitUntil(lambda: bool(done), timeout=5000)


def test_another_image_meanwhile_shows_nothing_there(
    qtbot: QtBot, loose: LabelPage, project: Project
) -> None:
    key(loose, C)
    key(loose, Qt.Key.Key_D)
    settle(qtbot, loose)
    assert loose.context.view.image_id == project.image_ids()[3]
    assert ghosts(loose) == []


def test_a_box_that_is_deleted_meanwhile_has_no_ghost(qtbot: QtBot, loose: LabelPage) -> None:
    key(loose, C)
    key(loose, Qt.Key.Key_Delete)
    settle(qtbot, loose)
    assert (ghosts(loose), edges(loose)) == ([], [])
    key(loose, ENTER)
    assert edges(loose) == []


def test_an_image_whose_file_is_gone_is_told_of(qtbot: QtBot, loose: LabelPage, image_folder: Path) -> None:
    (image_folder / "img_2.jpg").unlink()
    key(loose, C)
    qtbot.waitUntil(lambda: bool(loose.context.messages.history), timeout=5000)
    assert loose.context.messages.history[-1].text.startswith("Could not make the boxes fit: ")


@pytest.fixture
def proposing(qtbot: QtBot, loose: LabelPage, project: Project) -> LabelPage:
    """A run has found the disc elsewhere than the pixels say, and something beside it."""
    third, cell = loose.context.view.image_id, project.classes()[0].id
    run = create_run(project, "reticle-s")
    dets = Detections(
        image_ids=np.array([third, third]),
        labels=np.array([cell, cell]),
        boxes=np.array([[30, 30, 84, 84], [110, 10, 150, 50]], np.float64),
        scores=np.array([0.9, 0.8]),
    )
    save_detections(run, dets, image_ids=[third])
    loose.context.document.announce_run(run.path)
    qtbot.waitUntil(lambda: loose.proposals.has_seen, timeout=5000)
    loose.proposals.choose_threshold(0.5)
    return loose


def test_what_a_run_has_found_decides_before_the_pixels(qtbot: QtBot, proposing: LabelPage) -> None:
    ask(qtbot, proposing)
    assert ghosts(proposing) == [pytest.approx((30, 30, 84, 84), abs=1.0)]


def test_a_selected_proposal_is_accepted_with_the_edges_that_are_taken(
    qtbot: QtBot, page: LabelPage, project: Project
) -> None:
    third, cell = project.image_ids()[2], project.classes()[0].id
    page.context.view.show_image(third)
    qtbot.waitUntil(lambda: page.viewer.is_showing, timeout=5000)
    page.proposals.propose_also(
        "similar",
        Detections(
            image_ids=np.array([third]),
            labels=np.array([cell]),
            boxes=np.array([LOOSE]),
            scores=np.array([0.6]),
        ),
    )
    page.canvas.setFocus()
    key(page, Qt.Key.Key_Tab)
    ask(qtbot, page)
    assert edges(page) == []
    key(page, ENTER)
    (made,) = project.boxes(third)
    assert made.xyxy == pytest.approx(DISC, abs=2.0)
    assert (made.origin, made.run) == (Origin.MODEL, "similar")
