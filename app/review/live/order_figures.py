"""What some orders of the queue need beyond the matches, found in the pool when they are asked for."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from app.review.live.live_evaluation import LiveReview
from app.services.tasks import Tasks
from app.services.timing import Debouncer
from detcore.evaluation.label_errors import LabelErrors
from detcore.evaluation.strength import ap50
from detcore.review.filter import SortOrder
from detcore.review.orders import find_label_errors

SETTLED_MS = 300
"""After an edit the scores of label errors are found anew once the labels have stood still for so long."""


class OrderFigures(QObject):
    """What errors cost, once each time that it is asked for; how probably labels are wrong, kept in step with
    every edit for as long as the list is ordered by it, and forgotten with the first edit in another
    order."""

    # The figures of the order that is wanted are there, or are others.
    found = Signal()
    # The user orders the queue by something else: a SortOrder.
    chosen = Signal(object)

    def __init__(self, live: LiveReview, tasks: Tasks, parent: QObject) -> None:
        super().__init__(parent)
        self._live, self._tasks = live, tasks
        self.order = SortOrder.WORST
        # AP50 of the detector by whom labels were judged last
        self.reached: float | None = None
        self._stale = False
        self._generation = 0
        self._settled = Debouncer(self, self._find_label_errors, pause_ms=SETTLED_MS)
        live.loaded.connect(self._follow_review)
        live.matches_changed.connect(self._follow_edit)
        live.costs_found.connect(self.found)

    def want(self, order: SortOrder) -> bool:
        """Order by this from now on; False while figures have to be found first, and ``found`` follows."""
        self.order = order
        self.chosen.emit(order)
        review = self._live.review
        if review is None or review.unjudged:
            return True
        if order is SortOrder.COST:
            self._live.find_costs()
            return False
        if order is not SortOrder.LABEL_ERRORS or (review.source.suspicions.is_known and not self._stale):
            return True
        self._find_label_errors()
        return False

    def _follow_review(self) -> None:
        """Another run, other images or another IoU: nothing is known of its items yet."""
        review = self._live.review
        if review is None or not review.source.suspicions.is_known:
            self.reached = None
        if review is None or review.unjudged:
            return
        if self.order is SortOrder.COST and not review.source.costs.is_known:
            self._live.find_costs()
        elif self.order is SortOrder.LABEL_ERRORS and not review.source.suspicions.is_known:
            self._find_label_errors()

    def _follow_edit(self, image_ids: frozenset[int]) -> None:
        review = self._live.review
        if not image_ids or review is None or review.unjudged:
            return
        if self.order is SortOrder.LABEL_ERRORS:
            self._stale = True
            self._settled.ask()
        else:
            # what is being found is of the labels before
            self._generation += 1
            self._settled.stop()
            review.source.suspicions.forget()

    def _find_label_errors(self) -> None:
        self._settled.stop()
        review = self._live.review
        if review is None:
            return
        source, evaluation, gt = review.source, review.evaluation, review.evaluation.gt
        self._stale = False
        self._generation += 1
        generation = self._generation

        def find() -> tuple[LabelErrors, float]:
            images, classes = evaluation.image_ids, evaluation.class_ids
            return find_label_errors(review, gt), ap50(gt, evaluation.dets, images, classes)

        def take(found: tuple[LabelErrors, float]) -> None:
            now = self._live.review
            if generation == self._generation and now is not None and now.source is source:
                errors, self.reached = found
                source.suspicions.take(errors, gt.ids)
                self.found.emit()

        self._tasks.run(
            find,
            done=take,
            failed=self._live.failed.emit,
        )
