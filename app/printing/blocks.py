"""What a page is made of: each has a height at a width, and paints itself there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter, QPen

from app.printing.style import LINE, PAPER, pt
from app.printing.text import Text


class Block(Protocol):
    """Something that is never cut by the end of a page."""

    def height(self, width: float) -> float: ...

    def paint(self, painter: QPainter, x: float, y: float, width: float) -> None: ...


@dataclass(frozen=True, kw_only=True)
class Flowing:
    """A block in the flow of pages: the space above it unless it is the first of its page, whether it stays
    on the page of the next one, and what is repeated above it when it is the first of its page."""

    block: Block
    space: float = 0.0
    with_next: bool = False
    head: Block | None = None


class Stack:
    """Blocks below one another that stay together."""

    def __init__(self, parts: Sequence[Flowing]) -> None:
        self._parts = tuple(parts)

    def height(self, width: float) -> float:
        spaces = sum(part.space for part in self._parts[1:])
        return spaces + sum(part.block.height(width) for part in self._parts)

    def paint(self, painter: QPainter, x: float, y: float, width: float) -> None:
        for number, part in enumerate(self._parts):
            y += part.space if number else 0.0
            part.block.paint(painter, x, y, width)
            y += part.block.height(width)


class Columns:
    """Blocks side by side, as wide as ``count`` of them in a row; they stand at the top, or ``below``."""

    def __init__(self, parts: Sequence[Block], *, count: int, gap: float, below: bool = False) -> None:
        self._parts, self._count, self._gap, self._below = tuple(parts), count, gap, below

    def height(self, width: float) -> float:
        each = self._width_of_each(width)
        return max(part.height(each) for part in self._parts)

    def paint(self, painter: QPainter, x: float, y: float, width: float) -> None:
        each, height = self._width_of_each(width), self.height(width)
        for number, part in enumerate(self._parts):
            top = y + (height - part.height(each) if self._below else 0.0)
            part.paint(painter, x + number * (each + self._gap), top, each)

    def _width_of_each(self, width: float) -> float:
        return (width - self._gap * (self._count - 1)) / self._count


class Tile:
    """A number over what it is, in a frame."""

    _PADDING_X, _PADDING_Y = pt(6), pt(5)

    def __init__(self, number: Text, name: Text) -> None:
        self._inside = Stack([Flowing(block=number), Flowing(block=name)])

    def height(self, width: float) -> float:
        return self._inside.height(width - 2 * self._PADDING_X) + 2 * self._PADDING_Y

    def paint(self, painter: QPainter, x: float, y: float, width: float) -> None:
        painter.setPen(QPen(LINE, pt(0.75)))
        painter.setBrush(PAPER)
        painter.drawRoundedRect(QRectF(x, y, width, self.height(width)), pt(3), pt(3))
        self._inside.paint(painter, x + self._PADDING_X, y + self._PADDING_Y, width - 2 * self._PADDING_X)


class Key:
    """Short texts one after the other, in as many lines as they need."""

    _GAP, _LEADING = pt(12), pt(3)

    def __init__(self, entries: Sequence[Text]) -> None:
        self._entries = tuple(entries)

    def height(self, width: float) -> float:
        last, y = self._places(width)[-1]
        return y + self._entries[-1].height(width - last)

    def paint(self, painter: QPainter, x: float, y: float, width: float) -> None:
        for entry, (left, top) in zip(self._entries, self._places(width), strict=True):
            entry.paint(painter, x + left, y + top, width - left)

    def _places(self, width: float) -> list[tuple[float, float]]:
        places: list[tuple[float, float]] = []
        x = y = 0.0
        for entry in self._entries:
            needed = entry.natural_width()
            if places and x + needed > width:
                x, y = 0.0, y + entry.height(width) + self._LEADING
            places.append((x, y))
            x += needed + self._GAP
        return places


class Definitions:
    """Names at the left, what they are beside them."""

    _GAP, _LEADING = pt(12), pt(2)

    def __init__(self, entries: Sequence[tuple[Text, Text]]) -> None:
        self._entries = tuple(entries)

    def height(self, width: float) -> float:
        return sum(self._heights(width)) + self._LEADING * (len(self._entries) - 1)

    def paint(self, painter: QPainter, x: float, y: float, width: float) -> None:
        left = self._names_width()
        for (name, value), height in zip(self._entries, self._heights(width), strict=True):
            name.paint(painter, x, y, left)
            value.paint(painter, x + left + self._GAP, y, width - left - self._GAP)
            y += height + self._LEADING

    def _heights(self, width: float) -> list[float]:
        left = self._names_width()
        return [
            max(name.height(left), value.height(width - left - self._GAP)) for name, value in self._entries
        ]

    def _names_width(self) -> float:
        return max(name.natural_width() for name, _ in self._entries)
