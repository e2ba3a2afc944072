"""Images that look the same: found in the window, and what can be done about them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtTest import QAbstractItemModelTester, QTest
from PySide6.QtWidgets import QApplication, QMenu, QWidget
from pytestqt.qtbot import QtBot

from app.duplicates.duplicate_groups import DuplicateGroup, ItemModel
from app.duplicates.duplicates_dialog import DuplicatesDialog
from app.duplicates.finding import NearDuplicates
from app.services.context import AppContext
from app.services.undo_redo import UndoRedo
from detcore.curation.descriptors import Progress
from detcore.curation.duplicates import Duplicates, find_duplicates
from detcore.project.edits import add_boxes, add_class, add_images, remove_images, set_split
from detcore.project.project import Project
from detcore.project.reading import ProjectReader
from detcore.types import Box, Image

CTRL = Qt.KeyboardModifier.ControlModifier
ALT = Qt.KeyboardModifier.AltModifier
FAMILIES = {"a": 3, "b": 2, "c": 1, "d": 2}
"""Pictures, and of each how many versions."""


def paint(folder: Path, families: dict[str, int]) -> list[str]:
    names: list[str] = []
    for number, (family, versions) in enumerate(families.items()):
        small = np.random.default_rng(number).integers(0, 256, (6, 8, 3), dtype=np.uint8)
        picture = cv2.resize(small, (320, 240), interpolation=cv2.INTER_CUBIC)
        for version in range(versions):
            names.append(f"{family}{version}.jpg")
            cv2.imwrite(str(folder / names[-1]), picture, [cv2.IMWRITE_JPEG_QUALITY, 95 - 15 * version])
    return names


@pytest.fixture
def twins(tmp_path: Path) -> Iterator[Project]:
    """a0 to a2 lie in train, b0 and b1 in train and test, c0 is alone, d0 and d1 are in no split."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    names = paint(folder, FAMILIES)
    with Project.create(tmp_path / "twins.reticle", image_root=folder, image_paths=names) as project:
        ids = dict(zip(names, project.image_ids(), strict=True))
        splits = {
            "a0.jpg": "train",
            "a1.jpg": "train",
            "a2.jpg": "train",
            "b0.jpg": "train",
            "b1.jpg": "test",
        }
        project.edit(set_split, {ids[name]: split for name, split in splits.items()})
        project.edit(add_class, "thing")
        project.edit(add_boxes, [Box(id=0, image_id=ids["b0.jpg"], class_id=1, x1=1, y1=1, x2=9, y2=9)])
        yield project


@pytest.fixture
def duplicates(qtbot: QtBot, context: AppContext) -> Iterator[NearDuplicates]:
    """The service in a window, with nothing open."""
    window = QWidget()
    qtbot.addWidget(window)
    context.actions.install(window)
    UndoRedo(context)
    service = NearDuplicates(context, window)
    context.document.opened.connect(context.actions.refresh)  # as the main window does
    window.show()
    yield service
    context.tasks.shut_down()


@pytest.fixture
def found(qtbot: QtBot, context: AppContext, twins: Project, duplicates: NearDuplicates) -> NearDuplicates:
    """The window shows what was found."""
    context.document.open(twins)
    context.actions["global.duplicates"].trigger()
    qtbot.waitUntil(lambda: len(groups(duplicates)) > 0, timeout=10000)
    QTest.qWaitForWindowActive(duplicates.dialog)
    return duplicates


def groups(duplicates: NearDuplicates) -> list[tuple[str, list[str]]]:
    """Where each group lies, and its images."""
    model = duplicates.dialog.panel.groups.model()
    assert isinstance(model, ItemModel)
    items: list[DuplicateGroup] = list(model.items)
    return [(item.place, [twin.image.path for twin in item.twins]) for item in items]


def side_by_side(dialog: DuplicatesDialog) -> list[str]:
    model = dialog.panel.twins.model()
    return [model.index(row, 0).data() for row in range(model.rowCount())]


def press(dialog: DuplicatesDialog, key: Qt.Key, modifier: Qt.KeyboardModifier | None = None) -> None:
    QTest.keyClick(dialog.focusWidget() or dialog, key, modifier or Qt.KeyboardModifier.NoModifier)


def test_the_dialog_fits_a_screen_of_1440_pixels_at_200_percent(found: NearDuplicates, qtbot: QtBot) -> None:
    dialog, panel = found.dialog, found.dialog.panel
    dialog.resize(720, 420)
    assert dialog.width() == 720
    for button in (*panel.splits.values(), panel.remove, panel.open):
        qtbot.waitUntil(lambda button=button: button.visibleRegion().boundingRect() == button.rect())
        assert button.width() >= button.sizeHint().width()
    dialog.resize(1044, 640)
    qtbot.waitUntil(
        lambda: panel.remove.mapTo(panel, QPoint()).y() == panel.splits["val"].mapTo(panel, QPoint()).y()
    )
    assert panel.open.mapTo(panel, panel.open.rect().topRight()).x() == panel.width() - 1 - 12


def test_leaks_come_first_and_say_between_which_splits(found: NearDuplicates) -> None:
    assert groups(found)[0] == ("Leak: train, test", ["b0.jpg", "b1.jpg"])
    assert sorted(groups(found)[1:]) == [
        ("All in train", ["a0.jpg", "a1.jpg", "a2.jpg"]),
        ("No split", ["d0.jpg", "d1.jpg"]),
    ]
    assert found.dialog.title.text() == "3 groups of images that look the same; 1 leaks between splits"
    assert "8 images were compared" in found.dialog.text.text()
    assert side_by_side(found.dialog) == ["b0.jpg, train, 1 box", "b1.jpg, test, 0 boxes"]


def test_arrows_go_through_the_groups(found: NearDuplicates) -> None:
    press(found.dialog, Qt.Key.Key_Down)
    press(found.dialog, Qt.Key.Key_Down)
    last = groups(found)[2][1]
    assert [text.split(",")[0] for text in side_by_side(found.dialog)] == last


def test_a_group_is_put_into_one_split_by_one_edit_and_stays_in_its_place(
    qtbot: QtBot, found: NearDuplicates, twins: Project
) -> None:
    before = [names for _, names in groups(found)]
    press(found.dialog, Qt.Key.Key_T, ALT)
    qtbot.waitUntil(lambda: twins.undo_text == "Put near-duplicates into train")
    assert groups(found)[0] == ("All in train", ["b0.jpg", "b1.jpg"])
    assert [names for _, names in groups(found)] == before
    assert found.dialog.said.text() == "Both images are in train now."
    assert not found.dialog.panel.splits["train"].isEnabled()
    assert found.dialog.title.text().endswith("none leaks between splits")
    press(found.dialog, Qt.Key.Key_Z, CTRL)
    assert groups(found)[0][0] == "Leak: train, test"
    assert found.dialog.said.text() == ""


def test_undo_is_offered_for_what_was_done_here_alone(
    context: AppContext, found: NearDuplicates, twins: Project
) -> None:
    dialog = found.dialog
    QTest.mouseClick(dialog.panel.splits["test"], Qt.MouseButton.LeftButton)
    assert dialog.undo.isVisible()
    alone = twins.image_ids_by_path()["c0.jpg"]
    context.document.edit(set_split, {alone: "val"})
    assert not dialog.undo.isVisible()
    assert dialog.said.text() == ""


def test_delete_takes_the_chosen_image_out_and_undo_brings_it_back_with_its_boxes(
    found: NearDuplicates, twins: Project
) -> None:
    dialog = found.dialog
    dialog.panel.twins.setFocus()
    press(dialog, Qt.Key.Key_Right)
    press(dialog, Qt.Key.Key_Left)
    press(dialog, Qt.Key.Key_Delete)
    assert "b0.jpg" not in [image.path for image in twins.images()]
    assert ["b0.jpg", "b1.jpg"] not in [names for _, names in groups(found)]
    assert dialog.said.text().startswith("b0.jpg is out of the project")
    assert (twins.image_root / "b0.jpg").is_file()
    QTest.mouseClick(dialog.undo, Qt.MouseButton.LeftButton)
    assert groups(found)[0][1] == ["b0.jpg", "b1.jpg"]
    assert twins.box_count() == 1


def test_two_of_three_that_are_left_are_still_a_group(found: NearDuplicates, twins: Project) -> None:
    panel = found.dialog.panel
    three = next(row for row, (_, names) in enumerate(groups(found)) if len(names) == 3)
    panel.groups.setCurrentIndex(panel.groups.model().index(three, 0))
    QTest.mouseClick(panel.remove, Qt.MouseButton.LeftButton)
    assert groups(found)[three][1] == ["a1.jpg", "a2.jpg"]
    assert panel.groups.currentIndex().row() == three


def test_enter_shows_the_image_on_the_label_page_and_the_message_leads_back(
    qtbot: QtBot, context: AppContext, found: NearDuplicates, twins: Project
) -> None:
    dialog = found.dialog
    dialog.panel.twins.setFocus()
    press(dialog, Qt.Key.Key_Right)
    with qtbot.waitSignal(found.page_requested) as asked:
        press(dialog, Qt.Key.Key_Return)
    assert asked.args == ["label"]
    assert twins.image(context.view.image_id).path == "b1.jpg"
    assert dialog.isHidden()
    offer = context.messages.history[-1].action
    assert offer is not None
    offer[1]()
    assert dialog.isVisible()
    assert groups(found)[0][1] == ["b0.jpg", "b1.jpg"]


def test_a_click_on_a_picture_chooses_it_and_a_double_click_opens_it(
    context: AppContext, found: NearDuplicates, twins: Project
) -> None:
    view = found.dialog.panel.twins
    place = view.visualRect(view.model().index(1, 0)).center()
    QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert view.currentIndex().row() == 1
    QTest.mouseDClick(view.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert twins.image(context.view.image_id).path == "b1.jpg"


def test_the_menu_of_a_picture_offers_what_the_buttons_do(
    qtbot: QtBot, found: NearDuplicates, twins: Project
) -> None:
    view = found.dialog.panel.twins
    place = view.visualRect(view.model().index(1, 0)).center()
    QTest.mouseClick(view.viewport(), Qt.MouseButton.RightButton, pos=place)
    event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, place, view.viewport().mapToGlobal(place))
    QApplication.sendEvent(view.viewport(), event)
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    assert [action.text().replace("&", "") for action in menu.actions()] == [
        "Open on the Label page",
        "Take out of the project",
    ]
    menu.actions()[1].trigger()
    menu.close()
    assert "b1.jpg" not in [image.path for image in twins.images()]


def test_what_changed_while_it_was_closed_is_seen_when_it_opens_again(
    context: AppContext, found: NearDuplicates, twins: Project
) -> None:
    found.dialog.close()
    ids = {image.path: image.id for image in twins.images()}
    context.document.edit(remove_images, [ids["b1.jpg"]])
    context.document.edit(set_split, {ids["d0.jpg"]: "val"})
    context.actions["global.duplicates"].trigger()
    assert sorted(groups(found)) == [
        ("All in train", ["a0.jpg", "a1.jpg", "a2.jpg"]),
        ("val and no split", ["d0.jpg", "d1.jpg"]),
    ]


def test_when_nothing_looks_the_same_it_says_what_was_compared(
    qtbot: QtBot, context: AppContext, duplicates: NearDuplicates, tmp_path: Path
) -> None:
    names = paint(tmp_path, {"a": 1, "b": 1, "c": 1})
    (tmp_path / "torn.jpg").write_bytes(b"\xff\xd8 torn")
    project = Project.create(tmp_path / "p.reticle", image_root=tmp_path, image_paths=[*names, "torn.jpg"])
    context.document.open(project)
    context.actions["global.duplicates"].trigger()
    dialog = duplicates.dialog
    qtbot.waitUntil(dialog.empty.isVisible, timeout=10000)
    assert dialog.empty.title.text() == "Nothing found"
    assert dialog.empty.text.text().startswith("3 images were compared, each with every other one.")
    assert dialog.unreadable.text() == "1 file could not be read and took no part."


@pytest.mark.parametrize("in_time", [True, False])
def test_cancel_stops_comparing_and_closes_the_window(
    qtbot: QtBot,
    context: AppContext,
    twins: Project,
    duplicates: NearDuplicates,
    monkeypatch: pytest.MonkeyPatch,
    in_time: bool,
) -> None:
    """In time while images are compared, or too late, when all of them are."""
    cancelled = threading.Event()

    def held(project: ProjectReader, *, progress: Progress) -> Duplicates:
        found = None if in_time else find_duplicates(project)
        assert cancelled.wait(30)
        return find_duplicates(project, progress=progress) if found is None else found

    monkeypatch.setattr("app.duplicates.finding.find_duplicates", held)
    context.document.open(twins)
    context.actions["global.duplicates"].trigger()
    dialog = duplicates.dialog
    assert dialog.cancel.isVisible()
    press(dialog, Qt.Key.Key_Space)
    cancelled.set()
    qtbot.waitUntil(dialog.isHidden, timeout=10000)
    assert [message.text for message in context.messages.history] == [
        "Cancelled. The images were not compared."
    ]


def test_closed_meanwhile_it_tells_the_end_in_a_message(
    qtbot: QtBot, context: AppContext, twins: Project, duplicates: NearDuplicates
) -> None:
    context.document.open(twins)
    context.actions["global.duplicates"].trigger()
    press(duplicates.dialog, Qt.Key.Key_Escape)
    assert duplicates.dialog.isHidden()
    qtbot.waitUntil(lambda: len(context.messages.history) > 0, timeout=10000)
    message = context.messages.history[-1]
    assert message.text == "8 images were compared; 3 groups look the same."
    assert message.action is not None
    message.action[1]()
    assert duplicates.dialog.isVisible()
    assert len(groups(duplicates)) == 3


def test_it_is_closed_with_its_project_and_looks_anew_in_the_next_one(
    qtbot: QtBot, context: AppContext, found: NearDuplicates, tmp_path: Path, image_folder: Path
) -> None:
    paths = sorted(path.name for path in image_folder.iterdir())
    other = Project.create(tmp_path / "other.reticle", image_root=image_folder, image_paths=paths)
    context.document.open(other)
    assert found.dialog.isHidden()
    context.actions["global.duplicates"].trigger()
    assert found.dialog.cancel.isVisible()
    qtbot.waitUntil(lambda: not found.dialog.cancel.isVisible(), timeout=10000)
    assert all(name in paths for _, names in groups(found) for name in names)


def test_compare_again_finds_what_came_since(
    qtbot: QtBot, context: AppContext, found: NearDuplicates, twins: Project
) -> None:
    dialog = found.dialog
    (twins.image_root / "c1.jpg").write_bytes((twins.image_root / "c0.jpg").read_bytes())
    context.document.edit(add_images, [Image(id=0, path="c1.jpg")])
    assert len(groups(found)) == 3
    with qtbot.waitSignal(dialog.again_asked):
        press(dialog, Qt.Key.Key_A, ALT)
    qtbot.waitUntil(lambda: not dialog.cancel.isVisible(), timeout=10000)
    assert ("No split", ["c0.jpg", "c1.jpg"]) in groups(found)


def test_as_many_groups_found_anew_are_other_groups(
    qtbot: QtBot, context: AppContext, found: NearDuplicates, twins: Project
) -> None:
    dialog = found.dialog
    press(dialog, Qt.Key.Key_Down)
    press(dialog, Qt.Key.Key_Down)
    ids = twins.image_ids_by_path()
    context.document.edit(set_split, {ids["a0.jpg"]: "train", ids["d1.jpg"]: "test"})
    assert dialog.panel.groups.currentIndex().row() == 2
    model = dialog.panel.groups.model()
    with qtbot.waitSignal(model.modelReset, timeout=10000):
        press(dialog, Qt.Key.Key_A, ALT)
    qtbot.waitUntil(lambda: not dialog.cancel.isVisible(), timeout=10000)
    assert len(groups(found)) == 3
    assert dialog.panel.groups.currentIndex().row() == 0
    assert [text.split(",")[0] for text in side_by_side(dialog)] == groups(found)[0][1]


def test_without_a_project_it_cannot_be_asked_for(context: AppContext, duplicates: NearDuplicates) -> None:
    assert not context.actions["global.duplicates"].isEnabled()


def test_the_models_keep_to_the_rules_of_qt(found: NearDuplicates) -> None:
    panel = found.dialog.panel
    mode = QAbstractItemModelTester.FailureReportingMode.Fatal
    testers = [QAbstractItemModelTester(view.model(), mode) for view in (panel.groups, panel.twins)]
    QTest.mouseClick(panel.splits["train"], Qt.MouseButton.LeftButton)
    QTest.mouseClick(panel.remove, Qt.MouseButton.LeftButton)
    for tester in testers:
        tester.deleteLater()
