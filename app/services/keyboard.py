"""Keys belong to the control that has the focus before they are shortcuts of the page; held ones act once."""

from __future__ import annotations

from typing import TypeGuard

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QDialog,
    QLineEdit,
    QPlainTextEdit,
    QTextEdit,
    QWidget,
)

from app.canvas.key_strokes import HeldKeys

LEAVES_KEYS = "leaves_keys_to_page"
"""A widget whose dynamic property of this name is true leaves its keys to the page's shortcuts."""

_PLAIN = (
    Qt.KeyboardModifier.NoModifier,
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.KeypadModifier,
)
_STEPS = (Qt.Key.Key_Up, Qt.Key.Key_Down)
_ENTER = (Qt.Key.Key_Return, Qt.Key.Key_Enter)
_DELETE = (Qt.Key.Key_Delete, Qt.Key.Key_Backspace)


class FocusKeys(QObject):
    """Keeps the keys that a focused control understands from triggering shortcuts, and held ones from
    choosing or deleting more than once.

    Qt offers each key to the focused widget first (ShortcutOverride). Line edits take what they can
    type, but combo boxes, buttons and lists let a letter, Space and the arrows pass. Only the widget
    that has the focus is watched, so no other event of the program comes through here.
    """

    def __init__(self, app: QApplication, parent: QObject, held: HeldKeys) -> None:
        """Works for as long as ``parent`` lives; ``held`` is told of all keys."""
        super().__init__(parent)
        self._held = held
        app.focusChanged.connect(self._watch)
        self._watch(None, app.focusWidget())

    def _watch(self, old: QWidget | None, new: QWidget | None) -> None:
        if old is not None:
            old.removeEventFilter(self)
        if new is not None:
            new.installEventFilter(self)
        else:
            self._held.forget()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if not isinstance(event, QKeyEvent) or not isinstance(watched, QWidget):
            return super().eventFilter(watched, event)
        self._held.follow(event)
        is_mnemonic = bool(event.modifiers() & Qt.KeyboardModifier.AltModifier)
        if event.type() == QEvent.Type.ShortcutOverride and (
            wants(watched, event) or (self._held.is_repeat and is_mnemonic)
        ):
            event.accept()
            return True
        if event.type() == QEvent.Type.KeyPress and self._held.is_repeat and acts_once(watched, event):
            return True
        if event.type() == QEvent.Type.KeyPress and presses(watched, event):
            watched.click()
            return True
        return super().eventFilter(watched, event)


def presses(widget: QWidget, event: QKeyEvent) -> TypeGuard[QAbstractButton]:
    """Whether Enter is to press the button that has the focus: outside of dialogs Qt leaves that to Space.

    In a dialog Enter is its default button's also while a choice has the focus.
    """
    is_plain = event.modifiers() in (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.KeypadModifier)
    if not is_plain or event.key() not in _ENTER or not isinstance(widget, QAbstractButton):
        return False
    return not (widget.isCheckable() and isinstance(widget.window(), QDialog))


def acts_once(widget: QWidget, event: QKeyEvent) -> bool:
    """Whether a key is to do nothing more while it is held: what it chose, or deleted, was one thing."""
    if isinstance(widget, QTextEdit | QPlainTextEdit):
        return False
    if event.key() in _ENTER:
        return True
    is_typed_in = isinstance(widget, QLineEdit | QAbstractSpinBox | QComboBox)
    return event.key() in _DELETE and not is_typed_in


def wants(widget: QWidget, event: QKeyEvent) -> bool:
    """Whether a focused widget does something itself with a key."""
    if event.modifiers() not in _PLAIN or widget.property(LEAVES_KEYS):
        return False
    key, text = event.key(), event.text()
    if key == Qt.Key.Key_Space:
        return isinstance(widget, QAbstractButton | QComboBox)
    if key in _STEPS:
        return isinstance(widget, QComboBox | QAbstractSpinBox | QAbstractItemView)
    searches = isinstance(widget, QComboBox) or _is_in_popup(widget)
    return searches and bool(text) and text.isprintable()


def _is_in_popup(widget: QWidget) -> bool:
    """Whether it is the open list of a combo box, where letters find an entry."""
    return isinstance(widget, QAbstractItemView) and widget.window().windowType() == Qt.WindowType.Popup
