"""Runs that other processes work on, such as a training on the command line: followed while they last."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QFileSystemWatcher, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication

from app.services.context import AppContext
from detcore.project.project import Project
from detcore.project.runs import RunFolder, is_running

LOOK_MS = 2000
_BEGINNING_SECONDS = 60.0
"""A process says that it works on a run some seconds after the folder was made."""


@dataclass(frozen=True, kw_only=True)
class _Seen:
    """``lengths`` of the events of the runs that are worked on; whether a run ``begins`` that nobody works on yet."""

    lengths: Mapping[str, int]
    begins: bool


class RunsElsewhere(QObject):
    """Looks when a run's folder is made or the user comes back to the window, and again and again only while there
    is something to follow. Tells the document of beginnings and ends.

    Signals:
        moved(str): that run began, has news, or ended.
    """

    moved = Signal(str)

    def __init__(self, context: AppContext, parent: QObject | None = None, *, look_ms: int = LOOK_MS) -> None:
        super().__init__(parent)
        self._context = context
        self._lengths: Mapping[str, int] = {}
        self._looking = False
        self._timer = QTimer(self, singleShot=True, interval=look_ms)
        self._timer.timeout.connect(self.look)
        self._watcher = QFileSystemWatcher(self)
        self._watcher.directoryChanged.connect(self.look)
        context.document.opened.connect(self._restart)
        context.document.closed.connect(self._forget)
        application = QGuiApplication.instance()
        if isinstance(application, QGuiApplication):
            application.applicationStateChanged.connect(self._come_back)

    @property
    def running(self) -> Collection[str]:
        """Names of the runs that another process works on."""
        return self._lengths.keys()

    def look(self) -> None:
        """Look at the folders of the runs, off the GUI thread."""
        document = self._context.document
        if not document.is_open or self._looking:
            return
        self._looking = True
        project, own = document.project, set(self._context.jobs.active())
        self._context.tasks.run(
            lambda: _look_at(project.runs_folder, own),
            done=lambda seen: self._take(project, seen),
            failed=lambda error: self._fail(project, error),
        )

    def _take(self, project: Project, seen: _Seen) -> None:
        self._looking = False
        if not self._context.document.shows(project):
            self.look()
            return
        self._watch(project)
        before, self._lengths = self._lengths, seen.lengths
        if seen.lengths or seen.begins:
            self._timer.start()
        if before.keys() != seen.lengths.keys():
            self._context.document.runs_changed.emit()
        for name in {**before, **seen.lengths}:
            if before.get(name) != seen.lengths.get(name):
                self.moved.emit(name)

    def _fail(self, project: Project, error: Exception) -> None:
        self._looking = False
        if self._context.document.shows(project):
            self._context.messages.error(error, doing="look for runs")

    def _watch(self, project: Project) -> None:
        """Only the folder of all runs: on Windows a folder that is watched cannot be moved away."""
        folder = project.runs_folder if project.runs_folder.is_dir() else project.folder
        watched = self._watcher.directories()
        if watched != [str(folder)]:
            self._unwatch()
            self._watcher.addPath(str(folder))

    def _unwatch(self) -> None:
        watched = self._watcher.directories()
        if watched:
            self._watcher.removePaths(watched)

    def _restart(self) -> None:
        self._forget()
        self.look()

    def _forget(self) -> None:
        self._timer.stop()
        self._unwatch()
        self._lengths = {}

    def _come_back(self, state: Qt.ApplicationState) -> None:
        if state is Qt.ApplicationState.ApplicationActive:
            self.look()


def _look_at(runs_folder: Path, own: Collection[Path]) -> _Seen:
    """The runs in the folder that a process works on, ``own`` ones apart."""
    lengths: dict[str, int] = {}
    begins = False
    for path in runs_folder.iterdir() if runs_folder.is_dir() else ():
        run = RunFolder(path)
        if path in own or not run.info.is_file():
            continue
        if is_running(run):
            lengths[run.name] = run.events.stat().st_size if run.events.is_file() else 0
        elif not run.pid.is_file():
            begins = begins or time.time() - run.info.stat().st_mtime < _BEGINNING_SECONDS
    return _Seen(lengths=lengths, begins=begins)
