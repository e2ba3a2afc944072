"""The worker process of a cross-validation: leads those that train and predict, and needs no torch itself.

    worker crossval RUN_DIR

It outlives none of them: when it is killed, the end of their stdin tells them.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

from detcore.errors import ConfigError, ReticleError, disk_error
from detcore.jobs.crossval import CrossValidationJob
from detcore.jobs.events import Event, FailureKind
from detcore.jobs.owner import ExitCode, worker_command
from detcore.jobs.worker_process import EXIT_CODES, StopFlags, fail, run_worker
from detcore.project.runs import RunFolder, hold_run

VERB = "crossval"
_LOCK_SECONDS = 2.0
_LOOK_SECONDS = 0.2


def main(arguments: Sequence[str]) -> int:
    """Train and predict fold by fold; returns the exit code."""
    parser = argparse.ArgumentParser(prog="worker", description="Lead a cross-validation.")
    parser.add_argument("verb", choices=[VERB])
    parser.add_argument("run", type=Path)
    options = parser.parse_args(arguments)
    run = RunFolder(options.run.resolve())
    return run_worker(lambda writer, flags: lead(run, writer.say, flags), attentive=True)


def lead(
    run: RunFolder,
    say: Callable[[Event], None],
    flags: StopFlags,
    *,
    command: Callable[..., Sequence[str]] = worker_command,
) -> ExitCode:
    """Start or go on with a cross-validation and stop it when that is wished; what comes of it is said."""
    try:
        if not run.path.is_dir():
            raise ConfigError("there is no such run", path=run.path)
        with hold_run(run, timeout=_LOCK_SECONDS):
            job = CrossValidationJob(run, on_event=say, command=command)
            job.start()
            while (outcome := job.wait(_LOOK_SECONDS)) is None:
                if flags.stop.is_set():
                    job.stop()
    except ReticleError as error:
        return fail(say, FailureKind.BAD_INPUT, error)
    except OSError as error:
        return fail(say, FailureKind.BAD_INPUT, disk_error(error))
    return ExitCode.DONE if outcome.good else EXIT_CODES[outcome.failure or FailureKind.BUG]
