"""The open project, as the rest of the window sees it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Concatenate, ParamSpec

from PySide6.QtCore import QObject, Signal

from detcore.project.edits import Edit
from detcore.project.project import Project
from detcore.types import Changes

_P = ParamSpec("_P")


class Document(QObject):
    """Holds the open project and is the only emitter of ``changed``.

    Undo lives in the project's journal, so it reaches across images and restarts; there is no second
    stack here that could disagree with it.

    Signals:
        opened(): another project is open; ``project`` is it.
        closed(): no project is open any more.
        changed(object): a ``Changes``; each view refreshes what it shows of it.
        runs_changed(): a run began, ended, or got new detections.
        stepped_aside(object): a ``SideStep`` was done, which undo can take back though no journal holds it.
    """

    opened = Signal()
    closed = Signal()
    changed = Signal(object)
    runs_changed = Signal()
    stepped_aside = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._project: Project | None = None
        self._revision = 0

    @property
    def is_open(self) -> bool:
        return self._project is not None

    @property
    def project(self) -> Project:
        """The open project; asking while none is open is a bug."""
        if self._project is None:
            raise RuntimeError("no project is open")
        return self._project

    @property
    def revision(self) -> int:
        """Another number after every change, and for every project, from before the views are told of it."""
        return self._revision

    def shows(self, project: Project) -> bool:
        """Whether this is the open project; what was begun for another has no place here."""
        return self._project is project

    def holds_run(self, run: Path) -> bool:
        """Whether a run's folder is one of the open project; names of runs repeat in every project."""
        return self._project is not None and run.parent == self._project.runs_folder

    def announce_run(self, run: Path) -> None:
        """Tell the views of a run's beginning or end, if it is one of the open project."""
        if self.holds_run(run):
            self.runs_changed.emit()

    def open(self, project: Project) -> None:
        """Show a project instead of the one now open; owns it from here on."""
        self.close()
        self._project = project
        self._revision += 1
        self.opened.emit()

    def close(self) -> None:
        if self._project is None:
            return
        project, self._project = self._project, None
        self._revision += 1
        self.closed.emit()
        project.close()

    def edit(
        self, build: Callable[Concatenate[Project, _P], Edit], *args: _P.args, **kwargs: _P.kwargs
    ) -> Changes:
        """Make an edit, commit it (see ``Project.edit``) and tell every view. Raises ReticleError when the
        project refuses it."""
        changes = self.project.edit(build, *args, **kwargs)
        self._emit(changes)
        return changes

    def undo(self) -> Changes | None:
        """Take back the latest edit; ``None`` when there is nothing to undo."""
        changes = self.project.undo()
        self._emit(changes)
        return changes

    def take_back(self, changes: Changes) -> bool:
        """Undo the edit that made those changes, as long as it is the latest one; else nothing happens."""
        undone = None if self._project is None else self._project.undo(only=changes)
        self._emit(undone)
        return undone is not None

    def until_next_edit(self) -> Callable[[], bool]:
        """A condition that holds until anything else is done, or taken back."""
        now = self._revision
        return lambda: self._revision == now

    def redo(self) -> Changes | None:
        """Apply again what was undone last; ``None`` when there is nothing to redo."""
        changes = self.project.redo()
        self._emit(changes)
        return changes

    def announce(self, changes: Changes) -> None:
        """Tell the views of changes that a background task committed to the project."""
        self._emit(changes)

    def _emit(self, changes: Changes | None) -> None:
        if changes is not None and changes.preceded_by is not None:
            self._emit(changes.preceded_by)
        if changes:
            self._revision += 1
            self.changed.emit(changes)
