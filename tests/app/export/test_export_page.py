"""The Export page, driven by the mouse."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt, QTimer
from PySide6.QtGui import QTextDocument
from PySide6.QtWidgets import QApplication, QLabel, QMessageBox, QScrollArea
from pytestqt.qtbot import QtBot

from app.export.page import PREVIEW_DELAY_MS, ExportPage
from app.export.writing import ExportChoice
from app.services.context import AppContext
from app.services.tasks import ProgressCallback
from app.shell.division import Division, SplitDialog, SplitRequest
from detcore.errors import Cancelled
from detcore.formats import all_formats
from detcore.formats.base import ExportReport
from detcore.project.edits import add_images, set_split, update_boxes
from detcore.project.project import Project
from detcore.types import Image, Status


@pytest.fixture
def page(qtbot: QtBot, context: AppContext, project: Project) -> Iterator[ExportPage]:
    """The page on the test project, of whose six images two have boxes."""
    page = ExportPage(context)
    page.resize(1200, 800)
    qtbot.addWidget(page)
    page.show()
    context.actions.show_scope("export")
    context.document.open(project)
    page.entered()
    yield page
    context.tasks.shut_down()


def _cells(page: ExportPage) -> list[list[str]]:
    table = page.summary.table
    return [
        [table.item(row, column).text() for column in range(table.columnCount())]
        for row in range(table.rowCount())
    ]


def test_before_the_export_the_page_tells_what_will_be_written(qtbot: QtBot, page: ExportPage) -> None:
    qtbot.waitUntil(lambda: page.summary.title.text() == "This will be written", timeout=5000)
    assert ["Boxes", "4", "4"] in _cells(page)
    assert ["Images", "2", "2"] in _cells(page)


def test_a_click_beside_the_fields_takes_the_focus_from_nobody(qtbot: QtBot, page: ExportPage) -> None:
    page.button.setFocus()
    area = page.form.parentWidget().parentWidget()
    assert isinstance(area, QScrollArea)
    qtbot.mouseClick(page.form, Qt.MouseButton.LeftButton, pos=page.form.rect().topRight() + QPoint(-2, 2))
    assert page.button.hasFocus()
    assert not area.hasFocus()


def test_an_edit_is_counted_at_once(qtbot: QtBot, page: ExportPage) -> None:
    qtbot.waitUntil(lambda: ["Boxes", "4", "4"] in _cells(page), timeout=5000)
    project = page.context.document.project
    from detcore.project.edits import delete_boxes

    page.context.document.edit(delete_boxes, [project.boxes(project.image_ids()[0])[0].id])
    qtbot.waitUntil(lambda: ["Boxes", "3", "3"] in _cells(page), timeout=5000)


def test_a_format_without_a_field_says_what_it_cannot_hold(qtbot: QtBot, page: ExportPage) -> None:
    from dataclasses import replace

    project = page.context.document.project
    box = project.boxes(project.image_ids()[0])[0]
    page.context.document.edit(update_boxes, [replace(box, truncated=True)])
    page.form.formats["yolo"].click()
    qtbot.waitUntil(lambda: "truncated" in page.summary.losses.text(), timeout=5000)


def test_exporting_by_mouse_writes_the_files_and_reads_them_back(
    qtbot: QtBot, page: ExportPage, tmp_path: Path
) -> None:
    page.form.choose_folder(tmp_path / "out")
    page.button.click()
    qtbot.waitUntil(lambda: page.is_done, timeout=10000)
    assert "Reticle: 2 images and 4 boxes, all that was written." in page.summary.proof.text()
    written = next((tmp_path / "out" / "annotations").glob("*.json"))
    assert len(json.loads(written.read_text(encoding="utf-8"))["annotations"]) == 4


def test_only_the_ticked_splits_are_written(qtbot: QtBot, page: ExportPage) -> None:
    project = page.context.document.project
    first, second = project.image_ids()[:2]
    page.context.document.edit(set_split, {first: "train", second: "val"})
    qtbot.waitUntil(lambda: page.form.contents.splits["train"].isEnabled(), timeout=5000)
    page.form.contents.splits["val"].click()
    qtbot.waitUntil(lambda: ["Images", "1", "1"] in _cells(page), timeout=5000)


def test_a_folder_that_holds_something_else_is_refused_and_left_alone(
    qtbot: QtBot, page: ExportPage, tmp_path: Path
) -> None:
    precious = tmp_path / "out" / "thesis.txt"
    precious.parent.mkdir()
    precious.write_text("years of work", encoding="utf-8")
    page.form.choose_folder(precious.parent)
    page.button.click()
    qtbot.waitUntil(lambda: bool(page.context.messages.history), timeout=5000)
    assert page.context.messages.history[-1].level == "error"
    assert precious.read_text(encoding="utf-8") == "years of work"


def test_without_a_split_there_is_nothing_to_export_and_the_page_says_so(
    qtbot: QtBot, page: ExportPage
) -> None:
    for box in page.form.contents.splits.values():
        box.setEnabled(True)
        qtbot.mouseClick(box, Qt.MouseButton.LeftButton, pos=QPoint(8, box.height() // 2))
    assert page.form.contents.chosen_splits == []
    assert not page.context.actions["export.start"].isEnabled()
    qtbot.waitUntil(lambda: page.summary.title.text() == "Nothing to export", timeout=5000)
    assert page.summary.subtitle.text() == "Choose at least one split."


@pytest.mark.parametrize("format_name", ["yolo", "coco", "voc"])
def test_an_export_of_the_val_split_alone_reads_back_the_same(
    qtbot: QtBot, page: ExportPage, tmp_path: Path, format_name: str
) -> None:
    project = page.context.document.project
    first, second = project.image_ids()[:2]
    page.context.document.edit(set_split, {first: "train", second: "val"})
    page.form.formats[format_name].click()
    for name, box in page.form.contents.splits.items():
        box.setChecked(name == "val")
    page.form.choose_folder(tmp_path / "out")
    page.button.click()
    qtbot.waitUntil(lambda: page.is_done, timeout=10000)
    assert "Reticle: 1 image and 2 boxes, all that was written." in page.summary.proof.text()


def test_the_proof_is_still_there_on_coming_back_to_the_page(
    qtbot: QtBot, page: ExportPage, tmp_path: Path
) -> None:
    page.form.choose_folder(tmp_path / "out")
    page.button.click()
    qtbot.waitUntil(lambda: page.is_done, timeout=10000)
    page.left()
    page.hide()
    page.show()
    page.entered()
    qtbot.wait(2 * PREVIEW_DELAY_MS)
    assert page.is_done
    assert page.summary.title.text() == "Exported"
    assert "all that was written" in page.summary.proof.text()


@pytest.fixture
def slow_export(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Real exports (no previews) go on until they are cancelled; the list is of the folders that were begun."""
    begun: list[Path] = []
    write = ExportChoice.write

    def wait(
        self: ExportChoice, folder: Path, progress: ProgressCallback, *, dry: bool = False
    ) -> ExportReport:
        if dry:
            return write(self, folder, progress, dry=True)
        begun.append(folder)
        while progress(0, 1):
            time.sleep(0.01)
        raise Cancelled("cancelled")

    monkeypatch.setattr(ExportChoice, "write", wait)
    return begun


def test_an_export_runs_once_and_ends_with_its_project(
    qtbot: QtBot, page: ExportPage, tmp_path: Path, image_folder: Path, slow_export: list[Path]
) -> None:
    page.form.choose_folder(tmp_path / "out")
    action = page.context.actions["export.start"]
    qtbot.mouseClick(page.button, Qt.MouseButton.LeftButton)
    qtbot.mouseClick(page.button, Qt.MouseButton.LeftButton)
    assert not action.isEnabled()
    qtbot.waitUntil(lambda: bool(slow_export), timeout=5000)
    page.context.document.open(Project.create(tmp_path / "other.reticle", image_root=image_folder))
    qtbot.waitUntil(lambda: bool(page.context.messages.history), timeout=5000)
    assert slow_export == [tmp_path / "out"]
    message = page.context.messages.history[-1]
    assert message.text == "Exporting to out was cancelled because another project was opened."
    assert not page.is_done
    assert action.isEnabled()


def test_dividing_leaves_official_splits_alone_unless_all_images_are_asked_for(
    qtbot: QtBot, page: ExportPage
) -> None:
    project = page.context.document.project
    ids = project.image_ids()
    page.context.document.edit(set_split, {ids[0]: "test", ids[1]: "test"})
    ratios = {"train": 0.5, "val": 0.5, "test": 0.0}
    division = Division(page.context, page)
    division.start(SplitRequest(ratios=ratios, seed=0))
    qtbot.waitUntil(lambda: project.statistics().without_split == 0, timeout=5000)
    assert project.statistics().splits == {"test": 2, "train": 2, "val": 2}
    assert [image.split for image in project.images(ids[:2])] == ["test", "test"]
    division.start(SplitRequest(ratios=ratios, seed=0, everything=True))
    qtbot.waitUntil(lambda: project.statistics().splits == {"train": 3, "val": 3}, timeout=5000)


def test_only_images_without_a_split_are_offered_first(qtbot: QtBot) -> None:
    dialog = SplitDialog()
    qtbot.addWidget(dialog)
    assert not dialog.answer().everything
    dialog.show()
    qtbot.mouseClick(dialog.everything, Qt.MouseButton.LeftButton, pos=QPoint(8, 8))
    assert dialog.answer().everything


@pytest.fixture
def with_outside(page: ExportPage, image_folder: Path, tmp_path: Path) -> ExportPage:
    """A third labelled image, outside of the project's folder of images."""
    project = page.context.document.project
    photo = tmp_path / "private" / "photo.jpg"
    photo.parent.mkdir()
    shutil.copyfile(next(image_folder.glob("*.jpg")), photo)
    page.context.document.edit(add_images, [Image(id=0, path=str(photo), status=Status.VERIFIED)])
    assert [image.path for image in project.images() if image.path.startswith("/")] == [str(photo)]
    page.form.choose_folder(tmp_path / "out")
    return page


@pytest.mark.parametrize(("answer", "copied"), [("Copy them", True), ("Cancel", False)])
def test_images_outside_of_the_project_are_asked_for_by_number_and_folder(
    qtbot: QtBot, with_outside: ExportPage, tmp_path: Path, answer: str, copied: bool
) -> None:
    asked: list[str] = []

    def click() -> None:
        box = QApplication.activeModalWidget()
        if not isinstance(box, QMessageBox):
            QTimer.singleShot(20, click)
            return
        asked.append(f"{box.text()} {box.informativeText()}")
        (button,) = [button for button in box.buttons() if button.text().replace("&", "") == answer]
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)

    QTimer.singleShot(20, click)
    qtbot.mouseClick(with_outside.button, Qt.MouseButton.LeftButton)
    messages = with_outside.context.messages
    qtbot.waitUntil(lambda: bool(asked) and bool(messages.history), timeout=10000)
    assert "1 image lies outside" in asked[0]
    assert f"{tmp_path / 'private'} (1)" in asked[0]
    assert any((tmp_path / "out").rglob("photo.jpg")) == copied
    assert ("Exported 3 images" if copied else "Nothing was written") in messages.history[-1].text


def test_names_are_shown_as_they_are_written(qtbot: QtBot, page: ExportPage) -> None:
    report = ExportReport(out=Path(), files=0, images={}, boxes={}, losses=("class <b>cell</b> & more",))
    page.summary.show_report(report, {}, title="", subtitle="")
    document = QTextDocument()
    document.setHtml(page.summary.losses.text())
    assert "class <b>cell</b> & more" in document.toPlainText()


def test_a_tool_chosen_first_sets_format_options_and_images_and_tells_how_to_load_the_export(
    qtbot: QtBot, page: ExportPage, tmp_path: Path
) -> None:
    tool = page.form.tool
    tool.setFocus()
    for letter in "tor":
        qtbot.keyClick(tool, letter)
    assert tool.currentText() == "torchvision"
    assert page.form.format == "voc"
    assert not page.form.formats["voc"].isVisible()
    assert page.form.options.own.jpeg
    page.form.choose_folder(tmp_path / "out")
    qtbot.mouseClick(page.button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: page.is_done, timeout=10000)
    assert "torchvision: 2 images and 4 boxes, all that was written." in page.summary.proof.text()
    assert "VOCDetection" in page.summary.use.text()
    page.resize(1000, 400)
    qtbot.waitUntil(
        lambda: page.summary.use.height() >= page.summary.use.heightForWidth(page.summary.use.width())
    )
    qtbot.mouseClick(page.summary.copy_code, Qt.MouseButton.LeftButton)
    assert f"VOCDetection({str(tmp_path / 'out')!r}" in QApplication.clipboard().text()


def test_only_the_chosen_format_is_explained(qtbot: QtBot, page: ExportPage) -> None:
    notes = {label.text() for label in page.form.findChildren(QLabel) if label.isVisible()}
    assert all_formats()["coco"].text in notes
    assert all_formats()["voc"].text not in notes
    button = page.form.formats["voc"]
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton, pos=QPoint(8, button.height() // 2))
    notes = {label.text() for label in page.form.findChildren(QLabel) if label.isVisible()}
    assert all_formats()["voc"].text in notes
    assert all_formats()["coco"].text not in notes


def test_classes_and_boxes_can_be_left_out_by_mouse(qtbot: QtBot, page: ExportPage) -> None:
    qtbot.waitUntil(lambda: ["Boxes", "4", "4"] in _cells(page), timeout=5000)
    contents = page.form.contents
    qtbot.mouseClick(contents.fold.button, Qt.MouseButton.LeftButton)
    box = contents.classes.visualItemRect(contents.classes.item(0))
    qtbot.mouseClick(
        contents.classes.viewport(),
        Qt.MouseButton.LeftButton,
        pos=box.topLeft() + QPoint(10, box.height() // 2),
    )
    assert contents.class_count.text() == "2 of 3 classes"
    qtbot.waitUntil(lambda: ["Boxes", "2", "2"] in _cells(page), timeout=5000)
    qtbot.mouseClick(
        contents.touched, Qt.MouseButton.LeftButton, pos=QPoint(8, contents.touched.height() // 2)
    )
    assert page.form.options.touched


def test_images_can_be_packed_into_a_zip(qtbot: QtBot, page: ExportPage, tmp_path: Path) -> None:
    images = page.form.images
    images.setFocus()
    qtbot.keyClick(images, Qt.Key.Key_End)
    page.form.choose_folder(tmp_path / "out")
    qtbot.mouseClick(page.button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: page.is_done, timeout=10000)
    assert (tmp_path / "out.zip").is_file()
    assert str(tmp_path / "out.zip") in page.summary.subtitle.text()
