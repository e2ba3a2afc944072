"""When a run is judged, on which images, and which weights count as its best; with a trainer that only counts."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from detcore.data.samples import split_samples
from detcore.jobs import events
from detcore.jobs.config import TrainConfig
from detcore.jobs.events import EndReason, Event
from detcore.jobs.outcomes import judgement
from detcore.jobs.worker_process import StopFlags
from detcore.project.run_weights import best_figure
from detcore.project.runs import RunFolder, read_run
from detcore.project.snapshot import Snapshot
from detcore.training.distributed import Group
from detcore.training.run_data import RunData
from detcore.training.schedule import FINE_TUNING
from detcore.training.session import Session, TrainingResult
from detcore.training.telling import Telling
from detcore.training.validation import Judged, Validator
from detcore.zoo.checkpoint import read_checkpoint
from tests.detcore.training.clock import Clock
from tests.settings_of_runs import change_settings

MakeRun = Callable[..., RunFolder]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def train(
    run: RunFolder, on_event: Callable[[Event, StopFlags], None] | None = None
) -> tuple[TrainingResult, list[Event]]:
    heard: list[Event] = []
    flags = StopFlags()

    def emit(event: Event) -> None:
        heard.append(event)
        if on_event is not None:
            on_event(event, flags)
        with run.events.open("a", encoding="utf-8") as file:
            file.write(events.encode(event) + "\n")

    return Session(run, attempt=0, emit=emit, flags=flags, group=Group()).train(), heard


def validations(heard: list[Event]) -> list[events.Validation]:
    return [event for event in heard if isinstance(event, events.Validation)]


def logs(heard: list[Event]) -> str:
    return "\n".join(event.text for event in heard if isinstance(event, events.Log))


def script(monkeypatch: pytest.MonkeyPatch, aps: list[float]) -> None:
    """Validation finds these figures, one after the other."""
    found = iter(aps)
    monkeypatch.setattr(
        Validator, "judge", lambda _self: Judged(metrics={"AP": next(found), "AP50": 0.5}, per_class={})
    )


class Killed(BaseException):
    """The process is gone: nothing tidies up."""


@pytest.fixture
def killed_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Path], None]]:
    """Lets the process die at the moment at which the file of that name would take its place."""
    replacing = os.replace

    def kill(target: Path) -> None:
        def rename(source: Path, goal: Path) -> None:
            if Path(goal) == target:
                raise Killed
            replacing(source, goal)

        monkeypatch.setattr(os, "replace", rename)

    yield kill
    monkeypatch.setattr(os, "replace", replacing)


def test_the_best_weights_outlive_a_kill_between_them_and_the_newest(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch, killed_before: Callable[[Path], None]
) -> None:
    run = make_run(epochs=1, validate_every_seconds=1e-6)
    with monkeypatch.context() as patch:
        script(patch, [0.2, 0.3, 0.1])
        train(run)
    change_settings(run, epochs=3)
    with monkeypatch.context() as patch:
        script(patch, [0.9])
        killed_before(run.last)
        with pytest.raises(Killed):
            train(run)
    monkeypatch.undo()
    best = run.best.read_bytes()
    assert best_figure(run).ap == 0.9
    script(monkeypatch, [0.5] * 20)
    result, heard = train(run)
    assert run.best.read_bytes() == best
    assert not any(event.best for event in validations(heard))
    assert (result.state.best_ap, result.state.best_step) == (0.9, read_checkpoint(run.best).state.step)
    assert read_run(run).best_ap == 0.9


def test_the_figure_of_a_run_is_that_of_the_weights_that_lie_there(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch, killed_before: Callable[[Path], None]
) -> None:
    """Killed before the better weights had taken their place: what was found of them is gone with them."""
    run = make_run(epochs=1)
    with monkeypatch.context() as patch:
        script(patch, [0.3])
        train(run)
    change_settings(run, epochs=2)
    with monkeypatch.context() as patch:
        script(patch, [0.9])
        killed_before(run.best)
        with pytest.raises(Killed):
            train(run)
    assert (read_run(run).best_ap, best_figure(run).ap) == (0.3, 0.3)


def test_best_weights_that_are_damaged_are_said_and_made_anew(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(epochs=1)
    with monkeypatch.context() as patch:
        script(patch, [0.9])
        train(run)
    run.best.write_bytes(run.best.read_bytes()[:100])
    change_settings(run, epochs=2)
    script(monkeypatch, [0.5])
    result, heard = train(run)
    assert "best.safetensors is gone or damaged" in logs(heard)
    assert (result.state.best_ap, read_run(run).best_ap) == (0.5, 0.5)


def test_a_run_whose_validation_images_have_no_box_says_so_and_keeps_its_last_weights(
    make_run: MakeRun,
) -> None:
    run = make_run(images=8, val_rows=(3, 7), epochs=2, validate_every_seconds=1e-6)
    result, heard = train(run)
    assert "No figure can be made of this run, since none of the validation images has a box" in logs(heard)
    assert validations(heard) == []
    assert not run.best.exists()
    assert result.state.best_ap is None
    assert read_run(run).weights == run.last
    assert read_run(run).best_ap is None


@pytest.mark.parametrize(
    ("val_rows", "settings", "idle"),
    [
        ((3, 7), {"schedule": "plateau"}, ["the course Plateau never lowers the learning rate"]),
        ((3, 7), {"stop_after": 4}, ["Stop after never ends the training"]),
        (
            (3, 7),
            {"schedule": "plateau", "stop_after": 4},
            ["the course Plateau never lowers the learning rate and Stop after never ends the training"],
        ),
        ((3, 7), {"schedule": "cosine"}, []),
        ((0, 1), {"schedule": "plateau", "stop_after": 4}, []),
    ],
)
def test_a_run_without_a_figure_says_at_its_start_which_settings_wait_for_one_in_vain(
    make_run: MakeRun, val_rows: tuple[int, ...], settings: dict[str, Any], idle: list[str]
) -> None:
    """Of eight images the fourth and the eighth have no box."""
    run = make_run(images=8, val_rows=val_rows, **settings)
    heard: list[Event] = []
    telling = Telling(heard.append, Group(), ())
    data = RunData(Snapshot.load(run.snapshot), TrainConfig.load(run.config), None, telling)
    assert bool(data.no_figure) == (val_rows == (3, 7))
    told = [event.text for event in heard if isinstance(event, events.Log)]
    found = [text for text in told if text.startswith("Without a figure")]
    hint = "Label images of the val split, or leave these settings alone."
    assert found == [f"Without a figure {text}. {hint}" for text in idle]


def test_validation_images_that_turn_out_unreadable_are_no_figure_and_no_best(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(epochs=2, validate_every_seconds=1e-6)
    script(monkeypatch, [math.nan] * 20)
    _, heard = train(run)
    assert logs(heard).count("No figure can be made") == 1
    assert validations(heard) == []
    assert not run.best.exists()


class Slow:
    """A machine on which each training step takes ``step`` seconds and each validated image ``image``."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, clock: Clock, *, step: float, image: float) -> None:
        self.judged: list[tuple[float, int]] = []

        def sweep(validator: Validator, samples: list[object], _problem: object) -> object:
            clock.now += image * len(samples)
            return real(validator, samples, _problem)

        def judge(validator: Validator) -> Judged:
            clock.now += image * validator.images
            self.judged.append((clock.now, validator.images))
            return Judged(metrics={"AP": 0.5, "AP50": 0.5}, per_class={})

        def backward(trainer: object, module: object, batch: object) -> dict[str, float]:
            clock.now += step
            return {"box": 1.0}

        real = Validator._sweep
        monkeypatch.setattr(Validator, "_sweep", sweep)
        monkeypatch.setattr(Validator, "judge", judge)
        monkeypatch.setattr("detcore.training.trainer.Trainer._backward", backward)


@pytest.mark.parametrize("image", [0.01, 0.1, 0.5, 3.0])
def test_validation_keeps_to_its_share_of_the_minutes_and_does_not_count_as_learning(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch, clock: Clock, image: float
) -> None:
    run = make_run(images=40, val=30, minutes=2.0)
    slow = Slow(monkeypatch, clock, step=1.0, image=image)
    result, heard = train(run)
    assert result.state.step == 120  # all of the two minutes are learning
    took = clock.now - 120.0
    assert len(slow.judged) >= (4 if image < 0.5 else 1)
    looked_at = {count for _, count in slow.judged}
    assert len(looked_at) == 1  # the same images each time
    part = min(30, max(8, int(12.0 / 4 / image)))
    assert looked_at == {part}
    assert ("Validation looks at" in logs(heard)) is (part < 30)
    if part > 8:  # fewer say nothing
        assert took <= 0.15 * 120 + 8 * image
    assert result.state.judged_images == part
    first = validations(heard)[0]
    assert first.time >= 8.0


def test_a_run_that_no_longer_gets_better_completes_early_and_says_why(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    run = make_run(epochs=50, stop_after=2, validate_every_seconds=1e-6)
    slow = Slow(monkeypatch, clock, step=1.0, image=0.0)
    result, heard = train(run)
    assert result.reason is EndReason.COMPLETED
    assert len(slow.judged) == 3  # the first of them is what the next two are held against
    assert result.state.step < 50
    assert "Ended early: 2 validations in a row brought no better AP than 0.500." in logs(heard)


def test_a_part_stays_the_same_when_a_run_goes_on(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    run = make_run(images=40, val=30, minutes=1.0)
    Slow(monkeypatch, clock, step=1.0, image=0.1)
    train(run)
    change_settings(run, minutes=2.0)
    slow = Slow(monkeypatch, clock, step=1.0, image=0.001)
    train(run)
    assert {count for _, count in slow.judged} == {15}


@pytest.mark.parametrize(
    ("first", "then", "looked_at"),
    [
        ({"minutes": 1.0, "epochs": None}, {"minutes": None, "epochs": 30}, 15),
        ({"minutes": None, "epochs": 2}, {"minutes": 1.0, "epochs": None}, 30),
    ],
)
def test_a_run_that_is_measured_otherwise_from_now_on_is_judged_on_the_same_images(
    make_run: MakeRun,
    monkeypatch: pytest.MonkeyPatch,
    clock: Clock,
    first: dict[str, float | None],
    then: dict[str, float | None],
    looked_at: int,
) -> None:
    run = make_run(images=40, val=30, **first)
    Slow(monkeypatch, clock, step=1.0, image=0.1)
    train(run)
    change_settings(run, **then)
    slow = Slow(monkeypatch, clock, step=1.0, image=0.1)
    train(run)
    assert {count for _, count in slow.judged} == {looked_at}


def test_the_part_of_the_validation_images_holds_a_box(make_run: MakeRun) -> None:
    run = make_run(images=40, val=30, minutes=0.01)
    snapshot = Snapshot.load(run.snapshot)
    judged = split_samples(snapshot, seed=0).val
    samples = [sample for sample in judged if not len(sample.labels)]
    boxed = next(sample for sample in judged if len(sample.labels))
    for row in range(len(samples) + 1):
        validator = Validator(
            detect=lambda _images: [],
            samples=[*samples[:row], boxed, *samples[row:]],
            ground_truth=snapshot.ground_truth,
            classes=snapshot.classes,
            cache=None,
            batch_size=4,
            problem=print,
        )
        validator.keep(2)
        assert validator.images == 2
        assert boxed in validator._samples


@pytest.fixture
def learnt(make_run: MakeRun, monkeypatch: pytest.MonkeyPatch) -> RunFolder:
    """A run whose best weights are there to start from."""
    run = make_run(name="001-before", epochs=1)
    with monkeypatch.context() as patch:
        script(patch, [0.4])
        train(run)
    return run


def rates(heard: list[Event]) -> list[float]:
    return [event.learning_rate for event in heard if isinstance(event, events.Step)]


def test_a_run_that_gets_no_better_than_its_start_keeps_the_start_and_says_so(
    make_run: MakeRun, learnt: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(name="002-after", epochs=2, weights=str(learnt.best), validate_every_seconds=1e-6)
    script(monkeypatch, [0.4, *[0.2] * 20])
    result, heard = train(run)
    first, *others = validations(heard)
    assert (first.step, first.time, first.metrics["AP"], first.best) == (0, 0.0, 0.4, True)
    assert others
    assert not any(event.best for event in others)
    state = result.state
    assert (state.start_ap, state.best_ap, state.best_step) == (0.4, 0.4, 0)
    start, kept = read_checkpoint(learnt.best).kept(), read_checkpoint(run.best).kept()
    assert all(torch.equal(start[name], kept[name]) for name in start)
    said = judgement({"best_AP": state.best_ap, "best_step": state.best_step, "start_AP": state.start_ap})
    assert said == "no better than its start, AP 0.400: the start was kept"


def test_a_run_that_gets_better_than_its_start_says_from_what_to_what(
    make_run: MakeRun, learnt: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(name="002-after", epochs=2, weights=str(learnt.best))
    script(monkeypatch, [0.4, 0.6])
    state = train(run)[0].state
    said = judgement({"best_AP": state.best_ap, "best_step": state.best_step, "start_AP": state.start_ap})
    assert said == f"best AP 0.600 at step {state.step}; its start had 0.400"


@pytest.mark.parametrize(
    ("start", "settings", "full"),
    [(0.4, {}, False), (0.01, {}, True), (0.4, {"learning_rate": 2.5e-3}, True)],
)
def test_weights_that_know_the_task_are_trained_at_a_lower_rate_unless_one_is_given(
    make_run: MakeRun,
    learnt: RunFolder,
    monkeypatch: pytest.MonkeyPatch,
    start: float,
    settings: dict[str, float],
    full: bool,
) -> None:
    run = make_run(name="002-after", epochs=20, warmup_steps=1, weights=str(learnt.best), **settings)
    script(monkeypatch, [start, 0.5])

    def stop(event: Event, flags: StopFlags) -> None:
        if isinstance(event, events.Step):
            flags.stop.set()

    _, heard = train(run, on_event=stop)
    reference = settings.get("learning_rate", 2.5e-3 * math.sqrt(4 / 8))
    assert max(rates(heard)) == pytest.approx(reference if full else FINE_TUNING * reference, rel=0.01)


def test_the_lower_rate_and_the_start_outlast_a_stop(
    make_run: MakeRun, learnt: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(name="002-after", epochs=4, weights=str(learnt.best))
    script(monkeypatch, [0.4, 0.3])

    def stop(event: Event, flags: StopFlags) -> None:
        if isinstance(event, events.Step):
            flags.stop.set()

    train(run, on_event=stop)
    result, heard = train(run)
    assert max(rates(heard)) <= FINE_TUNING * 2.5e-3
    assert [event.step for event in validations(heard)] == [result.state.step]
    assert (result.state.start_ap, result.state.best_step) == (0.4, 0)


def test_weights_that_fit_in_part_are_a_beginning_like_any_other(
    make_run: MakeRun, learnt: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(name="002-after", classes=3, epochs=1, weights=str(learnt.best))
    script(monkeypatch, [0.1])
    result, heard = train(run)
    assert [event.step for event in validations(heard)] == [result.state.step]
    assert (result.state.fine_tuning, result.state.start_ap) == (False, None)
