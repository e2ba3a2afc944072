"""What a run tells of itself while it learns; numbers by hand, time by a clock that is made up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from threading import Event as Flag
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from detcore.data.samples import split_samples
from detcore.jobs import events
from detcore.jobs.config import TrainConfig
from detcore.jobs.events import EndReason, Event
from detcore.jobs.settings.learning import Learning
from detcore.jobs.settings.runtime import Runtime
from detcore.project.runs import RunFolder
from detcore.project.snapshot import Snapshot
from detcore.training.class_losses import ClassLossesHook
from detcore.training.data_figures import data_figures
from detcore.training.hard_batches import HardBatchHook
from detcore.training.hooks import CheckpointHook
from detcore.training.judging import ValidationHook
from detcore.training.layers import LayersHook, LayerWatch
from detcore.training.pace import PredictionHook, TimeLeft
from detcore.training.validation import Validator
from detcore.types import Detections
from detcore.zoo.checkpoint import RunState
from tests.columns import ground_truth
from tests.detcore.training.clock import Clock as MadeUpTime

MakeRun = Callable[..., RunFolder]


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made_up = Clock()
    for module in ("hard_batches", "class_losses"):
        monkeypatch.setattr(f"detcore.training.{module}.time", made_up)
    return made_up


def trainer(config: TrainConfig | None = None) -> SimpleNamespace:
    """One that only counts."""
    return SimpleNamespace(
        state=RunState(),
        fraction=0.0,
        epoch=0.0,
        last=SimpleNamespace(losses={}, highest_loss=0.0, image_ids=(), gradient=0.0, seconds=0.0),
        config=config or TrainConfig(),
        stop_wanted=False,
        interruptible=nullcontext,
        validated=lambda _ap: None,
    )


class Simulation:
    """A run by a clock that is made up.

    200 images are judged, at 0.05 s each the first time, when they are read from their files, and 0.01 s later, with two
    seconds for the evaluation; a checkpoint takes half a second; the prediction that follows looks at 3000 images, at
    ``prediction`` seconds each.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, config: TrainConfig, prediction: float) -> None:
        self.clock = MadeUpTime(monkeypatch)
        self.trainer = trainer(config)
        self._seen: set[int] = set()
        samples = [SimpleNamespace(image_id=row, path=str(row), labels=[0]) for row in range(200)]
        validator = Validator(
            detect=lambda _images: [],
            samples=samples,  # type: ignore[arg-type]
            ground_truth=ground_truth([]),
            classes=(),
            cache=None,  # type: ignore[arg-type]
            batch_size=8,
            problem=lambda error: pytest.fail(str(error)),
        )
        monkeypatch.setattr(Validator, "_sweep", lambda _validator, some, _problem: self._sweep(some))
        monkeypatch.setattr("detcore.training.validation.evaluate_coco", lambda *_arguments: self._evaluate())
        keeps = SimpleNamespace(
            save=lambda _trainer: None,
            save_before=lambda _trainer, *, seconds: None,
            save_best=lambda _trainer, *, insist: True,
            to_come=lambda _trainer, *, learning: 1.0,
        )
        self.judging = ValidationHook(validator, keeps, lambda _event: None)  # type: ignore[arg-type]
        self.prediction = PredictionHook(3000, lambda _trainer: prediction)
        self._after = 1.0 + 3000 * prediction
        self.left = TimeLeft([keeps, self.judging, self.prediction])  # type: ignore[list-item]

    def _sweep(self, samples: list[SimpleNamespace]) -> Detections:
        for sample in samples:
            self.clock.now += 0.01 if sample.image_id in self._seen else 0.05
            self._seen.add(sample.image_id)
        return Detections.empty()

    def _evaluate(self) -> SimpleNamespace:
        self.clock.now += 2.0
        return SimpleNamespace(
            stats=dict.fromkeys(("AP", "AP50", "AP75", "APs", "APm", "APl", "AR100"), 0.5), per_class={}
        )

    def run(self, steps: Sequence[float]) -> list[float]:
        """What is told to be left of what there is, after each step of so many seconds from a tenth of the run on."""
        made_up, told = self.trainer, list[tuple[float, float]]()
        made_up.set_aside = lambda _seconds: None
        hooks: list[Any] = [self.prediction, self.left, self.judging]
        for hook in hooks:
            hook.before_training(made_up)
        epochs, length = made_up.config.learning.epochs, sum(steps)
        for number, seconds in enumerate(steps, start=1):
            self.clock.now += seconds
            made_up.state.step = number
            made_up.state.seconds += seconds
            made_up.fraction = number / len(steps) if epochs else made_up.state.seconds / length
            made_up.epoch = made_up.fraction * (epochs or 0)
            self.left.after_step(made_up)
            if 0.1 <= made_up.fraction < 1.0:
                told.append((self.clock.now, self.left.seconds(made_up) or 0.0))
            self.judging.after_step(made_up)
        self.judging.after_training(made_up, EndReason.COMPLETED)
        end = self.clock.now + self._after
        return [seconds / (end - now) for now, seconds in told]


SLOW_AT_FIRST = [0.6] * 60 + [0.2] * 2820  # 600 s
SLOW_AT_LAST = [0.1] * 3000 + [0.2] * 1500


@pytest.mark.parametrize("prediction", [0.001, 0.05, 0.3])
@pytest.mark.parametrize(
    ("config", "steps"),
    [
        (TrainConfig(learning=Learning(minutes=10.0)), SLOW_AT_FIRST),
        (TrainConfig(learning=Learning(minutes=10.0)), SLOW_AT_LAST),
        (TrainConfig(learning=Learning(minutes=None, epochs=20)), SLOW_AT_FIRST),
        (
            TrainConfig(learning=Learning(minutes=None, epochs=40), runtime=Runtime(deterministic=True)),
            SLOW_AT_FIRST,
        ),
    ],
    ids=["minutes", "slower in the end", "epochs", "judged after each epoch"],
)
def test_the_time_left_is_right_within_a_fifth_from_a_tenth_of_the_run_on(
    monkeypatch: pytest.MonkeyPatch, config: TrainConfig, steps: list[float], prediction: float
) -> None:
    """Of ten minutes, after one: 540 s of learning; 12 validations of 200 · 0.01 + 2 s, since the first, at 40 s, took
    12 s and the next is due at 160 s, then each 40 s; saving, 1 s; and 3, 150 or 900 s of prediction."""
    told = Simulation(monkeypatch, config=config, prediction=prediction).run(steps)
    assert len(told) > 2000
    assert [min(told), max(told)] == pytest.approx([1.0, 1.0], abs=0.2)


def test_the_last_and_the_best_weights_are_still_to_be_saved(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    clock = MadeUpTime(monkeypatch)

    def write(*_arguments: object, **_named: object) -> None:
        clock.now += 1.5

    monkeypatch.setattr("detcore.training.hooks.rotate_checkpoint", write)
    monkeypatch.setattr(CheckpointHook, "checkpoint", lambda *_arguments: trainer(TrainConfig()))
    hook = CheckpointHook(RunFolder(tmp_path), None, (), lambda _event: None)
    made_up = trainer(TrainConfig())
    hook.save(made_up)  # type: ignore[arg-type]
    assert hook.to_come(made_up, learning=60.0) == 3.0  # type: ignore[arg-type]


class Small(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 1, bias=False)
        self.idle = nn.Linear(2, 2)
        with torch.no_grad():
            self.layer.weight.copy_(torch.tensor([[3.0, 4.0, 0.0, 0.0]]))


def test_a_layer_is_measured_as_by_hand() -> None:
    """Inputs 0, 0, 6, 2: mean 2, variance (4 + 4 + 16 + 0) / 4. The weight (3, 4, 0, 0) has length 5, its gradient is
    the input, of length √40, and a step of 0.1 goes a tenth of that."""
    net = Small()
    watch = LayerWatch(net)
    net.layer(torch.tensor([[0.0, 0.0, 6.0, 2.0]])).sum().backward()
    torch.optim.SGD(net.parameters(), lr=0.1).step()
    figures = watch.figures(cut=1.0)
    watch.close()
    layer = {name: column["layer"] for name, column in figures.items()}
    assert layer == pytest.approx(
        {
            "mean": 2.0,
            "spread": 6.0**0.5,
            "zeros": 0.5,
            "saturated": 0.25,
            "gradient": 40**0.5 / 5,
            "update": 0.1 * 40**0.5 / 5,
        }
    )
    assert figures["mean"]["idle"] is None
    assert figures["gradient"]["idle"] is None
    assert figures["update"]["idle"] == 0.0


def test_gradients_that_were_cut_are_told_as_they_were() -> None:
    net = Small()
    watch = LayerWatch(net)
    net.layer(torch.tensor([[0.0, 0.0, 6.0, 2.0]])).sum().backward()
    nn.utils.clip_grad_norm_(net.parameters(), 40**0.5 / 4)
    assert watch.figures(cut=0.25)["gradient"]["layer"] == pytest.approx(40**0.5 / 5, rel=1e-4)
    watch.close()


def test_judging_between_two_steps_is_not_measured() -> None:
    net = Small()
    watch = LayerWatch(net)
    net.eval()
    net.layer(torch.ones(1, 4))
    assert watch.figures(cut=1.0)["mean"]["layer"] is None
    watch.close()


def test_layers_are_looked_at_ten_times_in_a_run_and_whenever_it_is_wanted() -> None:
    heard: list[Event] = []
    wanted = Flag()
    hook = LayersHook(heard.append, wanted)
    made_up = trainer()
    made_up.detector = Small()
    hook.before_training(made_up)  # type: ignore[arg-type]
    for step in range(1, 201):
        made_up.state.step, made_up.fraction = step, step / 200
        if step == 111:
            wanted.set()
        hook.after_step(made_up)  # type: ignore[arg-type]
    hook.after_training(made_up, EndReason.COMPLETED)  # type: ignore[arg-type]
    steps = [event.step for event in heard if isinstance(event, events.Layers)]
    assert steps == [5, 21, 41, 61, 81, 101, 112, 121, 141, 161, 181]
    assert not wanted.is_set()
    assert not made_up.detector.layer._forward_pre_hooks


def test_layers_survive_the_line_that_they_are_written_in() -> None:
    figures = {name: [None, 0.5] for name in events.LAYER_FIGURES}
    event = events.Layers(step=3, names=["a", "b"], figures=figures)
    assert events.decode(events.encode(event)) == event


def test_the_batch_with_the_highest_loss_against_the_usual_one_is_told(clock: Clock) -> None:
    heard: list[Event] = []
    hook = HardBatchHook(heard.append)
    made_up = trainer()
    for step in range(1, 61):
        clock.now += 0.25
        made_up.state.step = step
        # of two processes, of which the other one has half the loss of this one in step 33
        made_up.last.losses = {"class": 1.0, "box": 5.75 if step == 33 else 1.0}
        made_up.last.highest_loss = 9.0 if step == 33 else 2.0
        made_up.last.image_ids = (9, 7, 7) if step == 33 else (7,)
        hook.after_step(made_up)  # type: ignore[arg-type]
    # usual: 2 until step 32; told after ten seconds, at step 40
    assert heard[0] == events.HardBatch(step=33, loss=9.0, usual=2.0, images=[9, 7])


def test_as_long_as_every_loss_is_below_the_usual_one_no_batch_is_the_hardest(clock: Clock) -> None:
    heard: list[Event] = []
    hook = HardBatchHook(heard.append)
    made_up = trainer()
    for step in range(1, 61):
        clock.now += 0.25
        made_up.state.step = step
        made_up.last.losses, made_up.last.highest_loss = {"class": 100.0 - step}, 100.0 - step
        made_up.last.image_ids = (7,)
        hook.after_step(made_up)  # type: ignore[arg-type]
    assert heard == []


def test_losses_of_classes_are_told_every_ten_seconds_and_at_the_end_as_means(clock: Clock) -> None:
    heard: list[Event] = []
    hook = ClassLossesHook(heard.append, ["coin", "nut"])
    made_up = trainer()
    for step in range(1, 51):
        clock.now += 0.25
        made_up.state.step = step
        made_up.detector = SimpleNamespace(class_losses=torch.tensor([2.0, step]))
        hook.after_step(made_up)  # type: ignore[arg-type]
    hook.after_training(made_up, EndReason.COMPLETED)  # type: ignore[arg-type]
    # steps 1 to 40 are ten seconds, their mean is 20.5; that of 41 to 50 is 45.5
    assert heard == [
        events.ClassLosses(step=40, losses={"coin": 2.0, "nut": 20.5}),
        events.ClassLosses(step=50, losses={"coin": 2.0, "nut": 45.5}),
    ]
    assert [events.decode(events.encode(event)) for event in heard] == heard


def test_of_a_detector_that_does_not_tell_losses_of_classes_nothing_is_said() -> None:
    heard: list[Event] = []
    hook, made_up = ClassLossesHook(heard.append, ["coin"]), trainer()
    made_up.detector = SimpleNamespace(class_losses=None)
    hook.after_step(made_up)  # type: ignore[arg-type]
    hook.after_training(made_up, EndReason.COMPLETED)  # type: ignore[arg-type]
    assert heard == []


def test_boxes_are_counted_by_class_and_measured_as_the_network_sees_them(make_run: MakeRun) -> None:
    run = make_run(images=12, val=3, width=960, height=640, classes=3)
    snapshot = Snapshot.load(run.snapshot)
    split = split_samples(snapshot, seed=0)
    told = data_figures(split, snapshot, image_size=48)
    sides = [
        min(box[2] - box[0], box[3] - box[1]) / 20 for sample in split.train for box in sample.boxes.tolist()
    ]
    assert told.small_boxes == sum(side < 8 for side in sides) > 0
    assert (told.images, told.judged_images, told.usual_side) == (9, 3, 960)
    assert sum(told.boxes.values()) == len(sides)
    assert list(told.boxes) == ["kind 0", "kind 1", "kind 2"]


def test_a_reader_that_does_not_know_an_event_passes_it_over() -> None:
    assert events.decode('{"event": "from_a_later_reticle", "step": 3}') is None
