"""The Train page, with real mouse and key events; workers are fakes except in the last test."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QModelIndex, QPoint, Qt
from PySide6.QtWidgets import QApplication
from pytestqt.modeltest import ModelTester
from pytestqt.qtbot import QtBot

from app.context import AppContext
from app.messages import Message
from app.pages.train.page import CONFIG_KEY, TrainPage
from app.training_data import RATIOS, survey
from app.widgets.train.run_list import tick_area
from detcore.events import Ended, EndReason, Event, Started, Step, Validation, encode
from detcore.project.edits import delete_boxes, set_split
from detcore.project.project import Project
from detcore.project.runs import RunState, create_run, list_runs
from detcore.project.snapshot import Snapshot
from detcore.training.config import TrainConfig
from tests.app.worker_fakes import fake_workers

WAIT = 30_000
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def behave(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    use = fake_workers(monkeypatch)
    use("good")
    return use


@pytest.fixture
def page(qtbot: QtBot, context: AppContext, behave: Callable[[str], None]) -> TrainPage:
    page = TrainPage(context)
    qtbot.addWidget(page)
    context.actions.install(page)
    page.resize(1380, 820)
    page.show()
    qtbot.waitExposed(page)
    context.actions.show_scope("train")
    page.entered()
    return page


@pytest.fixture
def open_page(qtbot: QtBot, page: TrainPage, context: AppContext, project: Project) -> TrainPage:
    context.document.open(project)
    qtbot.waitUntil(lambda: page._data is not None, timeout=WAIT)
    return page


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
    run.config.write_text(TrainConfig(minutes=5.0).to_json(), encoding="utf-8")
    return run.name


def test_without_a_project_the_page_says_what_to_do_and_leads_there(qtbot: QtBot, page: TrainPage) -> None:
    assert page.empty.title.text() == "No project is open"
    assert not page.buttons.start.isEnabled()
    with qtbot.waitSignal(page.request_page) as asked:
        qtbot.mouseClick(page.empty.button, LEFT)
    assert asked.args == ["label"]


def test_without_boxes_training_is_refused_with_the_way_out(
    qtbot: QtBot, open_page: TrainPage, context: AppContext, project: Project
) -> None:
    context.document.apply(delete_boxes(project, [box.id for box in project.all_boxes()]))
    qtbot.waitUntil(lambda: open_page.empty.title.text() == "No labelled images yet", timeout=WAIT)
    qtbot.mouseClick(open_page.buttons.start, LEFT)
    qtbot.waitUntil(lambda: bool(context.messages.history), timeout=WAIT)
    assert "no labelled images yet" in last_message(context).text
    assert "Label page" in last_message(context).text
    assert list_runs(project) == []


def test_images_without_splits_are_divided_once_and_undo_takes_it_back(
    qtbot: QtBot, open_page: TrainPage, context: AppContext, project: Project
) -> None:
    assert "without splits" in open_page.buttons.data.text()
    train(qtbot, open_page)
    message = next(item for item in context.messages.history if item.action and item.action[0] == "Undo")
    assert survey(project).unassigned == 0
    assert survey(project).train >= 1
    assert set(project.statistics().splits) <= set(RATIOS)
    assert message.action is not None
    message.action[1]()
    assert project.statistics().splits == {}
    wait_for_end(qtbot, context)


def test_a_project_whose_labelled_images_are_all_for_testing_is_refused(
    qtbot: QtBot, open_page: TrainPage, context: AppContext, project: Project
) -> None:
    context.document.apply(set_split(project, dict.fromkeys(project.image_ids(), "test")))
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
    assert project.get_setting(CONFIG_KEY)["model"] == "reticle-s"
    with qtbot.waitSignal(page.request_page) as asked:
        action = last_message(context).action
        assert action is not None
        action[1]()
    assert asked.args == ["review"]


def test_stop_and_keep_by_mouse_then_resume_by_key_goes_on_from_the_checkpoint(
    qtbot: QtBot, open_page: TrainPage, context: AppContext, behave: Callable[[str], None]
) -> None:
    behave("long")
    train(qtbot, open_page)
    qtbot.mouseClick(open_page.buttons.stop, LEFT)
    assert open_page.buttons.stop.text() == "Stopping…"
    wait_for_end(qtbot, context)
    assert "stopped and kept" in last_message(context).text
    history = open_page.histories.get("001-reticle-s")
    assert history is not None
    assert history.step is not None
    stopped_at = history.step.step
    qtbot.waitUntil(lambda: open_page.shelf.model.runs[0].state is RunState.STOPPED, timeout=WAIT)
    behave("good")
    qtbot.keyClick(open_page, Qt.Key.Key_R, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: bool(context.jobs.active()), timeout=WAIT)
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


def test_runs_come_back_from_their_folders_with_their_curves(
    qtbot: QtBot, page: TrainPage, context: AppContext, project: Project
) -> None:
    write_run(project, [0.1, 0.3])
    write_run(project, [0.2, 0.4, 0.5], EndReason.STOPPED)
    context.document.open(project)
    qtbot.waitUntil(lambda: has_steps(page), timeout=WAIT)
    assert [run.name for run in page.shelf.model.runs] == ["002-reticle-s", "001-reticle-s"]
    assert page.run_view.status.title.text() == "002-reticle-s"
    assert page.run_view.plots.metrics.last_x() == 3
    assert page.context.actions["train.resume"].text() == "Resume"
    qtbot.keyClick(page.run_list.view, Qt.Key.Key_Down)
    qtbot.waitUntil(lambda: page.run_view.plots.metrics.last_x() == 2, timeout=WAIT)
    assert page.context.actions["train.resume"].text() == "Train longer"


def test_a_tick_overlays_the_curves_of_another_run(
    qtbot: QtBot, page: TrainPage, context: AppContext, project: Project
) -> None:
    write_run(project, [0.1, 0.3])
    write_run(project, [0.2, 0.4, 0.5])
    context.document.open(project)
    qtbot.waitUntil(lambda: has_steps(page), timeout=WAIT)
    view = page.run_list.view
    row = view.visualRect(page.shelf.model.index(1))
    qtbot.mouseClick(view.viewport(), LEFT, pos=tick_area(row).center())
    qtbot.waitUntil(lambda: "run 001-reticle-s" in page.run_view.plots.losses.legend.entries, timeout=WAIT)
    view.setCurrentIndex(page.shelf.model.index(1))
    qtbot.keyClick(view, Qt.Key.Key_Space)
    assert page.shelf.model.compared == []


def test_discard_moves_a_run_away_and_undo_brings_it_back(
    qtbot: QtBot, page: TrainPage, context: AppContext, project: Project
) -> None:
    name = write_run(project, [0.1])
    context.document.open(project)
    qtbot.waitUntil(lambda: page.run_list.selected == name, timeout=WAIT)
    qtbot.keyClick(page.run_list.view, Qt.Key.Key_Delete)
    qtbot.waitUntil(lambda: page.shelf.model.rowCount() == 0, timeout=WAIT)
    assert page.middle.currentWidget() is page.empty
    action = last_message(context).action
    assert action is not None
    action[1]()
    qtbot.waitUntil(lambda: page.shelf.model.rowCount() == 1, timeout=WAIT)


def test_predict_again_freezes_the_images_of_now_and_leads_to_review(
    qtbot: QtBot, page: TrainPage, context: AppContext, project: Project
) -> None:
    name = write_run(project, [0.1])
    folder = project.runs_folder / name
    (folder / "best.safetensors").write_bytes(b"weights")
    context.document.open(project)
    qtbot.waitUntil(lambda: context.actions["train.predict"].isEnabled(), timeout=WAIT)
    context.actions["train.predict"].trigger()
    qtbot.waitUntil(lambda: bool(context.messages.history), timeout=WAIT)
    assert last_message(context).text == f"{name}: predictions are ready."
    assert [image.id for image in Snapshot.load(folder / "predict.npz").images] == project.image_ids()


def test_a_warning_of_the_run_reaches_the_message_bar(
    qtbot: QtBot, open_page: TrainPage, context: AppContext, behave: Callable[[str], None]
) -> None:
    behave("memory")
    qtbot.mouseClick(open_page.buttons.start, LEFT)
    qtbot.waitUntil(
        lambda: any("trying again with half the batch" in m.text for m in context.messages.history),
        timeout=WAIT,
    )
    wait_for_end(qtbot, context)


def test_the_context_menu_offers_what_can_be_done_with_a_run(
    qtbot: QtBot, page: TrainPage, context: AppContext, project: Project
) -> None:
    write_run(project, [0.1])
    context.document.open(project)
    qtbot.waitUntil(lambda: page.shelf.model.rowCount() == 1, timeout=WAIT)
    page.run_list.view.customContextMenuRequested.emit(QPoint(40, 20))
    menu = QApplication.activePopupWidget()
    assert menu is not None
    texts = [action.text() for action in menu.actions()]
    menu.close()
    assert texts == ["Train longer", "Predict again", "Discard run", "Show the run's folder"]


def test_closing_the_project_stops_its_training_and_empties_the_page(
    qtbot: QtBot, open_page: TrainPage, context: AppContext, behave: Callable[[str], None]
) -> None:
    behave("long")
    train(qtbot, open_page)
    context.document.close()
    assert open_page.shelf.model.rowCount(QModelIndex()) == 0
    assert open_page.middle.currentWidget() is open_page.empty
    wait_for_end(qtbot, context)


def test_a_run_of_another_project_with_the_same_name_is_left_alone_and_can_be_worked_with(
    qtbot: QtBot,
    open_page: TrainPage,
    context: AppContext,
    behave: Callable[[str], None],
    image_folder: Path,
    tmp_path: Path,
) -> None:
    other = Project.create(tmp_path / "other.reticle", image_root=image_folder)
    name = write_run(other, [0.3])
    behave("long")
    train(qtbot, open_page)
    assert context.jobs.active()[0].name == name
    context.document.open(other)
    qtbot.waitUntil(lambda: open_page.shelf.model.rowCount() == 1, timeout=WAIT)
    assert open_page.shelf.model.runs[0].state is RunState.COMPLETED
    assert open_page.buttons.start.isEnabled()
    assert context.actions["train.resume"].isEnabled()
    wait_for_end(qtbot, context)
    assert last_message(context).text == f"Training in test was stopped and kept: {name}."
    assert open_page.shelf.model.runs[0].state is RunState.COMPLETED
    history = open_page.histories.get(name)
    assert history is None or history.step is None or history.step.step == 1


def test_the_list_of_runs_keeps_the_rules_of_item_models(
    qtmodeltester: ModelTester, page: TrainPage, project: Project
) -> None:
    write_run(project, [0.1])
    write_run(project, [0.2])
    page.shelf.model.set_runs(list_runs(project))
    qtmodeltester.check(page.shelf.model)


def test_a_real_training_child_trains_dies_and_goes_on(
    qtbot: QtBot, context: AppContext, project: Project, tmp_path: Path
) -> None:
    """No fake here: the real worker on six small images."""
    ids = project.image_ids()
    project.apply(set_split(project, {ids[0]: "train", ids[1]: "val"}))
    page = TrainPage(context)
    qtbot.addWidget(page)
    page.show()
    context.actions.show_scope("train")
    context.document.open(project)
    page.setup.show_config(
        TrainConfig(
            minutes=5.0, device="cpu", image_size=64, batch_size=2, threads=1, checkpoint_every_seconds=1.0
        )
    )
    qtbot.mouseClick(page.buttons.start, LEFT)
    checkpoint = project.runs_folder / "001-reticle-s" / "last.safetensors"
    qtbot.waitUntil(lambda: has_steps(page) and checkpoint.is_file(), timeout=120_000)
    pid = context.jobs.pid(context.jobs.active()[0])
    assert pid is not None
    assert os.getpriority(os.PRIO_PROCESS, pid) == 10
    os.kill(pid, signal.SIGKILL)
    wait_for_end(qtbot, context)
    message = last_message(context)
    assert message.action is not None
    assert message.action[0] == "Resume"
    message.action[1]()
    history = page.histories.get("001-reticle-s")
    qtbot.waitUntil(lambda: bool(context.jobs.active()), timeout=WAIT)
    history = page.histories.get("001-reticle-s")
    assert history is not None
    qtbot.waitUntil(lambda: history.started is not None and history.started.step > 0, timeout=120_000)
    qtbot.mouseClick(page.buttons.stop, LEFT)
    qtbot.waitUntil(lambda: not context.jobs.active(), timeout=60_000)
    assert "stopped and kept" in last_message(context).text
