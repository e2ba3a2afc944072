"""What every worker process does besides its work: it speaks events, hears commands, and lets others go
first.

Free of torch, so that a worker that only leads others stays small.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from threading import Event as Flag
from typing import TextIO

import psutil

from detcore.errors import ReticleError
from detcore.jobs import events
from detcore.jobs.events import Command, Event, FailureKind
from detcore.jobs.outcomes import ExitCode
from detcore.project.run_folder import RunFolder, is_running, read_json, write_pid

_NICE = 10
_HEARTBEAT_SECONDS = 3.0
_ORPHAN_SECONDS = 60.0
_RUN_VERBS = ("train", "predict", "export", "learn")
EXIT_CODES = {
    FailureKind.OUT_OF_MEMORY: ExitCode.OUT_OF_MEMORY,
    FailureKind.NON_FINITE_LOSS: ExitCode.NON_FINITE_LOSS,
    FailureKind.BAD_INPUT: ExitCode.BAD_INPUT,
    FailureKind.PEER_LOST: ExitCode.PEER_LOST,
    FailureKind.BUG: ExitCode.BUG,
}


@dataclass(frozen=True, slots=True)
class StopFlags:
    """What the owner has asked for; set from another thread. ``asked`` has the lines that are no command. ``may_end``: a stop
    that is not heeded in time may end the process."""

    stop: Flag = field(default_factory=Flag)
    finish: Flag = field(default_factory=Flag)
    measure: Flag = field(default_factory=Flag)
    asked: SimpleQueue[str] = field(default_factory=SimpleQueue[str])
    may_end: bool = False


class EventWriter:
    """Says events on stdout and writes them down; used from several threads."""

    def __init__(self, out: TextIO, flags: StopFlags) -> None:
        self._out = out
        self._flags = flags
        self._lock = threading.Lock()
        self._file: TextIO | None = None
        self._spoken = time.monotonic()
        self._silenced = self._file_failed = False

    def open_file(self, path: Path) -> None:
        """Write events down there from now on, after a torn last line too."""
        torn = path.is_file() and path.stat().st_size > 0 and path.read_bytes()[-1:] != b"\n"
        with self._lock:
            self._file = path.open("a", encoding="utf-8")
            if torn:
                self._file.write("\n")

    def close(self) -> None:
        with self._lock:
            if self._file is not None:
                with suppress(OSError):  # told when the line was said
                    self._file.close()
                self._file = None

    def say(self, event: Event) -> None:
        line = events.encode(event) + "\n"
        with self._lock:
            self._spoken = time.monotonic()
            if not isinstance(event, events.PASSING):
                self._write_down(line)
            if self._silenced:
                return
            try:
                self._out.write(line)
                self._out.flush()
            except OSError:
                # Nobody reads any more: the owner is gone. The file still tells what happened.
                self._silenced = True
                self._flags.stop.set()

    def _write_down(self, line: str) -> None:
        """Into the file; when that fails the owner is told, once. What the disk has no room for now comes
        with the next line."""
        if self._file is None:
            return
        try:
            self._file.write(line)
            self._file.flush()
        except OSError as error:
            if not self._file_failed:
                self._file_failed = True
                text = f"The history of the run cannot be written ({error.strerror})."
                line = events.encode(events.Log(level="warning", text=text))
                self._out.write(line + "\n")

    def beat(self, ended: threading.Event) -> None:
        """Say that the process is alive whenever it has been silent for a while, until ``ended``."""
        while not ended.wait(1.0):
            if time.monotonic() - self._spoken >= _HEARTBEAT_SECONDS:
                self.say(events.Heartbeat(time=time.time()))


def run_worker(
    work: Callable[[EventWriter, StopFlags], ExitCode], *, attentive: bool, may_end: bool = False
) -> int:
    """Do the work of this process, and nothing after it; returns the exit code. ``attentive``: listen on
    stdin, whose end means that the owner is gone. ``may_end`` as in ``StopFlags``."""
    flags = StopFlags(may_end=may_end)
    writer = EventWriter(_take_stdout(), flags)
    _be_modest()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: flags.stop.set())
    ended = threading.Event()
    threading.Thread(target=writer.beat, args=(ended,), name="heartbeat", daemon=True).start()
    if attentive:
        threading.Thread(target=_listen, args=(flags,), name="commands", daemon=True).start()
    try:
        return int(work(writer, flags))
    finally:
        ended.set()
        writer.close()


@contextmanager
def announced(arguments: Sequence[str]) -> Generator[None, None, None]:
    """Name this process as the one that works on the run of ``train RUN_DIR`` and the like, from
    before it is able to: whoever wants to discard the run must know. The work itself holds the run, names the
    process again and tells what keeps it from that; a run that another process works on is left to that."""
    leads = int(os.environ.get("RANK", "0")) == 0
    words = [word for word in arguments if not word.startswith("-")]
    run = RunFolder(Path(words[1]).resolve()) if leads and len(words) > 1 and words[0] in _RUN_VERBS else None
    if run is None or not run.path.is_dir() or is_running(run):
        yield
        return
    with suppress(OSError):  # the work fails at it as well, and says so
        write_pid(run, os.getpid())
    try:
        yield
    finally:
        if read_json(run.pid).get("pid") == os.getpid():
            run.pid.unlink(missing_ok=True)


@contextmanager
def stopped_in_time(
    flags: StopFlags, leave: Callable[[], None], *, seconds: float = 1.0
) -> Generator[None, None, None]:
    """A stop that is not heeded within so many seconds while the block lasts calls ``leave``, which ends the process,
    on a thread of its own: a step may take long, and so may looking at some images."""
    over = Flag()

    def watch() -> None:
        flags.stop.wait()
        if not over.wait(seconds):
            leave()

    if flags.may_end:
        threading.Thread(target=watch, name="stop", daemon=True).start()
    try:
        yield
    finally:
        over.set()


def fail(
    say: Callable[[Event], None],
    failure: FailureKind,
    error: ReticleError,
    *,
    attempt: int = 0,
    elsewhere: bool = False,
) -> ExitCode:
    """Say why the work has failed; returns the code to exit with."""
    where = "" if error.path is None else f"{error.path}: "
    message, hint = f"{where}{error.message}", error.hint or ""
    say(events.Failed(failure=failure, message=message, hint=hint, attempt=attempt, elsewhere=elsewhere))
    return EXIT_CODES[failure]


def _take_stdout() -> TextIO:
    """The real stdout for events alone; everything else that is printed goes to stderr."""
    sys.stdout.flush()
    out = os.fdopen(os.dup(1), "w", encoding="utf-8", newline="\n")
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return out


def _be_modest() -> None:
    """Let the window and other programs go first."""
    process = psutil.Process()
    if os.name == "nt":
        process.nice(psutil.BELOW_NORMAL_PRIORITY_CLASS)
    else:
        # Who started it may have been more modest still, and there is no way back.
        process.nice(max(_NICE, int(process.nice())))


def _listen(flags: StopFlags) -> None:
    """Take commands until stdin ends, which it does when the owner dies."""
    for line in sys.stdin:
        if line.strip() == Command.STOP:
            flags.stop.set()
        elif line.strip() == Command.FINISH:
            flags.finish.set()
        elif line.strip() == Command.MEASURE:
            flags.measure.set()
        elif line.strip():
            flags.asked.put(line)
    flags.stop.set()
    # Should a step hang, the process must not outlive its owner all the same.
    timer = threading.Timer(_ORPHAN_SECONDS, os._exit, args=(ExitCode.BUG,))
    timer.daemon = True
    timer.start()
