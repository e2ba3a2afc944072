"""The report of a review as PDF."""

from __future__ import annotations

import os
from pathlib import Path

from PySide6.QtCore import QBuffer, QMarginsF, QSizeF
from PySide6.QtGui import QGuiApplication, QPageLayout, QPageSize, QPainter, QPdfWriter

from app.printing.contents import contents
from app.printing.pages import paginate
from app.printing.style import MUTED, SMALL, UNITS_PER_POINT, pt
from app.printing.text import Run, Text
from app.services.screen import has_screen
from detcore.report.blocks import Page

_MARGINS = QMarginsF(12, 14, 12, 14)
_FOOTER = pt(20)


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
