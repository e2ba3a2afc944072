"""The worker process of a job on several devices: starts one process a device, speaks for all, and ends all if one
dies. Needs no torch itself.

Each gets what torchrun would give it (``RANK``, ``WORLD_SIZE`` and so on), and its own end of stdin tells it when this
one is gone.
"""

from __future__ import annotations

import socket
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from detcore.errors import JobError
from detcore.jobs.child.arguments import parse_arguments
from detcore.jobs.devices import cores, environment_of
from detcore.jobs.events import Command, Ended, Event, Failed, FailureKind, Heartbeat, decode
from detcore.jobs.outcomes import ExitCode
from detcore.jobs.program import worker_command
from detcore.jobs.worker_process import EXIT_CODES, EventWriter, StopFlags, fail, run_worker
from detcore.project.run_folder import RunFolder

_PARTING_SECONDS = 5.0
"""For the others to say what they have to say once one has ended."""
_LOOK_SECONDS = 0.1


def main(arguments: Sequence[str], devices: Sequence[str]) -> int:
    """Do the job, such as ``["train", "RUN_DIR"]``, on these devices; returns the exit code."""
    attentive = not parse_arguments(arguments).unattended
    return run_worker(lambda writer, flags: lead(arguments, devices, writer, flags), attentive=attentive)


def lead(
    arguments: Sequence[str],
    devices: Sequence[str],
    writer: EventWriter,
    flags: StopFlags,
    *,
    command: Callable[..., Sequence[str]] = worker_command,
) -> ExitCode:
    """Start the processes, pass on what they say and what is wished of them, until all have ended."""
    crew: list[_Process] = []
    try:
        port, threads = _free_port(), max(1, cores() // len(devices))
        for rank, device in enumerate(devices):
            environment = environment_of(rank, count=len(devices), port=port, threads=threads)
            crew.append(_Process(rank=rank, device=device, popen=_start(command(*arguments), environment)))
            crew[-1].listen(writer.say)
        _wait(crew, flags)
    except (OSError, ValueError) as error:
        failed = JobError(f"the processes could not be started ({error})")
        return fail(writer.say, FailureKind.BAD_INPUT, failed)
    finally:
        for process in crew:
            process.end()
    if crew[0].good:
        return ExitCode.DONE
    cause, wanted = _cause(crew), parse_arguments(arguments)
    if wanted.verb == "train":
        # For whoever reads the history of the training: its first process may have died without a word.
        writer.open_file(RunFolder(wanted.run).events)
    writer.say(cause)
    return EXIT_CODES[cause.failure]


@dataclass(kw_only=True)
class _Process:
    """One of the processes; ``failed`` is why it gave up, as it said itself."""

    rank: int
    device: str
    popen: subprocess.Popen[str]
    failed: Failed | None = None
    ended: bool = False
    was_killed: bool = False
    reader: threading.Thread | None = field(default=None, repr=False)

    @property
    def alive(self) -> bool:
        return self.popen.poll() is None

    @property
    def good(self) -> bool:
        """What comes after it has said that its work is done, such as a signal while it leaves, spoils nothing."""
        return self.ended and self.failed is None

    def listen(self, say: Callable[[Event], None]) -> None:
        """Pass on what the first process says, which speaks for all, from now on. Why one fails is for ``_cause``."""

        def read() -> None:
            for line in self.popen.stdout or ():
                event = decode(line)
                if isinstance(event, Failed):
                    self.failed = event
                    continue
                self.ended |= isinstance(event, Ended)
                if self.rank == 0 and event is not None and not isinstance(event, Heartbeat):
                    say(event)

        self.reader = threading.Thread(target=read, name=f"events-{self.rank}", daemon=True)
        self.reader.start()

    def ask(self, wish: Command) -> None:
        if self.popen.stdin is not None:
            try:
                self.popen.stdin.write(f"{wish}\n")
                self.popen.stdin.flush()
            except (OSError, ValueError):
                return  # it has ended: then there is nobody to ask

    def end(self) -> None:
        """Be sure that it is gone and that all it said was heard."""
        if self.alive:
            self.was_killed = True
            self.popen.kill()
        self.popen.wait()
        if self.reader is not None:
            self.reader.join(timeout=_PARTING_SECONDS)
        for pipe in (self.popen.stdin, self.popen.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError:
                    continue  # a wish that nobody has read


def _start(argv: Sequence[str], environment: dict[str, str]) -> subprocess.Popen[str]:
    """In the process group of this one, so that a signal to it reaches all; stderr is shared."""
    return subprocess.Popen(
        list(argv),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        errors="replace",
        bufsize=1,
        env=environment,
    )


def _wait(crew: Sequence[_Process], flags: StopFlags) -> None:
    """Until all have ended, or one has and the others had their time to follow."""
    asked: set[Command] = set()
    until: float | None = None
    while any(process.alive for process in crew):
        for wish, flag in ((Command.STOP, flags.stop), (Command.FINISH, flags.finish)):
            if flag.is_set() and wish not in asked:
                asked.add(wish)
                for process in crew:
                    process.ask(wish)
        if flags.measure.is_set():
            flags.measure.clear()
            crew[0].ask(Command.MEASURE)
        # The first process may have work left when the others are done with theirs.
        over = any(not p.alive and (p.rank == 0 or p.popen.returncode) for p in crew)
        if over and until is None:
            until = time.monotonic() + _PARTING_SECONDS
        if until is not None and time.monotonic() >= until:
            return
        time.sleep(_LOOK_SECONDS)


def _cause(crew: Sequence[_Process]) -> Failed:
    """Why the job failed: by what one of them says, or by how it died; what happened to another one is no reason as long
    as there is a better one."""
    ranked = sorted(crew, key=_weight)
    process = ranked[0]
    name = f"process {process.rank + 1} of {len(crew)} (on {process.device})"
    if process.failed is not None:
        failed = process.failed
        return Failed(
            failure=failed.failure,
            message=failed.message if failed.elsewhere else f"{name}: {failed.message}",
            hint=failed.hint,
            attempt=failed.attempt,
        )
    code = process.popen.returncode
    if code < 0:
        hint = "The system may have run out of memory; the run goes on from its last checkpoint when resumed"
        return Failed(failure=FailureKind.BUG, message=f"{name} was killed (signal {-code})", hint=hint)
    message = f"{name} ended with code {code}"
    return Failed(failure=FailureKind.BUG, message=message, hint="See the log of the process")


def _weight(process: _Process) -> int:
    """How well a process explains that all came to an end, best first."""
    if process.was_killed:
        return 5
    if process.failed is None:
        return 0 if process.popen.returncode < 0 else 3
    if process.failed.failure is FailureKind.PEER_LOST:
        return 4
    return 2 if process.failed.elsewhere else 1


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
