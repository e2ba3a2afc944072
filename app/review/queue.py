"""What the queue holds and which box of it is looked at."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime

import numpy as np
from PySide6.QtCore import QObject, Signal

from app.review.live.listed_items import ListedItems
from app.review.live.live_evaluation import LiveReview
from app.review.live.order_figures import OrderFigures
from app.review.models.error_model import ErrorModel
from app.review.texts import empty_text, narrowed_to
from app.review.widgets.queue_panel import QueuePanel
from app.services.timing import FrameThrottle
from detcore.review.entries import ErrorEntry
from detcore.review.filter import BACKGROUND_ID, ErrorFilter, SortOrder, order_without_labels
from detcore.review.items import ErrorRows, detection_key
from detcore.review.query import ErrorSource, find_item, listed_half
from detcore.review.review import Review
from detcore.review.verdicts import MOST_AT_ONCE
from detcore.types import IntArray


class ReviewQueue(QObject):
    """Keeps the list in step with filter, threshold and edits, and walks through it.

    The current box stays the current one for as long as the user does not move on, also when the
    list no longer holds it; the next one is then what follows its old place. Another review of the same
    detections, as at another IoU, changes nothing about that.
    """

    # Another box is looked at, or its kind changed: an ErrorEntry or None.
    current_changed = Signal(object)
    # Other kinds, another class or another cell are listed.
    filter_changed = Signal()

    def __init__(
        self,
        live: LiveReview,
        figures: OrderFigures,
        model: ErrorModel,
        panel: QueuePanel,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._live, self._figures, self._model, self._panel = live, figures, model, panel
        self.filter = ErrorFilter()
        self._from_the_top = False
        self._leaving = False
        self._current: int | None = None
        self._place = 0
        self._source: ErrorSource | None = None
        # the first box of each verdict (a lasting key), and the verdict
        # what came after a pair whose label was deleted comes after the detection that is left of it
        self._after_leftover: dict[int, int] = {}
        self._handled: list[tuple[int, int]] = []
        self.awaited: tuple[str, int] | None = None
        """A box to look at once a review of these detections (their fingerprint) is there, by its lasting key,
        unless the user moves on."""
        self._items = ListedItems(live, figures)
        self._apart: tuple[tuple[int, float, ErrorRows], ErrorEntry | None] | None = None
        self._told: ErrorEntry | None = None
        self.pace = FrameThrottle(self, self._follow_threshold)
        live.loaded.connect(self._restart)
        live.matches_changed.connect(self._follow_edit)
        live.threshold_changed.connect(lambda _threshold: self.pace.ask())
        figures.found.connect(self._reorder)
        panel.kinds_chosen.connect(
            lambda kinds: self.set_filter(self.filter.with_kinds(kinds, figures.order))
        )
        panel.type_chosen.connect(lambda chosen: self.set_filter(self.filter.with_type(chosen)))
        panel.order_chosen.connect(self.set_order)
        panel.widened.connect(lambda: self.set_filter(self.filter.widened()))
        panel.list.key_chosen.connect(self.go_to)

    @property
    def current(self) -> ErrorEntry | None:
        """The box that is looked at, whether the list holds it or not."""
        review, threshold = self._live.review, self._live.threshold
        if self._current is None or review is None:
            return None
        row = self._model.row_of(self._current)
        if row >= 0:
            return self._model.entry(row)
        # every action asks whether it makes sense for it
        asked = (self._current, threshold, self._model.rows)
        if self._apart is None or self._apart[0] != asked:
            item = find_item(review.source, threshold, self._current)
            self._apart = (asked, None if item is None else self._model.describe(item, threshold))
        return self._apart[1]

    @property
    def count(self) -> int:
        return len(self._model.rows)

    def chosen(self) -> Iterator[ErrorEntry]:
        """The boxes that a verdict is for: the selected rows, or the current box alone. None where more are
        selected than a verdict can be for."""
        rows, current = self._panel.list.selected_rows(), self.current
        row = -1 if current is None else self._model.row_of(current.key)
        place = int(np.searchsorted(rows, row))
        if current is not None and (place == len(rows) or rows[place] != row):
            yield current
        elif len(rows) <= MOST_AT_ONCE:
            for selected in rows.tolist():
                yield self._model.entry(selected)

    def neighbours(self) -> list[ErrorEntry]:
        """The boxes that come next, to read their images ahead."""
        last = min(self._place + 4, self.count)
        return [self._model.entry(row) for row in range(max(self._place, 0), last)]

    def set_filter(self, wanted: ErrorFilter, *, jump: bool = True) -> None:
        """List other boxes; with ``jump`` the first one is looked at when the old one is not among them."""
        if wanted == self.filter:
            return
        self.filter = wanted
        self.refresh()
        if jump and self.count and (self._current is None or self._model.row_of(self._current) < 0):
            self._go_to_row(0)
        self.filter_changed.emit()

    def set_order(self, order: SortOrder) -> None:
        self._from_the_top = True
        # what is not known yet is found, and the list follows
        if self._figures.want(order):
            self._reorder()

    def _reorder(self) -> None:
        self.refresh()
        if self._from_the_top and self.count:
            self._go_to_row(0)
        self._from_the_top = False

    def go(self, step: int) -> None:
        """Look at the box that many rows on; stops at the ends."""
        if not self.count:
            return
        next_key = None if self._current is None or step < 0 else self._after_leftover.get(self._current)
        if next_key is not None and self._model.row_of(next_key) >= 0:
            self._look_at(next_key, [next_key])
            return
        row = -1 if self._current is None else self._model.row_of(self._current)
        # what followed a box that is gone has taken its place
        start = row if row >= 0 else self._place - (step > 0)
        wanted = start + step
        self._go_to_row(min(max(wanted, 0), self.count - 1))

    def go_to(self, key: int) -> None:
        """Look at a box; it need not be in the list."""
        self._look_at(key, [key] if key not in self._panel.list.selected_keys() else None)

    def deal_with(self, entries: list[ErrorEntry], work: Callable[[], Collection[int] | None]) -> None:
        """Do the ``work`` of a verdict on these, which gives the ids of what it has stored or ``None``; then
        look at what follows, once, and remember them for undo."""
        first = entries[0].key
        following = self._after_leftover.pop(first, None)
        if following is None or self._model.row_of(following) < 0:
            following = self._model.rows.following([entry.key for entry in entries])
        self._leaving = True
        try:
            verdict_ids = work()
        finally:
            self._leaving = False
        if verdict_ids is None:
            return
        rows = self._model.rows
        lasting = lasting_key(entries[0])
        self._handled.append((lasting, min(verdict_ids)))
        place = self._model.row_of(first)
        if place >= 0 and not rows.judged[place]:
            # the label is gone, its detection has still to be judged; it may be listed elsewhere now
            self._look_at(first, [first])
            self._after_leftover = {} if following is None else {first: following}
        elif following is not None and self._model.row_of(following) >= 0:
            self._look_at(following, [following])
        elif self.count:
            self._go_to_row(min(self._place, self.count - 1))
        else:
            self._look_at(None, [])
        if self._live.is_loading and self._source is not None:
            # the detection of a deleted label has still to be judged, which may show only then
            self.awaited = (self._source.fingerprint, lasting)

    def refresh(self) -> None:
        """Find the items again; what is selected stays selected."""
        self._show(self._items.found)

    def _show(self, listing: Callable[[ErrorFilter], ErrorRows], *, was: int | None = None) -> None:
        """``was`` is the key that the current box had until now."""
        review = self._live.review
        if review is None:
            return
        self.filter = _usable(self.filter, review)
        selected, now = self._panel.list.selected_keys(), self._current
        if was is not None and now is not None:
            selected = [now if key == was else key for key in selected]
        self._model.set_rows(listing(self.filter))
        if not self._leaving:
            self._show_state(selected)

    def _follow_threshold(self) -> None:
        was, review = self._current, self._live.review
        if was is not None and review is not None:
            # what was found may be missed now, and is its label then
            self._current = listed_half(review.source, self._live.threshold, was)
        self._show(self._items.after_threshold, was=was)
        if self.current != self._told:
            self._tell()

    def _tell(self) -> None:
        self._told = self.current
        self.current_changed.emit(self._told)

    def _show_state(self, selected: list[int]) -> None:
        current, review = self._current, self._live.review
        row = -1 if current is None else self._model.row_of(current)
        if row >= 0:
            self._place = row
            selected = selected if current in selected else [self._model.entry(row).key]
        self._panel.list.show_keys(selected, current if row >= 0 else None, place=self._place)
        self._panel.show_progress(row + 1, self.count)
        listed = self.filter.in_order(self._figures.order)
        self._panel.show_kinds(listed.kinds, decided=self.filter.cell is None)
        unjudged = review is not None and review.unjudged
        self._panel.show_type(None if unjudged else self.filter.type)
        if review is not None:
            midnight = datetime.now().astimezone().replace(hour=0, minute=0, second=0, microsecond=0)
            judged = review.source.judged
            self._panel.show_done(judged.count_since(midnight.timestamp()), len(judged))
        self._panel.show_narrowed(narrowed_to(self.filter, review))
        self._panel.list.set_empty_text(empty_text(listed, unjudged=unjudged))

    def _go_to_row(self, row: int) -> None:
        key = int(self._model.rows.keys[row])
        self._look_at(key, [key])

    def _look_at(self, key: int | None, selected: list[int] | None) -> None:
        self._current, self.awaited = key, None
        self._show_state(self._panel.list.selected_keys() if selected is None else selected)
        self._tell()

    def _restart(self) -> None:
        """Another review: keep the place unless its box is gone; else look at the first one."""
        review, old = self._live.review, self._source
        if review is None:
            self._source = self._current = self.awaited = None
            self._handled.clear()
            self._model.set_source(None, {}, {})
            self._tell()
            return
        self._after_leftover = {}
        order = self._figures.order
        self._panel.show_judging(possible=not review.unjudged)
        self._panel.show_order(order_without_labels(order) if review.unjudged else order)
        new = self._source = review.source
        is_same = old is not None and old.fingerprint == new.fingerprint
        self._handled = [pair for pair in self._handled if is_same or pair[0] > 0]
        awaited, self.awaited = self.awaited, None
        current = _moved([] if self._current is None else [self._current], old, new)
        selected = _moved(self._panel.list.selected_keys(), old, new)
        rest = _moved(self._model.rows.keys[self._place :], old, new)
        # nobody is to ask for it before there is a list again
        self._current = None
        self._model.set_source(new, review.classes, review.paths)
        self.filter = _usable(self.filter, review)
        self._model.set_rows(self._items.found(self.filter))
        rows = self._model.rows
        rest = rest[np.isin(rest, rows.keys)]
        self._place = self._model.row_of(int(rest[0])) if len(rest) else min(self._place, self.count)
        # every run has the same labels: where one is no error, there are others to look at
        current = current if is_same else current[np.isin(current, rows.keys)]
        self._current = int(current[0]) if len(current) else None
        is_of_these = awaited is not None and awaited[0] == new.fingerprint
        returned = _keys_in(new, np.array([awaited[1]])).tolist() if awaited and is_of_these else []
        row = self._model.row_of(returned[0]) if returned else -1
        if row >= 0 and not rows.judged[row]:
            self._go_to_row(row)
        elif self._current is None and self.count:
            self._from_the_top = True
            self._go_to_row(0)
        else:
            self._show_state(selected.tolist())
            self._tell()
        self.filter_changed.emit()

    def _follow_edit(self, _images: frozenset[int]) -> None:
        """An edit or its undo: where a verdict was taken back, its box is looked at again."""
        self._show(self._items.after_edit)
        source = self._source
        if source is None or self._leaving:
            return
        if not self._handled or self._handled[-1][1] in source.judged:
            self._tell()
            return
        returned, _ = self._handled.pop()
        here = _keys_in(source, np.array([returned])).tolist()
        if here:
            self.go_to(here[0])
        else:
            # on other images, or a label that only the review on its way has again
            self.awaited = (source.fingerprint, returned) if self._live.is_loading else None
            self._tell()


def cell_of(review: Review, row: int, column: int) -> tuple[int, int]:
    """The class ids of a cell of the confusion matrix, in the matrix' order of classes."""
    ids = [*np.asarray(review.evaluation.class_ids).tolist(), BACKGROUND_ID]
    return ids[row], ids[column]


def _usable(wanted: ErrorFilter, review: Review) -> ErrorFilter:
    """The filter without a class or an image that is gone, or boxes of other detections."""
    known = {*review.classes, BACKGROUND_ID, None}
    if wanted.image_id is not None and wanted.image_id not in review.evaluation.image_ids:
        wanted = wanted.with_image(None)
    if wanted.class_id not in known or not known.issuperset(wanted.cell or ()):
        wanted = wanted.with_class(None)
    if wanted.picked is not None and wanted.picked.fingerprint != review.source.fingerprint:
        wanted = wanted.widened()
    if review.unjudged and wanted.exact:
        # no number counts anything there
        wanted = wanted.widened()
    return wanted


def lasting_key(entry: ErrorEntry) -> int:
    """What the key of a box is to others that have the same detections: their rows in the run do not move."""
    return entry.key if entry.run_row is None else detection_key(entry.run_row)


def _keys_in(source: ErrorSource, lasting: IntArray) -> IntArray:
    """The keys of those boxes that a review has, in the order of their ``lasting`` keys."""
    rows, is_label = -lasting - 1, lasting > 0
    places = np.searchsorted(source.run_rows, rows)
    is_there = np.append(source.run_rows, -1)[places] == rows
    is_there[is_label] = np.isin(lasting[is_label], source.evaluation.gt.ids)
    return np.where(is_label, lasting, -(places + 1))[is_there]


def _moved(keys: Sequence[int] | IntArray, old: ErrorSource | None, new: ErrorSource) -> IntArray:
    """The keys in one review of those boxes of another that it has: of detections only if it is of the same
    ones."""
    lasting = np.array(keys, np.int64)
    if old is None or old.fingerprint != new.fingerprint:
        return _keys_in(new, lasting[lasting > 0])
    of_detection = lasting < 0
    lasting[of_detection] = -(old.run_rows[-lasting[of_detection] - 1] + 1)
    return _keys_in(new, lasting)
