"""Keys typed while a control has the focus belong to the control."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QAction, QKeyEvent, QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QListWidget,
    QMainWindow,
    QRadioButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)
from pytestqt.qtbot import QtBot

from app.canvas.key_strokes import HeldKeys
from app.services.keyboard import LEAVES_KEYS, FocusKeys
from tests.app.held_keys import REPEATS, WAYS, hold_marked

KEYS = ("D", "Space", "Up", "Down", "2")


class Window(QMainWindow):
    """One of each control, and shortcuts that write down that they were triggered."""

    def __init__(self) -> None:
        super().__init__()
        self.triggered: list[str] = []
        for key in KEYS:
            action = QAction(key, self, shortcut=QKeySequence(key))
            action.triggered.connect(lambda _checked=False, key=key: self.triggered.append(key))
            self.addAction(action)
        self.combo, self.check, self.spin, self.list = QComboBox(), QCheckBox(), QSpinBox(), QListWidget()
        self.combo.addItems(["apple", "date", "2 figs"])
        self.list.addItems(["first", "second", "third"])
        middle = QWidget()
        layout = QVBoxLayout(middle)
        for widget in (self.combo, self.check, self.spin, self.list):
            layout.addWidget(widget)
        self.setCentralWidget(middle)


class Presses(QObject):
    """The key presses that a widget is given."""

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        self.keys: list[int] = []
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            self.keys.append(event.key())
        return False


@pytest.fixture
def window(qapp: QApplication, qtbot: QtBot) -> Window:
    window = Window()
    FocusKeys(qapp, window, HeldKeys())
    qtbot.addWidget(window)
    window.show()
    qtbot.waitExposed(window)
    window.activateWindow()
    return window


def _type(widget: QWidget, key: Qt.Key) -> None:
    widget.setFocus()
    QApplication.processEvents()
    QTest.keyClick(widget, key)


def test_a_letter_typed_in_a_combo_box_finds_an_entry_and_triggers_nothing(window: Window) -> None:
    _type(window.combo, Qt.Key.Key_D)
    assert window.combo.currentText() == "date"
    assert window.triggered == []


def test_space_on_a_focused_check_box_checks_it(window: Window) -> None:
    _type(window.check, Qt.Key.Key_Space)
    assert window.check.isChecked()
    assert window.triggered == []


def test_arrows_step_through_combo_boxes_spin_boxes_and_lists(window: Window) -> None:
    window.list.setCurrentRow(0)
    _type(window.combo, Qt.Key.Key_Down)
    _type(window.spin, Qt.Key.Key_Up)
    _type(window.list, Qt.Key.Key_Down)
    assert (window.combo.currentIndex(), window.spin.value(), window.list.currentRow()) == (1, 1, 1)
    assert window.triggered == []


def test_a_letter_on_a_check_box_is_still_a_shortcut(window: Window) -> None:
    _type(window.check, Qt.Key.Key_D)
    assert window.triggered == ["D"]


def test_a_list_may_leave_its_keys_to_the_page(window: Window) -> None:
    window.list.setProperty(LEAVES_KEYS, True)
    _type(window.list, Qt.Key.Key_Down)
    _type(window.list, Qt.Key.Key_Space)
    assert window.triggered == ["Down", "Space"]


@pytest.mark.parametrize("hold", WAYS, ids=lambda way: way.__name__)
@pytest.mark.parametrize("key", [Qt.Key.Key_Delete, Qt.Key.Key_Return])
def test_enter_and_delete_held_in_a_list_reach_it_once_and_arrows_as_often_as_they_come(
    window: Window, hold: Callable[..., None], key: Qt.Key
) -> None:
    pressed = Presses(window.list)
    window.list.setFocus()
    hold(window.list, key)
    hold(window.list, Qt.Key.Key_Left)
    assert pressed.keys == [key] + [Qt.Key.Key_Left] * (REPEATS + 1)


def test_backspace_held_in_a_field_goes_on_deleting(window: Window) -> None:
    window.spin.setMaximum(99_999_999)
    window.spin.setValue(12_345_678)
    window.spin.setFocus()
    window.spin.lineEdit().end(False)
    hold_marked(window.spin, Qt.Key.Key_Backspace)
    assert window.spin.lineEdit().text() == "12"


@pytest.mark.parametrize("kind", [QRadioButton, QCheckBox])
def test_enter_presses_the_default_button_of_a_dialog_while_a_choice_has_the_focus(
    qtbot: QtBot, window: Window, kind: type[QAbstractButton]
) -> None:
    dialog = QDialog(window)
    layout = QVBoxLayout(dialog)
    choice, buttons = kind(), QDialogButtonBox(QDialogButtonBox.StandardButton.Ok)
    layout.addWidget(choice)
    layout.addWidget(buttons)
    buttons.accepted.connect(dialog.accept)
    dialog.open()
    dialog.activateWindow()
    choice.setFocus()
    qtbot.waitUntil(choice.hasFocus)
    QTest.keyClick(choice, Qt.Key.Key_Return)
    assert dialog.result() == QDialog.DialogCode.Accepted
    assert not choice.isChecked()
