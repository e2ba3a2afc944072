"""Whether there is a screen to show a window on, and room for it there."""

from __future__ import annotations

import os
import sys

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QStyle, QWidget

MARGIN = 40
"""What a window that is smaller than the screen leaves free of it, in logical pixels."""


def has_screen() -> bool:
    return sys.platform in ("win32", "darwin") or bool(
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    )


def fit(window: QWidget, available: QSize) -> None:
    """Maximise a window that is larger than what the screen has for it, as on a laptop scaled to 150 %.

    ``available`` is in logical pixels. What is maximised becomes as large as there is room when it is restored.
    """
    title = window.style().pixelMetric(QStyle.PixelMetric.PM_TitleBarHeight)
    if window.width() > available.width() or window.height() + title > available.height():
        window.resize(window.size().boundedTo(available - QSize(MARGIN, MARGIN + title)))
        window.setWindowState(window.windowState() | Qt.WindowState.WindowMaximized)
