"""The groups that were found, and what can be done about one."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QMenu, QPushButton, QSplitter, QVBoxLayout, QWidget

from app.duplicates.duplicate_groups import DuplicateGroup, ItemModel, Twin
from app.duplicates.lists import GroupList, TwinList
from app.services.theme import Theme
from app.widgets.flow_layout import FlowLayout
from app.widgets.pictures import Thumbnails
from detcore.types import SPLITS

MNEMONICS = {"train": "&train", "val": "&val", "test": "te&st"}
_WIDTHS = (340, 704)


class GroupPanel(QWidget):
    """Groups left; right the images of the chosen one over the buttons.

    Signals:
        split_chosen(object, str): put a ``DuplicateGroup`` into that split.
        removal_asked(int): take an image out of the project.
        open_asked(int): show an image on the Label page.
    """

    split_chosen = Signal(object, str)
    removal_asked = Signal(int)
    open_asked = Signal(int)

    def __init__(self, theme: Theme, thumbnails: Thumbnails, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._groups: ItemModel[DuplicateGroup] = ItemModel(
            lambda group: f"{group.place}, {group.text}",
            lambda group: "\n".join(twin.image.path for twin in group.twins),
            self,
        )
        self._twins: ItemModel[Twin] = ItemModel(
            lambda twin: f"{twin.image.path}, {twin.text}", lambda twin: str(twin.path), self
        )
        self._key: int | None = None
        self.groups = GroupList(self._groups, theme, thumbnails, self)
        self.twins = TwinList(self._twins, theme, thumbnails, self)
        self.splits = {split: QPushButton(MNEMONICS[split]) for split in SPLITS}
        self.remove = QPushButton("Take &out of the project")
        self.open = QPushButton("Open on the &Label page")
        self._compose()
        self.groups.selectionModel().currentChanged.connect(lambda _index: self._show_current())
        self.groups.activated.connect(lambda _index: self._ask_open())
        self.twins.activated.connect(lambda _index: self._ask_open())
        self.twins.removal_asked.connect(self._ask_removal)
        self.twins.customContextMenuRequested.connect(self._show_menu)
        self.remove.clicked.connect(self._ask_removal)
        self.open.clicked.connect(self._ask_open)
        for split, button in self.splits.items():
            button.clicked.connect(lambda _checked, name=split: self._ask_split(name))

    def show_groups(self, groups: Sequence[DuplicateGroup], *, same: bool) -> None:
        """List groups that were found. Of the ``same`` as before the chosen one stays chosen, or the one that
        took its place; their keys say nothing about others."""
        if not same:
            self._key = None
        row = self.groups.currentIndex().row() if same else 0
        self._groups.set_items(groups, same=same)
        keys = [group.key for group in groups]
        if self._key in keys:
            row = keys.index(self._key)
        row = min(max(row, 0), len(groups) - 1)
        if groups:
            self.groups.setCurrentIndex(self._groups.index(row))
        self._show_current()

    def _group(self) -> DuplicateGroup | None:
        index = self.groups.currentIndex()
        return self._groups.items[index.row()] if index.isValid() else None

    def _twin(self) -> Twin | None:
        index = self.twins.currentIndex()
        return self._twins.items[index.row()] if index.isValid() else None

    def _compose(self) -> None:
        right = QWidget()
        right.setProperty("role", "panel")
        right.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        for split, button in self.splits.items():
            button.setToolTip(f"Give all images of the group the split {split}, in one edit")
        self.remove.setToolTip("Take the chosen image and its boxes out of the project (Del); the file stays")
        self.open.setToolTip("Show the chosen image at full size (Enter)")
        buttons = FlowLayout(align="spread")
        buttons.addWidget(_row(QLabel("Put the group into"), *self.splits.values()))
        buttons.addWidget(_row(self.remove, self.open))
        for button in (*self.splits.values(), self.remove, self.open):
            button.setAutoDefault(False)
        column = QVBoxLayout(right)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.twins, 1)
        foot = QVBoxLayout()
        foot.setContentsMargins(12, 8, 12, 12)
        foot.addLayout(buttons)
        column.addLayout(foot)
        splitter = QSplitter()
        splitter.setChildrenCollapsible(False)
        splitter.setHandleWidth(1)
        splitter.addWidget(self.groups)
        splitter.addWidget(right)
        splitter.setStretchFactor(1, 1)
        splitter.setSizes(list(_WIDTHS))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(splitter)

    def _show_menu(self, place: QPoint) -> None:
        if not self.twins.indexAt(place).isValid():
            return
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction(self.open.text(), self._ask_open)
        menu.addAction(self.remove.text(), self._ask_removal)
        menu.popup(self.twins.viewport().mapToGlobal(place))

    def _show_current(self) -> None:
        group = self._group()
        twins = () if group is None else group.twins
        key = None if group is None else group.key
        same = key == self._key
        row = self.twins.currentIndex().row() if same else 0
        self._key = key
        self._twins.set_items(twins, same=same)
        if twins:
            self.twins.setCurrentIndex(self._twins.index(min(max(row, 0), len(twins) - 1)))
        for split, button in self.splits.items():
            button.setEnabled(any(twin.image.split != split for twin in twins))

    def _ask_split(self, split: str) -> None:
        group = self._group()
        if group is not None:
            self.split_chosen.emit(group, split)

    def _ask_removal(self) -> None:
        twin = self._twin()
        if twin is not None:
            self.removal_asked.emit(twin.image.id)

    def _ask_open(self) -> None:
        twin = self._twin()
        if twin is not None:
            self.open_asked.emit(twin.image.id)


def _row(*widgets: QWidget) -> QWidget:
    """Widgets that stay beside one another."""
    row = QWidget()
    layout = QHBoxLayout(row)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(8)
    for widget in widgets:
        layout.addWidget(widget)
    return row
