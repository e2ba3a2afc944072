"""What a run tells while it is set up, trained and looks at images."""

from __future__ import annotations

import json
import platform
from collections import deque
from collections.abc import Callable

from detcore.errors import ImageError
from detcore.jobs import events
from detcore.jobs.events import Event
from detcore.training.distributed import Group
from detcore.untrusted_json import parse_json

Emit = Callable[[Event], None]


class Telling:
    """Says what happens. Of several processes the leader alone does so; files that cannot be read are told once each,
    those that the others find when all ``share``."""

    def __init__(self, emit: Emit, group: Group) -> None:
        self.emit: Emit = emit if group.leads else _silent
        self._group = group
        self._told: set[str] = set()
        self._untold: deque[str] = deque()

    @property
    def waits(self) -> bool:
        """Whether this process has found what only ``share`` lets it tell."""
        return bool(self._untold)

    def info(self, text: str) -> None:
        self.emit(events.Log(level="info", text=text))

    def warning(self, text: str) -> None:
        self.emit(events.Log(level="warning", text=text))

    def problem(self, error: ImageError) -> None:
        """An image is left out. Of another machine than the leader's the file is named as for ssh, ``host:path``."""
        machine = "" if self._group.beside_leader else f"{platform.node()}:"
        self._leave_out(f"{machine}{error}")

    def share(self) -> None:
        """Let the leader say what the others have found; all do so together."""
        found = [self._untold.popleft() for _ in range(len(self._untold))]
        for content in self._group.collect(json.dumps(found).encode()):
            for text in parse_json(content):
                self._leave_out(text)

    def _leave_out(self, text: str) -> None:
        if text in self._told:
            return
        self._told.add(text)
        if self._group.leads:
            self.warning(f"{events.LEFT_OUT}{text}")
        else:
            self._untold.append(text)


def _silent(_event: Event) -> None:
    """What a process that does not lead says."""
