"""What a run tells of itself while it learns; numbers by hand, time by a clock that is made up."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event as Flag
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from detcore.data.samples import split_samples
from detcore.jobs import events
from detcore.jobs.config import TrainConfig
from detcore.jobs.events import EndReason, Event
from detcore.jobs.settings.learning import Learning
from detcore.project.runs import RunFolder
from detcore.project.snapshot import Snapshot
from detcore.training.data_figures import data_figures
from detcore.training.hard_batches import HardBatchHook
from detcore.training.layers import LayersHook, LayerWatch
from detcore.training.pace import TimeLeft

MakeRun = Callable[..., RunFolder]


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made_up = Clock()
    for module in ("pace", "hard_batches"):
        monkeypatch.setattr(f"detcore.training.{module}.time", made_up)
    return made_up


def trainer(**settings: object) -> SimpleNamespace:
    """One that only counts."""
    return SimpleNamespace(
        state=SimpleNamespace(step=0, seconds=0.0),
        fraction=0.0,
        last=SimpleNamespace(losses={}, gradient=0.0, paths=(), seconds=0.0),
        load=SimpleNamespace(batch_size=8, accumulate=1),
        config=TrainConfig(learning=Learning(**settings)),  # type: ignore[arg-type]
    )


@pytest.mark.parametrize("by_minutes", [True, False])
@pytest.mark.parametrize("predicted", [0, 2000, 20000])
def test_the_time_left_is_right_within_a_fifth_after_a_tenth_of_the_run(
    clock: Clock, by_minutes: bool, predicted: int
) -> None:
    """600 s of learning in steps of 0.2 s, the first 60 steps three times as long; every 40 s all 100 images are
    judged, at 0.03 s each; in the end they are judged once more and the project's are predicted."""
    made_up = trainer(minutes=10.0) if by_minutes else trainer(minutes=None, epochs=20)
    validator = SimpleNamespace(images=100, look_seconds=None)
    left = TimeLeft(validator, predicted=predicted)  # type: ignore[arg-type]
    told: tuple[float, float] | None = None
    steps = 0
    judged_at = 0.0
    length = 600.0 if by_minutes else 60 * 0.6 + 2820 * 0.2
    while made_up.fraction < 1.0:
        seconds = 0.6 if steps < 60 else 0.2
        steps += 1
        clock.now += seconds
        made_up.state.seconds += seconds
        made_up.fraction = made_up.state.seconds / length if by_minutes else steps / 2880
        left.after_step(made_up)  # type: ignore[arg-type]
        if told is None and made_up.fraction >= 0.1:
            remaining = left.seconds(made_up)  # type: ignore[arg-type]
            assert remaining is not None
            told = (clock.now, remaining)
        if made_up.state.seconds - judged_at >= 40:
            clock.now += 3.0
            judged_at, validator.look_seconds = made_up.state.seconds, 0.03
    end = clock.now + (100 + predicted) * 0.03
    assert told is not None
    assert told[1] == pytest.approx(end - told[0], rel=0.2)


@pytest.mark.parametrize("predicted", [0, 500])
def test_the_time_left_is_right_when_the_second_half_takes_longer_steps(clock: Clock, predicted: int) -> None:
    """Ten minutes, the first half in steps of 0.1 s on small images, the second in steps of 0.2 s; all 100 images are
    judged every 40 s, at 0.03 s each."""
    made_up, validator = trainer(minutes=10.0), SimpleNamespace(images=100, look_seconds=0.04)
    left = TimeLeft(validator, predicted=predicted)  # type: ignore[arg-type]
    told: list[tuple[float, float]] = []
    judged_at = 0.0
    while made_up.fraction < 1.0:
        seconds = 0.1 if made_up.fraction < 0.5 else 0.2
        clock.now += seconds
        made_up.state.seconds += seconds
        made_up.fraction = made_up.state.seconds / 600.0
        left.after_step(made_up)  # type: ignore[arg-type]
        if made_up.fraction >= 0.1:
            told.append((clock.now, left.seconds(made_up) or 0.0))  # type: ignore[arg-type]
        if made_up.state.seconds - judged_at >= 40:
            clock.now += 3.0
            judged_at, validator.look_seconds = made_up.state.seconds, 0.03
    end = clock.now + (100 + predicted) * 0.03
    assert [remaining / (end - now) for now, remaining in told] == pytest.approx([1.0] * len(told), abs=0.2)


def test_where_nothing_is_judged_a_look_takes_a_third_of_what_learning_from_an_image_takes(
    clock: Clock,
) -> None:
    made_up = trainer(minutes=1.0)
    left = TimeLeft(None, predicted=300)
    made_up.last.seconds = 2.4  # 0.3 s an image
    clock.now += 60.0
    made_up.state.seconds = 60.0
    assert left.seconds(made_up) == pytest.approx(30.0)  # type: ignore[arg-type]


def test_at_the_end_only_judging_and_prediction_are_left(clock: Clock) -> None:
    made_up = trainer(minutes=1.0)
    validator = SimpleNamespace(images=10, look_seconds=0.5)
    left = TimeLeft(validator, predicted=30)  # type: ignore[arg-type]
    for _ in range(60):
        clock.now += 1.0
        made_up.state.seconds += 1.0
        left.after_step(made_up)  # type: ignore[arg-type]
    assert left.seconds(made_up) == pytest.approx(20.0)  # type: ignore[arg-type]


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
    made_up = trainer(epochs=1, minutes=None)
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
    hook = HardBatchHook(heard.append, {"a.png": 7, "b.png": 9})
    made_up = trainer()
    for step in range(1, 61):
        clock.now += 0.25
        made_up.state.step = step
        made_up.last.losses = {"class": 1.0, "box": 8.0 if step == 33 else 1.0}
        made_up.last.paths = ("b.png", "a.png", "a.png") if step == 33 else ("a.png",)
        hook.after_step(made_up)  # type: ignore[arg-type]
    # usual: 2 until step 32; told after ten seconds, at step 40
    assert heard[0] == events.HardBatch(step=33, loss=9.0, usual=2.0, images=[9, 7])


def test_as_long_as_every_loss_is_below_the_usual_one_no_batch_is_the_hardest(clock: Clock) -> None:
    heard: list[Event] = []
    hook = HardBatchHook(heard.append, {"a.png": 7})
    made_up = trainer()
    for step in range(1, 61):
        clock.now += 0.25
        made_up.state.step = step
        made_up.last.losses = {"class": 100.0 - step}
        made_up.last.paths = ("a.png",)
        hook.after_step(made_up)  # type: ignore[arg-type]
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
