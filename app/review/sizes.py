"""The breakdown by size, computed while it is seen."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject

from app.review.live.live_evaluation import LiveReview
from app.review.queue import ReviewQueue
from app.review.widgets.size_table import SizeTable
from app.services.context import AppContext
from detcore.evaluation.live import LiveEvaluation
from detcore.review.kinds import ErrorKind
from detcore.review.sizes import SizeCounts, size_aps, size_rows
from detcore.types import FloatArray, GroundTruth


class ReviewSizes(QObject):
    """Counts follow threshold and labels at once. APs are found in the pool: when the table is first seen, and
    once labels stand still; the old ones are shown until then."""

    def __init__(self, context: AppContext, live: LiveReview, queue: ReviewQueue) -> None:
        super().__init__(queue)
        self._tasks, self._live, self._queue = context.tasks, live, queue
        self.table = SizeTable(context.theme)
        self._counts: SizeCounts | None = None
        # of the evaluation that is counted, and the labels they were found for
        self._aps: tuple[GroundTruth, FloatArray] | None = None
        self._is_finding = False
        self._labels_move = False
        self.table.count_opened.connect(self._open)
        self.table.installEventFilter(self)
        live.matches_changed.connect(self._await_rest)
        live.curves_changed.connect(self._rest)
        live.loaded.connect(self._rest)

    def show(self) -> None:
        """Bring the table up to date, if it is seen."""
        review = self._live.review
        if self._counts is not None and (review is None or review.evaluation is not self._counts.evaluation):
            self._counts = self._aps = None
        if review is None or not self.table.isVisible():
            return
        evaluation = review.evaluation
        if self._counts is None:
            self._counts = SizeCounts(evaluation)
        class_id = self._queue.filter.class_id
        if class_id not in review.classes:
            class_id = None
        counts = self._counts.at(self._live.threshold, class_id)
        aps = None if self._aps is None else self._aps[1]
        rows = size_rows(counts, evaluation.class_ids, class_id, aps)
        self.table.rows.set_rows(rows, evaluation.iou_threshold)
        if self._aps is None or (self._aps[0] is not evaluation.gt and not self._labels_move):
            self._find_aps(evaluation)

    def _find_aps(self, evaluation: LiveEvaluation) -> None:
        if self._is_finding:
            return
        gt = evaluation.gt
        self._is_finding = True
        self._tasks.run(
            lambda: size_aps(evaluation), done=lambda aps: self._take(evaluation, gt, aps), failed=self._fail
        )

    def _take(self, evaluation: LiveEvaluation, gt: GroundTruth, aps: FloatArray) -> None:
        self._is_finding = False
        if self._counts is not None and self._counts.evaluation is evaluation:
            self._aps = (gt, aps)
        self.show()

    def _fail(self, error: Exception) -> None:
        self._is_finding = False
        raise error

    def _await_rest(self, image_ids: frozenset[int]) -> None:
        self._labels_move |= bool(image_ids)

    def _rest(self) -> None:
        self._labels_move = False
        self.show()

    def _open(self, size: int | None, kind: ErrorKind) -> None:
        wanted = self._queue.filter.counted(frozenset({kind}))
        self._queue.set_filter(wanted if size is None else wanted.of_size(size))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.table and event.type() == QEvent.Type.Show:
            self.show()
        return False
