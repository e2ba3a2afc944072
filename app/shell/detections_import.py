"""Detections of others on their way into the window: from the menu, or dropped on it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QDialog, QWidget

from app.services.context import AppContext
from app.services.figures import counted
from app.shell.detections_dialog import DetectionsDialog, DetectionsRequest
from detcore.exchange.detections import ImportedRun, import_detections
from detcore.exchange.detections.coco_results import is_coco_results
from detcore.project.project import Project


class DetectionsImport(QObject):
    """Binds *Import detections…*. What comes of it is a run, which is shown on the Review page when asked for."""

    # Show that page.
    page_requested = Signal(str)

    def __init__(self, context: AppContext, window: QWidget) -> None:
        super().__init__(window)
        self._context, self._window = context, window
        context.actions.bind("global.import_detections", self.ask, when=lambda: context.document.is_open)

    def open_dropped(self, paths: Sequence[Path], otherwise: Callable[[Sequence[Path]], object]) -> None:
        """Ask about a file of results; anything else is dealt with ``otherwise``."""
        first = paths[0] if paths else None
        if first is None or first.suffix.lower() != ".json":
            otherwise(paths)
            return

        def done(is_results: bool) -> None:
            if is_results:
                self._take_dropped(first)
            else:
                otherwise(paths)

        self._context.tasks.run(lambda: is_coco_results(first), done=done, failed=self._fail)

    def ask(self, source: Path | None = None) -> None:
        """Show the dialog for the open project and a ``source`` that is known."""
        project = self._context.document.project
        dialog = DetectionsDialog(self._context.tasks, project, self._window)
        if source is not None:
            dialog.source.setText(str(source))
        try:
            request = dialog.answer() if dialog.exec() == QDialog.DialogCode.Accepted else None
        finally:
            dialog.deleteLater()
        if request is not None and self._context.document.shows(project):
            self.take_in(project, request)

    def take_in(self, project: Project, request: DetectionsRequest) -> None:
        """Make the run, in the pool."""
        self._context.tasks.run(
            lambda: import_detections(
                project,
                request.found,
                request.name,
                add_classes=request.add_classes,
                looked_at=request.looked_at,
            ),
            done=lambda made: self._show(project, request, made),
            failed=self._fail,
        )

    def _take_dropped(self, file: Path) -> None:
        if self._context.document.is_open:
            self.ask(file)
        else:
            self._context.messages.info(
                f"{file.name} holds detections. Open the project of their images first, then drop it again."
            )

    def _show(self, project: Project, request: DetectionsRequest, made: ImportedRun) -> None:
        document, name = self._context.document, made.run.name
        if not document.shows(project):
            return
        document.announce(made.changes)
        document.runs_changed.emit()
        what = (
            counted(made.detections, "box", "boxes")
            if request.found.origin.by_person
            else counted(made.detections, "detection")
        )
        text = f"{name} has {what} on {counted(made.images, 'image')}."
        if made.added:
            text += f" {counted(len(made.added), 'class was', 'classes were')} added."
        self._context.messages.success(text, action=("Review", lambda: self._review(name)))

    def _review(self, name: str) -> None:
        self.page_requested.emit("review")
        self._context.view.show_run(name)

    def _fail(self, error: Exception) -> None:
        self._context.messages.error(error, doing="import the detections")
