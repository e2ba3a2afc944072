"""Several images at once: selecting, narrowing the list, and what is done to all that are selected."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu, QPushButton
from pytestqt.qtbot import QtBot

from app.label.models.image_filter import BOX_RANGES
from app.label.models.image_model import common_folder
from app.label.page import LabelPage
from detcore.project.project import Project
from detcore.types import Status

SHIFT, CTRL = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier
NONE = Qt.KeyboardModifier.NoModifier


def click(page: LabelPage, row: int, modifiers: Qt.KeyboardModifier = NONE) -> None:
    view = page.image_list.view
    place = view.visualRect(page.images.index(row)).center()
    QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, modifiers, place)


def listed(page: LabelPage) -> list[str]:
    return [page.images.index(row).data() for row in range(page.images.rowCount())]


def trigger(menu: QMenu, *path: str) -> None:
    """Choose an entry of a menu or of the menus in it."""
    for action in menu.actions():
        if action.text() == path[0]:
            sub = action.menu()
            if sub is None:
                action.trigger()
            else:
                trigger(sub, *path[1:])
            return
    raise AssertionError(f"no entry {path[0]} among {[action.text() for action in menu.actions()]}")


def choose_in_menu(page: LabelPage, row: int, *path: str) -> None:
    """Right-click a row and choose."""
    view = page.image_list.view
    place = view.visualRect(page.images.index(row)).center()
    QTest.mouseClick(view.viewport(), Qt.MouseButton.RightButton, NONE, place)
    view.customContextMenuRequested.emit(place)
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    trigger(menu, *path)
    menu.close()


def narrow(page: LabelPage, *path: str) -> None:
    """Choose a condition in the menu of filters."""
    menu = page.image_list.bar.more.menu()
    menu.aboutToShow.emit()
    trigger(menu, *path)


def test_shift_click_selects_a_range_and_control_click_adds_one(page: LabelPage) -> None:
    click(page, 1)
    click(page, 3, SHIFT)
    click(page, 5, CTRL)
    ids = page.context.document.project.image_ids()
    assert page.image_list.selected_images() == [ids[1], ids[2], ids[3], ids[5]]
    assert page.context.view.image_id == ids[5], "the image clicked last is the one that is shown"


def test_going_to_the_next_image_selects_it_alone(page: LabelPage) -> None:
    click(page, 0)
    click(page, 2, SHIFT)
    page.entered()
    QTest.keyClick(page.canvas, Qt.Key.Key_D)
    ids = page.context.document.project.image_ids()
    assert page.image_list.selected_images() == [ids[3]]


def test_a_status_is_given_to_all_selected_images_in_one_step(page: LabelPage, qtbot: QtBot) -> None:
    click(page, 2)
    click(page, 4, SHIFT)
    choose_in_menu(page, 3, "Mark as", "Verified")
    qtbot.waitUntil(lambda: verified(page) == ["img_2.jpg", "img_3.jpg", "img_4.jpg"], timeout=10_000)
    assert page.image_list.progress.text() == "3 of 6 verified"
    page.context.document.undo()
    assert page.image_list.progress.text() == "0 of 6 verified"


def test_of_the_selected_images_those_that_cannot_be_read_are_not_verified_but_named(
    page: LabelPage, qtbot: QtBot, image_folder: Path
) -> None:
    (image_folder / "img_3.jpg").write_bytes(b"no image")
    click(page, 2)
    click(page, 4, SHIFT)
    choose_in_menu(page, 2, "Mark as", "Verified")
    qtbot.waitUntil(lambda: verified(page) == ["img_2.jpg", "img_4.jpg"], timeout=10_000)
    message = page.context.messages.history[-1]
    assert (message.level, "img_3.jpg: broken image" in message.text) == ("warning", True)
    assert message.text.startswith("1 image was not verified: ")


def verified(page: LabelPage) -> list[str]:
    images = page.context.document.project.images()
    return [image.path for image in images if image.status is Status.VERIFIED]


def test_a_split_is_given_to_all_selected_images_and_can_be_taken_back(page: LabelPage) -> None:
    click(page, 0)
    click(page, 1, SHIFT)
    choose_in_menu(page, 0, "Split", "val")
    project = page.context.document.project
    assert [image.split for image in project.images()] == ["val", "val", None, None, None, None]
    message = page.context.messages.history[-1]
    assert message.text == "2 images are in the split val now."
    assert message.action is not None
    message.action[1]()
    assert {image.split for image in project.images()} == {None}


def test_removed_images_leave_and_the_next_that_stays_is_shown(page: LabelPage) -> None:
    project = page.context.document.project
    ids = project.image_ids()
    click(page, 1)
    click(page, 2, SHIFT)
    choose_in_menu(page, 2, "Remove from the project")
    assert project.image_ids() == [ids[0], *ids[3:]]
    assert page.context.view.image_id == ids[3]
    page.context.document.undo()
    assert project.image_ids() == ids


def test_the_paths_of_the_selected_images_can_be_copied(page: LabelPage, image_folder: Path) -> None:
    click(page, 4)
    click(page, 5, SHIFT)
    choose_in_menu(page, 5, "Copy the paths")
    assert QApplication.clipboard().text().splitlines() == [
        str(image_folder / "img_4.jpg"),
        str(image_folder / "img_5.jpg"),
    ]


def test_images_are_listed_by_number_of_boxes(page: LabelPage) -> None:
    narrow(page, "Boxes", "No boxes")
    assert listed(page) == ["img_2.jpg", "img_3.jpg", "img_4.jpg", "img_5.jpg"]
    narrow(page, "Boxes", "With boxes")
    assert listed(page) == ["img_0.jpg", "img_1.jpg"]


def test_images_are_listed_by_split_and_status_together(page: LabelPage, qtbot: QtBot) -> None:
    click(page, 0)
    click(page, 2, SHIFT)
    choose_in_menu(page, 0, "Split", "train")
    click(page, 2)
    choose_in_menu(page, 2, "Mark as", "Verified")
    qtbot.waitUntil(lambda: verified(page) == ["img_2.jpg"], timeout=10_000)
    narrow(page, "Split", "train")
    assert listed(page) == ["img_0.jpg", "img_1.jpg", "img_2.jpg"]
    page.image_list.bar.status.setCurrentText("Verified")
    assert listed(page) == ["img_2.jpg"]
    assert page.image_list.progress.text() == "1 of 6 verified · 1 listed"
    narrow(page, "List all images")
    assert len(listed(page)) == 6


def test_images_are_listed_by_class_and_flag_and_a_chip_lifts_the_condition(
    qtbot: QtBot, page: LabelPage
) -> None:
    page.entered()
    QTest.keyClick(page.canvas, Qt.Key.Key_A, CTRL)
    QTest.keyClick(page.canvas, Qt.Key.Key_F, SHIFT | CTRL)
    narrow(page, "Class", "platelet")
    qtbot.waitUntil(lambda: listed(page) == ["img_0.jpg", "img_1.jpg"], timeout=5000)
    narrow(page, "Flag", "Difficult")
    qtbot.waitUntil(lambda: listed(page) == ["img_0.jpg"], timeout=5000)
    chips = {chip.text(): chip for chip in page.image_list.bar.findChildren(QPushButton) if chip.isVisible()}
    assert set(chips) == {"platelet", "Difficult"}
    QTest.mouseClick(chips["Difficult"], Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: listed(page) == ["img_0.jpg", "img_1.jpg"], timeout=5000)


def test_ranges_of_boxes_are_called_by_their_numbers() -> None:
    assert [item.title for item in BOX_RANGES] == [
        "No boxes",
        "With boxes",
        "1 box",
        "2 to 9 boxes",
        "10 boxes and more",
        "50 boxes and more",
    ]


@pytest.mark.parametrize(
    ("paths", "folder"),
    [
        (["a.jpg", "b.jpg"], ""),
        (["x/a.jpg", "x/b.jpg"], "x/"),
        (["x/y/a.jpg", "x/y/z/b.jpg", "x/yes.jpg"], "x/"),
        (["cam1/a.jpg", "cam2/a.jpg"], ""),
        (["one/only.jpg"], "one/"),
        ([], ""),
    ],
)
def test_the_folder_that_all_images_share_is_not_repeated_in_each_row(paths: list[str], folder: str) -> None:
    assert common_folder(paths) == folder


@pytest.fixture
def many(tmp_path: Path, image_folder: Path) -> Iterator[Project]:
    """300 images, of which one far down was shown last."""
    names = [f"img_{number % 6}.jpg" for number in range(6)] + [f"far_{number}.jpg" for number in range(294)]
    with Project.create(tmp_path / "many.reticle", image_root=image_folder, image_paths=names) as project:
        project.set_setting("last_image", project.image_ids()[200])
        yield project


def is_in_view(page: LabelPage, row: int) -> bool:
    view = page.image_list.view
    return view.viewport().rect().contains(view.visualRect(page.images.index(row)))


def test_the_image_shown_last_is_in_view_after_opening(
    qtbot: QtBot, empty_page: LabelPage, many: Project
) -> None:
    empty_page.context.document.open(many)
    QTest.qWait(20)
    assert empty_page.image_list.view.currentIndex().row() == 200
    assert is_in_view(empty_page, 200)


def test_the_image_shown_is_in_view_once_a_search_is_cleared(
    qtbot: QtBot, empty_page: LabelPage, many: Project
) -> None:
    empty_page.context.document.open(many)
    QTest.keyClicks(empty_page.image_list.bar.search, "far_7")
    empty_page.image_list.bar.search.clear()
    QTest.qWait(20)
    assert is_in_view(empty_page, 200)
