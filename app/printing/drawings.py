"""The drawings and pictures of a report, painted as lines and letters on paper."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPainterPath, QPen
from PySide6.QtSvg import QSvgRenderer

from app.printing.signs import LINE_STYLES, paint_bar, paint_stripes
from app.printing.style import LINE, pt, svg_style
from app.services.theme import FALSE_NEGATIVE, FALSE_POSITIVE, TRUE_POSITIVE
from detcore.report.blocks import Crop, CropBox, Plot
from detcore.report.markup import Markup, tag

_BOXES = {"tp": QColor(TRUE_POSITIVE), "fp": QColor(FALSE_POSITIVE), "fn": QColor(FALSE_NEGATIVE)}
_CASING = QColor(0, 0, 0, 166)


class Drawing:
    """A plot, as wide as it is given."""

    def __init__(self, plot: Plot) -> None:
        self._plot = plot

    def height(self, width: float) -> float:
        return width * self._plot.height / self._plot.width

    def paint(self, painter: QPainter, x: float, y: float, width: float) -> None:
        whole = QRectF(x, y, width, self.height(width))
        self._paint_svg(painter, whole, self._plot.below)
        scale = width / self._plot.width
        for bar in self._plot.bars:
            left, top = x + bar.x * scale, y + bar.y * scale
            paint_bar(painter, QRectF(left, top, bar.width * scale, bar.height * scale), bar.kind)
        self._paint_svg(painter, whole, self._plot.above)

    def _paint_svg(self, painter: QPainter, place: QRectF, inside: Markup) -> None:
        size = f"0 0 {self._plot.width:g} {self._plot.height:g}"
        style = tag("style", Markup(svg_style()))
        svg = tag("svg", style, inside, xmlns="http://www.w3.org/2000/svg", viewBox=size)
        QSvgRenderer(svg.encode()).render(painter, place)


class Picture:
    """A part of an image in a square, boxes drawn over it with the lines of the window."""

    def __init__(self, crop: Crop) -> None:
        self._image = QImage.fromData(crop.jpeg)
        self._filled, self._boxes = crop.filled, crop.boxes

    def height(self, width: float) -> float:
        return width

    def paint(self, painter: QPainter, x: float, y: float, width: float) -> None:
        painter.save()
        outline = QPainterPath()
        outline.addRoundedRect(QRectF(x, y, width, width), pt(2), pt(2))
        painter.setClipPath(outline)
        painter.fillRect(QRectF(x, y, width, width), LINE)
        painter.drawImage(QRectF(x, y, width * self._filled[0], width * self._filled[1]), self._image)
        for box in self._boxes:
            x1, y1, x2, y2 = (edge * width for edge in box.edges)
            _paint_box(painter, QRectF(x + x1, y + y1, x2 - x1, y2 - y1), box)
        painter.restore()


def _paint_box(painter: QPainter, rect: QRectF, box: CropBox) -> None:
    """With a dark casing below it."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(_CASING, pt(3.0 if box.main else 2.4), j=Qt.PenJoinStyle.MiterJoin))
    painter.drawRect(rect)
    color = QColor(_BOXES[box.kind])
    if box.main and box.kind == "fn":
        paint_stripes(painter, rect, color, width=pt(0.7), gap=pt(4.5))
    color = color.lighter(125)
    color.setAlphaF(1.0 if box.main else 0.85)
    width = pt(1.6 if box.main else 1.0)
    painter.setPen(QPen(color, width, LINE_STYLES[box.kind], Qt.PenCapStyle.FlatCap))
    painter.drawRect(rect)
