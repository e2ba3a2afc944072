"""Slow reads off the GUI thread: a pool, and results that come back on the GUI thread."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QObject, QRunnable, QThreadPool, Signal, Slot

log = logging.getLogger(__name__)

ProgressCallback = Callable[[int, int], bool]
"""Called with (done, total); returns False once the user has cancelled."""


class Task(QObject):
    """A piece of work in the pool.

    Signals (all delivered on the GUI thread):
        progressed(int, int): done and total.
        finished(): after ``done`` or ``failed`` was called.
    """

    progressed = Signal(int, int)
    finished = Signal()
    _done = Signal(object)
    _failed = Signal(object)

    def __init__(
        self,
        title: str,
        *,
        done: Callable[[Any], None],
        failed: Callable[[Exception], None],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.title = title
        self._call_done, self._call_failed = done, failed
        self._cancelled = threading.Event()
        self._abandoned = False
        self._done.connect(self._deliver)
        self._failed.connect(self._deliver_failure)

    @property
    def cancelled(self) -> bool:
        return self._cancelled.is_set()

    def cancel(self) -> None:
        """Ask the work to end: its progress callback returns False from now on."""
        self._cancelled.set()

    def abandon(self) -> None:
        """Cancel it, and deliver nothing any more: neither what it finds nor what is on its way already."""
        self.cancel()
        self._abandoned = True
        self.blockSignals(True)

    def report(self, done: int, total: int) -> bool:
        """The progress callback handed to the work; safe from any thread."""
        self.progressed.emit(done, total)
        return not self._cancelled.is_set()

    @Slot(object)
    def _deliver(self, result: object) -> None:
        if self._abandoned:
            return
        self.finished.emit()
        self._call_done(result)

    @Slot(object)
    def _deliver_failure(self, error: Exception) -> None:
        if self._abandoned:
            return
        self.finished.emit()
        self._call_failed(error)


@dataclass(frozen=True)
class _Work:
    call: Callable[[], Any]
    task: Task


class _Runner(QRunnable):
    def __init__(self, work: _Work) -> None:
        super().__init__()
        self._work = work

    def run(self) -> None:
        try:
            result = self._work.call()
        except Exception as error:  # noqa: BLE001 - every failure is handed to the GUI thread
            self._work.task._failed.emit(error)
        else:
            self._work.task._done.emit(result)


class Tasks(QObject):
    """Runs work in a thread pool.

    Signals:
        started(object): a ``Task`` with a title, to be shown with progress and cancel.
    """

    started = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(4)
        self._running: set[Task] = set()
        self._shut_down = False

    def run(
        self,
        work: Callable[[], Any],
        *,
        done: Callable[[Any], None],
        failed: Callable[[Exception], None],
    ) -> Task:
        """Do a short read in the pool (an image to decode, a header to look at)."""
        task = Task("", done=done, failed=failed, parent=self)
        self._start(_Work(work, task))
        return task

    def run_with_progress(
        self,
        title: str,
        work: Callable[[ProgressCallback], Any],
        *,
        done: Callable[[Any], None],
        failed: Callable[[Exception], None],
    ) -> Task:
        """Do something long in the pool; the window shows ``title``, progress and Cancel. Without a title whoever asked
        shows them."""
        task = Task(title, done=done, failed=failed, parent=self)
        if title:
            self.started.emit(task)
        self._start(_Work(lambda: work(task.report), task))
        return task

    def shut_down(self) -> None:
        """Cancel what runs and wait for it; nothing is delivered any more, and nothing new begun."""
        self._shut_down = True
        for task in self._running:
            task.abandon()
        self._pool.clear()
        self._pool.waitForDone()
        self._running.clear()

    def _start(self, work: _Work) -> None:
        if self._shut_down:
            work.task.abandon()
            return
        self._running.add(work.task)
        work.task.finished.connect(lambda: self._forget(work.task))
        self._pool.start(_Runner(work))

    def _forget(self, task: Task) -> None:
        self._running.discard(task)
        task.deleteLater()
