"""What the window tells, and what a person can do about it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.services.context import AppContext
from app.shell import message_bar
from app.shell.message_bar import MessageBar
from app.shell.message_history import MessageHistory
from detcore.errors import ProjectError

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def bar(qtbot: QtBot, context: AppContext) -> MessageBar:
    bar = MessageBar(context.theme)
    qtbot.addWidget(bar)
    context.messages.posted.connect(bar.show_message)
    context.messages.withdrawn.connect(bar.withdraw)
    return bar


@pytest.fixture
def window(qtbot: QtBot) -> QWidget:
    window = QWidget()
    qtbot.addWidget(window)
    return window


def history(context: AppContext, window: QWidget) -> MessageHistory:
    """The dialog, open."""
    dialog = MessageHistory(context.messages, context.theme, window)
    dialog.show()
    return dialog


def test_the_newest_message_wins_and_an_offer_comes_back_after_what_was_only_told(
    qtbot: QtBot, bar: MessageBar, context: AppContext
) -> None:
    done: list[str] = []
    context.messages.info("One", ("Undo", lambda: done.append("One")))
    context.messages.info("Two")
    assert bar.text.text() == "Two"
    assert bar.action.isHidden()
    qtbot.mouseClick(bar.close_button, LEFT)
    assert bar.text.text() == "One"
    qtbot.mouseClick(bar.action, LEFT)
    assert done == ["One"]
    assert bar.isHidden()


def test_of_many_offers_the_last_is_shown_at_once_and_none_waits_behind_it(
    qtbot: QtBot, bar: MessageBar, context: AppContext
) -> None:
    for number in range(32):
        context.messages.info(f"Undone {number}", ("Show", lambda: None))
    context.messages.error(ProjectError("it is gone"), doing="undo")
    assert bar.text.text() == "Could not undo: it is gone."
    qtbot.mouseClick(bar.close_button, LEFT)
    assert bar.text.text() == "Undone 31"
    qtbot.mouseClick(bar.close_button, LEFT)
    assert bar.isHidden()


def test_what_is_only_told_goes_when_it_applies_no_more(bar: MessageBar, context: AppContext) -> None:
    there = ["box"]
    context.messages.error(ProjectError("the name is taken"), doing="rename", applies=lambda: bool(there))
    bar.look_again()
    assert not bar.isHidden()
    there.clear()
    bar.look_again()
    assert bar.isHidden()


def test_an_error_is_left_behind_with_its_page_and_what_offers_something_is_not(
    bar: MessageBar, context: AppContext
) -> None:
    context.messages.info("Labels are there", ("Import them", lambda: None))
    context.messages.error(ProjectError("the name is taken"), doing="rename")
    bar.turn_to_page()
    assert bar.text.text() == "Labels are there"
    bar.turn_to_page()
    assert bar.text.text() == "Labels are there"


def test_an_error_that_was_read_goes_with_the_next_edit_and_one_just_told_does_not(
    bar: MessageBar, context: AppContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    context.messages.error(ProjectError("the disk is full"), doing="compare")
    bar.go_on()
    assert not bar.isHidden()
    monkeypatch.setattr(message_bar, "READ_WITHIN", timedelta(0))
    bar.go_on()
    assert bar.isHidden()


def test_a_message_without_an_offer_gives_way_at_once(bar: MessageBar, context: AppContext) -> None:
    context.messages.info("One")
    context.messages.info("Two")
    assert bar.text.text() == "Two"


def test_names_are_shown_as_they_are_written(bar: MessageBar, context: AppContext) -> None:
    context.messages.info("<b>cell</b>", details="<i>more</i>")
    assert bar.text.textFormat() is Qt.TextFormat.PlainText
    assert "&lt;i&gt;more" in bar.text.toolTip()


def test_earlier_messages_still_do_what_they_offered(
    qtbot: QtBot, context: AppContext, window: QWidget
) -> None:
    done: list[str] = []
    context.messages.info("One", ("Undo", lambda: done.append("One")))
    context.messages.info("Two")
    dialog = history(context, window)
    assert dialog.action.isHidden()
    qtbot.keyClick(dialog.entries, Qt.Key.Key_Down)
    assert dialog.action.text() == "Undo"
    qtbot.mouseClick(dialog.action, LEFT)
    assert done == ["One"]


def test_an_offer_stays_and_other_messages_pass_in_front_of_it(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, context: AppContext
) -> None:
    monkeypatch.setattr(message_bar, "STAY_MS", dict.fromkeys(message_bar.STAY_MS, 60))
    bar = MessageBar(context.theme)
    qtbot.addWidget(bar)
    context.messages.posted.connect(bar.show_message)
    done: list[str] = []
    context.messages.info("One", ("Import them", lambda: done.append("One")))
    qtbot.wait(150)
    assert bar.text.text() == "One"
    context.messages.info("Two")
    assert bar.text.text() == "Two"
    assert bar.action.isHidden()
    qtbot.waitUntil(lambda: bar.text.text() == "One", timeout=2000)
    qtbot.mouseClick(bar.action, LEFT)
    assert done == ["One"]
    qtbot.wait(150)
    assert bar.isHidden()


def test_an_offer_that_was_closed_does_not_come_back(
    qtbot: QtBot, bar: MessageBar, context: AppContext
) -> None:
    context.messages.info("One", ("Import them", lambda: None))
    qtbot.mouseClick(bar.close_button, LEFT)
    context.messages.warning("Two")
    qtbot.mouseClick(bar.close_button, LEFT)
    assert bar.isHidden()


def test_an_offer_goes_when_it_no_longer_applies(
    qtbot: QtBot, bar: MessageBar, context: AppContext, window: QWidget
) -> None:
    there = ["run"]
    context.messages.info("One", ("Show", lambda: None), applies=lambda: bool(there))
    context.messages.info("Two", ("Show", lambda: None), applies=lambda: bool(there))
    bar.look_again()
    assert bar.text.text() == "Two"
    there.clear()
    bar.look_again()
    assert bar.isHidden()
    dialog = history(context, window)
    assert dialog.action.isHidden()


def test_what_was_said_of_one_project_is_not_shown_over_the_next_but_can_be_read(
    qtbot: QtBot, bar: MessageBar, context: AppContext, window: QWidget
) -> None:
    context.messages.info("One", ("Import them", lambda: None))
    context.messages.warning("Two")
    context.messages.info("Three", ("Undo", lambda: None))
    context.messages.withdraw()
    assert bar.isHidden()
    dialog = history(context, window)
    read: list[str] = []
    for _message in range(3):
        assert dialog.action.isHidden()
        read.append(dialog.text.text())
        qtbot.keyClick(dialog.entries, Qt.Key.Key_Down)
    assert read == ["Three", "Two", "One"]


def test_earlier_messages_have_a_line_each_and_the_chosen_one_is_told_whole(
    qtbot: QtBot, context: AppContext, window: QWidget
) -> None:
    context.messages.info("One")
    context.messages.warning("Two " + "words " * 60, details="line 1\nline 2\nline 3")
    dialog = history(context, window)
    rows = [dialog.entries.visualRect(dialog.entries.model().index(row, 1)) for row in range(2)]
    assert rows[0].height() == rows[1].height()
    assert dialog.text.text().endswith("words \n\nline 1\nline 2\nline 3")
    qtbot.mouseClick(dialog.entries.viewport(), LEFT, pos=rows[1].center())
    assert dialog.text.text() == "One"
