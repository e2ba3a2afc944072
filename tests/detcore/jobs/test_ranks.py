"""A job done by several real processes, which speak over gloo on the loopback address."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
import pytest

from detcore.data.samples import Sample
from detcore.jobs import events
from detcore.jobs.child.predicting import share_of
from detcore.jobs.owner import OutcomeState, TrainingJob, WorkerJob
from detcore.project.runs import (
    RunFolder,
    RunState,
    left_out_images,
    load_answers,
    load_detections,
    predicted_images,
    read_events,
    read_run,
)
from detcore.project.snapshot import Snapshot
from detcore.training.distributed import Group
from detcore.zoo.checkpoint import read_checkpoint, write_checkpoint
from tests.detcore.two_processes import two_processes
from tests.detcore.working import Owner, work_here

MakeRun = Callable[..., RunFolder]
LEADER = """
import sys
from detcore.jobs.child.ranks import lead
from detcore.jobs.worker_process import run_worker

def command(*arguments):
    return [sys.executable, "-c", WORKER, *arguments]

sys.exit(run_worker(lambda writer, flags: lead(sys.argv[1:], ("cpu", "cpu"), writer, flags, command=command), attentive=True))
"""
SHORT_OF_MEMORY = """
import json, os, sys, time
def say(**fields): print(json.dumps(fields), flush=True)
rank, attempt = os.environ["RANK"], sys.argv[-1]
with open(os.path.join(sys.argv[2], "begun.txt"), "a") as file:
    print(f"process {rank}, attempt {attempt}", file=file)
say(event="log", level="info", text=f"process {rank} speaks")
if attempt == "0" and rank == "1":
    say(event="failed", failure="out_of_memory", message="memory ran out", hint="Close other programs")
    sys.exit(75)
if attempt == "0":
    time.sleep(0.3)
    say(event="failed", failure="peer_lost", message="another process is gone")
    sys.exit(77)
say(event="ended", reason="completed", time=0.0)
"""
RUNS_OUT = """
import os, sys
import torch
from detcore.inference.predictor import Predictor
from detcore.jobs.child.worker import main
from detcore.training.trainer import Trainer
from detcore.zoo.running import OutOfMemoryError

def backward(self, module, batch):
    if self.state.step == 5 and sys.argv[-1] == "0":
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
    return whole(self, module, batch)

def predict(self, *arguments, **named):
    raise OutOfMemoryError("memory ran out")

whole = Trainer._backward
if os.environ["RANK"] == "1":
    Trainer._backward, Predictor.predict = backward, predict
sys.exit(main(sys.argv[1:]))
"""
RUNS_OUT_AT_THE_END = """
import os, sys
from detcore.training import distributed
from detcore.training.validation import Validator
from detcore.zoo.running import OutOfMemoryError
from tests.detcore.working import work_here

def judge(self):
    raise OutOfMemoryError("memory ran out")

Validator.judge = judge
distributed._MEMORY_PARTING_SECONDS = 60.0
code, heard = work_here("train", sys.argv[1]) if os.environ["RANK"] == "0" else work_here("follow")
print(code.name, heard[-1].message)
sys.stdout.flush()
os._exit(0)
"""
COPIES = """
import json, os, sys
from detcore.inference import predictor
from detcore.jobs import events
from tests.detcore.working import work_here

run, here, there = sys.argv[1:]
predictor._PIXELS_AT_ONCE["cpu"] = 4 * 96 * 96
for verb in ("train", "predict"):
    first = os.environ["RANK"] == "0"
    code, heard = work_here(*((verb, run, "--images", here) if first else ("follow", "--images", there)))
    assert code == 0, heard
    logs = [event for event in heard if isinstance(event, events.Log)]
    print(json.dumps([event.text for event in logs if event.level == "warning"]))
"""
LISTENER = """
import json, os, sys
def say(text):
    with open(os.path.join(sys.argv[2], "said.txt"), "a") as file:
        print(f"process {os.environ['RANK']} {text}", file=file)
say("is there")
for line in sys.stdin:
    say(f"hears {line.strip()}")
    if line.strip() == "stop":
        break
print(json.dumps({"event": "failed", "failure": "bug", "message": "lost"}), flush=True)
sys.exit(70)
"""
posix = pytest.mark.skipif(os.name != "posix", reason="signals")


def led_by(worker: str, verb: str, run: RunFolder) -> list[str]:
    """The command of a job of two processes that do what a script says."""
    return [sys.executable, "-c", f"WORKER = {worker!r}{LEADER}", verb, str(run.path)]


def led(worker: str, verb: str, run: RunFolder, said: list[str]) -> TrainingJob:
    """Such a job; ``said`` gets what it logs."""
    return TrainingJob(
        led_by(worker, verb, run),
        on_event=lambda event: said.append(event.text) if isinstance(event, events.Log) else None,
    )


def test_two_processes_train_one_run_and_say_what_they_are_together(make_run: MakeRun) -> None:
    run = make_run(images=9, val=1, epochs=2, device="cpu,cpu", batch_size=2)
    owner = Owner("train", str(run.path))
    assert owner.outcome().state is OutcomeState.COMPLETED, owner.job.stderr_tail()
    started = next(event for event in owner.heard if isinstance(event, events.Started))
    assert started.batch_size == 4
    assert started.device_name.startswith("2 × ")
    assert read_run(run).state is RunState.COMPLETED
    assert read_run(run).step == 4  # two passes of eight images, four a step
    assert predicted_images(run) == set(range(1, 10))


@posix
def test_when_one_process_dies_all_end_and_the_run_goes_on_as_if_nothing_had_been(make_run: MakeRun) -> None:
    settings = {"images": 9, "val": 1, "epochs": 10, "device": "cpu,cpu", "batch_size": 2}
    settings |= {"predict_after": False, "checkpoint_every_seconds": 0.01}
    whole = make_run(name="001-whole", **settings)
    undisturbed = Owner("train", str(whole.path))
    broken = make_run(name="002-broken", **settings)
    for victim in (1, 0):
        owner = Owner("train", str(broken.path))
        owner.await_event(events.Checkpoint, count=2)
        crew = owner.crew()
        crew[victim].send_signal(signal.SIGKILL)
        begin = time.monotonic()
        outcome = owner.outcome()
        assert time.monotonic() - begin < 20
        assert outcome.state is OutcomeState.FAILED
        assert f"process {victim + 1} of 2 (on cpu) was killed (signal 9)" in outcome.text
        assert not any(process.is_running() for process in crew)
        assert read_run(broken).state is RunState.FAILED
        assert f"process {victim + 1} of 2" in read_run(broken).message

    again = Owner("train", str(broken.path))
    assert again.outcome().state is OutcomeState.COMPLETED, again.job.stderr_tail()
    assert undisturbed.outcome().state is OutcomeState.COMPLETED, undisturbed.job.stderr_tail()
    first, second = read_checkpoint(whole.last), read_checkpoint(broken.last)
    assert first.state.step == second.state.step == 20
    for name, tensor in first.part("weights").items():
        np.testing.assert_allclose(second.part("weights")[name].numpy(), tensor.numpy(), atol=1e-6)


def test_memory_that_runs_out_in_one_process_lets_all_begin_again_with_smaller_batches(
    make_run: MakeRun,
) -> None:
    run, said = make_run(device="cpu,cpu"), list[str]()
    job = led(SHORT_OF_MEMORY, "train", run, said)
    job.start()
    outcome = job.wait(60)
    assert outcome is not None
    assert outcome.state is OutcomeState.COMPLETED, job.stderr_tail()
    again = "Out of memory: trying again with less at a time (1 of 4)."
    assert said == ["process 0 speaks", again, "process 0 speaks"]
    begun = (run.path / "begun.txt").read_text().splitlines()
    assert sorted(begun[:2]) == ["process 0, attempt 0", "process 1, attempt 0"]
    assert sorted(begun[2:]) == ["process 0, attempt 1", "process 1, attempt 1"]


def test_memory_that_runs_out_in_the_second_process_ends_all_and_the_run_goes_on_with_half_the_batch(
    make_run: MakeRun,
) -> None:
    settings = {"epochs": 4, "checkpoint_every_seconds": 0.01}
    run, said = make_run(images=19, val=3, device="cpu,cpu", batch_size=4, **settings), list[str]()
    job = led(RUNS_OUT, "train", run, said)
    job.start()
    outcome = job.wait(120)
    assert outcome is not None
    assert outcome.state is OutcomeState.COMPLETED, job.stderr_tail()
    assert "Out of memory: trying again with less at a time (1 of 4)." in said
    failed = next(event for event in read_events(run.events) if isinstance(event, events.Failed))
    assert failed.message == "memory ran out in process 2 of 2"
    assert "smaller batch" in failed.hint
    begun = [event.step for event in read_events(run.events) if isinstance(event, events.Started)]
    assert begun[0] == 0 < begun[1] <= 5
    state = read_checkpoint(run.last).state
    assert (state.step, state.batch_size, state.accumulate) == (8, 2, 2)  # four passes of 16, eight a step
    # there memory runs out once more, and what was learnt stays
    assert "The images have not been predicted: memory ran out in process 2 of 2." in " ".join(said)
    assert not run.detections.exists()
    prediction = WorkerJob(led_by(RUNS_OUT, "predict", run), on_event=lambda _event: None)
    prediction.start()
    outcome = prediction.wait(60)
    assert outcome is not None
    assert outcome.text == "process 2 of 2 (on cpu): memory ran out"


def test_memory_that_runs_out_when_the_first_process_judges_last_has_run_out_for_those_that_wait(
    make_run: MakeRun,
) -> None:
    run = make_run(images=8, val=2, epochs=1)
    assert two_processes(RUNS_OUT_AT_THE_END, str(run.path)) == [
        "OUT_OF_MEMORY memory ran out\n",
        "OUT_OF_MEMORY memory ran out in process 1 of 2\n",
    ]


def test_images_that_one_or_both_processes_cannot_read_are_named_once_each_by_the_first(
    make_run: MakeRun, tmp_path: Path
) -> None:
    run = make_run(images=14, val=2, epochs=4, batch_size=3)
    here, there = run.path / "images", tmp_path / "there"
    shutil.copytree(here, there)
    # The second process draws from all but 0 and 1, and looks at 4 to 7, 12 and 13 when it predicts.
    for number in (1, 5, 6, 9, 10):
        (there / f"image{number:03d}.png").write_bytes(b"no picture")
    (here / "image010.png").write_bytes(b"no picture")
    first, second = two_processes(COPIES, str(run.path), str(here), str(there))
    training, prediction = map(json.loads, first.splitlines())
    assert second == "[]\n[]\n"
    for texts, numbers in ((training, (5, 6, 9, 10)), (prediction, (5, 6, 10))):
        assert [text.partition(": ")[0] for text in texts] == ["Left out"] * len(numbers)
        named = sorted((Path(text.split(": ")[1]) for text in texts), key=lambda path: path.name)
        assert [path.name for path in named] == [f"image{number:03d}.png" for number in numbers]
        assert {path.parent for path in named[:-1]} == {there}
    assert left_out_images(run) == {6, 7, 11}
    assert predicted_images(run) == set(range(1, 15)) - {6, 7, 11}


def test_the_first_process_measures_and_a_prediction_that_fails_leaves_the_training_done(
    make_run: MakeRun,
) -> None:
    run = make_run(device="cpu,cpu")
    run.events.write_text('{"event": "ended", "reason": "completed", "time": 0.0}\n', "utf-8")
    (run.path / "said.txt").touch()
    job = WorkerJob(led_by(LISTENER, "predict", run), on_event=lambda _event: None)
    job.start()
    said = list[str]()
    for wish, answers in ((None, 2), (events.Command.MEASURE, 3), (events.Command.STOP, 5)):
        if wish is not None:
            job.request(wish)
        until = time.monotonic() + 30
        while len(said) < answers and time.monotonic() < until:
            time.sleep(0.02)
            said = (run.path / "said.txt").read_text().splitlines()
    outcome = job.wait(60)
    assert outcome is not None
    assert outcome.text == "process 1 of 2 (on cpu): lost"
    assert said[2] == "process 0 hears measure"
    assert sorted(said[3:]) == ["process 0 hears stop", "process 1 hears stop"]
    assert read_run(run).state is RunState.COMPLETED


def test_stop_reaches_all_and_keeps_what_was_learnt(make_run: MakeRun) -> None:
    run = make_run(epochs=100_000, device="cpu,cpu", batch_size=2)
    owner = Owner("train", str(run.path))
    owner.await_event(events.Step)
    crew = owner.crew()
    assert len(crew) == 2
    owner.job.stop()
    assert owner.outcome().state is OutcomeState.STOPPED, owner.job.stderr_tail()
    assert not any(process.is_running() for process in crew)
    assert read_checkpoint(run.last).state.step > 0


@posix
def test_nobody_outlives_the_one_that_leads(make_run: MakeRun) -> None:
    run = make_run(epochs=100_000, device="cpu,cpu", batch_size=2)
    owner = Owner("train", str(run.path))
    owner.await_event(events.Step)
    crew = owner.crew()
    assert owner.job.pid is not None
    os.kill(owner.job.pid, signal.SIGKILL)
    assert owner.outcome().state is OutcomeState.KILLED
    _, alive = psutil.wait_procs(crew, timeout=20)
    assert not alive
    assert read_run(run).state is RunState.STOPPED


def test_processes_share_images_by_whole_batches_and_look_at_none_twice() -> None:
    none = np.zeros((0, 4))
    images = [
        Sample(image_id=number, path="", boxes=none, labels=np.zeros(0, np.int64), ignore=none)
        for number in range(23)
    ]
    shares = [
        [sample.image_id for sample in share_of(images, Group(rank=rank, world_size=3), at_once=4)]
        for rank in range(3)
    ]
    assert shares[0] == [0, 1, 2, 3, 12, 13, 14, 15]
    assert shares[2] == [8, 9, 10, 11, 20, 21, 22]
    assert sorted(number for share in shares for number in share) == list(range(23))


def test_shared_prediction_finds_exactly_what_one_process_finds(make_run: MakeRun) -> None:
    # 32 images of this size lie in a batch, so the second process has the last eight
    run = make_run(images=40, val=36, epochs=1, image_size=320, width=320, height=200, predict_after=False)
    snapshot = Snapshot.load(run.snapshot)
    (run.path / "images" / "image035.png").write_bytes(b"no picture")
    assert work_here("train", str(run.path))[0] == 0
    made = read_checkpoint(run.last)
    for name, tensor in made.tensors.items():
        if name.endswith("classes.2.bias"):
            tensor.fill_(-2.0)  # so that an untrained detector finds something
    write_checkpoint(made, run.last)
    run.best.unlink(missing_ok=True)
    assert work_here("predict", str(run.path))[0] == 0
    alone, said = load_detections(run), load_answers(run)
    assert len(alone) > 0
    assert said is not None
    run.detections.unlink()
    owner = Owner("predict", str(run.path), "--device", "cpu,cpu")
    outcome = owner.outcome()
    assert outcome.state is OutcomeState.COMPLETED, owner.job.stderr_tail()
    together, answers = load_detections(run), load_answers(run)
    for name in ("image_ids", "labels", "boxes", "scores"):
        np.testing.assert_array_equal(getattr(together, name), getattr(alone, name))
    assert answers is not None
    for name in ("label_ids", "image_ids", "strange", "well", "close", "other", "near"):
        np.testing.assert_array_equal(getattr(answers, name), getattr(said, name))
    assert left_out_images(run) == {36}
    assert predicted_images(run) == {image.id for image in snapshot.images} - {36}
