"""Detections of others from the menu, typed or dropped, to the Review page."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QTimer, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.services.tasks import Tasks
from app.shell.detections_dialog import DetectionsDialog
from app.shell.main_window import MainWindow
from app.shell.problems_dialog import ProblemsDialog
from detcore.exchange.detections import LookedAt
from detcore.project.project import Project
from detcore.project.runs import list_runs, load_detections

SOON = 5000
LEFT = Qt.MouseButton.LeftButton


def entry(image: str, label: str, box: tuple[float, ...], score: float) -> dict[str, object]:
    return {"image_id": image, "category_id": label, "bbox": list(box), "score": score}


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Two detections of classes that the project has, one of another, and one on an image that it has not."""
    entries = [
        entry("img_0.jpg", "cell", (21, 40, 40, 40), 0.9),
        entry("img_1.jpg", "platelet", (100, 11, 30, 20), 0.5),
        entry("img_1.jpg", "nucleus", (10, 10, 10, 10), 0.3),
        entry("else.jpg", "cell", (10, 10, 10, 10), 0.3),
    ]
    path = tmp_path / "yolo11.json"
    path.write_text(json.dumps(entries))
    return path


@pytest.fixture
def dialog(qtbot: QtBot, tasks: Tasks, project: Project) -> DetectionsDialog:
    dialog = DetectionsDialog(tasks, project)
    qtbot.addWidget(dialog)
    dialog.show()
    qtbot.waitExposed(dialog)
    return dialog


def choose(qtbot: QtBot, dialog: DetectionsDialog, source: Path) -> None:
    """Paste where the detections lie, and wait until they were read."""
    dialog.source.setFocus()
    QApplication.clipboard().setText(str(source))
    qtbot.keyClick(dialog.source, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    qtbot.keyClick(dialog.source, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: dialog.summary.text() not in ("", "Reading…"), timeout=SOON)


def test_what_was_understood_is_seen_before_anything_is_taken_in(
    qtbot: QtBot, dialog: DetectionsDialog, results: Path, project: Project
) -> None:
    assert not dialog.accept_button.isEnabled()
    choose(qtbot, dialog, results)
    assert dialog.format.currentText() == "COCO results (JSON)"
    assert "<b>3 detections on 2 images.</b> Scores reach from 0.30 to 0.90." in dialog.summary.text()
    assert dialog.leave.text() == "Leave out 1 box of 1 class that the project does not have: nucleus"
    assert [dialog.looked_at.itemText(row) for row in range(3)] == [
        "All of the splits that are named (6)",
        "Those that are named (2)",
        "All of the project (6)",
    ]
    assert dialog.name.text() == "yolo11"
    assert list_runs(project) == []
    qtbot.mouseClick(dialog.add, LEFT)
    qtbot.keyClick(dialog.looked_at, Qt.Key.Key_Down)
    request = dialog.answer()
    assert request is not None
    assert (request.name, request.add_classes, request.looked_at) == ("yolo11", True, LookedAt.LISTED)


def test_what_is_odd_is_listed_on_request(qtbot: QtBot, dialog: DetectionsDialog, results: Path) -> None:
    choose(qtbot, dialog, results)
    assert '1 thing is odd or left out. <a href="problems">Show</a>' in dialog.summary.text()
    dialog.summary.setFocus()
    qtbot.keyClick(dialog.summary, Qt.Key.Key_Tab)
    dialog.summary.linkActivated.emit("problems")
    shown = dialog.findChild(ProblemsDialog)
    assert shown is not None
    shown.close()


def test_a_file_that_cannot_be_read_says_why_and_stays_out(
    qtbot: QtBot, dialog: DetectionsDialog, tmp_path: Path
) -> None:
    (tmp_path / "dt.json").write_text(json.dumps([entry("img_0.jpg", "cell", (1, 1, 9, 9), 3.5)]))
    choose(qtbot, dialog, tmp_path / "dt.json")
    assert "neither shares from 0 to 1 nor percentages" in dialog.summary.text()
    assert not dialog.accept_button.isEnabled()
    assert dialog.answer() is None


def test_another_format_is_read_anew(qtbot: QtBot, dialog: DetectionsDialog, tmp_path: Path) -> None:
    folder = tmp_path / "labels"
    folder.mkdir()
    (folder / "img_0.txt").write_text("cell .5 100 20 120 40\n")
    choose(qtbot, dialog, folder)
    assert "left, top, right and bottom" in dialog.summary.text()
    dialog.format.setFocus()
    qtbot.keyClick(dialog.format, Qt.Key.Key_Down)
    qtbot.keyClick(dialog.format, Qt.Key.Key_Down)
    qtbot.waitUntil(lambda: "left, top, width and height" in dialog.summary.text(), timeout=SOON)


def test_a_name_that_makes_no_folder_is_told(qtbot: QtBot, dialog: DetectionsDialog, results: Path) -> None:
    choose(qtbot, dialog, results)
    assert dialog.accept_button.isEnabled()
    qtbot.keyClicks(dialog.name, "/")
    assert not dialog.accept_button.isEnabled()
    assert dialog.name_note.text().startswith("Use letters")
    qtbot.keyClick(dialog.name, Qt.Key.Key_Backspace)
    assert dialog.accept_button.isEnabled()
    assert not dialog.name_note.isVisible()


def drop(window: MainWindow, path: Path) -> None:
    """Drop a file on the window."""
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path))])
    action, none = Qt.DropAction.CopyAction, Qt.KeyboardModifier.NoModifier
    window.dropEvent(QDropEvent(QPointF(5, 5), action, mime, LEFT, none))


def press_import(seen: list[str]) -> None:
    """Press *Import* in the dialog that is open, as soon as it can be pressed."""
    dialog = QApplication.activeModalWidget()
    if isinstance(dialog, DetectionsDialog) and dialog.accept_button.isEnabled():
        seen.append(dialog.source.text())
        dialog.accept_button.click()
    else:
        QTimer.singleShot(20, lambda: press_import(seen))


def test_a_file_of_results_that_is_dropped_becomes_a_run_and_is_reviewed(
    qtbot: QtBot, window: MainWindow, project: Project, results: Path
) -> None:
    window.context.document.open(project)
    seen: list[str] = []
    QTimer.singleShot(20, lambda: press_import(seen))
    drop(window, results)
    qtbot.waitUntil(lambda: bool(list_runs(project)), timeout=SOON)
    assert seen == [str(results)]
    qtbot.waitUntil(lambda: window.messages.action.isVisible(), timeout=SOON)
    assert window.context.messages.history[-1].text == "001-yolo11 has 2 detections on 6 images."
    assert len(load_detections(list_runs(project)[0].folder)) == 2
    qtbot.mouseClick(window.messages.action, LEFT)
    qtbot.waitUntil(lambda: window.review_page.live.review is not None, timeout=SOON)
    assert window.stack.currentWidget() is window.review_page
    review = window.review_page.live.review
    assert review is not None
    assert review.run.name == "001-yolo11"
    counts = review.evaluation.counts(0.0)
    assert (counts.tp, counts.fp, counts.fn) == (2, 0, 2)


def test_results_without_a_project_say_what_to_do_first(
    qtbot: QtBot, window: MainWindow, results: Path
) -> None:
    drop(window, results)
    qtbot.waitUntil(lambda: bool(window.context.messages.history), timeout=SOON)
    assert "Open the project of their images first" in window.context.messages.history[-1].text
    assert not window.context.actions["global.import_detections"].isEnabled()
