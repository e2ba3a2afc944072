"""Earlier messages, to be read again, with what they offered."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.messages import Message, Messages

MESSAGE_ROLE = Qt.ItemDataRole.UserRole


class MessageHistory(QDialog):
    """Newest first, with the time. The button does what the chosen message offers; so does Enter."""

    def __init__(self, messages: Messages, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Messages")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(640, 360)
        self.entries = QListWidget()
        self.entries.setWordWrap(True)
        for message in reversed(messages.history):
            self.entries.addItem(_entry(message))
        if not messages.history:
            self.entries.addItem("Nothing has been said yet.")
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        self.action = QPushButton()
        self.action.setAutoDefault(False)
        buttons.addButton(self.action, QDialogButtonBox.ButtonRole.ActionRole)
        buttons.rejected.connect(self.close)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 8, 8)
        layout.addWidget(self.entries)
        layout.addWidget(buttons)
        self.action.clicked.connect(self._act)
        self.entries.itemActivated.connect(lambda _item: self._act())
        self.entries.currentRowChanged.connect(lambda _row: self._show_action())
        self.entries.setCurrentRow(0)
        self._show_action()

    def _message(self) -> Message | None:
        item = self.entries.currentItem()
        return None if item is None else item.data(MESSAGE_ROLE)

    def _show_action(self) -> None:
        message = self._message()
        offer = None if message is None else message.action
        self.action.setVisible(offer is not None)
        if offer is not None:
            self.action.setText(offer[0])

    def _act(self) -> None:
        message = self._message()
        if message is not None and message.action is not None:
            self.close()
            message.action[1]()


def _entry(message: Message) -> QListWidgetItem:
    details = f"\n{message.details}" if message.details else ""
    offer = f"  [{message.action[0]}]" if message.action is not None else ""
    item = QListWidgetItem(f"{message.time:%H:%M:%S}  {message.text}{offer}{details}")
    item.setData(MESSAGE_ROLE, message)
    return item
