"""The owner's side of a worker process: start it, hear its events, ask it to stop, say how it ended.

Free of torch and Qt. Callbacks run on the job's own threads, never two at a time.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from queue import SimpleQueue
from typing import IO

from detcore.errors import JobError
from detcore.jobs.events import Checkpoint, Command, Ended, Event, Failed, FailureKind, Log, decode
from detcore.jobs.outcomes import Conclusion, ExitCode, Outcome, OutcomeState, judge
from detcore.jobs.program import worker_command, worker_environment

__all__ = ["ExitCode", "Outcome", "OutcomeState", "Timeouts", "TrainingJob", "WorkerJob", "worker_command"]

MAX_MEMORY_RESTARTS = 4
_STDERR_LINES = 200
_WINDOWS_FLAGS: int = sum(
    getattr(subprocess, f"CREATE_{name}", 0) for name in ("NEW_PROCESS_GROUP", "NO_WINDOW")
)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """Seconds to wait: for a stop that was asked for, after terminate, before a silent worker is
    reported as hanging."""

    ask: float = 10.0
    terminate: float = 15.0
    silence: float = 60.0


EventCallback = Callable[[Event], None]
OutcomeCallback = Callable[[Outcome], None]


class WorkerJob:
    """One child process that speaks events on stdout and listens to commands on stdin.

    ``on_event`` gets every event; ``on_end`` the outcome, after the last event. Both are called on
    reader threads. Closing the owner's end of stdin (or the owner's death) makes the worker stop.
    ``environment`` is the owner's unless it is given.
    """

    def __init__(
        self,
        argv: Sequence[str],
        *,
        on_event: EventCallback,
        on_end: OutcomeCallback | None = None,
        timeouts: Timeouts | None = None,
        what: str = "worker",
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._argv = list(argv)
        self._environment = environment
        self._on_event = on_event
        self._timeouts = timeouts or Timeouts()
        self._what = what
        self._process: subprocess.Popen[str] | None = None
        self._stderr: deque[str] = deque(maxlen=_STDERR_LINES)
        self._to_tell: SimpleQueue[str | None] = SimpleQueue()
        self._callback_lock = threading.Lock()
        self._conclusion = Conclusion(on_end, lock=self._callback_lock)
        self._stopping = threading.Event()
        self._last_line = time.monotonic()
        self._failed: Failed | None = None
        self._ended: Ended | None = None
        self._last_checkpoint: int | None = None

    def start(self) -> None:
        """Start the process; returns at once.

        Raises:
            JobError: it could not be started.
        """
        if self._process is not None:
            raise RuntimeError("a job is started once")
        try:
            self._process = subprocess.Popen(
                self._argv,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                encoding="utf-8",
                errors="replace",
                bufsize=1,
                env=worker_environment(self._environment or os.environ),
                start_new_session=os.name == "posix",
                creationflags=_WINDOWS_FLAGS,
            )
        except (OSError, ValueError) as error:  # ValueError: a path that no system takes
            raise JobError(f"the {self._what} process could not be started ({error})") from error
        self._last_line = time.monotonic()
        of_pipes = [
            threading.Thread(target=self._read_events, name=f"{self._what}-events", daemon=True),
            threading.Thread(target=self._read_stderr, name=f"{self._what}-stderr", daemon=True),
            threading.Thread(target=self._write_lines, name=f"{self._what}-commands", daemon=True),
        ]
        for thread in of_pipes:
            thread.start()
        threading.Thread(target=self._watch, name=f"{self._what}-watch", daemon=True).start()
        threading.Thread(
            target=self._conclude, args=(of_pipes,), name=f"{self._what}-end", daemon=True
        ).start()

    @property
    def running(self) -> bool:
        return self._process is not None and not self._conclusion.reached

    @property
    def pid(self) -> int | None:
        return None if self._process is None else self._process.pid

    @property
    def outcome(self) -> Outcome | None:
        """How it ended; ``None`` until then."""
        return self._conclusion.outcome

    def stderr_tail(self) -> str:
        """The last lines that the process wrote on stderr."""
        return "\n".join(self._stderr)

    def request(self, command: Command) -> None:
        """Ask the worker for something; does nothing when it has already ended."""
        self.tell(command.value)

    def tell(self, line: str) -> None:
        """A line on its stdin, as ``request``. Returns at once, however long the line is: a process reads nothing while
        it loads, and a pipe has room for some kilobytes."""
        self._to_tell.put(line)

    def finish(self) -> None:
        """Ask it to end now with its best result."""
        self.request(Command.FINISH)

    def stop(self) -> None:
        """Ask it to stop; if it does not, terminate and then kill it. Returns at once."""
        if self._stopping.is_set() or not self.running:
            return
        self._stopping.set()
        self.request(Command.STOP)
        threading.Thread(target=self._escalate, name=f"{self._what}-stop", daemon=True).start()

    def kill(self) -> None:
        """End it and its children at once."""
        self._stopping.set()
        self._signal_group(force=True)

    def wait(self, timeout: float | None = None) -> Outcome | None:
        """Wait for the end; ``None`` when ``timeout`` seconds went by first."""
        return self._conclusion.wait(timeout)

    def _read_events(self) -> None:
        with self._pipe("stdout") as pipe:
            for line in pipe:
                self._last_line = time.monotonic()
                event = decode(line)
                if event is None:
                    self._stderr.append(line.rstrip())
                    continue
                if isinstance(event, Failed):
                    self._failed = event
                elif isinstance(event, Ended):
                    self._ended = event
                elif isinstance(event, Checkpoint):
                    self._last_checkpoint = event.step
                self._tell(event)

    def _read_stderr(self) -> None:
        with self._pipe("stderr") as pipe:
            self._stderr.extend(line.rstrip() for line in pipe)

    def _write_lines(self) -> None:
        """Until there is nobody to tell any more."""
        try:
            with self._pipe("stdin") as pipe:
                while (line := self._to_tell.get()) is not None:
                    pipe.write(f"{line}\n")
                    pipe.flush()
        except OSError:
            self._stderr.append("(the worker ended before it read its last command)")

    def _pipe(self, name: str) -> IO[str]:
        pipe: IO[str] | None = getattr(self._process, name)
        if pipe is None:
            raise RuntimeError("the job was not started")
        return pipe

    def _tell(self, event: Event) -> None:
        with self._callback_lock:
            try:
                self._on_event(event)
            except Exception:  # noqa: BLE001 - whatever a listener raises
                # A listener's bug must not stop the reading, or the worker would hang on a full pipe.
                _log.exception("a listener failed on %s", event.kind)

    def _watch(self) -> None:
        """Say once, each time, that the worker has gone silent."""
        told_at = 0.0
        while True:
            last = self._last_line
            quiet_until = (last if told_at != last else time.monotonic()) + self._timeouts.silence
            if self._conclusion.wait(max(0.05, quiet_until - time.monotonic())) is not None:
                return
            silence = time.monotonic() - self._last_line
            if silence >= self._timeouts.silence and told_at != self._last_line:
                told_at = self._last_line
                text = f"No sign of life from the {self._what} process for {silence:.0f} s. It may hang: stop it."
                self._tell(Log(level="warning", text=text))

    def _escalate(self) -> None:
        if self._conclusion.wait(self._timeouts.ask) is not None:
            return
        self._signal_group(force=False)
        if self._conclusion.wait(self._timeouts.terminate) is not None:
            return
        self._signal_group(force=True)

    def _signal_group(self, *, force: bool) -> None:
        process = self._process
        if process is None or process.poll() is not None:
            return
        if os.name != "posix":
            process.kill() if force else process.terminate()
            return
        try:
            os.killpg(process.pid, signal.SIGKILL if force else signal.SIGTERM)
        except ProcessLookupError:
            return

    def _conclude(self, of_pipes: Sequence[threading.Thread]) -> None:
        self._conclusion.draw(lambda: self._end(of_pipes))

    def _end(self, of_pipes: Sequence[threading.Thread]) -> Outcome:
        process = self._process
        if process is None:
            raise RuntimeError("the job was not started")
        code = process.wait()
        self._to_tell.put(None)
        for thread in of_pipes:
            # A grandchild may hold the pipes open after the process itself has gone.
            thread.join(timeout=5.0)
        said = tuple(self._stderr)  # a grandchild may go on adding lines
        return judge(
            self._what,
            code,
            failed=self._failed,
            ended=self._ended,
            step=self._last_checkpoint,
            asked=self._stopping.is_set(),
            last_words=next((line.strip() for line in reversed(said) if line.strip()), "it said nothing"),
        )


class TrainingJob:
    """A training process, begun anew with half the batch each time that memory runs out.

    The same calls as a ``WorkerJob``; ``argv`` such as ``worker_command("train", "RUN_DIR")``. A run that
    has checkpoints is resumed.
    """

    def __init__(
        self,
        argv: Sequence[str],
        *,
        on_event: EventCallback,
        on_end: OutcomeCallback | None = None,
        timeouts: Timeouts | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._command = list(argv)
        self._environment = environment
        self._on_event = on_event
        self._conclusion = Conclusion(on_end)
        self._timeouts = timeouts
        self._attempt = self._restarts = 0
        self._stopping = self._finishing = False
        # Held while one process takes the place of another, so that a stop reaches whichever there is.
        self._lock = threading.RLock()
        self._job = self._new_job()

    def _new_job(self) -> WorkerJob:
        return WorkerJob(
            [*self._command, "--attempt", str(self._attempt)],
            on_event=self._hear,
            on_end=self._worker_ended,
            timeouts=self._timeouts,
            what="training",
            environment=self._environment,
        )

    def start(self) -> None:
        """Start the process; returns at once. Raises JobError when it cannot be started."""
        self._job.start()

    @property
    def running(self) -> bool:
        return self._job.pid is not None and not self._conclusion.reached

    @property
    def pid(self) -> int | None:
        return self._job.pid

    @property
    def outcome(self) -> Outcome | None:
        return self._conclusion.outcome

    def stderr_tail(self) -> str:
        return self._job.stderr_tail()

    def request(self, command: Command) -> None:
        with self._lock:
            self._finishing |= command is Command.FINISH  # for the next process, should memory run out
            self._job.request(command)

    def finish(self) -> None:
        """Validate once more, keep the best weights, and end."""
        self.request(Command.FINISH)

    def stop(self) -> None:
        """Stop at the next step with a checkpoint; escalates. Returns at once."""
        with self._lock:
            self._stopping = True
            self._job.stop()

    def kill(self) -> None:
        with self._lock:
            self._stopping = True
            self._job.kill()

    def wait(self, timeout: float | None = None) -> Outcome | None:
        """Wait for the end, restarts included; ``None`` when ``timeout`` seconds went by first."""
        return self._conclusion.wait(timeout)

    def _may_restart(self) -> bool:
        return self._restarts < MAX_MEMORY_RESTARTS and not self._stopping

    def _hear(self, event: Event) -> None:
        """Pass an event on; out of memory is no failure as long as there is another try."""
        if isinstance(event, Failed) and event.failure is FailureKind.OUT_OF_MEMORY:
            # A run that is resumed remembers the times before.
            self._attempt = max(self._attempt, event.attempt)
            if self._may_restart():
                tries = f"{self._restarts + 1} of {MAX_MEMORY_RESTARTS}"
                text = f"Out of memory: trying again with less at a time ({tries})."
                event = Log(level="warning", text=text)
        self._on_event(event)

    def _worker_ended(self, outcome: Outcome) -> None:
        self._conclusion.draw(lambda: self._last_outcome(outcome))

    def _last_outcome(self, outcome: Outcome) -> Outcome | None:
        """How the training ended with its latest process; ``None`` where another one has taken its place."""
        with self._lock:
            if outcome.failure is not FailureKind.OUT_OF_MEMORY or self._restarts >= MAX_MEMORY_RESTARTS:
                return outcome
            if self._stopping:
                return Outcome(state=OutcomeState.STOPPED, text="training stopped")
            self._attempt += 1
            self._restarts += 1
            self._job = self._new_job()
            try:
                self._job.start()
            except JobError as error:
                return Outcome(state=OutcomeState.FAILED, text=str(error))
            if self._finishing:
                self._job.finish()
            return None
