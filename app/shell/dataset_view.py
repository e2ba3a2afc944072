"""What a dataset holds: classes by split, images, and what is odd, by kind."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFont
from PySide6.QtWidgets import (
    QApplication,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QProgressBar,
    QPushButton,
    QSplitter,
    QStackedWidget,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.services.figures import count_text, counted
from detcore.exchange import Inspection
from detcore.exchange.inspection import ProblemKind, sizes_text
from detcore.types import SPLITS

_MOST = 200
"""Problems of a kind that are listed; all are copied."""
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class DatasetView(QWidget):
    """A sentence, or how far the reading is, or what was found.

    Signals:
        stopped(): the reading is to end.
        again(): it is to begin anew.
    """

    stopped = Signal()
    again = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.text = QLabel(wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self.text.setProperty("role", "muted")
        self.text.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.progress = QProgressBar(textVisible=False)
        self.progress.setFixedWidth(320)
        self.button = QPushButton()
        self.summary = QLabel(textFormat=Qt.TextFormat.PlainText)
        self.summary.setProperty("role", "title")
        self.facts = QLabel(wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self.facts.setProperty("role", "muted")
        self.classes = _tree()
        self.classes.setAccessibleName("Classes")
        self.problems = _tree()
        self.problems.setAccessibleName("Problems")
        self.problems.setHeaderLabels(["What is odd", "Count"])
        self.problems.setRootIsDecorated(True)
        self.copy = QPushButton("Copy all")
        self.copy.setProperty("role", "link")
        self._inspection: Inspection | None = None
        self._is_reading = False
        self._stack = QStackedWidget()
        self._stack.addWidget(self._make_waiting())
        self._stack.addWidget(self._make_found())
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._stack)
        self.button.clicked.connect(self._press)
        self.copy.clicked.connect(self._copy)

    def show_text(self, text: str) -> None:
        """A sentence instead of a dataset."""
        self._wait(text, reading=False, button="")

    def show_stopped(self) -> None:
        """The user has ended the reading."""
        self._wait("Reading was stopped. Nothing was changed.", reading=False, button="Read again")

    def show_reading(self, name: str) -> None:
        """A dataset is being read."""
        self.progress.setRange(0, 0)
        self._wait(f"Reading {name}…", reading=True, button="Stop")

    def show_progress(self, done: int, total: int) -> None:
        self.progress.setRange(0, total)
        self.progress.setValue(done)

    def show_inspection(self, inspection: Inspection) -> None:
        """What was found."""
        self._inspection = inspection
        there = inspection.images - inspection.missing
        self.summary.setText(
            f"{counted(inspection.images, 'image')}, {counted(inspection.boxes, 'box', 'boxes')}, "
            f"{counted(len(inspection.classes), 'class', 'classes')}"
        )
        facts = [f"{counted(there, 'file')} found", f"{count_text(inspection.labelled)} labelled"]
        if inspection.empty:
            facts[-1] += f", {count_text(inspection.empty)} of them without a box"
        if inspection.matched:
            facts.append(f"{count_text(inspection.matched)} in the project already")
        if inspection.sizes:
            facts.append(sizes_text(inspection.sizes))
        self.facts.setText("\n".join([" · ".join(facts), *inspection.notes()]))
        self._fill_classes(inspection)
        self._fill_problems(inspection)
        self._stack.setCurrentIndex(1)

    def _make_waiting(self) -> QWidget:
        page = QWidget()
        layout = QVBoxLayout(page)
        layout.setSpacing(8)
        layout.addStretch(1)
        layout.addWidget(self.text)
        for widget in (self.progress, self.button):
            layout.addWidget(widget, alignment=Qt.AlignmentFlag.AlignHCenter)
        layout.addStretch(1)
        return page

    def _make_found(self) -> QWidget:
        page = QWidget()
        splitter = QSplitter(Qt.Orientation.Horizontal)
        splitter.setChildrenCollapsible(False)
        splitter.addWidget(self.classes)
        splitter.addWidget(self.problems)
        splitter.setStretchFactor(0, 2)
        splitter.setStretchFactor(1, 3)
        splitter.setSizes([400, 600])
        head = QHBoxLayout()
        head.addWidget(self.summary, 1)
        head.addWidget(self.copy, alignment=Qt.AlignmentFlag.AlignBottom)
        layout = QVBoxLayout(page)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addLayout(head)
        layout.addWidget(self.facts)
        layout.addSpacing(4)
        layout.addWidget(splitter, 1)
        return page

    def _wait(self, text: str, *, reading: bool, button: str) -> None:
        self._is_reading = reading
        self.text.setText(text)
        self.progress.setVisible(reading)
        self.button.setText(button)
        self.button.setVisible(bool(button))
        self._stack.setCurrentIndex(0)

    def _press(self) -> None:
        (self.stopped if self._is_reading else self.again).emit()

    def _fill_classes(self, inspection: Inspection) -> None:
        splits = sorted(
            inspection.splits, key=lambda split: SPLITS.index(split) if split in SPLITS else len(SPLITS)
        )
        shown = splits if splits != [""] else []
        heads = ["", *(split.capitalize() or "No split" for split in shown), "All"]
        self.classes.clear()
        self.classes.setColumnCount(len(heads))
        self.classes.setHeaderLabels(heads)
        images = self._add_row("Images", [inspection.splits[split] for split in shown], inspection.images)
        by_split = inspection.split_boxes
        boxes = self._add_row(
            "Boxes", [sum(by_split.get(split, {}).values()) for split in shown], inspection.boxes
        )
        for row in (images, boxes):
            for column in range(len(heads)):
                row.setFont(column, _bold(self))
        for item in inspection.classes:
            counts = [by_split.get(split, {}).get(item.name, 0) for split in shown]
            row = self._add_row(item.name, counts, item.boxes)
            row.setToolTip(
                0, f"{item.name}: {counted(item.boxes, 'box', 'boxes')} on {counted(item.images, 'image')}"
            )
        header = self.classes.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        for column in range(1, len(heads)):
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.ResizeToContents)
            self.classes.headerItem().setTextAlignment(column, _RIGHT)

    def _add_row(self, name: str, counts: list[int], total: int) -> QTreeWidgetItem:
        row = QTreeWidgetItem([name, *map(count_text, counts), count_text(total)])
        for column in range(1, len(counts) + 2):
            row.setTextAlignment(column, _RIGHT)
        self.classes.addTopLevelItem(row)
        return row

    def _fill_problems(self, inspection: Inspection) -> None:
        self.problems.clear()
        self.copy.setVisible(bool(inspection.kinds))
        for kind in inspection.kinds:
            self.problems.addTopLevelItem(_kind_item(kind))
        if not inspection.kinds:
            self.problems.addTopLevelItem(QTreeWidgetItem(["Nothing"]))
        header = self.problems.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        self.problems.headerItem().setTextAlignment(1, _RIGHT)

    def _copy(self) -> None:
        if self._inspection is not None:
            lines = [str(problem) for kind in self._inspection.kinds for problem in kind.problems]
            QApplication.clipboard().setText("\n".join(lines))


def _bold(widget: QWidget) -> QFont:
    font = QFont(widget.font())
    font.setBold(True)
    return font


def _tree() -> QTreeWidget:
    tree = QTreeWidget()
    tree.setRootIsDecorated(False)
    tree.setUniformRowHeights(True)
    tree.setTextElideMode(Qt.TextElideMode.ElideMiddle)
    return tree


def _kind_item(kind: ProblemKind) -> QTreeWidgetItem:
    item = QTreeWidgetItem([kind.text, count_text(len(kind.problems))])
    item.setToolTip(0, kind.text)
    item.setTextAlignment(1, _RIGHT)
    for problem in kind.problems[:_MOST]:
        place = _place(problem.path, problem.line)
        child = QTreeWidgetItem([f"{place}: {problem.message}"])
        child.setToolTip(0, str(problem))
        item.addChild(child)
    if len(kind.problems) > _MOST:
        more = count_text(len(kind.problems) - _MOST)
        item.addChild(QTreeWidgetItem([f"and {more} more, with Copy all"]))
    return item


def _place(path: Path, line: int | None) -> str:
    return path.name if line is None else f"{path.name}:{line}"
