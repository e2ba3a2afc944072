"""Cross-validation from the page: the dialog asks how many folds, then it is a job like any training."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QFormLayout, QLabel, QWidget

from app.services.context import AppContext
from app.services.figures import count_text, counted
from app.train.control import RunControl
from app.train.run_model import format_duration
from app.widgets.fitted_dialog import FittedDialog
from app.widgets.spin_boxes import WholeNumber
from detcore.errors import ConfigError
from detcore.jobs.config import TrainConfig
from detcore.jobs.preparing.material import TrainingData
from detcore.jobs.preparing.runs import is_own_weights, prepare_cross_validation

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


class CrossValidating(QObject):
    """Binds the action."""

    def __init__(
        self,
        context: AppContext,
        control: RunControl,
        *,
        config: Callable[[], TrainConfig],
        data: Callable[[], TrainingData | None],
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        self._context, self._control = context, control
        self._config, self._data = config, data
        self._window = parent
        context.actions.bind("train.crossval", self._ask, when=self._can_start)

    def _can_start(self) -> bool:
        data = self._data()
        return data is not None and data.with_boxes > 0 and not self._control.busy

    def _ask(self) -> None:
        data = self._data()
        if data is None:
            return
        try:
            config = self._config()
        except ConfigError as error:
            self._context.messages.error(error, doing="cross-validate")
            return
        project = self._context.document.project
        own = is_own_weights(project, config)
        request = ask_cross_validation(self._window, config, images=data.labelled, own_weights=own)
        if request is not None and self._context.document.shows(project):
            self._control.begin(
                lambda progress: prepare_cross_validation(
                    project, config, folds=request.folds, progress=progress
                ),
                project,
                doing="cross-validate",
            )
