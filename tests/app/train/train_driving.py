"""What tests of the Train page do again and again."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from pytestqt.qtbot import QtBot

from app.services.context import AppContext
from app.services.messages import Message
from app.train.page import TrainPage
from detcore.jobs.config import TrainConfig
from detcore.jobs.events import Ended, EndReason, Event, Started, Step, Validation, encode
from detcore.jobs.settings.learning import Learning
from detcore.project.project import Project
from detcore.project.runs import create_run

WAIT = 30_000
LEFT = Qt.MouseButton.LeftButton
IN_A_SMALL_WINDOW = QSize(1036, 590)
"""Of the page in a window of 1100 × 700: beside the rail, below menus, tool bar and a strip of messages."""


def last_message(context: AppContext) -> Message:
    return context.messages.history[-1]


def train(qtbot: QtBot, page: TrainPage) -> None:
    """Press Train and wait until the first losses are there."""
    qtbot.mouseClick(page.buttons.start, LEFT)
    qtbot.waitUntil(lambda: has_steps(page), timeout=WAIT)


def has_steps(page: TrainPage) -> bool:
    run = page.histories.get(page.run_list.selected)
    return run is not None and run.step is not None


def wait_for_end(qtbot: QtBot, context: AppContext) -> None:
    qtbot.waitUntil(lambda: not context.jobs.active(), timeout=WAIT)


def write_run(project: Project, aps: list[float], reason: EndReason = EndReason.COMPLETED) -> str:
    """A run that has ended, in the project's folder."""
    run = create_run(project, "reticle-s")
    events: list[Event] = [Started(time=0.0, device="cpu", device_name="CPU", batch_size=8)]
    for number, ap in enumerate(aps, start=1):
        events.append(
            Step(
                step=number,
                epoch=number,
                time=60.0 * number,
                fraction=number / len(aps),
                remaining=0.0,
                learning_rate=0.001,
                losses={"total": 1.0 / number},
                images_per_second=10.0,
            )
        )
        events.append(
            Validation(
                step=number, epoch=number, time=60.0 * number, metrics={"AP": ap}, per_class={}, best=True
            )
        )
    events.append(Ended(reason=reason, time=1.0))
    run.events.write_text("".join(encode(event) + "\n" for event in events), encoding="utf-8")
    run.config.write_text(TrainConfig(learning=Learning(minutes=5.0)).to_json(), encoding="utf-8")
    return run.name
