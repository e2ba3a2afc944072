"""What somebody at a terminal sees of a job, event by event."""

from __future__ import annotations

import io
import sys

import pytest

from detcore.cli.watching import EventPrinter
from detcore.jobs.events import (
    LAYER_FIGURES,
    Checkpoint,
    ClassLosses,
    Data,
    Ended,
    EndReason,
    Event,
    Failed,
    FailureKind,
    HardBatch,
    Heartbeat,
    Layers,
    Log,
    Progress,
    Started,
    Step,
    Validation,
)

STARTED = Started(
    time=0.0, device="cuda:0", device_name="NVIDIA H200", parameters=1_197_593, images=1, batch_size=8
)
STEP = Step(
    step=30,
    epoch=1.0,
    time=15.0,
    fraction=0.25,
    remaining=65.0,
    learning_rate=0.002,
    losses={"class": 1.25, "box": 0.5},
    images_per_second=15.6,
    memory=3 * 2**29,
)


def judged(step: int, *, best: bool) -> Validation:
    metrics = {"AP": 0.2504, "AP50": 0.5}
    return Validation(step=step, epoch=1.0, time=15.0, metrics=metrics, per_class={}, best=best)


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (STARTED, "NVIDIA H200, 1 image, 1.20 M parameters"),
        (judged(0, best=True), "before the first step: AP 0.250, AP50 0.500"),
        (judged(40, best=True), "step 40: AP 0.250, AP50 0.500  best so far"),
        (judged(50, best=False), "step 50: AP 0.250, AP50 0.500"),
        (Log(level="info", text="Threads: 2"), "Threads: 2"),
        (Log(level="warning", text="Left out: a.png"), "warning: Left out: a.png"),
    ],
)
def test_what_matters_is_a_line_also_where_no_terminal_is(
    event: Event, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    printer = EventPrinter()
    printer(event)
    printer.close()
    assert capsys.readouterr() == (f"{line}\n", "")


@pytest.mark.parametrize(
    "event",
    [
        STEP,
        Progress(done=1, total=2, text="Predicting"),
        Data(
            image_size=320, images=1, boxes={}, small_boxes=0, tenth_side=0.0, judged_images=0, judged_boxes=0
        ),
        HardBatch(step=3, loss=9.0, usual=3.0, images=[1]),
        ClassLosses(step=3, losses={"coin": 1.0}),
        Layers(step=3, names=[], figures={name: [] for name in LAYER_FIGURES}),
        Checkpoint(step=3, file="last.safetensors"),
        Heartbeat(time=1.0),
        Failed(failure=FailureKind.BUG, message="told at the end"),
        Ended(reason=EndReason.COMPLETED, time=1.0),
    ],
    ids=lambda event: event.kind,
)
def test_what_follows_each_other_fast_or_is_told_at_the_end_is_no_line(
    event: Event, capsys: pytest.CaptureFixture[str]
) -> None:
    printer = EventPrinter()
    printer(event)
    printer.close()
    assert capsys.readouterr() == ("", "")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_on_a_terminal_a_bar_has_loss_ap_pace_time_left_and_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    printer = EventPrinter()
    printer(STEP)
    assert "25%" in shown(terminal)
    assert "loss 1.750, 16 images/s, 01:05 left, 1.5 GiB" in shown(terminal)
    printer(judged(30, best=True))
    printer(STEP)
    assert "loss 1.750, AP 0.250, 16 images/s, 01:05 left, 1.5 GiB" in shown(terminal)
    # while it predicts there is no pace of learning
    printer(Progress(done=3, total=4, text="Predicting"))
    assert shown(terminal).startswith("Predicting:  75%")
    assert shown(terminal).endswith("loss 1.750, AP 0.250")
    printer.close()
    assert shown(terminal) == ""  # nothing of it is left


def shown(terminal: Terminal) -> str:
    """What the last line of a terminal shows: what was written since the carriage return before the last text."""
    return terminal.getvalue().rpartition("\r")[2].strip()
