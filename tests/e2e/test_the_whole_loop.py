"""One person's day, in the real window, by mouse and keys: from a folder of images to a clean dataset."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, QSettings, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from app.services.settings import Settings
from app.shell.application import make_window
from app.shell.main_window import MainWindow
from detcore.jobs.config import TrainConfig
from detcore.jobs.settings.learning import Learning
from detcore.jobs.settings.runtime import Runtime
from detcore.sample import create_sample_project, generate_sample
from detcore.types import Origin

LEFT = Qt.MouseButton.LeftButton
NONE, CTRL = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ControlModifier
TRAINING_MS = 180_000


@pytest.fixture
def window(qapp: QApplication, qtbot: QtBot, tmp_path: Path) -> Iterator[MainWindow]:
    """The window as the program makes it, with settings of the test's own."""
    settings = Settings(QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat))
    window = make_window(qapp, settings)
    qtbot.addWidget(window)
    window.show()
    yield window
    window.close()


def _drop(window: MainWindow, path: Path) -> None:
    """Drop a folder on the window."""
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path))])
    place, copy = QPoint(400, 400), Qt.DropAction.CopyAction
    QApplication.sendEvent(window, QDragEnterEvent(place, copy, mime, LEFT, NONE))
    QApplication.sendEvent(window, QDropEvent(QPointF(place), copy, mime, LEFT, NONE))


def _press(window: MainWindow, key: Qt.Key, modifier: Qt.KeyboardModifier = NONE) -> None:
    target = QApplication.focusWidget() or window
    QTest.keyClick(target, key, modifier)
    QApplication.processEvents()


def _click(widget: QWidget) -> None:
    QTest.mouseClick(widget, LEFT, NONE, widget.rect().center())
    QApplication.processEvents()


def _draw(window: MainWindow, box: tuple[float, float, float, float]) -> None:
    canvas = window.label_page.canvas
    start: QPoint = canvas.mapFromScene(QPointF(box[0], box[1]))
    end: QPoint = canvas.mapFromScene(QPointF(box[2], box[3]))
    QTest.mouseMove(canvas.viewport(), start)
    QTest.mousePress(canvas.viewport(), LEFT, NONE, start)
    QTest.mouseMove(canvas.viewport(), (start + end) / 2)
    QTest.mouseMove(canvas.viewport(), end)
    QTest.mouseRelease(canvas.viewport(), LEFT, NONE, end)
    QApplication.processEvents()


def test_a_folder_is_opened_boxes_are_drawn_classed_undone_and_redone(
    qtbot: QtBot, window: MainWindow, tmp_path: Path
) -> None:
    generate_sample(tmp_path / "photos", images=3, seed=1)
    _drop(window, tmp_path / "photos" / "images")
    qtbot.waitUntil(lambda: window.label_page.viewer.is_showing, timeout=10_000)
    project = window.context.document.project
    image_id = window.context.view.image_id
    wanted = [(20.0, 20.0, 120.0, 100.0), (200.0, 50.0, 300.0, 160.0), (320.0, 200.0, 420.0, 320.0)]

    _press(window, Qt.Key.Key_W)
    _draw(window, wanted[0])
    _name_class(window, "nut")
    _draw(window, wanted[1])
    _draw(window, wanted[2])
    _press(window, Qt.Key.Key_E)
    _name_class(window, "bolt")

    names = {item.id: item.name for item in project.classes()}
    boxes = project.boxes(image_id)
    assert [names[box.class_id] for box in boxes] == ["nut", "nut", "bolt"]
    assert np.allclose([box.xyxy for box in boxes], wanted, atol=1.5)

    for _ in range(4):
        _press(window, Qt.Key.Key_Z, CTRL)
    assert len(project.boxes(image_id)) == 1
    for _ in range(4):
        _press(window, Qt.Key.Key_Y, CTRL)
    assert project.boxes(image_id) == boxes


def _name_class(window: MainWindow, name: str) -> None:
    picker = QApplication.activePopupWidget()
    assert picker is not None
    QTest.keyClicks(picker.focusWidget() or picker, name)
    QTest.keyClick(picker.focusWidget() or picker, Qt.Key.Key_Return)
    QApplication.processEvents()


@pytest.mark.timeout(420)
def test_the_sample_is_trained_reviewed_mended_and_exported(
    qtbot: QtBot, window: MainWindow, tmp_path: Path
) -> None:
    sample = create_sample_project(tmp_path / "sample", images=120)
    sample.close()
    _drop(window, sample.folder)
    qtbot.waitUntil(lambda: window.label_page.viewer.is_showing, timeout=10_000)
    context = window.context

    # Train for one epoch.
    _press(window, Qt.Key.Key_2, CTRL)
    page = window.train_page
    page.setup.show_config(
        TrainConfig(
            learning=Learning(
                epochs=1, minutes=None, image_size=160, batch_size=1, warmup_steps=2, learning_rate=4e-3
            ),
            runtime=Runtime(device="cpu"),
        )
    )
    qtbot.waitUntil(context.actions["train.start"].isEnabled, timeout=10_000)
    _click(page.buttons.start)
    qtbot.waitUntil(lambda: bool(context.jobs.active()), timeout=20_000)
    qtbot.waitUntil(lambda: not context.jobs.active(), timeout=TRAINING_MS)

    # Review: let everything through and accept the first prediction that no label answers to.
    _press(window, Qt.Key.Key_3, CTRL)
    review = window.review_page
    qtbot.waitUntil(lambda: review.live.review is not None, timeout=20_000)
    slider = review.header.slider
    middle = slider.rect().center()
    QTest.mousePress(slider, LEFT, NONE, middle)
    QTest.mouseMove(slider, QPoint(middle.x() // 2, middle.y()))
    QTest.mouseMove(slider, QPoint(0, middle.y()))
    QTest.mouseRelease(slider, LEFT, NONE, QPoint(0, middle.y()))
    qtbot.waitUntil(lambda: review.header.tiles.tiles["fp"].text() not in ("", "0"), timeout=10_000)
    _click(review.header.tiles.tiles["fp"])
    qtbot.waitUntil(context.actions["review.accept"].isEnabled, timeout=10_000)
    before = context.document.project.statistics().boxes
    _press(window, Qt.Key.Key_Y)
    project = context.document.project
    assert project.statistics().boxes == before + 1
    accepted = next(box for box in project.all_boxes() if box.origin is Origin.MODEL)
    assert accepted.run is not None
    assert accepted.score is not None
    _press(window, Qt.Key.Key_Z, CTRL)
    assert project.statistics().boxes == before
    _press(window, Qt.Key.Key_Y, CTRL)

    # Export, and find the accepted box in the files.
    _press(window, Qt.Key.Key_4, CTRL)
    export = window.export_page
    export.form.choose_folder(tmp_path / "clean")
    _click(export.button)
    qtbot.waitUntil(lambda: export.is_done, timeout=30_000)
    assert "Reticle: " in export.summary.proof.text()
    assert "all that was written" in export.summary.proof.text()
    found = [
        annotation["bbox"]
        for path in (tmp_path / "clean" / "annotations").glob("*.json")
        for annotation in json.loads(path.read_text(encoding="utf-8"))["annotations"]
    ]
    x1, y1, x2, y2 = accepted.xyxy
    assert any(np.allclose(box, (x1, y1, x2 - x1, y2 - y1), atol=1e-6) for box in found)
    assert len(found) == before + 1
