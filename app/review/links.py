"""Every figure of a review opens the boxes that it counts."""

from __future__ import annotations

from PySide6.QtCore import QObject

from app.review.figures import ReviewFigures
from app.review.live.live_evaluation import LiveReview
from app.review.queue import ReviewQueue, cell_of
from app.review.widgets.metric_tiles import METRICS, MetricTiles
from detcore.review.kinds import ErrorKind


class ReviewLinks(QObject):
    """Lists in the queue what tiles, classes, curves and the confusion matrix stand for."""

    def __init__(
        self, live: LiveReview, queue: ReviewQueue, tiles: MetricTiles, figures: ReviewFigures
    ) -> None:
        super().__init__(queue)
        self._live, self._queue = live, queue
        tiles.opened.connect(lambda name: self._open_kinds(METRICS[name][1]))
        figures.point_chosen.connect(self._open_point)
        figures.table.class_chosen.connect(self._open_class)
        figures.table.count_opened.connect(self._open_count)
        figures.matrix.cell_chosen.connect(self._open_cell)

    def toggle_image(self) -> None:
        """List what is on the image that is looked at alone, or all again."""
        current, wanted = self._queue.current, self._queue.filter
        narrow = wanted.image_id is None and current is not None
        self._queue.set_filter(wanted.with_image(current.image_id if narrow and current else None))

    def _open_kinds(self, kinds: frozenset[ErrorKind]) -> None:
        self._queue.set_filter(self._queue.filter.counted(kinds))

    def _open_class(self, class_id: int | None) -> None:
        self._queue.set_filter(self._queue.filter.with_class(class_id))

    def _open_count(self, class_id: int | None, kind: ErrorKind) -> None:
        self._queue.set_filter(self._queue.filter.with_class(class_id).counted(frozenset({kind})))

    def _open_point(self, class_id: int | None, threshold: float) -> None:
        """What is found from a point of a curve on, at the detection that the point stands for."""
        self._live.set_threshold(threshold)
        found = frozenset({ErrorKind.TP, ErrorKind.FP})
        self._queue.set_filter(self._queue.filter.with_class(class_id).counted(found))
        if self._live.review is not None:
            evaluation = self._live.review.evaluation
            both = (evaluation.true_positives, evaluation.false_positives)
            last = [int(row) for rows in both for row in rows(threshold, class_id)[-1:]]
            weakest = min(last, key=lambda row: evaluation.dets.scores[row], default=None)
            # labels may have changed since the curve was drawn
            if weakest is not None:
                self._queue.go_to(-weakest - 1)

    def _open_cell(self, row: int, column: int) -> None:
        review = self._live.review
        if review is None:
            return
        cell = None if row < 0 else cell_of(review, row, column)
        wanted = self._queue.filter.with_class(None)
        self._queue.set_filter(wanted if cell is None else wanted.with_cell(cell))
