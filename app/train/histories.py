"""The histories of runs: read from their folders when asked for, kept up to date while they train."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app.services.context import AppContext
from app.train.run_history import RunHistory
from detcore.jobs.events import Event, Log
from detcore.project.runs import RunFolder, read_events


class RunHistories(QObject):
    """One history a run, of the open project.

    Signals:
        changed(str): the history of that run is there, or has news.
    """

    changed = Signal(str)

    def __init__(self, context: AppContext, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._context = context
        self._histories: dict[str, RunHistory] = {}
        self._loading: set[Path] = set()
        self._outdated: set[Path] = set()
        context.jobs.events.connect(self._hear)
        context.document.closed.connect(self._clear)

    def get(self, name: str) -> RunHistory | None:
        """The history as far as it is known; ``None`` until it has been read."""
        return self._histories.get(name)

    def load(self, run: RunFolder) -> None:
        """Read a history that is not there yet, in the background."""
        if run.name not in self._histories:
            self._read(run)

    def read_again(self, run: RunFolder) -> None:
        """Read a history that another process adds to, in the background; what is known is shown until then."""
        self._outdated.add(run.path)
        self._read(run)

    def _read(self, run: RunFolder) -> None:
        if run.path in self._loading:
            return
        self._loading.add(run.path)
        self._outdated.discard(run.path)
        known = self._histories.get(run.name)
        self._context.tasks.run(
            lambda: RunHistory(read_events(run.events)),
            done=lambda history: self._loaded(run, history, known),
            failed=lambda error: self._fail(run, error),
        )

    def put(self, name: str, history: RunHistory) -> None:
        """Use this history; events are added to it from now on."""
        self._histories[name] = history
        self.changed.emit(name)

    def add(self, name: str, event: Event) -> None:
        """Add what the window itself has to say of a run."""
        if name in self._histories:
            self._histories[name].add(event)
            self.changed.emit(name)

    def forget(self, name: str) -> None:
        """Read it anew at the next time: the run's folder is gone, or another one has its name."""
        self._histories.pop(name, None)

    def _hear(self, run: Path, events: list[Event]) -> None:
        history = self._histories.get(run.name)
        if history is None or not self._context.document.holds_run(run):
            return
        for event in events:
            history.add(event)
        self.changed.emit(run.name)

    def _loaded(self, run: RunFolder, history: RunHistory, known: RunHistory | None) -> None:
        if run.path not in self._loading:
            return
        self._loading.discard(run.path)
        if self._histories.get(run.name) is known:
            self.put(run.name, history)
        if run.path in self._outdated:
            self._read(run)

    def _fail(self, run: RunFolder, error: Exception) -> None:
        if run.path not in self._loading:
            return
        self._loading.discard(run.path)
        self.put(run.name, RunHistory([Log(level="error", text=str(error))]))
        self._context.messages.error(error, doing=f"read the run {run.name}")

    def _clear(self) -> None:
        self._histories.clear()
        self._loading.clear()
        self._outdated.clear()
