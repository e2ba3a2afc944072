"""Which run, which images, which IoU; and what to do while there is nothing to choose."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

from PySide6.QtCore import QLocale, QObject, Qt, Signal
from PySide6.QtWidgets import QComboBox

from app.review.live.live_evaluation import LiveReview
from app.review.widgets.captioned_row import CaptionedRow
from app.services.actions import REVIEW
from app.services.context import AppContext
from app.services.figures import count_text, counted
from detcore.errors import ReticleError
from detcore.jobs.preparing.runs import prepare_prediction
from detcore.project.project import Project
from detcore.project.runs import RunFolder, RunInfo, RunState, list_runs
from detcore.project.scope import Scope, unread_note
from detcore.project.snapshot import take_snapshot

IOU_THRESHOLDS = tuple(0.5 + 0.05 * step for step in range(10))
_BEST_TIP = "The best AP (mean over IoU 0.50 to 0.95) on the images it was judged by while it was trained"
RUN_WIDTHS, SCOPE_WIDTHS, IOU_WIDTHS = (210, 250), (175, 190), (74, 74)
"""Of each field the least and the usual width."""


class ReviewChoice(QObject):
    """Three combo boxes and the runs behind them. Follows runs as they come and get detections."""

    # There are other runs, or another one is chosen.
    changed = Signal()

    def __init__(self, context: AppContext, live: LiveReview, parent: QObject) -> None:
        super().__init__(parent)
        self._context, self._live = context, live
        self._runs: list[RunInfo] = []
        self.problem = ""
        self._ended: set[str] = set()
        self._wanted = ""
        self._ended_unseen: set[str] = set()
        self.run, self.scope, self.iou = QComboBox(), QComboBox(), QComboBox()
        self.scope.setEnabled(False)
        self.bar = self._compose()
        for threshold in IOU_THRESHOLDS:
            self.iou.addItem(QLocale().toString(threshold, "f", 2), threshold)
        self.run.activated.connect(lambda _row: self.open(scope=None))
        self.scope.activated.connect(lambda _row: self.open(scope=Scope(self.scope.currentData())))
        self.iou.activated.connect(lambda _row: live.set_iou_threshold(self.iou.currentData()))
        live.loaded.connect(self._show_scopes)
        live.failed.connect(self._fail)
        document = context.document
        document.opened.connect(self._restart)
        document.closed.connect(self._forget)
        document.runs_changed.connect(self.refresh)
        context.jobs.ended.connect(self._look_again)
        context.jobs.changed.connect(self.changed)
        context.view.run_wanted.connect(self._want)

    @property
    def runs(self) -> Sequence[RunInfo]:
        """The newest first."""
        return self._runs

    @property
    def chosen(self) -> RunInfo | None:
        """The run that is chosen."""
        row = self.run.currentIndex()
        return self._runs[row] if 0 <= row < len(self._runs) else None

    def enter(self) -> None:
        """The page is shown: of the runs that have ended meanwhile the newest one is looked at, with a word."""
        unseen, self._ended_unseen = frozenset(self._ended_unseen), set()
        self.refresh(unseen)

    def refresh(self, unseen: frozenset[str] = frozenset()) -> None:
        """Look at the run folders again, off the GUI thread; of runs that ended ``unseen`` the newest may be
        shown."""
        document = self._context.document
        if not document.is_open:
            return
        project = document.project
        self._context.tasks.run(
            lambda: list_runs(project),
            done=lambda runs: self._take(project.folder, runs, unseen),
            failed=self._fail,
        )

    def note(self) -> str:
        """What to know about the images that are shown, rich text; "" for nothing."""
        known, review = self.known_images(), self._live.review
        if review is not None and review.unjudged:
            return "These images have no labels yet: nothing is right or wrong, and no figure counts them."
        parts = [f"{known}: the model knows them, so it errs less here than on new images."] if known else []
        run = self.chosen
        if run is not None and run.imported is not None and not run.imported.by_person:
            parts.append("Which images this detector was trained on is not known here.")
        if review is not None and review.unread:
            parts.append(escape(unread_note(review.unread)))
        if review is not None and review.scope is Scope.ALL and Scope.UNLABELLED in review.scopes:
            more = len(review.scopes[Scope.UNLABELLED])
            text = counted(more, "more image has no labels", "more images have no labels")
            parts.append(
                f'{text} (<a href="{Scope.UNLABELLED.value}">show {"it" if more == 1 else "them"}</a>).'
            )
        return " ".join(parts)

    def known_images(self) -> str:
        """Which images the run has learnt from, as the beginning of a sentence; "" if none."""
        review = self._live.review
        if review is None or not review.trained:
            return ""
        if review.trained == review.image_count:
            return "All of these images were used for training"
        trained, images = count_text(review.trained), counted(review.image_count, "image")
        return f"{trained} of these {images} {'was' if review.trained == 1 else 'were'} used for training"

    def predict_chosen(self) -> None:
        """Ask the run that is chosen what it sees on all images."""
        run = self.chosen
        if run is not None:
            self.predict(run)

    def predict(self, run: RunInfo) -> None:
        """Ask a run what it sees; the review opens when it has finished."""
        self.problem = ""
        project = self._context.document.project
        self._context.tasks.run(
            lambda: prepare_prediction(run.folder, take_snapshot(project)),
            done=lambda images: self._launch(project, run.folder, images),
            failed=self._fail,
        )

    def _launch(self, project: Project, run: RunFolder, images: Path) -> None:
        document, jobs = self._context.document, self._context.jobs
        if document.is_open and document.project is project and run.path not in jobs.active():
            jobs.predict(run.path, images)

    def _compose(self) -> CaptionedRow:
        bar = CaptionedRow()
        for title, box, (least, most), tip in (
            ("Run", self.run, RUN_WIDTHS, "The run whose detections are shown"),
            ("Images", self.scope, SCOPE_WIDTHS, "The images whose labels are held against the detections"),
            ("IoU", self.iou, IOU_WIDTHS, "How much a detection must overlap a label to match it"),
        ):
            # as wide as it may be where there is room, whatever is listed
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            box.setMinimumContentsLength(most)
            box.setMinimumWidth(least)
            box.setMaximumWidth(most)
            box.setToolTip(f"<b>{title}</b><br>{tip}")
            bar.add(title, box)
        return bar

    def _look_again(self, run: Path, _outcome: object) -> None:
        """The worker of a run has ended; it may have left other detections."""
        if self._context.document.holds_run(run):
            self._ended.add(run.name)
            if self._context.actions.scope != REVIEW:
                self._ended_unseen.add(run.name)
            self.refresh()

    def _want(self, name: str) -> None:
        """Choose a run as soon as the list has been read again."""
        self._wanted = name
        self.refresh()

    def _restart(self) -> None:
        self._forget()
        self.refresh()

    def _forget(self) -> None:
        self._runs, self.problem, self._wanted = [], "", ""
        self._ended_unseen = set()
        self.run.clear()
        self.scope.clear()
        self._live.close()
        self.changed.emit()

    def _take(self, folder: object, runs: list[RunInfo], unseen: frozenset[str]) -> None:
        document = self._context.document
        if not document.is_open or document.project.folder != folder:
            return
        before = self.chosen
        running = {run.name for run in runs if run.state is RunState.RUNNING}
        renewed = self._ended | {
            run.name
            for run in self._runs
            if not run.has_detections or (run.state is RunState.RUNNING and run.name not in running)
        }
        self._ended = set()
        self._runs = [run for run in runs if run.state is not RunState.NEW or run.has_detections]
        self.run.clear()
        for row, run in enumerate(self._runs):
            self.run.addItem(_title(run))
            if run.best_ap is not None:
                self.run.setItemData(row, _BEST_TIP, Qt.ItemDataRole.ToolTipRole)
        names = [run.name for run in self._runs]
        if before is not None and not self._wanted:
            self._want_newest(before.name, unseen)
        if self._wanted in names and (before is None or before.name != self._wanted):
            self.run.setCurrentIndex(names.index(self._wanted))
            self.open(scope=None)
        elif before is not None and before.name in names:
            self.run.setCurrentIndex(names.index(before.name))
            waiting = self._live.review is None and not self._live.is_loading
            if waiting or before.name in renewed:
                self.open(scope=None)
        elif names:
            ready = [run.has_detections for run in self._runs]
            self.run.setCurrentIndex(ready.index(True) if True in ready else 0)
            self.open(scope=None)
        if self._wanted in names:
            self._wanted = ""
        self.run.setEnabled(bool(names))
        self.changed.emit()

    def _want_newest(self, shown: str, unseen: frozenset[str]) -> None:
        """Of the runs that ended while another page was shown the newest, if it is newer than the one here."""
        names = [run.name for run in self._runs]
        newer = self._runs[: names.index(shown)] if shown in names else []
        ended = [run.name for run in newer if run.name in unseen and run.has_detections]
        if not ended:
            return
        self._wanted = ended[0]
        view = self._context.view
        self._context.messages.info(
            f"{ended[0]} has ended and is shown here now.",
            (f"Back to {shown}", lambda: view.show_run(shown)),
            applies=lambda: view.reviewed_run != shown or self._live.is_loading,
        )

    def open(self, *, scope: Scope | None) -> None:
        """Show the run that is chosen, over other images; ``None`` for the usual ones."""
        run = self.chosen
        self.problem = ""
        if run is None:
            return
        if run.has_detections:
            self._live.open(run.folder, scope=scope, iou_threshold=self.iou.currentData())
        else:
            self._live.close()
            self.scope.clear()
        self.changed.emit()

    def _show_scopes(self) -> None:
        review = self._live.review
        self._context.view.note_reviewed("" if review is None else review.run.name)
        self.scope.clear()
        if review is None:
            self.scope.setEnabled(False)
            return
        for scope, ids in review.scopes.items():
            self.scope.addItem(f"{scope.value} ({count_text(len(ids))})", scope)
        self.scope.setEnabled(bool(review.scopes))
        self.scope.setCurrentIndex(list(review.scopes).index(review.scope) if review.scopes else -1)

    def _fail(self, error: Exception) -> None:
        if not isinstance(error, ReticleError):
            raise error
        self.problem = str(error)
        self._context.messages.error(error, doing="read the run")
        self.changed.emit()


def _title(run: RunInfo) -> str:
    ap = "" if run.best_ap is None else f" · best AP {QLocale().toString(run.best_ap, 'f', 3)}"
    return f"{run.name}{ap}"
