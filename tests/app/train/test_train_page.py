"""The Train page, with real mouse and key events; workers are fakes except in the last test."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.services.context import AppContext
from app.train.page import CONFIG_KEY, TrainPage
from detcore.jobs.preparing.material import RATIOS, survey
from detcore.project.edits import delete_boxes, set_split
from detcore.project.project import Project
from detcore.project.runs import RunState, list_runs
from tests.app.train.train_driving import LEFT, WAIT, last_message, train, wait_for_end


def test_without_a_project_the_page_says_what_to_do_and_leads_there(qtbot: QtBot, page: TrainPage) -> None:
    assert page.empty.title.text() == "No project is open"
    assert not page.buttons.start.isEnabled()
    with qtbot.waitSignal(page.request_page) as asked:
        qtbot.mouseClick(page.empty.button, LEFT)
    assert asked.args == ["label"]


def test_without_boxes_training_is_refused_with_the_way_out(
    qtbot: QtBot, open_page: TrainPage, context: AppContext, project: Project
) -> None:
    context.document.edit(delete_boxes, [box.id for box in project.all_boxes()])
    qtbot.waitUntil(lambda: open_page.empty.title.text() == "No labelled images yet", timeout=WAIT)
    qtbot.mouseClick(open_page.buttons.start, LEFT)
    qtbot.waitUntil(lambda: bool(context.messages.history), timeout=WAIT)
    assert "no labelled images yet" in last_message(context).text
    assert "Label page" in last_message(context).text
    assert list_runs(project) == []


def test_images_without_splits_are_divided_once_and_undo_takes_it_back(
    qtbot: QtBot, open_page: TrainPage, context: AppContext, project: Project
) -> None:
    assert "have no split" in open_page.buttons.data.text()
    train(qtbot, open_page)
    message = next(item for item in context.messages.history if item.action and item.action[0] == "Undo")
    assert survey(project).unassigned == 0
    assert survey(project).train >= 1
    assert set(project.statistics().splits) <= set(RATIOS)
    assert message.action is not None
    message.action[1]()
    assert project.statistics().splits == {}
    wait_for_end(qtbot, context)


@pytest.mark.parametrize("redone", [False, True])
def test_undo_of_the_division_takes_no_other_edit_of_splits_back(
    qtbot: QtBot, open_page: TrainPage, context: AppContext, project: Project, redone: bool
) -> None:
    train(qtbot, open_page)
    message = next(item for item in context.messages.history if item.action and item.action[0] == "Undo")
    divided = {image.id: image.split for image in project.images()}
    first = project.images()[0]
    other = next(split for split in RATIOS if split != first.split)
    context.document.edit(set_split, {first.id: other})
    assert message.action is not None
    message.action[1]()
    assert project.image(first.id).split == other
    assert last_message(context).text == "There are later edits: undo those first."
    context.document.undo()
    if redone:
        context.document.undo()
        context.document.redo()
    assert {image.id: image.split for image in project.images()} == divided
    message.action[1]()
    assert project.statistics().splits == {}
    wait_for_end(qtbot, context)


def test_a_project_whose_labelled_images_are_all_for_testing_is_refused(
    qtbot: QtBot, open_page: TrainPage, context: AppContext, project: Project
) -> None:
    context.document.edit(set_split, dict.fromkeys(project.image_ids(), "test"))
    qtbot.mouseClick(open_page.buttons.start, LEFT)
    qtbot.waitUntil(lambda: bool(context.messages.history), timeout=WAIT)
    assert "train split" in last_message(context).text


def test_training_shows_its_curves_progress_and_end(
    qtbot: QtBot, open_page: TrainPage, context: AppContext, project: Project
) -> None:
    told: list[str] = []
    context.document.runs_changed.connect(lambda: told.append("changed"))
    train(qtbot, open_page)
    page = open_page
    assert page.run_list.selected == "001-reticle-s"
    assert page.middle.currentWidget() is page.run_view
    assert page.buttons.stop.isVisible()
    assert not page.setup.choices.isEnabled()
    wait_for_end(qtbot, context)
    qtbot.waitUntil(
        lambda: [run.state for run in page.shelf.model.runs] == [RunState.COMPLETED], timeout=WAIT
    )
    assert page.run_view.plots.losses.last_x() == 40
    assert page.run_view.status.best.value.text() == "0.500"
    assert "completed, best AP 0.500" in last_message(context).text
    assert page.buttons.start.isVisible()
    assert told
    assert project.get_setting(CONFIG_KEY)["detector"] == "reticle-s"
    with qtbot.waitSignal(page.request_page) as asked:
        action = last_message(context).action
        assert action is not None
        action[1]()
    assert asked.args == ["review"]


def test_the_focus_stays_on_the_buttons_from_the_start_of_a_training_to_its_end(
    qtbot: QtBot, open_page: TrainPage, context: AppContext
) -> None:
    buttons = open_page.buttons
    train(qtbot, open_page)
    qtbot.waitUntil(buttons.stop.hasFocus, timeout=WAIT)
    wait_for_end(qtbot, context)
    qtbot.waitUntil(buttons.start.hasFocus, timeout=WAIT)


def test_stop_and_keep_by_mouse_then_resume_by_key_goes_on_from_the_checkpoint(
    qtbot: QtBot, open_page: TrainPage, context: AppContext, behave: Callable[[str], None]
) -> None:
    behave("long")
    train(qtbot, open_page)
    qtbot.mouseClick(open_page.buttons.stop, LEFT)
    assert open_page.buttons.stop.text() == "Stopping…"
    wait_for_end(qtbot, context)
    stopped = last_message(context)
    assert "stopped and kept" in stopped.text
    assert stopped.offers
    history = open_page.histories.get("001-reticle-s")
    assert history is not None
    assert history.step is not None
    stopped_at = history.step.step
    qtbot.waitUntil(lambda: open_page.shelf.model.runs[0].state is RunState.STOPPED, timeout=WAIT)
    behave("good")
    qtbot.keyClick(open_page, Qt.Key.Key_R, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: bool(context.jobs.active()), timeout=WAIT)
    assert stopped.is_over
    wait_for_end(qtbot, context)
    history = open_page.histories.get("001-reticle-s")
    assert history is not None
    steps = history.losses["total"].x.tolist()
    assert steps == list(range(1, max(40, stopped_at) + 1))


def test_finish_now_ends_with_the_best(
    qtbot: QtBot, open_page: TrainPage, context: AppContext, behave: Callable[[str], None]
) -> None:
    behave("long")
    train(qtbot, open_page)
    qtbot.mouseClick(open_page.buttons.finish, LEFT)
    wait_for_end(qtbot, context)
    assert "finished early" in last_message(context).text


def test_a_killed_training_leaves_the_window_alive_says_why_and_resumes(
    qtbot: QtBot, open_page: TrainPage, context: AppContext, behave: Callable[[str], None]
) -> None:
    behave("long")
    train(qtbot, open_page)
    qtbot.waitUntil(lambda: bool(open_page.histories.get("001-reticle-s").metrics), timeout=WAIT)
    pid = context.jobs.pid(context.jobs.active()[0])
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    wait_for_end(qtbot, context)
    message = last_message(context)
    assert message.level == "warning"
    assert "was killed" in message.text
    assert message.action is not None
    assert message.action[0] == "Resume"
    qtbot.waitUntil(lambda: open_page.shelf.model.runs[0].state is RunState.INTERRUPTED, timeout=WAIT)
    assert open_page.buttons.start.isEnabled()
    behave("good")
    message.action[1]()
    qtbot.waitUntil(lambda: bool(context.jobs.active()), timeout=WAIT)
    wait_for_end(qtbot, context)
    assert "completed" in last_message(context).text


def test_a_crash_shows_the_last_words_of_the_process(
    qtbot: QtBot, open_page: TrainPage, context: AppContext, behave: Callable[[str], None]
) -> None:
    behave("crash")
    qtbot.mouseClick(open_page.buttons.start, LEFT)
    qtbot.waitUntil(
        lambda: any(m.level == "warning" and "code 1" in m.text for m in context.messages.history),
        timeout=WAIT,
    )
    assert "device-side assert" in last_message(context).details
    qtbot.mouseClick(open_page.run_view.log.button, LEFT)
    assert "device-side assert" in open_page.run_view.log.text.toPlainText()
