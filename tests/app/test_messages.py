"""What the window tells, and what a person can do about it."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.context import AppContext
from app.dialogs.message_history import MessageHistory
from app.widgets import message_bar
from app.widgets.message_bar import MessageBar


@pytest.fixture
def bar(qtbot: QtBot, context: AppContext) -> MessageBar:
    bar = MessageBar(context.theme)
    qtbot.addWidget(bar)
    context.messages.posted.connect(bar.show_message)
    context.messages.withdrawn.connect(bar.withdraw)
    return bar


def test_a_message_that_offers_something_is_not_pushed_away_by_the_next(
    qtbot: QtBot, bar: MessageBar, context: AppContext
) -> None:
    done: list[str] = []
    context.messages.info("One", ("Undo", lambda: done.append("One")))
    context.messages.info("Two")
    assert bar.text.text() == "One"
    qtbot.mouseClick(bar.action, Qt.MouseButton.LeftButton)
    assert done == ["One"]
    assert bar.text.text() == "Two"
    assert bar.action.isHidden()


def test_the_next_message_is_shown_when_the_offer_is_no_longer_fresh(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, context: AppContext
) -> None:
    monkeypatch.setattr(message_bar, "FRESH_MS", 50)
    bar = MessageBar(context.theme)
    qtbot.addWidget(bar)
    context.messages.posted.connect(bar.show_message)
    context.messages.info("One", ("Undo", lambda: None))
    context.messages.warning("Two")
    qtbot.waitUntil(lambda: bar.text.text() == "Two", timeout=2000)


def test_a_message_without_an_offer_gives_way_at_once(bar: MessageBar, context: AppContext) -> None:
    context.messages.info("One")
    context.messages.info("Two")
    assert bar.text.text() == "Two"


def test_names_are_shown_as_they_are_written(bar: MessageBar, context: AppContext) -> None:
    context.messages.info("<b>cell</b>", details="<i>more</i>")
    assert bar.text.textFormat() is Qt.TextFormat.PlainText
    assert "&lt;i&gt;more" in bar.text.toolTip()


def test_earlier_messages_still_do_what_they_offered(qtbot: QtBot, context: AppContext) -> None:
    done: list[str] = []
    context.messages.info("One", ("Undo", lambda: done.append("One")))
    context.messages.info("Two")
    window = QWidget()
    qtbot.addWidget(window)
    dialog = MessageHistory(context.messages, window)
    dialog.show()
    assert dialog.action.isHidden()
    qtbot.keyClick(dialog.entries, Qt.Key.Key_Down)
    assert dialog.action.text() == "Undo"
    qtbot.mouseClick(dialog.action, Qt.MouseButton.LeftButton)
    assert done == ["One"]


def test_an_offer_that_was_withdrawn_is_not_made_any_more(
    qtbot: QtBot, bar: MessageBar, context: AppContext
) -> None:
    context.messages.info("One", ("Import them", lambda: None))
    context.messages.info("Two")
    context.messages.info("Three", ("Undo", lambda: None))
    context.messages.withdraw_offers()
    assert bar.text.text() == "Two"
    assert not bar.offers
    bar.dismiss()
    assert bar.isHidden()
    window = QWidget()
    qtbot.addWidget(window)
    dialog = MessageHistory(context.messages, window)
    dialog.show()
    for _message in range(3):
        assert dialog.action.isHidden()
        qtbot.keyClick(dialog.entries, Qt.Key.Key_Down)
