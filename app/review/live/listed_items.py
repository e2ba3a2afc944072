"""The items behind the queue, found anew only where what is known of them does not do."""

from __future__ import annotations

from app.review.live.live_evaluation import LiveReview
from app.review.live.order_figures import OrderFigures
from detcore.review.filter import ErrorFilter, SortOrder
from detcore.review.items import ErrorItems, ErrorRows
from detcore.review.query import find_items
from detcore.review.review import Review
from detcore.review.update import can_update, update_items


class ListedItems:
    """Lists them at the threshold of the review, in the order that is chosen. There has to be a review."""

    def __init__(self, live: LiveReview, figures: OrderFigures) -> None:
        self._live, self._figures = live, figures
        self._items = ErrorItems.empty()
        self._found_with: tuple[Review, ErrorFilter, SortOrder] | None = None

    def found(self, wanted: ErrorFilter) -> ErrorRows:
        """Find them anew: anything may have changed."""
        review, order = self._review, self._figures.order
        self._found_with = (review, wanted, order)
        self._items = find_items(review.source, wanted, order, self._live.threshold)
        return self._items.at(self._live.threshold)

    def after_threshold(self, wanted: ErrorFilter) -> ErrorRows:
        """Only the threshold may have changed."""
        return self._items.at(self._live.threshold) if self._do(wanted) else self.found(wanted)

    def after_edit(self, wanted: ErrorFilter) -> ErrorRows:
        """Labels or verdicts of the images that the review calls touched have changed."""
        touched, threshold = self._live.touched, self._live.threshold
        if not (self._do(wanted) and can_update(wanted, touched)):
            return self.found(wanted)
        (image_id,) = touched
        self._items = update_items(self._review.source, self._items, wanted, threshold, image_id)
        return self._items.at(threshold)

    def _do(self, wanted: ErrorFilter) -> bool:
        """Whether what was found is what is wanted, and holds at the threshold."""
        asked = (self._review, wanted, self._figures.order)
        return self._found_with == asked and self._items.holds_at(self._live.threshold)

    @property
    def _review(self) -> Review:
        if self._live.review is None:
            raise RuntimeError("there is no review")
        return self._live.review
