"""Commands in the environment of torchrun: every process of it runs the same command. The first one does the work and
has the others' help in its jobs; they follow it and write nothing.

Each job is a worker process beside each of these, and those find each other.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from detcore.atomic import atomic_write
from detcore.cli.status import DONE
from detcore.errors import Cancelled, ConfigError, JobError
from detcore.jobs.devices import process_count, process_rank
from detcore.jobs.events import Event, FailureKind
from detcore.jobs.outcomes import Outcome
from detcore.jobs.owner import WorkerJob, worker_command
from detcore.project.project import Project
from detcore.project.run_folder import RunFolder, read_json
from detcore.project.runs import list_runs

SHARED = ("train", "predict", "crossval", "evaluate", "queue", "audit", "compare", "next", "report")
"""The commands that many processes can be given; the others are for one."""
_LAUNCH = "launch.json"


def is_launched() -> bool:
    """Whether this is one of several processes that were given the same command."""
    return process_count() > 1


def run_launched(options: argparse.Namespace, command: Callable[[argparse.Namespace], int]) -> int:
    """Do a command together with the other processes; returns the exit status.

    Raises:
        ConfigError: the command is for one process.
        JobError: a job of this process failed.
    """
    if options.command not in SHARED or options.project is None:
        raise ConfigError(
            f"{options.command} is not for several processes", hint=f"Under torchrun: {', '.join(SHARED)}"
        )
    if process_rank() > 0:
        return _follow(options.project)
    status = command(options)
    if status == DONE:  # else torchrun ends the others
        _check(_end_of(worker_command("dismiss"), "parting"))
    return status


def shared_command(project: Path, *arguments: str) -> list[str]:
    """``worker_command`` of a job that all processes do together, where there are several."""
    if not is_launched():
        return worker_command(*arguments)
    return worker_command(*arguments, *_images(project))


def remember_launch(run: RunFolder) -> None:
    """Note that this torchrun has made the run, for the case that it starts the command again."""
    if is_launched():
        with atomic_write(run.path / _LAUNCH) as path:
            path.write_text(json.dumps(_launch()), encoding="utf-8")


def run_of_launch(project: Project) -> RunFolder | None:
    """The run that the command has made before torchrun started it again, if any."""
    if not is_launched():
        return None
    runs = (info.folder for info in list_runs(project))
    return next((run for run in runs if read_json(run.path / _LAUNCH) == _launch()), None)


def _launch() -> dict[str, Any]:
    """Which torchrun started this process: as that process, since users give several the same id."""
    parent = psutil.Process(os.getppid())
    return {"pid": parent.pid, "created": parent.create_time()}


def _follow(folder: Path) -> int:
    """Work along in every job until there is no more. One in which memory has run out, here or elsewhere, is begun again
    with less by the first process, or ended for all."""
    while True:
        outcome = _end_of(worker_command("follow", *_images(folder)), "following")
        if outcome.failure is not FailureKind.OUT_OF_MEMORY:
            _check(outcome)
        if outcome.ended is not None and outcome.ended.result.get("dismissed"):
            return DONE


def _end_of(argv: list[str], what: str) -> Outcome:
    job = WorkerJob(argv, on_event=_unheard, what=what)
    job.start()
    try:
        return _wait(job)
    except KeyboardInterrupt as error:
        job.stop()
        _wait(job)
        raise Cancelled("stopped") from error


def _wait(job: WorkerJob) -> Outcome:
    while (outcome := job.wait(0.5)) is None:
        pass
    return outcome


def _check(outcome: Outcome) -> None:
    """Raises JobError for a job that has failed."""
    if not outcome.good:
        raise JobError(
            f"process {process_rank() + 1} of {process_count()}: {outcome.text}", hint=outcome.hint
        )


def _images(folder: Path) -> list[str]:
    """Where this machine has the project's images."""
    with Project.open(folder, read_only=True) as project:
        return ["--images", str(project.image_root)]


def _unheard(_event: Event) -> None:
    """What a process says that only follows: the first one speaks for all."""
