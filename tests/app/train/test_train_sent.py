"""What was sent to training: the card, the run that takes it, and what is left afterwards."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from threading import Event

import numpy as np
import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.services.context import AppContext
from app.train.page import TrainPage
from app.train.run_model import RunModel, state_text
from detcore.curation.emphasis import Emphasis
from detcore.jobs.config import TrainConfig
from detcore.jobs.preparing import runs as preparing
from detcore.jobs.preparing.sent_errors import SentErrors, keep_sent, read_sent
from detcore.project.edits import set_split, update_boxes
from detcore.project.project import Project
from detcore.project.runs import RunFolder, RunState, discard, find_run, list_runs, save_detections
from detcore.project.snapshot import Snapshot
from detcore.types import Detections
from tests.app.train.train_driving import LEFT, WAIT, has_steps, last_message, wait_for_end, write_run

SENT = SentErrors(
    run="001-reticle-s", threshold=0.5, iou_threshold=0.5, images=2, false_positives=1, misses=4
)


@pytest.fixture
def project(project: Project) -> Project:
    """Two labelled images with two boxes each; a run saw nothing there but a ghost on the first. That was sent."""
    first, second = project.image_ids()[:2]
    project.edit(set_split, {first: "train", second: "train"})
    ghost = Detections(
        image_ids=np.array([first]),
        labels=np.array([project.classes()[0].id]),
        boxes=np.array([[70.0, 80.0, 100.0, 110.0]]),
        scores=np.array([0.9]),
    )
    save_detections(find_run(project, write_run(project, [0.1])), ghost, image_ids=project.image_ids())
    keep_sent(project, SENT)
    return project


def config_of(run: RunFolder) -> TrainConfig:
    return TrainConfig.from_json(run.config.read_text())


def train_next(qtbot: QtBot, page: TrainPage, name: str) -> None:
    """Press Train and wait until the new run is shown and has its first losses."""
    qtbot.mouseClick(page.buttons.start, LEFT)
    qtbot.waitUntil(lambda: page.run_list.selected == name and has_steps(page), timeout=WAIT)


def test_the_card_says_what_the_next_training_learns_from_also_after_a_restart(open_page: TrainPage) -> None:
    card = open_page.sent.card
    assert card.isVisible()
    assert card.title.text() == "Learns more from run 001"
    assert card.text.text() == (
        "2 training images with 1 false alarm and 4 missed objects, at a confidence of 0.50"
    )
    assert (card.false_alarms.value(), card.misses.value()) == (50, 50)


@pytest.mark.usefixtures("german")
def test_the_card_writes_numbers_in_the_locale_of_the_person(open_page: TrainPage, project: Project) -> None:
    keep_sent(project, replace(SENT, images=1200, misses=12345))
    open_page.entered()
    assert open_page.sent.card.text.text() == (
        "1.200 training images with 1 false alarm and 12.345 missed objects, at a confidence of 0,50"
    )


def test_the_card_appears_when_the_page_is_entered_after_sending(
    open_page: TrainPage, project: Project
) -> None:
    keep_sent(project, None)
    open_page.entered()
    assert not open_page.sent.card.isVisible()
    keep_sent(project, SENT)
    open_page.entered()
    assert open_page.sent.card.isVisible()


def test_train_puts_the_errors_and_their_strengths_into_the_run_and_uses_them_up(
    qtbot: QtBot, open_page: TrainPage, context: AppContext, project: Project
) -> None:
    card = open_page.sent.card
    qtbot.keyClick(card.misses, Qt.Key.Key_Up)
    qtbot.keyClick(card.misses, Qt.Key.Key_Up)
    assert read_sent(project) == replace(SENT, oversample=0.7)
    train_next(qtbot, open_page, "002-reticle-s")
    run = find_run(project, "002-reticle-s")
    assert (config_of(run).learning.hard_negatives, config_of(run).learning.oversample) == (0.5, 0.7)
    record = json.loads(run.emphasis.read_text())
    first, second = project.image_ids()[:2]
    assert (record["run"], record["threshold"]) == ("001-reticle-s", 0.5)
    assert record["images"] == {
        str(first): {"false_positives": 1, "misses": 2},
        str(second): {"false_positives": 0, "misses": 2},
    }
    assert read_sent(project) is None
    assert not card.isVisible()
    wait_for_end(qtbot, context)
    qtbot.waitUntil(lambda: open_page.buttons.start.isEnabled(), timeout=WAIT)
    train_next(qtbot, open_page, "003-reticle-s")
    following = find_run(project, "003-reticle-s")
    assert (config_of(following).learning.hard_negatives, config_of(following).learning.oversample) == (
        0.0,
        0.0,
    )
    assert not following.emphasis.exists()
    wait_for_end(qtbot, context)


def test_the_list_and_the_head_of_a_run_say_from_whose_errors_it_learns(
    qtbot: QtBot, open_page: TrainPage, context: AppContext
) -> None:
    status = open_page.run_view.status
    qtbot.waitUntil(lambda: status.title.text() == "001-reticle-s", timeout=WAIT)
    assert status.state.text() == "Completed"
    assert status.state.toolTip() == ""
    train_next(qtbot, open_page, "002-reticle-s")
    assert status.state.text().endswith(" · learns from the errors of 001-reticle-s")
    assert status.state.toolTip().startswith("Images in which that run erred are drawn more often")
    wait_for_end(qtbot, context)
    model: RunModel = open_page.shelf.model
    qtbot.waitUntil(lambda: model.runs[0].state is RunState.COMPLETED, timeout=WAIT)
    assert [state_text(run) for run in model.runs] == ["Completed · errors of 001", "Completed"]
    assert "the errors of 001-reticle-s" in model.data(model.index(0), Qt.ItemDataRole.ToolTipRole)


def test_labels_mended_after_sending_are_no_errors_of_the_run(
    qtbot: QtBot, open_page: TrainPage, context: AppContext, project: Project
) -> None:
    boxes = project.boxes(project.image_ids()[1])
    context.document.edit(update_boxes, [replace(box, difficult=True) for box in boxes])
    train_next(qtbot, open_page, "002-reticle-s")
    record = json.loads(find_run(project, "002-reticle-s").emphasis.read_text())
    assert record["images"] == {str(project.image_ids()[0]): {"false_positives": 1, "misses": 2}}
    wait_for_end(qtbot, context)


def test_the_cross_removes_it_and_undo_brings_it_back(
    qtbot: QtBot, open_page: TrainPage, context: AppContext, project: Project
) -> None:
    card = open_page.sent.card
    qtbot.mouseClick(card.remove, LEFT)
    assert not card.isVisible()
    assert read_sent(project) is None
    action = last_message(context).action
    assert action is not None
    assert action[0] == "Undo"
    assert last_message(context).text == "The errors of 001-reticle-s will not count in the next training."
    action[1]()
    assert card.isVisible()
    assert read_sent(project) == SENT


def test_what_counts_for_nothing_is_kept_and_the_run_goes_without(
    qtbot: QtBot, open_page: TrainPage, context: AppContext, project: Project
) -> None:
    for field in (open_page.sent.card.false_alarms, open_page.sent.card.misses):
        for _ in range(5):
            qtbot.keyClick(field, Qt.Key.Key_Down)
        assert field.text() == "As any other"
    train_next(qtbot, open_page, "002-reticle-s")
    assert not find_run(project, "002-reticle-s").emphasis.exists()
    assert open_page.sent.card.isVisible()
    wait_for_end(qtbot, context)


class Gate:
    """Where a run in the making waits once it has read what was sent."""

    def __init__(self) -> None:
        self.reached, self.opened = Event(), Event()

    def wait(self) -> None:
        self.reached.set()
        self.opened.wait(WAIT / 1000)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    gate = Gate()
    find = preparing.find_again

    def wait_and_find(project: Project, sent: SentErrors, snapshot: Snapshot) -> Emphasis:
        gate.wait()
        return find(project, sent, snapshot)

    monkeypatch.setattr(preparing, "find_again", wait_and_find)
    yield gate
    gate.opened.set()


def test_what_is_sent_while_a_run_is_made_waits_for_the_next(
    qtbot: QtBot, open_page: TrainPage, context: AppContext, project: Project, gate: Gate
) -> None:
    later = replace(SENT, threshold=0.25, misses=9)
    qtbot.mouseClick(open_page.buttons.start, LEFT)
    assert gate.reached.wait(WAIT / 1000)
    keep_sent(project, later)
    gate.opened.set()
    qtbot.waitUntil(lambda: open_page.run_list.selected == "002-reticle-s", timeout=WAIT)
    assert json.loads(find_run(project, "002-reticle-s").emphasis.read_text())["threshold"] == 0.5
    assert read_sent(project) == later
    assert open_page.sent.card.text.text().endswith("9 missed objects, at a confidence of 0.25")
    wait_for_end(qtbot, context)


def test_the_card_cannot_be_changed_while_a_run_is_made_from_it(
    qtbot: QtBot, open_page: TrainPage, context: AppContext, project: Project, gate: Gate
) -> None:
    card = open_page.sent.card
    qtbot.mouseClick(open_page.buttons.start, LEFT)
    assert gate.reached.wait(WAIT / 1000)
    qtbot.keyClick(card.misses, Qt.Key.Key_Up)
    qtbot.mouseClick(card.remove, LEFT)
    assert read_sent(project) == SENT
    gate.opened.set()
    qtbot.waitUntil(lambda: open_page.run_list.selected == "002-reticle-s", timeout=WAIT)
    assert read_sent(project) is None
    assert card.isEnabled()
    wait_for_end(qtbot, context)


def test_a_run_that_is_left_before_it_trains_does_not_use_it_up(
    qtbot: QtBot, open_page: TrainPage, context: AppContext, project: Project, gate: Gate
) -> None:
    folder = project.folder
    qtbot.mouseClick(open_page.buttons.start, LEFT)
    assert gate.reached.wait(WAIT / 1000)
    gate.opened.set()
    last_of_its_files = folder / "runs" / "002-reticle-s" / "snapshot.npz"
    until = time.monotonic() + WAIT / 1000
    while (
        not last_of_its_files.exists() and time.monotonic() < until
    ):  # the window hears nothing of it meanwhile
        time.sleep(0.01)
    assert find_run(project, "002-reticle-s").emphasis.exists()
    context.tasks.shut_down()
    context.document.close()
    assert sorted(path.name for path in (folder / "runs").iterdir()) == ["001-reticle-s"]
    with Project.open(folder) as again:
        assert read_sent(again) == SENT


def test_a_run_that_is_gone_is_said_before_there_is_a_new_one(
    qtbot: QtBot, open_page: TrainPage, context: AppContext, project: Project
) -> None:
    discard(project, "001-reticle-s")
    qtbot.mouseClick(open_page.buttons.start, LEFT)
    qtbot.waitUntil(lambda: bool(context.messages.history), timeout=WAIT)
    text = last_message(context).text
    assert "001-reticle-s, whose errors were sent to training, is not there any more" in text
    assert "Learns more from" in text
    assert list_runs(project) == []
    assert open_page.sent.card.isVisible()


def test_another_project_shows_nothing_of_it(open_page: TrainPage, context: AppContext) -> None:
    context.document.close()
    assert not open_page.sent.card.isVisible()


def test_settings_of_another_kind_are_passed_over(project: Project) -> None:
    for stored in ("text", {"run": "001-reticle-s"}, None):
        project.set_setting("train.sent_errors", stored)
        assert read_sent(project) is None
