"""The actions on the run that is selected."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, QPoint, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFileDialog, QMenu, QWidget

from app.services.actions import TRAIN
from app.services.context import AppContext
from app.services.undo_redo import Failed, SideStep
from app.train.control import RunControl
from app.train.histories import RunHistories
from detcore.errors import ConfigError
from detcore.jobs.config import TrainConfig
from detcore.project.cross_validation import is_cross_validation
from detcore.project.project import Project
from detcore.project.runs import RunInfo, RunState, discard, restore
from detcore.report.learning_curves import write_curves

_CURVE_FILES = {"Picture (*.png)": ".png", "Table (*.csv)": ".csv"}
MENU = ("resume", "predict", "export_model", "curves", "discard", "reveal")


class RunCommands(QObject):
    """Binds Resume, Predict again, Save curves, Discard and Show folder to the selected run."""

    def __init__(
        self,
        context: AppContext,
        control: RunControl,
        histories: RunHistories,
        *,
        selected: Callable[[], RunInfo | None],
        config: Callable[[], TrainConfig],
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        self._context = context
        self._control = control
        self._histories = histories
        self._selected = selected
        self._config = config
        self._window = parent
        bind = context.actions.bind
        bind("train.resume", self._resume, when=self._can_resume)
        bind("train.predict", self._predict, when=self._can_predict)
        bind("train.curves", self._save_curves, when=self._has_curves)
        bind("train.discard", self._discard, when=self._is_idle)
        bind("train.reveal", self._reveal, when=lambda: selected() is not None)

    def refresh(self) -> None:
        """A completed run is not resumed but trained for longer."""
        run = self._selected()
        completed = (
            run is not None and run.state is RunState.COMPLETED and not is_cross_validation(run.folder)
        )
        self._context.actions["train.resume"].setText("Train longer" if completed else "Resume")

    def show_menu(self, _name: str, position: QPoint) -> None:
        menu = QMenu(self._window)
        menu.addActions([self._context.actions[f"train.{name}"] for name in MENU])
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(position)

    def _is_idle(self) -> bool:
        """Whether there is a selected run without a process."""
        run = self._selected()
        return (
            run is not None and run.state is not RunState.RUNNING and not self._control.doing(run.folder.path)
        )

    def _can_resume(self) -> bool:
        """There is nothing to add to a cross-validation that is complete, nor to what was imported."""
        run = self._selected()
        done = run is not None and (
            run.imported is not None or (run.state is RunState.COMPLETED and is_cross_validation(run.folder))
        )
        return self._is_idle() and not done and not self._control.busy

    def _has_curves(self) -> bool:
        run = self._selected()
        return run is not None and run.imported is None

    def _can_predict(self) -> bool:
        run = self._selected()
        return run is not None and run.has_checkpoint and self._is_idle()

    def _resume(self) -> None:
        run = self._selected()
        if run is None:
            return
        try:
            config = self._config()
        except ConfigError as error:
            self._context.messages.error(error, doing="resume")
            return
        self._control.resume(run, config)

    def _predict(self) -> None:
        run = self._selected()
        if run is not None:
            self._control.predict(run)

    def _discard(self) -> None:
        run = self._selected()
        if run is not None:
            project, name = self._context.document.project, run.name
            step = SideStep(
                f"Discard {name}",
                TRAIN,
                undo=lambda failed: self._restore(project, name, failed),
                redo=lambda failed: self._move_away(project, name, step, failed),
            )
            self._move_away(project, name, step, lambda: None)

    def _save_curves(self) -> None:
        run = self._selected()
        if run is None:
            return
        proposed = str(self._context.document.project.folder.parent / f"{run.name}.png")
        name, kind = QFileDialog.getSaveFileName(
            self._window, "Save curves", proposed, ";;".join(_CURVE_FILES)
        )
        if name:
            path = Path(name).with_suffix(_CURVE_FILES[kind]) if kind in _CURVE_FILES else Path(name)
            self._context.tasks.run(
                lambda: write_curves(run.folder, path),
                done=lambda _nothing: self._context.messages.info(f"The curves are in {path}."),
                failed=lambda error: self._context.messages.error(error, doing="save the curves"),
            )

    def _reveal(self) -> None:
        run = self._selected()
        if run is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(run.folder.path)))

    def _move_away(self, project: Project, name: str, step: SideStep, failed: Failed) -> None:
        """Move a run to the project's trash; undo brings it back, and so does the message."""
        self._context.tasks.run(
            lambda: discard(project, name),
            done=lambda _path: self._discarded(project, name, step),
            failed=lambda error: self._fail(project, error, f"discard {name}", failed),
        )

    def _discarded(self, project: Project, name: str, step: SideStep) -> None:
        document = self._context.document
        if document.is_open and document.project is project:
            self._histories.forget(name)
            document.runs_changed.emit()
            document.stepped_aside.emit(step)
            undo = ("Undo", step.take_back)
            self._context.messages.info(f"{name} was discarded.", undo, applies=lambda: step.done)

    def _restore(self, project: Project, name: str, failed: Failed) -> None:
        self._context.tasks.run(
            lambda: restore(project, name),
            done=lambda _run: self._context.document.runs_changed.emit(),
            failed=lambda error: self._fail(project, error, f"bring {name} back", failed),
        )

    def _fail(self, project: Project, error: Exception, doing: str, failed: Failed) -> None:
        failed()
        if self._context.document.shows(project):
            self._context.document.runs_changed.emit()  # menus name what would be undone now
        self._context.messages.error(error, doing=doing)
