"""A small pop-up to name a box: type to find, Enter takes, a new name makes a class."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFrame, QLineEdit, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from app.swatches import swatch
from app.widgets.list_keys import ListKeys
from detcore.types import ObjectClass

WIDTH, HEIGHT = 260, 280


class ClassPicker(QFrame):
    """Pops up where the box is.

    Signals:
        picked(int): an existing class.
        named(str): a name that no class has yet.
    """

    picked = Signal(int)
    named = Signal(str)

    def __init__(self, classes: Sequence[ObjectClass], parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setProperty("role", "card")
        self._classes = list(classes)
        self.field = QLineEdit(placeholderText="Class name")
        self.list = QListWidget()
        self.field.setAccessibleName("Class name")
        self.list.setAccessibleName("Classes")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 8, 8)
        layout.addWidget(self.field)
        layout.addWidget(self.list)
        self.resize(WIDTH, HEIGHT)
        self.field.textChanged.connect(self._filter)
        self.field.returnPressed.connect(self._take)
        self.list.itemClicked.connect(self._answer)
        ListKeys(self.field, self.list)
        self._filter("")

    def pop_up(self, position: QPoint) -> None:
        """Show at a global position, moved so that all of it is on the screen."""
        screen = QGuiApplication.screenAt(position) or QGuiApplication.primaryScreen()
        area = screen.availableGeometry()
        x = max(area.left(), min(position.x(), area.right() - WIDTH))
        y = max(area.top(), min(position.y(), area.bottom() - HEIGHT))
        self.move(x, y)
        self.show()
        self.field.setFocus()

    def _filter(self, text: str) -> None:
        self.list.clear()
        wanted = text.strip()
        for item in self._classes:
            if wanted.lower() in item.name.lower():
                label = f"{item.name}  ({item.key})" if item.key else item.name
                entry = QListWidgetItem(swatch(item.color), label)
                entry.setData(Qt.ItemDataRole.UserRole, item.id)
                self.list.addItem(entry)
        if wanted and all(item.name != wanted for item in self._classes):
            entry = QListWidgetItem(f"New class “{wanted}”")
            entry.setData(Qt.ItemDataRole.UserRole, wanted)
            self.list.addItem(entry)
        self.list.setCurrentRow(0)

    def _take(self) -> None:
        item = self.list.currentItem()
        if item is not None:
            self._answer(item)

    def _answer(self, item: QListWidgetItem) -> None:
        choice = item.data(Qt.ItemDataRole.UserRole)
        self.close()
        if isinstance(choice, int):
            self.picked.emit(choice)
        else:
            self.named.emit(choice)
