"""Small things that several painted widgets need: fonts of the three sizes, row backgrounds, colours with
alpha."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import shiboken6
from PySide6.QtCore import QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QIcon, QPainter, QPixmap, QPolygonF
from PySide6.QtWidgets import QStyle, QStyleOptionViewItem, QWidget

from app.services.theme import Theme
from detcore.types import FloatArray

SWATCH = 14
RADIUS = 3


def sized_font(widget: QWidget, pixels: int, *, bold: bool = False) -> QFont:
    """The widget's font at one of the three text sizes, with tabular figures."""
    return QFont(_sized(widget.font().toString(), pixels, bold))


@lru_cache(maxsize=64)
def _sized(description: str, pixels: int, bold: bool) -> QFont:
    font = QFont()
    font.fromString(description)
    font.setPixelSize(pixels)
    font.setWeight(QFont.Weight.DemiBold if bold else QFont.Weight.Normal)
    font.setFeature(QFont.Tag("tnum"), 1)
    return font


def paint_row(painter: QPainter, option: QStyleOptionViewItem, theme: Theme, *, edge: bool = False) -> QRect:
    """Paint what selection and hover put behind a row of a list; returns its area.

    With ``edge`` a selected row has a line in the accent colour at its left.
    """
    area: QRect = option.rect  # type: ignore[attr-defined]
    state: QStyle.StateFlag = option.state  # type: ignore[attr-defined]
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    if state & QStyle.StateFlag.State_Selected:
        painter.fillRect(area, theme.color("selection"))
        if edge:
            painter.fillRect(QRect(area.left(), area.top(), 3, area.height()), theme.color("accent"))
    elif state & QStyle.StateFlag.State_MouseOver:
        painter.fillRect(area, theme.color("hover"))
    return area


def paint_key_cap(painter: QPainter, cap: QRectF, text: str, theme: Theme, *, enabled: bool = True) -> None:
    """A key as it lies on a keyboard: filled, so that it is not taken for a number; in the painter's font."""
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme.color("line" if enabled else "window"))
    painter.drawRoundedRect(cap, 3, 3)
    painter.setPen(theme.color("text" if enabled else "line_strong"))
    painter.drawText(cap, Qt.AlignmentFlag.AlignCenter, text)


def polyline(xs: FloatArray, ys: FloatArray) -> QPolygonF:
    """The points (``xs``, ``ys``), both (N,); without an object for each of them."""
    points = QPolygonF()
    points.resize(len(xs))
    if len(xs):
        # a QPolygonF keeps its points as pairs of doubles, one after the other
        memory: Any = shiboken6.VoidPtr(points.data(), 16 * len(xs), True)  # type: ignore[call-arg]
        pairs = np.frombuffer(memory, np.float64).reshape(-1, 2)
        pairs[:, 0], pairs[:, 1] = xs, ys
    return points


def faded(color: QColor, alpha: float) -> QColor:
    """``color`` with an opacity of 0 to 1."""
    result = QColor(color)
    result.setAlphaF(alpha)
    return result


def blended(color: QColor, other: QColor, share: float) -> QColor:
    """``share`` of ``other`` mixed into ``color``."""
    pairs = zip(
        (color.red(), color.green(), color.blue()), (other.red(), other.green(), other.blue()), strict=True
    )
    return QColor(*(round(a + (b - a) * share) for a, b in pairs))


def swatch(color: str) -> QIcon:
    """A square of a colour that is not tinted where its row is selected."""
    pixmap = QPixmap(SWATCH, SWATCH)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(color))
    painter.drawRoundedRect(pixmap.rect(), RADIUS, RADIUS)
    painter.end()
    icon = QIcon()
    for mode in (QIcon.Mode.Normal, QIcon.Mode.Selected, QIcon.Mode.Active):
        icon.addPixmap(pixmap, mode)
    return icon
