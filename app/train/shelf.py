"""Keeps the list of runs like the folders of the open project, and its rows like the running processes."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QObject, Signal

from app.services.context import AppContext
from app.train.histories import RunHistories
from app.train.run_history import RunHistory
from app.train.run_model import RunModel
from app.train.runs_elsewhere import RunsElsewhere
from detcore.project.project import Project
from detcore.project.runs import RunFolder, RunInfo, RunState, list_runs


class RunShelf(QObject):
    """Reads runs in the background.

    Signals:
        loaded(): the list is that of the folders.
    """

    loaded = Signal()

    def __init__(self, context: AppContext, histories: RunHistories, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._context = context
        self._histories = histories
        self.model = RunModel(self)
        self._elsewhere = RunsElsewhere(context, self)
        document = context.document
        document.opened.connect(self.load)
        document.runs_changed.connect(self.load)
        document.closed.connect(lambda: self.model.set_runs([]))
        histories.changed.connect(self._follow)
        self._elsewhere.moved.connect(self._read_news)

    def load(self) -> None:
        document = self._context.document
        if not document.is_open:
            return
        project = document.project
        self._context.tasks.run(
            lambda: list_runs(project),
            done=lambda runs: self._show(project, runs),
            failed=lambda error: self._fail(project, error),
        )

    def _is_open(self, project: Project) -> bool:
        document = self._context.document
        return document.is_open and document.project is project

    def _show(self, project: Project, runs: list[RunInfo]) -> None:
        if not self._is_open(project):
            return
        # A child says that it runs some seconds after it was started.
        training = self._context.jobs.training(project.runs_folder)
        runs = [replace(run, state=RunState.RUNNING) if run.folder.path == training else run for run in runs]
        self.model.set_runs(runs)
        self.loaded.emit()

    def _fail(self, project: Project, error: Exception) -> None:
        if self._is_open(project):
            self._context.messages.error(error, doing="read the runs")

    def _read_news(self, name: str) -> None:
        """Another process has written to the events of a run, which nobody tells here."""
        if self._histories.get(name) is not None:
            self._histories.read_again(RunFolder(self._context.document.project.runs_folder / name))

    def _follow(self, name: str) -> None:
        """Give the row of a run that trains its latest figures."""
        document, history = self._context.document, self._histories.get(name)
        if not document.is_open or history is None or history.step is None:
            return
        runs_folder = document.project.runs_folder
        own = self._context.jobs.training(runs_folder) == runs_folder / name
        if not own and name not in self._elsewhere.running:
            return
        self.model.update_run(name, **_figures(history), state=RunState.RUNNING)


def _figures(history: RunHistory) -> dict[str, object]:
    step = history.step
    if step is None:
        return {}
    best = {} if history.best is None else {"best_ap": history.best[1]}
    return {
        "seconds": step.time,
        "epochs": step.epoch,
        "step": step.step,
        "fraction": step.fraction,
        **best,
    }
