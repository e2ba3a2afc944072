"""Menus, palette and tool bar of the Label page offer what there is."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QIcon
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu, QToolButton
from pytestqt.qtbot import QtBot

from app.label.models.box_model import BoxModel
from app.label.page import LabelPage
from app.shell.action_dialogs import ActionPalette
from app.shell.main_window import MainWindow
from app.widgets.painting import SWATCH


def test_the_palette_offers_only_classes_that_exist_by_their_names(qtbot: QtBot, page: LabelPage) -> None:
    palette = ActionPalette(page.context.actions, page)
    qtbot.addWidget(palette)
    palette.show()
    QTest.keyClicks(palette.field, "class ")
    texts = [palette.list.topLevelItem(row).text(0) for row in range(palette.list.topLevelItemCount())]  # type: ignore[union-attr]
    assert [text for text in texts if text.startswith("Class ")] == [
        "Class cell",
        "Class platelet",
        "Class blob",
    ]


def test_arrows_in_the_palettes_field_move_in_its_list(qtbot: QtBot, page: LabelPage) -> None:
    palette = ActionPalette(page.context.actions, page)
    qtbot.addWidget(palette)
    palette.show()
    QTest.keyClick(palette.field, Qt.Key.Key_Down)
    assert palette.list.indexOfTopLevelItem(palette.list.currentItem()) == 1


def test_classes_are_a_menu_of_their_own_and_the_file_menu_has_groups(window: MainWindow) -> None:
    menus = {action.text(): action.menu() for action in window.menuBar().actions()}
    label, file = menus["&Label"], menus["&File"]
    assert isinstance(label, QMenu)
    assert isinstance(file, QMenu)
    texts = [action.text() for action in label.actions()]
    assert "Use class" in texts
    assert not any(text.startswith("Class ") for text in texts)
    assert any(action.isSeparator() for action in file.actions())


@pytest.mark.parametrize(("width", "words"), [(1440, True), (900, False)])
def test_a_narrow_tool_bar_keeps_its_icons_and_hides_nothing(
    qtbot: QtBot, window: MainWindow, width: int, words: bool
) -> None:
    window.resize(width, 700)
    page = window.label_page
    qtbot.waitUntil(lambda: window.width() == width)
    QApplication.processEvents()
    button = page.toolbar.widgetForAction(page.context.actions["label.verify"])
    assert isinstance(button, QToolButton)
    assert (button.toolButtonStyle() == Qt.ToolButtonStyle.ToolButtonTextBesideIcon) is words
    extension = page.toolbar.findChild(QToolButton, "qt_toolbar_ext_button")
    assert extension is None or not extension.isVisible()
    assert button.text() == "Verify"


def test_nothing_open_is_said_without_a_key_for_drawing(empty_page: LabelPage) -> None:
    assert "Press" not in empty_page.box_table.empty_text()


def test_the_key_for_drawing_is_the_one_of_the_keymap(qtbot: QtBot, page: LabelPage) -> None:
    page.context.actions.use_keymap("CVAT")
    page.context.view.show_image(page.images.image_id(3))
    qtbot.waitUntil(lambda: "Press N and drag" in page.box_table.empty_text(), timeout=5000)


def test_the_swatch_of_a_selected_row_is_not_tinted(page: LabelPage) -> None:
    model: BoxModel = page.boxes
    icon = model.index(0, 0).data(Qt.ItemDataRole.DecorationRole)
    normal, selected = (
        icon.pixmap(SWATCH, SWATCH, mode).toImage() for mode in (QIcon.Mode.Normal, QIcon.Mode.Selected)
    )
    assert normal == selected
