"""What a run proposes on the image that is being labelled. Nothing of it is a label before somebody says so."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QColor

from app.canvas.display import DisplayBoxes, LineStyle
from app.label.current_boxes import CurrentBoxes
from app.services.context import AppContext
from app.services.figures import ratio_text
from app.services.tasks import Task
from detcore.assist.proposals import Found, Thresholds, proposed_rows
from detcore.assist.starting import starting_thresholds
from detcore.errors import ReticleError
from detcore.jobs.events import Proposed
from detcore.project.cross_validation import is_cross_validation
from detcore.project.project import Project
from detcore.project.runs import RunFolder, RunInfo, list_runs
from detcore.project.verdicts import read_verdicts
from detcore.types import Changes, Detections, IntArray

NOTHING: IntArray = np.zeros(0, np.int64)
_REMEMBERED = 50
"""Images whose proposals by the learner are kept."""


@dataclass(frozen=True, kw_only=True)
class Proposer:
    """Who proposes: what a run has found and others propose, the scores from which that of the run is shown, and those to
    start from. ``stamp`` is another once the file of the run's detections is."""

    found: Found
    thresholds: Thresholds
    start: Thresholds
    stamp: tuple[int, int] = (0, 0)


@dataclass(frozen=True, kw_only=True)
class Runs:
    """The runs that could propose, the newest first, the one that does, and what is wrong with the files of others."""

    names: tuple[str, ...] = ()
    proposer: Proposer | None = None
    problems: tuple[ReticleError, ...] = ()


@dataclass(frozen=True, kw_only=True)
class FromLearner:
    """What the learner beside the window has found with its run, by image, the newest last; the score from which that is shown: to
    ``start`` with, and as ``chosen``."""

    run: str | None = None
    found: Mapping[int, Detections] = field(default_factory=dict[int, Detections])
    start: float = 0.5
    chosen: float | None = None

    @cached_property
    def proposer(self) -> Proposer | None:
        """``None`` as long as nothing is known of any image."""
        if self.run is None or not self.found:
            return None
        start = Thresholds(overall=self.start)
        return Proposer(
            found=Found(self.run, Detections.joined(list(self.found.values())), self.found.keys()),
            thresholds=start if self.chosen is None else Thresholds(overall=self.chosen),
            start=start,
        )

    def with_image(self, event: Proposed) -> FromLearner:
        """With what it finds on an image now; what it has found long ago is forgotten."""
        found = {image_id: dets for image_id, dets in self.found.items() if image_id != event.image}
        found[event.image] = Detections(
            image_ids=np.full(len(event.scores), event.image, np.int64),
            labels=np.array(event.labels, np.int64),
            boxes=np.array(event.boxes, np.float64).reshape(-1, 4),
            scores=np.array(event.scores, np.float64),
        )
        newest = dict(list(found.items())[-_REMEMBERED:])
        return replace(self, found=newest)


@dataclass(frozen=True, kw_only=True)
class Start:
    """Where the score starts: how large a share is to be right (``None``: where F1 is best), and whether of each
    class."""

    precision: float | None
    by_class: bool


def rows_among(ids: Iterable[int]) -> list[int]:
    """The rows of the proposals among ids of the canvas, where labels have the positive ones."""
    return sorted(-box_id - 1 for box_id in ids if box_id < 0)


class Proposals(QObject):
    """Which run proposes, from which scores, what others propose beside it, and what of it on the current image.

    Signals:
        changed(): something else is proposed on the current image, or may be.
        proposer_changed(): another run proposes, or none, or from other scores; or others propose something else.
    """

    changed = Signal()
    proposer_changed = Signal()

    def __init__(self, context: AppContext, boxes: CurrentBoxes, parent: QObject) -> None:
        super().__init__(parent)
        self._context, self._boxes = context, boxes
        self._runs = Runs()
        self._others: dict[str, Detections] = {}
        self._learner = FromLearner()
        self._proposer: Proposer | None = None
        self._chosen = ""
        self._looking: Task | None = None
        self._key: tuple[object, ...] = ()
        self._rows = NOTHING
        self._boxes_shown = True
        self.is_shown = context.settings.show_proposals
        context.document.opened.connect(self._look)
        context.document.closed.connect(self._leave_project)
        context.document.runs_changed.connect(self._look)
        context.document.changed.connect(self._follow)
        context.view.image_changed.connect(self._follow_image)

    @property
    def proposer(self) -> Proposer | None:
        """``None`` as long as no run has looked for objects, or it is still being read, and nobody else proposes."""
        return self._proposer

    @property
    def run_proposes(self) -> bool:
        """Whether a run does, not others alone."""
        return self._of_run is not None

    @property
    def learner_proposes(self) -> bool:
        """Whether that is the learner beside the window."""
        return self._of_run is not None and self._of_run is self._learner.proposer

    @property
    def _of_run(self) -> Proposer | None:
        """The learner as long as it proposes and no run was chosen, else the run that does."""
        learner = self._learner
        return (
            self._runs.proposer
            if self._chosen not in ("", learner.run)
            else learner.proposer or self._runs.proposer
        )

    @property
    def run_names(self) -> tuple[str, ...]:
        """The runs that could propose, the newest first; before them that of the learner."""
        learner = self._learner.run
        return (
            self._runs.names if learner is None else (learner, *(n for n in self._runs.names if n != learner))
        )

    @property
    def is_visible(self) -> bool:
        """Whether proposals can be seen: they are shown, and so are boxes."""
        return self.is_shown and self._boxes_shown

    @property
    def has_seen(self) -> bool:
        """Whether the run has looked at the current image."""
        proposer = self._of_run
        return proposer is not None and self._context.view.image_id in proposer.found.looked_at

    @property
    def rows(self) -> IntArray:
        """Rows of the run's detections that are proposed on the current image, best first."""
        document, image_id = self._context.document, self._context.view.image_id
        proposer = self.proposer
        if proposer is None or not self.is_visible or not image_id or not document.is_open:
            return NOTHING
        key = (document.revision, image_id, proposer)
        if key != self._key:
            self._rows = proposed_rows(
                proposer.found,
                image_id,
                boxes=self._boxes.boxes,
                verdicts=read_verdicts(document.project, image_ids=[image_id]),
                thresholds=proposer.thresholds,
                class_ids=self._boxes.classes.keys(),
            )
            self._key = key
        return self._rows

    def found_here(self) -> Detections:
        """All that the run that proposes has found on the current image, however unsure it is; where that is the learner, and
        it has not looked yet, the newest other one."""
        image_id = self._context.view.image_id
        for proposer in (self._of_run, self._runs.proposer):
            if proposer is not None and image_id in proposer.found.looked_at:
                return proposer.found.detections.take(proposer.found.rows(image_id))
        return Detections.empty()

    def display(self) -> DisplayBoxes:
        """Thin and dashed, with class and score."""
        proposer = self.proposer
        if proposer is None:
            return DisplayBoxes.empty()
        rows, dets, classes = self.rows, proposer.found.detections, self._boxes.classes
        labels: list[int] = dets.labels[rows].tolist()
        scores: list[float] = dets.scores[rows].tolist()
        return DisplayBoxes(
            ids=-rows - 1,
            boxes=dets.boxes[rows].astype(np.float64),
            colors=np.array([QColor(classes[label].color).rgba() for label in labels], np.uint32),
            styles=np.full(len(rows), LineStyle.THIN_DASHED, np.uint8),
            hatched=np.zeros(len(rows), np.bool_),
            names=[
                f"{classes[label].name} {ratio_text(score)}"
                for label, score in zip(labels, scores, strict=True)
            ],
            editable=np.ones(len(rows), np.bool_),
        )

    def show(self, shown: bool) -> None:
        self.is_shown = shown
        self._context.settings.show_proposals = shown
        self.changed.emit()

    def show_boxes(self, shown: bool) -> None:
        """Where boxes are hidden nothing is proposed: nobody would see what they accept."""
        self._boxes_shown = shown
        self.changed.emit()

    def choose_run(self, name: str) -> None:
        """Let a run propose, until the project is closed."""
        self._chosen = name
        self._propose(self._runs)
        self._look()

    def propose_also(self, source: str, dets: Detections) -> None:
        """What somebody else than a run proposes, on whichever images, in place of what it proposed before; no detections:
        nothing any more."""
        if len(dets):
            self._others[source] = dets
        elif self._others.pop(source, None) is None:
            return
        self._propose(self._runs)

    def follow_learner(self, run: str | None) -> None:
        """The learner works on that run: what it finds is proposed in place of what runs have found; ``None``: it has
        ended."""
        if run != self._learner.run:
            self._learner = FromLearner(run=run)
            self._propose(self._runs)

    def take_from_learner(self, event: Proposed) -> None:
        """What the learner finds on an image by now. Of others than the current one it is proposed once they are shown:
        nothing is to move under the hand."""
        self._learner = self._learner.with_image(event)
        if event.image == self._context.view.image_id:
            self._propose(self._runs)

    def start_learner_from(self, threshold: float) -> None:
        """Its proposals are shown from this score on, as long as nobody has chosen another, from the next image on."""
        self._learner = replace(self._learner, start=threshold)

    def choose_threshold(self, overall: float) -> None:
        """From this score; classes that have one of their own keep their distance to it."""
        proposer = self._runs.proposer
        if self.learner_proposes:
            self._learner = replace(self._learner, chosen=overall)
            self._propose(self._runs)
        elif proposer is not None:
            moved = replace(proposer, thresholds=proposer.start.moved_to(overall))
            self._propose(replace(self._runs, proposer=moved))

    def start_from(self, precision: float | None, *, by_class: bool) -> None:
        """Start where F1 is best, or so large a share of the detections is right; each class for itself or not."""
        settings = self._context.settings
        settings.proposal_precision, settings.proposals_by_class = precision, by_class
        self._look(anew=True)

    def _propose(self, runs: Runs) -> None:
        before, self._runs = self.proposer, runs
        proposer = self._of_run
        if self._others and proposer is None:
            nothing = Thresholds(overall=0.5)
            proposer = Proposer(found=Found("", Detections.empty(), ()), thresholds=nothing, start=nothing)
        if self._others and proposer is not None:
            proposer = replace(proposer, found=proposer.found.with_others(self._others))
        self._proposer = proposer
        if before is not None and (proposer is None or proposer.found is not before.found):
            self._select_again(before.found, proposer)
        self.proposer_changed.emit()
        self.changed.emit()

    def _select_again(self, before: Found, proposer: Proposer | None) -> None:
        """What was selected has other rows now, or is proposed no more."""
        view = self._context.view
        selected = {box_id for box_id in view.selection if box_id > 0}
        if proposer is not None:
            rows = [proposer.found.same_row(before, row) for row in rows_among(view.selection)]
            selected |= {-row - 1 for row in rows if row is not None}
        view.select(frozenset(selected))

    def _look(self, *, anew: bool = False) -> None:
        """Which runs there are by now; what the one that proposes has found is read again where it may be new."""
        project, settings = self._context.document.project, self._context.settings
        start = Start(precision=settings.proposal_precision, by_class=settings.proposals_by_class)
        chosen, known = self._chosen, None if anew else self._runs.proposer

        def done(runs: Runs) -> None:
            if self._looking is task:
                self._looking = None
                for problem in runs.problems:
                    self._context.messages.error(problem, doing="read what a run has found")
                self._propose(runs)

        def failed(error: Exception) -> None:
            if self._looking is task:
                self._looking = None
                self._context.messages.error(error, doing="look for runs that propose")

        task = self._context.tasks.run(lambda: _find(project, chosen, known, start), done=done, failed=failed)
        self._looking = task

    def _leave_project(self) -> None:
        self._looking, self._chosen = None, ""
        self._others.clear()
        self._learner = FromLearner()
        self._propose(Runs())

    def _follow_image(self, _image_id: int) -> None:
        if self._learner.run is not None:
            self._propose(self._runs)

    def _follow(self, changes: Changes) -> None:
        image_id = self._context.view.image_id
        if changes.verdicts or changes.classes or image_id in changes.box_images:
            self.changed.emit()


def _find(project: Project, chosen: str, known: Proposer | None, start: Start) -> Runs:
    """The runs that could propose, and the one that does: the chosen one, else the newest whose file can be read. A
    cross-validation looks at labelled images alone, and proposes when nothing else can. For the pool.

    ``known`` is what proposes now; of the same run the scores that the user chose stay.
    """
    infos = [info for info in list_runs(project) if info.has_detections]
    problems: list[ReticleError] = []
    proposer: Proposer | None = None
    for info in _in_order(infos, chosen):
        try:
            proposer = _read(project, info.folder, known, start)
            break
        except ReticleError as error:
            problems.append(error)
    return Runs(names=tuple(info.name for info in infos), proposer=proposer, problems=tuple(problems))


def _in_order(infos: Sequence[RunInfo], chosen: str) -> list[RunInfo]:
    return sorted(infos, key=lambda info: (info.name != chosen, is_cross_validation(info.folder)))


def _read(project: Project, run: RunFolder, known: Proposer | None, start: Start) -> Proposer:
    """Raises ProjectError where the file of detections is damaged."""
    state = run.detections.stat()
    stamp = (state.st_mtime_ns, state.st_size)
    if known is not None and (known.found.run, known.stamp) == (run.name, stamp):
        return known
    found = Found.read(run)
    first = starting_thresholds(project, run, found, precision=start.precision, by_class=start.by_class)
    thresholds = first
    if known is not None and known.found.run == run.name and known.thresholds.overall != known.start.overall:
        thresholds = first.moved_to(known.thresholds.overall)
    return Proposer(found=found, thresholds=thresholds, start=first, stamp=stamp)
