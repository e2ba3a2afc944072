"""The breakdown by size, computed while it is seen."""

from __future__ import annotations

from PySide6.QtCore import QObject

from app.context import AppContext
from app.models.error_kind import ErrorKind
from app.models.size_breakdown import size_aps, size_rows
from app.pages.review.queue import ReviewQueue
from app.review.live_evaluation import LiveReview
from app.widgets.review.size_table import SizeTable
from detcore.types import FloatArray, GroundTruth


class ReviewSizes(QObject):
    """Counts follow the threshold at once; APs follow from the pool when labels have changed."""

    def __init__(self, context: AppContext, live: LiveReview, queue: ReviewQueue) -> None:
        super().__init__(queue)
        self._tasks, self._live, self._queue = context.tasks, live, queue
        self.table = SizeTable(context.theme)
        self._aps: tuple[GroundTruth, FloatArray] | None = None
        self._is_finding = False
        self.table.count_opened.connect(self._open)

    def show(self) -> None:
        """Bring the table up to date, if it is seen."""
        review = self._live.review
        if review is None or not self.table.isVisible():
            return
        evaluation = review.evaluation
        known = self._aps
        fresh = known is not None and known[0] is evaluation.gt
        class_id = self._queue.filter.class_id
        if class_id not in review.classes:
            class_id = None
        aps = known[1] if known is not None and fresh else None
        rows = size_rows(evaluation, self._live.threshold, class_id, aps)
        self.table.rows.set_rows(rows, evaluation.iou_threshold)
        if not fresh and not self._is_finding:
            gt = evaluation.gt
            self._is_finding = True
            self._tasks.run(
                lambda: size_aps(evaluation), done=lambda aps: self._take(gt, aps), failed=self._fail
            )

    def _take(self, gt: GroundTruth, aps: FloatArray) -> None:
        self._is_finding = False
        self._aps = (gt, aps)
        self.show()

    def _fail(self, error: Exception) -> None:
        self._is_finding = False
        raise error

    def _open(self, size: int | None, kind: ErrorKind) -> None:
        wanted = self._queue.filter.counted(frozenset({kind}))
        self._queue.set_filter(wanted if size is None else wanted.of_size(size))
