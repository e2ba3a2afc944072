"""A dataset read in the background for whoever asks about it, before anything is written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from app.services.tasks import ProgressCallback, Task, Tasks
from detcore.exchange import Inspection, inspect_dataset, read_dataset
from detcore.project.project import Project


class DatasetReading(QObject):
    """Reads one dataset at a time: what was begun before is cancelled and answers nothing any more.

    Signals:
        progressed(int, int): done and total; 0 where the total is not known yet.
        read(object): the ``Inspection`` of the dataset.
        failed(object): why it cannot be read.
    """

    progressed = Signal(int, int)
    read = Signal(object)
    failed = Signal(object)

    def __init__(self, tasks: Tasks, parent: QObject) -> None:
        super().__init__(parent)
        self._tasks = tasks
        self._number = 0
        self._task: Task | None = None
        parent.destroyed.connect(self.stop)

    def begin(
        self, format_name: str, source: Path, *, images: Path | None, project: Project | None, own: Any
    ) -> None:
        """Read a dataset, for the ``project`` if it is meant for one; ``own`` are the options of the format."""
        self.stop()
        number = self._number

        def work(progress: ProgressCallback) -> Inspection:
            found = read_dataset(
                format_name, source, images=images, project=project, own=own, progress=progress
            )
            return inspect_dataset(found, project)

        def show_progress(done: int, total: int) -> None:
            if number == self._number:
                self.progressed.emit(done, total)

        self._task = self._tasks.run_with_progress(
            "",
            work,
            done=lambda found: self._end(number, found),
            failed=lambda error: self._fail(number, error),
        )
        self._task.progressed.connect(show_progress)

    def stop(self) -> None:
        """Cancel what is being read."""
        self._number += 1
        if self._task is not None:
            self._task.cancel()
            self._task = None

    def _end(self, number: int, found: Inspection) -> None:
        if number == self._number:
            self._task = None
            self.read.emit(found)

    def _fail(self, number: int, error: Exception) -> None:
        if number == self._number:
            self._task = None
            self.failed.emit(error)
