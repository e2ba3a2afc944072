"""Finding an action by name (Ctrl+K) and reading all shortcuts (F1)."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import (
    QDialogButtonBox,
    QHeaderView,
    QLineEdit,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.services.actions import GLOBAL, Actions, ActionSpec
from app.services.fitted_dialog import FittedDialog
from app.shell.gestures import GESTURES
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


class ActionPalette(FittedDialog):
    """Type to find, Enter does it. What belongs to another page is done there: that page is shown first."""

    # the action that was chosen cannot be done now: its text
    refused = Signal(str)

    def __init__(self, actions: Actions, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Find an action")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(480, 400)
        self._all = actions
        self._entries = [
            (spec, action)
            for spec, action in actions.specs()
            if spec.id != "global.palette" and (action.isEnabled() or self._is_elsewhere(spec, action))
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
        words = text.lower().split()
        for spec, action in self._entries:
            elsewhere = self._is_elsewhere(spec, action)
            title = f"{SCOPE_TITLES[spec.scope]}: {action.text()}" if elsewhere else action.text()
            said = f"{title} {action.statusTip()}".lower()
            if all(word in said for word in words):
                item = QTreeWidgetItem([title, _keys(action)])
                item.setIcon(0, action.icon())
                item.setToolTip(0, action.statusTip())
                item.setData(0, Qt.ItemDataRole.UserRole, spec.id)
                self.list.addTopLevelItem(item)
        first = self.list.topLevelItem(0)
        if first is not None:
            self.list.setCurrentItem(first)

    def _is_elsewhere(self, spec: ActionSpec, action: QAction) -> bool:
        return spec.scope not in (GLOBAL, self._all.scope) and action.isVisible()

    def _run(self) -> None:
        item = self.list.currentItem()
        self.close()
        if item is None:
            return
        action_id: str = item.data(0, Qt.ItemDataRole.UserRole)
        scope = action_id.split(".")[0]
        if scope not in (GLOBAL, self._all.scope):
            self._all[f"global.page_{scope}"].trigger()
        action = self._all[action_id]
        if action.isEnabled():
            action.trigger()
        else:
            self.refused.emit(action.text())


class ShortcutsDialog(FittedDialog):
    """What the mouse does, and all actions and their keys by page; a field finds among them."""

    def __init__(self, actions: Actions, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keys and mouse")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(704, 640)
        self.field = QLineEdit(placeholderText="Find a key or what it does", clearButtonEnabled=True)
        self.field.setAccessibleName("Find a key or what it does")
        self.tree = _ActionTree()
        self.tree.setAccessibleName("Keys and mouse")
        # what one looks for is never cut; of how to do it the end may be
        self.tree.header().setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)
        self.tree.header().setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        self._groups: list[tuple[QTreeWidgetItem, list[QTreeWidgetItem]]] = []
        for title, gestures in GESTURES:
            self._add(title, [(what, how, "") for what, how in gestures])
        for scope, title in SCOPE_TITLES.items():
            of_scope = [(spec, action) for spec, action in actions.specs() if spec.scope == scope]
            self._add(title, [(spec.text, _keys(action), spec.tip) for spec, action in of_scope])
        self.field.textChanged.connect(self._filter)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.close)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 8, 8)
        layout.addWidget(self.field)
        layout.addWidget(self.tree)
        layout.addWidget(buttons)

    def _add(self, title: str, rows: Sequence[tuple[str, str, str]]) -> None:
        """A group of what is done, by what, and a tip."""
        head = QTreeWidgetItem([title, ""])
        font = head.font(0)
        font.setBold(True)
        head.setFont(0, font)
        self.tree.addTopLevelItem(head)
        head.setFirstColumnSpanned(True)
        head.setExpanded(True)
        items = [QTreeWidgetItem([what, how]) for what, how, _ in rows]
        for item, (_, _, tip) in zip(items, rows, strict=True):
            item.setToolTip(0, tip)
        head.addChildren(items)
        self._groups.append((head, items))

    def _filter(self, text: str) -> None:
        wanted = text.strip().lower()
        for head, items in self._groups:
            for item in items:
                item.setHidden(wanted not in f"{item.text(0)} {item.text(1)} {item.toolTip(0)}".lower())
            head.setHidden(all(item.isHidden() for item in items))
