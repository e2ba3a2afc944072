"""A worker's job done in the process of the test."""

from __future__ import annotations

import io

from detcore.events import Event, decode
from detcore.jobs import ExitCode
from detcore.worker import work
from detcore.worker_process import Voice, Wishes


def work_here(*arguments: str) -> tuple[ExitCode, list[Event]]:
    """The same job in this process, which saves loading torch once more."""
    out, wishes = io.StringIO(), Wishes()
    voice = Voice(out, wishes)
    code = work(arguments, voice, wishes)
    voice.close()
    return code, [event for line in out.getvalue().splitlines() if (event := decode(line)) is not None]
