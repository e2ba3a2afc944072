"""Putting images into splits, as the user asked for it."""

from __future__ import annotations

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from app.services.context import AppContext
from app.shell.split_dialog import SplitRequest, ask_split
from detcore.jobs.preparing.material import split_ranks
from detcore.project.edits import Edit, set_split
from detcore.project.project import Project
from detcore.project.splits import divide_images, fill_splits
from detcore.types import Changes


def divide(project: Project, request: SplitRequest) -> Edit:
    """The edit that divides the images. Those of a group that is in a split already follow it.

    Raises ConfigError when the shares make no sense.
    """
    make = divide_images if request.everything else fill_splits
    ranks = split_ranks(project.image_list())
    return set_split(project, dict(make(project.images(), request.ratios, seed=request.seed, ranks=ranks)))


class Division(QObject):
    """Asks how, divides in the pool, and tells what came of it. One edit, which undo takes back."""

    def __init__(self, context: AppContext, window: QWidget) -> None:
        super().__init__(window)
        self._context, self._window = context, window
        context.actions.bind("global.divide", self.ask, when=lambda: context.document.is_open)

    def ask(self) -> None:
        request = ask_split(self._window)
        if request is not None and self._context.document.is_open:
            self.start(request)

    def start(self, request: SplitRequest) -> None:
        project = self._context.document.project
        self._context.tasks.run(
            lambda: project.edit(divide, request),
            done=lambda changes: self._show(project, changes),
            failed=lambda error: self._fail(project, error),
        )

    def _show(self, project: Project, changes: Changes) -> None:
        if not self._context.document.shows(project):
            return
        if changes:
            self._context.document.announce(changes)
        else:
            self._context.messages.info("Every image has a split already, so nothing was changed.")

    def _fail(self, project: Project, error: Exception) -> None:
        of_which = "" if self._context.document.shows(project) else f" of {project.folder.stem}"
        self._context.messages.error(error, doing=f"divide the images{of_which}")
