"""The confusion matrix, small enough to stand on one page."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from app.printing.style import ACCENT, BODY, KIND_COLORS, LINE, MUTED, SMALL, TEXT, pt
from app.printing.text import Run, Text
from detcore.report.blocks import Count, Matrix

_CELL, _ROW = pt(44), pt(15.5)
_LONGEST_NAME, _HIGHEST_HEAD = pt(110), pt(62)
_PADDING = pt(2)
_SMALLEST = 4.5


class MatrixBlock:
    """Rows are labels, columns detections. Names that are wider than a column stand upright."""

    def __init__(self, matrix: Matrix) -> None:
        self._corner = Text([Run(text=matrix.corner, size=SMALL, color=MUTED)])
        self._names, self._rows = matrix.names, matrix.rows

    def height(self, width: float) -> float:
        return self._head_height(width) + _ROW * len(self._rows)

    def paint(self, painter: QPainter, x: float, y: float, width: float) -> None:
        left, cell, head = self._left(), self._cell_width(width), self._head_height(width)
        self._corner.paint(painter, x, y + head - self._corner.height(left) - _PADDING, left)
        size = self._size(cell)
        for column, name in enumerate(self._names):
            self._paint_head(painter, name, QRectF(x + left + column * cell, y, cell, head))
        for row, counts in enumerate(self._rows):
            top = y + head + row * _ROW
            _paint_centred(
                painter,
                _name(self._names[row], Qt.AlignmentFlag.AlignRight),
                QRectF(x, top, left - pt(5), _ROW),
            )
            for column, count in enumerate(counts):
                _paint_count(painter, count, QRectF(x + left + column * cell, top, cell, _ROW), size)

    def _paint_head(self, painter: QPainter, name: str, rect: QRectF) -> None:
        text = _name(name, Qt.AlignmentFlag.AlignLeft)
        needed = text.natural_width()
        if not self._stands(rect.width()):
            shift = (rect.width() - needed) / 2
            top = rect.bottom() - text.height(needed) - _PADDING
            text.paint(painter, rect.left() + shift, top, needed)
            return
        painter.save()
        painter.translate(rect.center().x() - text.height(needed) / 2, rect.bottom() - _PADDING)
        painter.rotate(-90)
        text.paint(painter, 0.0, 0.0, min(needed, _HIGHEST_HEAD))
        painter.restore()

    def _left(self) -> float:
        return max(min(self._widest_name(), _LONGEST_NAME), self._corner.natural_width()) + pt(8)

    def _widest_name(self) -> float:
        return max(_name(name, Qt.AlignmentFlag.AlignLeft).natural_width() for name in self._names)

    def _cell_width(self, width: float) -> float:
        return min((width - self._left()) / len(self._names), max(self._widest_name() + 2 * _PADDING, _CELL))

    def _stands(self, cell: float) -> bool:
        """Whether names stand upright over columns of that width."""
        return self._widest_name() > cell - _PADDING

    def _head_height(self, width: float) -> float:
        if self._stands(self._cell_width(width)):
            return min(self._widest_name(), _HIGHEST_HEAD) + 2 * _PADDING
        return self._corner.height(self._left()) + 2 * _PADDING

    def _size(self, cell: float) -> float:
        """Of the counts, so that the longest stays in its cell."""
        widest = max(Text([Run(text=count.text)]).natural_width() for row in self._rows for count in row)
        return max(min(BODY, BODY * (cell - _PADDING) / max(widest, 1.0)), _SMALLEST)


def _name(name: str, align: Qt.AlignmentFlag) -> Text:
    return Text([Run(text=name, size=SMALL, color=MUTED)], align=align, elided=True)


def _paint_count(painter: QPainter, count: Count, rect: QRectF, size: float) -> None:
    shade = QColor(ACCENT)
    shade.setAlphaF(min(count.share, 1.0) * 0.5)
    painter.setPen(QPen(LINE, pt(0.5)))
    painter.setBrush(shade)
    painter.drawRect(rect)
    if count.agrees:
        inside = pt(1.3)
        painter.setPen(QPen(KIND_COLORS["tp"], pt(1.1)))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(rect.adjusted(inside, inside, -inside, -inside))
    color = MUTED if count.share == 0 else TEXT
    run = Run(text=count.text, size=size, color=color)
    _paint_centred(painter, Text([run], align=Qt.AlignmentFlag.AlignHCenter), rect)


def _paint_centred(painter: QPainter, text: Text, rect: QRectF) -> None:
    top = rect.top() + (rect.height() - text.height(rect.width())) / 2
    text.paint(painter, rect.left(), top, rect.width())
