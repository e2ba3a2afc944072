"""Earlier messages, to be read again."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QListWidget, QVBoxLayout, QWidget

from app.messages import Messages


class MessageHistory(QDialog):
    """Newest first, with the time."""

    def __init__(self, messages: Messages, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Messages")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(640, 360)
        entries = QListWidget()
        entries.setWordWrap(True)
        for message in reversed(messages.history):
            details = f"\n{message.details}" if message.details else ""
            entries.addItem(f"{message.time:%H:%M:%S}  {message.text}{details}")
        if not messages.history:
            entries.addItem("Nothing has been said yet.")
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.close)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 8, 8)
        layout.addWidget(entries)
        layout.addWidget(buttons)
