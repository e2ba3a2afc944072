"""Earlier messages, to be read again, with what they offered."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import (
    QDialogButtonBox,
    QHeaderView,
    QLabel,
    QPushButton,
    QScrollArea,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.services.messages import Message, Messages
from app.services.theme import Theme
from app.shell.message_bar import COLORS, ICONS
from app.widgets.fitted_dialog import FittedDialog

MESSAGE_ROLE = Qt.ItemDataRole.UserRole
TIME, TEXT, OFFER = range(3)
_READING_HEIGHT = 104


class MessageHistory(FittedDialog):
    """Newest first, a line each; below it all of the one that is chosen.

    The button does what the chosen message offers; so does Enter.
    """

    def __init__(self, messages: Messages, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Messages")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(720, 440)
        self._theme = theme
        self.entries = _entries()
        for message in reversed(messages.history):
            self.entries.addTopLevelItem(self._entry(message))
        self.text = QLabel(
            wordWrap=True,
            textInteractionFlags=Qt.TextInteractionFlag.TextSelectableByMouse,
            alignment=Qt.AlignmentFlag.AlignTop,
            textFormat=Qt.TextFormat.PlainText,
        )
        self.text.setContentsMargins(8, 8, 8, 8)
        reading = QScrollArea(widgetResizable=True)
        reading.setFixedHeight(_READING_HEIGHT)
        reading.setWidget(self.text)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        self.action = QPushButton()
        self.action.setAutoDefault(False)
        buttons.addButton(self.action, QDialogButtonBox.ButtonRole.ActionRole)
        buttons.rejected.connect(self.close)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 8, 8)
        layout.addWidget(self.entries, 1)
        layout.addWidget(reading)
        layout.addWidget(buttons)
        self.action.clicked.connect(self._act)
        self.entries.itemActivated.connect(lambda _item, _column: self._act())
        self.entries.currentItemChanged.connect(lambda _item, _before: self._show_chosen())
        self.entries.setCurrentIndex(self.entries.model().index(0, TIME))
        self._show_chosen()

    def _entry(self, message: Message) -> QTreeWidgetItem:
        offer = message.action[0] if message.action is not None and message.offers else ""
        item = QTreeWidgetItem([f"{message.time:%H:%M:%S}", message.text.replace("\n", " "), offer])
        color = self._theme.color(COLORS[message.level]).name()
        item.setIcon(TIME, self._theme.icon(ICONS[message.level], color=color))
        item.setForeground(TIME, self._theme.color("text_muted"))
        item.setForeground(OFFER, self._theme.color("accent_text"))
        item.setData(TIME, MESSAGE_ROLE, message)
        return item

    def _message(self) -> Message | None:
        item = self.entries.currentItem()
        return None if item is None else item.data(TIME, MESSAGE_ROLE)

    def _show_chosen(self) -> None:
        message = self._message()
        if message is None:
            self.text.setText("Nothing has been said yet.")
        else:
            self.text.setText(f"{message.text}\n\n{message.details}".rstrip())
        offer = message.action if message is not None and message.offers else None
        self.action.setVisible(offer is not None)
        if offer is not None:
            self.action.setText(offer[0])

    def _act(self) -> None:
        message = self._message()
        if message is not None and message.action is not None and message.offers:
            self.close()
            message.action[1]()


def _entries() -> QTreeWidget:
    tree = QTreeWidget()
    tree.setAccessibleName("Messages")
    tree.setColumnCount(3)
    tree.setRootIsDecorated(False)
    tree.setUniformRowHeights(True)
    tree.setHeaderHidden(True)
    tree.setIconSize(QSize(16, 16))
    header = tree.header()
    header.setStretchLastSection(False)
    header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
    header.setSectionResizeMode(TEXT, QHeaderView.ResizeMode.Stretch)
    return tree
