"""How many folds, what a cross-validation is for, and how long it takes."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QFormLayout, QLabel, QWidget

from app.services.figures import count_text, counted
from app.services.fitted_dialog import FittedDialog
from app.train.run_model import format_duration
from app.widgets.spin_boxes import WholeNumber
from detcore.jobs.config import TrainConfig

FEWEST, MOST, USUAL = 2, 10, 4
_WIDTH, _FIELD = 460, 72
_WHAT_FOR = (
    "A detector does not see the wrong labels that it has learnt. So the labelled images are divided into folds; "
    "for each fold a detector is trained on the others and then looks at the images left out. All "
    "detections come into one run. On Review, order its queue by Likely label errors."
)
_AFRESH = "Every fold starts from nothing: the run chosen to start from has learnt the labels that are to be judged."


@dataclass(frozen=True, kw_only=True)
class CrossValidationRequest:
    """``folds``: how many trainings."""

    folds: int


class CrossValidationDialog(FittedDialog):
    """The number of folds; the rest is as the page's settings say."""

    def __init__(
        self, config: TrainConfig, *, images: int, own_weights: bool, parent: QWidget | None = None
    ) -> None:
        """``images`` are labelled; ``own_weights``: the settings name a run of the project to start from."""
        super().__init__(parent)
        self.setWindowTitle("Cross-validate")
        self.setMinimumWidth(_WIDTH)
        self._config, self._images = config, images
        # a fold of fewer than two images is refused
        self.folds = WholeNumber(FEWEST, max(FEWEST, min(MOST, images // 2)))
        self.folds.setValue(USUAL)
        self.folds.setFixedWidth(_FIELD)
        self.folds.setToolTip("More folds take longer, and each detector learns from more of the images")
        self.cost = QLabel(wordWrap=True)
        buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel
        )
        buttons.button(QDialogButtonBox.StandardButton.Ok).setText("Start")
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        layout = QFormLayout(self)
        layout.setContentsMargins(16, 16, 16, 16)
        layout.setSpacing(8)
        layout.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
        layout.addRow(_text(_WHAT_FOR))
        if own_weights:
            layout.addRow(_text(_AFRESH))
        layout.addRow("Folds", self.folds)
        layout.addRow("Each", QLabel(f"{config.spec.title}, {_length(config)}, as set on this page"))
        layout.addRow("In all", self.cost)
        layout.addRow(buttons)
        self.folds.valueChanged.connect(self._show_cost)
        self._show_cost()

    def answer(self) -> CrossValidationRequest:
        return CrossValidationRequest(folds=self.folds.value())

    def _show_cost(self) -> None:
        folds = self.folds.value()
        learnt = count_text(self._images - round(self._images / folds))
        text = f"{counted(folds, 'training')} on about {learnt} of {counted(self._images, 'image')}"
        if self._config.learning.minutes is not None:
            text += f": about {format_duration(60 * folds * self._config.learning.minutes)}, and some for detecting"
        self.cost.setText(f"{text}. It can be stopped and resumed.")


def _text(text: str) -> QLabel:
    label = QLabel(text, wordWrap=True)
    label.setProperty("role", "muted")
    return label


def _length(config: TrainConfig) -> str:
    if config.learning.minutes is not None:
        return format_duration(60 * config.learning.minutes)
    return counted(config.learning.epochs or 0, "epoch")


def ask_cross_validation(
    parent: QWidget, config: TrainConfig, *, images: int, own_weights: bool
) -> CrossValidationRequest | None:
    """Show the dialog; ``None`` when it was cancelled."""
    dialog = CrossValidationDialog(config, images=images, own_weights=own_weights, parent=parent)
    try:
        return dialog.answer() if dialog.exec() == QDialog.DialogCode.Accepted else None
    finally:
        dialog.deleteLater()
