"""Numbers and flags of the selected boxes."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QCheckBox, QDoubleSpinBox, QGridLayout, QLabel, QVBoxLayout, QWidget

from app.label.widgets.held_steps import HeldSteps
from app.services.theme import ANY_LENGTH
from detcore.types import Box

FLAGS = (
    ("difficult", "Difficult", "Left out of VOC scores"),
    ("truncated", "Truncated", "Part of the object lies outside the image"),
    ("occluded", "Occluded", "Part of the object is hidden"),
    ("crowd", "Crowd", "A group of objects under one box; COCO ignores it"),
)
SIDES = (("x1", "Left"), ("y1", "Top"), ("x2", "Right"), ("y2", "Bottom"))
LARGEST = 1_000_000.0


class BoxDetails(QWidget):
    """Edges in pixels (one box) and flags (one or more).

    Signals:
        edge_edited(str, float): the side (x1, y1, x2, y2) that was typed or stepped, and where it is now; once
            for a key or button that is held.
        flag_toggled(str): name of the flag.
    """

    edge_edited = Signal(str, float)
    flag_toggled = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._hint = QLabel("Select a box to see its edges and flags.", wordWrap=True)
        self._hint.setProperty("role", "muted")
        self._form = QWidget()
        grid = QGridLayout(self._form)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(4)
        self.edges: dict[str, QDoubleSpinBox] = {}
        for position, (name, title) in enumerate(SIDES):
            field = QDoubleSpinBox()
            field.setDecimals(1)
            field.setMaximum(LARGEST)
            field.setKeyboardTracking(False)
            field.setMinimumWidth(64)
            field.lineEdit().setTextMargins(6, 0, 0, 0)
            field.setAccessibleName(f"{title} edge in pixels")
            steps = HeldSteps(field)
            field.valueChanged.connect(steps.step_to)
            steps.meant.connect(lambda value, side=name: self.edge_edited.emit(side, value))
            self.edges[name] = field
            label = QLabel(title)
            label.setProperty("role", "small")
            label.setBuddy(field)
            row, column = divmod(position, 2)
            grid.addWidget(label, 2 * row, column)
            grid.addWidget(field, 2 * row + 1, column)
        self.flags: dict[str, QCheckBox] = {}
        for position, (name, title, tip) in enumerate(FLAGS):
            check = QCheckBox(title)
            check.setToolTip(tip)
            check.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            check.clicked.connect(lambda _checked, flag=name: self.flag_toggled.emit(flag))
            self.flags[name] = check
            row, column = divmod(position, 2)
            grid.addWidget(check, 4 + row, column)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 4, 12, 8)
        layout.addWidget(self._hint)
        layout.addWidget(self._form)
        layout.addStretch(1)
        self.show_boxes([])

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self._follow_hint()

    def _follow_hint(self) -> None:
        """Without boxes the panel has the height of its hint, and the lists above it have the rest."""
        if self._hint.isHidden():
            self.setMinimumHeight(0)
            self.setMaximumHeight(ANY_LENGTH)
        else:
            self.setFixedHeight(self.heightForWidth(self.width()))

    def show_boxes(self, boxes: Sequence[Box]) -> None:
        """Show what is selected; flags that differ are half checked, and edges are those of a single box."""
        self._hint.setVisible(not boxes)
        self._form.setVisible(bool(boxes))
        self._follow_hint()
        for name, field in self.edges.items():
            field.setEnabled(len(boxes) == 1)
            with QSignalBlocker(field):
                field.setValue(getattr(boxes[0], name) if boxes else 0.0)
                if len(boxes) > 1:
                    field.clear()
        for name, check in self.flags.items():
            values = {bool(getattr(box, name)) for box in boxes}
            check.setTristate(len(values) > 1)
            check.setCheckState(
                Qt.CheckState.PartiallyChecked
                if len(values) > 1
                else Qt.CheckState.Checked
                if values == {True}
                else Qt.CheckState.Unchecked
            )
