"""The preview shows training images with their boxes, follows the settings and never stands still."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QImage
from pytestqt.qtbot import QtBot

from app.services.context import AppContext
from app.train.page import TrainPage
from app.train.previewing import COUNT
from app.train.widgets.preview_dialog import PreviewDialog, PreviewGrid, PreviewPicture
from detcore.jobs.config import TrainConfig
from detcore.jobs.settings.learning import Learning
from detcore.project.edits import delete_boxes, update_boxes

WAIT = 30_000


def opened(page: TrainPage, context: AppContext) -> PreviewDialog:
    context.actions["train.preview"].trigger()
    dialog = page.previewing.dialog
    assert dialog is not None
    return dialog


def shown(dialog: PreviewDialog) -> list[bytes]:
    return [bytes(picture.image.constBits()) for picture in dialog.grid.pictures]


def test_pictures_follow_the_settings_and_another_batch(
    qtbot: QtBot, open_page: TrainPage, context: AppContext
) -> None:
    dialog = opened(open_page, context)
    qtbot.waitUntil(lambda: len(dialog.grid.pictures) == COUNT, timeout=WAIT)
    assert dialog.middle.currentWidget() is dialog.grid
    assert any(picture.boxes for picture in dialog.grid.pictures)
    first = shown(dialog)
    forms = open_page.setup.settings.more.groups
    (form,) = (form for form in forms.values() if "brightness" in form.fields)
    form.fields["brightness"].setValue(80)
    qtbot.waitUntil(lambda: shown(dialog) != first, timeout=WAIT)
    form.fields["brightness"].setValue(0)
    qtbot.waitUntil(lambda: shown(dialog) == first, timeout=WAIT)
    qtbot.keyClick(dialog, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: shown(dialog) != first, timeout=WAIT)
    assert opened(open_page, context) is dialog
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    assert open_page.previewing.dialog is None


def test_tiles_are_shown_where_a_training_would_cut_them(
    qtbot: QtBot, open_page: TrainPage, context: AppContext
) -> None:
    config = TrainConfig(learning=Learning(tiles="96", image_size=96, small_until=0.0))
    open_page.setup.show_config(config)
    dialog = opened(open_page, context)
    qtbot.waitUntil(lambda: len(dialog.grid.pictures) > 0, timeout=WAIT)
    assert "tiles of 96 px, cut from 1 training image," in dialog.about.text()
    assert all(picture.image.width() == picture.image.height() == 96 for picture in dialog.grid.pictures)
    dialog.close()


def test_it_says_what_becomes_of_areas_to_ignore(
    qtbot: QtBot, open_page: TrainPage, context: AppContext
) -> None:
    project = context.document.project
    cells = [project.boxes(image_id)[0] for image_id in project.image_ids()[:2]]
    context.document.edit(update_boxes, [replace(box, difficult=True) for box in cells])
    dialog = opened(open_page, context)
    qtbot.waitUntil(lambda: "dashed box is not learnt" in dialog.about.text(), timeout=WAIT)
    open_page.setup.detector.choose("ssdlite320")
    qtbot.waitUntil(lambda: "dashed box is painted over" in dialog.about.text(), timeout=WAIT)
    picture = next(picture for picture in dialog.grid.pictures if picture.ignored)
    x1, y1, x2, y2 = picture.ignored[0]
    assert picture.image.pixelColor(int((x1 + x2) / 2), int((y1 + y2) / 2)).getRgb()[:3] == (114, 114, 114)
    dialog.close()


def test_sizes_of_both_halves_of_a_training_are_shown_and_said(
    qtbot: QtBot, open_page: TrainPage, context: AppContext
) -> None:
    """65 % of 160 are 104, of which the nearest multiple of 32 is 96."""
    learning = Learning(tiles="off", image_size=160, small_until=0.5)
    open_page.setup.show_config(TrainConfig(learning=learning))
    dialog = opened(open_page, context)
    qtbot.waitUntil(lambda: len(dialog.grid.pictures) == COUNT, timeout=WAIT)
    assert [picture.image.width() for picture in dialog.grid.pictures] == [96, 160] * (COUNT // 2)
    for picture in dialog.grid.pictures:
        assert picture.size in dialog.grid.accessibleName()
    bottom = dialog.grid.grab().toImage()
    cells = dialog.grid._cells()
    assert all(cell.bottom() + dialog.grid._line <= dialog.grid.height() + 1 for cell in cells)
    under = cells[0]
    colours = {
        bottom.pixel(x, y)
        for x in range(int(under.left()), int(under.right()))
        for y in range(int(under.bottom()) + 2, int(under.bottom()) + dialog.grid._line)
    }
    assert len(colours) > 2, "something is written below"
    dialog.close()


def test_without_labels_it_says_what_to_do(qtbot: QtBot, open_page: TrainPage, context: AppContext) -> None:
    project = context.document.project
    ids = project.ground_truth().ids.tolist()
    context.document.edit(delete_boxes, ids)
    dialog = opened(open_page, context)
    qtbot.waitUntil(lambda: "no labelled training images" in dialog.empty.text.text(), timeout=WAIT)
    assert dialog.middle.currentWidget() is dialog.empty
    assert not dialog.another.isEnabled()
    dialog.close()


def test_it_goes_with_its_project(qtbot: QtBot, open_page: TrainPage, context: AppContext) -> None:
    opened(open_page, context)
    context.document.close()
    assert open_page.previewing.dialog is None


def test_what_changes_while_a_batch_is_drawn_is_drawn_after_it(
    qtbot: QtBot, open_page: TrainPage, context: AppContext
) -> None:
    dialog = opened(open_page, context)
    for _ in range(3):
        dialog.another_wanted.emit()
    qtbot.waitUntil(
        lambda: len(dialog.grid.pictures) == COUNT and not open_page.previewing._drawing, timeout=WAIT
    )
    assert open_page.previewing._number == 3
    dialog.close()


@pytest.mark.parametrize("size", [(500, 420), (640, 500)])
def test_the_frame_of_a_box_is_painted_along_the_edges_of_its_object(
    qtbot: QtBot, context: AppContext, size: tuple[int, int]
) -> None:
    """A red object from (90, 60) to (200, 140) in a blue image of 320 × 240, enlarged, with a green frame."""
    image = QImage(320, 240, QImage.Format.Format_RGB888)
    image.fill(QColor(0, 0, 255))
    for y in range(60, 140):
        for x in range(90, 200):
            image.setPixelColor(x, y, QColor(255, 0, 0))
    grid = PreviewGrid(context.theme)
    qtbot.addWidget(grid)
    grid.resize(*size)
    box = ((90.0, 60.0, 200.0, 140.0), QColor(0, 255, 0))
    grid.show_pictures([PreviewPicture(image=image, boxes=(box,), ignored=())])
    painted = grid.grab().toImage()
    seen = {
        (x, y): painted.pixelColor(x, y).getRgb()[:3]
        for y in range(painted.height())
        for x in range(painted.width())
    }

    def hull(*colours: tuple[int, int, int]) -> list[int]:
        xs, ys = zip(*(place for place, colour in seen.items() if colour in colours), strict=True)
        return [min(xs), min(ys), max(xs) + 1, max(ys) + 1]

    red, green, blue = (255, 0, 0), (0, 255, 0), (0, 0, 255)
    left, top, right, bottom = hull(red, green, blue)
    scale = (right - left) / 320
    assert scale == pytest.approx((bottom - top) / 240, abs=0.02)
    assert scale > 1.5
    wanted = [left + 90 * scale, top + 60 * scale, left + 200 * scale, top + 140 * scale]
    assert hull(green) == pytest.approx(wanted, abs=1.5)
    x1, _, x2, _ = hull(green)
    middle = round(top + 100 * scale)
    assert {seen[x, middle] for x in range(x1 + 4, x2 - 4)} == {red}  # nothing but the object is within
    assert {seen[x, middle] for x in range(left + 2, x1 - 2)} == {blue}
