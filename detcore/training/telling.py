"""What a run tells while it is set up and trained."""

from __future__ import annotations

from collections.abc import Callable

from detcore.errors import ImageError
from detcore.jobs import events
from detcore.jobs.events import Event

Emit = Callable[[Event], None]


class Telling:
    """Says what happens. Of several processes the leader alone does so; files that cannot be read are told once each."""

    def __init__(self, emit: Emit, *, leads: bool) -> None:
        self.emit: Emit = emit if leads else _silent
        self._told: set[str] = set()

    def info(self, text: str) -> None:
        self.emit(events.Log(level="info", text=text))

    def warning(self, text: str) -> None:
        self.emit(events.Log(level="warning", text=text))

    def problem(self, error: ImageError) -> None:
        """An image is left out."""
        if str(error) not in self._told:
            self._told.add(str(error))
            self.warning(f"{events.LEFT_OUT}{error}")


def _silent(_event: Event) -> None:
    """What a process that does not lead says."""
