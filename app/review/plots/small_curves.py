"""Small pictures of precision over recall, painted once for each curve."""

from __future__ import annotations

from weakref import WeakKeyDictionary

from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPixmap, QPolygonF

from app.review.models.score_curve import ScoreCurve
from app.services.theme import Theme
from app.widgets.painting import faded, polyline

_POINTS = 64
_MARGIN_X, _MARGIN_Y = 4, 8


class SmallCurves:
    """Paints a curve into a cell, and a dot where the threshold is; only the dot is painted anew each
    time."""

    def __init__(self, theme: Theme) -> None:
        self._theme = theme
        self._pictures: WeakKeyDictionary[ScoreCurve, QPixmap] = WeakKeyDictionary()
        theme.changed.connect(self._pictures.clear)

    def paint(self, painter: QPainter, cell: QRect, curve: ScoreCurve, threshold: float) -> None:
        ratio = painter.device().devicePixelRatio()
        picture = self._pictures.get(curve)
        if picture is None or picture.size() != cell.size() * ratio:
            picture = self._picture(curve, cell, ratio)
            self._pictures[curve] = picture
        painter.drawPixmap(cell.topLeft(), picture)
        at = curve.row_at(threshold)
        if at >= 0:
            area = _area(cell)
            x = area.left() + float(curve.recall[at]) * area.width()
            y = area.bottom() - float(curve.precision[at]) * area.height()
            painter.setPen(QPen(self._theme.color("panel"), 1))
            painter.setBrush(curve.color_in(self._theme))
            painter.drawEllipse(QPointF(x, y), 3, 3)

    def _picture(self, curve: ScoreCurve, cell: QRect, ratio: float) -> QPixmap:
        picture = QPixmap(cell.size() * ratio)
        picture.setDevicePixelRatio(ratio)
        picture.fill(Qt.GlobalColor.transparent)
        painter = QPainter(picture)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = _area(QRect(0, 0, cell.width(), cell.height()))
        painter.setPen(QPen(self._theme.color("line"), 1))
        painter.drawRect(area)
        if len(curve.scores):
            step = max(len(curve.scores) // _POINTS, 1)
            xs = area.left() + curve.recall[::step] * area.width()
            ys = area.bottom() - curve.precision[::step] * area.height()
            self._paint_curve(painter, polyline(xs, ys), area.bottom(), curve.color_in(self._theme))
        painter.end()
        return picture

    def _paint_curve(self, painter: QPainter, points: QPolygonF, floor: float, color: QColor) -> None:
        if points.size() > 1:
            first, last = points.first(), points.last()
            under = QPolygonF([QPointF(first.x(), floor), *points.toList(), QPointF(last.x(), floor)])
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(faded(color, 0.18))
            painter.drawPolygon(under)
        painter.setPen(QPen(color, 1.5))
        painter.drawPolyline(points)


def _area(cell: QRect) -> QRectF:
    return QRectF(cell).adjusted(_MARGIN_X, _MARGIN_Y, -_MARGIN_X, -_MARGIN_Y)
