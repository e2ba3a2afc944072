"""What stands in for worker processes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from app.services import training_worker
from detcore.jobs.events import Event
from detcore.jobs.outcomes import Outcome, OutcomeState

FAKE = Path(__file__).with_name("fake_worker.py")
ROOT = FAKE.parents[2]


def fake_workers(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """A function that makes every worker started from then on a fake of that behaviour."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))

    def use(behaviour: str) -> None:
        def command(*arguments: str) -> list[str]:
            return [sys.executable, str(FAKE), behaviour, *arguments]

        monkeypatch.setattr(training_worker, "worker_command", command)

    return use


class IdleLearner:
    """In place of the process that learns beside the window: begins, says nothing, and ends when it is asked to."""

    pid = 0

    def __init__(
        self,
        _argv: Sequence[str],
        *,
        on_event: Callable[[Event], None],
        on_end: Callable[[Outcome], None],
        what: str,
    ) -> None:
        self.running, self._end = True, on_end

    def start(self) -> None:
        """There is nothing to start."""

    def tell(self, line: str) -> None:
        """It does not listen."""

    def stop(self) -> None:
        self.running = False
        self._end(Outcome(state=OutcomeState.STOPPED, text="learner stopped"))

    def wait(self, timeout: float) -> Outcome:
        return Outcome(state=OutcomeState.STOPPED, text="learner stopped")
