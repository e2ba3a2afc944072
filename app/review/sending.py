"""Send to training: what the run got wrong is to count more in the next one."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from app.review.live.live_evaluation import LiveReview
from app.services.actions import TRAIN
from app.services.context import AppContext
from app.services.figures import count_text
from app.services.tasks import ProgressCallback
from detcore.curation.emphasis import NotLookedAtError
from detcore.errors import Cancelled, ReticleError
from detcore.jobs.preparing.sent_errors import SentErrors, find_errors, keep_sent, read_sent
from detcore.project.project import Project
from detcore.project.runs import RunFolder, imported_from


class ReviewSending(QObject):
    """Looks for the errors of the run at the threshold and IoU that are shown, and leaves them for the Train
    page."""

    # The user wants to go to the Train page.
    train_requested = Signal()
    # The user wants the run that is reviewed to predict.
    prediction_requested = Signal()

    def __init__(self, context: AppContext, live: LiveReview, parent: QObject) -> None:
        super().__init__(parent)
        self._context, self._live = context, live
        self._busy = False
        context.actions.bind("review.send", self.send, when=self._is_possible)

    def send(self) -> None:
        """Find out what there is to learn from; a message says what will count."""
        review, threshold = self._live.review, self._live.threshold
        if review is None or self._busy:
            return
        project, run = self._context.document.project, review.run
        iou_threshold = review.evaluation.iou_threshold

        def work(progress: ProgressCallback) -> SentErrors:
            return find_errors(
                project, run, threshold=threshold, iou_threshold=iou_threshold, progress=progress
            )

        self._set_busy(True)
        self._context.tasks.run_with_progress(
            f"Looking for the errors of {run.name}",
            work,
            done=lambda sent: self._take(project, sent),
            failed=lambda error: self._fail(project, run, error),
        )

    def _is_possible(self) -> bool:
        review = self._live.review
        return review is not None and review.image_count > 0 and not review.unjudged and not self._busy

    def _set_busy(self, busy: bool) -> None:
        self._busy = busy
        self._context.actions.refresh()

    def _take(self, project: Project, sent: SentErrors) -> None:
        self._set_busy(False)
        if not self._context.document.shows(project):
            return
        if not sent.images:
            self._context.messages.info(
                f"{sent.run} makes no mistake on the training images at this threshold: nothing was sent."
            )
            return
        earlier = read_sent(project)
        keep_sent(project, sent)
        text = f"{sent.text(count_text)} will count more in the next training."
        if earlier is not None and earlier.run != sent.run:
            text += f" What was sent of {earlier.run} will not."
        actions = self._context.actions
        go = ("Go to Train", self.train_requested.emit)
        self._context.messages.success(text, go, applies=lambda: actions.scope != TRAIN)

    def _fail(self, project: Project, run: RunFolder, error: Exception) -> None:
        self._set_busy(False)
        messages = self._context.messages
        if not isinstance(error, ReticleError):
            raise error
        if not self._context.document.shows(project):
            return
        if isinstance(error, Cancelled):
            messages.info("Cancelled. Nothing was sent to training.")
        elif isinstance(error, NotLookedAtError):
            has_weights = imported_from(run) is None
            predict = ("Predict with this run", self.prediction_requested.emit) if has_weights else None
            messages.warning(f"Nothing was sent: {error}", predict, applies=lambda: self._live.run == run)
        else:
            messages.error(error, doing="send anything to training")
