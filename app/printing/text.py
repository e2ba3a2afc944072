"""Runs of text set into lines, with a sign before them where there is one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QTextCharFormat, QTextLayout, QTextOption

from app.printing.signs import Sign
from app.printing.style import BODY, LINE_SPACING, TEXT, font, pt

_ENDLESS = 1e7


@dataclass(frozen=True, kw_only=True)
class Run:
    """Text in one look."""

    text: str
    size: float = BODY
    bold: bool = False
    color: str = TEXT


class Text:
    """Wraps at words, or anywhere in one that is too long; with ``elided`` it stays in one line."""

    def __init__(
        self,
        runs: Sequence[Run],
        *,
        sign: Sign | None = None,
        align: Qt.AlignmentFlag = Qt.AlignmentFlag.AlignLeft,
        elided: bool = False,
    ) -> None:
        self.runs = tuple(run for run in runs if run.text) or (Run(text=""),)
        self._sign, self._align, self._elided = sign, align, elided

    @property
    def text(self) -> str:
        return "".join(run.text for run in self.runs)

    def natural_width(self) -> float:
        """What it takes in one line."""
        layout, _ = self._lines(_ENDLESS)
        return (
            self._indent()
            + max(layout.lineAt(row).naturalTextWidth() for row in range(layout.lineCount()))
            + pt(0.1)
        )

    def height(self, width: float) -> float:
        return self._lines(width - self._indent())[1]

    def paint(self, painter: QPainter, x: float, y: float, width: float) -> None:
        indent = self._indent()
        layout, height = self._lines(width - indent)
        if self._sign is not None:
            line = height / layout.lineCount()
            middle = y + line / 2
            at = QRectF(x, middle - self._sign.height / 2, self._sign.width, self._sign.height)
            self._sign.paint(painter, at)
        layout.draw(painter, QPointF(x + indent, y))

    def _indent(self) -> float:
        return 0.0 if self._sign is None else self._sign.width + pt(4)

    def _lines(self, width: float) -> tuple[QTextLayout, float]:
        """Laid out, and how high it is."""
        runs = self.runs
        if self._elided:
            metrics = QFontMetricsF(font(runs[0].size, bold=runs[0].bold))
            runs = (
                replace(runs[0], text=metrics.elidedText(self.text, Qt.TextElideMode.ElideMiddle, width)),
            )
        layout = QTextLayout("".join(run.text for run in runs), font(max(run.size for run in runs)))
        option = QTextOption(self._align)
        option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        option.setUseDesignMetrics(True)
        layout.setTextOption(option)
        layout.setFormats(_formats(runs))
        layout.beginLayout()
        y = 0.0
        line = layout.createLine()
        while line.isValid():
            line.setLineWidth(max(width, pt(4)))
            extra = line.height() * (LINE_SPACING - 1)
            line.setPosition(QPointF(0, y + extra / 2))
            y += line.height() + extra
            line = layout.createLine()
        layout.endLayout()
        return layout, y


def _formats(runs: Sequence[Run]) -> list[QTextLayout.FormatRange]:
    formats: list[QTextLayout.FormatRange] = []
    start = 0
    for run in runs:
        look = QTextCharFormat()
        look.setFont(font(run.size, bold=run.bold))
        look.setForeground(QColor(run.color))
        part = QTextLayout.FormatRange()
        # positions are in UTF-16, where some signs take two places
        part.start, part.length = start, len(run.text.encode("utf-16-le")) // 2  # type: ignore[assignment]
        part.format = look  # type: ignore[assignment]
        formats.append(part)
        start += part.length  # type: ignore[operator]
    return formats
