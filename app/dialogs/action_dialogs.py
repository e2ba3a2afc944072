"""Finding an action by name (Ctrl+K) and reading all shortcuts (F1)."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHeaderView,
    QLineEdit,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.actions import Actions
from app.widgets.list_keys import ListKeys

SCOPE_TITLES = {
    "global": "Everywhere",
    "label": "Label",
    "train": "Train",
    "review": "Review",
    "export": "Export",
}


def _keys(action: QAction) -> str:
    return "   ".join(key.toString(QKeySequence.SequenceFormat.NativeText) for key in action.shortcuts())


class _ActionTree(QTreeWidget):
    def __init__(self) -> None:
        super().__init__()
        self.setColumnCount(2)
        self.setRootIsDecorated(False)
        self.setUniformRowHeights(True)
        self.setHeaderHidden(True)
        header = self.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)


class ActionPalette(QDialog):
    """Type to find, Enter does it."""

    def __init__(self, actions: Actions, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Find an action")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(480, 400)
        self._actions = [
            action for spec, action in actions.specs() if action.isEnabled() and spec.id != "global.palette"
        ]
        self.field = QLineEdit(placeholderText="What do you want to do?")
        self.list = _ActionTree()
        self.field.setAccessibleName("What do you want to do?")
        self.list.setAccessibleName("Actions")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 8, 8)
        layout.addWidget(self.field)
        layout.addWidget(self.list)
        self.field.textChanged.connect(self._filter)
        self.field.returnPressed.connect(self._run)
        self.list.itemActivated.connect(self._run)
        ListKeys(self.field, self.list)
        self._filter("")

    def _filter(self, text: str) -> None:
        self.list.clear()
        for action in self._actions:
            if text.strip().lower() in f"{action.text()} {action.statusTip()}".lower():
                item = QTreeWidgetItem([action.text(), _keys(action)])
                item.setIcon(0, action.icon())
                item.setData(0, Qt.ItemDataRole.UserRole, action)
                self.list.addTopLevelItem(item)
        first = self.list.topLevelItem(0)
        if first is not None:
            self.list.setCurrentItem(first)

    def _run(self) -> None:
        item = self.list.currentItem()
        self.close()
        if item is not None:
            item.data(0, Qt.ItemDataRole.UserRole).trigger()


class ShortcutsDialog(QDialog):
    """All actions and their keys, by page."""

    def __init__(self, actions: Actions, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Shortcuts")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(520, 620)
        tree = _ActionTree()
        tree.setAccessibleName("Shortcuts")
        groups: dict[str, QTreeWidgetItem] = {}
        for spec, action in actions.specs():
            if spec.scope not in groups:
                head = QTreeWidgetItem([SCOPE_TITLES[spec.scope], ""])
                font = head.font(0)
                font.setBold(True)
                head.setFont(0, font)
                tree.addTopLevelItem(head)
                head.setExpanded(True)
                groups[spec.scope] = head
            item = QTreeWidgetItem([spec.text, _keys(action)])
            item.setToolTip(0, spec.tip)
            groups[spec.scope].addChild(item)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.close)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 8, 8)
        layout.addWidget(tree)
        layout.addWidget(buttons)
