"""Classes that are suggested for a box that was just drawn."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.label.page import LabelPage
from app.label.widgets.class_chips import Chip
from detcore.project.edits import add_boxes
from detcore.project.project import Project
from detcore.project.runs import create_run, save_detections
from detcore.types import Box, Detections

LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
Edges = tuple[float, float, float, float]
ON_THIRD: tuple[tuple[int, Edges, float], ...] = (
    (0, (10, 10, 50, 50), 0.03),
    (1, (10, 10, 50, 50), 0.09),
    (1, (90, 60, 150, 110), 0.3),
    (0, (60, 10, 80, 30), 0.2),
)
"""Class, edges and score of what a run has found on the third image, all too unsure to be proposed."""


@pytest.fixture
def drawing(qtbot: QtBot, page: LabelPage, project: Project) -> LabelPage:
    """The third image, looked at by a run, with the drawing tool and the first class."""
    third, class_ids = project.image_ids()[2], [item.id for item in project.classes()]
    run = create_run(project, "reticle-s")
    dets = Detections(
        image_ids=np.full(len(ON_THIRD), third, np.int64),
        labels=np.array([class_ids[row] for row, _, _ in ON_THIRD], np.int64),
        boxes=np.array([edges for _, edges, _ in ON_THIRD], np.float64),
        scores=np.array([score for _, _, score in ON_THIRD], np.float64),
    )
    save_detections(run, dets, image_ids=[third])
    page.context.document.announce_run(run.path)
    page.context.view.show_image(third)
    qtbot.waitUntil(lambda: page.viewer.is_showing and page.proposals.has_seen, timeout=5000)
    page.proposals.choose_threshold(0.9)
    page.context.actions["label.draw_tool"].trigger()
    page.canvas.setFocus()
    qtbot.waitUntil(page.canvas.hasFocus)
    return page


def draw(page: LabelPage, edges: Edges) -> None:
    viewport = page.canvas.viewport()
    start, end = (page.canvas.mapFromScene(QPointF(*place)) for place in (edges[:2], edges[2:]))
    QTest.mousePress(viewport, LEFT, NONE, start)
    QTest.mouseMove(viewport, (start + end) / 2)
    QTest.mouseMove(viewport, end)
    QTest.mouseRelease(viewport, LEFT, NONE, end)
    QApplication.processEvents()


def texts(page: LabelPage) -> list[str]:
    chips = page.suggesting.chips
    return [button.text() for button in chips.buttons] if chips.isVisible() else []


def classes(page: LabelPage) -> list[str]:
    project = page.context.document.project
    names = {item.id: item.name for item in project.classes()}
    return [names[box.class_id] for box in project.boxes(page.context.view.image_id)]


def test_the_probable_classes_stand_beside_the_box_with_their_keys(drawing: LabelPage) -> None:
    draw(drawing, (10, 10, 50, 50))
    assert texts(drawing) == ["2 platelet 75 %", "1 cell 25 %"]
    assert classes(drawing) == ["cell"]


def test_the_number_key_gives_the_class_and_ends_it(drawing: LabelPage) -> None:
    draw(drawing, (10, 10, 50, 50))
    QTest.keyClick(drawing.canvas, Qt.Key.Key_2)
    assert (classes(drawing), texts(drawing)) == (["platelet"], [])
    drawing.context.document.undo()
    assert classes(drawing) == ["cell"]


def test_a_click_gives_the_class_and_leaves_the_keyboard_with_the_image(drawing: LabelPage) -> None:
    draw(drawing, (10, 10, 50, 50))
    QTest.mouseClick(drawing.suggesting.chips.buttons[0], LEFT)
    assert (classes(drawing), texts(drawing)) == (["platelet"], [])
    assert drawing.canvas.hasFocus()


def test_a_sure_guess_against_what_was_drawn_stands_out_and_changes_nothing(drawing: LabelPage) -> None:
    draw(drawing, (90, 60, 150, 110))
    (chip,) = drawing.suggesting.chips.buttons
    assert (chip.text(), chip.property("role")) == ("2 platelet 100 %", "doubt")
    assert classes(drawing) == ["cell"]
    draw(drawing, (10, 10, 50, 50))
    assert [chip.property("role") for chip in drawing.suggesting.chips.buttons] == ["chip", "chip"]


@pytest.mark.parametrize("edges", [(60, 10, 80, 30), (20, 80, 60, 110)], ids=["as drawn", "nothing found"])
def test_nothing_is_said_where_there_is_nothing_to_say(drawing: LabelPage, edges: Edges) -> None:
    draw(drawing, edges)
    assert (classes(drawing), texts(drawing)) == (["cell"], [])


def test_whatever_is_done_next_ends_it(drawing: LabelPage) -> None:
    for end in (
        lambda: QTest.keyClick(drawing.canvas, Qt.Key.Key_Escape),
        lambda: QTest.keyClick(drawing.canvas, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier),
        lambda: QTest.mousePress(
            drawing.canvas.viewport(), LEFT, NONE, drawing.canvas.viewport().rect().center()
        ),
    ):
        draw(drawing, (10, 10, 50, 50))
        assert texts(drawing)
        end()
        assert texts(drawing) == []
        drawing.canvas.cancel()


def test_it_ends_by_itself(qtbot: QtBot, drawing: LabelPage) -> None:
    drawing.suggesting.pause.setInterval(20)
    draw(drawing, (10, 10, 50, 50))
    qtbot.waitUntil(lambda: not texts(drawing), timeout=5000)


def test_it_can_be_turned_off(drawing: LabelPage) -> None:
    drawing.context.settings.suggest_classes = False
    draw(drawing, (10, 10, 50, 50))
    assert texts(drawing) == []


def test_it_lies_within_the_canvas_also_where_the_box_is_only_partly_seen(drawing: LabelPage) -> None:
    area = drawing.canvas.viewport().rect()
    for edges in ((10, 10, 50, 50), (0, 0, 160, 120), (85, 60, 159, 119.5)):
        draw(drawing, edges)
        for zoom in ("label.zoom_in", "label.zoom_in", "label.zoom_in"):
            if texts(drawing):
                assert area.contains(drawing.suggesting.chips.geometry())
                drawing.context.actions[zoom].trigger()
        drawing.context.actions["label.fit"].trigger()


def test_without_a_run_the_sizes_of_other_labels_say_it_where_they_tell_classes(
    qtbot: QtBot, page: LabelPage, project: Project
) -> None:
    third, (cell, platelet, _) = project.image_ids()[2], (item.id for item in project.classes())
    sizes = [(cell, 40 + more, 40) for more in range(4)] + [(platelet, 12 + more, 12) for more in range(4)]
    boxes = [
        Box(id=0, image_id=project.image_ids()[4], class_id=class_id, x1=2, y1=2, x2=2 + width, y2=2 + height)
        for class_id, width, height in sizes
    ]
    page.context.document.edit(add_boxes, boxes)
    page.context.view.show_image(third)
    qtbot.waitUntil(lambda: page.viewer.is_showing, timeout=5000)
    page.context.actions["label.draw_tool"].trigger()
    draw(page, (60, 60, 73, 72))
    qtbot.waitUntil(lambda: bool(texts(page)), timeout=5000)
    assert texts(page)[0].startswith("2 platelet ")
    assert classes(page) == ["cell"]


def test_other_chips_in_place_of_some_that_are_seen_have_room(drawing: LabelPage) -> None:
    draw(drawing, (90, 60, 150, 110))
    chips = drawing.suggesting.chips
    one = chips.width()
    shown = [Chip(item=item, probability=0.3, why="") for item in drawing.context.document.project.classes()]
    chips.show_chips(shown)
    assert chips.width() > 2 * one
