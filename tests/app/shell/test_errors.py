"""What nobody caught reaches the user, whatever thread it happened in."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable

import pytest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.services.context import AppContext
from app.services.messages import Message
from app.shell.errors import ExceptionHook, ReportDialog
from detcore.errors import ProjectError


@pytest.fixture
def window(qtbot: QtBot, context: AppContext, monkeypatch: pytest.MonkeyPatch) -> QWidget:
    """A window with the hooks of the program installed."""
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    window = QWidget()
    qtbot.addWidget(window)
    ExceptionHook(context.messages, window).install()
    return window


def fail_in_thread(error: Callable[[], BaseException]) -> None:
    def work() -> None:
        raise error()

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def test_a_bug_in_a_thread_of_python_opens_the_report(qtbot: QtBot, window: QWidget) -> None:
    fail_in_thread(lambda: ValueError("deep down"))
    qtbot.waitUntil(lambda: bool(window.findChildren(ReportDialog)), timeout=5000)
    (dialog,) = window.findChildren(ReportDialog)
    assert dialog.isVisible()
    assert "deep down" in dialog.text.toPlainText()
    assert "in work" in dialog.text.toPlainText()


def test_what_the_user_can_act_on_is_a_message_from_a_thread_too(
    qtbot: QtBot, window: QWidget, context: AppContext
) -> None:
    posted: list[Message] = []
    context.messages.posted.connect(posted.append)
    fail_in_thread(lambda: ProjectError("the disk is full"))
    qtbot.waitUntil(lambda: bool(posted), timeout=5000)
    assert "the disk is full" in posted[0].text
    assert not window.findChildren(ReportDialog)


def test_a_thread_may_end_itself(qtbot: QtBot, window: QWidget) -> None:
    fail_in_thread(SystemExit)
    qtbot.wait(50)
    assert not window.findChildren(ReportDialog)
