"""How curves are told apart: by colour and by dashes, in both themes."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from app.services.theme import Tokens

METRIC_COLORS = {
    "light": ("#1f66d1", "#9c3d86", "#2b7a2b", "#8a5a00", "#127a8a", "#5a626e"),
    "dark": ("#6aa5ff", "#e38ac9", "#6cc56c", "#dfae55", "#58c4d6", "#a3abb7"),
}
RUN_COLORS = {
    "light": ("#b3402a", "#127a8a", "#6b4fb3", "#5f6b00", "#a8326b"),
    "dark": ("#ff9a80", "#58c4d6", "#b7a3ff", "#c6d04c", "#ff8ab5"),
}
RUN_DASHES = (
    Qt.PenStyle.DashLine,
    Qt.PenStyle.DashDotLine,
    Qt.PenStyle.DotLine,
    Qt.PenStyle.DashDotDotLine,
)
METRIC_DASHES = (
    Qt.PenStyle.SolidLine,
    Qt.PenStyle.DashLine,
    Qt.PenStyle.DashDotLine,
    Qt.PenStyle.DotLine,
)


@dataclass(frozen=True)
class CurveStyle:
    """The line of a curve. ``width`` in pixels."""

    color: QColor
    dash: Qt.PenStyle = Qt.PenStyle.SolidLine
    width: float = 2.0

    def pen(self) -> QPen:
        return QPen(self.color, self.width, self.dash)


def metric_style(tokens: Tokens, index: int) -> CurveStyle:
    """The style of the ``index``-th metric of the run that is shown; the first is the main one."""
    colors = METRIC_COLORS[tokens.name]
    dash = METRIC_DASHES[index % len(METRIC_DASHES)]
    return CurveStyle(QColor(colors[index % len(colors)]), dash, 2.0 if index == 0 else 1.5)


def run_style(tokens: Tokens, index: int) -> CurveStyle:
    """The style of the ``index``-th run that is compared with it."""
    colors = RUN_COLORS[tokens.name]
    return CurveStyle(QColor(colors[index % len(colors)]), RUN_DASHES[index % len(RUN_DASHES)], 1.5)


def paint_sample(painter: QPainter, style: CurveStyle, start: QPointF, end: QPointF) -> None:
    """A piece of the line, for legends and lists."""
    painter.setPen(QPen(style.color, 2.0, style.dash))
    painter.drawLine(start, end)
