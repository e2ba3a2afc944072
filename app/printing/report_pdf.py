"""The report of a review as PDF."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QBuffer, QMarginsF, QSizeF
from PySide6.QtGui import QGuiApplication, QPageLayout, QPageSize, QPainter, QPdfWriter

from app.printing.blocks import Block, Flowing
from app.printing.contents import contents
from app.printing.style import MUTED, SMALL, UNITS_PER_POINT, pt
from app.printing.text import Run, Text
from app.services.screen import has_screen
from detcore.report.blocks import Page

_MARGINS = QMarginsF(12, 14, 12, 14)
_FOOTER = pt(20)
_AHEAD = 3
"""From how many sections on one may come forward to fill a page."""


def write_pdf(out: Path, page: Page) -> None:
    """Write a report as PDF on A4; needs a QGuiApplication, and may run in any thread.

    Raises:
        OSError: the file cannot be written.
    """
    buffer = QBuffer()
    buffer.open(QBuffer.OpenModeFlag.WriteOnly)
    writer = QPdfWriter(buffer)
    writer.setTitle(page.title)
    writer.setCreator("Reticle")
    writer.setResolution(72 * UNITS_PER_POINT)
    paper, upright = QPageSize(QPageSize.PageSizeId.A4), QPageLayout.Orientation.Portrait
    writer.setPageLayout(QPageLayout(paper, upright, _MARGINS, QPageLayout.Unit.Millimeter))
    size = QSizeF(writer.width(), writer.height() - _FOOTER)
    pages = paginate(contents(page, width=size.width()), width=size.width(), height=size.height())
    painter = QPainter(writer)
    for number, placed in enumerate(pages, start=1):
        if number > 1:
            writer.newPage()
        for one in placed:
            one.block.paint(painter, 0.0, one.y, size.width())
        _paint_footer(painter, page.title, f"{number} / {len(pages)}", size)
    painter.end()
    out.write_bytes(buffer.data().data())


def write_pdf_without_window(out: Path, page: Page) -> None:
    """As ``write_pdf`` in a program that shows nothing; where there is no screen it needs none."""
    if not has_screen():
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    application = QGuiApplication.instance() or QGuiApplication(["reticle"])
    write_pdf(out, page)
    del application  # Qt's fonts live as long as it does


def _paint_footer(painter: QPainter, title: str, number: str, size: QSizeF) -> None:
    right = Text([Run(text=number, size=SMALL, color=MUTED)])
    left = Text([Run(text=title, size=SMALL, color=MUTED)], elided=True)
    width = right.natural_width()
    y = size.height() + _FOOTER - right.height(width)
    left.paint(painter, 0.0, y, size.width() - width - pt(12))
    right.paint(painter, size.width() - width, y, width)


@dataclass(frozen=True, kw_only=True)
class Placed:
    """A block and its distance from the top of the page."""

    block: Block
    y: float


def paginate(sections: Sequence[Sequence[Flowing]], *, width: float, height: float) -> list[list[Placed]]:
    """Pages of that size. No block is cut; one that stays with the next goes with it to the next page; a
    table that goes on has its heading again. Where a section has to begin on a new page, one of those that
    follow comes before it if the rest of the page holds it whole; the last one always comes last."""
    sheets = _Sheets(width, height)
    waiting = list(sections)
    while waiting:
        place = 0
        if not sheets.has_room_for(_together(waiting[0])):
            ahead = range(1, min(len(waiting) - 1, 1 + _AHEAD))
            place = next((number for number in ahead if sheets.has_room_for(waiting[number])), 0)
        sheets.add(waiting.pop(place))
    return sheets.pages


class _Sheets:
    """Pages as they fill."""

    def __init__(self, width: float, height: float) -> None:
        self._width, self._height = width, height
        self.pages: list[list[Placed]] = [[]]
        self._y = 0.0

    def has_room_for(self, flow: Sequence[Flowing]) -> bool:
        """Whether the page that is begun holds all of it."""
        space = flow[0].space if self.pages[-1] else 0.0
        return self._y + space + self._high(flow) <= self._height

    def add(self, flow: Sequence[Flowing]) -> None:
        for place, part in enumerate(flow):
            top = self._y + part.space if self.pages[-1] else 0.0
            if self.pages[-1] and top + self._high(_together(flow[place:])) > self._height:
                self.pages.append([])
                top = 0.0
                if part.head is not None:
                    self.pages[-1].append(Placed(block=part.head, y=0.0))
                    top = part.head.height(self._width)
            self.pages[-1].append(Placed(block=part.block, y=top))
            self._y = top + part.block.height(self._width)

    def _high(self, flow: Sequence[Flowing]) -> float:
        """Without the space above the first block."""
        return sum(part.space for part in flow[1:]) + sum(part.block.height(self._width) for part in flow)


def _together(flow: Sequence[Flowing]) -> Sequence[Flowing]:
    """The first block with those that it may not be parted from."""
    last = next((place for place, part in enumerate(flow) if not part.with_next), len(flow) - 1)
    return flow[: last + 1]
