"""`main.py train` as one ends it: by a signal, or by two."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from detcore.project.runs import RunFolder, RunState, is_running, read_run
from detcore.zoo.checkpoint import read_checkpoint
from tests.detcore.cli.small_projects import REPOSITORY, small_project


def begin(*arguments: str) -> subprocess.Popen[str]:
    """A training that hears Ctrl+C though whoever runs the tests may have been put into the background, deaf to it."""
    return subprocess.Popen(
        [sys.executable, str(REPOSITORY / "main.py"), "train", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def await_step(process: subprocess.Popen[str], run: RunFolder, *, after: int) -> None:
    """Until it has told of a later step."""
    while not run.events.is_file() or read_run(run).step <= after:
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_a_training_that_is_terminated_stops_and_goes_on_and_a_second_interrupt_ends_it_at_once(
    tmp_path: Path,
) -> None:
    project = str(small_project(tmp_path))
    run = RunFolder(Path(project) / "runs" / "001-reticle-s")
    new = ["--epochs", "100000", "--device", "cpu", "--image-size", "96", "--batch-size", "2"]
    with begin(project, *new) as process:
        await_step(process, run, after=0)
        process.send_signal(signal.SIGTERM)
        out, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "stopping, keeping what was learnt" in errors
    assert "training stopped: " in out
    assert read_run(run).state is RunState.STOPPED
    first = read_checkpoint(run.last).state.step
    assert first > 0

    with begin(project, "--resume", run.name) as process:
        await_step(process, run, after=first)
        process.send_signal(signal.SIGINT)
        while "stopping" not in (process.stderr.readline() if process.stderr else ""):
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted" in errors
    while is_running(run):  # the worker keeps what was learnt all the same
        time.sleep(0.05)
    assert read_run(run).state is RunState.STOPPED
    assert read_checkpoint(run.last).state.step > first
