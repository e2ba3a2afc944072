"""Menus, the palette over all pages, help, and Enter on buttons."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu, QPushButton
from pytestqt.qtbot import QtBot

from app.shell.about_dialogs import AboutDialog, ManualDialog
from app.shell.action_dialogs import ActionPalette
from app.shell.keys_dialog import KeysDialog
from app.shell.main_window import MainWindow
from detcore.project.project import Project

CTRL = Qt.KeyboardModifier.ControlModifier


@pytest.fixture
def opened(qtbot: QtBot, window: MainWindow, project: Project) -> MainWindow:
    window.context.document.open(project)
    qtbot.waitUntil(lambda: window.label_page.viewer.is_showing, timeout=5000)
    return window


def menus(window: MainWindow) -> dict[str, QMenu]:
    found = {action.text().replace("&", ""): action.menu() for action in window.menuBar().actions()}
    return {title: menu for title, menu in found.items() if isinstance(menu, QMenu)}


def texts(menu: QMenu) -> list[str]:
    menu.aboutToShow.emit()
    return [action.text() for action in menu.actions() if not action.isSeparator()]


def test_no_two_menus_share_a_mnemonic(window: MainWindow) -> None:
    titles = [action.text() for action in window.menuBar().actions()]
    letters = [title[title.index("&") + 1].lower() for title in titles]
    assert titles[:3] == ["&File", "&Edit", "&View"]
    assert len(letters) == len(set(letters)), titles


def test_what_is_done_to_boxes_everywhere_is_under_edit(opened: MainWindow) -> None:
    edit = texts(menus(opened)["Edit"])
    assert {"Copy boxes", "Paste boxes", "Delete boxes", "Select all boxes"} <= set(edit)
    assert "Copy boxes" not in texts(menus(opened)["Label"])


def test_view_has_how_the_shown_page_is_looked_at(opened: MainWindow) -> None:
    view = menus(opened)["View"]
    assert {"Label", "Zoom in", "Show class names", "Images", "Classes", "Light or dark"} <= set(texts(view))
    QTest.keyClick(opened, Qt.Key.Key_2, CTRL)
    shown = texts(view)
    assert {"Log scale", "Runs"} <= set(shown)
    assert "Zoom in" not in shown


def test_recent_projects_are_in_the_file_menu_with_their_place(opened: MainWindow, project: Project) -> None:
    opened.context.settings.remember_project(project.folder)
    assert texts(opened.menus.recent) == [f"test  –  {project.folder.parent}"]


def test_the_title_names_the_project_and_its_place(opened: MainWindow, project: Project) -> None:
    assert opened.windowTitle() == f"test ({project.folder.parent}) – Reticle"


def test_the_palette_finds_what_belongs_to_another_page_and_does_it_there(
    qtbot: QtBot, opened: MainWindow
) -> None:
    QTest.keyClick(opened, Qt.Key.Key_K, CTRL)
    palette = opened.findChild(ActionPalette)
    assert palette is not None
    QTest.keyClicks(palette.field, "log scale")
    item = palette.list.topLevelItem(0)
    assert item is not None
    assert item.text(0) == "Train: Log scale"
    QTest.keyClick(palette.field, Qt.Key.Key_Return)
    assert opened.stack.currentWidget() is opened.train_page
    assert opened.context.actions["train.logarithmic"].isChecked()


def test_what_cannot_be_done_now_is_told_on_its_page(qtbot: QtBot, opened: MainWindow) -> None:
    QTest.keyClick(opened, Qt.Key.Key_K, CTRL)
    palette = opened.findChild(ActionPalette)
    assert palette is not None
    QTest.keyClicks(palette.field, "stop and keep")
    QTest.keyClick(palette.field, Qt.Key.Key_Return)
    assert opened.stack.currentWidget() is opened.train_page
    assert opened.context.messages.history[-1].text == "“Stop and keep” cannot be done now."


def test_f1_tells_of_the_mouse_and_of_nudging_and_can_be_searched(qtbot: QtBot, opened: MainWindow) -> None:
    QTest.keyClick(opened, Qt.Key.Key_F1)
    dialog = opened.findChild(KeysDialog)
    assert dialog is not None
    QTest.keyClicks(dialog.field, "nudge")
    heads = [dialog.tree.topLevelItem(row) for row in range(dialog.tree.topLevelItemCount())]
    shown = [
        head.child(row).text(1)
        for head in heads
        if head is not None and not head.isHidden()
        for row in range(head.childCount())
        if not head.child(row).isHidden()
    ]
    assert shown == ["Arrows", "Shift and arrows"]


def test_the_manual_is_the_guide_with_its_pictures(qtbot: QtBot, opened: MainWindow) -> None:
    QTest.keyClick(opened, Qt.Key.Key_F1, Qt.KeyboardModifier.ShiftModifier)
    manual = opened.findChild(ManualDialog)
    assert manual is not None
    assert "There is no Save" in manual.text.toPlainText()
    assert manual.text.toPlainText().count("\N{OBJECT REPLACEMENT CHARACTER}") == 4


def test_about_names_version_and_licence(qtbot: QtBot, opened: MainWindow) -> None:
    opened.context.actions["global.about"].trigger()
    about = opened.findChild(AboutDialog)
    assert about is not None
    assert "Apache License 2.0" in about.text.text()


def test_enter_presses_the_button_that_has_the_focus(qtbot: QtBot, opened: MainWindow) -> None:
    button = QPushButton("Go", opened)
    pressed: list[bool] = []
    button.clicked.connect(lambda: pressed.append(True))
    button.show()
    button.setFocus()
    for key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
        QTest.keyClick(button, key)
    assert len(pressed) == 3


def test_enter_on_the_train_button_starts(qtbot: QtBot, opened: MainWindow) -> None:
    QTest.keyClick(opened, Qt.Key.Key_2, CTRL)
    started: list[object] = []
    opened.train_page.control.start = started.append  # type: ignore[method-assign]
    start = opened.train_page.buttons.start
    qtbot.waitUntil(start.isEnabled, timeout=5000)
    start.setFocus()
    QTest.keyClick(start, Qt.Key.Key_Return)
    assert len(started) == 1


def test_images_can_be_divided_from_the_train_page(
    qtbot: QtBot, opened: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    monkeypatch.setattr("app.shell.division.ask_split", lambda window: asked.append(window))
    QTest.keyClick(opened, Qt.Key.Key_2, CTRL)
    divide = opened.train_page.buttons.divide
    qtbot.waitUntil(divide.isVisible, timeout=5000)
    QTest.mouseClick(divide, Qt.MouseButton.LeftButton)
    assert asked == [opened]


def test_the_folder_that_is_not_there_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from detcore.cli.main import main

    assert main([str(tmp_path / "nope")]) == 1
    assert capsys.readouterr().err == (
        f"error: {tmp_path / 'nope'}: no such folder. Give a folder of images, or a project.\n"
    )


def test_numbers_are_grouped_where_no_language_is_set(qapp: QApplication) -> None:
    from PySide6.QtCore import QLocale

    from app.services.figures import count_text
    from app.shell.application import make_application

    before = QLocale()
    try:
        QLocale.setDefault(QLocale.c())
        make_application()
        if QLocale.system().language() is QLocale.Language.C:
            assert count_text(4153) == "4,153"
    finally:
        QLocale.setDefault(before)
