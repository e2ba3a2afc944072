"""A worker's job done in the process of the test."""

from __future__ import annotations

import io

from detcore.jobs.child.worker import work
from detcore.jobs.events import Event, decode
from detcore.jobs.owner import ExitCode
from detcore.jobs.worker_process import EventWriter, StopFlags


def work_here(*arguments: str) -> tuple[ExitCode, list[Event]]:
    """The same job in this process, which saves loading torch once more."""
    out, flags = io.StringIO(), StopFlags()
    writer = EventWriter(out, flags)
    code = work(arguments, writer, flags)
    writer.close()
    return code, [event for line in out.getvalue().splitlines() if (event := decode(line)) is not None]
