"""The run that is looked at against another one, brought up to date while it is seen."""

from __future__ import annotations

from html import escape
from pathlib import Path

from PySide6.QtCore import QObject

from app.review.choice import ReviewChoice
from app.review.live.comparisons import ComparisonKey, Comparisons, comparison_key
from app.review.live.live_evaluation import LiveReview
from app.review.live.run_comparison import RunChanges, RunComparison
from app.review.models.comparison_rows import comparison_rows, interval_rows
from app.review.queue import ReviewQueue
from app.review.widgets.compare_panel import ChangeCount, ComparePanel
from app.services.context import AppContext
from app.services.figures import count_text, counted, ratio_text
from app.services.timing import Debouncer
from detcore.errors import Cancelled, ReticleError
from detcore.project.cross_validation import MODEL_NAME as CROSS_VALIDATION
from detcore.project.runs import RunInfo
from detcore.review.picked import PickedBoxes
from detcore.review.review import Review
from detcore.types import Changes

_PAUSE_MS = 1500
"""After an edit figures wait until the user pauses."""


class ReviewCompare(QObject):
    """Figures and intervals stay until labels change; counts follow the threshold."""

    def __init__(
        self, context: AppContext, live: LiveReview, choice: ReviewChoice, queue: ReviewQueue
    ) -> None:
        super().__init__(queue)
        self._context, self._live, self._choice, self._queue = context, live, choice, queue
        self.panel = ComparePanel(context.theme)
        self.comparisons = Comparisons(context.document, context.tasks, self)
        self._other = ""
        self._asked: ComparisonKey | None = None
        self._shown: RunComparison | None = None
        self._counted: tuple[RunComparison, tuple[float, float]] | None = None
        self._is_counting = False
        self._picked: dict[str, PickedBoxes] = {}
        self._pause = Debouncer(self, self.show, pause_ms=_PAUSE_MS)
        self._connect()

    def _connect(self) -> None:
        panel, comparisons = self.panel, self.comparisons
        panel.shown.connect(self.show)
        panel.run_chosen.connect(self._choose)
        panel.at_slider.toggled.connect(self._show_figures)
        panel.count_opened.connect(self._open)
        panel.stop_asked.connect(comparisons.stop)
        panel.start_asked.connect(self._start_over)
        comparisons.progressed.connect(panel.show_busy)
        comparisons.found.connect(self._take)
        comparisons.stopped.connect(self._fail)
        self._live.loaded.connect(self.show)
        self._live.threshold_changed.connect(lambda _threshold: self._show_figures())
        self._choice.changed.connect(self.show)
        self._context.document.changed.connect(self._follow)
        self._context.document.closed.connect(self._forget)
        self._context.jobs.ended.connect(self._follow_job)

    def show(self) -> None:
        """Bring the panel up to date, if it is seen."""
        review = self._live.review
        if review is None or review.unjudged or self._live.is_loading or not self.panel.isVisible():
            return
        others = self._others(review)
        if not others:
            self.panel.show_empty(
                "scale-balance",
                "There is no other run to compare with",
                "Train once more, or let another run predict: what the new model finds and what it loses "
                "is shown here, and whether it is better or just luckier.",
            )
            return
        other = next((run for run in others if run.name == self._other), others[0])
        self.panel.show_runs(sorted((run.name for run in others), reverse=True), other.name)
        key = comparison_key(review, other.folder)
        if key != self._asked:
            # figures of other runs or images say nothing about these
            self._asked, self._shown = key, None
            self.panel.forget()
        self.comparisons.want(review, other.folder)
        self._show_figures()

    def _others(self, review: Review) -> list[RunInfo]:
        """Runs to compare with, those of the same sort first: a training with trainings, a cross-validation
        with cross-validations. Of one sort first the one before the run that is looked at, then older, then
        newer ones."""
        ready = [run for run in self._choice.runs if run.has_detections]
        names = [run.name for run in self._choice.runs]
        place = names.index(review.run.name) if review.run.name in names else -1
        before = [run for run in ready if names.index(run.name) > place]
        after = [run for run in ready if names.index(run.name) < place]
        of_folds = {run.name: run.model == CROSS_VALIDATION for run in self._choice.runs}
        here = of_folds.get(review.run.name, False)
        return sorted([*before, *reversed(after)], key=lambda run: of_folds[run.name] is not here)

    def _choose(self, name: str) -> None:
        self._other = name
        self.show()

    def _open(self, name: str) -> None:
        self._queue.set_filter(self._queue.filter.of(self._picked[name]))

    def _start_over(self) -> None:
        self.comparisons.forget()
        self.show()

    def _take(self, found: RunComparison | None) -> None:
        self._shown = found
        if found is None:
            self.panel.forget()
            self.panel.show_stopped("This run has looked at none of these images.", can_start=False)
        else:
            self.panel.show_current()
            self._show_figures()

    def _fail(self, error: ReticleError) -> None:
        if isinstance(error, Cancelled):
            old = "" if self._shown is None else " These figures are of before."
            self.panel.show_stopped(f"Cancelled.{old}")
        else:
            self.panel.show_stopped("The runs could not be compared.")
            self._context.messages.error(error, doing="compare the runs")

    def _show_figures(self) -> None:
        """Everything that follows from the threshold."""
        found = self._shown
        if found is None or not self.panel.isVisible():
            return
        thresholds = self._thresholds(found)
        iou = found.runs.iou_threshold
        rows = comparison_rows(
            found.by_model,
            found.by_labels,
            unchanged=found.unchanged,
            thresholds=thresholds,
            iou_threshold=iou,
        )
        first, second = found.runs.first.name, found.runs.second.name
        intervals = interval_rows(found.by_model, iou, fair=found.fairness.is_fair)
        note = comparison_note(found, thresholds, at_slider=self.panel.at_slider.isChecked())
        self.panel.show_figures(rows, (first, first, second), intervals, note)
        self.panel.show_caution(caution_text(found))
        self._count(found, thresholds)

    def _thresholds(self, found: RunComparison) -> tuple[float, float]:
        """Of the old and the new model: chosen for both in the same way, or the difference would be one of
        thresholds."""
        if self.panel.at_slider.isChecked():
            return (self._live.threshold, self._live.threshold)
        return found.best_thresholds

    def _count(self, found: RunComparison, thresholds: tuple[float, float]) -> None:
        """Find out in the pool which objects were gained and lost, unless it is known."""
        if self._is_counting or self._counted == (found, thresholds):
            return
        self._is_counting = True
        self._context.tasks.run(
            lambda: found.changes(thresholds),
            done=lambda changes: self._take_counts(found, thresholds, changes),
            failed=self._give_up,
        )

    def _take_counts(
        self, found: RunComparison, thresholds: tuple[float, float], changes: RunChanges
    ) -> None:
        self._is_counting = False
        if found is not self._shown:
            self._show_figures()
            return
        self._counted = (found, thresholds)
        everything = (changes.gained, changes.lost, changes.changed, changes.false)
        self._picked = {picked.name: picked for picked in everything}
        self.panel.show_counts(change_counts(found, changes))
        if thresholds != self._thresholds(found):
            self._show_figures()

    def _give_up(self, error: Exception) -> None:
        self._is_counting = False
        raise error

    def _follow(self, changes: Changes) -> None:
        if changes.box_images or changes.images or changes.classes:
            self.comparisons.forget()
            self._pause.ask()

    def _follow_job(self, run: Path, _outcome: object) -> None:
        """A run of this project may have left other detections."""
        if self._context.document.holds_run(run):
            self.comparisons.forget()
            self.show()

    def _forget(self) -> None:
        self._pause.stop()
        self.comparisons.forget()
        self._asked = self._shown = self._counted = None
        self.panel.forget()


def change_counts(found: RunComparison, changes: RunChanges) -> list[ChangeCount]:
    """The links to what the two runs do not have in common."""
    first, second = found.runs.first.name, found.runs.second.name
    return [
        ChangeCount(name=picked.name, count=len(picked), tip=tip)
        for picked, tip in (
            (changes.gained, f"Labels that {second} finds and {first} does not"),
            (changes.lost, f"Labels that {first} finds and {second} does not"),
            (changes.changed, "Labels that neither finds, each for another reason"),
            (changes.false, f"False positives of {second} that {first} does not have"),
        )
    ]


def comparison_note(found: RunComparison, thresholds: tuple[float, float], *, at_slider: bool) -> str:
    """Where each run stands, and on which images."""
    first, second = found.runs.first.name, found.runs.second.name
    images = len(found.runs.image_ids)
    if at_slider:
        parts = [f"Both at {ratio_text(thresholds[1])}, the slider's."]
    else:
        old, new = (ratio_text(threshold) for threshold in thresholds)
        parts = [f"Each where its F1 is highest: {first} at {old}, {second} at {new}."]
    if images < found.scope_count:
        how = " and neither has learnt from" if not any(found.fairness.trained) else ""
        parts.append(f"On {_of(images, found.scope_count)} that both have seen{how}.")
    if found.unchanged:
        parts.append(f"The labels are those that {first} was started with.")
    elif found.by_labels is None:
        parts.append(f"{first} was started without labels of these images.")
    elif found.by_labels.old.image_count < images:
        parts.append(f"Old labels are of {_of(found.by_labels.old.image_count, images)}.")
    return " ".join(parts)


def caution_text(found: RunComparison) -> str:
    """Why the difference is not that of two models, in rich text; "" where it is."""
    cautions = " ".join(found.fairness.cautions(count_text))
    return f"<b>Not a fair comparison.</b> {escape(cautions)}" if cautions else ""


def _of(some: int, every: int) -> str:
    return f"{count_text(some)} of {counted(every, 'image')}"
