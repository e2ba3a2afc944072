"""Cross-validation from the page: asks how many folds, then it is a job like any training."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from app.services.context import AppContext
from app.train.control import RunControl
from app.train.crossval_dialog import ask_cross_validation
from detcore.errors import ConfigError
from detcore.jobs.config import TrainConfig
from detcore.jobs.preparing.material import TrainingData
from detcore.jobs.preparing.runs import is_own_weights, prepare_cross_validation


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
                lambda: prepare_cross_validation(project, config, folds=request.folds),
                project,
                doing="cross-validate",
            )
