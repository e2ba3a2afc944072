"""Finding an action by name (Ctrl+K)."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import (
    QHeaderView,
    QLineEdit,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.services.actions import GLOBAL, Actions, ActionSpec
from app.widgets.fitted_dialog import FittedDialog
from app.widgets.list_keys import ListKeys

SCOPE_TITLES = {
    "global": "Everywhere",
    "label": "Label",
    "train": "Train",
    "review": "Review",
    "export": "Export",
}


def keys_text(action: QAction) -> str:
    """All keys of an action, as this system writes them."""
    return "   ".join(key.toString(QKeySequence.SequenceFormat.NativeText) for key in action.shortcuts())


class ActionTree(QTreeWidget):
    """What can be done, and by what."""

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
        self.list = ActionTree()
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
                item = QTreeWidgetItem([title, keys_text(action)])
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
