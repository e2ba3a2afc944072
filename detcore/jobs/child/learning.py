"""The learner's process: ``worker learn RUN_DIR``, in the run of a project that somebody else has open."""

from __future__ import annotations

import time
from pathlib import Path

from detcore.jobs import events
from detcore.jobs.config import TrainConfig
from detcore.jobs.events import EndReason
from detcore.jobs.lineage import images_learnt
from detcore.jobs.worker_process import EventWriter, StopFlags
from detcore.project.project import Project
from detcore.project.run_weights import is_of_run
from detcore.project.runs import RunFolder
from detcore.training.live.session import LiveSession


def learn(run: RunFolder, writer: EventWriter, flags: StopFlags) -> None:
    """Learn until it is asked to stop; what was learnt is kept then. Raises as ``LiveSession.run``."""
    writer.open_file(run.events)
    with Project.open(run.path.parent.parent, read_only=True) as project:
        LiveSession(project, run, emit=writer.say, flags=flags, known=_known(run)).run()
    writer.say(events.Ended(reason=EndReason.STOPPED, time=time.time(), result={"weights": run.last.name}))


def _known(run: RunFolder) -> set[int]:
    """The images that were learnt by the run of this project that it starts from, and by those before that."""
    weights = TrainConfig.load(run.config).learning.weights
    if not weights or not is_of_run(Path(weights), run.path.parent):
        return set()
    return images_learnt(RunFolder(Path(weights).resolve().parent))
