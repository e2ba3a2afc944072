"""All keys and what the mouse does (F1); there the user gives actions other keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QDialogButtonBox,
    QHeaderView,
    QLineEdit,
    QMessageBox,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.services.actions import Actions, ActionSpec
from app.services.figures import counted
from app.services.keymaps import Keys, write_bindings
from app.services.settings import Settings
from app.shell.action_dialogs import SCOPE_TITLES, ActionTree, keys_text
from app.shell.change_key import ChangeKeyDialog
from app.shell.gestures import GESTURES
from app.widgets.fitted_dialog import FittedDialog
from app.widgets.list_keys import ListKeys


class KeysDialog(FittedDialog):
    """What the mouse does, and all actions and their keys by page; a field finds among them. Keys that differ
    from the preset are bold."""

    def __init__(self, actions: Actions, settings: Settings, parent: QWidget) -> None:
        super().__init__(parent)
        self._actions, self._settings = actions, settings
        self.setWindowTitle("Keys and mouse")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(704, 640)
        self.field = QLineEdit(placeholderText="Find a key or what it does", clearButtonEnabled=True)
        self.field.setAccessibleName("Find a key or what it does")
        self.tree = ActionTree()
        self.tree.setAccessibleName("Keys and mouse")
        # what one looks for is never cut; of how to do it the end may be
        self.tree.header().setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)
        self.tree.header().setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        self._groups: list[tuple[QTreeWidgetItem, list[QTreeWidgetItem]]] = []
        self._rows: list[tuple[QTreeWidgetItem, ActionSpec, QAction]] = []
        self._fill()
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        self.change = buttons.addButton("Change key…", QDialogButtonBox.ButtonRole.ActionRole)
        self.change.setDefault(True)
        self.reset = buttons.addButton("Reset all keys", QDialogButtonBox.ButtonRole.ActionRole)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 8, 8)
        layout.addWidget(self.field)
        layout.addWidget(self.tree)
        layout.addWidget(buttons)
        ListKeys(self.field, self.tree)
        self.field.textChanged.connect(self._filter)
        self.tree.currentItemChanged.connect(self._follow)
        self.tree.itemDoubleClicked.connect(self.change.click)
        self.change.clicked.connect(self._change)
        self.reset.clicked.connect(self._reset)
        buttons.rejected.connect(self.close)
        actions.keys_changed.connect(self._show_keys)
        self._show_keys()
        self._follow()

    def _fill(self) -> None:
        for title, gestures in GESTURES:
            self._add(title, gestures)
        for scope, title in SCOPE_TITLES.items():
            of_scope = [(spec, action) for spec, action in self._actions.specs() if spec.scope == scope]
            items = self._add(title, [(spec.text, "") for spec, _ in of_scope])
            self._rows += [(item, spec, action) for item, (spec, action) in zip(items, of_scope, strict=True)]

    def _add(self, title: str, rows: Sequence[tuple[str, str]]) -> list[QTreeWidgetItem]:
        """A group of what is done, by what."""
        head = QTreeWidgetItem([title, ""])
        font = head.font(0)
        font.setBold(True)
        head.setFont(0, font)
        self.tree.addTopLevelItem(head)
        head.setFirstColumnSpanned(True)
        head.setExpanded(True)
        items = [QTreeWidgetItem([what, how]) for what, how in rows]
        head.addChildren(items)
        self._groups.append((head, items))
        return items

    def _show_keys(self) -> None:
        key_map = self._actions.key_map
        for item, spec, action in self._rows:
            is_changed = key_map.keys(spec.id) != key_map.preset_keys(spec.id)
            font = item.font(0)
            font.setBold(is_changed)
            item.setFont(1, font)
            item.setText(1, keys_text(action))
            item.setToolTip(0, spec.tip)
            item.setToolTip(1, "You changed this key" if is_changed else "")
        self.reset.setEnabled(bool(key_map.own))

    def _filter(self, text: str) -> None:
        """Show what holds all the words, and go to the first of it whose keys can be changed."""
        words = text.lower().split()
        for head, items in self._groups:
            for item in items:
                said = f"{item.text(0)} {item.text(1)} {item.toolTip(0)}".lower()
                item.setHidden(not all(word in said for word in words))
            head.setHidden(all(item.isHidden() for item in items))
        found = [item for item, spec, _ in self._rows if words and not item.isHidden() and not spec.fixed]
        if found:
            self.tree.setCurrentItem(found[0])
        else:
            self.tree.setCurrentIndex(QModelIndex())

    def _chosen(self) -> ActionSpec | None:
        """The action of the current row, if its keys can be changed."""
        current = self.tree.currentItem()
        chosen = [spec for item, spec, _ in self._rows if item is current and not spec.fixed]
        return chosen[0] if chosen and current is not None and not current.isHidden() else None

    def _follow(self) -> None:
        self.change.setEnabled(self._chosen() is not None)

    def _change(self) -> None:
        spec = self._chosen()
        if spec is None:
            return
        dialog = ChangeKeyDialog(self._actions, spec, self)
        dialog.keys_chosen.connect(lambda keys: self._store(self._actions.key_map.bind(spec.id, keys).own))
        dialog.open()

    def _reset(self) -> None:
        box = QMessageBox(QMessageBox.Icon.Question, "Keys", "Reset all keys?", parent=self)
        changed = counted(len(self._actions.key_map.own), "action has", "actions have")
        box.setInformativeText(f"{changed} keys of your own. They are forgotten.")
        reset = box.addButton("Reset", QMessageBox.ButtonRole.AcceptRole)
        box.addButton("Keep them", QMessageBox.ButtonRole.RejectRole)
        box.exec()
        if box.clickedButton() is reset:
            self._store({})

    def _store(self, own: Mapping[str, Keys]) -> None:
        self._settings.key_bindings = write_bindings(own)
