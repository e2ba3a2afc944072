"""Images that moved, were renamed, came, or were taken out: found again from the window."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from app.services.messages import Message
from app.shell.main_window import MainWindow

SOON = 10_000


def open_folder(qtbot: QtBot, window: MainWindow, path: Path) -> None:
    """Open it and wait until what its files hold is kept."""
    window.project_actions.open_path(path)
    qtbot.waitUntil(lambda: window.label_page.viewer.is_showing, timeout=SOON)
    kept = window.context.document.project.folder / "cache/files.json"
    qtbot.waitUntil(kept.is_file, timeout=SOON)


def await_message(qtbot: QtBot, window: MainWindow, part: str) -> Message:
    history = window.context.messages.history
    qtbot.waitUntil(lambda: bool(history) and part in history[-1].text, timeout=SOON)
    return history[-1]


def paths(window: MainWindow) -> list[str]:
    return [image.path for image in window.context.document.project.images()]


def test_a_moved_folder_is_told_on_opening_and_located_from_the_message(
    qtbot: QtBot, window: MainWindow, image_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_folder(qtbot, window, image_folder)
    project_folder = window.context.document.project.folder
    window.context.document.close()
    moved = Path(shutil.move(image_folder, tmp_path / "elsewhere"))
    window.project_actions.open_path(project_folder)
    message = await_message(qtbot, window, "6 of 6 images are not where they were.")
    assert message.level == "warning"
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_args: str(moved))
    assert window.messages.action.text() == "Locate…"
    qtbot.mouseClick(window.messages.action, Qt.MouseButton.LeftButton)
    await_message(qtbot, window, "6 of 6 images found")
    qtbot.waitUntil(lambda: window.label_page.viewer.is_showing, timeout=SOON)
    assert window.context.document.project.image_root == moved
    assert window.label_page.notice.isHidden()


def test_one_file_that_is_gone_is_told_in_the_singular(
    qtbot: QtBot, window: MainWindow, image_folder: Path
) -> None:
    open_folder(qtbot, window, image_folder)
    folder = window.context.document.project.folder
    window.context.document.close()
    (image_folder / "img_3.jpg").unlink()
    window.project_actions.open_path(folder)
    await_message(qtbot, window, "1 of 6 images is not where it was.")


def test_a_folder_without_the_projects_images_is_refused(
    qtbot: QtBot, window: MainWindow, image_folder: Path, tmp_path: Path
) -> None:
    open_folder(qtbot, window, image_folder)
    (tmp_path / "nothing").mkdir()
    shutil.move(image_folder, tmp_path / "elsewhere")
    window.image_places.locate(tmp_path / "nothing")
    assert await_message(qtbot, window, "none of the missing images is there").level == "error"
    assert window.context.document.project.image_root == image_folder


def test_a_renamed_file_is_re_joined_with_its_labels_when_asked_to(
    qtbot: QtBot, window: MainWindow, image_folder: Path
) -> None:
    open_folder(qtbot, window, image_folder)
    (image_folder / "img_0.jpg").rename(image_folder / "renamed.jpg")
    window.context.actions["global.new_images"].trigger()
    message = await_message(qtbot, window, "1 file is an image of this project under another name.")
    assert window.label_page.images.total == 6
    assert message.action is not None
    assert message.action[0] == "Re-join"
    qtbot.mouseClick(window.messages.action, Qt.MouseButton.LeftButton)
    await_message(qtbot, window, "1 image re-joined with its labels.")
    assert paths(window)[0] == "renamed.jpg"
    assert window.label_page.images.index(0).data() == "renamed.jpg"
    qtbot.waitUntil(lambda: window.label_page.viewer.is_showing, timeout=SOON)
    window.context.actions["global.undo"].trigger()
    assert paths(window)[0] == "img_0.jpg"
    qtbot.waitUntil(window.label_page.notice.isVisible, timeout=SOON)


def test_images_that_were_taken_out_are_passed_over_and_brought_back_when_asked_to(
    qtbot: QtBot, window: MainWindow, image_folder: Path
) -> None:
    open_folder(qtbot, window, image_folder)
    window.context.actions["label.remove_image"].trigger()
    assert window.label_page.images.total == 5
    window.context.actions["global.new_images"].trigger()
    await_message(qtbot, window, "1 image that you took out before was passed over.")
    assert window.label_page.images.total == 5
    qtbot.mouseClick(window.messages.action, Qt.MouseButton.LeftButton)
    await_message(qtbot, window, "1 image came back")
    assert paths(window) == [f"img_{number}.jpg" for number in range(6)]


def test_images_that_came_into_the_folder_later_are_added_as_one_edit(
    qtbot: QtBot, window: MainWindow, image_folder: Path
) -> None:
    open_folder(qtbot, window, image_folder)
    document, messages = window.context.document, window.context.messages
    look = window.context.actions["global.new_images"]
    look.trigger()
    qtbot.waitUntil(lambda: bool(messages.history), timeout=5000)
    assert "no new images" in messages.history[-1].text
    (image_folder / "later").mkdir()
    for name in ("later/a.jpg", "b.jpg"):
        shutil.copy(image_folder / "img_0.jpg", image_folder / name)
    look.trigger()
    qtbot.waitUntil(lambda: len(messages.history) == 2, timeout=5000)
    assert messages.history[-1].text == "2 new images were added."
    assert window.label_page.images.total == 8
    document.undo()
    assert window.label_page.images.total == 6


def test_further_pages_are_mentioned_on_opening_and_of_new_images(
    qtbot: QtBot, window: MainWindow, image_folder: Path
) -> None:
    pages = [Image.new("RGB", (40, 30), (value, 0, 0)) for value in (0, 99)]
    pages[0].save(image_folder / "two.tif", save_all=True, append_images=pages[1:])
    open_folder(qtbot, window, image_folder)
    await_message(qtbot, window, "two.tif holds further pages or frames")
    pages[0].save(image_folder / "moving.gif", save_all=True, append_images=pages[1:])
    window.context.actions["global.new_images"].trigger()
    await_message(qtbot, window, "1 new image was added. moving.gif holds further pages or frames")
