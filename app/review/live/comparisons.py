"""Comparisons of runs: made in the pool one at a time, and kept until labels or detections change."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from app.review.live.run_comparison import RunComparison, compare_with
from app.services.document import Document
from app.services.tasks import Task, Tasks
from detcore.errors import ReticleError
from detcore.project.runs import RunFolder
from detcore.review.review import Review

ComparisonKey = tuple[str, str, str, str, float]
"""Run, fingerprint of its detections, other run, scope, IoU."""


def comparison_key(review: Review, other: RunFolder) -> ComparisonKey:
    source = review.source
    return (
        review.run.name,
        source.fingerprint,
        other.name,
        review.scope.value,
        source.evaluation.iou_threshold,
    )


class Comparisons(QObject):
    """Finds what was asked for last; what was asked for before is given up."""

    # One is being made: done and total, 0 of 0 at the start.
    progressed = Signal(int, int)
    # A RunComparison, or None when the other run has looked at none of the images.
    found = Signal(object)
    # It was cancelled, or it failed: the ReticleError.
    stopped = Signal(object)

    def __init__(self, document: Document, tasks: Tasks, parent: QObject) -> None:
        super().__init__(parent)
        self._document, self._tasks = document, tasks
        self._known: dict[ComparisonKey, RunComparison | None] = {}
        self._wanted: ComparisonKey | None = None
        self._task: Task | None = None

    def want(self, review: Review, other: RunFolder) -> None:
        """Compare, unless that is what was asked for last; ``found`` or ``stopped`` follows."""
        key = comparison_key(review, other)
        if key == self._wanted:
            return
        self.stop()
        self._wanted, self._task = key, None
        if key in self._known:
            self.found.emit(self._known[key])
            return
        project, gt = self._document.project, review.evaluation.gt
        task = self._tasks.run_with_progress(
            f"Comparing with {other.name}",
            lambda progress: compare_with(project, review, gt, other, progress),
            done=lambda comparison: self._take(task, key, comparison),
            failed=lambda error: self._fail(task, error),
        )
        self._task = task
        task.progressed.connect(lambda done, total: self._report(task, done, total))
        self.progressed.emit(0, 0)

    def stop(self) -> None:
        """The user does not want to wait."""
        if self._task is not None:
            self._task.cancel()

    def forget(self) -> None:
        """Labels or detections are others: what was found does not hold any more."""
        self.stop()
        self._known.clear()
        self._wanted = self._task = None

    def _report(self, task: Task, done: int, total: int) -> None:
        if task is self._task:
            self.progressed.emit(done, total)

    def _take(self, task: Task, key: ComparisonKey, comparison: RunComparison | None) -> None:
        if task is self._task:
            self._task = None
            self._known[key] = comparison
            self.found.emit(comparison)

    def _fail(self, task: Task, error: Exception) -> None:
        if not isinstance(error, ReticleError):
            raise error
        if task is self._task:
            self._task = None
            self.stopped.emit(error)
