"""A key that is held, as the window systems tell of it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent, QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

NONE = Qt.KeyboardModifier.NoModifier
REPEATS = 5


def hold_marked(widget: QWidget, key: Qt.Key, modifiers: Qt.KeyboardModifier = NONE) -> None:
    """Qt's own way: a press, repeats that are marked as such, a release."""
    QTest.simulateEvent(widget, True, key, modifiers, _text(key, modifiers), False)
    for _ in range(REPEATS):
        focused = _focused(widget)
        QTest.simulateEvent(focused, True, key, modifiers, _text(key, modifiers), True)
    QTest.simulateEvent(_focused(widget), False, key, modifiers, "", False)


def hold_unmarked(widget: QWidget, key: Qt.Key, modifiers: Qt.KeyboardModifier = NONE) -> None:
    """Over VNC: presses that nothing tells from strokes but that there is no release in between."""
    for _ in range(REPEATS + 1):
        QTest.simulateEvent(_focused(widget), True, key, modifiers, _text(key, modifiers), False)
    QTest.simulateEvent(_focused(widget), False, key, modifiers, "", False)


WAYS: tuple[Callable[[QWidget, Qt.Key, Qt.KeyboardModifier], None], ...] = (hold_marked, hold_unmarked)


def hold_in_halves(widget: QWidget, key: Qt.Key, modifiers: Qt.KeyboardModifier = NONE) -> None:
    """Under X: each repeat is a release and a press of one instant, which Qt did not read together."""
    _send(widget, QEvent.Type.KeyPress, key, modifiers, instant=1000)
    for repeat in range(1, REPEATS + 1):
        _send(_focused(widget), QEvent.Type.KeyRelease, key, modifiers, instant=1000 + 40 * repeat)
        QApplication.processEvents()
        _send(_focused(widget), QEvent.Type.KeyPress, key, modifiers, instant=1000 + 40 * repeat)
    _send(_focused(widget), QEvent.Type.KeyRelease, key, modifiers, instant=1000 + 40 * (REPEATS + 1))


def _send(
    widget: QWidget, kind: QEvent.Type, key: Qt.Key, modifiers: Qt.KeyboardModifier, *, instant: int
) -> None:
    """As the window system: the time of the event in ms, and the shortcut's turn before the press."""
    for turn in (QEvent.Type.ShortcutOverride, kind) if kind is QEvent.Type.KeyPress else (kind,):
        event = QKeyEvent(turn, key, modifiers, _text(key, modifiers), False)
        event.setTimestamp(instant)
        QApplication.sendEvent(widget, event)


def keys_of(sequence: QKeySequence) -> tuple[Qt.Key, Qt.KeyboardModifier]:
    """Key and modifiers of a shortcut of one stroke."""
    stroke = sequence[0]
    return stroke.key(), stroke.keyboardModifiers()


def _focused(widget: QWidget) -> QWidget:
    """A press may have moved the focus, as a hand on the keyboard follows it."""
    return QApplication.focusWidget() or widget


def _text(key: Qt.Key, modifiers: Qt.KeyboardModifier) -> str:
    plain = modifiers == NONE and Qt.Key.Key_Space <= key <= Qt.Key.Key_AsciiTilde
    return chr(key).lower() if plain else ""
