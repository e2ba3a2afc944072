"""A field that was used gives the keyboard back to the page."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractSpinBox, QApplication, QComboBox, QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from app.review.widgets.threshold_slider import ThresholdSlider
from app.shell.main_window import MainWindow
from detcore.project.project import Project
from detcore.project.runs import create_run, save_detections
from tests.app.review.review_driving import made_up_detections

PAGES = ("label", "train", "review", "export")
LETTERS = {"label": (Qt.Key.Key_H, "label.boxes"), "review": (Qt.Key.Key_J, "review.judged")}
"""A key of a page, and the action that it switches."""


@pytest.fixture
def ready(window: MainWindow, project: Project, qtbot: QtBot) -> MainWindow:
    """The window over a project with a run that has found something."""
    run = create_run(project, "reticle-s")
    save_detections(run, made_up_detections(project), image_ids=project.image_ids())
    window.context.document.open(project)
    window.activateWindow()
    QTest.qWaitForWindowActive(window)
    qtbot.waitUntil(lambda: window.label_page.viewer.is_showing)
    window.show_page("review")
    qtbot.waitUntil(
        lambda: window.review_page.live.review is not None and window.review_page.image.is_showing
    )
    window.label_page.context.view.select(frozenset({window.label_page.boxes.boxes[0].id}))
    return window


def fields(page: QWidget, kind: type[QWidget] | tuple[type[QWidget], ...]) -> list[QWidget]:
    """Those of a page that can be used now."""
    found = [widget for widget in page.findChildren(QWidget) if isinstance(widget, kind)]
    return [
        field
        for field in found
        if field.isVisible() and field.isEnabled() and not isinstance(field.parent(), QAbstractSpinBox)
    ]


def strike(field: QWidget, key: Qt.Key) -> None:
    """As a hand does: the release goes to what has the focus by then."""
    QTest.keyPress(field, key)
    QTest.keyRelease(QApplication.focusWidget() or field, key)


def show(window: MainWindow, name: str, qtbot: QtBot) -> None:
    window.show_page(name)
    qtbot.waitUntil(lambda: window.pages[name].isVisible())
    if name == "label":
        window.context.view.select(frozenset({window.label_page.boxes.boxes[0].id}))
    QApplication.processEvents()


def assert_home(window: MainWindow, name: str) -> None:
    """The focus is at home, and a letter is a shortcut."""
    assert QApplication.focusWidget() is window.pages[name].home()
    if name in LETTERS:
        key, action_id = LETTERS[name]
        action = window.context.actions[action_id]
        before = action.isChecked()
        QTest.keyClick(QApplication.focusWidget(), key)
        assert action.isChecked() != before
        QTest.keyClick(QApplication.focusWidget(), key)


@pytest.mark.parametrize("key", [Qt.Key.Key_Return, Qt.Key.Key_Escape])
@pytest.mark.parametrize("name", PAGES)
def test_enter_and_esc_in_a_field_give_the_keys_back_to_the_page(
    ready: MainWindow, name: str, key: Qt.Key, qtbot: QtBot
) -> None:
    show(ready, name, qtbot)
    used = 0
    for field in fields(ready.pages[name], (QComboBox, QAbstractSpinBox, QLineEdit, ThresholdSlider)):
        show(ready, name, qtbot)
        field.setFocus()
        assert QApplication.focusWidget() is field
        strike(field, key)
        if isinstance(QApplication.focusWidget(), QLineEdit | QAbstractSpinBox | QComboBox | ThresholdSlider):
            pytest.fail(f"{field.accessibleName() or field} keeps the keyboard")
        used += 1
        if QApplication.focusWidget() is ready.pages[name].home():
            assert_home(ready, name)
    assert used > 0


@pytest.mark.parametrize("end", ["click", "enter", "esc"])
@pytest.mark.parametrize("name", PAGES)
def test_an_open_list_that_closes_gives_the_keys_back_to_the_page(
    ready: MainWindow, name: str, end: str, qtbot: QtBot
) -> None:
    show(ready, name, qtbot)
    for box in fields(ready.pages[name], QComboBox):
        assert isinstance(box, QComboBox)
        box.setFocus()
        box.showPopup()
        qtbot.waitUntil(lambda box=box: box.view().isVisible())
        if end == "click":
            place = box.view().visualRect(box.view().currentIndex()).center()
            QTest.mouseMove(box.view().viewport(), place)
            QTest.mouseClick(box.view().viewport(), Qt.MouseButton.LeftButton, pos=place)
        else:
            strike(box.view(), Qt.Key.Key_Return if end == "enter" else Qt.Key.Key_Escape)
        qtbot.waitUntil(lambda box=box: not box.view().isVisible())
        assert_home(ready, name)


def test_a_combo_box_that_is_stepped_through_by_arrows_keeps_them(ready: MainWindow, qtbot: QtBot) -> None:
    show(ready, "review", qtbot)
    box = ready.review_page.queue_panel.order
    box.setFocus()
    QTest.keyClick(box, Qt.Key.Key_Down)
    QTest.keyClick(box, Qt.Key.Key_Down)
    assert box.currentIndex() == 2
    assert QApplication.focusWidget() is box


def test_esc_in_a_field_of_an_edge_leaves_the_box_as_it_was(ready: MainWindow, qtbot: QtBot) -> None:
    show(ready, "label", qtbot)
    page = ready.label_page
    box = page.boxes.boxes[0]
    field = page.details.edges["x1"]
    field.setFocus()
    field.selectAll()
    QTest.keyClicks(field, "33")
    strike(field, Qt.Key.Key_Escape)
    assert page.boxes.boxes[0].xyxy == box.xyxy
    field.setFocus()
    field.selectAll()
    QTest.keyClicks(field, "33")
    strike(field, Qt.Key.Key_Return)
    assert page.boxes.boxes[0].x1 == 33
    assert_home(ready, "label")
