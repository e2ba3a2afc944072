"""What a run tells while it is set up, trained and looks at images."""

from __future__ import annotations

import json
import platform
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property

from detcore.errors import ImageError
from detcore.jobs import events
from detcore.jobs.events import Event
from detcore.project.snapshot import SnapshotImage
from detcore.training.distributed import Group
from detcore.untrusted_json import parse_json

Emit = Callable[[Event], None]


class Telling:
    """Says what happens. Of several processes the leader alone does so. Each of the ``images`` that cannot be read is told
    once, whoever finds that; what the others find is told when all ``share``."""

    def __init__(self, emit: Emit, group: Group, images: Sequence[SnapshotImage]) -> None:
        self.emit: Emit = emit if group.leads else _silent
        self._group = group
        self._images = images
        self._told: set[int | str] = set()
        self._untold: deque[tuple[int | str, str]] = deque()

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
        path = error.path or ""
        self._leave_out(self._ids.get(path, path), f"{machine}{error}")

    def share(self) -> None:
        """Let the leader say what the others have found; all do so together."""
        found = [self._untold.popleft() for _ in range(len(self._untold))]
        for content in self._group.collect(json.dumps(found).encode()):
            for image, text in parse_json(content):
                self._leave_out(image, text)

    @cached_property
    def _ids(self) -> Mapping[str, int]:
        """An image has the same id on all machines, if not the same path."""
        return {image.path: image.id for image in self._images}

    def _leave_out(self, image: int | str, text: str) -> None:
        if image in self._told:
            return
        self._told.add(image)
        if self._group.leads:
            self.warning(f"{events.LEFT_OUT}{text}")
        else:
            self._untold.append((image, text))


def _silent(_event: Event) -> None:
    """What a process that does not lead says."""
