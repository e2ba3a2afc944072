"""The owner of worker processes: training and prediction run in children, never in the window."""

from __future__ import annotations

import logging
import os
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Qt, QThread, QTimer, Signal, Slot

from app.services.figures import counted
from detcore.errors import JobError
from detcore.jobs.events import Command, Event, Heartbeat
from detcore.jobs.owner import Outcome, OutcomeState, Timeouts, TrainingJob, WorkerJob, worker_command

log = logging.getLogger(__name__)

FLUSH_MS = 100
SHUT_DOWN_SECONDS = 8.0
_DEVICES = Path()
"""The key of the job that looks for devices; runs have absolute paths."""


@dataclass(frozen=True, kw_only=True)
class Device:
    """Something to train on: ``id`` as the worker takes it (``cpu``, ``cuda:0``), ``name`` to show."""

    id: str
    name: str


def processor() -> Device:
    """The device that every machine has."""
    return Device(id="cpu", name=f"CPU, {counted(os.cpu_count() or 1, 'core')}")


class _Mailbox:
    """What the reader threads of one job leave for the owner: events, then the outcome."""

    def __init__(self) -> None:
        self.job: TrainingJob | WorkerJob | None = None
        self._events: deque[Event] = deque()
        self._outcome: Outcome | None = None

    def hear(self, event: Event) -> None:
        if not isinstance(event, Heartbeat):
            self._events.append(event)

    def conclude(self, outcome: Outcome) -> None:
        self._outcome = outcome

    def collect(self) -> tuple[list[Event], Outcome | None]:
        """The outcome is read first, so that no event that came before it is left behind."""
        outcome = self._outcome
        return [self._events.popleft() for _ in range(len(self._events))], outcome


class _Owner(QObject):
    """Lives on a thread of its own: starts processes, asks them, empties their mailboxes.

    Signals: as those of ``Jobs``, with the devices' job among them.
    """

    started = Signal(object)
    events = Signal(object, list)
    ended = Signal(object, object)

    def __init__(self) -> None:
        super().__init__()
        self._mailboxes: dict[Path, _Mailbox] = {}
        self._timer: QTimer | None = None

    @Slot(object, object)
    def launch(self, key: Path, mailbox: _Mailbox) -> None:
        job = mailbox.job
        if job is None:
            raise RuntimeError("a mailbox without a job")
        try:
            job.start()
        except JobError as error:
            self.ended.emit(key, Outcome(state=OutcomeState.FAILED, text=str(error)))
            return
        self._mailboxes[key] = mailbox
        self.started.emit(key)
        if self._timer is None:
            self._timer = QTimer(self, interval=FLUSH_MS)
            self._timer.timeout.connect(self._flush)
        self._timer.start()

    @Slot(object, object)
    def ask(self, job: TrainingJob | WorkerJob, command: Command) -> None:
        if command is Command.STOP:
            job.stop()
        else:
            job.request(command)

    @Slot()
    def halt(self) -> None:
        """Emit nothing more. Called last and waited for, so that no process is started after it."""
        if self._timer is not None:
            self._timer.stop()
        self._mailboxes.clear()

    def _flush(self) -> None:
        for key, mailbox in list(self._mailboxes.items()):
            events, outcome = mailbox.collect()
            if events:
                self.events.emit(key, events)
            if outcome is not None:
                del self._mailboxes[key]
                self.ended.emit(key, outcome)
        if not self._mailboxes and self._timer is not None:
            self._timer.stop()


class Jobs(QObject):
    """Runs one worker process for each run that is training or predicting.

    A run is known by the path of its folder: every project has a run of the name ``001-reticle-s``.

    Everything here returns at once. Whatever happens to a child, only ``ended`` tells of it.

    Signals (on the GUI thread):
        started(Path): the process of that run has been started.
        events(Path, list): a run and its events since the last time; at most ten times a second.
        ended(Path, object): a run and the ``Outcome`` of its process, after its last event.
        changed(): what ``active()`` says is new.
        devices_found(): ``devices`` is known now.
    """

    started = Signal(object)
    events = Signal(object, list)
    ended = Signal(object, object)
    changed = Signal()
    devices_found = Signal()
    _launch = Signal(object, object)
    _ask = Signal(object, object)
    _halt = Signal()

    def __init__(self, parent: QObject | None = None, *, timeouts: Timeouts | None = None) -> None:
        super().__init__(parent)
        self._timeouts = timeouts
        self._jobs: dict[Path, TrainingJob | WorkerJob] = {}
        self._learning: set[Path] = set()
        self._thread: QThread | None = None
        self._owner: _Owner | None = None
        self._devices: tuple[Device, ...] = ()
        self._last_words: dict[Path, str] = {}

    @property
    def devices(self) -> tuple[Device, ...]:
        """The devices of this machine, the best first; empty until they have been looked for."""
        return self._devices

    def look_for_devices(self) -> None:
        """Ask a short worker which devices there are, once; loading the model code takes seconds."""
        if self._devices or _DEVICES in self._jobs:
            return
        mailbox = _Mailbox()
        self._begin(
            _DEVICES,
            mailbox,
            WorkerJob(
                worker_command("devices"),
                on_event=mailbox.hear,
                on_end=mailbox.conclude,
                timeouts=self._timeouts,
                what="device",
            ),
        )

    def train(self, run: Path, *, processes: int = 1) -> None:
        """Train the run in this folder, which holds a config and a snapshot; with checkpoints in it,
        the training goes on from the last one."""
        mailbox = _Mailbox()
        job = TrainingJob(
            worker_command("train", str(run), processes=processes),
            on_event=mailbox.hear,
            on_end=mailbox.conclude,
            timeouts=self._timeouts,
        )
        self._learning.add(run)
        self._begin(run, mailbox, job)

    def cross_validate(self, run: Path) -> None:
        """Train and predict fold by fold in this folder, which holds the plan; goes on where it was."""
        mailbox = _Mailbox()
        job = WorkerJob(
            worker_command("crossval", str(run)),
            on_event=mailbox.hear,
            on_end=mailbox.conclude,
            timeouts=self._timeouts,
            what="cross-validation",
        )
        self._learning.add(run)
        self._begin(run, mailbox, job)

    def predict(self, run: Path, snapshot: Path) -> None:
        """Write detections of the run's best weights on the images of a snapshot."""
        mailbox = _Mailbox()
        job = WorkerJob(
            worker_command("predict", str(run), "--snapshot", str(snapshot)),
            on_event=mailbox.hear,
            on_end=mailbox.conclude,
            timeouts=self._timeouts,
            what="prediction",
        )
        self._begin(run, mailbox, job)

    def active(self) -> list[Path]:
        """The runs that have a process, in the order in which they were started."""
        return [key for key in self._jobs if key != _DEVICES]

    def training(self, runs_folder: Path) -> Path | None:
        """The run in that folder that is training, a cross-validation included, if any."""
        return next((run for run in self._jobs if run in self._learning and run.parent == runs_folder), None)

    def pid(self, run: Path) -> int | None:
        job = self._jobs.get(run)
        return None if job is None else job.pid

    def last_words(self, run: Path) -> str:
        """The end of what the run's latest process wrote on stderr, once it has ended."""
        return self._last_words.get(run, "")

    def request(self, run: Path, command: Command) -> None:
        """Ask a run's process for something; a run that has none is left alone."""
        job = self._jobs.get(run)
        if job is not None:
            self._ask.emit(job, command)

    def stop(self, run: Path) -> None:
        """Stop at the next step with a checkpoint; terminated, then killed, when it does not."""
        self.request(run, Command.STOP)

    def shut_down(self, timeout: float = SHUT_DOWN_SECONDS) -> None:
        """Stop every child and wait: for their checkpoints ``timeout`` seconds in all, then no longer."""
        jobs = list(self._jobs.values())
        self._jobs.clear()
        if self._thread is None:
            return
        self._halt.emit()
        _end(jobs, timeout)
        self._thread.quit()
        self._thread.wait()
        self._thread = self._owner = None

    def _begin(self, key: Path, mailbox: _Mailbox, job: TrainingJob | WorkerJob) -> None:
        if key in self._jobs:
            raise RuntimeError(f"the run {key} has a process already")
        self._start_thread()
        mailbox.job = job
        self._jobs[key] = job
        self._launch.emit(key, mailbox)
        if key != _DEVICES:
            self.changed.emit()

    def _start_thread(self) -> None:
        if self._thread is not None:
            return
        queued = Qt.ConnectionType.QueuedConnection
        self._thread = QThread(self)
        self._owner = owner = _Owner()
        owner.moveToThread(self._thread)
        self._launch.connect(owner.launch, queued)
        self._ask.connect(owner.ask, queued)
        self._halt.connect(owner.halt, Qt.ConnectionType.BlockingQueuedConnection)
        owner.started.connect(self._pass_start, queued)
        owner.events.connect(self._pass_events, queued)
        owner.ended.connect(self._pass_end, queued)
        self._thread.finished.connect(owner.deleteLater)
        self._thread.setObjectName("jobs")
        self._thread.start()

    @Slot(object)
    def _pass_start(self, key: Path) -> None:
        if key in self._jobs and key != _DEVICES:
            self.started.emit(key)

    @Slot(object, list)
    def _pass_events(self, key: Path, events: list[Event]) -> None:
        if key in self._jobs and key != _DEVICES:
            self.events.emit(key, events)

    @Slot(object, object)
    def _pass_end(self, key: Path, outcome: Outcome) -> None:
        job = self._jobs.pop(key, None)
        self._learning.discard(key)
        if job is None:
            return
        if key == _DEVICES:
            self._devices = _devices_of(outcome)
            self.devices_found.emit()
            return
        self._last_words[key] = job.stderr_tail()
        log.info("run %s: %s", key, outcome.text)
        self.changed.emit()
        self.ended.emit(key, outcome)


def _end(jobs: Iterable[TrainingJob | WorkerJob], timeout: float) -> None:
    """Ask all at once, wait for all within ``timeout`` seconds, kill what is left."""
    running = [job for job in jobs if job.running]
    for job in running:
        job.stop()
    until = time.monotonic() + timeout
    late = [job for job in running if job.wait(max(0.0, until - time.monotonic())) is None]
    for job in late:
        job.kill()
        job.wait(2.0)


def _devices_of(outcome: Outcome) -> tuple[Device, ...]:
    """The devices that the worker named; the processor alone when it could not say."""
    found: Any = outcome.ended.result.get("devices", []) if outcome.ended is not None else []
    if not outcome.good:
        log.warning("could not look for devices: %s", outcome.text)
    devices = tuple(Device(id=str(item["id"]), name=str(item["name"])) for item in found)
    return devices if devices else (processor(),)
