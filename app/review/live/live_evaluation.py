"""The evaluation behind the Review page: loaded and matched in the pool, kept in step with every edit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from PySide6.QtCore import QObject, Signal

from app.services.document import Document
from app.services.tasks import Tasks
from app.services.timing import HALF_FRAME_MS, Debouncer, Throttle
from detcore.evaluation.error_costs import ErrorCosts
from detcore.project.runs import RunFolder
from detcore.project.scope import (
    Scope,
)
from detcore.project.verdicts import read_verdicts
from detcore.review.orders import find_costs
from detcore.review.review import Review, build_review
from detcore.types import Changes

_CURVES_MS, _CURVES_LONGEST_MS = 700, 2000
"""Curves follow once no label has changed for so long: nobody reads them between two verdicts. Without such a
pause they follow when the first change that they do not show is so old."""
_REMATCH_ALL_FROM = 40
"""With more edited images than this, matching everything anew in the pool is quicker for the window."""


class LiveReview(QObject):
    """Holds the review that is shown, its threshold, and follows the document."""

    # A review is being loaded; the old one is shown until then.
    loading = Signal()
    # Another review is there, or none: look at everything again.
    loaded = Signal()
    # It could not be loaded: the error.
    failed = Signal(object)
    # Labels of these images (frozenset of ids, none when only verdicts changed) were matched again; sent at
    # once.
    matches_changed = Signal(object)
    # Curves, APs and the histogram are new; once the labels stand still, or now and then.
    curves_changed = Signal()
    # What each error costs is known.
    costs_found = Signal()
    # The threshold is another; at most twice a frame.
    threshold_changed = Signal(float)

    def __init__(self, document: Document, tasks: Tasks, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document, self._tasks = document, tasks
        self.review: Review | None = None
        self.threshold = 0.5
        # images with labels or verdicts that the latest edit changed
        self.touched: frozenset[int] = frozenset()
        self._wanted: tuple[RunFolder, Scope | None, float] | None = None
        self._generation = 0
        self._waiting = False
        self._edited: set[int] = set()
        self._verdicts: set[int] = set()
        self._stale = False
        self._judged: RunFolder | None = None
        self._curves = Debouncer(
            self, self.curves_changed.emit, pause_ms=_CURVES_MS, longest_ms=_CURVES_LONGEST_MS
        )
        # at once, so that the rest of the frame is there for what follows
        self._threshold = Throttle(
            self, lambda: self.threshold_changed.emit(self.threshold), interval_ms=HALF_FRAME_MS
        )
        document.changed.connect(self._follow)
        document.closed.connect(self.close)

    @property
    def run(self) -> RunFolder | None:
        """The run that is to be shown: its review is there, is being loaded, or cannot be."""
        return None if self._wanted is None else self._wanted[0]

    @property
    def is_loading(self) -> bool:
        return self._waiting

    def open(self, run: RunFolder, *, scope: Scope | None, iou_threshold: float) -> None:
        """Load a run's detections and match them; ``loaded`` or ``failed`` follows."""
        self._wanted = (run, scope, iou_threshold)
        self._build()

    def set_iou_threshold(self, iou_threshold: float) -> None:
        """Match again at another IoU; ``loaded`` follows."""
        if self._wanted is not None and iou_threshold != self._wanted[2]:
            run, scope, _ = self._wanted
            self.open(run, scope=scope, iou_threshold=iou_threshold)

    def set_threshold(self, threshold: float) -> None:
        """Let only detections with at least this score count."""
        if threshold == self.threshold:
            return
        self.threshold = threshold
        self._threshold.ask()

    def catch_up(self) -> None:
        """Tell of a new threshold at once if that is still to be done."""
        self._threshold.catch_up()

    def find_costs(self) -> None:
        """Find out in the pool what each error costs as things are now; ``costs_found`` follows."""
        review = self.review
        if review is None:
            return
        gt, generation = review.evaluation.gt, self._generation

        def take(costs: ErrorCosts) -> None:
            if generation == self._generation:
                review.source.costs.take(costs, gt.ids)
                self.costs_found.emit()

        self._tasks.run(
            lambda: find_costs(review, gt),
            done=take,
            failed=self.failed.emit,
        )

    def bring_up_to_date(self) -> None:
        """Choose the images anew when splits or statuses have changed since."""
        if self._stale and not self._waiting:
            self._build()

    def close(self) -> None:
        """Forget the review: there is none to show."""
        self._generation += 1
        self._waiting = False
        self._wanted = None
        self._forget_edits()
        if self.review is not None:
            self.review = None
            self.loaded.emit()

    def _build(self) -> None:
        if self._wanted is None:
            return
        run, scope, iou_threshold = self._wanted
        project = self._document.project
        self._generation += 1
        generation = self._generation
        self._forget_edits()
        self._stale = False
        self._waiting = True
        self.loading.emit()
        self._tasks.run(
            lambda: build_review(project, run, scope, iou_threshold),
            done=lambda review: self._take(generation, review),
            failed=lambda error: self._give_up(generation, error),
        )

    def _take(self, generation: int, review: Review) -> None:
        if generation != self._generation:
            return
        self._waiting = False
        self.review = review
        # what was edited while the pool was reading
        self._rematch(review, frozenset(self._edited))
        self._judge(review, frozenset(self._verdicts))
        self._forget_edits()
        if review.run != self._judged and not review.unjudged:
            # A run is first shown at the threshold where precision and recall balance best.
            self._judged = review.run
            self.threshold = review.best_threshold
        self.loaded.emit()

    def _give_up(self, generation: int, error: Exception) -> None:
        if generation == self._generation:
            self._waiting = False
            self.review = None
            self.loaded.emit()
            self.failed.emit(error)

    def _follow(self, changes: Changes) -> None:
        self._stale |= bool(changes.images)
        review = self.review
        if review is None and not self._waiting:
            return
        if self._waiting:
            # for the review that is on its way; the old one is shown until then, and follows as well
            self._edited |= changes.box_images
            self._verdicts |= changes.verdicts
        classes = {item.id: item for item in self._document.project.classes()} if changes.classes else {}
        # what is on its way may have been read with the old classes, names or colours
        is_outdated = review is None or self._waiting or classes.keys() != review.classes.keys()
        if changes.image_list or (changes.classes and is_outdated):
            self._build()
            return
        if len(changes.box_images) > _REMATCH_ALL_FROM:
            self._build()
            # the labels wait for it; but nobody is to judge again meanwhile what has just been judged
            changes = replace(changes, box_images=frozenset())
        if review is None:
            return
        if changes.classes:
            self.review = review = replace(review, classes=classes)
            self.loaded.emit()
        self._follow_labels(review, changes)

    def _follow_labels(self, review: Review, changes: Changes) -> None:
        """Take labels and verdicts into the review that is shown."""
        touched = self._rematch(review, changes.box_images)
        self.touched = touched | self._judge(review, changes.verdicts)
        if touched or changes.verdicts:
            self.matches_changed.emit(touched)
        if touched:
            self._curves.ask()
        self._follow_images(review, changes, touched)

    def _follow_images(self, review: Review, changes: Changes, touched: frozenset[int]) -> None:
        """An image takes part while it has labels, or among those without any while it has none. One that
        lost its last or got its first stays until the page is shown again; but an undo has to be seen where
        its labels are back."""
        labelled = np.isin(np.array(sorted(touched), np.int64), review.evaluation.gt.image_ids)
        everywhere = review.scopes.get(Scope.ALL, np.zeros(0, np.int64))
        others = np.array(sorted(changes.box_images - touched), np.int64)
        others = others[~np.isin(others, everywhere)]
        self._stale |= bool(len(others)) or bool((labelled == review.unjudged).any())
        if len(others) and not changes.step and not self._waiting:
            self._build()

    def _rematch(self, review: Review, image_ids: frozenset[int]) -> frozenset[int]:
        """Match those of the images again that take part; returns them."""
        evaluation = review.evaluation
        taking_part = frozenset(image_ids & frozenset(evaluation.image_ids.tolist()))
        for image_id in taking_part:
            truth = self._document.project.ground_truth([image_id])
            # a class that came while another review is on its way means nothing in the old one
            known = np.isin(truth.labels, evaluation.class_ids)
            evaluation.replace_image(image_id, truth.take(known))
            review.source.links.update(image_id)
            review.source.judged.update(image_id)
        return taking_part

    def _judge(self, review: Review, verdict_ids: frozenset[int]) -> frozenset[int]:
        """Take in verdicts that came, went or changed; returns their images."""
        if not verdict_ids:
            return frozenset()
        verdicts = read_verdicts(self._document.project, ids=verdict_ids)
        return review.source.judged.replace(verdict_ids, verdicts)

    def _forget_edits(self) -> None:
        self._edited.clear()
        self._verdicts.clear()
