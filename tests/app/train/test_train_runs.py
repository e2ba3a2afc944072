"""Runs on the Train page: list, comparison, discard, endings; the last test trains for real."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QModelIndex, QPoint, QSize, Qt
from PySide6.QtWidgets import QApplication
from pytestqt.modeltest import ModelTester
from pytestqt.qtbot import QtBot

from app.plots.metric_plot import MetricPlot
from app.services.context import AppContext
from app.train.commands import MENU
from app.train.control import PREDICTING, TRAINING
from app.train.page import TrainPage
from app.train.run_history import LogLine
from app.train.run_model import state_text
from app.train.widgets.run_list import tick_area
from detcore.jobs.config import TrainConfig
from detcore.jobs.events import EndReason, Progress
from detcore.jobs.settings.learning import Learning
from detcore.jobs.settings.runtime import Runtime
from detcore.project.edits import set_split
from detcore.project.imported_run import ImportedFrom
from detcore.project.project import Project
from detcore.project.runs import RunState, create_run, find_run, list_runs, make_imported_run, save_detections
from detcore.project.snapshot import Snapshot
from detcore.types import Detections
from tests.app.train.train_driving import (
    IN_A_SMALL_WINDOW,
    LEFT,
    WAIT,
    has_steps,
    last_message,
    train,
    wait_for_end,
    write_run,
)


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


def test_what_is_done_after_a_training_does_not_tell_the_pace_of_the_training(
    qtbot: QtBot, page: TrainPage, context: AppContext, project: Project
) -> None:
    write_run(project, [0.1, 0.3])
    context.document.open(project)
    qtbot.waitUntil(lambda: has_steps(page), timeout=WAIT)
    (run,), history, status = (
        page.shelf.model.runs,
        page.histories.get(page.run_list.selected),
        page.run_view.status,
    )
    assert history is not None
    status.show_run(run, history, doing="Exporting")
    assert (status.time_left.text(), status.speed.value.text(), status.step.value.text()) == ("", "–", "2")
    assert status.progress.maximum() == 0  # busy, nobody knows how long
    history.add(Progress(done=3, total=4, text="Checking"))
    status.show_run(run, history, doing="Exporting")
    assert (status.progress.value(), status.progress.maximum()) == (3, 4)


def test_the_last_line_of_the_log_says_where_it_is_cut(qtbot: QtBot, page: TrainPage) -> None:
    log, text = page.run_view.log, "a rather long line of the log " * 8
    log.last.resize(200, 20)
    log.show_lines([LogLine(level="info", text=text)])
    assert log.last.text().endswith("…")
    assert log.last.text().startswith("a rather")
    assert log.last.toolTip() == text


def test_a_pruned_run_says_of_which_it_is_a_part_and_how_much_was_kept(
    qtbot: QtBot, page: TrainPage, context: AppContext, project: Project
) -> None:
    create_run(project, "reticle-s", pruned_from="001-reticle-s", kept=0.6)
    context.document.open(project)
    qtbot.waitUntil(lambda: bool(page.shelf.model.runs), timeout=WAIT)
    assert state_text(page.shelf.model.runs[0]) == "Not started · pruned from 001"
    tip = page.shelf.model.index(0).data(Qt.ItemDataRole.ToolTipRole)
    assert "pruned from 001-reticle-s, 60% of its channels kept" in tip


def test_on_the_smallest_page_the_legends_are_whole_though_the_figures_take_two_rows(
    qtbot: QtBot, page: TrainPage, context: AppContext, project: Project
) -> None:
    write_run(project, [0.2, 0.4, 0.5])
    context.document.open(project)
    qtbot.waitUntil(lambda: has_steps(page), timeout=WAIT)
    status, plots = page.run_view.status, page.run_view.plots

    def is_whole(plot: MetricPlot) -> bool:
        entries = plot.legend.entries.values()
        return (
            all(entry.visibleRegion().boundingRect() == entry.rect() for entry in entries)
            and plot.view.y() > plot.legend.geometry().bottom()
            and plot.view.geometry().bottom() < plot.height()
        )

    least = QSize(page.minimumSizeHint().width(), IN_A_SMALL_WINDOW.height())

    def all_is_whole() -> bool:
        page.resize(least)
        two_rows = status.device.y() > status.best.y()
        return two_rows and page.size() == least and is_whole(plots.losses) and is_whole(plots.metrics)

    qtbot.waitUntil(all_is_whole, timeout=WAIT)


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
    assert [
        image.id for image in Snapshot.load(folder / "predict_snapshot.npz").images
    ] == project.image_ids()


def test_a_teacher_looks_at_the_images_first_and_is_named_at_the_run_that_it_teaches(
    qtbot: QtBot, page: TrainPage, context: AppContext, project: Project
) -> None:
    name = write_run(project, [0.1])
    teacher = find_run(project, name)
    teacher.best.write_bytes(b"weights")
    context.document.open(project)
    choice = page.setup.settings.more.teacher
    qtbot.waitUntil(lambda: choice.findData(name) >= 0 and page.buttons.start.isEnabled(), timeout=WAIT)
    choice.set_choice(name)
    done: list[str] = []

    def look(_run: Path, verb: str, _outcome: object) -> None:
        done.append(verb)
        if verb == PREDICTING:
            save_detections(teacher, Detections.empty(), image_ids=project.image_ids())

    page.control.ended.connect(look)
    qtbot.mouseClick(page.buttons.start, LEFT)
    assert page.control.preparing
    assert not page.buttons.start.isEnabled()
    qtbot.waitUntil(lambda: page.control.looking == teacher.path, timeout=WAIT)
    assert page.buttons.stop.isVisible()
    qtbot.waitUntil(lambda: len(done) == 2, timeout=WAIT)
    assert done == [PREDICTING, TRAINING]
    run = list_runs(project)[0]
    assert (run.teacher, state_text(run)) == (name, "Completed · taught by 001")
    assert run.folder.lesson.is_file()


def test_a_warning_of_the_run_reaches_the_message_bar(
    qtbot: QtBot, open_page: TrainPage, context: AppContext, behave: Callable[[str], None]
) -> None:
    behave("memory")
    qtbot.mouseClick(open_page.buttons.start, LEFT)
    qtbot.waitUntil(
        lambda: any("trying again with less at a time" in m.text for m in context.messages.history),
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
    assert texts == [
        "Train longer",
        "Predict again",
        "Export model…",
        "Save curves…",
        "Discard run",
        "Show the run's folder",
    ]


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
    project.edit(set_split, {ids[0]: "train", ids[1]: "val"})
    page = TrainPage(context)
    qtbot.addWidget(page)
    page.show()
    context.actions.show_scope("train")
    context.document.open(project)
    page.setup.show_config(
        TrainConfig(
            learning=Learning(minutes=5.0, image_size=64, batch_size=2),
            runtime=Runtime(device="cpu", threads=1, checkpoint_every_seconds=1.0),
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


def test_what_was_imported_says_so_and_offers_nothing_that_needs_weights(
    qtbot: QtBot, page: TrainPage, context: AppContext, project: Project
) -> None:
    origin = ImportedFrom(source="dt.json", format="COCO results (JSON)", by_person=False)
    make_imported_run(
        project, "theirs", origin, lambda run: save_detections(run, Detections.empty(), image_ids=[1])
    )
    context.document.open(project)
    qtbot.waitUntil(lambda: page.run_list.selected == "001-theirs", timeout=WAIT)
    (run,) = page.shelf.model.runs
    assert state_text(run) == "Imported · detections"
    assert "from dt.json (COCO results (JSON))" in page.empty.text.text()
    with qtbot.waitSignals([page.request_page, context.view.run_wanted]):
        qtbot.mouseClick(page.empty.button, Qt.MouseButton.LeftButton)
    offered = {name: context.actions[f"train.{name}"].isEnabled() for name in MENU}
    assert [name for name, enabled in offered.items() if enabled] == ["discard", "reveal"]
    more = page.setup.settings.more
    assert all("theirs" not in more.weights.itemText(row) for row in range(more.weights.count()))
    assert all("theirs" not in more.teacher.itemText(row) for row in range(more.teacher.count()))
