"""The learner without a window: learns from images as they are verified by whoever has the project open."""

from __future__ import annotations

import argparse

from detcore.cli.console import say
from detcore.cli.status import DONE, INTERRUPTED
from detcore.cli.watching import watch_job
from detcore.errors import JobError
from detcore.jobs.outcomes import OutcomeState
from detcore.jobs.owner import WorkerJob, worker_command
from detcore.jobs.preparing.live import prepare_live
from detcore.project.project import Project


def learn(options: argparse.Namespace) -> int:
    """Learn in a child until Ctrl+C, which keeps what was learnt."""
    with Project.open(options.project, read_only=True) as project:
        run = prepare_live(project, device=options.device or "auto")
    say(f"run {run.name}")
    command = worker_command("learn", str(run.path))
    outcome = watch_job(lambda hear: WorkerJob(command, on_event=hear, what="learner"))
    if not outcome.good:
        raise JobError(outcome.text, hint=outcome.hint)
    say(outcome.text)
    return INTERRUPTED if outcome.state is OutcomeState.STOPPED else DONE
