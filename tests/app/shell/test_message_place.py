"""A message has a place kept for it: nothing on the page moves or is covered when it comes and goes."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.shell.main_window import MainWindow
from app.shell.short_text import ShortText

LONG = "Could not open the folder: " + "word " * 200


def place(widget: QWidget, window: MainWindow) -> QRect:
    return QRect(widget.mapTo(window, QPoint(0, 0)), widget.size())


@pytest.mark.parametrize("text", ["Short.", LONG])
def test_the_page_stays_where_it_is(window: MainWindow, qtbot: QtBot, text: str) -> None:
    before = place(window.stack, window)
    window.context.messages.warning(text, ("Show", lambda: None))
    qtbot.waitUntil(window.messages.isVisible)
    qtbot.wait(20)
    assert place(window.stack, window) == before
    shown = place(window.messages, window)
    assert not shown.intersects(before)
    assert window.rect().contains(shown)
    window.messages.dismiss()
    qtbot.wait(20)
    assert place(window.stack, window) == before


def test_its_offer_is_within_reach_in_the_smallest_window(window: MainWindow, qtbot: QtBot) -> None:
    window.resize(window.minimumSize())
    done: list[str] = []
    window.context.messages.warning(LONG, ("Show", lambda: done.append("shown")))
    window.jobs.title.setText("Comparing with 001-crossval")
    window.jobs.show()
    qtbot.wait(20)
    bar = window.messages
    assert window.width() == window.minimumWidth()
    for button in (bar.action, bar.close_button):
        assert bar.rect().contains(QRect(button.mapTo(bar, QPoint(0, 0)), button.size()))
    QTest.mouseClick(bar.action, Qt.MouseButton.LeftButton)
    assert done == ["shown"]
    assert bar.isHidden()


def test_long_text_ends_in_two_lines_and_is_told_whole_by_its_tooltip(
    window: MainWindow, qtbot: QtBot
) -> None:
    window.context.messages.warning(LONG, details="line 1")
    text = window.messages.text
    qtbot.waitUntil(lambda: not text.is_whole)
    assert len(text.lines) == 2
    assert text.lines[1].endswith("…")
    assert all(text.fontMetrics().horizontalAdvance(line) <= text.width() for line in text.lines)
    assert 2 * text.fontMetrics().height() <= text.height()
    assert LONG in text.toolTip()
    assert "line 1" in text.toolTip()


def test_what_fits_can_be_selected(qtbot: QtBot) -> None:
    label = ShortText()
    qtbot.addWidget(label)
    label.setText("One line and no more…")
    label.resize(400, 40)
    label.show()
    assert label.lines == ["One line and no more…"]
    QTest.mouseDClick(label, Qt.MouseButton.LeftButton, pos=QPoint(4, 20))
    assert label.selectedText() == "One"
    label.setText("word " * 100)
    assert not label.is_whole
