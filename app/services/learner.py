"""The owner of the process that learns beside the window."""

from __future__ import annotations

from pathlib import Path
from queue import SimpleQueue

from PySide6.QtCore import QObject, QTimer, Signal

from detcore.errors import JobError
from detcore.jobs.events import Event, Heartbeat
from detcore.jobs.outcomes import Outcome, OutcomeState
from detcore.jobs.owner import WorkerJob, worker_command
from detcore.jobs.wishes import Wish

FLUSH_MS = 50


class LearnerProcess(QObject):
    """One process at most. Everything here returns at once.

    Signals (on the GUI thread):
        heard(list): its events since the last time.
        ended(object): the ``Outcome``, after its last event.
    """

    heard = Signal(list)
    ended = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._job: WorkerJob | None = None
        self._told: SimpleQueue[Event | Outcome] = SimpleQueue()
        self._timer = QTimer(self, interval=FLUSH_MS)
        self._timer.timeout.connect(self._flush)

    @property
    def is_running(self) -> bool:
        return self._job is not None

    @property
    def pid(self) -> int | None:
        return None if self._job is None else self._job.pid

    def start(self, run: Path) -> None:
        """Let it learn in the folder of a run; nothing happens where it does so already."""
        if self._job is not None:
            return
        self._told = SimpleQueue()
        self._job = WorkerJob(
            worker_command("learn", str(run)),
            on_event=self._told.put,
            on_end=self._told.put,
            what="learner",
        )
        self._timer.start()
        try:
            self._job.start()
        except JobError as error:
            self._told.put(Outcome(state=OutcomeState.FAILED, text=str(error)))

    def tell(self, wish: Wish) -> None:
        if self._job is not None:
            self._job.tell(wish.encode())

    def stop(self) -> None:
        """Let it keep what it has learnt, and end; ``ended`` tells when it has."""
        if self._job is not None:
            self._job.stop()

    def shut_down(self, timeout: float) -> None:
        """Stop, wait so many seconds at most, then no longer. Nothing more is told."""
        job, self._job = self._job, None
        self._timer.stop()
        if job is not None and job.running:
            job.stop()
            if job.wait(timeout) is None:
                job.kill()
                job.wait(2.0)

    def _flush(self) -> None:
        told = [self._told.get() for _ in range(self._told.qsize())]
        events = [one for one in told if not isinstance(one, Heartbeat | Outcome)]
        outcome = next((one for one in told if isinstance(one, Outcome)), None)
        if outcome is not None:
            self._timer.stop()
            self._job = None
        if events:
            self.heard.emit(events)
        if outcome is not None:
            self.ended.emit(outcome)
