"""How a worker process ended: its exit codes, the one line that the user is told, and who waits for it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Any, TypeVar

from detcore.errors import ReticleError, disk_error
from detcore.jobs.events import Ended, Failed, FailureKind

_SIGKILL = 9
_log = logging.getLogger(__name__)


class ExitCode(IntEnum):
    """What a worker's exit code says. Python itself uses 1 and 2, shells 126 and up."""

    DONE = 0
    BUG = 70
    BAD_INPUT = 65
    OUT_OF_MEMORY = 75
    NON_FINITE_LOSS = 76
    PEER_LOST = 77


_FAILURES = {
    int(ExitCode.BUG): FailureKind.BUG,
    int(ExitCode.BAD_INPUT): FailureKind.BAD_INPUT,
    int(ExitCode.OUT_OF_MEMORY): FailureKind.OUT_OF_MEMORY,
    int(ExitCode.NON_FINITE_LOSS): FailureKind.NON_FINITE_LOSS,
    int(ExitCode.PEER_LOST): FailureKind.PEER_LOST,
}


class OutcomeState(StrEnum):
    COMPLETED = "completed"
    STOPPED = "stopped"
    FINISHED_EARLY = "finished_early"
    FAILED = "failed"
    KILLED = "killed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a worker ended. ``text`` is one line for the user, ``hint`` what to do about it."""

    state: OutcomeState
    text: str
    hint: str = ""
    exit_code: int | None = None
    failure: FailureKind | None = None
    ended: Ended | None = None
    last_checkpoint: int | None = None

    @property
    def good(self) -> bool:
        return self.state not in (OutcomeState.FAILED, OutcomeState.KILLED)


Found = TypeVar("Found", Outcome, Outcome | None)


def outcome_of(find: Callable[[], Found]) -> Found | Outcome:
    """What a piece of work says of itself, or that it failed, and of what."""
    try:
        return find()
    except (ReticleError, OSError) as error:
        told = disk_error(error) if isinstance(error, OSError) else error
        where = "" if told.path is None else f"{told.path}: "
        return Outcome(
            state=OutcomeState.FAILED,
            text=f"{where}{told.message}",
            hint=told.hint or "",
            failure=FailureKind.BAD_INPUT,
        )
    except Exception as error:  # noqa: BLE001 - whoever waits must hear of a bug, too
        _log.exception("a job failed")
        text = f"{type(error).__name__}: {error}"
        return Outcome(state=OutcomeState.FAILED, text=text, failure=FailureKind.BUG)


class Conclusion:
    """The end of a job: worked out once, told to the owner, and waited for by anybody, whatever fails on the
    way. ``lock``: held while the owner is told."""

    def __init__(
        self, on_end: Callable[[Outcome], None] | None, *, lock: threading.Lock | None = None
    ) -> None:
        self._on_end = on_end
        self._lock = lock or threading.Lock()
        self._done = threading.Event()
        self.outcome: Outcome | None = None
        """``None`` until then."""

    @property
    def reached(self) -> bool:
        """Whether the owner has been told."""
        return self._done.is_set()

    def draw(self, find: Callable[[], Outcome | None]) -> None:
        """Tell what ``find`` says; ``None`` means that it is not the end yet. When ``find`` raises, the job has
        failed by that. What the owner raises is raised on, once nobody waits any more."""
        outcome = outcome_of(find)
        if outcome is None:
            return
        self.outcome = outcome
        try:
            if self._on_end is not None:
                with self._lock:
                    self._on_end(outcome)
        finally:
            self._done.set()

    def wait(self, timeout: float | None = None) -> Outcome | None:
        """Wait until the owner has been told; ``None`` when ``timeout`` seconds went by first."""
        return self.outcome if self._done.wait(timeout) else None


def judge(
    what: str,
    code: int,
    *,
    failed: Failed | None,
    ended: Ended | None,
    step: int | None,
    asked: bool,
    last_words: str,
) -> Outcome:
    """The outcome from the exit code, what the worker said last, and whether it was asked to stop."""
    kept = "" if step is None else f"; the last checkpoint is of step {step}"
    state, hint, failure = OutcomeState.FAILED, "", None
    if failed is not None:
        text, hint, failure = failed.message, failed.hint, failed.failure
    elif code == ExitCode.DONE and ended is not None:
        state = OutcomeState(ended.reason.value)
        text = f"{what} {state.value.replace('_', ' ')}"
    elif asked:
        state = OutcomeState.STOPPED
        text = f"the {what} process did not stop when asked and was ended{kept}"
    elif code < 0:
        state = OutcomeState.KILLED
        text = f"the {what} process was killed (signal {-code}){kept}"
        hint = "The system may have run out of memory" if code == -_SIGKILL else ""
    else:
        text = f"the {what} process ended with code {code} ({last_words}){kept}"
        failure = _FAILURES.get(code)
    return Outcome(
        state=state, text=text, hint=hint, exit_code=code, failure=failure, ended=ended, last_checkpoint=step
    )


def judgement(
    result: Mapping[str, Any],
    *,
    ratio: Callable[[float], str] = "{:.3f}".format,
    number: Callable[[int], str] = "{:,}".format,
) -> str:
    """What came of a training, from the ``result`` of its end, as a part of a sentence: its best AP, and whether
    that is better than what it started from; "" when nothing was judged yet."""
    best, start, step = (result.get(name) for name in ("best_AP", "start_AP", "best_step"))
    if result.get("no_figure"):
        return f"no AP, since {result['no_figure']}; its last weights are kept"
    if best is None:
        return ""
    if start is not None and step == 0:
        return f"no better than its start, AP {ratio(start)}: the start was kept"
    at_step = "" if step is None else f" at step {number(step)}"
    its_start = "" if start is None else f"; its start had {ratio(start)}"
    return f"best AP {ratio(best)}{at_step}{its_start}"
