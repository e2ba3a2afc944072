"""One message in the status bar, where a place is kept for it; it never takes the focus."""

from __future__ import annotations

from collections import deque
from html import escape

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QToolButton, QWidget

from app.messages import Message
from app.theme import Theme
from app.widgets.short_text import ShortText

STAY_MS = {"info": 8000, "success": 8000, "warning": 0, "error": 0}
ICONS = {
    "info": "information-outline",
    "success": "check-circle-outline",
    "warning": "alert-outline",
    "error": "alert-circle-outline",
}
COLORS = {"info": "accent", "success": "success", "warning": "warning", "error": "danger"}


FRESH_MS = 4000
"""How long a message that offers something is not pushed away by the next one."""


class MessageBar(QFrame):
    """Shows the latest message with its action.

    Warnings and errors stay until they are closed. So does what offers something, for as long as the offer
    applies; a message that comes in between passes in front of it.

    Signals:
        changed(): another message is shown, or none.
    """

    changed = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "message")
        self._theme = theme
        self._icon = QLabel()
        self.text = ShortText()
        self.action = QPushButton()
        self.action.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.action.setProperty("role", "link")
        self.close_button = QToolButton()
        self.close_button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.close_button.setToolTip("Close")
        self._timer = QTimer(self, singleShot=True)
        self._fresh = QTimer(self, singleShot=True, interval=FRESH_MS)
        self._waiting: deque[Message] = deque()
        self._message: Message | None = None
        self._behind: Message | None = None
        layout = QHBoxLayout(self)
        layout.setContentsMargins(10, 0, 4, 0)
        layout.setSpacing(8)
        layout.addWidget(self._icon)
        layout.addWidget(self.text, 1)
        layout.addWidget(self.action)
        layout.addWidget(self.close_button)
        self._timer.timeout.connect(self.dismiss)
        self._fresh.timeout.connect(self._show_next)
        self.close_button.clicked.connect(self.dismiss)
        self.action.clicked.connect(self.act)
        theme.changed.connect(self._paint_icons)
        self._paint_icons()
        self.hide()

    @property
    def offers(self) -> bool:
        """Whether the message that is shown can do something."""
        return self._message is not None and self._message.offers

    def show_message(self, message: Message) -> None:
        """Show it now, or after the one that has just begun to offer something; errors wait for nothing."""
        if message.level == "error":
            self._fresh.stop()  # what waits does so until the error is closed
            self.show_now(message)
        elif self._fresh.isActive():
            self._waiting.append(message)
        else:
            self.show_now(message)

    def show_now(self, message: Message) -> None:
        if message.action is not None:
            self._behind = None
        elif self.offers:
            self._behind = self._message
        self._message = message
        self.text.setText(message.text)
        whole = escape("\n\n".join(part for part in (message.text, message.details) if part))
        self.text.setToolTip(f"<p style='white-space:pre-wrap'>{whole}</p>")
        self.action.setVisible(message.action is not None)
        if message.action is not None:
            self.action.setText(message.action[0])
        self.setProperty("level", message.level)
        self.style().unpolish(self)
        self.style().polish(self)
        self._paint_icons()
        self.show()
        stay = STAY_MS[message.level] if message.action is None else 0
        self._timer.stop()
        if stay:
            self._timer.start(stay)
        if message.action is not None:
            self._fresh.start()
        self.changed.emit()

    def dismiss(self) -> None:
        """Take the message away; the next one that waits is shown."""
        self._message = None
        self._timer.stop()
        self._fresh.stop()
        self.hide()
        self.changed.emit()
        self._show_next()

    def withdraw(self) -> None:
        """Take away all that is shown, or waits to be."""
        self._waiting.clear()
        self._behind = None
        if self._message is not None:
            self.dismiss()

    def look_again(self) -> None:
        """Take away what offers something that no longer applies."""
        if self._message is not None and self._message.action is not None and not self.offers:
            self.dismiss()

    def act(self) -> None:
        """Do what the message offers."""
        message = self._message
        self.dismiss()
        if message is not None and message.action is not None and message.applies():
            message.action[1]()

    def _show_next(self) -> None:
        while self._waiting:
            message = self._waiting.popleft()
            if message.action is None or message.offers:
                self.show_message(message)
                return
        behind = self._behind
        if self._message is None and behind is not None and behind.offers:
            self.show_now(behind)

    def _paint_icons(self) -> None:
        level = self._message.level if self._message else "info"
        color = getattr(self._theme.tokens, COLORS[level])
        self._icon.setPixmap(self._theme.icon(ICONS[level], color=color).pixmap(18, 18))
        self.close_button.setIcon(self._theme.icon("close"))
