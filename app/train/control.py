"""What can be done with runs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app.services.context import AppContext
from app.services.tasks import ProgressCallback
from app.train.histories import RunHistories
from app.train.run_history import RunHistory
from detcore.curation.lesson import unseen_images
from detcore.errors import Cancelled, JobError
from detcore.jobs.config import TrainConfig
from detcore.jobs.events import Command
from detcore.jobs.owner import Outcome, OutcomeState
from detcore.jobs.preparing.material import divided_text
from detcore.jobs.preparing.runs import PreparedRun, prepare_prediction, prepare_resume, prepare_run
from detcore.jobs.preparing.sent_errors import use_up
from detcore.project.project import Project
from detcore.project.runs import RunFolder, RunInfo, RunState, find_run, read_events
from detcore.project.snapshot import take_snapshot
from detcore.project.unused_runs import remove_unused
from detcore.types import Changes

TRAINING, FINISHING, PREDICTING = "Training", "Finishing…", "Predicting"
CROSS_VALIDATING = "Cross-validating"
EXPORTING = "Exporting"
_CANCELLED = "Cancelled. No training was started."


@dataclass(frozen=True, kw_only=True)
class ReadyRun:
    """A run that can be trained, and what it has said so far."""

    prepared: PreparedRun
    history: RunHistory


class Preparation:
    """The making of a run, which may be left at any moment: then no folder of a run that never trains
    stays."""

    def __init__(self, project: Project, work: Callable[[ProgressCallback], PreparedRun]) -> None:
        self.project = project
        self._work = work
        self._lock = threading.Lock()
        self._made: PreparedRun | None = None
        self._left = False

    def make(self, progress: ProgressCallback) -> ReadyRun:
        """For the pool. Raises what the work raises."""
        made = self._work(lambda done, total: progress(done, total) and not self._left)
        with self._lock:
            self._made = made
            left = self._left
        if left:
            _remove(made)
        return ReadyRun(prepared=made, history=RunHistory(read_events(made.run.events)))

    def leave(self) -> None:
        """The run will not train."""
        with self._lock:
            self._left = True
            made = self._made
        if made is not None:
            _remove(made)


def _remove(made: PreparedRun) -> None:
    if made.new:
        remove_unused(made.run)


@dataclass(frozen=True, kw_only=True)
class _Prediction:
    """A run, what it said so far, and the file of the images to predict on."""

    run: RunFolder
    history: RunHistory
    images: Path


class RunControl(QObject):
    """Starts, stops, resumes and predicts. Slow parts run in the pool.

    Signals:
        prepared(str): a run is about to train: show it.
        changed(): ``busy`` or what a run is ``doing`` is new.
        ended(Path, str, object): a run's folder, what it was doing, the ``Outcome``.
    """

    prepared = Signal(str)
    changed = Signal()
    ended = Signal(object, str, object)

    def __init__(self, context: AppContext, histories: RunHistories, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._context = context
        self._histories = histories
        self._preparing: Preparation | None = None
        self._stopping: set[Path] = set()
        self._verbs: dict[Path, str] = {}
        # trainings that wait until a teacher has looked, by its folder
        self._taught: dict[Path, tuple[Project, TrainConfig]] = {}
        self._asking: Project | None = None  # what a teacher has to look at is being found out
        context.jobs.ended.connect(self._ended)
        context.jobs.started.connect(context.document.announce_run)
        context.document.closed.connect(self._leave_project)

    @property
    def preparing(self) -> bool:
        """Whether a run is being made or read, and its process not yet started."""
        return self._preparing is not None or self._asking is not None

    @property
    def training(self) -> Path | None:
        """The run of the open project that is training."""
        document = self._context.document
        return self._context.jobs.training(document.project.runs_folder) if document.is_open else None

    @property
    def looking(self) -> Path | None:
        """The run of the open project that looks at images before it teaches another one."""
        document = self._context.document
        return next((run for run in self._taught if document.holds_run(run)), None)

    @property
    def at_work(self) -> Path | None:
        """What ``stop`` stops: the training, or the teacher that it waits for."""
        return self.training or self.looking

    @property
    def busy(self) -> bool:
        """Whether another training would have to wait."""
        return self.preparing or self.at_work is not None

    @property
    def stopping(self) -> bool:
        """Whether the training has been asked to stop."""
        return self.at_work in self._stopping

    @property
    def can_finish(self) -> bool:
        """Whether the training can end now with its best weights; of folds each one counts."""
        run = self.training
        return run is not None and self._verbs.get(run) != CROSS_VALIDATING

    def doing(self, run: Path) -> str:
        """What the process of a run is at; "" when it has none."""
        if run not in self._context.jobs.active():
            return ""
        return "Stopping…" if run in self._stopping else self._verbs.get(run, "Running")

    def start(self, config: TrainConfig) -> None:
        """Check, make a run, train it. A teacher first looks at the images that it has not seen."""
        project, teacher = self._context.document.project, config.learning.teacher
        if teacher and not self.busy:
            self._asking = project
            self.changed.emit()
            self._context.tasks.run(
                lambda: _first_look(project, teacher),
                done=lambda look: self._teach(project, config, look),
                failed=lambda error: self._fail_to_ask(project, error, teacher),
            )
        elif not teacher:
            self._train(project, config)

    def resume(self, info: RunInfo, longer: TrainConfig) -> None:
        """Go on with a run; one that was completed trains ``longer``."""
        project = self._context.document.project
        completed = info.state is RunState.COMPLETED
        minutes, epochs = (longer.learning.minutes, longer.learning.epochs) if completed else (None, None)
        self.begin(
            lambda _progress: prepare_resume(project, info.folder, minutes=minutes, epochs=epochs),
            project,
            doing=f"resume {info.name}",
        )

    def resume_again(self, folder: RunFolder) -> None:
        """Go on with a run that ended before its time; nothing happens when it is gone."""
        document = self._context.document
        if document.holds_run(folder.path) and folder.path.is_dir():
            project = document.project
            self.begin(
                lambda _progress: prepare_resume(project, folder), project, doing=f"resume {folder.name}"
            )

    def stop(self) -> None:
        """Stop the training and keep what was learnt; where it waits for a teacher, there is none."""
        run = self.at_work
        if run is not None:
            self._stopping.add(run)
            self._context.jobs.stop(run)
            self.changed.emit()

    def finish(self) -> None:
        run = self.training
        if run is not None:
            self._verbs[run] = FINISHING
            self._context.jobs.request(run, Command.FINISH)
            self.changed.emit()

    def measure(self) -> None:
        """Look at the layers in the next step."""
        run = self.training
        if run is not None:
            self._context.jobs.request(run, Command.MEASURE)

    def predict(self, info: RunInfo) -> None:
        """Find objects in all images with the best weights of a run."""
        project = self._context.document.project
        self._context.tasks.run(
            lambda: _Prediction(
                run=info.folder,
                history=RunHistory(read_events(info.folder.events)),
                images=prepare_prediction(info.folder, take_snapshot(project)),
            ),
            done=lambda prediction: self._launch_prediction(project, prediction),
            failed=lambda error: self._fail_prediction(project, error, info.name),
        )

    def export_model(self, run: Path, arguments: Sequence[str]) -> None:
        """Write the detector of a run that has no process as a file."""
        self._verbs[run] = EXPORTING
        self._context.jobs.export_model(run, arguments)
        self.changed.emit()

    def stop_export(self, run: Path) -> None:
        """Nothing of it stays; does nothing when it has ended."""
        if self._verbs.get(run) == EXPORTING:
            self._stopping.add(run)
            self._context.jobs.stop(run)
            self.changed.emit()

    def begin(self, work: Callable[[ProgressCallback], PreparedRun], project: Project, *, doing: str) -> None:
        """Make or read a run in the pool, then start its process."""
        if self.busy:
            return
        self._preparing = preparation = Preparation(project, work)
        self.changed.emit()
        task = self._context.tasks.run_with_progress(
            "Preparing the training",
            preparation.make,
            done=lambda ready: self._launch(preparation, ready, cancelled=task.cancelled),
            failed=lambda error: self._fail(preparation, error, doing),
        )

    def _launch(self, preparation: Preparation, ready: ReadyRun, *, cancelled: bool) -> None:
        """``cancelled``: the user did so, though it was ready by then."""
        if self._preparing is not preparation:
            return
        self._preparing = None
        project = preparation.project
        document, messages = self._context.document, self._context.messages
        prepared = ready.prepared
        run, name = prepared.run.path, prepared.run.name
        if prepared.changes:
            divided = prepared.changes
            document.announce(divided)
            messages.info(
                divided_text(),
                ("Undo", lambda: _take_back(self._context, project, divided)),
                applies=document.until_next_edit(),
            )
        if cancelled:
            preparation.leave()
            messages.info(_CANCELLED)
            self.changed.emit()
            return
        for note in prepared.notes:
            messages.info(note)
        if run in self._context.jobs.active():
            messages.warning(f"{name} is still at work. Try again when it has ended.")
            self.changed.emit()
            return
        self._histories.put(name, ready.history)
        if prepared.in_folds:
            self._verbs[run] = CROSS_VALIDATING
            self._context.jobs.cross_validate(run)
        else:
            self._verbs[run] = TRAINING
            self._context.jobs.train(run)
        if prepared.sent is not None:
            use_up(project, prepared.sent)
        self.prepared.emit(name)
        self.changed.emit()
        document.runs_changed.emit()

    def _train(self, project: Project, config: TrainConfig) -> None:
        self.begin(
            lambda progress: prepare_run(project, config, progress=progress),
            project,
            doing="start the training",
        )

    def _teach(self, project: Project, config: TrainConfig, look: _Prediction | None) -> None:
        """Train when the teacher has seen all."""
        if self._asking is not project:
            return
        self._asking = None
        self.changed.emit()
        if look is None:
            self._train(project, config)
        elif look.run.path in self._context.jobs.active():
            self._context.messages.error(
                JobError(f"{look.run.name} is at work", hint="Train when it is done"),
                doing="start the training",
            )
        elif self._context.document.shows(project):
            self._taught[look.run.path] = (project, config)
            self._context.messages.info(
                f"{look.run.name} looks at the images first. Then the training starts."
            )
            self._launch_prediction(project, look)

    def _fail_to_ask(self, project: Project, error: Exception, name: str) -> None:
        if self._asking is project:
            self._asking = None
            self.changed.emit()
            self._fail_prediction(project, error, name)

    def _launch_prediction(self, project: Project, prediction: _Prediction) -> None:
        run = prediction.run.path
        if self._context.document.shows(project) and run not in self._context.jobs.active():
            self._verbs[run] = PREDICTING
            self._histories.put(run.name, prediction.history)
            self._context.jobs.predict(run, prediction.images)
            self.changed.emit()

    def _fail(self, preparation: Preparation, error: Exception, doing: str) -> None:
        if self._preparing is preparation:
            self._preparing = None
            self.changed.emit()
            if isinstance(error, Cancelled):
                self._context.messages.info(_CANCELLED)
            else:
                self._context.messages.error(error, doing=doing)

    def _fail_prediction(self, project: Project, error: Exception, name: str) -> None:
        if self._context.document.shows(project):
            self._context.messages.error(error, doing=f"predict with {name}")

    def _ended(self, run: Path, outcome: Outcome) -> None:
        self._stopping.discard(run)
        verb = self._verbs.pop(run, PREDICTING)
        waiting = self._taught.pop(run, None)
        self.changed.emit()
        self.ended.emit(run, verb, outcome)
        self._context.document.announce_run(run)
        if waiting is not None and outcome.state is OutcomeState.COMPLETED:
            project, config = waiting
            if self._context.document.shows(project):
                self._train(project, config)

    def _leave_project(self) -> None:
        """Another project is about to open: the runs of this one stop and keep what they have."""
        if self._preparing is not None:
            self._preparing.leave()
            self._preparing = None
        self._asking = None
        for run in self._context.jobs.active():
            self._stopping.add(run)
            self._context.jobs.stop(run)


def _first_look(project: Project, name: str) -> _Prediction | None:
    """The images that a teacher has to look at; ``None`` when it has seen all. Raises as ``unseen_images``."""
    teacher = find_run(project, name)
    unseen = unseen_images(teacher, take_snapshot(project))
    if not unseen.images:
        return None
    history = RunHistory(read_events(teacher.events))
    return _Prediction(run=teacher, history=history, images=prepare_prediction(teacher, unseen))


def _take_back(context: AppContext, project: Project, changes: Changes) -> None:
    """As long as they are the latest edit."""
    if not context.document.shows(project) or not context.document.take_back(changes):
        context.messages.info("There are later edits: undo those first.")
