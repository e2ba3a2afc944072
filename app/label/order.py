"""The order of the image list: as it is in the project, or first what is most worth labelling."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from PySide6.QtCore import QObject

from app.label.assist.learning import LiveLearning
from app.label.models.image_model import ImageModel, Reason
from app.label.widgets.image_filter_bar import ImageFilterBar, ListOrder
from app.services.actions import TRAIN
from app.services.context import AppContext
from app.services.figures import count_text, counted, ratio_text
from app.services.tasks import ProgressCallback, Task
from detcore.curation.ordering import Candidate, Order, order_unlabelled
from detcore.errors import Cancelled, ReticleError
from detcore.project.project import Project
from detcore.project.runs import RunFolder, list_runs, predicted_images

MOST_FIRST = 1000
"""So many images are put on top; each one costs a look at all others."""

_LISTEN_SECONDS = 0.1
_RUNS = {ListOrder.TO_LABEL_NEXT: 1, ListOrder.BY_TWO_RUNS: 2}
_NO_IMAGE = "Every image is labelled or verified already, so none is to be labelled next."
_NO_RUN = "No run has looked for objects yet. Train a detector, or choose a run and Predict again."
_OTHER_IMAGES = "No run has looked at the images without labels. Choose a run and Predict again."
_ONE_RUN = "Only one run has looked at the images without labels. Train another one, or choose To label next."


class NothingToOrder(ReticleError):
    """There is no image or no run to go by; ``needs_run``: the Train page is where to mend it."""

    def __init__(self, message: str, *, needs_run: bool) -> None:
        super().__init__(message)
        self.needs_run = needs_run


@dataclass(frozen=True, kw_only=True)
class Ranking:
    """An order and the names of the runs that it comes from, the newest first."""

    order: Order
    runs: tuple[str, ...]


def rank(
    project: Project, count: int, progress: ProgressCallback, *, learner: RunFolder | None = None
) -> Ranking:
    """The order by the ``count`` newest runs that have looked at images without labels; before them comes that of the
    ``learner`` beside the window, with what its weights find now and what they found the time before. For the pool.

    Raises:
        NothingToOrder: there is no such image, or too few such runs.
        ProjectError: detections cannot be read.
        Cancelled: ``progress`` returned false.
    """
    columns = project.image_list()
    unlabelled = set(columns.ids[~columns.labelled].tolist())
    if not unlabelled:
        raise NothingToOrder(_NO_IMAGE, needs_run=False)
    with_detections = [run.folder for run in list_runs(project) if run.has_detections]
    if learner is not None and learner in with_detections:
        now_and_before = [learner, *([learner.before] if learner.before.detections.is_file() else [])]
        with_detections = now_and_before + [run for run in with_detections if run != learner]
    runs = _that_have_seen(with_detections, unlabelled, count)
    if len(runs) < count:
        reason = _NO_RUN if not with_detections else _OTHER_IMAGES if not runs else _ONE_RUN
        raise NothingToOrder(reason, needs_run=True)
    second = runs[1] if count > 1 else None
    order = order_unlabelled(project, runs[0], second=second, count=MOST_FIRST, progress=progress)
    return Ranking(
        order=order,
        runs=tuple(
            run.name if run.path.parent == project.runs_folder else f"{run.path.parent.name} before"
            for run in runs
        ),
    )


def _await(looked: Event, progress: ProgressCallback) -> None:
    """Until the learner has looked at all images. Raises Cancelled."""
    while not looked.wait(_LISTEN_SECONDS):
        if not progress(0, 1):
            raise Cancelled("ordering images was cancelled")


def _that_have_seen(runs: list[RunFolder], image_ids: set[int], count: int) -> list[RunFolder]:
    """The first ``count`` runs that have looked at some of the images, at the same ones."""
    chosen: list[RunFolder] = []
    for run in runs:
        if len(chosen) == count:
            break
        seen = predicted_images(run) & image_ids
        if seen:
            chosen.append(run)
            image_ids = seen
    return chosen


def reason_of(candidate: Candidate, runs: tuple[str, ...]) -> Reason:
    """What the order is by, and how much the runs differ where there are two, else what speaks most for an image;
    and all the figures."""
    worth = ratio_text(candidate.worth)
    lines = [f"Worth labelling, by which the list is ordered: {worth}"]
    lines.append(f"{runs[0]} is uncertain: {ratio_text(candidate.uncertainty)}")
    if len(runs) > 1:
        word = "runs differ"
        lines.append(f"{runs[0]} and {runs[1]} differ: {ratio_text(candidate.disagreement)}")
    elif candidate.novelty > candidate.uncertainty:
        word = "unlike others"
    else:
        word = "uncertain"
    lines.append(f"Unlike the labelled images and those above: {ratio_text(candidate.novelty)}")
    return Reason(short=f"{worth} · {word}", long="\n".join(lines))


class ImageOrdering(QObject):
    """Finds the order that the user asked for, in the pool, and puts it into the list.

    It stays as it was found until it is asked for again: nothing moves by itself while images are labelled. The learner
    beside the window looks at all images first, where it runs.
    """

    def __init__(
        self,
        context: AppContext,
        images: ImageModel,
        bar: ImageFilterBar,
        learning: LiveLearning,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._context, self._images, self._bar, self._learning = context, images, bar, learning
        self._looked = Event()
        self._shown = ListOrder.AS_LISTED
        self._task: Task | None = None
        learning.looked_at_all.connect(lambda: self._looked.set())
        bar.order_chosen.connect(lambda order: self.choose(ListOrder(order)))
        context.document.closed.connect(self._leave_project)

    def toggle(self) -> None:
        """The images to label next, or the order of the project again."""
        asked = self._task is not None or self._shown is not ListOrder.AS_LISTED
        self.choose(ListOrder.AS_LISTED if asked else ListOrder.TO_LABEL_NEXT)

    def choose(self, order: ListOrder) -> None:
        """Show the images in an order. What was being found for another one is dropped."""
        document = self._context.document
        self._drop_task()
        if order is ListOrder.AS_LISTED or not document.is_open:
            self._show(ListOrder.AS_LISTED, {})
            return
        project = document.project
        self._bar.show_order(order)
        at = self._context.view.image_id
        learner = self._ask_learner()

        def find(progress: ProgressCallback) -> Ranking:
            if learner is not None:
                _await(self._looked, progress)
            return rank(project, _RUNS[order], progress, learner=learner)

        self._task = task = self._context.tasks.run_with_progress(
            "Finding what to label next",
            find,
            done=lambda ranking: self._if_current(task, lambda: self._end(task, order, ranking, at)),
            failed=lambda error: self._if_current(task, lambda: self._fail(error)),
        )
        self._show_checked(order)

    def _ask_learner(self) -> RunFolder | None:
        """Let the learner look at all images; its run, where it can."""
        run = self._learning.run if self._learning.knows_images else None
        if run is None:
            return None
        self._looked.clear()
        self._learning.look_at_all()
        return RunFolder(run)

    def _if_current(self, task: Task, show: Callable[[], None]) -> None:
        """What came too late, for another order or project, is not shown."""
        if task is self._task:
            self._task = None
            show()

    def _drop_task(self) -> None:
        if self._task is not None:
            task, self._task = self._task, None
            task.cancel()

    def _leave_project(self) -> None:
        self._drop_task()
        self._shown = ListOrder.AS_LISTED
        self._bar.show_order(ListOrder.AS_LISTED)
        self._show_checked(ListOrder.AS_LISTED)

    def _show(self, order: ListOrder, first: dict[int, Reason]) -> None:
        self._shown = order
        self._bar.show_order(order)
        self._show_checked(order)
        self._images.set_first(first)

    def _show_checked(self, order: ListOrder) -> None:
        self._context.actions["label.to_label_next"].setChecked(order is not ListOrder.AS_LISTED)

    def _end(self, task: Task, order: ListOrder, ranking: Ranking, at: int) -> None:
        """Cancelled is cancelled, though the order had been found by then."""
        if task.cancelled:
            self._fail(Cancelled("ordering images was cancelled"))
        else:
            self._show_ranking(order, ranking, at)

    def _show_ranking(self, order: ListOrder, ranking: Ranking, at: int) -> None:
        """List the images and go to the first one, if the user is still ``at`` the image of asking."""
        first = {item.image.id: reason_of(item, ranking.runs) for item in ranking.order.candidates}
        self._show(order, first)
        for problem in ranking.order.problems:
            if problem.path is not None:
                self._images.mark_tried(Path(problem.path), problem.message)
        text = _summary(ranking)
        action: tuple[str, Callable[[], object]] | None = None
        if first and self._images.image_id(0) not in first:
            text += " The filter of the list hides them."
            action = ("Show all images", self._show_all)
        elif first and self._context.view.image_id == at:
            self._show_first()
        elif first:
            action = ("Show first", self._show_first)
        self._context.messages.success(text, action)

    def _show_all(self) -> None:
        self._bar.clear()
        self._show_first()

    def _show_first(self) -> None:
        """A filter may hide all images by now."""
        image_id = self._images.image_id(0)
        if image_id:
            self._context.view.show_image(image_id)

    def _fail(self, error: Exception) -> None:
        self._bar.show_order(self._shown)
        self._show_checked(self._shown)
        messages = self._context.messages
        if isinstance(error, Cancelled):
            messages.info("Cancelled. The images are listed as before.")
        elif isinstance(error, NothingToOrder):
            actions = self._context.actions
            action = ("Go to Train", actions["global.page_train"].trigger) if error.needs_run else None
            messages.info(str(error), action, applies=lambda: actions.scope != TRAIN)
        else:
            messages.error(error, doing="find what to label next")


def _summary(ranking: Ranking) -> str:
    order, runs = ranking.order, " and ".join(ranking.runs)
    count = len(order.candidates)
    images = counted(count, "image without labels comes", "images without labels come")
    text = f"{images} first, those to learn most from on top (by {runs})."
    if order.problems:
        text += f" {count_text(len(order.problems))} could not be read."
    unseen = order.unlabelled - count - len(order.problems) if count < MOST_FIRST else 0
    if unseen > 0:
        text += f" {counted(unseen, 'more is', 'more are')} not looked at yet: listed after these."
    return text
