"""Verdicts on what the queue shows: each is one edit, undone like any other."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice

from PySide6.QtCore import QObject

from app.review.live.live_evaluation import LiveReview
from app.review.queue import ReviewQueue
from app.review.texts import done_text
from app.services.context import AppContext, apply_edit
from app.services.figures import count_text, counted
from detcore.project.edits import remove_verdicts
from detcore.project.verdict_rows import VerdictKind
from detcore.review.entries import ErrorEntry
from detcore.review.verdicts import is_offered, verdict_edit, verdict_text

VERDICT_ACTIONS = {
    VerdictKind.ACCEPT: "review.accept",
    VerdictKind.CLASS: "review.take_class",
    VerdictKind.BOX: "review.take_box",
    VerdictKind.DELETE: "review.delete",
    VerdictKind.MODEL_WRONG: "review.model_wrong",
    VerdictKind.AMBIGUOUS: "review.ambiguous",
    VerdictKind.IGNORE: "review.difficult",
}
_LOOKED_AT = 40
"""Of a long selection so many items decide whether an action makes sense; it then acts on all that it can."""


class ReviewVerdicts(QObject):
    """Gives verdicts on the chosen items; then the next one is looked at."""

    def __init__(self, context: AppContext, live: LiveReview, queue: ReviewQueue) -> None:
        super().__init__(queue)
        self._context, self._live, self._queue = context, live, queue

    def can_give(self, kind: VerdictKind) -> bool:
        return any(is_offered(kind, entry) for entry in islice(self._queue.chosen(), _LOOKED_AT))

    def give(self, kind: VerdictKind) -> None:
        """Give a verdict on those of the chosen items for which it makes sense."""
        review, threshold = self._live.review, self._live.threshold
        chosen = list(self._queue.chosen())
        entries = _each_label_once(entry for entry in chosen if is_offered(kind, entry))
        if not entries or review is None:
            return
        run = review.run.name

        def work() -> frozenset[int] | None:
            changes = apply_edit(self._context, verdict_edit, kind, entries, run=run, threshold=threshold)
            if changes is None:
                return None
            self._tell(kind, len(entries), len(chosen))
            return changes.verdicts

        self._queue.deal_with(entries, work)

    def can_take_back(self) -> bool:
        return any(entry.verdict is not None for entry in islice(self._queue.chosen(), _LOOKED_AT))

    def take_back(self) -> None:
        """Let the chosen items count as not judged; what was done to labels stays."""
        ids = {entry.verdict.id for entry in self._queue.chosen() if entry.verdict is not None}
        if ids:
            apply_edit(self._context, remove_verdicts, ids)

    def _tell(self, kind: VerdictKind, judged: int, chosen: int) -> None:
        """What was done, in one message for a quick series; and what somebody who selected more cannot see."""
        messages, until = self._context.messages, self._context.document.until_next_edit()
        if judged < chosen:
            messages.info(
                f"{verdict_text(kind)}: {count_text(judged)} of {counted(chosen, 'item')}. "
                "For the others it makes no sense.",
                applies=until,
            )
        else:
            messages.tally(f"verdict {kind}", judged, lambda count: done_text(kind, count), applies=until)

    def bind(self, is_ready: Callable[[], bool]) -> None:
        """Let the actions give verdicts while the page is ready."""
        for kind, name in VERDICT_ACTIONS.items():
            self._bind(name, kind, is_ready)
        self._context.actions.bind(
            "review.take_back", self.take_back, when=lambda: is_ready() and self.can_take_back()
        )

    def _bind(self, name: str, kind: VerdictKind, is_ready: Callable[[], bool]) -> None:
        self._context.actions.bind(
            name, lambda: self.give(kind), when=lambda: is_ready() and self.can_give(kind)
        )


def _each_label_once(entries: Iterable[ErrorEntry]) -> list[ErrorEntry]:
    """Of several detections that were meant for one label the first: a label can be changed once."""
    seen: set[int] = set()
    kept: list[ErrorEntry] = []
    for entry in entries:
        label = entry.label
        if label is None or label.key not in seen:
            kept.append(entry)
        if label is not None:
            seen.add(label.key)
    return kept
