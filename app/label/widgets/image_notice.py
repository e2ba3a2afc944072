"""What is the matter with the image that is shown, and what can be done about it: a strip above the canvas."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QWidget

from app.services.theme import Theme

_SIGN = 18

Choice = tuple[str, str, Callable[[], object]]
"""A button's words, its tooltip, and what it does."""


class ImageNotice(QWidget):
    """Hidden while there is nothing to say."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "notice")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._theme = theme
        self._sign = QLabel()
        self.text = QLabel(wordWrap=True)
        self.buttons: list[QPushButton] = []
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(12, 6, 8, 6)
        self._row.setSpacing(8)
        self._row.addWidget(self._sign)
        self._row.addWidget(self.text, 1)
        theme.changed.connect(self._paint_sign)
        self._paint_sign()
        self.hide()

    def show_notice(self, text: str, choices: Sequence[Choice] = ()) -> None:
        """Say something, with a button for each thing to do about it; "" for nothing."""
        for button in self.buttons:
            self._row.removeWidget(button)
            button.deleteLater()
        self.buttons = []
        self.text.setText(text)
        for words, tip, act in choices:
            button = QPushButton(words)
            button.setToolTip(tip)
            # the keys stay with the canvas
            button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            button.clicked.connect(act)
            self._row.addWidget(button)
            self.buttons.append(button)
        self.setVisible(bool(text))

    def _paint_sign(self) -> None:
        icon = self._theme.icon("alert-outline", color=self._theme.tokens.warning)
        self._sign.setPixmap(icon.pixmap(_SIGN, _SIGN))
