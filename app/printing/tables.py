"""Tables: how wide their columns are, and their rows as blocks, so that a long one goes on on the next
page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from PySide6.QtCore import QLineF, QRectF
from PySide6.QtGui import QPainter, QPen

from app.printing.blocks import Columns, Flowing
from app.printing.style import ACCENT, LINE, LINE_STRONG, pt

_PADDING_X, _PADDING_Y = pt(3.5), pt(1.7)
_NARROWEST = pt(40)
_NAME, _FEW = pt(90), 4


class Cell(Protocol):
    """What stands in a table: a block that knows how wide it would like to be."""

    def natural_width(self) -> float: ...

    def height(self, width: float) -> float: ...

    def paint(self, painter: QPainter, x: float, y: float, width: float) -> None: ...


class ShareBar:
    """A share of 1 as a small bar."""

    _HEIGHT = pt(5.5)

    def __init__(self, share: float) -> None:
        self._share = share

    def natural_width(self) -> float:
        return pt(44)

    def height(self, width: float) -> float:
        return pt(10)

    def paint(self, painter: QPainter, x: float, y: float, width: float) -> None:
        bar = QRectF(x, y + (self.height(width) - self._HEIGHT) / 2, width, self._HEIGHT)
        painter.fillRect(bar, LINE)
        bar.setWidth(width * self._share)
        painter.fillRect(bar, ACCENT)


class Row:
    """Cells in columns of given widths, a line below."""

    def __init__(self, cells: Sequence[Cell], widths: Sequence[float], *, heading: bool = False) -> None:
        self._cells, self._widths, self._heading = tuple(cells), tuple(widths), heading

    def height(self, width: float) -> float:
        return max(cell.height(inner) for cell, (_, inner) in self._places()) + 2 * _PADDING_Y

    def paint(self, painter: QPainter, x: float, y: float, width: float) -> None:
        height = self.height(width)
        for cell, (left, inner) in self._places():
            top = height - _PADDING_Y - cell.height(inner) if self._heading else _PADDING_Y
            cell.paint(painter, x + left, y + top, inner)
        painter.setPen(QPen(LINE_STRONG if self._heading else LINE, pt(0.5)))
        painter.drawLine(QLineF(x, y + height, x + width, y + height))

    def _places(self) -> list[tuple[Cell, tuple[float, float]]]:
        """Each cell with its left edge and its width inside the padding; the first begins at the very
        left."""
        places: list[tuple[Cell, tuple[float, float]]] = []
        left = 0.0
        for number, (cell, width) in enumerate(zip(self._cells, self._widths, strict=True)):
            start = left if number == 0 else left + _PADDING_X
            places.append((cell, (start, left + width - _PADDING_X - start)))
            left += width
        return places


def narrow_rows(
    head: Sequence[Cell], rows: Sequence[Sequence[Cell]], *, width: float, gap: float
) -> list[Flowing]:
    """Rows that are read from left to right, two at a time; below one another where they are too wide for
    that. The first column gives way."""
    half = (width - gap) / 2
    columns = _natural_widths([head, *rows])
    if sum(columns[1:]) + _NAME > half or len(rows) < _FEW:
        return table_rows(head, rows, width=width)
    columns[0] = min(columns[0], half - sum(columns[1:]))
    widths = fit_columns(columns, half)
    heading = Columns([Row(head, widths, heading=True)] * 2, count=2, gap=gap)
    single = [Row(cells, widths) for cells in rows]
    pairs = [Columns(single[start : start + 2], count=2, gap=gap) for start in range(0, len(single), 2)]
    return [Flowing(block=heading, with_next=True), *(Flowing(block=pair, head=heading) for pair in pairs)]


def table_rows(
    head: Sequence[Cell], rows: Sequence[Sequence[Cell]], *, width: float, roomy: int | None = None
) -> list[Flowing]:
    """The rows of a table as wide as ``width``, its heading repeated on each page. The column ``roomy`` takes
    what the others leave, else all share it. With too little room the widest give way and wrap."""
    columns = _natural_widths([head, *rows] if head else rows)
    widths = fit_columns(columns, width, roomy=roomy)
    heading = Row(head, widths, heading=True) if head else None
    flow = [Flowing(block=heading, with_next=True)] if heading else []
    return flow + [Flowing(block=Row(cells, widths), head=heading) for cells in rows]


def _natural_widths(rows: Sequence[Sequence[Cell]]) -> list[float]:
    """How wide each column would like to be."""
    return [
        max(cells[place].natural_width() for cells in rows) + _PADDING_X * (2 if place else 1)
        for place in range(len(rows[0]))
    ]


def fit_columns(natural: Sequence[float], width: float, *, roomy: int | None = None) -> list[float]:
    """Widths that make up ``width``."""
    spare = width - sum(natural)
    if spare >= 0:
        if roomy is not None:
            return [one + spare * (place == roomy) for place, one in enumerate(natural)]
        return [one * width / sum(natural) for one in natural]
    give = [max(one - _NARROWEST, 0.0) for one in natural]
    if sum(give) < -spare:
        return [one * width / sum(natural) for one in natural]
    # those that are wider than the level come down to it, and no other has to wrap
    low, high = _NARROWEST, max(natural)
    for _ in range(40):
        level = (low + high) / 2
        if sum(min(one, level) for one in natural) > width:
            high = level
        else:
            low = level
    widths = [min(one, low) for one in natural]
    widths[max(range(len(natural)), key=lambda place: natural[place])] += width - sum(widths)
    return widths
