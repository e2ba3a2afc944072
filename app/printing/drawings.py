"""The drawings of a report, which are SVG in a page, painted as lines and letters on paper."""

from __future__ import annotations

import base64
import re
from xml.etree.ElementTree import Element

from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QImage, QPainter, QPainterPath, QPen, QPolygonF

from app.printing.signs import LINE_STYLES, paint_bar, paint_stripes
from app.printing.style import ACCENT, LINE, LINE_STRONG, MUTED, PAPER, TEXT, UNITS_PER_POINT, font, pt
from app.services.theme import FALSE_NEGATIVE, FALSE_POSITIVE, TRUE_POSITIVE

_PENS = {
    "grid": (LINE, 0.5, Qt.PenStyle.SolidLine),
    "axis": (LINE_STRONG, 0.6, Qt.PenStyle.SolidLine),
    "threshold": (QColor(TEXT), 0.9, Qt.PenStyle.DashLine),
    "curve": (ACCENT, 1.3, Qt.PenStyle.SolidLine),
    "dot": (QColor(TEXT), 1.2, Qt.PenStyle.SolidLine),
}
_BOXES = {"tp": QColor(TRUE_POSITIVE), "fp": QColor(FALSE_POSITIVE), "fn": QColor(FALSE_NEGATIVE)}
_CASING = QColor(0, 0, 0, 166)
_SMALLEST_LETTERS, _LARGEST_LETTERS = 5.2, 6.5
_LETTERS = 9.0
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_PREFIX = "data:image/jpeg;base64,"


class Plot:
    """An SVG of lines, rectangles, circles, paths of straight lines, and texts; as wide as it is given."""

    def __init__(self, svg: Element) -> None:
        self._svg = svg
        _, _, self._width, self._height = _numbers(svg.attrib["viewBox"])

    def height(self, width: float) -> float:
        return width * self._height / self._width

    def paint(self, painter: QPainter, x: float, y: float, width: float) -> None:
        scale = width / self._width
        for part in self._svg:
            kind = part.attrib.get("class", "")
            if part.tag == "text":
                _paint_letters(painter, part, QPointF(x, y), scale)
                continue
            if part.tag == "rect":
                paint_bar(painter, _rect(part, QPointF(x, y), scale), kind.removeprefix("bar-"))
                continue
            color, thickness, style = _PENS[kind]
            painter.setPen(
                QPen(color, pt(thickness), style, Qt.PenCapStyle.FlatCap, Qt.PenJoinStyle.RoundJoin)
            )
            painter.setBrush(PAPER if kind == "dot" else Qt.BrushStyle.NoBrush)
            values = [
                x + value * scale if place % 2 == 0 else y + value * scale
                for place, value in enumerate(_points(part))
            ]
            if part.tag == "line":
                painter.drawLine(QLineF(*values))
            elif part.tag == "circle":
                painter.drawEllipse(QPointF(*values), pt(2.2), pt(2.2))
            else:
                pairs = zip(values[::2], values[1::2], strict=True)
                painter.drawPolyline(QPolygonF([QPointF(*pair) for pair in pairs]))


class Picture:
    """A part of an image in a square, boxes drawn over it with the lines of the window."""

    def __init__(self, image: Element, overlay: Element) -> None:
        data = base64.b64decode(image.attrib["src"].removeprefix(_PREFIX))
        self._image = QImage.fromData(data)
        across, down = _numbers(image.attrib["style"])
        self._filled = (across / 100, down / 100)
        self._side = _numbers(overlay.attrib["viewBox"])[2]
        self._boxes = list(overlay)

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
            looks = box.attrib["class"].split()
            rect = _rect(box, QPointF(x, y), width / self._side)
            _paint_box(painter, rect, looks[-1], main="main" in looks)
        painter.restore()


def _paint_box(painter: QPainter, rect: QRectF, kind: str, *, main: bool) -> None:
    """``kind`` tp, fp or fn, or the dark casing that goes below."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    if kind == "casing":
        painter.setPen(QPen(_CASING, pt(3.0 if main else 2.4), j=Qt.PenJoinStyle.MiterJoin))
        painter.drawRect(rect)
        return
    color = QColor(_BOXES[kind])
    if main and kind == "fn":
        paint_stripes(painter, rect, color, width=pt(0.7), gap=pt(4.5))
    color = color.lighter(125)
    color.setAlphaF(1.0 if main else 0.85)
    pen = QPen(color, pt(1.6 if main else 1.0), LINE_STYLES[kind], Qt.PenCapStyle.FlatCap)
    painter.setPen(pen)
    painter.drawRect(rect)


def _paint_letters(painter: QPainter, part: Element, origin: QPointF, scale: float) -> None:
    size = _LETTERS * scale / UNITS_PER_POINT
    wanted = font(min(max(size, _SMALLEST_LETTERS), _LARGEST_LETTERS))
    text = part.text or ""
    width = QFontMetricsF(wanted).horizontalAdvance(text)
    shift = {"end": width, "middle": width / 2}.get(part.attrib.get("text-anchor", ""), 0.0)
    painter.save()
    painter.setFont(wanted)
    painter.setPen(QColor(MUTED))
    painter.translate(
        origin.x() + float(part.attrib["x"]) * scale, origin.y() + float(part.attrib["y"]) * scale
    )
    if "transform" in part.attrib:
        painter.rotate(_numbers(part.attrib["transform"])[0])
    painter.drawText(QPointF(-shift, 0.0), text)
    painter.restore()


def _points(part: Element) -> list[float]:
    """x and y by turns."""
    if part.tag == "line":
        return [float(part.attrib[name]) for name in ("x1", "y1", "x2", "y2")]
    if part.tag == "circle":
        return [float(part.attrib[name]) for name in ("cx", "cy")]
    return _numbers(part.attrib["d"])


def _rect(part: Element, origin: QPointF, scale: float) -> QRectF:
    x, y, width, height = (float(part.attrib[name]) * scale for name in ("x", "y", "width", "height"))
    return QRectF(origin.x() + x, origin.y() + y, width, height)


def _numbers(text: str) -> list[float]:
    return [float(found) for found in _NUMBER.findall(text)]
