"""Files that are broken, or have become others since they were labelled."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from app.label.page import LabelPage
from app.label.widgets.image_delegate import PICTURE_SIDE
from detcore.types import Status

SOON = 10_000


def file_of(page: LabelPage, row: int) -> Path:
    project = page.context.document.project
    return project.image_path(project.image(page.images.image_id(row)))


def replace_file(page: LabelPage, row: int, width: int, height: int, grey: int = 200) -> None:
    """Another picture under the same name, of another time however coarse the clock of the disk is."""
    path = file_of(page, row)
    before = path.stat().st_mtime_ns
    cv2.imwrite(str(path), np.full((height, width, 3), grey, np.uint8))
    os.utime(path, ns=(before + 10**9, before + 10**9))


def size_on_canvas(page: LabelPage) -> tuple[int, int]:
    image = page.canvas._image_item.image()
    return (0, 0) if image is None else (image.width(), image.height())


def size_of(page: LabelPage, row: int) -> tuple[int, int] | None:
    return page.context.document.project.image(page.images.image_id(row)).size


def brightness(picture: QImage | None) -> int:
    """Of its middle; 0 while it is being made."""
    if picture is None:
        return 0
    return picture.pixelColor(picture.width() // 2, picture.height() // 2).lightness()


def edges(page: LabelPage, row: int) -> list[tuple[float, float, float, float]]:
    return [box.xyxy for box in page.context.document.project.boxes(page.images.image_id(row))]


def button(page: LabelPage, text: str) -> QPushButton:
    return next(item for item in page.notice.buttons if item.text() == text)


@pytest.fixture
def halved(page: LabelPage, qtbot: QtBot) -> LabelPage:
    """The file of the first image, labelled at 160×120, is 80×60 now."""
    replace_file(page, 0, 80, 60)
    page.viewer.forget_images()
    qtbot.waitUntil(page.notice.isVisible, timeout=SOON)
    return page


def test_a_picture_that_was_replaced_is_shown_when_one_comes_back_to_it(
    page: LabelPage, qtbot: QtBot
) -> None:
    images = page.images
    page.context.view.show_image(images.image_id(3))
    qtbot.waitUntil(lambda: page.viewer.is_showing, timeout=SOON)
    page.context.view.show_image(images.image_id(4))
    qtbot.waitUntil(lambda: page.viewer.is_showing, timeout=SOON)
    replace_file(page, 3, 90, 70)
    QTest.keyClick(page.canvas, Qt.Key.Key_A)
    assert page.context.view.image_id == images.image_id(3)
    qtbot.waitUntil(lambda: size_on_canvas(page) == (90, 70), timeout=SOON)
    assert size_of(page, 3) == (90, 70)  # nothing was drawn on it yet
    small = page.image_list.thumbnails
    qtbot.waitUntil(lambda: brightness(small.request(file_of(page, 3), PICTURE_SIDE)) > 190, timeout=SOON)


def test_the_size_that_boxes_were_drawn_at_is_kept_and_the_user_is_told(halved: LabelPage) -> None:
    assert size_of(halved, 0) == (160, 120)
    assert "80×60 now; its 2 boxes were drawn at 160×120" in halved.notice.text.text()
    assert not halved.viewer.is_showing
    assert not halved.context.actions["label.draw_tool"].isEnabled()
    halved.context.view.show_image(halved.images.image_id(2))
    assert halved.notice.isHidden() or halved.notice.text.text() == ""


def test_scaled_boxes_fit_the_new_picture_and_undo_brings_back_both_size_and_boxes(
    halved: LabelPage, qtbot: QtBot
) -> None:
    before = edges(halved, 0)
    qtbot.mouseClick(button(halved, "Scale the boxes"), Qt.MouseButton.LeftButton)
    assert size_of(halved, 0) == (80, 60)
    assert edges(halved, 0) == [(10, 20, 30, 40), (50, 5, 65, 15)]
    assert halved.notice.isHidden()
    assert halved.viewer.is_showing
    halved.context.actions["global.undo"].trigger()
    assert (size_of(halved, 0), edges(halved, 0)) == ((160, 120), before)
    assert halved.notice.isVisible()


def test_kept_boxes_are_cut_off_at_the_border_of_the_new_picture(halved: LabelPage, qtbot: QtBot) -> None:
    qtbot.mouseClick(button(halved, "Keep the boxes"), Qt.MouseButton.LeftButton)
    assert size_of(halved, 0) == (80, 60)
    assert edges(halved, 0) == [(20, 40, 60, 60)]  # the one at 100 to 130 is outside of it


@pytest.mark.parametrize("modifier", [Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier])
def test_an_image_that_cannot_be_shown_is_not_verified(
    page: LabelPage, qtbot: QtBot, modifier: Qt.KeyboardModifier
) -> None:
    file_of(page, 0).write_bytes(b"no image")
    page.viewer.forget_images()
    qtbot.waitUntil(lambda: page.canvas.placeholder()[0] == "This image cannot be shown", timeout=SOON)
    first = page.context.view.image_id
    QTest.keyClick(page.canvas, Qt.Key.Key_Space, modifier)
    assert page.context.document.project.image(first).status is Status.UNSEEN
    assert page.context.view.image_id == first
    message = page.context.messages.history[-1]
    assert message.level == "warning"
    assert message.text.startswith("img_0.jpg was not verified: ")
    assert "broken image" in message.text


def test_an_image_of_another_size_is_not_verified_before_its_boxes_fit(
    halved: LabelPage, qtbot: QtBot
) -> None:
    first = halved.context.view.image_id
    QTest.keyClick(halved.canvas, Qt.Key.Key_Space)
    assert halved.context.document.project.image(first).status is Status.UNSEEN
    assert "another size" in halved.context.messages.history[-1].text
    qtbot.mouseClick(button(halved, "Scale the boxes"), Qt.MouseButton.LeftButton)
    QTest.keyClick(halved.canvas, Qt.Key.Key_Space)
    assert halved.context.document.project.image(first).status is Status.VERIFIED


def test_what_was_verified_can_be_unmarked_although_its_file_is_broken_now(
    page: LabelPage, qtbot: QtBot
) -> None:
    first = page.context.view.image_id
    QTest.keyClick(page.canvas, Qt.Key.Key_Space, Qt.KeyboardModifier.ShiftModifier)
    assert page.context.document.project.image(first).status is Status.VERIFIED
    file_of(page, 0).write_bytes(b"no image")
    page.viewer.forget_images()
    qtbot.waitUntil(lambda: page.canvas.placeholder()[0] == "This image cannot be shown", timeout=SOON)
    QTest.keyClick(page.canvas, Qt.Key.Key_Space, Qt.KeyboardModifier.ShiftModifier)
    assert page.context.document.project.image(first).status is Status.IN_PROGRESS


def test_a_file_that_is_gone_leads_to_the_folder_where_the_images_are_now(
    page: LabelPage, qtbot: QtBot
) -> None:
    asked: list[str] = []
    page.context.actions.bind("global.find_images", lambda: asked.append("folder"))
    file_of(page, 0).unlink()
    page.viewer.forget_images()
    qtbot.waitUntil(page.notice.isVisible, timeout=SOON)
    qtbot.mouseClick(button(page, "Locate…"), Qt.MouseButton.LeftButton)
    assert asked == ["folder"]
