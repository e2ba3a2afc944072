"""One message in the status bar, where a place is kept for it; it never takes the focus."""

from __future__ import annotations

from datetime import datetime, timedelta
from html import escape

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QToolButton, QWidget

from app.services.messages import Message
from app.services.theme import Theme
from app.shell.short_text import ShortText

STAY_MS = {"info": 8000, "success": 8000, "warning": 0, "error": 0}
ICONS = {
    "info": "information-outline",
    "success": "check-circle-outline",
    "warning": "alert-outline",
    "error": "alert-circle-outline",
}
COLORS = {"info": "accent", "success": "success", "warning": "warning", "error": "danger"}

READ_WITHIN = timedelta(seconds=8)
"""An edit, or a run that begins or ends, takes no warning away before somebody can have read it."""


class MessageBar(QFrame):
    """Shows the latest message with its action: the newest one wins, and none waits.

    What offers something stays for as long as the offer applies; what tells something passes in front of it.
    A message goes when it applies no more. What only tells something is left on its page; a warning or error
    that does not say how long it applies goes with what is done once it has been read.

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
        self.changed.emit()

    def dismiss(self) -> None:
        """Take the message away; the offer that it passed in front of is shown again, if it applies."""
        self._message = None
        self._timer.stop()
        self.hide()
        behind, self._behind = self._behind, None
        if behind is not None and behind.offers:
            self.show_message(behind)
        else:
            self.changed.emit()

    def withdraw(self) -> None:
        """Take away all that is shown."""
        self._behind = None
        if self._message is not None:
            self.dismiss()

    def look_again(self) -> None:
        """Take away what no longer applies."""
        if self._message is not None and self._message.is_over:
            self.dismiss()

    def go_on(self) -> None:
        """Something else is being done: take away what was only told, and read by now."""
        message = self._message
        if message is not None and message.applies is None and datetime.now() - message.time > READ_WITHIN:
            self._leave_behind()
        self.look_again()

    def turn_to_page(self) -> None:
        """Another page is shown: what was only told on the last one is left there."""
        self._leave_behind()
        self.look_again()

    def _leave_behind(self) -> None:
        if self._message is not None and self._message.action is None:
            self.dismiss()

    def act(self) -> None:
        """Do what the message offers."""
        message = self._message
        self.dismiss()
        if message is not None and message.action is not None and message.offers:
            message.action[1]()

    def _paint_icons(self) -> None:
        level = self._message.level if self._message else "info"
        color = getattr(self._theme.tokens, COLORS[level])
        self._icon.setPixmap(self._theme.icon(ICONS[level], color=color).pixmap(18, 18))
        self.close_button.setIcon(self._theme.icon("close"))
