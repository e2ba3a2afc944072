"""Exporting the selected run's detector: asks how, lets a worker do it, tells what came of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QWidget

from app.services.context import AppContext
from app.train.control import EXPORTING, RunControl
from app.train.model_export_dialog import ModelExportDialog
from detcore.errors import ConfigError
from detcore.jobs.events import Event, Progress
from detcore.jobs.owner import Outcome, OutcomeState
from detcore.jobs.preparing.model_export import (
    ModelExport,
    deployable,
    prepare_model_export,
    usual_folder,
)
from detcore.project.cross_validation import is_cross_validation
from detcore.project.project import Project
from detcore.project.runs import RunInfo, RunState


class ModelExporting(QObject):
    """Binds the action; one export at a time."""

    def __init__(
        self,
        context: AppContext,
        control: RunControl,
        *,
        selected: Callable[[], RunInfo | None],
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        self._context, self._control = context, control
        self._selected = selected
        self._window = parent
        self._run: Path | None = None
        self.dialog: ModelExportDialog | None = None
        context.actions.bind("train.export_model", self._ask, when=self._can_export)
        context.jobs.events.connect(self._hear)
        control.ended.connect(self._ended)

    def _can_export(self) -> bool:
        run = self._selected()
        return (
            run is not None
            and run.has_checkpoint
            and run.state is not RunState.RUNNING
            and not self._control.doing(run.folder.path)
            and not is_cross_validation(run.folder)
        )

    def _ask(self) -> None:
        run = self._selected()
        if run is None or self.dialog is not None:
            return
        try:
            spec = deployable(run.folder)
        except ConfigError as error:
            self._context.messages.error(error, doing="export the model")
            return
        project = self._context.document.project
        dialog = self.dialog = ModelExportDialog(
            run.name,
            spec,
            lambda format_id: usual_folder(project, run.folder, format_id),
            self._window,
        )
        dialog.wanted.connect(lambda export: self._prepare(project, run, export))
        dialog.cancelled.connect(self._cancel)
        dialog.finished.connect(self._forget)
        dialog.open()

    def _forget(self) -> None:
        if self.dialog is not None:
            self.dialog.deleteLater()
        self.dialog = self._run = None

    def _prepare(self, project: Project, run: RunInfo, export: ModelExport) -> None:
        """In the pool: the list of images may be long."""
        self._run = run.folder.path
        self._context.tasks.run(
            lambda: prepare_model_export(project, run.folder, export),
            done=lambda arguments: self._start(project, run.folder.path, arguments),
            failed=lambda error: self._fail(str(error)),
        )

    def _start(self, project: Project, run: Path, arguments: list[str]) -> None:
        if self._run != run or not self._context.document.shows(project):
            return  # cancelled, or left
        if run in self._context.jobs.active():
            self._fail(f"{run.name} is at work. Try again when it has ended.")
            return
        self._control.export_model(run, arguments)

    def _cancel(self) -> None:
        run, self._run = self._run, None
        if run is not None and self._control.doing(run):
            self._run = run
            self._control.stop_export(run)
        else:
            self._fail("")

    def _hear(self, run: Path, events: list[Event]) -> None:
        told = [event for event in events if isinstance(event, Progress)]
        if told and run == self._run and self.dialog is not None:
            self.dialog.show_progress(told[-1].done, told[-1].total, told[-1].text)

    def _ended(self, run: Path, verb: str, outcome: Outcome) -> None:
        if verb != EXPORTING:
            return
        if not outcome.good:
            reason = f"{outcome.text}. {outcome.hint}".rstrip(". ") + "."
            self._fail(reason[0].upper() + reason[1:])
        elif outcome.state is OutcomeState.STOPPED or outcome.ended is None:
            self._fail("")
        else:
            if self.dialog is not None:
                self.dialog.accept()
            self._tell(run, outcome.ended.result)

    def _tell(self, run: Path, result: dict[str, Any]) -> None:
        folder = Path(result["folder"])
        show = ("Show folder", lambda: QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder))))
        text = f"Exported {run.name} to {folder.name}. Against PyTorch, {result['difference']}."
        self._context.messages.success(text, action=show)

    def _fail(self, reason: str) -> None:
        """Tell it in the dialog, or where that is gone in a message; "" was the user's wish."""
        self._run = None
        if self.dialog is not None:
            self.dialog.show_problem(reason)
        elif reason:
            self._context.messages.warning(reason)
