"""A worker's job, done in the process of the test or in one of its own."""

from __future__ import annotations

import io
import threading

import psutil

from detcore.jobs.child.worker import work
from detcore.jobs.events import Event, decode
from detcore.jobs.owner import ExitCode, Outcome, TrainingJob, WorkerJob, worker_command
from detcore.jobs.worker_process import EventWriter, StopFlags


def work_here(*arguments: str) -> tuple[ExitCode, list[Event]]:
    """The same job in this process, which saves loading torch once more."""
    out, flags = io.StringIO(), StopFlags()
    writer = EventWriter(out, flags)
    code = work(arguments, writer, flags)
    writer.close()
    return code, [event for line in out.getvalue().splitlines() if (event := decode(line)) is not None]


class Owner:
    """Owns one worker, such as that of ``Owner("train", "RUN_DIR")``, and hears it."""

    def __init__(self, *arguments: str) -> None:
        self.heard: list[Event] = []
        self._new = threading.Condition()
        kind = TrainingJob if arguments[0] == "train" else WorkerJob
        self.job = kind(worker_command(*arguments), on_event=self._hear)
        self.job.start()

    def _hear(self, event: Event) -> None:
        with self._new:
            self.heard.append(event)
            self._new.notify_all()

    def await_event(self, kind: type[Event], *, count: int = 1) -> None:
        """Wait until so many of a kind have been heard."""

        def there() -> bool:
            found = sum(isinstance(event, kind) for event in self.heard)
            return found >= count or self.job.outcome is not None

        with self._new:
            assert self._new.wait_for(there, timeout=60), self.job.stderr_tail()
        assert sum(isinstance(event, kind) for event in self.heard) >= count, self.job.stderr_tail()

    def crew(self) -> list[psutil.Process]:
        """Where several processes do the work: those, the first one first."""
        assert self.job.pid is not None
        children = psutil.Process(self.job.pid).children()
        return sorted(children, key=lambda process: int(process.environ()["RANK"]))

    def outcome(self) -> Outcome:
        outcome = self.job.wait(120)
        assert outcome is not None, self.job.stderr_tail()
        return outcome
