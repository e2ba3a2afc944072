"""The import dialog, and labels whose images lie elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.dialogs.import_dialog import ImportDialog, ImportRequest


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    folder = tmp_path / "labels"
    folder.mkdir()
    (folder / "classes.txt").write_text("cell\n", encoding="utf-8")
    (folder / "img_0.txt").write_text("0 0.5 0.5 0.25 0.25\n", encoding="utf-8")
    return folder


@pytest.fixture
def dialog(qtbot: QtBot) -> ImportDialog:
    dialog = ImportDialog()
    qtbot.addWidget(dialog)
    dialog.show()
    qtbot.waitExposed(dialog)
    return dialog


def test_images_are_looked_for_beside_the_labels_unless_a_folder_is_named(
    qtbot: QtBot, dialog: ImportDialog, labels: Path, image_folder: Path
) -> None:
    qtbot.keyClicks(dialog.source, str(labels))
    assert dialog.answer() == ImportRequest(format="yolo", source=labels)
    assert dialog.answer().root == labels
    qtbot.keyClicks(dialog.images, str(image_folder))
    assert dialog.answer() == ImportRequest(format="yolo", source=labels, images=image_folder)
    assert dialog.answer().root == image_folder


def test_a_folder_of_images_that_is_not_there_is_told_and_stops_the_import(
    qtbot: QtBot, dialog: ImportDialog, labels: Path
) -> None:
    qtbot.keyClicks(dialog.source, str(labels))
    assert dialog.accept_button.isEnabled()
    qtbot.keyClicks(dialog.images, str(labels / "nothing"))
    assert not dialog.accept_button.isEnabled()
    assert dialog.note.text() == "There is no such folder of images."
    dialog.images.clear()
    assert dialog.accept_button.isEnabled()


def test_a_format_that_was_chosen_stays_while_the_folder_of_images_is_named(
    qtbot: QtBot, dialog: ImportDialog, labels: Path, image_folder: Path
) -> None:
    qtbot.keyClicks(dialog.source, str(labels))
    qtbot.keyClick(dialog.format, Qt.Key.Key_Home)
    assert dialog.format.currentData() == "voc"
    qtbot.keyClicks(dialog.images, str(image_folder))
    assert dialog.answer().format == "voc"


def test_images_whose_files_are_not_there_come_in_only_when_ticked(
    qtbot: QtBot, dialog: ImportDialog, labels: Path
) -> None:
    qtbot.keyClicks(dialog.source, str(labels))
    assert not dialog.answer().options.missing
    qtbot.keyClick(dialog.missing, Qt.Key.Key_Space)
    assert dialog.answer().options.missing
    assert not dialog.answer().options.outside
