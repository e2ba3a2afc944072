"""A disk without room for checkpoints ends no training, and none is older than it should be."""

from __future__ import annotations

import errno
from collections.abc import Callable

import pytest

from detcore.errors import ConfigError
from detcore.jobs import events
from detcore.jobs.events import EndReason, Event
from detcore.jobs.settings.learning import Learning
from detcore.jobs.worker_process import StopFlags
from detcore.project.run_weights import best_figure
from detcore.project.runs import RunFolder
from detcore.training.distributed import Group
from detcore.training.hooks import CheckpointHook
from detcore.training.session import Session, TrainingResult
from detcore.training.stretch import begin_stretch, fraction_done, highest_rate
from detcore.training.trainer import Trainer
from detcore.training.validation import Judged, Validator
from detcore.zoo.checkpoint import RunState, read_checkpoint, save_file
from tests.detcore.training.clock import Clock
from tests.settings_of_runs import change_settings

MakeRun = Callable[..., RunFolder]


def train(
    run: RunFolder, on_event: Callable[[Event, StopFlags], None] | None = None
) -> tuple[TrainingResult, list[Event]]:
    heard: list[Event] = []
    flags = StopFlags()

    def emit(event: Event) -> None:
        heard.append(event)
        if on_event is not None:
            on_event(event, flags)

    return Session(run, attempt=0, emit=emit, flags=flags, group=Group()).train(), heard


def warnings(heard: list[Event]) -> list[str]:
    return [event.text for event in heard if isinstance(event, events.Log) and event.level == "warning"]


class Disk:
    """Has no room for ``full`` checkpoints from number ``begin`` on and needs ``seconds`` for each of the others; each
    step of training takes seven."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, begin: int = 0, full: int = 0) -> None:
        self.clock = Clock(monkeypatch)
        self.seconds = 0.0
        self._until = range(begin, begin + full)
        self._asked = 0
        learn = Trainer._backward

        def backward(trainer: Trainer, module: object, batch: object) -> dict[str, float]:
            self.clock.now += 7.0
            return learn(trainer, module, batch)  # type: ignore[arg-type]

        monkeypatch.setattr(Trainer, "_backward", backward)
        monkeypatch.setattr("detcore.zoo.checkpoint.save_file", self._save)
        monkeypatch.setattr("detcore.training.hooks._TRY_AGAIN", 0.0)

    def _save(self, *arguments: object, **named: object) -> None:
        self._asked += 1
        if self._asked - 1 in self._until:
            raise OSError(errno.ENOSPC, "No space left on device")
        self.clock.now += self.seconds
        save_file(*arguments, **named)  # type: ignore[arg-type]


def test_training_goes_on_while_the_disk_is_full_says_so_once_and_keeps_the_checkpoint_before(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(epochs=6, checkpoint_every_seconds=1.0, validate_every_seconds=1e6)
    Disk(monkeypatch, begin=2, full=3)
    steps_kept: list[int] = []

    def look(event: Event, _flags: StopFlags) -> None:
        if isinstance(event, events.Log) and event.level == "warning":
            steps_kept.append(read_checkpoint(run.last).state.step)

    result, heard = train(run, look)
    (told,) = warnings(heard)
    assert "next.safetensors" in told
    assert "No space left on device" in told
    assert "The checkpoint of step 2 is kept. Training goes on and tries again: free some space." in told
    assert steps_kept == [2]
    assert result.reason is EndReason.COMPLETED
    assert read_checkpoint(run.last).state.step == result.state.step


def test_weights_that_there_is_no_room_for_are_not_the_best(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(epochs=3, validate_every_seconds=1e-6)
    figures = iter([0.5, 0.4, 0.3, *[0.2] * 20])
    monkeypatch.setattr(
        Validator, "judge", lambda _self: Judged(metrics={"AP": next(figures), "AP50": 0.5}, per_class={})
    )
    Disk(monkeypatch, begin=0, full=1)
    result, heard = train(run)
    judged = [event for event in heard if isinstance(event, events.Validation)]
    assert [event.best for event in judged][:3] == [False, True, False]
    assert result.state.best_ap == 0.4
    assert best_figure(run).ap == 0.4


def test_a_training_that_has_ended_waits_for_room_until_it_is_stopped(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(epochs=1, val=0)
    Disk(monkeypatch, begin=0, full=10**9)

    def stop(event: Event, flags: StopFlags) -> None:
        if isinstance(event, events.Log) and "waits for room" in event.text:
            flags.stop.set()

    with pytest.raises(ConfigError, match="No space left") as caught:
        train(run, stop)
    assert caught.value.hint is not None
    assert "Free some space" in caught.value.hint


def test_a_training_that_has_ended_is_saved_once_there_is_room(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(epochs=1, validate_every_seconds=1e6)
    Disk(monkeypatch, begin=0, full=3)
    result, heard = train(run)
    assert len(warnings(heard)) == 1
    assert read_checkpoint(run.best).state.step == read_checkpoint(run.last).state.step == result.state.step


@pytest.mark.parametrize(("write", "validation"), [(0.0, 0.0), (5.0, 0.0), (0.0, 50.0), (5.0, 30.0)])
def test_no_checkpoint_is_older_than_a_minute_when_the_next_one_lies_there(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch, write: float, validation: float
) -> None:
    """On a slow disk, with slow steps, and while it validates. What a kill takes is what was learnt since."""
    run = make_run(epochs=80, validate_every_seconds=100.0)
    disk = Disk(monkeypatch)
    disk.seconds = write
    known: list[float] = []
    first: list[float] = []
    judged: list[int] = []
    taken: list[float] = [0.0, 0.0]
    plain = CheckpointHook.checkpoint

    def judge(_validator: Validator) -> Judged:
        disk.clock.now += validation
        return Judged(metrics={"AP": 0.5, "AP50": 0.5}, per_class={})

    def take(hook: CheckpointHook, trainer: Trainer) -> object:
        taken.append(disk.clock.now)
        return plain(hook, trainer)

    def hear(event: Event, _flags: StopFlags) -> None:
        if isinstance(event, events.Validation):
            judged.append(event.step)
        elif isinstance(event, events.Checkpoint) and event.file == run.last.name:
            # How long writing and validation take is not known before the first.
            (known if len(judged) > 1 else first).append(disk.clock.now - taken[-2])

    def backward(_trainer: Trainer, _module: object, _batch: object) -> dict[str, float]:
        disk.clock.now += 7.0
        return {"box": 1.0}

    monkeypatch.setattr(Trainer, "_backward", backward)
    monkeypatch.setattr(Validator, "judge", judge)
    monkeypatch.setattr(CheckpointHook, "checkpoint", take)
    train(run, hear)
    assert len(known) > 6
    assert max(known) <= 60.0
    assert max(first) <= 60.0 + write + validation


def test_what_is_added_to_a_run_has_a_schedule_of_its_own() -> None:
    state = RunState(step=900, drawn=9000, seconds=600.0, complete=True, judge_at=600.0, whole_from=8000)
    ten_more = Learning(minutes=20.0)
    begin_stretch(state)
    assert not state.complete
    assert fraction_done(state, ten_more, images=100) == 0.0
    assert highest_rate(state, ten_more, images=100) == 0.5
    assert highest_rate(state, Learning(minutes=11.0), images=100) == 0.2
    assert highest_rate(state, Learning(minutes=None, epochs=360), images=100) == 0.75
    state.seconds = 900.0
    assert fraction_done(state, ten_more, images=100) == 0.5
    assert fraction_done(state, Learning(minutes=10.0), images=100) == 1.0
    assert (state.judge_at, state.whole_from) == (None, None)


def test_a_run_that_is_trained_for_longer_goes_on_from_its_best_weights(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(epochs=3, validate_every_seconds=1e-6, batch_size=3)
    Disk(monkeypatch)
    figures = iter([0.5, 0.9, *[0.1] * 30])
    monkeypatch.setattr(
        Validator, "judge", lambda _self: Judged(metrics={"AP": next(figures), "AP50": 0.5}, per_class={})
    )
    first, _ = train(run)
    assert first.state.complete
    best = read_checkpoint(run.best)
    assert best.state.step == 2
    begun: list[dict[str, object]] = []
    plain = Trainer.run

    def look(trainer: Trainer) -> EndReason:
        begun.append({name: value.clone() for name, value in trainer.detector.state_dict().items()})
        return plain(trainer)

    monkeypatch.setattr(Trainer, "run", look)
    change_settings(run, epochs=6, warmup_steps=3)
    second, heard = train(run)
    assert all((value == begun[0][name]).all() for name, value in best.part("weights").items())
    steps = [event for event in heard if isinstance(event, events.Step)]
    rates = {event.step: event.learning_rate for event in steps}
    assert second.state.step == 18
    assert rates[max(rates)] < 0.1 * max(rates.values())
    assert any("from the weights of step 2" in event.text for event in heard if isinstance(event, events.Log))
    assert second.state.best_ap == 0.9


def test_a_run_that_is_done_and_given_nothing_stays_as_it_is(make_run: MakeRun) -> None:
    run = make_run(epochs=1)
    first, _ = train(run)
    weights = read_checkpoint(run.last).part("weights")
    again, heard = train(run)
    assert again.reason is EndReason.COMPLETED
    assert again.state.step == first.state.step
    assert not any(isinstance(event, events.Step) for event in heard)
    after = read_checkpoint(run.last).part("weights")
    assert all((value == after[name]).all() for name, value in weights.items())
