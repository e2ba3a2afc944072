"""The learner's process: ``worker learn RUN_DIR``, in the run of a project that somebody else has open."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from detcore.errors import ReticleError
from detcore.jobs import events
from detcore.jobs.config import TrainConfig
from detcore.jobs.events import EndReason, FailureKind
from detcore.jobs.lineage import images_learnt
from detcore.jobs.worker_process import EventWriter, StopFlags, fail, stopped_in_time
from detcore.project.project import Project
from detcore.project.run_weights import is_of_run
from detcore.project.runs import RunFolder
from detcore.training.live.session import LiveSession

Leave = Callable[[Mapping[str, Any]], None]
"""Says that the work has ended, with its result, and ends the process."""


def learn(run: RunFolder, writer: EventWriter, flags: StopFlags, leave: Leave) -> None:
    """Learn until it is asked to stop; what was learnt is kept then. A stop that is not heeded in time ``leaves`` with
    what there is. Raises as ``LiveSession.run``."""
    writer.open_file(run.events)
    result = {"weights": run.last.name}
    session: LiveSession | None = None

    def leave_now() -> None:
        try:
            with nullcontext() if session is None else session.held():
                leave(result)
        except ReticleError as error:
            os._exit(fail(writer.say, FailureKind.BAD_INPUT, error))

    with (
        stopped_in_time(flags, leave_now),
        Project.open(run.path.parent.parent, read_only=True) as project,
    ):
        session = LiveSession(project, run, emit=writer.say, flags=flags, known=_known(run))
        session.run()
    writer.say(events.Ended(reason=EndReason.STOPPED, time=time.time(), result=result))


def _known(run: RunFolder) -> set[int]:
    """The images that were learnt by the run of this project that it starts from, and by those before that."""
    weights = TrainConfig.load(run.config).learning.weights
    if not weights or not is_of_run(Path(weights), run.path.parent):
        return set()
    return images_learnt(RunFolder(Path(weights).resolve().parent))
