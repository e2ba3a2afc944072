"""Made-up detections, and hands on the Review page."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.review.page import ReviewPage
from detcore.project.project import Project
from detcore.review.filter import SortOrder
from detcore.review.kinds import ItemType
from detcore.types import Detections


def made_up_detections(project: Project, *, seed: int = 1) -> Detections:
    """Two labels of three found at various scores, and three boxes of nothing on each image."""
    random = np.random.default_rng(seed)
    class_ids = [item.id for item in project.classes()]
    rows: list[tuple[int, int, tuple[float, ...], float]] = []
    for image_id in project.image_ids():
        for box in project.boxes(image_id):
            if random.random() < 0.67:
                shift = random.normal(0, 1, 4)
                xyxy = tuple(float(edge + move) for edge, move in zip(box.xyxy, shift, strict=True))
                wrong = random.random() < 0.25
                label = class_ids[0] if wrong else box.class_id
                rows.append((image_id, label, xyxy, float(random.uniform(0.2, 1.0))))
        for _ in range(3):
            x, y = random.uniform(0, 100), random.uniform(0, 80)
            label = int(random.choice(class_ids))
            rows.append((image_id, label, (x, y, x + 30, y + 20), float(random.uniform(0.05, 0.9))))
    return Detections(
        image_ids=np.array([row[0] for row in rows]),
        labels=np.array([row[1] for row in rows]),
        boxes=np.array([row[2] for row in rows]),
        scores=np.array([row[3] for row in rows]),
    )


def keys(page: ReviewPage) -> list[int]:
    return page.errors.rows.keys.tolist()


def drag_slider(page: ReviewPage, to: float, qtbot: QtBot) -> None:
    """Press on the handle, pull it in steps, let go."""
    slider = page.header.slider
    y = slider.height() - 9
    start = slider.x_of(slider.value())
    QTest.mousePress(slider, Qt.MouseButton.LeftButton, pos=QPoint(round(start), y))
    for part in (0.3, 0.7, 1.0):
        x = start + (slider.x_of(to) - start) * part
        QTest.mouseMove(slider, QPoint(round(x), y))
        qtbot.wait(5)
    QTest.mouseRelease(slider, Qt.MouseButton.LeftButton, pos=QPoint(round(slider.x_of(to)), y))
    qtbot.wait(40)


def click_row(page: ReviewPage, row: int) -> None:
    view = page.queue_panel.list
    rect = view.visualRect(page.errors.index(row))
    QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=rect.center())


def press(page: ReviewPage, key: Qt.Key) -> None:
    QTest.keyClick(page.queue_panel.list, key)


def shift_click_row(page: ReviewPage, row: int) -> None:
    _click_with(page, row, Qt.KeyboardModifier.ShiftModifier)


def control_click_row(page: ReviewPage, row: int) -> None:
    _click_with(page, row, Qt.KeyboardModifier.ControlModifier)


def _click_with(page: ReviewPage, row: int, modifier: Qt.KeyboardModifier) -> None:
    view = page.queue_panel.list
    rect = view.visualRect(page.errors.index(row))
    QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, modifier, rect.center())


def undo(page: ReviewPage) -> None:
    QTest.keyClick(page, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)


def choose_type(page: ReviewPage, item_type: ItemType) -> None:
    box = page.queue_panel.type
    box.setCurrentIndex(box.findData(item_type))
    box.activated.emit(box.currentIndex())


def choose_order(page: ReviewPage, order: SortOrder) -> None:
    box = page.queue_panel.order
    box.setCurrentIndex(box.findData(order))
    box.activated.emit(box.currentIndex())
