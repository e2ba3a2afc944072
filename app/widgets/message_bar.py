"""One message at the bottom of the window, which never takes the focus."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QToolButton, QWidget

from app.messages import Message
from app.theme import Theme

STAY_MS = {"info": 8000, "success": 8000, "warning": 0, "error": 0}
ICONS = {
    "info": "information-outline",
    "success": "check-circle-outline",
    "warning": "alert-outline",
    "error": "alert-circle-outline",
}
COLORS = {"info": "accent", "success": "success", "warning": "warning", "error": "danger"}


class MessageBar(QFrame):
    """Shows the latest message with its action; warnings and errors stay until they are closed."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "message")
        self._theme = theme
        self._icon = QLabel()
        self.text = QLabel(wordWrap=True, textInteractionFlags=Qt.TextInteractionFlag.TextSelectableByMouse)
        self.action = QPushButton()
        self.action.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.action.setProperty("role", "link")
        self.close_button = QToolButton()
        self.close_button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.close_button.setToolTip("Close")
        self._timer = QTimer(self, singleShot=True)
        self._message: Message | None = None
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 6, 6, 6)
        layout.setSpacing(8)
        layout.addWidget(self._icon)
        layout.addWidget(self.text, 1)
        layout.addWidget(self.action)
        layout.addWidget(self.close_button)
        self._timer.timeout.connect(self.hide)
        self.close_button.clicked.connect(self.hide)
        self.action.clicked.connect(self._act)
        theme.changed.connect(self._paint_icons)
        self._paint_icons()
        self.hide()

    def show_message(self, message: Message) -> None:
        self._message = message
        self.text.setText(message.text)
        self.text.setToolTip(message.details)
        self.action.setVisible(message.action is not None)
        if message.action is not None:
            self.action.setText(message.action[0])
        self.setProperty("level", message.level)
        self.style().unpolish(self)
        self.style().polish(self)
        self._paint_icons()
        self.show()
        stay = STAY_MS[message.level]
        self._timer.stop()
        if stay:
            self._timer.start(stay)

    def _act(self) -> None:
        message = self._message
        self.hide()
        if message is not None and message.action is not None:
            message.action[1]()

    def _paint_icons(self) -> None:
        level = self._message.level if self._message else "info"
        color = getattr(self._theme.tokens, COLORS[level])
        self._icon.setPixmap(self._theme.icon(ICONS[level], color=color).pixmap(18, 18))
        self.close_button.setIcon(self._theme.icon("close"))
