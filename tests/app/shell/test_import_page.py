"""What a dataset holds is shown in the import dialog before anything is written."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest
from PIL import Image
from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.services.tasks import Tasks
from app.shell import dataset_reading
from app.shell.import_dialog import ImportDialog
from app.shell.main_window import MainWindow
from detcore.formats.base import Progress
from detcore.project.opening import project_folder_for
from detcore.project.project import Project

SOON = 5000


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """COCO beside YOLO labels: two images at half the size that COCO says, and one that is not there."""
    folder = tmp_path / "set"
    folder.mkdir()
    for name in ("a", "b"):
        Image.new("RGB", (100, 80)).save(folder / f"{name}.png")
        (folder / f"{name}.txt").write_text("0 0.5 0.5 0.25 0.25\n", encoding="utf-8")
    images = [
        {"id": number, "file_name": f"{name}.png", "width": 200, "height": 160}
        for number, name in enumerate(("a", "b", "gone"), start=1)
    ]
    boxes = [
        {"id": n, "image_id": 1, "category_id": 1, "bbox": [20, 20, 40, 40 * (n - 1)]} for n in (1, 2, 3)
    ]
    content = {"images": images, "annotations": boxes, "categories": [{"id": 1, "name": "cell"}]}
    (folder / "labels.json").write_text(json.dumps(content), encoding="utf-8")
    return folder


@pytest.fixture
def dialog(qtbot: QtBot, tasks: Tasks) -> ImportDialog:
    dialog = ImportDialog(tasks)
    qtbot.addWidget(dialog)
    dialog.show()
    qtbot.waitExposed(dialog)
    return dialog


def choose(qtbot: QtBot, dialog: ImportDialog, source: Path) -> None:
    qtbot.keyClicks(dialog.source, str(source))
    qtbot.waitUntil(dialog.accept_button.isEnabled, timeout=SOON)


def rows(dialog: ImportDialog) -> list[list[str]]:
    tree = dialog.view.classes
    items = [tree.topLevelItem(row) for row in range(tree.topLevelItemCount())]
    return [[item.text(column) for column in range(tree.columnCount())] for item in items if item is not None]


def test_classes_images_and_problems_are_shown_and_nothing_is_written(
    qtbot: QtBot, dialog: ImportDialog, dataset: Path
) -> None:
    before = sorted(dataset.parent.rglob("*"))
    choose(qtbot, dialog, dataset)
    assert dialog.format.currentText() == "COCO (JSON): certain"
    assert dialog.view.summary.text() == "3 images, 2 boxes, 1 class"
    assert "2 files found" in dialog.view.facts.text()
    assert rows(dialog) == [["Images", "3"], ["Boxes", "2"], ["cell", "2"]]
    kind = dialog.view.problems.topLevelItem(0)
    assert kind is not None
    assert (kind.text(0), kind.text(1)) == ("the annotation says …, the image is …", "2")
    kind.setExpanded(True)
    assert kind.child(0).text(0) == "labels.json: the annotation says 200×160, the image is 100×80"
    qtbot.mouseClick(dialog.view.copy, Qt.MouseButton.LeftButton)
    assert "annotation 1: box without area" in QApplication.clipboard().text()
    assert sorted(dataset.parent.rglob("*")) == before


def test_another_format_is_read_when_it_is_chosen(qtbot: QtBot, dialog: ImportDialog, dataset: Path) -> None:
    choose(qtbot, dialog, dataset)
    qtbot.keyClick(dialog.format, Qt.Key.Key_Down)
    assert dialog.format.currentText() == "YOLO (text): likely"
    qtbot.waitUntil(dialog.accept_button.isEnabled, timeout=SOON)
    assert dialog.view.summary.text() == "2 images, 2 boxes, 1 class"
    assert dialog.answer().format == "yolo"


def test_boxes_are_scaled_with_a_tick_that_is_there_where_sizes_differ(
    qtbot: QtBot, dialog: ImportDialog, dataset: Path
) -> None:
    choose(qtbot, dialog, dataset)
    assert dialog.scale.isVisible()
    assert dialog.scale.text() == "Scale the boxes of 2 images to the size of the file"
    assert not dialog.answer().options.scale
    qtbot.keyClick(dialog.scale, Qt.Key.Key_Space)
    assert dialog.answer().options.scale
    qtbot.keyClick(dialog.format, Qt.Key.Key_Down)
    qtbot.waitUntil(dialog.accept_button.isEnabled, timeout=SOON)
    assert not dialog.scale.isVisible()


def test_reading_shows_how_far_it_is_and_can_be_stopped_and_begun_anew(
    qtbot: QtBot, dialog: ImportDialog, dataset: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached, go_on, cancelled = threading.Event(), threading.Event(), threading.Event()
    read = dataset_reading.read_dataset

    def read_slowly(*args: object, progress: Progress, **fields: object) -> object:
        if not go_on.is_set():
            progress(3, 10)
            reached.set()
            go_on.wait(10)
            if not progress(4, 10):
                cancelled.set()
        return read(*args, progress=progress, **fields)  # type: ignore[arg-type]

    monkeypatch.setattr(dataset_reading, "read_dataset", read_slowly)
    qtbot.keyClicks(dialog.source, str(dataset))
    qtbot.waitUntil(lambda: dialog.view.progress.value() == 3, timeout=SOON)
    assert dialog.view.progress.isVisible()
    assert dialog.view.progress.maximum() == 10
    assert not dialog.accept_button.isEnabled()
    qtbot.mouseClick(dialog.view.button, Qt.MouseButton.LeftButton)
    assert dialog.view.text.text() == "Reading was stopped. Nothing was changed."
    go_on.set()
    qtbot.waitUntil(cancelled.is_set, timeout=SOON)
    assert not dialog.accept_button.isEnabled()
    qtbot.mouseClick(dialog.view.button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(dialog.accept_button.isEnabled, timeout=SOON)
    assert dialog.view.summary.isVisible()


def test_what_is_no_dataset_is_named_with_what_to_do(
    qtbot: QtBot, dialog: ImportDialog, tmp_path: Path
) -> None:
    file = tmp_path / "found.json"
    file.write_text(
        '[{"image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4], "score": 0.5}]', encoding="utf-8"
    )
    qtbot.keyClicks(dialog.source, str(file))
    qtbot.waitUntil(lambda: "list of detections" in dialog.note.text(), timeout=SOON)
    assert "import-detections" in dialog.note.text()
    assert not dialog.accept_button.isEnabled()


def test_images_of_the_open_project_are_matched_and_what_was_read_is_imported_as_shown(
    qtbot: QtBot, window: MainWindow, dataset: Path, tmp_path: Path
) -> None:
    project = Project.create(tmp_path / "p.reticle", image_root=dataset, image_paths=["a.png"])
    window.context.document.open(project)
    matched: list[str] = []

    def accept() -> None:
        dialog = QApplication.activeModalWidget()
        if not isinstance(dialog, ImportDialog):
            QTimer.singleShot(10, accept)
            return
        choose(qtbot, dialog, dataset)
        matched.append(dialog.view.facts.text())
        assert project.box_count() == 0
        (dataset / "labels.json").unlink()  # it is not read again
        qtbot.keyClick(dialog.scale, Qt.Key.Key_Space)
        qtbot.mouseClick(dialog.accept_button, Qt.MouseButton.LeftButton)

    QTimer.singleShot(0, accept)
    window.context.actions["global.import"].trigger()
    qtbot.waitUntil(lambda: project.box_count() == 2, timeout=SOON)
    assert "1 in the project already" in matched[0]
    assert [box.xyxy for box in project.boxes(1)] == [(10, 10, 30, 30), (10, 10, 30, 50)]
    assert not project_folder_for(dataset).exists()
