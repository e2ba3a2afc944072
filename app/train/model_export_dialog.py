"""In which format a detector leaves the program and where it goes, and how far that is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.widgets.fitted_dialog import FittedDialog
from detcore.jobs.preparing.model_export import (
    MODEL_FORMATS,
    ModelExport,
    formats_of,
    missing_for_format,
    nms_fault,
)
from detcore.zoo.spec import SUPPRESSIONS, DetectorSpec

_WIDTH = 520
_WHAT = (
    "The best weights of {name} become a file that runs without Reticle. It is checked against PyTorch on images of the "
    "project, and a model card is put beside it."
)


class ModelExportDialog(FittedDialog):
    """Stays open while the export runs, and shows how far it is. A format that cannot be written here says what to
    install.

    Signals:
        wanted(ModelExport): Export was pressed.
        cancelled(): Cancel was pressed while the export runs.
    """

    wanted = Signal(object)
    cancelled = Signal()

    def __init__(
        self,
        name: str,
        spec: DetectorSpec,
        folder: Callable[[str], Path],
        parent: QWidget | None = None,
    ) -> None:
        """``name`` of the run and ``spec`` of its detector; ``folder`` gives the usual place of a format."""
        super().__init__(parent)
        self.setWindowTitle("Export model")
        self.setMinimumWidth(_WIDTH)
        self._usual, self._own_folder, self._running = folder, False, False
        formats = formats_of(spec)
        self._inside = f"Suppression: {SUPPRESSIONS[spec.suppression]}."
        self._nms_faults = {
            kind.id: str(fault) for kind in formats if (fault := nms_fault(spec, kind)) is not None
        }
        self._missing = {
            kind.id: str(missing) for kind in formats if (missing := missing_for_format(kind)) is not None
        }
        self.format = QComboBox()
        for kind in formats:
            lacking = " (not installed)" if kind.id in self._missing else ""
            self.format.addItem(f"{kind.title}{lacking}", kind.id)
        here = (row for row, kind in enumerate(formats) if kind.id not in self._missing)
        self.format.setCurrentIndex(next(here, 0))
        self.about = _muted("")
        self.nms = QCheckBox("NMS inside")
        self.nms.setToolTip("The file gives detections; without, boxes and scores at every place")
        self.nms.setChecked(True)
        self.about_nms = _muted("")
        self.folder = QLineEdit(placeholderText="An empty or new folder")
        choose = QPushButton("Choose…")
        self.problem = QLabel(wordWrap=True)
        self.problem.setProperty("role", "caution")
        self.step = _muted("")
        self.progress = QProgressBar(textVisible=False)
        self.buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel
        )
        self.export = self.buttons.button(QDialogButtonBox.StandardButton.Ok)
        self.export.setText("Export")
        self._choices = QWidget()
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.folder, 1)
        row.addWidget(choose)
        form = QFormLayout(self._choices)
        form.setContentsMargins(0, 0, 0, 0)
        form.setSpacing(8)
        form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
        form.addRow("Format", self.format)
        form.addRow("", self.about)
        form.addRow("", self.nms)
        form.addRow("", self.about_nms)
        form.addRow("Folder", row)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 16, 16, 16)
        layout.setSpacing(8)
        for widget in (
            _muted(_WHAT.format(name=name)),
            self._choices,
            self.problem,
            self.step,
            self.progress,
        ):
            layout.addWidget(widget)
        layout.addWidget(self.buttons)
        self.format.currentIndexChanged.connect(self._show_format)
        self.folder.textEdited.connect(self._keep_folder)
        choose.clicked.connect(self._choose_folder)
        self.buttons.accepted.connect(self._ask)
        self.buttons.rejected.connect(self.reject)
        self._show_format()

    @property
    def choice(self) -> ModelExport:
        format_id: str = self.format.currentData()
        nms = format_id not in self._nms_faults and self.nms.isChecked()
        return ModelExport(format=format_id, nms=nms, out=Path(self.folder.text().strip()))

    def show_progress(self, done: int, total: int, text: str) -> None:
        self.step.setText(f"{text}…")
        self.progress.setRange(0, total)
        self.progress.setValue(done)

    def show_problem(self, text: str) -> None:
        """The export did not come about; "" for one that was cancelled. All can be chosen anew."""
        self.problem.setText(text)
        self._show_running(False)
        self.export.setFocus()  # it went to Cancel while this one could not be pressed

    def reject(self) -> None:
        """Cancel, Esc or the cross: of an export that runs it alone ends, and the dialog stays."""
        if not self._running:
            super().reject()
            return
        self.step.setText("Cancelling…")
        self.cancelled.emit()

    def _ask(self) -> None:
        if not self.folder.text().strip():
            self.show_problem("Choose a folder.")
            return
        self.problem.setText("")
        self.show_progress(0, 0, "Starting")
        self._show_running(True)
        self.wanted.emit(self.choice)

    def _show_running(self, running: bool) -> None:
        self._running = running
        self._choices.setEnabled(not running)
        self.export.setEnabled(not running and self.format.currentData() not in self._missing)
        self.step.setVisible(running)
        self.progress.setVisible(running)
        self.problem.setVisible(bool(self.problem.text()))

    def _show_format(self) -> None:
        kind = MODEL_FORMATS[self.format.currentData()]
        self.about.setText(kind.text)
        self.nms.setEnabled(kind.id not in self._nms_faults)
        self.about_nms.setText(self._nms_faults.get(kind.id, self._inside))
        self.problem.setText(self._missing.get(kind.id, ""))
        self._show_running(False)
        if not self._own_folder:
            self.folder.setText(str(self._usual(kind.id)))

    def _keep_folder(self) -> None:
        self._own_folder = True

    def _choose_folder(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Export the model into this folder")
        if chosen:
            self.folder.setText(chosen)
            self._keep_folder()


def _muted(text: str) -> QLabel:
    label = QLabel(text, wordWrap=True)
    label.setProperty("role", "muted")
    return label
