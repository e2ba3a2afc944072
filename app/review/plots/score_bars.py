"""The bars behind the threshold: how many found and false detections have each score."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QBrush, QPainter, QPixmap

from app.review.models.kind_looks import text_color
from app.services.theme import Theme
from app.widgets.painting import faded
from detcore.review.kinds import ErrorKind
from detcore.types import FloatArray, IntArray

_HOPELESS = 0.1
_LEFT_OUT = 0.3
"""How strong the bars are that do not count."""


class ScoreBars:
    """Bars of found (plain) over false (striped) detections, their height on a square root scale: at low
    scores false ones outnumber the rest by far. They are painted once; a threshold only says where the faded
    ones end."""

    def __init__(self, theme: Theme) -> None:
        self._theme = theme
        self._edges: FloatArray = np.linspace(0.0, 1.0, 2)
        self._found: FloatArray = np.zeros(1)
        self._false: FloatArray = np.zeros(1)
        self._area = QRectF()
        self._pictures: tuple[QPixmap, QPixmap] | None = None
        theme.changed.connect(self._forget)

    def set_histogram(self, edges: FloatArray, found: IntArray, false: IntArray) -> None:
        """Counts of found and false detections between the (B + 1) ``edges`` of the scores."""
        self._edges = edges
        self._found, self._false = found.astype(np.float64), false.astype(np.float64)
        self._forget()

    def paint(self, painter: QPainter, area: QRectF, threshold: float) -> None:
        """Paint them into an area whose left and right edges are the scores 0 and 1."""
        ratio = painter.device().devicePixelRatio()
        if self._pictures is None or area != self._area or self._pictures[0].devicePixelRatio() != ratio:
            self._area = area
            self._pictures = (self._picture(ratio, 1.0), self._picture(ratio, _LEFT_OUT))
        counts, left_out = self._pictures
        first = int(np.searchsorted(self._edges[1:], threshold, side="right"))
        border = float(self._edges[first]) * area.width()
        for picture, left, right in ((left_out, 0.0, border), (counts, border, area.width())):
            part = QRectF(left, 0, right - left, area.height())
            source = QRectF(part.topLeft() * ratio, part.size() * ratio)
            painter.drawPixmap(part.translated(area.topLeft()), picture, source)

    def _forget(self) -> None:
        self._pictures = None

    def _picture(self, ratio: float, strength: float) -> QPixmap:
        width, floor = self._area.width(), self._area.height()
        picture = QPixmap(QSize(round(width * ratio), round(floor * ratio)))
        picture.setDevicePixelRatio(ratio)
        picture.fill(Qt.GlobalColor.transparent)
        painter = QPainter(picture)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        found_color = faded(text_color(self._theme, ErrorKind.TP), strength)
        false_color = text_color(self._theme, ErrorKind.FP)
        stripes = QBrush(faded(false_color, strength), Qt.BrushStyle.BDiagPattern)
        for bar, (height, found) in enumerate(self._heights(floor)):
            left, right = self._edges[bar] * width + 0.5, self._edges[bar + 1] * width - 0.5
            painter.fillRect(QRectF(left, floor - found, right - left, found), found_color)
            false = QRectF(left, floor - height, right - left, height - found)
            painter.fillRect(false, faded(false_color, 0.35 * strength))
            painter.fillRect(false, stripes)
        painter.end()
        return picture

    def _heights(self, room: float) -> list[tuple[float, float]]:
        """Of each bar the whole height and that of what was found."""
        total = self._found + self._false
        # Detectors give out many hopeless scores; measured by those, no other bar could be seen.
        worth = total[self._edges[:-1] >= _HOPELESS]
        highest = float(worth.max(initial=0.0)) or float(total.max(initial=0.0)) or 1.0
        heights = np.sqrt(np.minimum(total / highest, 1.0)) * room
        share = np.divide(self._found, total, out=np.zeros_like(total), where=total > 0)
        return list(zip(heights.tolist(), (heights * share).tolist(), strict=True))
