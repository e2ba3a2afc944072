"""The strip across the top of the Review page: threshold, tiles, and a note on the images."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app.review.widgets.linked_text import LinkedText
from app.review.widgets.metric_tiles import MetricTiles
from app.review.widgets.threshold_slider import ThresholdSlider
from app.services.theme import Theme


class ReviewHeader(QWidget):
    """Lays out the slider and the tiles; whoever owns it connects them."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.slider = ThresholdSlider(theme)
        self.tiles = MetricTiles(theme)
        self.note = LinkedText(theme, "small")
        self.note.setContentsMargins(10, 0, 8, 4)
        row = QHBoxLayout()
        row.setContentsMargins(8, 6, 8, 6)
        row.setSpacing(16)
        row.addWidget(self.slider, 1)
        row.addWidget(self.tiles)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(row)
        column.addWidget(self.note)
