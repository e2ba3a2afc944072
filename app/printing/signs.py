"""Small signs before a text: the colour of a class, the marks of found, false and missed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QLineF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QPainter, QPen

from app.printing.style import KIND_COLORS, pt

_DASHES = {"fp": [2.2, 1.5], "fn": [1.0, 1.2]}
LINE_STYLES = {"tp": Qt.PenStyle.SolidLine, "fp": Qt.PenStyle.DashLine, "fn": Qt.PenStyle.DotLine}


@dataclass(frozen=True, kw_only=True)
class Sign:
    """``paint`` fills the rectangle that it is given."""

    width: float
    height: float
    paint: Callable[[QPainter, QRectF], None]


def swatch(color: str) -> Sign:
    """The colour of a class."""

    def paint(painter: QPainter, rect: QRectF) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(color))
        painter.drawRoundedRect(rect, pt(1.4), pt(1.4))

    return Sign(width=pt(7), height=pt(7), paint=paint)


def mark(kind: str) -> Sign:
    """A box as it lies over a picture: ``kind`` tp, fp or fn."""

    def paint(painter: QPainter, rect: QRectF) -> None:
        color = KIND_COLORS[kind]
        if kind == "fn":
            paint_stripes(painter, rect, color, width=pt(0.5), gap=pt(2.6))
        pen = QPen(color, pt(1.3))
        if kind in _DASHES:
            pen.setDashPattern(_DASHES[kind])
        painter.setPen(pen)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(rect)

    return Sign(width=pt(14), height=pt(7), paint=paint)


def bar(kind: str) -> Sign:
    """A bar of the histogram: ``kind`` tp or fp."""
    return Sign(width=pt(10), height=pt(7), paint=lambda painter, rect: paint_bar(painter, rect, kind))


def paint_bar(painter: QPainter, rect: QRectF, kind: str) -> None:
    """Filled for what is found, striped for what is false."""
    color = KIND_COLORS[kind]
    if kind == "tp":
        painter.fillRect(rect, QBrush(color))
        return
    paint_stripes(painter, rect, color, width=pt(0.9), gap=pt(2.0))
    painter.setPen(QPen(color, pt(0.4)))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRect(rect)


def paint_stripes(painter: QPainter, rect: QRectF, color: QColor, *, width: float, gap: float) -> None:
    """Lines from lower left to upper right, cut off at the edges."""
    painter.save()
    painter.setClipRect(rect, Qt.ClipOperation.IntersectClip)
    painter.setPen(QPen(color, width))
    step = gap * 2**0.5
    start = rect.left() + rect.bottom()
    count = int((rect.width() + rect.height()) / step) + 2
    # all lie on one grid of the page, so that the stripes of neighbouring bars meet
    first = (start - rect.height()) // step * step
    for number in range(count + 1):
        total = first + number * step
        painter.drawLine(QLineF(total - rect.bottom(), rect.bottom(), total - rect.top(), rect.top()))
    painter.restore()
