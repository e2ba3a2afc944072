"""Training the folds of a cross-validation and letting each look at the images that it has not learnt from, on the
devices of this process."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from queue import SimpleQueue

from detcore.jobs.devices import cores, environment_alone
from detcore.jobs.events import Ended, EndReason, Event
from detcore.jobs.outcomes import outcome_of
from detcore.jobs.owner import Outcome, OutcomeState, TrainingJob, WorkerJob, worker_command
from detcore.project.cross_validation import HELD_OUT_SPLIT, fold_folder
from detcore.project.runs import RunFolder, RunState, is_running, read_run

_PARTING_SECONDS = 30.0


class FoldJobs:
    """Does the folds of a run, each in processes of its own, as many at a time as there are ``devices``.

    ``hear`` gets what they say, with the number of the fold, on several threads. ``command`` makes the command line of a
    worker. ``neighbours`` processes on this machine do so beside each other.
    """

    def __init__(
        self,
        run: RunFolder,
        *,
        devices: Sequence[str],
        hear: Callable[[int, Event], None],
        command: Callable[..., Sequence[str]] = worker_command,
        neighbours: int = 1,
    ) -> None:
        self._run = run
        self._hear = hear
        self._command = command
        self._several = len(devices) * neighbours > 1
        self._environment = _environment(len(devices) * neighbours)
        self._free: SimpleQueue[str] = SimpleQueue()
        for device in devices:
            self._free.put(device)
        self._lock = threading.Lock()
        self._current = list[TrainingJob | WorkerJob]()
        self._stopping = False

    @property
    def stopping(self) -> bool:
        """Whether they are to stop, or one of them has ended so that all are."""
        return self._stopping

    def stop(self) -> None:
        """Stop all at the next step; what was trained and found is kept. Returns at once."""
        with self._lock:
            self._stopping = True
            current = list(self._current)
        for job in current:
            job.stop()

    def do(self, number: int) -> Outcome | None:
        """Train and predict a fold on a device that is free, for which this waits; returns what ends the whole before its
        end, if anything does. One that fails stops the others."""
        fold, device = fold_folder(self._run, number), self._free.get()
        try:
            for what in ("train", "predict"):
                outcome = outcome_of(lambda what=what: self._one_job(what, fold, number, device))
                if not outcome.good:
                    self.stop()
                    return outcome
                if outcome.state is OutcomeState.STOPPED:
                    return stopped()
        finally:
            self._free.put(device)
        return None

    def _one_job(self, what: str, fold: RunFolder, number: int, device: str) -> Outcome:
        """Train a fold unless that is done, or let it predict."""
        if what == "train" and read_run(fold).state == RunState.COMPLETED:
            return Outcome(state=OutcomeState.COMPLETED, text="trained before")
        self._let_go(fold)

        def hear(event: Event) -> None:
            self._hear(number, event)

        path = str(fold.path)
        with self._lock:
            if self._stopping:
                return Outcome(state=OutcomeState.STOPPED, text="stopped")
            several = ["--device", device] if self._several else []
            if what == "train":
                argv = self._command("train", path, *several)
                job = TrainingJob(argv, on_event=hear, environment=self._environment)
            else:
                argv = self._command("predict", path, "--split", HELD_OUT_SPLIT, *several)
                job = WorkerJob(argv, on_event=hear, what="prediction", environment=self._environment)
            job.start()
            self._current.append(job)
        outcome = job.wait()
        with self._lock:
            self._current.remove(job)
        if outcome is None:
            raise RuntimeError("a job ended without an outcome")
        return outcome

    def _let_go(self, fold: RunFolder) -> None:
        """Wait for what an owner that was killed has left behind: it writes its checkpoint and ends."""
        until = time.monotonic() + _PARTING_SECONDS
        while is_running(fold) and not self._stopping and time.monotonic() < until:
            time.sleep(0.1)


def stopped() -> Outcome:
    """The end of a cross-validation that was asked to stop."""
    ended = Ended(reason=EndReason.STOPPED, time=time.time())
    return Outcome(state=OutcomeState.STOPPED, text="cross-validation stopped", ended=ended)


def _environment(lanes: int) -> dict[str, str]:
    """Each fold works by itself, whoever started the whole, and with its share of the processor."""
    share = {"OMP_NUM_THREADS": str(max(1, cores() // lanes))} if lanes > 1 else {}
    return {**share, **environment_alone()}
