"""Boxes as small pictures side by side, to see at a glance what they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.canvas.style import CASING_COLOR
from app.services.theme import SMALL_TEXT, Theme
from app.widgets.crops import Crops, Edges
from app.widgets.painting import sized_font

_SIDE, _GAP, _LINE = 78, 8, 16
_COLUMNS, _ROWS = 5, 4
MOST = _COLUMNS * _ROWS


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A box of an image file, the colour of its class, and what is said below it."""

    path: Path
    box: Edges
    color: QColor
    text: str


class CropGrid(QWidget):
    """Shows up to ``MOST`` of them; those whose picture is not there yet are grey."""

    def __init__(self, crops: Crops, theme: Theme) -> None:
        """``crops`` outlive it: some may be in the making when it closes."""
        super().__init__()
        self._theme = theme
        self._samples: Sequence[Sample] = ()
        self._crops = crops
        self._crops.arrived.connect(self.update)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Samples")

    def show_samples(self, samples: Sequence[Sample]) -> None:
        self._samples = samples[:MOST]
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(_COLUMNS * (_SIDE + _GAP) - _GAP, _ROWS * (_SIDE + _LINE + _GAP) - _GAP)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.setFont(sized_font(self, SMALL_TEXT))
        for number, sample in enumerate(self._samples):
            column, row = number % _COLUMNS, number // _COLUMNS
            area = QRectF(column * (_SIDE + _GAP), row * (_SIDE + _LINE + _GAP), _SIDE, _SIDE)
            self._paint(painter, area, sample)

    def _paint(self, painter: QPainter, area: QRectF, sample: Sample) -> None:
        crop = self._crops.request(sample.path, sample.box)
        if crop is None:
            painter.fillRect(area, self._theme.color("surround"))
        else:
            painter.drawImage(area, crop.image)
            place = QPointF(crop.box.x(), crop.box.y()) * _SIDE + area.topLeft()
            box = QRectF(place.x(), place.y(), crop.box.width() * _SIDE, crop.box.height() * _SIDE)
            for color, width in ((CASING_COLOR, 3.0), (sample.color, 1.5)):
                painter.setPen(QPen(color, width))
                painter.drawRect(box)
        painter.setPen(self._theme.color("text_muted"))
        below = QRectF(area.left(), area.bottom(), _SIDE, _LINE)
        text = painter.fontMetrics().elidedText(sample.text, Qt.TextElideMode.ElideMiddle, _SIDE)
        painter.drawText(below, Qt.AlignmentFlag.AlignCenter, text)
