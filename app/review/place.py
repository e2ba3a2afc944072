"""Where the user was on the Review page, kept with the project."""

from __future__ import annotations

from PySide6.QtCore import QObject

from app.review.live.live_evaluation import LiveReview
from app.review.live.order_figures import OrderFigures
from app.review.queue import ReviewQueue, lasting_key
from app.review.widgets.queue_panel import QueuePanel
from app.services.context import AppContext
from detcore.review.entries import ErrorEntry
from detcore.review.filter import SortOrder

REVIEW_PLACE = "review_place"


class ReviewPlace(QObject):
    """Opens a project again with the order that the queue had and at the box that was looked at."""

    def __init__(
        self,
        context: AppContext,
        live: LiveReview,
        order: OrderFigures,
        queue: ReviewQueue,
        panel: QueuePanel,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._context, self._live, self._order = context, live, order
        self._queue, self._panel = queue, panel
        context.document.opened.connect(self._restore)
        queue.current_changed.connect(self._remember)

    def _restore(self) -> None:
        stored = self._context.document.project.get_setting(REVIEW_PLACE)
        place = stored if isinstance(stored, dict) else {}
        order = next((item for item in SortOrder if item.value == place.get("order")), SortOrder.WORST)
        self._panel.show_order(order)
        self._queue.set_order(order)
        key, run = place.get("key"), place.get("detections")
        if isinstance(key, int) and isinstance(run, str):
            self._queue.awaited = (run, key)

    def _remember(self, entry: ErrorEntry | None) -> None:
        review = self._live.review
        if entry is None or review is None or not self._context.document.is_open:
            return
        place = {
            "order": self._order.order.value,
            "key": lasting_key(entry),
            "detections": review.source.fingerprint,
        }
        self._context.document.project.set_setting(REVIEW_PLACE, place)
