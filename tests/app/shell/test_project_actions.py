"""Opening, importing, and images that have moved."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.services.tasks import ProgressCallback, Task
from app.shell import project_actions
from app.shell.import_dialog import ImportRequest
from app.shell.main_window import MainWindow
from detcore.errors import Cancelled
from detcore.exchange import find_dataset, import_dataset
from detcore.project.project import Project


def _open(qtbot: QtBot, window: MainWindow, path: Path) -> None:
    window.project_actions.open_path(path)
    qtbot.waitUntil(lambda: window.label_page.viewer.is_showing, timeout=10_000)


def test_a_second_window_is_told_that_the_project_is_open_elsewhere(
    qtbot: QtBot, window: MainWindow, project: Project
) -> None:
    window.project_actions.open_path(project.folder)
    qtbot.waitUntil(lambda: bool(window.context.messages.history), timeout=5000)
    message = window.context.messages.history[-1]
    assert message.level == "error"
    assert "open in another Reticle" in message.text


def test_labels_beside_the_images_are_offered_and_imported_on_request(
    qtbot: QtBot, window: MainWindow, image_folder: Path
) -> None:
    (image_folder / "classes.txt").write_text("cell\n", encoding="utf-8")
    (image_folder / "img_0.txt").write_text("0 0.5 0.5 0.25 0.25\n", encoding="utf-8")
    _open(qtbot, window, image_folder)
    qtbot.waitUntil(lambda: window.messages.action.isVisible(), timeout=5000)
    window.messages.action.click()
    qtbot.waitUntil(lambda: window.context.document.project.statistics().boxes == 1, timeout=5000)


def test_a_folder_without_images_says_what_to_do(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    window.project_actions.open_path(empty)
    qtbot.waitUntil(lambda: bool(window.context.messages.history), timeout=5000)
    assert "no images in the folder" in window.context.messages.history[-1].text
    assert not window.context.document.is_open


def test_what_is_open_already_is_shown_instead_of_being_refused(
    qtbot: QtBot, window: MainWindow, image_folder: Path
) -> None:
    _open(qtbot, window, image_folder)
    project = window.context.document.project
    for path in (project.folder, image_folder, project.folder / "project.db"):
        window.show_page("export")
        window.project_actions.open_path(path)
        qtbot.waitUntil(lambda: window.stack.currentWidget() is window.label_page, timeout=5000)
    assert window.context.document.project is project
    assert not window.context.messages.history


@pytest.fixture
def slow_import(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Imports wait for this event, or until they are cancelled."""
    go = threading.Event()

    def wait(progress: ProgressCallback) -> None:
        while not go.wait(0.01):
            if not progress(0, 1):
                raise Cancelled("cancelled")

    def import_slowly(
        project: Project, name: str, source: Path, *, progress: ProgressCallback, **others: Any
    ) -> object:
        wait(progress)
        return import_dataset(project, name, source, progress=progress, **others)

    def find_slowly(name: str, source: Path, *, progress: ProgressCallback, **others: Any) -> object:
        wait(progress)
        return find_dataset(name, source, progress=progress, **others)

    monkeypatch.setattr(project_actions, "import_dataset", import_slowly)
    monkeypatch.setattr(project_actions, "find_dataset", find_slowly)
    yield go
    go.set()


def test_labels_elsewhere_are_imported_into_a_new_project_of_the_images(
    qtbot: QtBot, window: MainWindow, image_folder: Path, tmp_path: Path
) -> None:
    labels = tmp_path / "labels"
    labels.mkdir()
    _labelled(labels)
    request = ImportRequest(format="yolo", source=labels, images=image_folder)
    window.project_actions.import_from(request)
    qtbot.waitUntil(lambda: window.context.document.is_open, timeout=10_000)
    project = window.context.document.project
    assert project.image_root == image_folder
    (box,) = project.all_boxes()
    assert project.image(box.image_id).path == "img_0.jpg"


def _labelled(folder: Path) -> Path:
    (folder / "classes.txt").write_text("cell\n", encoding="utf-8")
    (folder / "img_0.txt").write_text("0 0.5 0.5 0.25 0.25\n", encoding="utf-8")
    return folder


def test_an_import_is_cancelled_when_another_project_is_opened(
    qtbot: QtBot, window: MainWindow, image_folder: Path, tmp_path: Path, slow_import: threading.Event
) -> None:
    other = Path(shutil.copytree(image_folder, tmp_path / "others"))
    _open(qtbot, window, image_folder)
    window.project_actions.import_from(ImportRequest(format="yolo", source=_labelled(image_folder)))
    window.project_actions.open_path(other)
    qtbot.waitUntil(lambda: bool(window.context.messages.history), timeout=5000)
    assert "Importing images was cancelled" in window.context.messages.history[-1].text
    assert window.context.document.project.name == "others"


def test_an_import_without_a_project_does_not_replace_one_that_was_opened_meanwhile(
    qtbot: QtBot, window: MainWindow, image_folder: Path, tmp_path: Path, slow_import: threading.Event
) -> None:
    other = Path(shutil.copytree(image_folder, tmp_path / "others"))
    window.project_actions.import_from(ImportRequest(format="yolo", source=_labelled(image_folder)))
    _open(qtbot, window, other)
    slow_import.set()
    qtbot.waitUntil(lambda: bool(window.context.messages.history), timeout=5000)
    assert window.context.document.project.name == "others"
    message = window.context.messages.history[-1]
    assert "images.reticle" in message.text
    qtbot.mouseClick(window.messages.action, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: window.context.document.project.name == "images", timeout=5000)
    assert window.context.document.project.statistics().boxes == 1


@pytest.mark.parametrize("ending", ["cancelled", "failed"])
def test_an_import_without_a_project_that_comes_to_nothing_leaves_none_behind(
    qtbot: QtBot, window: MainWindow, image_folder: Path, slow_import: threading.Event, ending: str
) -> None:
    before = sorted(image_folder.parent.iterdir())
    if ending == "cancelled":
        window.context.tasks.started.connect(Task.cancel)
        _labelled(image_folder)
    else:
        slow_import.set()
    window.project_actions.import_from(ImportRequest(format="yolo", source=image_folder))
    qtbot.waitUntil(lambda: bool(window.context.messages.history), timeout=5000)
    assert window.context.messages.history[-1].level == ("info" if ending == "cancelled" else "error")
    assert sorted(image_folder.parent.iterdir()) == before


def test_a_key_does_what_the_message_offers_and_another_closes_it(qtbot: QtBot, window: MainWindow) -> None:
    done: list[str] = []
    messages = window.context.messages
    messages.warning("One", ("Undo", lambda: done.append("One")))
    qtbot.keyClick(window, Qt.Key.Key_J, Qt.KeyboardModifier.ControlModifier)
    assert done == ["One"]
    assert window.messages.isHidden()
    messages.warning("Two")
    control_shift = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    qtbot.keyClick(window, Qt.Key.Key_J, control_shift)
    assert window.messages.isHidden()


def test_place_and_zoom_are_told_on_the_label_page_alone(
    qtbot: QtBot, window: MainWindow, image_folder: Path
) -> None:
    _open(qtbot, window, image_folder)
    assert window.place.isVisible()
    window.show_page("train")
    assert not window.place.isVisible()
    assert not window.view_status.isVisible()
    window.show_page("label")
    assert window.place.isVisible()
