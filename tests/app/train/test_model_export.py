"""Exporting a run's detector from the Train page, with a fake worker."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.services.context import AppContext
from app.train.model_export_dialog import ModelExportDialog
from app.train.page import TrainPage
from detcore.jobs.config import TrainConfig
from detcore.project.project import Project
from detcore.zoo.catalogue import find_detector
from tests.app.train.train_driving import LEFT, WAIT, last_message, write_run


@pytest.fixture
def run(project: Project) -> Path:
    """A finished run with weights."""
    folder = project.runs_folder / write_run(project, [0.1])
    (folder / "best.safetensors").write_bytes(b"weights")
    return folder


@pytest.fixture
def dialog(
    qtbot: QtBot, page: TrainPage, context: AppContext, project: Project, run: Path
) -> ModelExportDialog:
    """As the action opens it."""
    context.document.open(project)
    qtbot.waitUntil(context.actions["train.export_model"].isEnabled, timeout=WAIT)
    context.actions["train.export_model"].trigger()
    assert page.model_export.dialog is not None
    return page.model_export.dialog


def press_export(qtbot: QtBot, dialog: ModelExportDialog) -> None:
    qtbot.mouseClick(dialog.export, LEFT)


def test_a_run_without_weights_offers_no_export(
    qtbot: QtBot, page: TrainPage, context: AppContext, project: Project
) -> None:
    name = write_run(project, [0.1])
    context.document.open(project)
    qtbot.waitUntil(lambda: page.run_list.selected == name, timeout=WAIT)
    assert not context.actions["train.export_model"].isEnabled()


def test_the_folder_is_beside_the_project_and_follows_the_format_until_it_is_chosen(
    dialog: ModelExportDialog, qtbot: QtBot, project: Project, run: Path
) -> None:
    beside = project.folder.parent
    assert dialog.folder.text() == str(beside / f"{project.name}-{run.name}-onnx")
    assert dialog.nms.isEnabled()
    dialog.format.setCurrentIndex(dialog.format.findData("torch"))
    assert dialog.folder.text() == str(beside / f"{project.name}-{run.name}-torch")
    assert not dialog.nms.isEnabled()
    assert not dialog.choice.nms
    dialog.folder.selectAll()
    qtbot.keyClicks(dialog.folder, "/my/model")
    dialog.format.setCurrentIndex(dialog.format.findData("onnx"))
    assert dialog.choice.out == Path("/my/model")
    assert dialog.choice.nms


def test_files_of_darknet_are_offered_for_its_networks_alone(
    dialog: ModelExportDialog, qtbot: QtBot, tmp_path: Path
) -> None:
    assert dialog.format.findData("darknet") == -1
    of_darknet = ModelExportDialog("002-darknet", find_detector("darknet"), lambda _id: tmp_path)
    qtbot.addWidget(of_darknet)
    of_darknet.format.setCurrentIndex(of_darknet.format.findData("darknet"))
    assert of_darknet.choice.format == "darknet"
    assert not of_darknet.choice.nms


@pytest.mark.parametrize(
    ("nms", "inside", "says"),
    [
        ("hard", True, "Suppression: Hard, over all classes."),
        ("soft-linear", False, "this detector's suppression (Soft, linear) has no operator"),
    ],
)
def test_nms_is_inside_where_files_can_do_as_the_detector_does(
    qtbot: QtBot, tmp_path: Path, nms: str, inside: bool, says: str
) -> None:
    spec = find_detector("compose").fitted_to({"nms": nms})
    dialog = ModelExportDialog("003-compose", spec, lambda _id: tmp_path)
    qtbot.addWidget(dialog)
    assert dialog.nms.isEnabled() == dialog.choice.nms == inside
    assert says in dialog.about_nms.text()


def test_a_format_that_cannot_be_written_here_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest, qtbot: QtBot
) -> None:
    def lacking_openvino(name: str) -> object:
        return None if name == "openvino" else object()

    monkeypatch.setattr("detcore.jobs.preparing.model_export.find_spec", lacking_openvino)
    dialog: ModelExportDialog = request.getfixturevalue("dialog")
    assert dialog.format.currentText() == "ONNX"
    assert dialog.export.isEnabled()
    dialog.format.setFocus()
    qtbot.keyClick(dialog.format, Qt.Key.Key_End)
    assert dialog.format.currentText() == "OpenVINO (not installed)"
    assert dialog.problem.isVisible()
    assert dialog.problem.text().endswith("pip install 'reticle[openvino]'.")
    assert not dialog.export.isEnabled()
    qtbot.keyClick(dialog.format, Qt.Key.Key_Home)
    assert dialog.export.isEnabled()
    assert not dialog.problem.isVisible()
    assert dialog.focusWidget() is dialog.format


def test_an_export_shows_how_far_it_is_and_says_where_the_model_lies(
    dialog: ModelExportDialog, qtbot: QtBot, page: TrainPage, context: AppContext, project: Project, run: Path
) -> None:
    out = dialog.choice.out
    steps: list[str] = []
    show = dialog.show_progress
    dialog.show_progress = lambda done, total, text: (
        steps.append(f"{done}/{total} {text}"),
        show(done, total, text),
    )  # type: ignore[method-assign]
    press_export(qtbot, dialog)
    assert not dialog.export.isEnabled()
    qtbot.waitUntil(lambda: page.model_export.dialog is None, timeout=WAIT)
    assert "2/6 Recording the network" in steps
    assert (out / "model.onnx").is_file()
    assert last_message(context).text == (
        f"Exported {run.name} to {out.name}. Against PyTorch, boxes differ by at most 0 px."
    )
    assert len(context.messages.history) == 1
    assert not context.jobs.active()


def test_cancel_ends_the_export_and_everything_can_be_chosen_anew(
    dialog: ModelExportDialog,
    qtbot: QtBot,
    page: TrainPage,
    context: AppContext,
    behave: Callable[[str], None],
    run: Path,
) -> None:
    behave("long")
    press_export(qtbot, dialog)
    qtbot.waitUntil(lambda: dialog.progress.maximum() == 6, timeout=WAIT)
    assert page.run_view.status.state.text().startswith("Exporting")
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    assert dialog.isVisible()
    qtbot.waitUntil(dialog.export.isEnabled, timeout=WAIT)
    assert not dialog.choice.out.exists()
    assert not dialog.problem.isVisible()
    assert context.messages.history == []
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    assert page.model_export.dialog is None


def test_why_it_failed_is_said_in_the_dialog(
    dialog: ModelExportDialog, qtbot: QtBot, behave: Callable[[str], None]
) -> None:
    behave("crash")
    press_export(qtbot, dialog)
    qtbot.waitUntil(dialog.problem.isVisible, timeout=WAIT)
    assert dialog.problem.text() == "The file does not give what torch gives. Try another format."
    assert dialog.export.isEnabled()
    assert dialog.focusWidget() is dialog.export  # Enter tries again


def test_a_detector_that_cannot_be_exported_is_told_before_anything_is_asked(
    qtbot: QtBot, page: TrainPage, context: AppContext, project: Project, run: Path
) -> None:
    (run / "config.json").write_text(TrainConfig(detector="faster-rcnn").to_json(), encoding="utf-8")
    context.document.open(project)
    qtbot.waitUntil(context.actions["train.export_model"].isEnabled, timeout=WAIT)
    context.actions["train.export_model"].trigger()
    assert page.model_export.dialog is None
    assert "Faster R-CNN cannot be made a file" in last_message(context).text
