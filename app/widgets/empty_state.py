"""What a place without content says: what would be here, and how to get it."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.services.theme import Theme

ICON = 48
TEXT_WIDTH = 420


class EmptyState(QWidget):
    """Icon, title, text and at most one button.

    Signals:
        pressed(): the button.
    """

    pressed = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._theme = theme
        self._icon_name = ""
        centre = Qt.AlignmentFlag.AlignHCenter
        self._icon = QLabel(alignment=centre)
        self.title = QLabel(alignment=centre, wordWrap=True)
        self.title.setProperty("role", "title")
        self.text = QLabel(alignment=centre, wordWrap=True)
        self.text.setProperty("role", "muted")
        self.text.setMaximumWidth(TEXT_WIDTH)
        self.button = QPushButton()
        layout = QVBoxLayout(self)
        layout.setSpacing(12)
        layout.addStretch(2)
        layout.addWidget(self._icon)
        layout.addWidget(self.title)
        middle = QHBoxLayout()
        middle.addStretch(1)
        middle.addWidget(self.text, TEXT_WIDTH)
        middle.addStretch(1)
        layout.addLayout(middle)
        layout.addSpacing(4)
        layout.addWidget(self.button, 0, centre)
        layout.addStretch(3)
        self.button.clicked.connect(self.pressed)
        theme.changed.connect(self._paint_icon)

    def show_state(self, icon: str, title: str, text: str, button: str = "") -> None:
        self._icon_name = icon
        self.title.setText(title)
        self.text.setText(text)
        self.button.setText(button)
        self.button.setVisible(bool(button))
        self._paint_icon()

    def _paint_icon(self) -> None:
        if self._icon_name:
            self._icon.setPixmap(self._theme.icon(self._icon_name).pixmap(ICON, ICON))
