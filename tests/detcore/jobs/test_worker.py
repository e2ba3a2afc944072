"""The real worker process: speaks events only, obeys, survives its owner's and its own sudden death."""

from __future__ import annotations

import errno
import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from safetensors import SafetensorError

from detcore.jobs import events
from detcore.jobs.events import Command, FailureKind, decode, encode
from detcore.jobs.owner import ExitCode, OutcomeState, Timeouts, WorkerJob, worker_command
from detcore.jobs.worker_process import EventWriter, StopFlags
from detcore.project.runs import (
    RunFolder,
    RunState,
    hold_run,
    load_answers,
    load_detections,
    predicted_images,
    read_events,
    read_run,
)
from detcore.project.snapshot import Snapshot
from detcore.zoo.checkpoint import read_checkpoint
from detcore.zoo.detectors.reticle import build_n
from detcore.zoo.parts.blocks import ConvBlock
from detcore.zoo.running import OutOfMemoryError
from detcore.zoo.specs.reticle import ReticleOptions
from tests.detcore.working import Owner, work_here
from tests.settings_of_runs import change_settings

MakeRun = Callable[..., RunFolder]
posix = pytest.mark.skipif(os.name != "posix", reason="signals")


def test_training_completes_predicts_every_image_and_writes_what_it_said(make_run: MakeRun) -> None:
    run = make_run(images=8, val=2, epochs=2)
    owner = Owner("train", str(run.path))
    assert owner.outcome().state is OutcomeState.COMPLETED, owner.job.stderr_tail()
    said = [event for event in owner.heard if not isinstance(event, events.Heartbeat)]
    assert [encode(event) for event in read_events(run.events)] == [encode(event) for event in said]
    assert read_run(run).state is RunState.COMPLETED
    found = load_detections(run)
    assert set(found.image_ids.tolist()) <= set(range(1, 9))
    assert set(found.labels.tolist()) <= {11, 12}
    # at every label, and at its place on another image
    answers, labels = load_answers(run), Snapshot.load(run.snapshot).ground_truth
    assert answers is not None
    assert sorted(answers.label_ids[~answers.strange].tolist()) == sorted(labels.ids.tolist())
    assert sorted(answers.label_ids[answers.strange].tolist()) == sorted(labels.ids.tolist())
    progress = [event for event in said if isinstance(event, events.Progress)]
    assert (progress[-1].done, progress[-1].total) == (8, 8)


def test_stop_checkpoints_and_resume_goes_on(make_run: MakeRun) -> None:
    run = make_run(epochs=1000)
    owner = Owner("train", str(run.path))
    owner.await_event(events.Step)
    owner.job.stop()
    assert owner.outcome().state is OutcomeState.STOPPED
    assert read_run(run).state is RunState.STOPPED
    stopped_at = read_run(run).step

    again = Owner("train", str(run.path))
    again.await_event(events.Step)
    again.job.request(Command.FINISH)
    assert again.outcome().state is OutcomeState.FINISHED_EARLY
    started = next(event for event in again.heard if isinstance(event, events.Started))
    assert started.step == stopped_at
    assert run.best.exists()


@posix
def test_a_killed_run_is_interrupted_and_goes_on_from_its_last_checkpoint(make_run: MakeRun) -> None:
    run = make_run(epochs=1000, checkpoint_every_seconds=0.2)
    owner = Owner("train", str(run.path))
    owner.await_event(events.Checkpoint, count=3)
    assert owner.job.pid is not None
    os.kill(owner.job.pid, signal.SIGKILL)
    outcome = owner.outcome()
    assert outcome.state is OutcomeState.KILLED
    assert outcome.last_checkpoint is not None
    assert f"step {outcome.last_checkpoint}" in outcome.text
    assert read_run(run).state is RunState.INTERRUPTED

    again = Owner("train", str(run.path))
    again.await_event(events.Step)
    again.job.stop()
    again.outcome()
    started = next(event for event in again.heard if isinstance(event, events.Started))
    assert started.step >= outcome.last_checkpoint > 0


def test_the_end_of_stdin_stops_the_worker_with_a_checkpoint(make_run: MakeRun) -> None:
    run = make_run(epochs=1000)
    process = subprocess.Popen(
        worker_command("train", str(run.path)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdin is not None
    for line in process.stdout:
        if isinstance(decode(line), events.Step):
            process.stdin.close()
            break
    rest = [decode(line) for line in process.stdout]
    process.stdout.close()
    assert process.wait(60) == 0
    assert all(event is not None for event in rest)
    assert isinstance(rest[-1], events.Ended)
    assert rest[-1].reason is events.EndReason.STOPPED
    assert run.last.exists()


def test_predict_replaces_what_was_found_on_the_chosen_split(make_run: MakeRun) -> None:
    run = make_run(images=8, val=2, epochs=1, predict_after=False)
    work_here("train", str(run.path))
    code, heard = work_here("predict", str(run.path), "--split", "val")
    assert code is ExitCode.DONE
    assert isinstance(heard[-1], events.Ended)
    assert heard[-1].result["images"] == 2
    assert predicted_images(run) == {1, 2}
    work_here("predict", str(run.path))
    assert predicted_images(run) == set(range(1, 9))


def test_detections_of_weights_that_the_run_no_longer_uses_do_not_count(make_run: MakeRun) -> None:
    run = make_run(images=8, val=2, epochs=1)
    work_here("train", str(run.path))
    assert predicted_images(run) == set(range(1, 9))
    assert read_run(run).has_detections
    change_settings(run, epochs=2, predict_after=False)
    run.best.unlink()  # so that the newest weights are the best
    work_here("train", str(run.path))
    assert predicted_images(run) == set()
    assert not read_run(run).has_detections
    work_here("predict", str(run.path), "--split", "val")
    assert predicted_images(run) == {1, 2}
    assert set(load_detections(run).image_ids.tolist()) <= {1, 2}


def test_predicting_without_weights_is_refused_with_advice(make_run: MakeRun) -> None:
    code, heard = work_here("predict", str(make_run().path))
    assert code is ExitCode.BAD_INPUT
    assert isinstance(heard[-1], events.Failed)
    assert "no weights yet" in heard[-1].message
    assert "Train it first" in heard[-1].hint


def test_a_missing_image_is_a_warning_that_names_it(make_run: MakeRun) -> None:
    run = make_run(images=8, val=2, epochs=1)
    path = Path(Snapshot.load(run.snapshot).images[-1].path)
    path.unlink()
    code, heard = work_here("train", str(run.path))
    assert code is ExitCode.DONE
    texts = [event.text for event in heard if isinstance(event, events.Log)]
    assert any(path.name in text and "Left out" in text for text in texts)


def test_a_damaged_config_fails_with_the_files_name(make_run: MakeRun) -> None:
    run = make_run()
    run.config.write_text('{"model": "reticle-s", "wings": 2}')
    code, heard = work_here("train", str(run.path))
    assert code is ExitCode.BAD_INPUT
    assert isinstance(heard[-1], events.Failed)
    assert "config.json" in heard[-1].message
    assert "wings" in heard[-1].message


def test_a_worker_that_cannot_name_itself_says_why_it_has_failed(make_run: MakeRun) -> None:
    run = make_run()
    run.pid.mkdir()
    outcome = Owner("train", str(run.path)).outcome()
    assert (outcome.state, outcome.failure) == (OutcomeState.FAILED, FailureKind.BAD_INPUT)
    assert "worker.pid" in outcome.text


def test_a_run_without_settings_fails_with_the_files_name(make_run: MakeRun) -> None:
    run = make_run()
    run.config.unlink()
    code, heard = work_here("train", str(run.path))
    assert code is ExitCode.BAD_INPUT
    assert isinstance(heard[-1], events.Failed)
    assert "config.json" in heard[-1].message


def test_a_bug_is_told_as_such(make_run: MakeRun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("detcore.jobs.child.worker.Session", None)
    code, heard = work_here("train", str(make_run().path))
    assert code is ExitCode.BUG
    assert isinstance(heard[-1], events.Failed)
    assert heard[-1].failure is FailureKind.BUG


@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried …")]
)
def test_memory_that_runs_out_has_its_own_exit_code(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*_arguments: object, **_named: object) -> None:
        raise error

    monkeypatch.setattr("detcore.training.session.try_step", fail)
    code, heard = work_here("train", str(make_run().path))
    assert code is ExitCode.OUT_OF_MEMORY
    assert isinstance(heard[-1], events.Failed)
    assert heard[-1].failure is FailureKind.OUT_OF_MEMORY


def test_a_training_that_is_done_stays_done_when_memory_runs_out_at_its_predictions(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: object, **_named: object) -> None:
        raise OutOfMemoryError("memory ran out")

    monkeypatch.setattr("detcore.jobs.child.worker.detect", fail)
    run = make_run(epochs=1)
    code, heard = work_here("train", str(run.path))
    assert code is ExitCode.DONE
    assert read_run(run).state is RunState.COMPLETED
    assert not run.detections.exists()
    warned = [event.text for event in heard if isinstance(event, events.Log) and event.level == "warning"]
    assert "have not been predicted: memory ran out. Close other programs" in warned[-1]


def test_memory_that_runs_out_tells_how_often_it_did_before(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(epochs=1, predict_after=False)
    work_here("train", str(run.path), "--attempt", "2")

    def fail(*_arguments: object, **_named: object) -> None:
        raise MemoryError

    monkeypatch.setattr("detcore.training.session.try_step", fail)
    _, heard = work_here("train", str(run.path))
    assert isinstance(heard[-1], events.Failed)
    assert heard[-1].attempt == 2


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        SafetensorError("I/O error: No space left on device (os error 28)"),
    ],
)
def test_a_full_disk_is_no_bug_and_the_advice_is_to_free_space(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*_arguments: object, **_named: object) -> None:
        raise error

    monkeypatch.setattr("detcore.zoo.checkpoint.save_file", fail)
    monkeypatch.setattr("detcore.training.hooks._WAIT_FOR_ROOM", 0.0)
    code, heard = work_here("train", str(make_run(epochs=1).path))
    assert code is ExitCode.BAD_INPUT
    assert isinstance(heard[-1], events.Failed)
    assert "No space left on device" in heard[-1].message
    assert "Free some space" in heard[-1].hint


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device that is always full")
def test_events_that_cannot_be_written_down_are_said_all_the_same() -> None:
    out = io.StringIO()
    writer = EventWriter(out, StopFlags())
    writer.open_file(Path("/dev/full"))
    for number in range(3):
        writer.say(events.Progress(done=number, total=3))
    writer.close()
    said = [decode(line) for line in out.getvalue().splitlines()]
    assert [event.done for event in said if isinstance(event, events.Progress)] == [0, 1, 2]
    warnings = [event.text for event in said if isinstance(event, events.Log)]
    assert len(warnings) == 1
    assert "cannot be written" in warnings[0]


def test_the_devices_are_named() -> None:
    _, heard = work_here("devices")
    assert isinstance(heard[-1], events.Ended)
    assert heard[-1].result["devices"][-1]["id"] == "cpu"


def test_a_worker_deletes_what_one_that_was_killed_has_left_half_written(make_run: MakeRun) -> None:
    run = make_run(epochs=1, predict_after=False)
    dead, alive = (run.path / f".last.{number}.part.safetensors" for number in ("0123abcd", "89abcdef"))
    for path, age in ((dead, 100), (alive, 0)):
        path.write_bytes(b"half")
        os.utime(path, (time.time() - age,) * 2)
    assert work_here("train", str(run.path))[0] is ExitCode.DONE
    assert (dead.exists(), alive.exists()) == (False, True)


def test_a_second_worker_on_the_same_run_is_refused(make_run: MakeRun) -> None:
    run = make_run(epochs=1000)
    first = Owner("train", str(run.path))
    first.await_event(events.Started)
    if os.name == "posix":
        assert first.job.pid is not None
        assert os.getpriority(os.PRIO_PROCESS, first.job.pid) >= 10
        assert os.getpgid(first.job.pid) == first.job.pid
    code, heard = work_here("train", str(run.path))
    assert code is ExitCode.BAD_INPUT
    assert isinstance(heard[-1], events.Failed)
    assert "another process" in heard[-1].message
    first.job.stop()
    assert first.outcome().good


def test_a_worker_that_has_not_said_yet_who_it_is_keeps_others_away_all_the_same(make_run: MakeRun) -> None:
    run = make_run(epochs=1)
    with hold_run(run):
        code, heard = work_here("train", str(run.path))
    assert code is ExitCode.BAD_INPUT
    assert isinstance(heard[-1], events.Failed)
    assert "another process" in heard[-1].message
    assert not run.events.exists()
    code, _ = work_here("train", str(run.path))
    assert code is ExitCode.DONE


def test_training_and_its_parts_need_no_qt(make_run: MakeRun) -> None:
    run = make_run(images=6, val=2, epochs=1)
    code = (
        "import sys; sys.modules['PySide6'] = None; sys.argv = ['worker'];"
        f"from detcore.jobs.child.worker import main; code = main(['--unattended', 'train', {str(run.path)!r}]);"
        "assert not any(name.startswith('PySide6.') for name in sys.modules); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=90, check=False
    )
    assert done.returncode == 0, done.stderr
    assert run.detections.exists()


@posix
def test_a_worker_that_is_terminated_stops_with_a_checkpoint(make_run: MakeRun) -> None:
    run = make_run(epochs=1000)
    owner = Owner("train", str(run.path))
    owner.await_event(events.Step)
    assert owner.job.pid is not None
    os.kill(owner.job.pid, signal.SIGTERM)
    assert owner.outcome().state is OutcomeState.STOPPED
    steps = [event.step for event in owner.heard if isinstance(event, events.Step)]
    assert owner.outcome().last_checkpoint == steps[-1]


SLOW_STEP = """
import sys, time
from pathlib import Path
from detcore.training.trainer import Trainer
from detcore.zoo.parts.blocks import ConvBlock
calls, quick = Path(sys.argv[1]), int(sys.argv[2])
forward, learn, steps = ConvBlock.forward, Trainer._backward, []
def slow(block, features):
    if len(steps) > quick:
        with calls.open("ab") as file:
            file.write(b".")
        time.sleep(0.2)
    return forward(block, features)
def backward(one, *arguments):
    steps.append(one.state.step)
    return learn(one, *arguments)
ConvBlock.forward, Trainer._backward = slow, backward
from detcore.cli import main
main(["worker", *sys.argv[3:]])
"""


@posix
@pytest.mark.parametrize("quick", [0, 2])
def test_a_stop_ends_a_slow_step_however_quick_those_before_were(
    make_run: MakeRun, tmp_path: Path, quick: int
) -> None:
    """Each convolution of the slow step takes 0.2 s. Not even its way through the network comes to an end."""
    run, calls = make_run(epochs=1000), tmp_path / "calls"
    blocks = sum(isinstance(part, ConvBlock) for part in build_n(2, 96, ReticleOptions()).modules())
    job = WorkerJob(
        [sys.executable, "-c", SLOW_STEP, str(calls), str(quick), "train", str(run.path)],
        on_event=lambda _event: None,
        timeouts=Timeouts(ask=1000.0),
    )
    job.start()
    while not calls.exists():
        assert job.wait(0.05) is None, job.stderr_tail()
    before = calls.stat().st_size
    job.stop()
    outcome = job.wait(60)
    assert outcome is not None
    assert (outcome.state, outcome.exit_code) == (OutcomeState.STOPPED, 0)
    assert calls.stat().st_size - before < blocks - 1
    assert outcome.ended is not None
    assert outcome.last_checkpoint == read_checkpoint(run.last).state.step == quick
    assert read_run(run).state is RunState.STOPPED
