"""The Label page, driven by mouse and keys."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, QRect, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.label.page import LabelPage
from app.label.widgets.class_picker import ClassPicker
from app.services.context import AppContext
from app.services.image_loader import ImageLoader
from app.services.undo_redo import UndoRedo
from detcore.project.project import Project
from detcore.types import Origin, Status


@pytest.fixture
def page(qtbot: QtBot, context: AppContext, project: Project) -> Iterator[LabelPage]:
    """The page in a window of its own, showing the first image of the project."""
    page = LabelPage(context, ImageLoader(context.tasks))
    context.actions.install(page)
    UndoRedo(context)
    page.resize(1200, 800)
    qtbot.addWidget(page)
    page.show()
    context.actions.show_scope("label")
    context.document.open(project)
    _wait_for_image(qtbot, page)
    page.entered()
    yield page
    context.tasks.shut_down()


def _wait_for_image(qtbot: QtBot, page: LabelPage) -> None:
    qtbot.waitUntil(lambda: page.viewer.is_showing, timeout=5000)


def _position(page: LabelPage, x: float, y: float) -> QPoint:
    """Where on the viewport a point of the image is."""
    return page.canvas.mapFromScene(QPointF(x, y))


def _drag(page: LabelPage, start: tuple[float, float], end: tuple[float, float]) -> None:
    viewport = page.canvas.viewport()
    first, last = _position(page, *start), _position(page, *end)
    QTest.mouseMove(viewport, first)
    QTest.mousePress(viewport, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, first)
    QTest.mouseMove(viewport, (first + last) / 2)
    QTest.mouseMove(viewport, last)
    QTest.mouseRelease(viewport, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, last)


def _key(
    page: LabelPage, key: Qt.Key, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier
) -> None:
    QTest.keyClick(page.canvas, key, modifier)
    QApplication.processEvents()


def _boxes(page: LabelPage) -> list[tuple[float, ...]]:
    context = page.context
    return [box.xyxy for box in context.document.project.boxes(context.view.image_id)]


def test_drawing_with_w_and_the_mouse_adds_a_box_of_the_chosen_class(page: LabelPage) -> None:
    _key(page, Qt.Key.Key_2)
    _key(page, Qt.Key.Key_W)
    _drag(page, (70, 60), (95, 100))
    context = page.context
    box = context.document.project.boxes(context.view.image_id)[-1]
    assert np.allclose(box.xyxy, (70, 60, 95, 100), atol=0.5)
    assert box.class_id == page.class_model.classes[1].id
    assert box.origin is Origin.HUMAN
    assert context.view.selection == {box.id}


def test_drawing_from_right_to_left_gives_the_same_box(page: LabelPage) -> None:
    _key(page, Qt.Key.Key_W)
    _drag(page, (95, 100), (70, 60))
    assert np.allclose(_boxes(page)[-1], (70, 60, 95, 100), atol=0.5)


def test_a_number_key_changes_the_class_of_the_selected_box_and_of_new_ones(page: LabelPage) -> None:
    context = page.context
    box = context.document.project.boxes(context.view.image_id)[0]
    QTest.mouseClick(
        page.canvas.viewport(),
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
        _position(page, 40, 60),
    )
    _key(page, Qt.Key.Key_3)
    third = page.class_model.classes[2].id
    assert context.document.project.boxes(context.view.image_id)[0].class_id == third != box.class_id
    assert context.view.class_id == third


def test_undo_and_redo_reach_back_to_an_image_that_is_no_longer_shown(qtbot: QtBot, page: LabelPage) -> None:
    context = page.context
    first = context.view.image_id
    _key(page, Qt.Key.Key_W)
    _drag(page, (70, 60), (95, 100))
    _key(page, Qt.Key.Key_D)
    _wait_for_image(qtbot, page)
    assert context.view.image_id != first
    _key(page, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert len(context.document.project.boxes(first)) == 2
    _key(page, Qt.Key.Key_Y, Qt.KeyboardModifier.ControlModifier)
    assert len(context.document.project.boxes(first)) == 3


def test_the_delete_key_removes_the_selection_and_one_undo_brings_all_of_it_back(page: LabelPage) -> None:
    before = _boxes(page)
    _key(page, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    _key(page, Qt.Key.Key_Delete)
    assert _boxes(page) == []
    _key(page, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert _boxes(page) == before


def test_the_delete_key_in_the_midst_of_a_drag_deletes_nothing(page: LabelPage) -> None:
    before = _boxes(page)
    viewport, left = page.canvas.viewport(), Qt.MouseButton.LeftButton
    start, end = _position(page, 40, 60), _position(page, 50, 70)
    QTest.mouseMove(viewport, start)
    QTest.mousePress(viewport, left, Qt.KeyboardModifier.NoModifier, start)
    QTest.mouseMove(viewport, end)
    _key(page, Qt.Key.Key_Delete)
    QTest.mouseRelease(viewport, left, Qt.KeyboardModifier.NoModifier, end)
    after = _boxes(page)
    assert len(after) == len(before)
    assert after != before


def test_drawing_still_works_after_a_delete_and_its_undo(page: LabelPage) -> None:
    _key(page, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    _key(page, Qt.Key.Key_Delete)
    _key(page, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    _key(page, Qt.Key.Key_W)
    _drag(page, (70, 60), (95, 100))
    assert len(_boxes(page)) == 3


def test_paste_adds_to_the_boxes_that_are_there(qtbot: QtBot, page: LabelPage) -> None:
    _key(page, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    _key(page, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    copied = _boxes(page)
    _key(page, Qt.Key.Key_D)
    _wait_for_image(qtbot, page)
    there = _boxes(page)
    _key(page, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    assert _boxes(page) == there + copied


def test_space_marks_the_image_as_verified_and_shows_the_next(qtbot: QtBot, page: LabelPage) -> None:
    context = page.context
    first, second = context.document.project.image_ids()[:2]
    _key(page, Qt.Key.Key_Space)
    assert context.document.project.image(first).status is Status.VERIFIED
    assert context.view.image_id == second


def test_the_first_box_on_an_unseen_image_puts_it_in_progress_in_one_undoable_step(
    qtbot: QtBot, page: LabelPage
) -> None:
    context = page.context
    third = context.document.project.image_ids()[2]
    context.view.show_image(third)
    _wait_for_image(qtbot, page)
    _key(page, Qt.Key.Key_W)
    _drag(page, (70, 60), (95, 100))
    assert context.document.project.image(third).status is Status.IN_PROGRESS
    context.document.undo()
    assert context.document.project.image(third).status is Status.UNSEEN
    assert context.document.project.boxes(third) == []


def test_letters_typed_into_the_search_field_do_not_trigger_shortcuts(page: LabelPage) -> None:
    context = page.context
    shown = context.view.image_id
    _key(page, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
    for key in (Qt.Key.Key_I, Qt.Key.Key_D, Qt.Key.Key_2):
        QTest.keyClick(page.image_list.bar.search, key)
    assert page.image_list.bar.search.text() == "id2"
    assert context.view.image_id == shown
    assert context.view.class_id == page.class_model.classes[0].id


def test_search_and_status_filter_narrow_the_list(page: LabelPage) -> None:
    page.image_list.bar.search.setText("img_3")
    assert page.images.rowCount() == 1
    page.image_list.bar.search.clear()
    page.image_list.bar.status.setCurrentIndex(3)
    assert page.images.rowCount() == 0
    page.image_list.bar.status.setCurrentIndex(0)
    assert page.images.rowCount() == 6


def test_the_list_tells_box_counts_that_follow_edits(page: LabelPage) -> None:
    from app.label.models.image_model import COUNT_ROLE

    index = page.images.index(0)
    assert index.data(COUNT_ROLE) == 2
    _key(page, Qt.Key.Key_W)
    _drag(page, (70, 60), (95, 100))
    assert index.data(COUNT_ROLE) == 3


def test_choosing_rows_in_the_box_table_selects_on_the_canvas(page: LabelPage) -> None:
    view = page.box_table.view
    rectangle = view.visualRect(page.boxes.index(1, 0))
    QTest.mouseClick(
        view.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, rectangle.center()
    )
    assert page.canvas.selection() == {page.boxes.boxes[1].id}


def test_a_flag_clicked_in_the_details_is_stored(page: LabelPage) -> None:
    QTest.mouseClick(
        page.canvas.viewport(),
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
        _position(page, 40, 60),
    )
    page.details.flags["occluded"].click()
    context = page.context
    assert context.document.project.boxes(context.view.image_id)[0].occluded


def test_an_edge_on_the_wrong_side_is_refused_with_a_reason_and_nothing_is_lost(page: LabelPage) -> None:
    QTest.mouseClick(
        page.canvas.viewport(),
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
        _position(page, 40, 60),
    )
    before = _boxes(page)
    page.details.edges["x2"].setValue(5.0)
    assert _boxes(page) == before
    assert "Right must be larger than Left" in page.context.messages.history[-1].text
    assert page.details.edges["x2"].value() == pytest.approx(before[0][2])


def test_an_image_is_removed_from_the_project_and_undo_brings_it_and_its_boxes_back(page: LabelPage) -> None:
    context = page.context
    project = context.document.project
    first, second = project.image_ids()[:2]
    boxes, file = project.boxes(first), project.image_path(project.image(first))
    _key(page, Qt.Key.Key_Delete, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
    assert first not in project.image_ids()
    assert context.view.image_id == second
    assert file.is_file()
    context.document.undo()
    assert project.boxes(first) == boxes


def test_a_broken_image_is_named_and_the_next_one_is_shown(qtbot: QtBot, page: LabelPage) -> None:
    context = page.context
    project = context.document.project
    third, fourth = project.image_ids()[2:4]
    project.image_path(project.image(third)).write_bytes(b"\xff\xd8 torn")
    page.viewer.forget_images()
    context.view.show_image(third)
    qtbot.waitUntil(lambda: "img_2.jpg" in page.canvas.placeholder()[1], timeout=5000)
    _key(page, Qt.Key.Key_D)
    _wait_for_image(qtbot, page)
    assert context.view.image_id == fourth


def test_reopening_shows_the_image_where_the_person_left_off(qtbot: QtBot, page: LabelPage) -> None:
    context = page.context
    folder = context.document.project.folder
    _key(page, Qt.Key.Key_D)
    left_at = context.view.image_id
    context.document.close()
    context.document.open(Project.open(folder))
    assert context.view.image_id == left_at


def _draw_without_a_class(page: LabelPage) -> ClassPicker:
    page.context.view.use_class(0)
    _key(page, Qt.Key.Key_W)
    _drag(page, (70, 60), (95, 100))
    picker = page.findChild(ClassPicker)
    assert picker is not None
    return picker


def test_drawing_without_any_class_asks_for_one_and_keeps_the_box(qtbot: QtBot, page: LabelPage) -> None:
    context = page.context
    picker = _draw_without_a_class(page)
    QTest.keyClicks(picker.field, "nucleus")
    QTest.keyClick(picker.field, Qt.Key.Key_Return)
    names = {item.id: item.name for item in context.document.project.classes()}
    newest = context.document.project.boxes(context.view.image_id)[-1]
    assert names[newest.class_id] == "nucleus"


def test_the_box_stays_in_sight_beside_the_question_for_its_class(qtbot: QtBot, page: LabelPage) -> None:
    plain = page.canvas.grab().toImage()
    picker = _draw_without_a_class(page)
    QTest.mouseMove(page.canvas.viewport(), QPoint(5, 5))
    edge = page.canvas.viewport().mapTo(page.canvas, _position(page, 70, 80))
    assert page.canvas.grab().toImage().pixelColor(edge) != plain.pixelColor(edge)
    viewport = page.canvas.viewport()
    box = QRect(_position(page, 70, 60), _position(page, 95, 100)).translated(viewport.mapToGlobal(QPoint()))
    assert not picker.geometry().intersects(box)
    assert abs(picker.geometry().top() - box.top()) <= 2
    assert "Enter" in picker.hint.text()


def test_a_box_that_is_not_named_goes_with_a_way_back(qtbot: QtBot, page: LabelPage) -> None:
    context = page.context
    said: list[str] = []
    context.messages.posted.connect(lambda message: said.append(message.text))
    plain = page.canvas.grab().toImage()
    picker = _draw_without_a_class(page)
    QTest.keyClick(picker.field, Qt.Key.Key_Escape)
    edge = page.canvas.viewport().mapTo(page.canvas, _position(page, 70, 80))
    QTest.mouseMove(page.canvas.viewport(), QPoint(5, 5))
    assert page.canvas.grab().toImage().pixelColor(edge) == plain.pixelColor(edge)
    assert said == ["The box was not kept, since it has no class."]


def test_no_two_actions_of_one_page_share_a_key(context: AppContext) -> None:
    from app.services.keymaps import KEYMAPS

    for keymap in KEYMAPS:
        context.actions.use_keymap(keymap)
        for scope in ("label", "train", "review", "export"):
            keys = [
                key.toString()
                for spec, action in context.actions.specs()
                if spec.scope in ("global", scope)
                for key in action.shortcuts()
            ]
            assert len(keys) == len(set(keys)), f"{keymap}, {scope}: {sorted(keys)}"


def test_the_models_obey_the_rules_of_qt(page: LabelPage, qtmodeltester: object) -> None:
    for model in (page.images, page.class_model, page.boxes):
        qtmodeltester.check(model)  # type: ignore[attr-defined]
