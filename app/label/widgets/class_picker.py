"""A small pop-up to name a box: type to find, Enter takes, a new name makes a class."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPoint, QRect, Qt, Signal
from PySide6.QtGui import QGuiApplication, QHideEvent
from PySide6.QtWidgets import QFrame, QLabel, QLineEdit, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from app.widgets.list_keys import ListKeys
from app.widgets.painting import swatch
from detcore.types import ObjectClass

WIDTH = 280
GAP = 8
MOST_ROWS = 9


class ClassPicker(QFrame):
    """Pops up beside the box. ``hint`` says below the list what the keys do.

    Signals:
        picked(int): an existing class.
        named(str): a name that no class has yet.
        dismissed(): it was closed without a choice.
    """

    picked = Signal(int)
    named = Signal(str)
    dismissed = Signal()

    def __init__(self, classes: Sequence[ObjectClass], hint: str, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setProperty("role", "card")
        self._classes = list(classes)
        self._answered = False
        self.field = QLineEdit(placeholderText="Find or name a class" if classes else "Name the class")
        self.list = QListWidget()
        self.hint = QLabel(hint, wordWrap=True)
        self.hint.setProperty("role", "small")
        self.field.setAccessibleName("Class name")
        self.list.setAccessibleName("Classes")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 8, 8)
        layout.setSpacing(8)
        layout.addWidget(self.field)
        layout.addWidget(self.list)
        layout.addWidget(self.hint)
        self.setFixedWidth(WIDTH)
        self.field.textChanged.connect(self._filter)
        self.field.returnPressed.connect(self._take)
        self.list.itemClicked.connect(self._answer)
        ListKeys(self.field, self.list)
        self._filter("")

    def pop_up(self, beside: QRect) -> None:
        """Show to the right of a place on the screen, where there is no room to the left, and all of it on
        the screen."""
        screen = QGuiApplication.screenAt(beside.center()) or QGuiApplication.primaryScreen()
        self.adjustSize()
        self.move(_place(self.rect(), beside, screen.availableGeometry()))
        self.show()
        self.field.setFocus()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        if not self._answered:
            self._answered = True
            self.dismissed.emit()

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
        self._fit_list()

    def _fit_list(self) -> None:
        """As high as its rows, for which there is room from the start: the pop-up does not jump."""
        self.list.setVisible(self.list.count() > 0)
        rows = min(len(self._classes) + 1, MOST_ROWS)
        self.list.setFixedHeight(rows * max(self.list.sizeHintForRow(0), 1) + 2 * self.list.frameWidth())
        self.adjustSize()

    def _take(self) -> None:
        item = self.list.currentItem()
        if item is not None:
            self._answer(item)

    def _answer(self, item: QListWidgetItem) -> None:
        choice = item.data(Qt.ItemDataRole.UserRole)
        self._answered = True
        self.close()
        if isinstance(choice, int):
            self.picked.emit(choice)
        else:
            self.named.emit(choice)


def _place(pop_up: QRect, beside: QRect, area: QRect) -> QPoint:
    """Where a pop-up goes so that it covers as little as possible of what it is about."""
    right, left = beside.right() + 1 + GAP, beside.left() - GAP - pop_up.width()
    x = left if right + pop_up.width() > area.right() + 1 and left >= area.left() else right
    return QPoint(
        max(area.left(), min(x, area.right() + 1 - pop_up.width())),
        max(area.top(), min(beside.top(), area.bottom() + 1 - pop_up.height())),
    )
