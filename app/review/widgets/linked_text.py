"""Sentences with links beside figures, plain or as a caution."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from app.services.theme import Theme

_SIGN = 16


class LinkedText(QLabel):
    """Rich text; its links are opened by mouse or keyboard. Hidden while there is none."""

    def __init__(self, theme: Theme, role: str) -> None:
        super().__init__(wordWrap=True, textFormat=Qt.TextFormat.RichText)
        self.setProperty("role", role)
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.LinksAccessibleByMouse | Qt.TextInteractionFlag.LinksAccessibleByKeyboard
        )
        theme.changed.connect(self._follow_theme)
        self.hide()

    def show_text(self, text: str) -> None:
        self.setText(text)
        self.setVisible(bool(text))

    def _follow_theme(self) -> None:
        # links keep the colour that they had when the text was set
        text = self.text()
        self.clear()
        self.setText(text)


class Caution(QWidget):
    """A sign and small text in the colour of warnings. Hidden while there is nothing to say."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._sign = QLabel()
        self.text = LinkedText(theme, "caution")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        row.addWidget(self._sign, 0, Qt.AlignmentFlag.AlignTop)
        row.addWidget(self.text, 1)
        theme.changed.connect(self._paint_sign)
        self._paint_sign()
        self.hide()

    def show_text(self, text: str) -> None:
        """Show rich text; "" for nothing."""
        self.text.show_text(text)
        self.setVisible(bool(text))

    def _paint_sign(self) -> None:
        icon = self._theme.icon("alert-outline", color=self._theme.tokens.warning)
        self._sign.setPixmap(icon.pixmap(_SIGN, _SIGN))
