"""Cross-validation from the Train page, with a fake worker."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.services.context import AppContext
from app.train.crossval import CrossValidationDialog
from app.train.page import TrainPage
from detcore.errors import ConfigError
from detcore.jobs.config import TrainConfig
from detcore.jobs.preparing.runs import prepare_cross_validation
from detcore.jobs.settings.learning import Learning
from detcore.project.cross_validation import fold_folder, read_plan
from detcore.project.edits import add_boxes, delete_boxes
from detcore.project.project import Project
from detcore.project.runs import RunFolder, RunInfo, RunState, find_run, list_runs
from detcore.types import Box
from tests.app.train.train_driving import LEFT, WAIT, last_message, wait_for_end, write_run
from tests.settings_of_runs import with_settings


@pytest.fixture
def project(project: Project) -> Project:
    """Boxes on all six images."""
    class_id = project.classes()[0].id
    project.edit(
        add_boxes,
        [
            Box(id=0, image_id=image_id, class_id=class_id, x1=20, y1=40, x2=60, y2=80)
            for image_id in project.image_ids()[2:]
        ],
    )
    return project


def cross_validate(qtbot: QtBot, page: TrainPage, *, folds: int) -> None:
    """Press X and answer the dialog; returns when the run is in the list."""

    def answer() -> None:
        dialog = QApplication.activeModalWidget()
        assert isinstance(dialog, CrossValidationDialog)
        dialog.folds.selectAll()
        qtbot.keyClicks(dialog.folds, str(folds))
        qtbot.keyClick(dialog.folds, Qt.Key.Key_Return)

    QTimer.singleShot(0, answer)
    qtbot.keyClick(page, Qt.Key.Key_X)
    # the dialog had the keys, and the platform of the tests gives them to nobody when it closes
    page.activateWindow()
    qtbot.waitUntil(lambda: page.run_list.selected == "001-crossval", timeout=WAIT)


def run_of(project: Project) -> RunFolder:
    return find_run(project, "001-crossval")


def test_cross_validation_is_a_job_that_ends_in_a_run_with_detections(
    qtbot: QtBot, open_page: TrainPage, context: AppContext, project: Project
) -> None:
    cross_validate(qtbot, open_page, folds=3)
    status = open_page.run_view.status
    qtbot.waitUntil(lambda: "Cross-validating · Fold 1 of 2" in status.state.text(), timeout=WAIT)
    assert not open_page.buttons.start.isVisible()
    assert open_page.buttons.stop.isEnabled()
    assert not open_page.buttons.finish.isEnabled()
    assert not context.actions["train.crossval"].isEnabled()
    qtbot.waitUntil(lambda: "Fold 2 of 2" in status.state.text(), timeout=WAIT)
    assert 0.5 <= status.progress.value() / status.progress.maximum() <= 1
    wait_for_end(qtbot, context)
    assert [len(fold) for fold in read_plan(run_of(project)).held_out] == [2, 2, 2]
    message = last_message(context)
    assert message.text.startswith("001-crossval completed")
    assert message.action is not None
    asked: list[str] = []
    context.view.run_wanted.connect(asked.append)
    open_page.request_page.connect(asked.append)
    message.action[1]()
    assert asked == ["001-crossval", "review"]
    qtbot.waitUntil(lambda: _row(open_page).state is RunState.COMPLETED, timeout=WAIT)
    assert _row(open_page).has_detections
    assert not context.actions["train.resume"].isEnabled()
    assert not context.actions["train.predict"].isEnabled()
    assert context.actions["train.crossval"].isEnabled()


def _row(page: TrainPage) -> RunInfo:
    return page.shelf.model.runs[0]


def test_a_cross_validation_is_stopped_and_resumed(
    qtbot: QtBot, open_page: TrainPage, context: AppContext, behave: Callable[[str], None], project: Project
) -> None:
    behave("long")
    cross_validate(qtbot, open_page, folds=2)
    qtbot.waitUntil(lambda: "Fold 2" in open_page.run_view.status.state.text(), timeout=WAIT)
    qtbot.mouseClick(open_page.buttons.stop, LEFT)
    wait_for_end(qtbot, context)
    assert last_message(context).text.startswith("001-crossval stopped and kept")
    qtbot.waitUntil(lambda: _row(open_page).state is RunState.STOPPED, timeout=WAIT)
    behave("good")
    qtbot.waitUntil(lambda: context.actions["train.resume"].isEnabled(), timeout=WAIT)
    qtbot.keyClick(open_page, Qt.Key.Key_R, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: bool(context.jobs.active()), timeout=WAIT)
    assert not context.actions["train.start"].isEnabled()
    wait_for_end(qtbot, context)
    qtbot.waitUntil(lambda: _row(open_page).state is RunState.COMPLETED, timeout=WAIT)


def test_a_cross_validation_survives_the_death_of_its_process(
    qtbot: QtBot, open_page: TrainPage, context: AppContext, behave: Callable[[str], None], project: Project
) -> None:
    behave("killed")
    cross_validate(qtbot, open_page, folds=2)
    wait_for_end(qtbot, context)
    message = last_message(context)
    assert "the cross-validation process was killed (signal 9)" in message.text
    assert message.action is not None
    assert message.action[0] == "Resume"
    qtbot.waitUntil(lambda: _row(open_page).state is RunState.INTERRUPTED, timeout=WAIT)
    assert "Resume goes on" in open_page.run_view.status.state.text()
    behave("good")
    message.action[1]()
    qtbot.waitUntil(lambda: bool(context.jobs.active()), timeout=WAIT)
    wait_for_end(qtbot, context)
    qtbot.waitUntil(lambda: _row(open_page).state is RunState.COMPLETED, timeout=WAIT)


def test_too_few_images_are_told_and_no_run_is_made(
    qtbot: QtBot, open_page: TrainPage, context: AppContext, project: Project
) -> None:
    boxes = [box.id for image_id in project.image_ids()[3:] for box in project.boxes(image_id)]
    context.document.edit(delete_boxes, boxes)
    qtbot.waitUntil(lambda: open_page._data is not None and open_page._data.labelled == 3, timeout=WAIT)

    def answer() -> None:
        dialog = QApplication.activeModalWidget()
        assert isinstance(dialog, CrossValidationDialog)
        qtbot.keyClick(dialog, Qt.Key.Key_Return)

    QTimer.singleShot(0, answer)
    context.actions["train.crossval"].trigger()
    qtbot.waitUntil(lambda: bool(context.messages.history), timeout=WAIT)
    # two folds, the fewest that are offered, need four images
    assert "3 labelled images are too few for 2 folds" in last_message(context).text
    assert "Take fewer folds, or label more images" in last_message(context).text
    assert list_runs(project) == []
    assert context.actions["train.crossval"].isEnabled()


@pytest.mark.parametrize(("images", "most"), [(1, 2), (5, 2), (6, 3), (19, 9), (20, 10), (364, 10)])
def test_no_more_folds_are_offered_than_pairs_of_images(qtbot: QtBot, images: int, most: int) -> None:
    dialog = CrossValidationDialog(TrainConfig(), images=images, own_weights=False)
    qtbot.addWidget(dialog)
    assert dialog.answer().folds == min(4, most)
    for _ in range(10):
        qtbot.keyClick(dialog.folds, Qt.Key.Key_Up)
    assert dialog.answer().folds == most


def test_the_dialog_says_what_it_costs(qtbot: QtBot) -> None:
    dialog = CrossValidationDialog(TrainConfig(learning=Learning(minutes=5.0)), images=364, own_weights=False)
    qtbot.addWidget(dialog)
    # 3 of 4 parts of 364 images are 273; 4 times 5 minutes
    assert "4 trainings on about 273 of 364 images: about 20 min 00 s" in dialog.cost.text()
    qtbot.keyClick(dialog.folds, Qt.Key.Key_Up)
    assert "5 trainings on about 291" in dialog.cost.text()
    assert dialog.answer().folds == 5
    dialog.folds.setValue(99)
    assert dialog.answer().folds == 10
    dialog.folds.setValue(0)
    assert dialog.answer().folds == 2


def test_no_fold_starts_from_what_has_learnt_the_labels(project: Project, tmp_path: Path) -> None:
    own = project.runs_folder / write_run(project, [0.1]) / "best.safetensors"
    config = TrainConfig(learning=Learning(minutes=1.0, weights=str(own), oversample=2.0))
    prepared = prepare_cross_validation(project, config, folds=2)
    used = TrainConfig.load(fold_folder(prepared.run, 0).config)
    assert (used.learning.weights, used.learning.oversample, used.learning.minutes) == (None, 0.0, 1.0)
    (tmp_path / "coco.pth").touch()
    others = with_settings(config, weights=str(tmp_path / "coco.pth"))
    prepared = prepare_cross_validation(project, others, folds=2)
    assert TrainConfig.load(fold_folder(prepared.run, 1).config).learning.weights == str(
        tmp_path / "coco.pth"
    )


def test_without_labels_there_is_nothing_to_validate(tmp_path: Path) -> None:
    empty = Project.create(tmp_path / "empty.reticle", image_root=tmp_path)
    with empty, pytest.raises(ConfigError, match="no labelled images"):
        prepare_cross_validation(empty, TrainConfig(), folds=2)
