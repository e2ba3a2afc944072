"""Commands under torchrun: two processes on this machine, which find each other by its environment alone."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
from torch.distributed.run import parse_args

from detcore.cli import main
from detcore.cli.parser import make_parser
from detcore.jobs.events import Started
from detcore.project.project import Project
from detcore.project.runs import RunFolder, RunState, list_runs, predicted_images, read_events
from detcore.zoo.checkpoint import read_checkpoint
from tests.detcore.cli.small_projects import REPOSITORY, small_project

MAIN = str(REPOSITORY / "main.py")
PAGE = (REPOSITORY / "docs" / "cluster.md").read_text(encoding="utf-8")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return small_project(tmp_path)


def kill_when_saved(launcher: psutil.Process, run: RunFolder, *, rank: str) -> None:
    """End a process of torchrun and all that it has started, once the run has a checkpoint."""
    while not run.last.is_file():
        assert launcher.is_running()
        time.sleep(0.02)
    victim = next(process for process in launcher.children() if process.environ().get("RANK") == rank)
    for process in (*victim.children(recursive=True), victim):
        process.kill()


@pytest.mark.skipif(os.name != "posix", reason="torchrun for Windows needs another store")
def test_a_run_of_two_processes_of_torchrun_of_which_one_is_killed_ends_as_if_nothing_had_been(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    command = ["train", str(project), "--epochs", "6", "--image-size", "96", "--batch-size", "2"]
    command += ["--checkpoint-every-seconds", "0.01"]
    assert main([*command, "--device", "cpu,cpu"]) == 0
    places = ["--nnodes=1", "--nproc-per-node=2", "--max-restarts=2", "--monitor-interval=0.1"]
    places += ["--rdzv-backend=c10d", "--rdzv-endpoint=127.0.0.1:0"]
    torchrun = [sys.executable, "-m", "torch.distributed.run", *places]
    with psutil.Popen(
        [*torchrun, "--", MAIN, *command, "--device", "cpu"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as launcher:
        whole, broken = (RunFolder(project / "runs" / name) for name in ("001-reticle-s", "002-reticle-s"))
        kill_when_saved(launcher, broken, rank="1")
        out, errors = launcher.communicate(timeout=280)
    assert launcher.returncode == 0, out + errors
    assert "2 × " in out
    begun = [event.step for event in read_events(broken.events) if isinstance(event, Started)]
    assert begun[0] == 0
    assert 0 < begun[1] < 9  # six passes of six images, four a step
    with Project.open(project, read_only=True) as opened:
        assert [run.state for run in list_runs(opened)] == [RunState.COMPLETED] * 2
        assert predicted_images(broken) == set(opened.image_ids())
    first, second = read_checkpoint(whole.last), read_checkpoint(broken.last)
    assert first.state.step == second.state.step == 9
    for name, tensor in first.part("weights").items():
        np.testing.assert_allclose(second.part("weights")[name].numpy(), tensor.numpy(), atol=1e-6)


@pytest.mark.parametrize("line", [line for line in PAGE.splitlines() if "torchrun --" in line])
def test_torchrun_and_the_command_line_understand_the_lines_that_are_documented(line: str) -> None:
    """What a shell would put in is made up."""
    plain = re.sub(r"\$\([^)]*\)|\$\w+", "1", line.partition("torchrun ")[2]).partition('"')[0]
    given = parse_args(shlex.split(plain))
    assert given.training_script == "main.py"
    options = make_parser().parse_args([*given.training_script_args])
    assert (options.command, options.project) == ("train", Path("P.reticle"))
    predict = ["predict", "P.reticle", "--run", "1"]  # which torchrun has an option of
    launch = plain.partition(" -- ")[0]
    assert parse_args([*shlex.split(launch), "--", "main.py", *predict]).training_script_args == predict


FOLLOWER = """
import json, pathlib, sys
tried = pathlib.Path(sys.argv[1])
tries = len(tried.read_text()) if tried.is_file() else 0
tried.write_text("x" * (tries + 1))
if tries == 0:
    print(json.dumps({"event": "failed", "failure": "out_of_memory", "message": "memory ran out"}), flush=True)
    sys.exit(75)
print(json.dumps({"event": "ended", "reason": "completed", "time": 0, "result": {"dismissed": tries == 2}}), flush=True)
"""


def test_who_follows_is_there_again_when_memory_has_run_out(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    script = [sys.executable, "-c", FOLLOWER, str(tmp_path / "tried")]
    monkeypatch.setattr("detcore.cli.launched.worker_command", lambda *_arguments: script)
    assert main(["train", str(project)]) == 0
    assert (tmp_path / "tried").read_text() == "xxx"
