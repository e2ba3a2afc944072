"""Commands under torchrun: two processes on this machine, which find each other by its environment alone."""

from __future__ import annotations

import json
import os
import platform
import re
import shlex
import shutil
import socket
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
from detcore.jobs.events import Checkpoint, Started
from detcore.project.project import Project
from detcore.project.runs import (
    RunFolder,
    RunState,
    left_out_images,
    list_runs,
    load_detections,
    predicted_images,
    read_events,
    read_run,
)
from detcore.types import Detections
from detcore.zoo.checkpoint import read_checkpoint, write_checkpoint
from tests.detcore.cli.small_projects import REPOSITORY, small_project

MAIN = str(REPOSITORY / "main.py")
not_on_windows = pytest.mark.skipif(os.name != "posix", reason="torchrun for Windows needs another store")
PAGE = (REPOSITORY / "docs" / "cluster.md").read_text(encoding="utf-8")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return small_project(tmp_path)


def kill_when_saved(launcher: psutil.Process, run: RunFolder, *, rank: str, lives: int) -> None:
    """End a process of torchrun and all that it has started, once the run has begun so many times and saved what it has
    learnt since."""
    while True:
        told = read_events(run.events)
        begun = [row for row, event in enumerate(told) if isinstance(event, Started)]
        if len(begun) == lives and any(isinstance(event, Checkpoint) for event in told[begun[-1] :]):
            break
        assert launcher.is_running()
        time.sleep(0.02)
    victim = next(process for process in launcher.children() if process.environ().get("RANK") == rank)
    for process in (*victim.children(recursive=True), victim):
        process.kill()


def on_two_machines(here: Path, there: Path, *command: str) -> str:
    """What the first of two machines says of a command, which is run in a folder on each; both must end well."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = ["--master-addr=127.0.0.1", f"--master-port={free.getsockname()[1]}"]
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--nnodes=2", "--nproc-per-node=1", *address]
    launchers = [
        subprocess.Popen(
            [*torchrun, f"--node-rank={rank}", "--monitor-interval=0.1", "--", MAIN, *command],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for rank, folder in enumerate((here, there))
    ]
    try:
        said = [launcher.communicate(timeout=120)[0] for launcher in launchers]
    finally:
        for launcher in launchers:
            launcher.terminate()  # and it ends what it has started
    assert [launcher.returncode for launcher in launchers] == [0, 0], said
    return said[0]


def copy_elsewhere(project: Path, folder: Path) -> None:
    """A copy of the project with images of its own, in a new folder."""
    images = folder / "images"
    shutil.copytree(project.parent, folder)
    with Project.open(folder / project.name) as copied:
        copied.set_image_root(images)


def learn_a_little(project: Path) -> RunFolder:
    """A run that finds something, if nothing right; it looks at six images at a time."""
    settings = ["--epochs", "1", "--image-size", "704", "--batch-size", "4", "--no-predict-after"]
    assert main(["train", str(project), "--model", "reticle-n", "--device", "cpu", *settings]) == 0
    run = RunFolder(project / "runs" / "001-reticle-n")
    made = read_checkpoint(run.last)
    for name, tensor in made.tensors.items():
        if name.endswith("classes.2.bias"):
            tensor.fill_(-2.0)
    write_checkpoint(made, run.last)
    run.best.unlink(missing_ok=True)
    return run


def taken_lists(folder: Path) -> list[list[object]]:
    """What a command has listed as JSON there, where it is no longer."""
    paths = list(folder.glob("*.json"))
    lists = [json.loads(path.read_text()) for path in paths]
    for path in paths:
        path.unlink()
    return lists


def assert_alike(run: RunFolder, alone: Detections) -> None:
    found = load_detections(run)
    assert len(found) > 0
    for name in ("image_ids", "labels", "boxes", "scores"):
        np.testing.assert_array_equal(getattr(found, name), getattr(alone, name))


@not_on_windows
def test_two_machines_find_what_one_finds_and_name_the_image_that_only_the_second_one_cannot_read(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By an audit, which predicts first as `predict` does."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    run, here, there = learn_a_little(project), tmp_path, tmp_path.with_name(f"{tmp_path.name}-there")
    line = ["audit", project.name, "--run", run.name, "--split", "all", "--json", "errors.json"]
    broken = here / "images" / "image009.png"
    picture = broken.read_bytes()
    broken.write_bytes(b"no picture")
    monkeypatch.chdir(here)
    assert main(line) == 0
    alone, left_out, listed = load_detections(run), left_out_images(run), taken_lists(here)
    run.detections.unlink()
    copy_elsewhere(project, there)
    broken.write_bytes(picture)
    try:
        said = on_two_machines(here, there, *line)
    finally:
        shutil.rmtree(there)
    assert f"Left out: {platform.node()}:{there / 'images' / broken.name}: " in said
    assert_alike(run, alone)
    assert left_out_images(run) == left_out != set()
    assert taken_lists(here) == listed
    assert len(listed) == 1


@not_on_windows
def test_a_run_of_two_processes_of_torchrun_of_which_one_is_killed_ends_as_if_nothing_had_been(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    command = ["train", str(project), "--model", "reticle-n", "--epochs", "10", "--precision", "fp32"]
    command += ["--weights", "none"]  # the second run is to repeat the first
    command += ["--image-size", "96", "--batch-size", "2", "--checkpoint-every-seconds", "0.01"]
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
        whole, broken = (RunFolder(project / "runs" / name) for name in ("001-reticle-n", "002-reticle-n"))
        kill_when_saved(launcher, broken, rank="1", lives=1)
        kill_when_saved(launcher, broken, rank="0", lives=2)
        out, errors = launcher.communicate(timeout=280)
    assert launcher.returncode == 0, out + errors
    assert "2 × " in out
    begun = [event.step for event in read_events(broken.events) if isinstance(event, Started)]
    assert begun[0] == 0
    assert 0 < begun[1] < begun[2] < 15  # ten passes of six images, four a step
    with Project.open(project, read_only=True) as opened:
        assert [run.state for run in list_runs(opened)] == [RunState.COMPLETED] * 2
        assert predicted_images(broken) == set(opened.image_ids())
    first, second = read_checkpoint(whole.last), read_checkpoint(broken.last)
    assert first.state.step == second.state.step == 15
    for name, tensor in first.part("weights").items():
        np.testing.assert_allclose(second.part("weights")[name].numpy(), tensor.numpy(), atol=1e-6)


@not_on_windows
def test_two_machines_that_divide_the_folds_find_what_one_finds(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    settings = ["--folds", "2", "--model", "reticle-n", "--epochs", "1", "--image-size", "96"]
    settings += ["--device", "cpu", "--threads", "1", "--deterministic"]
    assert main(["crossval", str(project), *settings]) == 0
    alone = RunFolder(project / "runs" / "001-crossval")
    there = tmp_path.with_name(f"{tmp_path.name}-there")
    copy_elsewhere(project, there)
    try:
        on_two_machines(tmp_path, there, "crossval", project.name, *settings)
    finally:
        shutil.rmtree(there)
    shared = RunFolder(project / "runs" / "002-crossval")
    assert_alike(shared, load_detections(alone))
    assert predicted_images(shared) == predicted_images(alone) != set()
    one, two = read_run(alone), read_run(shared)
    assert (two.state, two.best_ap, two.step) == (one.state, one.best_ap, one.step)
    done_elsewhere = read_events(shared.path / "folds" / "2" / "events.jsonl")
    assert any(isinstance(event, Started) for event in done_elsewhere)


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
