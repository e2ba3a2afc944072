"""A canvas on the screen, and helpers that touch it as a person does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.canvas.camera import Camera
from app.canvas.display import DisplayBoxes
from app.canvas.view import ImageCanvas

LEFT = Qt.MouseButton.LeftButton
NONE = Qt.KeyboardModifier.NoModifier


def display(boxes: Sequence[Sequence[float]], *, editable: bool = True, name: str = "") -> DisplayBoxes:
    """Boxes with ids 1, 2, 3 …"""
    count = len(boxes)
    return DisplayBoxes(
        ids=np.arange(1, count + 1),
        boxes=np.array(boxes, np.float64).reshape(-1, 4),
        colors=np.full(count, 0xFFD95F02, np.uint32),
        styles=np.zeros(count, np.uint8),
        hatched=np.zeros(count, np.bool_),
        names=[name] * count,
        editable=np.full(count, editable, np.bool_),
    )


@dataclass
class Person:
    """Somebody with a mouse; points are image pixels."""

    canvas: ImageCanvas
    drawn: list = field(default_factory=list)
    edited: list = field(default_factory=list)
    selected: list = field(default_factory=list)
    activated: list = field(default_factory=list)

    def __post_init__(self) -> None:
        self.canvas.box_drawn.connect(self.drawn.append)
        self.canvas.boxes_edited.connect(lambda ids, boxes: self.edited.append((ids, boxes.tolist())))
        self.canvas.selection_changed.connect(self.selected.append)
        self.canvas.box_activated.connect(self.activated.append)

    def at(self, x: float, y: float) -> QPoint:
        return self.canvas.mapFromScene(QPointF(x, y))

    def press(
        self, x: float, y: float, modifiers: Qt.KeyboardModifier = NONE, button: Qt.MouseButton = LEFT
    ) -> None:
        QTest.mousePress(self.canvas.viewport(), button, modifiers, self.at(x, y))

    def move(self, x: float, y: float) -> None:
        QTest.mouseMove(self.canvas.viewport(), self.at(x, y))

    def release(
        self, x: float, y: float, modifiers: Qt.KeyboardModifier = NONE, button: Qt.MouseButton = LEFT
    ) -> None:
        QTest.mouseRelease(self.canvas.viewport(), button, modifiers, self.at(x, y))

    def click(self, x: float, y: float, modifiers: Qt.KeyboardModifier = NONE) -> None:
        self.press(x, y, modifiers)
        self.release(x, y, modifiers)

    def drag(self, *points: tuple[float, float], modifiers: Qt.KeyboardModifier = NONE) -> None:
        """Press at the first point, pass the others, release at the last."""
        self.press(*points[0], modifiers)
        for x, y in points[1:]:
            self.move(x, y)
        self.release(*points[-1], modifiers)

    def key(self, key: Qt.Key, modifiers: Qt.KeyboardModifier = NONE) -> None:
        QTest.keyClick(self.canvas, key, modifiers)


@pytest.fixture
def canvas(qtbot: QtBot) -> ImageCanvas:
    """A canvas of 660 × 500 that shows a grey image of 200 × 150 at exactly 300 %."""
    canvas = ImageCanvas()
    qtbot.addWidget(canvas)
    canvas.resize(660, 500)
    image = QImage(200, 150, QImage.Format.Format_RGB32)
    image.fill(0xFF808080)
    canvas.set_image(image)
    canvas.show()
    qtbot.waitExposed(canvas)
    canvas.activateWindow()
    canvas.setFocus()
    qtbot.waitUntil(canvas.hasFocus)
    canvas.camera.move_to(Camera(zoom=3.0, x=100.0, y=75.0, fitted=False))
    return canvas


@pytest.fixture
def person(canvas: ImageCanvas) -> Person:
    return Person(canvas)


@pytest.fixture
def show(canvas: ImageCanvas) -> Callable[..., DisplayBoxes]:
    """Show boxes; gives them back."""

    def show_boxes(*boxes: Sequence[float], editable: bool = True, name: str = "") -> DisplayBoxes:
        shown = display(boxes, editable=editable, name=name)
        canvas.set_boxes(shown)
        return shown

    return show_boxes
