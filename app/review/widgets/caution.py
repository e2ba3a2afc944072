"""A sentence to read before the figures beside it: a sign and small text in the colour of warnings."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from app.services.theme import Theme

_SIGN = 16


class Caution(QWidget):
    """Hidden while there is nothing to say."""

    # A link in the text was opened: its address.
    link_opened = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._sign = QLabel()
        self.text = QLabel(wordWrap=True, textFormat=Qt.TextFormat.RichText)
        self.text.setProperty("role", "caution")
        self.text.setTextInteractionFlags(
            Qt.TextInteractionFlag.LinksAccessibleByMouse | Qt.TextInteractionFlag.LinksAccessibleByKeyboard
        )
        self.text.linkActivated.connect(self.link_opened)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        row.addWidget(self._sign, 0, Qt.AlignmentFlag.AlignTop)
        row.addWidget(self.text, 1)
        theme.changed.connect(self._follow_theme)
        self._paint_sign()
        self.hide()

    def show_text(self, text: str) -> None:
        """Show rich text; "" for nothing."""
        self.text.setText(text)
        self.setVisible(bool(text))

    def _follow_theme(self) -> None:
        self._paint_sign()
        # links keep the colour that they had when the text was set
        text = self.text.text()
        self.text.clear()
        self.text.setText(text)

    def _paint_sign(self) -> None:
        icon = self._theme.icon("alert-outline", color=self._theme.tokens.warning)
        self._sign.setPixmap(icon.pixmap(_SIGN, _SIGN))
