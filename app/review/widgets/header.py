"""The strip across the top of the Review page: threshold, tiles, and a note on the images."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.review.widgets.metric_tiles import MetricTiles
from app.review.widgets.threshold_slider import ThresholdSlider
from app.services.theme import Theme


class ReviewHeader(QWidget):
    """Lays out the slider and the tiles; whoever owns it connects them."""

    # A link in the note was opened: its address.
    link_opened = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.slider = ThresholdSlider(theme)
        self.tiles = MetricTiles(theme)
        self.note = QLabel(textFormat=Qt.TextFormat.RichText)
        self.note.setProperty("role", "small")
        self.note.setWordWrap(True)
        self.note.setContentsMargins(10, 0, 8, 4)
        self.note.setTextInteractionFlags(
            Qt.TextInteractionFlag.LinksAccessibleByMouse | Qt.TextInteractionFlag.LinksAccessibleByKeyboard
        )
        self.note.linkActivated.connect(self.link_opened)
        theme.changed.connect(self._follow_theme)
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
        self.show_note("")

    def show_note(self, text: str) -> None:
        """Show rich text; "" for nothing."""
        self.note.setText(text)
        self.note.setVisible(bool(text))

    def _follow_theme(self) -> None:
        # links keep the colour that they had when the text was set
        text = self.note.text()
        self.note.clear()
        self.note.setText(text)
