"""Which images and boxes of a project are exported."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.services.figures import count_text, counted
from app.widgets.fold import Fold
from detcore.formats.base import ExportOptions
from detcore.project.reading import Statistics
from detcore.types import SPLITS, Status

NO_SPLIT = "no split"
_STATUSES = {Status.VERIFIED: "Verified", Status.IN_PROGRESS: "In progress"}
_LEFT_OUT = "Not looked at, as if empty"
_ROWS_SEEN = 6


class Contents(QWidget):
    """Splits, statuses, classes, and whose boxes.

    Signals:
        changed(): any choice is new.
        divide_requested(): the user wants to divide the images into splits.
    """

    changed = Signal()
    divide_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(4)
        self.splits = {name: self._check(name.capitalize(), on=True) for name in (*SPLITS, NO_SPLIT)}
        divide = QPushButton("Divide the images…")
        divide.setToolTip("Put the images into train, val and test by chance, from a seed")
        divide.clicked.connect(self.divide_requested)
        row = QHBoxLayout()
        row.addWidget(divide)
        row.addStretch(1)
        self._layout.addLayout(row)
        self._layout.addSpacing(4)
        self.statuses = {status: self._check(text, on=True) for status, text in _STATUSES.items()}
        self.unseen = self._check(_LEFT_OUT, on=False)
        self._layout.addSpacing(4)
        self.touched = self._check("Only boxes that a person touched", on=False)
        self.touched.setToolTip(
            "Boxes that a person drew, changed or judged; not those that were only imported"
        )
        self._add_classes()

    @property
    def chosen_splits(self) -> list[str] | None:
        """The splits to write; ``None`` means all images, also those without a split."""
        if all(box.isChecked() for box in self.splits.values()):
            return None
        return [name for name in SPLITS if self.splits[name].isChecked()]

    @property
    def chosen_classes(self) -> frozenset[str] | None:
        """The classes to write; ``None`` where none was left out."""
        items = self._items()
        chosen = [item.text() for item in items if item.checkState() is Qt.CheckState.Checked]
        return None if len(chosen) == len(items) else frozenset(chosen)

    def narrowed(self, options: ExportOptions) -> ExportOptions:
        """An export of what is chosen here."""
        statuses = {status for status, box in self.statuses.items() if box.isChecked()}
        if self.unseen.isChecked():
            statuses.add(Status.UNSEEN)
        whole = statuses >= set(self.statuses)
        return replace(
            options,
            # Boxes on images that nobody has looked at are there all the same, as from an import.
            statuses=None if whole else frozenset(statuses),
            include_unseen=self.unseen.isChecked(),
            classes=self.chosen_classes,
            keep_emptied=self.keep_emptied.isChecked(),
            touched=self.touched.isChecked(),
        )

    def show_counts(self, statistics: Statistics) -> None:
        """Numbers of images of each split and status, and the classes there are."""
        for name, box in self.splits.items():
            number = statistics.without_split if name == NO_SPLIT else statistics.splits.get(name, 0)
            _say(box, name.capitalize(), number)
        for status, box in self.statuses.items():
            _say(box, _STATUSES[status], statistics.statuses.get(status, 0))
        _say(self.unseen, _LEFT_OUT, statistics.statuses.get(Status.UNSEEN, 0))
        self._show_classes(statistics.classes)

    def _check(self, text: str, *, on: bool) -> QCheckBox:
        box = QCheckBox(text)
        box.setChecked(on)
        box.toggled.connect(self.changed)
        self._layout.addWidget(box)
        return box

    def _add_classes(self) -> None:
        body = QWidget()
        column = QVBoxLayout(body)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        self.classes = QListWidget()
        self.classes.itemChanged.connect(self._change_class)
        self.keep_emptied = QCheckBox("Keep verified images without one")
        self.keep_emptied.setToolTip("They are written as empty: none of the chosen classes is on them")
        self.keep_emptied.setChecked(True)
        self.keep_emptied.toggled.connect(self.changed)
        column.addWidget(self.classes)
        column.addWidget(self.keep_emptied)
        self.class_count = QLabel()
        self.class_count.setProperty("role", "small")
        self.fold = Fold("Classes", body)
        self._layout.addWidget(self.fold)
        self._layout.addWidget(self.class_count)

    def _items(self) -> list[QListWidgetItem]:
        return [self.classes.item(row) for row in range(self.classes.count())]

    def _show_classes(self, counts: Mapping[str, int]) -> None:
        """The classes there are; those that were left out before still are."""
        left_out = {item.text() for item in self._items() if item.checkState() is not Qt.CheckState.Checked}
        if [item.text() for item in self._items()] != list(counts):
            with QSignalBlocker(self.classes):
                self.classes.clear()
                for name in counts:
                    item = QListWidgetItem(name, self.classes)
                    state = Qt.CheckState.Unchecked if name in left_out else Qt.CheckState.Checked
                    item.setCheckState(state)
        rows = min(max(len(counts), 1), _ROWS_SEEN)
        self.classes.setFixedHeight(rows * max(self.classes.sizeHintForRow(0), 20) + 4)
        self._say_classes()

    def _change_class(self) -> None:
        self._say_classes()
        self.changed.emit()

    def _say_classes(self) -> None:
        chosen, count = self.chosen_classes, self.classes.count()
        text = "" if chosen is None else f"{count_text(len(chosen))} of {counted(count, 'class', 'classes')}"
        self.class_count.setText(text)
        self.class_count.setVisible(bool(text))


def _say(box: QCheckBox, text: str, number: int) -> None:
    box.setText(f"{text}  ({count_text(number)})")
    with QSignalBlocker(box):
        box.setEnabled(number > 0)
