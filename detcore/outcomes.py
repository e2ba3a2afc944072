"""How a worker process ended: its exit codes, and the one line that a person is told."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum

from detcore.events import Ended, Failed, FailureKind

_SIGKILL = 9


class ExitCode(IntEnum):
    """What a worker's exit code says. Python itself uses 1 and 2, shells 126 and up."""

    DONE = 0
    BUG = 70
    BAD_INPUT = 65
    OUT_OF_MEMORY = 75
    NON_FINITE_LOSS = 76


_FAILURES = {
    int(ExitCode.BUG): FailureKind.BUG,
    int(ExitCode.BAD_INPUT): FailureKind.BAD_INPUT,
    int(ExitCode.OUT_OF_MEMORY): FailureKind.OUT_OF_MEMORY,
    int(ExitCode.NON_FINITE_LOSS): FailureKind.NON_FINITE_LOSS,
}


class OutcomeState(StrEnum):
    COMPLETED = "completed"
    STOPPED = "stopped"
    FINISHED_EARLY = "finished_early"
    FAILED = "failed"
    KILLED = "killed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a worker ended. ``text`` is one line for the person, ``hint`` what to do about it."""

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
