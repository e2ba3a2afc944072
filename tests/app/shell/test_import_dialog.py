"""The import dialog, and labels whose images lie elsewhere."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from PIL import Image
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.services.tasks import Tasks
from app.shell import import_dialog
from app.shell.import_dialog import ImportDialog, ImportRequest

SOON = 5000


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    folder = tmp_path / "labels"
    folder.mkdir()
    (folder / "classes.txt").write_text("cell\n", encoding="utf-8")
    (folder / "img_0.txt").write_text("0 0.5 0.5 0.25 0.25\n", encoding="utf-8")
    Image.new("RGB", (40, 40)).save(folder / "img_0.png")
    return folder


@pytest.fixture
def dialog(qtbot: QtBot, tasks: Tasks) -> ImportDialog:
    dialog = ImportDialog(tasks)
    qtbot.addWidget(dialog)
    dialog.show()
    qtbot.waitExposed(dialog)
    return dialog


def choose(qtbot: QtBot, dialog: ImportDialog, source: Path) -> None:
    """Type where a dataset lies, and wait until it was read."""
    qtbot.keyClicks(dialog.source, str(source))
    qtbot.waitUntil(dialog.accept_button.isEnabled, timeout=SOON)


def test_typing_never_waits_for_the_disk_and_only_the_last_place_is_answered(
    qtbot: QtBot, dialog: ImportDialog, labels: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[tuple[str, bool]] = []
    answered = threading.Event()

    def slow(source: str, images: str) -> object:
        looked.append((source, threading.current_thread() is threading.main_thread()))
        answered.wait(5)
        return see(source, images)

    see = import_dialog._see
    monkeypatch.setattr(import_dialog, "_see", slow)
    qtbot.keyClicks(dialog.source, str(labels))
    assert not dialog.accept_button.isEnabled()
    answered.set()
    qtbot.waitUntil(dialog.accept_button.isEnabled, timeout=SOON)
    assert len(looked) <= 2  # not one for each letter
    assert looked[-1] == (str(labels), False)
    assert not any(in_gui for _, in_gui in looked)
    assert dialog.answer().format == "yolo"


def test_images_are_looked_for_beside_the_labels_unless_a_folder_is_named(
    qtbot: QtBot, dialog: ImportDialog, labels: Path, image_folder: Path
) -> None:
    choose(qtbot, dialog, labels)
    assert dialog.answer() == ImportRequest(format="yolo", source=labels)
    assert dialog.answer().root == labels
    (labels / "img_0.png").unlink()
    qtbot.keyClicks(dialog.images, str(image_folder))
    qtbot.waitUntil(dialog.accept_button.isEnabled, timeout=SOON)
    assert dialog.answer() == ImportRequest(format="yolo", source=labels, images=image_folder)
    assert dialog.answer().root == image_folder


def test_a_folder_of_images_that_is_not_there_is_told_and_stops_the_import(
    qtbot: QtBot, dialog: ImportDialog, labels: Path
) -> None:
    choose(qtbot, dialog, labels)
    qtbot.keyClicks(dialog.images, str(labels / "nothing"))
    qtbot.waitUntil(lambda: dialog.note.text() == "There is no such folder of images.", timeout=SOON)
    assert not dialog.accept_button.isEnabled()
    dialog.images.clear()
    qtbot.waitUntil(dialog.accept_button.isEnabled, timeout=SOON)


def test_a_format_that_was_chosen_stays_while_the_folder_of_images_is_named(
    qtbot: QtBot, dialog: ImportDialog, labels: Path, image_folder: Path
) -> None:
    choose(qtbot, dialog, labels)
    assert dialog.format.currentText() == "YOLO (text): likely"
    qtbot.keyClicks(dialog.format, "Pascal")
    assert dialog.answer().format == "voc"
    qtbot.waitUntil(lambda: "no XML file here" in dialog.view.text.text(), timeout=SOON)
    assert not dialog.accept_button.isEnabled()
    qtbot.keyClicks(dialog.images, str(image_folder))
    qtbot.waitUntil(lambda: "no XML file here" in dialog.view.text.text(), timeout=SOON)
    assert dialog.answer().format == "voc"


def test_images_whose_files_are_not_there_come_in_only_when_ticked(
    qtbot: QtBot, dialog: ImportDialog, labels: Path
) -> None:
    choose(qtbot, dialog, labels)
    assert not dialog.answer().options.missing
    qtbot.keyClick(dialog.missing, Qt.Key.Key_Space)
    assert dialog.answer().options.missing
    assert not dialog.answer().options.outside


def test_a_file_that_is_no_dataset_is_told_with_the_reason(
    qtbot: QtBot, dialog: ImportDialog, tmp_path: Path
) -> None:
    file = tmp_path / "drawing.xml"
    file.write_text("<svg/>", encoding="utf-8")
    qtbot.keyClicks(dialog.source, str(file))
    told = "No labels recognised here: choose the format."
    qtbot.waitUntil(lambda: dialog.note.text() == told, timeout=SOON)
    assert dialog.format.currentIndex() == -1
    assert not dialog.accept_button.isEnabled()
    assert dialog.reasons.text() == "Not Pascal VOC (XML): the root element is <svg>, not <annotation>."
    assert dialog.reasons.textFormat() == Qt.TextFormat.PlainText  # or <svg> would be markup
