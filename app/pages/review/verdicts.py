"""Verdicts on what the queue shows: each is one edit, undone like any other."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject

from app.context import AppContext
from app.live_evaluation import LiveReview
from app.models.error_kind import ErrorKind
from app.models.error_model import ErrorEntry
from app.pages.apply_edit import apply_edit
from app.pages.review.queue import ReviewQueue
from detcore.project.edits import Edit, add_boxes, delete_boxes
from detcore.types import Box, Origin


class ReviewVerdicts(QObject):
    """Accepts predictions as labels and deletes labels; then the next box is looked at."""

    def __init__(self, context: AppContext, live: LiveReview, queue: ReviewQueue) -> None:
        super().__init__(queue)
        self._context, self._live, self._queue = context, live, queue

    def can_accept(self) -> bool:
        return bool(self._acceptable())

    def can_delete(self) -> bool:
        return bool(self._deletable())

    def accept(self) -> None:
        """Add the false positives among the chosen boxes to the labels."""
        entries, review = self._acceptable(), self._live.review
        if not entries or review is None:
            return
        boxes = [_label_of(entry, review.run.name) for entry in entries]
        project = self._context.document.project
        text = "Accept prediction" if len(boxes) == 1 else f"Accept {len(boxes)} predictions"
        self._commit(entries, lambda: add_boxes(project, boxes, text=text))

    def delete(self) -> None:
        """Delete the labels among the chosen boxes."""
        entries = self._deletable()
        if not entries:
            return
        project = self._context.document.project
        ids = [entry.key for entry in entries]
        text = "Delete label" if len(ids) == 1 else f"Delete {len(ids)} labels"
        self._commit(entries, lambda: delete_boxes(project, ids, text=text))

    def _acceptable(self) -> list[ErrorEntry]:
        return [entry for entry in self._queue.chosen() if entry.is_detection and entry.kind is ErrorKind.FP]

    def _deletable(self) -> list[ErrorEntry]:
        return [entry for entry in self._queue.chosen() if not entry.is_detection]

    def _commit(self, entries: list[ErrorEntry], edit: Callable[[], Edit]) -> None:
        following = self._queue.after(entries)
        changes = apply_edit(self._context, edit)
        if changes is not None:
            self._queue.dealt_with(entries, following)


def _label_of(entry: ErrorEntry, run: str) -> Box:
    x1, y1, x2, y2 = entry.xyxy
    return Box(
        id=0,
        image_id=entry.image_id,
        class_id=entry.class_id,
        x1=x1,
        y1=y1,
        x2=x2,
        y2=y2,
        origin=Origin.MODEL,
        run=run,
        score=entry.score,
    )
