"""How many proposals of which classes are to become labels, with samples of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import (
    QDialogButtonBox,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QSlider,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.label.assist.proposals import Proposer
from app.label.widgets.crop_grid import MOST, CropGrid, Sample
from app.services.context import AppContext
from app.services.figures import count_text, counted, ratio_text
from app.widgets.crops import Crops
from app.widgets.fitted_dialog import FittedDialog
from app.widgets.painting import swatch
from detcore.assist.everywhere import LEAST_SCORE
from detcore.assist.proposals import Thresholds
from detcore.types import BoolArray, IntArray, ObjectClass

_STEPS = 100
_WHAT = (
    "What {run} has found on images without labels becomes labels, in one step that undo takes back. The images are then in "
    "progress, not verified: look at each before you call it done."
)


class EverywhereDialog(FittedDialog):
    """Of the proposals on all images without labels those of some classes, from some score on.

    Signals:
        wanted(list): rows of the run's detections, when *Accept* was pressed.
    """

    wanted = Signal(list)

    def __init__(
        self,
        context: AppContext,
        proposer: Proposer,
        rows: IntArray,
        paths: Mapping[int, Path],
        crops: Crops,
        parent: QWidget,
    ) -> None:
        """``rows`` are all that could be accepted, ``paths`` the files of their images, ``crops`` pictures of them."""
        super().__init__(parent)
        self.setWindowTitle("Accept everywhere")
        self._dets, self._rows, self._paths = proposer.found.detections.take(rows), rows, paths
        self._start = proposer.thresholds
        self._classes = {item.id: item for item in context.document.project.classes()}
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(round(LEAST_SCORE * _STEPS), _STEPS)
        self.slider.setValue(round(proposer.thresholds.overall * _STEPS))
        self.slider.setAccessibleName("The score from which is accepted")
        self._value = QLabel()
        self.list = self._make_list()
        self.grid = CropGrid(crops, context.theme)
        self.buttons = QDialogButtonBox()
        self.accept_button = self.buttons.addButton("Accept", QDialogButtonBox.ButtonRole.AcceptRole)
        self.buttons.addButton(QDialogButtonBox.StandardButton.Cancel)
        self._compose(_WHAT.format(run=proposer.found.run))
        self.slider.valueChanged.connect(self._show)
        self.list.itemChanged.connect(self._show)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        self.accepted.connect(lambda: self.wanted.emit(self._rows[self._chosen()].tolist()))
        self._show()

    def _make_list(self) -> QTreeWidget:
        listed = QTreeWidget()
        listed.setRootIsDecorated(False)
        listed.setHeaderLabels(["Class", "From", "Boxes", "Images"])
        header = listed.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        for column in (1, 2, 3):
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.ResizeToContents)
        listed.setMinimumWidth(260)
        for class_id in sorted(set(self._dets.labels.tolist()), key=lambda one: self._classes[one].position):
            item = QTreeWidgetItem([self._classes[class_id].name, "", "", ""])
            item.setIcon(0, swatch(self._classes[class_id].color))
            item.setData(0, Qt.ItemDataRole.UserRole, class_id)
            item.setCheckState(0, Qt.CheckState.Checked)
            for column in (1, 2, 3):
                item.setTextAlignment(column, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            listed.addTopLevelItem(item)
        return listed

    def _compose(self, text: str) -> None:
        what = QLabel(text, wordWrap=True)
        score = QHBoxLayout()
        score.addWidget(QLabel("From a score of"))
        score.addWidget(self.slider, 1)
        score.addWidget(self._value)
        right = QVBoxLayout()
        caption = QLabel("Those that it is least sure of")
        caption.setProperty("role", "section")
        right.addWidget(caption)
        right.addWidget(self.grid)
        middle = QHBoxLayout()
        middle.setSpacing(16)
        middle.addWidget(self.list, 1)
        middle.addLayout(right)
        column = QVBoxLayout(self)
        column.setSpacing(12)
        column.addWidget(what)
        column.addLayout(score)
        column.addLayout(middle)
        column.addWidget(self.buttons)

    def _items(self) -> list[QTreeWidgetItem]:
        items = (self.list.topLevelItem(row) for row in range(self.list.topLevelItemCount()))
        return [item for item in items if item is not None]

    def _chosen(self) -> IntArray:
        """Places in ``rows`` of what would be accepted."""
        checked = [
            item.data(0, Qt.ItemDataRole.UserRole)
            for item in self._items()
            if item.checkState(0) is Qt.CheckState.Checked
        ]
        return np.flatnonzero(self._sure() & np.isin(self._dets.labels, checked)).astype(np.int64)

    def _thresholds(self) -> Thresholds:
        return self._start.moved_to(self.slider.value() / _STEPS)

    def _sure(self) -> BoolArray:
        return self._thresholds().reached(self._dets.labels, self._dets.scores)

    def _show(self) -> None:
        thresholds, sure = self._thresholds(), self._sure()
        self._value.setText(ratio_text(thresholds.overall))
        self.list.blockSignals(True)
        for item in self._items():
            class_id = item.data(0, Qt.ItemDataRole.UserRole)
            own = sure & (self._dets.labels == class_id)
            item.setText(1, ratio_text(thresholds.by_class.get(class_id, thresholds.overall)))
            item.setText(2, count_text(int(np.count_nonzero(own))))
            item.setText(3, count_text(len(np.unique(self._dets.image_ids[own]))))
        self.list.blockSignals(False)
        chosen = self._chosen()
        count, images = len(chosen), len(np.unique(self._dets.image_ids[chosen]))
        boxes = f"{counted(count, 'box', 'boxes')} on {counted(images, 'image')}"
        self.accept_button.setText(f"Accept {boxes}" if count else "Nothing to accept")
        self.accept_button.setEnabled(count > 0)
        least = chosen[np.argsort(self._dets.scores[chosen], kind="stable")[:MOST]]
        self.grid.show_samples([self._sample(place, self._classes) for place in least.tolist()])

    def _sample(self, place: int, classes: Mapping[int, ObjectClass]) -> Sample:
        dets = self._dets
        x1, y1, x2, y2 = dets.boxes[place].tolist()
        kind = classes[int(dets.labels[place])]
        return Sample(
            path=self._paths[int(dets.image_ids[place])],
            box=(x1, y1, x2, y2),
            color=QColor(kind.color),
            text=f"{kind.name} {ratio_text(float(dets.scores[place]))}",
        )
