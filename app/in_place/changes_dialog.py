"""What other programs changed in the label files, to be taken or refused."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app.in_place.change_picture import ChangePicture
from app.services.figures import counted
from app.services.theme import Theme
from app.widgets.empty_state import EmptyState
from app.widgets.fitted_dialog import FittedDialog
from app.widgets.pictures import Thumbnails
from detcore.exchange.in_place.linked import OutsideChange

_WIDTHS = (340, 560)
_LEGEND = "Solid: as the file has it now. Dashed: as it was."


class ChangesDialog(FittedDialog):
    """A window beside the work: files left, the chosen one's picture right.

    Signals:
        take_asked(object): let these image ids' changes into the project.
        refuse_asked(object): write these image ids' files as the project has them.
    """

    take_asked = Signal(object)
    refuse_asked = Signal(object)

    def __init__(self, theme: Theme, thumbnails: Thumbnails, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Changes of other programs")
        self.resize(924, 600)
        self._changes: Sequence[OutsideChange] = ()
        self.title = QLabel(wordWrap=True)
        self.title.setProperty("role", "title")
        self.files = QListWidget()
        self.files.setAccessibleName("Changed label files")
        self.files.setSpacing(4)
        self.files.setSelectionMode(QListWidget.SelectionMode.ExtendedSelection)
        self.picture = ChangePicture(theme, thumbnails)
        self.said = QLabel(wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self.said.setProperty("role", "muted")
        self.empty = EmptyState(theme)
        self.empty.show_state(
            "file-check-outline",
            "Files and project agree",
            "Each edit is in its label file at once. What another program changes in the files is shown here.",
        )
        self.take = QPushButton("&Take")
        self.refuse = QPushButton("&Refuse")
        self.take_all = QPushButton("Take a&ll")
        self.close_button = QPushButton("Close")
        self._compose()
        self.files.currentRowChanged.connect(self._show_current)
        self.take.clicked.connect(lambda: self.take_asked.emit(self._readable(self._chosen())))
        self.refuse.clicked.connect(lambda: self.refuse_asked.emit([one.image_id for one in self._chosen()]))
        self.take_all.clicked.connect(lambda: self.take_asked.emit(self._readable(self._changes)))
        self.close_button.clicked.connect(self.close)
        self._stack.setCurrentIndex(0)
        for widget in (self.title, self.take, self.refuse, self.take_all):
            widget.hide()

    def show_changes(self, changes: Sequence[OutsideChange]) -> None:
        """List the files; what was chosen stays chosen, or the one that took its place."""
        if list(changes) == list(self._changes) and self.files.count() == len(changes):
            return
        chosen = {change.image_id for change in self._chosen()}
        row = max(self.files.currentRow(), 0)
        self._changes = changes
        with QSignalBlocker(self.files):
            self.files.clear()
            for change in changes:
                item = QListWidgetItem(f"{change.path.parent.name}/{change.path.name}\n{change.text}")
                item.setToolTip(str(change.path))
                self.files.addItem(item)
        files = counted(len(changes), "label file was", "label files were")
        self.title.setText(f"{files} changed by another program" if changes else "")
        self.title.setVisible(bool(changes))
        self._stack.setCurrentIndex(1 if changes else 0)
        self.take_all.setVisible(len(changes) > 1)
        for button in (self.take, self.refuse):
            button.setVisible(bool(changes))
        still = [place for place, change in enumerate(changes) if change.image_id in chosen]
        self.files.setCurrentRow(still[0] if still else min(row, len(changes) - 1))
        for place in still:
            self.files.item(place).setSelected(True)
        self._show_current(self.files.currentRow())

    def _chosen(self) -> list[OutsideChange]:
        rows = sorted(index.row() for index in self.files.selectedIndexes())
        return [self._changes[row] for row in rows]

    def _readable(self, changes: Sequence[OutsideChange]) -> list[int]:
        """Those that can be taken: a file that cannot be read says nothing."""
        return [change.image_id for change in changes if change.problem is None]

    def _show_current(self, row: int) -> None:
        change = self._changes[row] if 0 <= row < len(self._changes) else None
        self.picture.show_change(change)
        self.take.setEnabled(change is not None and change.problem is None)
        if change is None:
            self.said.setText("")
            return
        own = counted(len(change.own), "box", "boxes")
        also = (
            f" Here {own} changed as well: taking keeps that, but for what both changed."
            if change.own
            else ""
        )
        self.said.setText(f"{change.problem}" if change.problem is not None else _LEGEND + also)

    def _compose(self) -> None:
        right = QWidget()
        column = QVBoxLayout(right)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self.picture, 1)
        column.addWidget(self.said)
        self.said.setContentsMargins(8, 0, 0, 0)
        splitter = QSplitter()
        splitter.setChildrenCollapsible(False)
        splitter.addWidget(self.files)
        splitter.addWidget(right)
        splitter.setStretchFactor(1, 1)
        splitter.setSizes(list(_WIDTHS))
        self._stack = QStackedWidget()
        self._stack.addWidget(self.empty)
        self._stack.addWidget(splitter)
        self.take.setToolTip("Let what changed into the project, as one step that can be undone")
        self.refuse.setToolTip("Write the file as the project has it; theirs is kept in the project's folder")
        foot = QHBoxLayout()
        foot.setSpacing(8)
        foot.addWidget(self.take_all)
        foot.addStretch()
        for button in (self.take, self.refuse, self.close_button):
            foot.addWidget(button)
        for button in (self.take, self.refuse, self.take_all, self.close_button):
            button.setAutoDefault(False)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 12, 16, 12)
        layout.setSpacing(12)
        layout.addWidget(self.title)
        layout.addWidget(self._stack, 1)
        layout.addLayout(foot)
