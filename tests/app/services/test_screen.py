"""Whether a window finds room on the screen it comes up on."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QSize
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.services.screen import fit


@pytest.fixture
def window(qtbot: QtBot) -> QWidget:
    window = QWidget()
    qtbot.addWidget(window)
    window.resize(1440, 900)
    return window


@pytest.mark.parametrize(
    "available",
    [QSize(1280, 720), QSize(1440, 900), QSize(1366, 2000), QSize(3000, 880)],
    ids=["full HD at 150 %", "as large, without its title", "too narrow", "too low"],
)
def test_a_window_larger_than_the_screen_is_maximised_and_smaller_than_it_when_restored(
    window: QWidget, available: QSize
) -> None:
    fit(window, available)
    assert window.isMaximized()
    assert window.normalGeometry().width() <= available.width()
    assert window.height() < available.height()
    assert window.width() < available.width()


def test_a_window_that_there_is_room_for_keeps_its_size(window: QWidget) -> None:
    fit(window, QSize(1920, 1040))
    assert not window.isMaximized()
    assert window.size() == QSize(1440, 900)
