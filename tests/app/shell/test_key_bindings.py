"""The user gives actions other keys, with the keyboard alone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QMessageBox
from pytestqt.qtbot import QtBot

from app.services.settings import Settings
from app.shell.action_dialogs import ActionPalette
from app.shell.application import make_window
from app.shell.change_key import ChangeKeyDialog
from app.shell.keys_dialog import KeysDialog
from app.shell.main_window import MainWindow
from app.shell.settings_dialog import SettingsDialog
from detcore.project.project import Project
from tests.app.held_keys import REPEATS, WAYS

CTRL = Qt.KeyboardModifier.ControlModifier
ENTER = Qt.Key.Key_Return
NONE = Qt.KeyboardModifier.NoModifier


@pytest.fixture
def opened(qtbot: QtBot, window: MainWindow, project: Project) -> MainWindow:
    window.context.document.open(project)
    qtbot.waitUntil(lambda: window.label_page.viewer.is_showing, timeout=5000)
    return window


def _press(key: Qt.Key, modifiers: Qt.KeyboardModifier = NONE) -> None:
    focused = QApplication.focusWidget()
    assert focused is not None
    QTest.keyClick(focused, key, modifiers)


def _show(qtbot: QtBot, dialog: QDialog | None) -> None:
    assert dialog is not None
    dialog.activateWindow()
    qtbot.waitUntil(dialog.isActiveWindow)


def _find(qtbot: QtBot, window: MainWindow, text: str) -> KeysDialog:
    """F1, the name of an action, and Down to it."""
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    QTest.keyClick(window, Qt.Key.Key_F1)
    dialog = window.findChild(KeysDialog)
    _show(qtbot, dialog)
    assert dialog is not None
    QTest.keyClicks(dialog.field, text)
    for _ in range(3):
        if not dialog.change.isEnabled():
            _press(Qt.Key.Key_Down)
    return dialog


def _ask(qtbot: QtBot, window: MainWindow, text: str) -> ChangeKeyDialog:
    keys = _find(qtbot, window, text)
    _press(ENTER)
    dialog = keys.findChild(ChangeKeyDialog)
    _show(qtbot, dialog)
    assert dialog is not None
    qtbot.waitUntil(dialog.field.hasFocus)
    return dialog


def _row(dialog: KeysDialog, text: str) -> str:
    return next(item.text(1) for item, spec, _ in dialog._rows if spec.text == text)


def test_a_key_is_changed_with_the_keyboard_alone_and_shown_everywhere_at_once(
    qtbot: QtBot, opened: MainWindow
) -> None:
    _ask(qtbot, opened, "verified, next")
    _press(Qt.Key.Key_G)
    _press(ENTER)
    keys = opened.findChild(KeysDialog)
    assert keys is not None
    assert _row(keys, "Verified, next") == "G"
    keys.close()
    action = opened.context.actions["label.verify"]
    assert [key.toString() for key in action.shortcuts()] == ["G"]  # menus show that of the action
    assert "<span>G</span>" in action.toolTip()
    opened.activateWindow()
    qtbot.waitUntil(opened.isActiveWindow)
    QTest.keyClick(opened, Qt.Key.Key_K, CTRL)
    palette = opened.findChild(ActionPalette)
    assert palette is not None
    QTest.keyClicks(palette.field, "mark the image as done, also")
    item = palette.list.topLevelItem(0)
    assert item is not None
    assert item.text(1) == "G"


def test_words_find_the_first_action_whose_key_can_be_changed_and_enter_changes_it(
    qtbot: QtBot, opened: MainWindow
) -> None:
    opened.activateWindow()
    qtbot.waitUntil(opened.isActiveWindow)
    QTest.keyClick(opened, Qt.Key.Key_F1)
    keys = opened.findChild(KeysDialog)
    _show(qtbot, keys)
    assert keys is not None
    QTest.keyClicks(keys.field, "image next")
    _press(ENTER)
    dialog = keys.findChild(ChangeKeyDialog)
    assert dialog is not None
    assert dialog.said.text() == "Now it is D, PgDown."
    dialog.close()
    keys.field.setText("draw")  # the gestures before it are shown, but have no key
    item = keys.tree.currentItem()
    assert item is not None
    assert item.text(0) == "Draw box"
    keys.field.clear()
    assert not keys.change.isEnabled()


def test_the_new_key_does_it_and_the_old_one_no_more(qtbot: QtBot, opened: MainWindow) -> None:
    opened.context.settings.key_bindings = '{"label.next_image": ["G"]}'
    view, canvas = opened.context.view, opened.label_page.canvas
    first = view.image_id
    canvas.setFocus()
    QTest.keyClick(canvas, Qt.Key.Key_D)
    assert view.image_id == first
    QTest.keyClick(canvas, Qt.Key.Key_G)
    assert view.image_id != first


def test_a_key_that_was_taken_from_deleting_deletes_no_more(qtbot: QtBot, opened: MainWindow) -> None:
    opened.context.settings.key_bindings = '{"label.delete": ["G"], "label.zoom_selection": ["Del"]}'
    project, view, canvas = opened.context.document.project, opened.context.view, opened.label_page.canvas
    boxes = [box.id for box in project.boxes(view.image_id)]
    view.select(frozenset(boxes[:1]))
    canvas.setFocus()
    zoom = canvas.camera.zoom()
    QTest.keyClick(canvas, Qt.Key.Key_Delete)
    assert [box.id for box in project.boxes(view.image_id)] == boxes
    assert canvas.camera.zoom() != zoom
    QTest.keyClick(canvas, Qt.Key.Key_G)
    assert [box.id for box in project.boxes(view.image_id)] == boxes[1:]


def test_a_key_of_another_action_is_told_before_it_is_taken(qtbot: QtBot, opened: MainWindow) -> None:
    dialog = _ask(qtbot, opened, "copy boxes")
    _press(Qt.Key.Key_D, CTRL)
    assert dialog.said.text() == "Ctrl+D is Duplicate boxes; take it from there?"
    actions = opened.context.actions
    assert actions["label.duplicate"].shortcut().toString() == "Ctrl+D"
    _press(Qt.Key.Key_Escape)
    assert opened.context.settings.key_bindings == ""
    keys = opened.findChild(KeysDialog)
    assert keys is not None
    _show(qtbot, keys)
    _press(ENTER)
    again = [dialog for dialog in keys.findChildren(ChangeKeyDialog) if dialog.isVisible()][0]
    _show(qtbot, again)
    _press(Qt.Key.Key_D, CTRL)
    assert again.take.text() == "Take it"
    _press(ENTER)
    assert actions["label.copy"].shortcut().toString() == "Ctrl+D"
    assert actions["label.duplicate"].shortcut().toString() == ""
    assert _row(keys, "Duplicate boxes") == ""


def test_a_key_that_works_on_another_page_only_is_free(qtbot: QtBot, opened: MainWindow) -> None:
    dialog = _ask(qtbot, opened, "copy boxes")
    _press(Qt.Key.Key_Y)  # accepts a prediction on Review
    assert dialog.said.text() == ""
    assert dialog.take.isEnabled()


def test_enter_of_the_keypad_uses_the_new_key_as_enter_does(qtbot: QtBot, opened: MainWindow) -> None:
    _ask(qtbot, opened, "verified, next")
    _press(Qt.Key.Key_G)
    _press(Qt.Key.Key_Enter, Qt.KeyboardModifier.KeypadModifier)
    assert opened.context.actions["label.verify"].shortcut().toString() == "G"


@pytest.mark.parametrize(
    ("key", "modifiers", "reason"),
    [
        (Qt.Key.Key_3, NONE, "3 is the key of a class."),
        (Qt.Key.Key_F, Qt.KeyboardModifier.AltModifier, "Alt+F is for menus."),
        (ENTER, Qt.KeyboardModifier.ShiftModifier, "Shift+Return is for fields and dialogs."),
    ],
)
def test_a_key_that_is_needed_elsewhere_is_refused(
    qtbot: QtBot, opened: MainWindow, key: Qt.Key, modifiers: Qt.KeyboardModifier, reason: str
) -> None:
    dialog = _ask(qtbot, opened, "copy boxes")
    _press(key, modifiers)
    assert dialog.said.text() == f"{reason} Press another key."
    assert not dialog.take.isEnabled()


def test_a_modifier_waits_for_its_key_and_shift_that_types_a_sign_is_no_part_of_it(
    qtbot: QtBot, opened: MainWindow
) -> None:
    dialog = _ask(qtbot, opened, "copy boxes")
    QTest.keyPress(dialog.field, Qt.Key.Key_Control, CTRL)
    assert dialog.field.text() == ""
    shift = Qt.KeyboardModifier.ShiftModifier
    QTest.simulateEvent(dialog.field, True, Qt.Key.Key_Question, shift, "?", False)
    assert dialog.field.text() == "?"
    QTest.keyClick(dialog.field, Qt.Key.Key_G, shift)
    assert dialog.field.text() == "Shift+G"


def test_the_keys_it_has_can_be_kept(qtbot: QtBot, opened: MainWindow) -> None:
    dialog = _ask(qtbot, opened, "next image")
    assert dialog.keep.text() == "Keep D, PgDown as well"
    _press(Qt.Key.Key_G)
    _press(Qt.Key.Key_Tab)
    _press(Qt.Key.Key_Space)
    _press(ENTER)
    shortcuts = opened.context.actions["label.next_image"].shortcuts()
    assert [key.toString() for key in shortcuts] == ["G", "D", "PgDown"]


def test_one_key_is_reset_and_taken_back_from_who_took_it(qtbot: QtBot, opened: MainWindow) -> None:
    opened.context.settings.key_bindings = '{"label.copy": ["Ctrl+D"]}'
    dialog = _ask(qtbot, opened, "duplicate boxes")
    dialog.reset.setFocus()
    _press(Qt.Key.Key_Space)
    assert dialog.said.text() == "Ctrl+D is Copy boxes; take it from there?"
    dialog.take.setFocus()
    _press(Qt.Key.Key_Space)
    assert opened.context.actions["label.duplicate"].shortcut().toString() == "Ctrl+D"
    assert opened.context.actions["label.copy"].shortcut().toString() == ""


@pytest.mark.parametrize("says_yes", [True, False])
def test_all_keys_are_reset_when_the_user_says_so(qtbot: QtBot, opened: MainWindow, says_yes: bool) -> None:
    before = '{"label.copy": ["Ctrl+D"], "review.next": ["N"]}'
    opened.context.settings.key_bindings = before
    dialog = _find(qtbot, opened, "")

    def answer() -> None:
        box = dialog.findChild(QMessageBox)
        assert box is not None
        assert "2 actions have" in box.informativeText()
        wanted = "Reset" if says_yes else "Keep them"
        next(button for button in box.buttons() if button.text() == wanted).click()

    QTimer.singleShot(200, answer)
    dialog.reset.click()
    assert opened.context.settings.key_bindings == ("" if says_yes else before)
    assert opened.context.actions["label.copy"].shortcut().toString() == ("Ctrl+C" if says_yes else "Ctrl+D")
    assert dialog.reset.isEnabled() != says_yes


def test_own_keys_stay_when_another_preset_is_chosen(window: MainWindow) -> None:
    settings, actions = window.context.settings, window.context.actions
    settings.key_bindings = '{"label.verify": ["N"]}'
    settings.keymap = "CVAT"
    assert actions["label.verify"].shortcut().toString() == "N"
    assert actions["label.draw_tool"].shortcuts() == []
    assert actions["label.next_image"].shortcut().toString() == "F"
    settings.keymap = "reticle"
    assert actions["label.draw_tool"].shortcut().toString() == "W"


def test_damaged_keys_are_told_once_and_the_window_starts(
    qapp: QApplication, qtbot: QtBot, settings: Settings
) -> None:
    settings.key_bindings = '{"label.gone": ["G"], "label.copy": 7, "label.verify": ["G"]}'
    told: list[list[str]] = []
    for _ in range(2):
        window = make_window(qapp, settings)
        qtbot.addWidget(window)
        told.append([message.text for message in window.context.messages.history])
        assert window.context.actions["label.verify"].shortcut().toString() == "G"
        assert window.context.actions["label.copy"].shortcut().toString() == "Ctrl+C"
        window.close()
    assert told == [["1 key of your own could not be used."], []]


@pytest.mark.parametrize("hold", WAYS, ids=lambda way: way.__name__)
def test_a_key_of_ones_own_that_is_held_writes_once_and_walks_on(
    opened: MainWindow, hold: Callable[..., None]
) -> None:
    context, canvas = opened.context, opened.label_page.canvas
    context.settings.key_bindings = '{"label.verify": ["Q"], "label.next_image": ["G"]}'
    edits: list[object] = []
    context.document.changed.connect(edits.append)
    first = context.view.image_id
    canvas.setFocus()
    hold(canvas, Qt.Key.Key_Q)
    assert len(edits) == 1
    context.view.show_image(first)
    ids = list(context.document.project.image_ids())
    hold(canvas, Qt.Key.Key_G)
    assert context.view.image_id == ids[min(REPEATS + 1, len(ids) - 1)]


@pytest.mark.parametrize("hold", WAYS, ids=lambda way: way.__name__)
def test_enter_that_is_held_opens_the_question_and_answers_nothing(
    qtbot: QtBot, opened: MainWindow, hold: Callable[..., None]
) -> None:
    dialog = _find(qtbot, opened, "copy boxes")
    hold(dialog.field, ENTER)
    asked = dialog.findChildren(ChangeKeyDialog)
    assert len(asked) == 1
    assert asked[0].isVisible()
    assert opened.context.settings.key_bindings == ""


def test_settings_lead_to_the_keys(qtbot: QtBot, opened: MainWindow) -> None:
    opened.context.actions["global.settings"].trigger()
    dialog = opened.findChild(SettingsDialog)
    _show(qtbot, dialog)
    assert dialog is not None
    dialog.change.click()
    keys = opened.findChild(KeysDialog)
    assert keys is not None
    assert keys.isVisible()


def test_a_button_tells_of_the_new_key_of_its_action(opened: MainWindow) -> None:
    button = opened.export_page.button
    assert "Ctrl+Return" in button.toolTip()
    opened.context.settings.key_bindings = '{"export.start": ["Ctrl+E"]}'
    assert "Ctrl+E" in button.toolTip()
