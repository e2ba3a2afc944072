"""A run that was interrupted, however, ends with what it would have ended with."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence

import pytest
import torch

from detcore.data.batches import TrainBatch
from detcore.jobs import events
from detcore.jobs.events import Event
from detcore.jobs.worker_process import StopFlags
from detcore.project.run_weights import best_figure
from detcore.project.runs import RunFolder
from detcore.training.distributed import Group
from detcore.training.session import Session, TrainingResult
from detcore.training.trainer import Trainer
from detcore.training.validation import Validator
from detcore.zoo.base import Target
from detcore.zoo.checkpoint import read_checkpoint
from detcore.zoo.detectors.reticle import build_n
from detcore.zoo.running import OutOfMemoryError
from detcore.zoo.specs.reticle import ReticleOptions
from tests.detcore.training.clock import Clock
from tests.detcore.working import work_here

MakeRun = Callable[..., RunFolder]
OFTEN = {"validate_every_seconds": 1e-6, "checkpoint_every_seconds": 1e-6, "predict_after": False}


class Killed(BaseException):
    """The process is gone: nothing tidies up."""


class Machine:
    """Takes five seconds for each step, dies before file operation ``dies_at``, draws random numbers to try itself
    and while it learns."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.clock = Clock(monkeypatch)
        self.dies_at = 0
        self.drawn: list[int] = []
        learn, replace, fsync = Trainer._backward, os.replace, os.fsync

        def backward(trainer: Trainer, module: torch.nn.Module, batch: object) -> dict[str, float]:
            self.clock.now += 5.0 / trainer.load.accumulate
            losses = learn(trainer, module, batch)  # type: ignore[arg-type]
            return {**losses, "chance": float(torch.rand(1))}

        def mortal(operation: Callable[..., object]) -> Callable[..., object]:
            def operate(*arguments: object) -> object:
                self.dies_at -= 1
                if self.dies_at == 0:
                    raise Killed
                return operation(*arguments)

            return operate

        monkeypatch.setattr(Trainer, "_backward", backward)
        monkeypatch.setattr("detcore.training.session.try_step", lambda *_arguments: torch.rand(7))
        monkeypatch.setattr(os, "replace", mortal(replace))
        monkeypatch.setattr(os, "fsync", mortal(fsync))

    def train(
        self, run: RunFolder, *, attempt: int = 0, on_event: Callable[[Event, StopFlags], None] | None = None
    ) -> tuple[TrainingResult, list[Event]]:
        heard: list[Event] = []
        flags = StopFlags()

        def emit(event: Event) -> None:
            heard.append(event)
            if on_event is not None:
                on_event(event, flags)

        return Session(run, attempt=attempt, emit=emit, flags=flags, group=Group()).train(), heard


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(monkeypatch)


def differences(one: RunFolder, other: RunFolder, *, file: str = "last.safetensors") -> dict[str, float]:
    """The largest difference of weights, moving average, optimiser and random state of two runs."""
    first, second = (read_checkpoint(run.path / file).tensors for run in (one, other))
    assert first.keys() == second.keys()
    found: dict[str, float] = {}
    for name, tensor in first.items():
        part = name.partition(".")[0]
        apart = (tensor.double() - second[name].double()).abs().max() if tensor.numel() else 0.0
        found[part] = max(found.get(part, 0.0), float(apart))
    return found


def assert_equal(one: RunFolder, other: RunFolder) -> None:
    for file in ("last.safetensors", "best.safetensors"):
        apart = differences(one, other, file=file)
        assert set(apart) == {"weights", "ema", "optimiser", "random"}
        assert max(apart.values()) <= 1e-6, (file, apart)
    states = [read_checkpoint(run.last).state for run in (one, other)]
    assert (states[0].step, states[0].drawn) == (states[1].step, states[1].drawn)
    figures = [best_figure(run) for run in (one, other)]
    assert None not in figures
    assert figures[0] == figures[1]


def figures_of(heard: Sequence[Event]) -> dict[str, dict[int, tuple[float, ...]]]:
    """What was told of each step; where it was told twice, the later one."""
    steps = {
        event.step: (event.time, event.fraction, event.learning_rate, *event.losses.values())
        for event in heard
        if isinstance(event, events.Step)
    }
    judged = {
        event.step: (event.time, event.metrics["AP"], event.metrics["AP50"])
        for event in heard
        if isinstance(event, events.Validation)
    }
    return {"steps": steps, "judged": judged}


def assert_told_alike(one: Sequence[Event], other: Sequence[Event]) -> None:
    for mine, others in zip(figures_of(one).values(), figures_of(other).values(), strict=True):
        assert mine.keys() == others.keys()
        for step, values in mine.items():
            assert all(math.isclose(a, b, abs_tol=1e-6) for a, b in zip(values, others[step], strict=True)), (
                step
            )


def train_mortally(run: RunFolder, how: str, times: Sequence[float]) -> int:
    """How often it died."""
    command = [
        sys.executable,
        "-m",
        "tests.detcore.training.mortal",
        "train",
        str(run.path),
        how,
        *map(str, times),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.parametrize(
    ("how", "times"),
    [("at", range(4, 16)), ("after", (0.35, 0.55, 0.4))],
    ids=["before each file operation of saving", "at any moment"],
)
def test_a_process_that_is_killed_again_and_again_learns_the_same(
    make_run: MakeRun, how: str, times: Sequence[float]
) -> None:
    whole, parts = (
        make_run(name=name, images=12, val=4, epochs=6, **OFTEN) for name in ("001-whole", "002-parts")
    )
    work_here("train", str(whole.path))
    died = train_mortally(parts, how, times)
    assert died == len(times) if how == "at" else died
    assert_equal(whole, parts)


LENGTHS = [{"minutes": 1.0}, {"epochs": 6}]


@pytest.mark.parametrize("length", LENGTHS, ids=["minutes", "epochs"])
def test_a_run_that_dies_in_every_way_while_it_saves_tells_and_keeps_the_same(
    make_run: MakeRun, machine: Machine, length: dict[str, float]
) -> None:
    settings = {**length, "mosaic": 1.0, "validate_every_seconds": 12.0, "checkpoint_every_seconds": 10.0}
    whole, parts = (make_run(name=name, images=12, val=4, **settings) for name in ("001-whole", "002-parts"))
    _, told = machine.train(whole)
    heard: list[Event] = []
    lives = 0
    done = False
    while not done:
        machine.dies_at = lives % 15 + 1  # a step that is judged and saved has fewer operations
        lives += 1
        try:
            machine.train(parts, on_event=lambda event, _flags: heard.append(event))
            done = True
        except Killed:
            pass
    assert lives > 5
    assert_equal(whole, parts)
    assert_told_alike(told, heard)
    assert read_checkpoint(parts.last).state.seconds == read_checkpoint(whole.last).state.seconds


@pytest.mark.parametrize("length", LENGTHS, ids=["minutes", "epochs"])
def test_a_run_that_is_stopped_at_each_step_tells_and_keeps_the_same(
    make_run: MakeRun, machine: Machine, length: dict[str, float]
) -> None:
    settings = {**length, "mosaic": 1.0, "validate_every_seconds": 12.0}
    whole, parts = (make_run(name=name, images=12, val=4, **settings) for name in ("001-whole", "002-parts"))
    _, told = machine.train(whole)
    heard: list[Event] = []

    def stop(event: Event, flags: StopFlags) -> None:
        heard.append(event)
        if isinstance(event, events.Step):
            flags.stop.set()

    while (result := machine.train(parts, on_event=stop)[0]).reason is events.EndReason.STOPPED:
        pass
    assert result.state.step == len(figures_of(told)["steps"])
    assert_equal(whole, parts)
    assert_told_alike(told, heard)


@pytest.mark.parametrize(("owner", "section", "call"), [(Trainer, "_backward", 6), (Validator, "judge", 1)])
def test_what_another_thread_keeps_within_a_long_step_or_a_validation_is_how_the_run_stood_before(
    make_run: MakeRun,
    machine: Machine,
    monkeypatch: pytest.MonkeyPatch,
    owner: type[Trainer | Validator],
    section: str,
    call: int,
) -> None:
    """The sixth batch is the second one of the third step; the run is judged after that step, at 15 s."""
    settings = {"epochs": 3, "batch_size": 2, "accumulate": 2, "validate_every_seconds": 12.0}
    whole, parts = (make_run(name=name, images=12, val=4, **settings) for name in ("001-whole", "002-parts"))
    machine.train(whole)
    trainers: list[Trainer] = []
    calls: list[str] = []
    plain, begin = getattr(owner, section), Trainer.run

    def run(trainer: Trainer) -> events.EndReason:
        trainers.append(trainer)
        return begin(trainer)

    def keep() -> None:
        with trainers[0].held():
            pass

    def interrupted(self: object, *arguments: object) -> object:
        found = plain(self, *arguments)
        calls.append(section)
        if len(calls) == call:
            thread = threading.Thread(target=keep)
            thread.start()
            thread.join(30)
            raise Killed
        return found

    with monkeypatch.context() as patched:
        patched.setattr(Trainer, "run", run)
        patched.setattr(owner, section, interrupted)
        with pytest.raises(Killed):
            machine.train(parts)
    state = read_checkpoint(parts.last).state
    done = 2 if owner is Trainer else 3
    assert (state.step, state.drawn, state.seconds) == (done, 4 * done, 5.0 * done)
    machine.train(parts)
    assert_equal(whole, parts)


def test_after_memory_ran_out_each_step_has_the_images_that_it_would_have_had(
    make_run: MakeRun, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(images=12, val=4, epochs=3, checkpoint_every_seconds=1e-6)
    learn, paths = Trainer._backward, [0]

    def backward(trainer: Trainer, module: torch.nn.Module, batch: object) -> dict[str, float]:
        paths[0] += 1
        if paths[0] == 4:
            raise MemoryError
        return learn(trainer, module, batch)  # type: ignore[arg-type]

    monkeypatch.setattr(Trainer, "_backward", backward)
    with pytest.raises(OutOfMemoryError):
        machine.train(run)
    state = read_checkpoint(run.last).state
    assert (state.step, state.drawn, state.batch_size, state.accumulate) == (3, 12, 4, 1)
    result, heard = machine.train(run, attempt=1)
    assert (result.state.batch_size, result.state.accumulate) == (2, 2)
    assert (result.state.step, result.state.drawn) == (6, 24)
    assert next(event.batch_size for event in heard if isinstance(event, events.Started)) == 4
    assert sum(isinstance(event, events.Step) for event in heard) == 3


PLAIN = {
    "optimiser": "sgd",
    "momentum": 0.0,
    "nesterov": False,
    "weight_decay": 0.0,
    "learning_rate": 0.01,
    "schedule": "constant",
    "warmup_steps": 0,
    "clip_gradient": False,
    "ema": False,
}


def test_after_memory_ran_out_a_step_follows_the_mean_gradient_of_its_halves(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Plain gradient descent by torch alone from the checkpoint on: w - 0.01 · (g of one half + g of the other) / 2."""
    run = make_run(images=12, val=4, epochs=2, checkpoint_every_seconds=1e-6, **PLAIN)
    batches: list[TrainBatch] = []
    learn = Trainer._backward

    def backward(trainer: Trainer, module: torch.nn.Module, batch: TrainBatch) -> dict[str, float]:
        batches.append(batch)
        if len(batches) == 4:
            raise MemoryError
        return learn(trainer, module, batch)

    def train(attempt: int) -> None:
        session = Session(run, attempt=attempt, emit=lambda _event: None, flags=StopFlags(), group=Group())
        session.train()

    monkeypatch.setattr(Trainer, "_backward", backward)
    with pytest.raises(OutOfMemoryError):
        train(0)
    before = read_checkpoint(run.last)
    train(1)
    after = read_checkpoint(run.last)
    assert (before.state.step, after.state.step) == (3, 4)
    whole, *halves = batches[3:]
    assert torch.equal(torch.cat([half.images for half in halves]), whole.images)

    detector = build_n(2, 96, ReticleOptions())
    detector.load_state_dict(before.part("weights"))
    for half in halves:
        targets = [
            Target(boxes=boxes, labels=labels, ignore=ignore)
            for boxes, labels, ignore in zip(half.boxes, half.labels, half.ignore, strict=True)
        ]
        losses = detector.train().losses(half.images.float() / 255.0, targets)
        torch.autograd.backward(sum(losses.values(), torch.zeros(())) / 2)
    with torch.no_grad():
        for parameter in detector.parameters():
            if parameter.grad is not None:
                parameter -= 0.01 * parameter.grad
    moved = 0.0
    for name, tensor in detector.state_dict().items():
        torch.testing.assert_close(after.part("weights")[name], tensor, rtol=0.0, atol=1e-6)
        moved += float((tensor.double() - before.part("weights")[name].double()).abs().sum())
    assert moved > 1.0
