"""The owner of worker processes: training and prediction run in children, never in the window."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from app.services.figures import counted
from detcore.errors import JobError
from detcore.jobs.devices import cores
from detcore.jobs.events import Command, Described, Event, Heartbeat
from detcore.jobs.owner import Outcome, OutcomeState, Timeouts, TrainingJob, WorkerJob, worker_command

log = logging.getLogger(__name__)

FLUSH_MS = 100
SHUT_DOWN_SECONDS = 8.0
_DEVICES = Path()
"""The key of the job that looks for devices; runs have absolute paths."""
_DETECTORS = Path("detectors")
"""That of the job that describes detectors."""
_OF_NO_RUN = (_DEVICES, _DETECTORS)
DESCRIBING_IDLE_MS = 60_000


@dataclass(frozen=True, kw_only=True)
class Device:
    """Something to train on: ``id`` as the worker takes it (``cpu``, ``cuda:0``), ``name`` to show."""

    id: str
    name: str


def processor() -> Device:
    """The device that every machine has."""
    return Device(id="cpu", name=f"CPU, {counted(cores(), 'core')}")


_Heard = SimpleQueue[Event | Outcome]
"""What the reader threads of a job leave for the window: events, in the end the outcome."""


@dataclass(frozen=True, eq=False)
class _Running:
    job: TrainingJob | WorkerJob
    heard: _Heard


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
        described(int, dict, str): the answer to that request, or what was at fault.
    """

    started = Signal(object)
    events = Signal(object, list)
    ended = Signal(object, object)
    changed = Signal()
    devices_found = Signal()
    described = Signal(int, object, str)  # a dict would come out in another order

    def __init__(self, parent: QObject | None = None, *, timeouts: Timeouts | None = None) -> None:
        super().__init__(parent)
        self._timeouts = timeouts
        self._running: dict[Path, _Running] = {}
        self._learning: set[Path] = set()
        self._devices: tuple[Device, ...] = ()
        self._last_words: dict[Path, str] = {}
        self._timer = QTimer(self, interval=FLUSH_MS)
        self._timer.timeout.connect(self._flush)
        self._requests: list[int] = []
        self._asked = 0
        self._drawn = 0  # the request that the worker has; of those that come meanwhile the newest waits
        self._next: tuple[int, str] | None = None
        self._unasked = QTimer(self, interval=DESCRIBING_IDLE_MS, singleShot=True)
        self._unasked.timeout.connect(self.end_describing)

    @property
    def devices(self) -> tuple[Device, ...]:
        """The devices of this machine, the best first; empty until they have been looked for."""
        return self._devices

    def look_for_devices(self) -> None:
        """Ask a short worker which devices there are, once; loading the model code takes seconds."""
        if not self._devices and _DEVICES not in self._running:
            self._begin_worker(_DEVICES, "device", "devices")

    def describe(self, model: str, options: Mapping[str, Any], *, classes: int, measure: bool = False) -> int:
        """Ask what a detector is made of, or with ``measure`` how many images it looks at in a second. ``described`` tells the answer
        under the number that is given back, if no other has been asked for meanwhile. The worker stays for a while, since loading the
        model code takes seconds."""
        self._asked += 1
        self._requests.append(self._asked)
        if _DETECTORS not in self._running:
            self._begin_worker(_DETECTORS, "detectors", "describe")
        job = self._running[_DETECTORS].job
        request = {
            "number": self._asked,
            "model": model,
            "options": dict(options),
            "classes": classes,
            "measure": measure,
        }
        line = json.dumps(request)
        if self._drawn and not measure:
            if self._next is not None:
                self._requests.remove(self._next[0])
            self._next = self._asked, line
        elif isinstance(job, WorkerJob):
            self._drawn = self._drawn if measure else self._asked
            job.tell(line)
        self._unasked.start()
        return self._asked

    def end_describing(self) -> None:
        """What is being asked is not answered any more."""
        self._requests.clear()
        self._drawn, self._next = 0, None
        self._unasked.stop()
        running = self._running.pop(_DETECTORS, None)
        if running is not None:
            running.job.kill()

    def train(self, run: Path) -> None:
        """Train the run in this folder, which holds a config and a snapshot; with checkpoints in it,
        the training goes on from the last one."""
        heard: _Heard = SimpleQueue()
        command = worker_command("train", str(run))
        self._learning.add(run)
        self._begin(
            run,
            TrainingJob(command, on_event=heard.put, on_end=heard.put, timeouts=self._timeouts),
            heard,
        )

    def cross_validate(self, run: Path) -> None:
        """Train and predict fold by fold in this folder, which holds the plan; goes on where it was."""
        self._learning.add(run)
        self._begin_worker(run, "cross-validation", "crossval", str(run))

    def predict(self, run: Path, snapshot: Path) -> None:
        """Write detections of the run's best weights on the images of a snapshot."""
        self._begin_worker(run, "prediction", "predict", str(run), "--snapshot", str(snapshot))

    def export_model(self, run: Path, arguments: Sequence[str]) -> None:
        """Write the run's detector as a file; ``arguments`` as ``prepare_model_export`` gives them."""
        self._begin_worker(run, "export", *arguments)

    def active(self) -> list[Path]:
        """The runs that have a process, in the order in which they were started."""
        return [key for key in self._running if key not in _OF_NO_RUN]

    def training(self, runs_folder: Path) -> Path | None:
        """The run in that folder that is training, a cross-validation included, if any."""
        return next(
            (run for run in self._running if run in self._learning and run.parent == runs_folder), None
        )

    def pid(self, run: Path) -> int | None:
        running = self._running.get(run)
        return None if running is None else running.job.pid

    def last_words(self, run: Path) -> str:
        """The end of what the run's latest process wrote on stderr, once it has ended."""
        return self._last_words.get(run, "")

    def request(self, run: Path, command: Command) -> None:
        """Ask a run's process for something; a run that has none is left alone."""
        running = self._running.get(run)
        if running is None:
            return
        if command is Command.STOP:
            running.job.stop()
        else:
            running.job.request(command)

    def stop(self, run: Path) -> None:
        """Stop at the next step with a checkpoint; terminated, then killed, when it does not."""
        self.request(run, Command.STOP)

    def shut_down(self, timeout: float = SHUT_DOWN_SECONDS) -> None:
        """Stop every child and wait: for their checkpoints ``timeout`` seconds in all, then no longer. Nothing
        more is told of them. Those that look for devices and describe detectors have nothing to keep."""
        self.end_describing()
        looking = self._running.pop(_DEVICES, None)
        if looking is not None:
            looking.job.kill()
        jobs = [running.job for running in self._running.values()]
        self._running.clear()
        self._timer.stop()
        _end_all(jobs, timeout)

    def _begin_worker(self, key: Path, what: str, *arguments: str) -> None:
        heard: _Heard = SimpleQueue()
        command = worker_command(*arguments)
        self._begin(
            key,
            WorkerJob(command, on_event=heard.put, on_end=heard.put, timeouts=self._timeouts, what=what),
            heard,
        )

    def _begin(self, key: Path, job: TrainingJob | WorkerJob, heard: _Heard) -> None:
        if key in self._running:
            raise RuntimeError(f"the run {key} has a process already")
        self._running[key] = _Running(job, heard)
        try:
            job.start()
        except JobError as error:
            heard.put(Outcome(state=OutcomeState.FAILED, text=str(error)))
        if not self._timer.isActive():
            self._timer.start()
        if key in _OF_NO_RUN:
            return
        self.changed.emit()
        if job.pid is not None:
            self.started.emit(key)

    def _flush(self) -> None:
        for key, running in list(self._running.items()):
            heard = [running.heard.get() for _ in range(running.heard.qsize())]
            events = [one for one in heard if not isinstance(one, Heartbeat | Outcome)]
            outcome = next((one for one in heard if isinstance(one, Outcome)), None)
            # whoever hears of the one may shut down, and then hears of nothing more
            if key == _DETECTORS:
                self._tell_described(events)
            elif events and key != _DEVICES and self._running.get(key) is running:
                self.events.emit(key, events)
            if outcome is not None and self._running.get(key) is running:
                self._end(key, running.job, outcome)
        if not self._running:
            self._timer.stop()

    def _tell_described(self, events: Iterable[Event]) -> None:
        for event in events:
            if isinstance(event, Described) and event.number in self._requests:
                self._requests.remove(event.number)
                self._unasked.start()
                self._tell_next(event.number)
                self.described.emit(event.number, event.result, event.fault)

    def _tell_next(self, answered: int) -> None:
        """What has waited for this answer is asked now."""
        if answered != self._drawn:
            return
        self._drawn, waiting, self._next = 0, self._next, None
        running = self._running.get(_DETECTORS)
        if waiting is not None and running is not None and isinstance(running.job, WorkerJob):
            self._drawn = waiting[0]
            running.job.tell(waiting[1])

    def _end(self, key: Path, job: TrainingJob | WorkerJob, outcome: Outcome) -> None:
        del self._running[key]
        self._learning.discard(key)
        if key == _DEVICES:
            self._devices = _devices_of(outcome)
            self.devices_found.emit()
            return
        if key == _DETECTORS:
            self._unasked.stop()
            requests, self._requests = self._requests, []
            self._drawn, self._next = 0, None
            for number in requests:
                self.described.emit(number, {}, outcome.text)
            return
        self._last_words[key] = job.stderr_tail()
        log.info("run %s: %s", key, outcome.text)
        self.changed.emit()
        self.ended.emit(key, outcome)


def _end_all(jobs: Iterable[TrainingJob | WorkerJob], timeout: float) -> None:
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
