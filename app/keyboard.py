"""Keys belong to the control that has the focus before they are shortcuts of the page."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QWidget,
)

LEAVES_KEYS = "leaves_keys_to_page"
"""A widget whose dynamic property of this name is true leaves its keys to the page's shortcuts."""

_PLAIN = (
    Qt.KeyboardModifier.NoModifier,
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.KeypadModifier,
)
_STEPS = (Qt.Key.Key_Up, Qt.Key.Key_Down)


class FocusKeys(QObject):
    """Keeps the keys that a focused control understands from triggering shortcuts.

    Qt offers each key to the focused widget first (ShortcutOverride). Line edits take what they can
    type, but combo boxes, buttons and lists let a letter, Space and the arrows pass. Only the widget
    that has the focus is watched, so no other event of the program comes through here.
    """

    def __init__(self, app: QApplication, parent: QObject) -> None:
        """Works for as long as ``parent`` lives."""
        super().__init__(parent)
        app.focusChanged.connect(self._watch)
        self._watch(None, app.focusWidget())

    def _watch(self, old: QWidget | None, new: QWidget | None) -> None:
        if old is not None:
            old.removeEventFilter(self)
        if new is not None:
            new.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        if (
            event.type() == QEvent.Type.ShortcutOverride
            and isinstance(event, QKeyEvent)
            and isinstance(watched, QWidget)
            and wants(watched, event)
        ):
            event.accept()
            return True
        return super().eventFilter(watched, event)


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
