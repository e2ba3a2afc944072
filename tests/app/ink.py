"""Where what is painted in a widget begins."""

from __future__ import annotations

from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QWidget


def ink_left(widget: QWidget) -> int:
    """The window's x of the first column of the widget that is not all background."""
    picture = widget.grab().toImage()
    background = picture.pixel(0, 0)
    return widget.mapTo(widget.window(), QPoint(0, 0)).x() + next(
        x
        for x in range(picture.width())
        if any(picture.pixel(x, y) != background for y in range(picture.height()))
    )
