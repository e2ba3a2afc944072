"""Proposals of a run on the Label page, by mouse and keys."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit, QMenu, QWidget
from pytestqt.qtbot import QtBot

from app.label.assist.everywhere_dialog import EverywhereDialog
from app.label.page import LabelPage
from detcore.project.edits import add_boxes, add_verdicts, delete_class, set_status
from detcore.project.project import Project
from detcore.project.runs import RunFolder, create_run, save_detections
from detcore.project.verdict_rows import VerdictKind
from detcore.project.verdicts import read_verdicts
from detcore.types import Box, Detections, Origin, Status
from tests.app.held_keys import WAYS

LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
Edges = tuple[float, float, float, float]
ON_THIRD: tuple[tuple[int, Edges, float], ...] = (
    (0, (10, 10, 40, 40), 0.9),
    (1, (60, 20, 90, 60), 0.8),
    (0, (100, 70, 140, 110), 0.7),
    (2, (10, 80, 30, 100), 0.1),
)
"""Class, edges and score of what was found on the third image, which has no labels."""


def detections(project: Project) -> Detections:
    """The third image's, and on the first one what its labels say already, and one thing more."""
    first, third = project.image_ids()[0], project.image_ids()[2]
    class_ids = [item.id for item in project.classes()]
    rows = [(third, class_ids[row], edges, score) for row, edges, score in ON_THIRD]
    rows += [(first, box.class_id, box.xyxy, 0.95) for box in project.boxes(first)]
    rows.append((first, class_ids[2], (70, 60, 110, 100), 0.75))
    return Detections(
        image_ids=np.array([row[0] for row in rows], np.int64),
        labels=np.array([row[1] for row in rows], np.int64),
        boxes=np.array([row[2] for row in rows], np.float64),
        scores=np.array([row[3] for row in rows], np.float64),
    )


@pytest.fixture
def proposing(qtbot: QtBot, page: LabelPage, project: Project) -> LabelPage:
    """The third image, with what a run has found there from 0.5 on."""
    run = create_run(project, "reticle-s")
    save_detections(run, detections(project), image_ids=project.image_ids()[:5])
    page.context.document.announce_run(run.path)
    page.context.view.show_image(project.image_ids()[2])
    qtbot.waitUntil(lambda: page.viewer.is_showing and page.proposals.proposer is not None, timeout=5000)
    page.proposals.choose_threshold(0.5)
    page.canvas.setFocus()
    qtbot.waitUntil(page.canvas.hasFocus)
    return page


def labels(page: LabelPage) -> list[Box]:
    return page.context.document.project.boxes(page.context.view.image_id)


def shown(page: LabelPage) -> list[float]:
    """The scores of what is proposed."""
    proposer = page.proposals.proposer
    assert proposer is not None
    return proposer.found.detections.scores[page.proposals.rows].round(2).tolist()


def said(page: LabelPage) -> str:
    history = page.context.messages.history
    return history[-1].text if history else ""


def at(page: LabelPage, x: float, y: float) -> QPoint:
    return page.canvas.mapFromScene(QPointF(x, y))


def point(page: LabelPage, x: float, y: float) -> None:
    QTest.mouseMove(page.canvas.viewport(), at(page, x - 3, y - 3))
    QTest.mouseMove(page.canvas.viewport(), at(page, x, y))


def drag(page: LabelPage, *places: tuple[float, float]) -> None:
    viewport = page.canvas.viewport()
    QTest.mouseMove(viewport, at(page, *places[0]))
    QTest.mousePress(viewport, LEFT, NONE, at(page, *places[0]))
    for place in places[1:]:
        QTest.mouseMove(viewport, at(page, *place))
    QTest.mouseRelease(viewport, LEFT, NONE, at(page, *places[-1]))


def key(page: LabelPage, which: Qt.Key, modifier: Qt.KeyboardModifier = NONE) -> None:
    QTest.keyClick(page.canvas, which, modifier)
    QApplication.processEvents()


def test_they_lie_on_the_image_and_are_no_labels(proposing: LabelPage) -> None:
    assert shown(proposing) == [0.9, 0.8, 0.7]
    assert labels(proposing) == []
    assert proposing.proposal_bar.isVisible()
    assert proposing.proposal_bar.count.text() == "3 proposals"


def test_nothing_is_proposed_where_a_label_is(proposing: LabelPage) -> None:
    proposing.context.view.show_image(proposing.images.image_id(0))
    assert shown(proposing) == [0.75]


def test_before_any_run_there_is_no_strip(page: LabelPage) -> None:
    assert not page.proposal_bar.isVisible()


def test_an_image_that_the_run_has_not_looked_at_says_so(qtbot: QtBot, proposing: LabelPage) -> None:
    proposing.context.view.show_image(proposing.images.image_id(5))
    qtbot.waitUntil(lambda: proposing.viewer.is_showing)
    assert proposing.proposal_bar.text.toolTip().startswith("001-reticle-s has not looked at this image")
    assert not proposing.proposal_bar.slider.isVisible()


@pytest.mark.parametrize("tool", ["label.select_tool", "label.draw_tool"])
def test_a_click_accepts_and_selects(proposing: LabelPage, tool: str) -> None:
    proposing.context.actions[tool].trigger()
    point(proposing, 75, 40)
    QTest.mouseClick(proposing.canvas.viewport(), LEFT, NONE, at(proposing, 75, 40))
    (made,) = labels(proposing)
    assert (made.xyxy, made.origin, made.run, made.score) == (
        (60, 20, 90, 60),
        Origin.MODEL,
        "001-reticle-s",
        0.8,
    )
    assert proposing.context.view.selection == {made.id}
    assert shown(proposing) == [0.9, 0.7]
    key(proposing, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert labels(proposing) == []
    assert shown(proposing) == [0.9, 0.8, 0.7]


def test_a_drag_over_a_proposal_draws_a_box_with_the_drawing_tool(proposing: LabelPage) -> None:
    proposing.context.actions["label.draw_tool"].trigger()
    drag(proposing, (62, 22), (70, 30), (80, 40))
    (made,) = labels(proposing)
    assert made.origin is Origin.HUMAN
    assert made.xyxy == pytest.approx((62, 22, 80, 40), abs=0.6)


def test_the_key_accepts_the_one_under_the_pointer(proposing: LabelPage) -> None:
    assert not proposing.context.actions["label.accept_proposal"].isEnabled()
    point(proposing, 120, 90)
    key(proposing, Qt.Key.Key_Q)
    assert [box.score for box in labels(proposing)] == [0.7]
    assert proposing.context.view.selection == frozenset()


def test_tab_goes_from_the_surest_on_and_round_and_keys_go_on_with_the_next(proposing: LabelPage) -> None:
    def focused() -> list[float]:
        proposer = proposing.proposals.proposer
        assert proposer is not None
        return [float(proposer.found.detections.scores[row]) for row in proposing.decisions.meant]

    seen: list[list[float]] = []
    for _ in range(4):
        key(proposing, Qt.Key.Key_Tab)
        seen.append(focused())
    assert seen == [[0.9], [0.8], [0.7], [0.9]]
    key(proposing, Qt.Key.Key_Backtab, Qt.KeyboardModifier.ShiftModifier)
    assert focused() == [0.7]
    key(proposing, Qt.Key.Key_Tab)
    key(proposing, Qt.Key.Key_Q)
    assert focused() == [0.8]
    key(proposing, Qt.Key.Key_X)
    assert focused() == [0.7]
    key(proposing, Qt.Key.Key_Q)
    assert focused() == []
    assert [box.score for box in labels(proposing)] == [0.9, 0.7]


def test_tab_goes_to_the_next_field_elsewhere(proposing: LabelPage) -> None:
    proposing.image_list.bar.search.setFocus()
    QTest.keyClick(proposing.image_list.bar.search, Qt.Key.Key_Tab)
    assert not proposing.image_list.bar.search.hasFocus()
    assert proposing.context.view.selection == frozenset()


def test_a_number_key_accepts_as_that_class(proposing: LabelPage) -> None:
    key(proposing, Qt.Key.Key_Tab)
    key(proposing, Qt.Key.Key_2)
    (made,) = labels(proposing)
    platelet = proposing.context.document.project.classes()[1].id
    assert (made.class_id, made.xyxy, made.score) == (platelet, (10, 10, 40, 40), 0.9)
    key(proposing, Qt.Key.Key_3)  # meant another one
    blob = proposing.context.document.project.classes()[2].id
    assert [box.class_id for box in labels(proposing)] == [blob]
    assert shown(proposing) == [0.8, 0.7]


def test_dragging_an_edge_accepts_with_that_edge(proposing: LabelPage) -> None:
    key(proposing, Qt.Key.Key_Tab)
    drag(proposing, (40, 25), (44, 25), (50, 25))
    (made,) = labels(proposing)
    assert made.xyxy == pytest.approx((10, 10, 50, 40), abs=0.6)
    assert made.score == 0.9
    assert proposing.context.view.selection == {made.id}


def test_enter_accepts_the_selected_one(proposing: LabelPage) -> None:
    key(proposing, Qt.Key.Key_Tab)
    key(proposing, Qt.Key.Key_Return)
    assert [box.score for box in labels(proposing)] == [0.9]


@pytest.mark.parametrize("which", [Qt.Key.Key_X, Qt.Key.Key_Delete])
def test_what_is_rejected_is_not_proposed_again_by_another_run(
    qtbot: QtBot, proposing: LabelPage, project: Project, which: Qt.Key
) -> None:
    key(proposing, Qt.Key.Key_Tab)
    key(proposing, which)
    assert shown(proposing) == [0.8, 0.7]
    (said,) = read_verdicts(project)
    assert (said.kind, said.xyxy) == (VerdictKind.MODEL_WRONG, (10, 10, 40, 40))
    again = create_run(project, "reticle-n")
    save_detections(again, detections(project), image_ids=project.image_ids())
    proposing.context.document.announce_run(again.path)
    qtbot.waitUntil(lambda: "002" in proposing.proposal_bar.run.currentText(), timeout=5000)
    proposing.proposals.choose_threshold(0.5)
    assert shown(proposing) == [0.8, 0.7]
    key(proposing, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert shown(proposing) == [0.9, 0.8, 0.7]


def test_a_band_over_several_takes_them_together(proposing: LabelPage) -> None:
    proposing.context.actions["label.select_tool"].trigger()
    drag(proposing, (3, 3), (50, 40), (95, 65))
    key(proposing, Qt.Key.Key_Q)
    assert [box.score for box in labels(proposing)] == [0.9, 0.8]
    key(proposing, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert labels(proposing) == []


def test_one_key_accepts_all_verifies_and_goes_on(proposing: LabelPage, project: Project) -> None:
    image_id, following = project.image_ids()[2:4]
    key(proposing, Qt.Key.Key_G)
    assert [box.score for box in project.boxes(image_id)] == [0.9, 0.8, 0.7]
    assert project.image(image_id).status is Status.VERIFIED
    assert proposing.context.view.image_id == following
    key(proposing, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert project.boxes(image_id) == []
    assert project.image(image_id).status is not Status.VERIFIED


@pytest.mark.parametrize("hold", WAYS)
@pytest.mark.parametrize("which", [Qt.Key.Key_Q, Qt.Key.Key_X, Qt.Key.Key_G, Qt.Key.Key_2, Qt.Key.Key_Delete])
def test_a_held_key_does_it_once(
    proposing: LabelPage,
    project: Project,
    which: Qt.Key,
    hold: Callable[[QWidget, Qt.Key, Qt.KeyboardModifier], None],
) -> None:
    key(proposing, Qt.Key.Key_Tab)
    before = project.image_ids().index(proposing.context.view.image_id)
    hold(proposing.canvas, which, NONE)
    QApplication.processEvents()
    done = {Qt.Key.Key_Q: (1, 0, 0), Qt.Key.Key_2: (1, 0, 0), Qt.Key.Key_G: (3, 0, 1)}.get(which, (0, 1, 0))
    third = project.image_ids()[2]
    moved = project.image_ids().index(proposing.context.view.image_id) - before
    assert (len(project.boxes(third)), len(read_verdicts(project)), moved) == done


def test_a_chosen_class_of_the_list_is_for_the_label_that_was_made(proposing: LabelPage) -> None:
    key(proposing, Qt.Key.Key_Tab)
    class_ids = [item.id for item in proposing.context.document.project.classes()]
    for class_id in class_ids[1:]:
        proposing.class_list.class_chosen.emit(class_id)
    assert [box.class_id for box in labels(proposing)] == [class_ids[2]]


def test_the_class_of_a_proposal_can_be_typed(qtbot: QtBot, proposing: LabelPage) -> None:
    key(proposing, Qt.Key.Key_Tab)
    key(proposing, Qt.Key.Key_E)
    field = QApplication.focusWidget()
    assert isinstance(field, QLineEdit)
    QTest.keyClicks(field, "blob")
    QTest.keyClick(field, Qt.Key.Key_Return)
    blob = proposing.context.document.project.classes()[2].id
    assert [(box.class_id, box.score) for box in labels(proposing)] == [(blob, 0.9)]


def test_a_label_that_was_accepted_and_changed_is_not_proposed_again(proposing: LabelPage) -> None:
    proposing.context.actions["label.select_tool"].trigger()
    QTest.mouseClick(proposing.canvas.viewport(), LEFT, NONE, at(proposing, 25, 25))
    for _ in range(2):
        drag(proposing, (25, 25), (30, 28), (37, 31))
    (made,) = labels(proposing)
    assert made.xyxy == pytest.approx((34, 22, 64, 52), abs=1.0)
    assert 0.9 not in shown(proposing)


@pytest.mark.parametrize("tool", ["label.select_tool", "label.draw_tool"])
def test_the_one_under_the_pointer_is_meant_with_either_tool(proposing: LabelPage, tool: str) -> None:
    proposing.context.actions[tool].trigger()
    point(proposing, 75, 40)
    key(proposing, Qt.Key.Key_X)
    assert shown(proposing) == [0.9, 0.7]


def test_a_double_click_with_the_drawing_tool_begins_no_box(proposing: LabelPage) -> None:
    proposing.context.actions["label.draw_tool"].trigger()
    viewport, place = proposing.canvas.viewport(), at(proposing, 75, 40)
    for strike in (QTest.mousePress, QTest.mouseRelease, QTest.mouseDClick, QTest.mouseRelease):
        strike(viewport, LEFT, NONE, place)
    assert not proposing.canvas.is_busy
    assert [box.score for box in labels(proposing)] == [0.8]


def test_with_labels_and_proposals_selected_keys_are_about_the_proposals_in_one_step(
    proposing: LabelPage,
) -> None:
    document = proposing.context.document
    drawn = draw_one(proposing)
    for which, left, there in (
        (Qt.Key.Key_Delete, [0.7], [None]),
        (Qt.Key.Key_2, [0.7], [None, 0.9, 0.8]),
        (Qt.Key.Key_Q, [0.7], [None, 0.9, 0.8]),
    ):
        proposing.context.view.select(frozenset({drawn, -1, -2}))
        key(proposing, which)
        assert shown(proposing) == left
        assert [box.score for box in labels(proposing)] == there
        document.undo()
        assert shown(proposing) == [0.9, 0.8, 0.7]
        assert [box.score for box in labels(proposing)] == [None]


def draw_one(page: LabelPage) -> int:
    """A label beside the proposals; its id."""
    document, image_id = page.context.document, page.context.view.image_id
    class_id = document.project.classes()[0].id
    box = Box(id=0, image_id=image_id, class_id=class_id, x1=110, y1=10, x2=150, y2=40)
    document.edit(add_boxes, [box])
    return labels(page)[0].id


def test_a_label_that_is_dragged_with_a_proposal_moves_in_the_same_step(proposing: LabelPage) -> None:
    proposing.context.actions["label.select_tool"].trigger()
    drawn = draw_one(proposing)
    proposing.context.view.select(frozenset({drawn, -1}))
    drag(proposing, (25, 25), (28, 25), (30, 25))
    assert [box.x1 for box in labels(proposing)] == pytest.approx([115, 15], abs=0.6)
    key(proposing, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert [box.x1 for box in labels(proposing)] == [110]


def test_arrows_move_a_proposal_and_so_accept_it_once(proposing: LabelPage) -> None:
    key(proposing, Qt.Key.Key_Tab)
    QTest.keyPress(proposing.canvas, Qt.Key.Key_Right)
    key(proposing, Qt.Key.Key_Q)
    QTest.keyRelease(proposing.canvas, Qt.Key.Key_Right)
    (made,) = labels(proposing)
    assert made.xyxy == (11, 10, 41, 40)


def test_nothing_is_decided_on_a_picture_whose_boxes_are_of_another_size(
    qtbot: QtBot, proposing: LabelPage, project: Project
) -> None:
    first = project.image_ids()[0]
    path = project.image_path(project.image(first))
    cv2.imwrite(str(path), np.zeros((60, 80, 3), np.uint8))
    proposing.viewer.forget_images()
    proposing.context.view.show_image(first)
    qtbot.waitUntil(lambda: proposing.viewer.other_size is not None, timeout=5000)
    before = len(project.boxes(first))
    row = int(proposing.proposals.rows[0])
    assert proposing.canvas.selection() == frozenset()
    proposing.context.view.select(frozenset({-row - 1}))
    for which in (
        Qt.Key.Key_Return,
        Qt.Key.Key_Q,
        Qt.Key.Key_2,
        Qt.Key.Key_X,
        Qt.Key.Key_Delete,
        Qt.Key.Key_G,
    ):
        key(proposing, which)
    assert (len(project.boxes(first)), read_verdicts(project)) == (before, [])


def test_where_boxes_are_hidden_nothing_is_accepted(proposing: LabelPage, project: Project) -> None:
    key(proposing, Qt.Key.Key_H)
    for which in (Qt.Key.Key_Tab, Qt.Key.Key_Q, Qt.Key.Key_G):
        key(proposing, which)
    assert project.boxes(project.image_ids()[2]) == []
    assert proposing.context.view.image_id == project.image_ids()[2]


def test_without_a_proposal_the_key_for_all_does_nothing(proposing: LabelPage, project: Project) -> None:
    proposing.proposals.choose_threshold(1.0)
    key(proposing, Qt.Key.Key_G)
    third = project.image_ids()[2]
    assert (proposing.context.view.image_id, project.image(third).status) == (third, Status.UNSEEN)


def test_tab_stays_on_the_picture_when_nothing_is_left(proposing: LabelPage) -> None:
    proposing.proposals.choose_threshold(1.0)
    key(proposing, Qt.Key.Key_Tab)
    assert proposing.canvas.hasFocus()


def test_what_is_selected_stays_the_same_object_when_another_run_proposes(
    qtbot: QtBot, proposing: LabelPage, project: Project
) -> None:
    key(proposing, Qt.Key.Key_Tab)
    again = create_run(project, "reticle-n")
    save_detections(again, detections(project).take(np.array([1, 2, 0])), image_ids=project.image_ids())
    proposing.context.document.announce_run(again.path)
    qtbot.waitUntil(lambda: "002" in proposing.proposal_bar.run.currentText(), timeout=5000)
    assert proposing.context.view.selection == {-3}


def test_a_score_that_was_chosen_stays_when_another_run_begins_or_this_one_predicts_again(
    qtbot: QtBot, proposing: LabelPage, project: Project
) -> None:
    proposing.proposals.choose_threshold(0.75)
    create_run(project, "reticle-n")
    run = RunFolder(project.runs_folder / "001-reticle-s")
    proposing.context.document.announce_run(run.path)
    save_detections(run, detections(project).take(np.arange(3)), image_ids=project.image_ids())
    proposing.context.document.announce_run(run.path)
    qtbot.waitUntil(lambda: len(found_by(proposing)) == 3, timeout=5000)
    assert shown(proposing) == [0.9, 0.8]


def found_by(page: LabelPage) -> Detections:
    proposer = page.proposals.proposer
    assert proposer is not None
    return proposer.found.detections


def of_others(project: Project, *edges: Edges) -> Detections:
    """Objects of the first class on the third image, the surest first."""
    return Detections(
        image_ids=np.full(len(edges), project.image_ids()[2], np.int64),
        labels=np.full(len(edges), project.classes()[0].id, np.int64),
        boxes=np.array(edges, np.float64).reshape(-1, 4),
        scores=np.linspace(0.6, 0.3, len(edges)),
    )


def test_without_a_run_others_propose_and_what_is_accepted_says_who(
    qtbot: QtBot, page: LabelPage, project: Project
) -> None:
    page.context.view.show_image(project.image_ids()[2])
    qtbot.waitUntil(lambda: page.viewer.is_showing, timeout=5000)
    page.proposals.propose_also("similar", of_others(project, (10, 10, 40, 40), (60, 20, 90, 60)))
    assert page.proposal_bar.count.text() == "2 proposals"
    assert not page.proposal_bar.run.isVisible()
    assert not page.context.actions["label.accept_everywhere"].isEnabled()
    page.canvas.setFocus()
    key(page, Qt.Key.Key_Tab)
    key(page, Qt.Key.Key_Q)
    (made,) = labels(page)
    assert (made.xyxy, made.origin, made.run, made.score) == ((10, 10, 40, 40), Origin.MODEL, "similar", 0.6)
    key(page, Qt.Key.Key_X)
    (verdict,) = read_verdicts(project)
    assert (verdict.run, verdict.kind) == ("similar", VerdictKind.MODEL_WRONG)
    assert not len(page.proposals.rows)
    page.proposals.propose_also("similar", Detections.empty())
    assert page.proposals.proposer is None
    assert not page.proposal_bar.isVisible()


def test_others_propose_beside_a_run_whatever_its_score_and_one_of_two_that_are_the_same(
    proposing: LabelPage, project: Project
) -> None:
    key(proposing, Qt.Key.Key_Tab)
    proposing.proposals.propose_also("similar", of_others(project, (100, 70, 140, 110), (20, 60, 50, 79)))
    assert shown(proposing) == [0.9, 0.8, 0.7, 0.3]
    assert proposing.context.view.selection == {-1}
    proposing.proposals.choose_threshold(0.75)
    assert shown(proposing) == [0.9, 0.8, 0.6, 0.3]


def test_what_is_selected_stays_the_same_object_when_others_propose_anew(
    proposing: LabelPage, project: Project
) -> None:
    proposals, view = proposing.proposals, proposing.context.view
    proposals.propose_also("similar", of_others(project, (20, 60, 50, 79), (60, 80, 90, 110)))
    last = max(proposals.rows.tolist())
    view.select(frozenset({-last - 1}))
    proposals.propose_also("similar", of_others(project, (62, 81, 91, 111)))
    assert view.selection == {-last}
    proposals.propose_also("similar", Detections.empty())
    assert view.selection == frozenset()


def test_a_damaged_run_is_told_and_the_one_before_proposes(
    qtbot: QtBot, proposing: LabelPage, project: Project
) -> None:
    broken = create_run(project, "reticle-n")
    save_detections(broken, detections(project), image_ids=project.image_ids())
    content = broken.detections.read_bytes()
    broken.detections.write_bytes(content[: len(content) // 2])
    proposing.context.document.announce_run(broken.path)
    qtbot.waitUntil(lambda: bool(said(proposing)), timeout=5000)
    assert proposing.proposal_bar.run.currentText() == "001-reticle-s"
    assert shown(proposing) == [0.9, 0.8, 0.7]


def test_the_menu_says_where_the_score_starts(qtbot: QtBot, proposing: LabelPage) -> None:
    actions = proposing.proposal_bar.more.menu().actions()
    next(action for action in actions if action.text() == "Where 90 % are right").trigger()
    # of the labelled images 0.95 is right five times, 0.75 is false
    qtbot.waitUntil(lambda: proposing.proposal_bar.value.text() == "≥ 0.95", timeout=5000)
    assert shown(proposing) == []


def test_a_proposal_that_is_not_seen_is_moved_to(proposing: LabelPage) -> None:
    camera = proposing.canvas.camera
    camera.zoom_to_box((130, 0, 150, 15))
    key(proposing, Qt.Key.Key_Tab)
    place = proposing.canvas.rect_in_view((10, 10, 40, 40)).center()
    assert proposing.canvas.viewport().rect().contains(place)


def test_the_menu_of_a_proposal_is_its_own(proposing: LabelPage) -> None:
    point(proposing, 75, 40)
    where = at(proposing, 75, 40)
    event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, where, proposing.canvas.mapToGlobal(where))
    QApplication.sendEvent(proposing.canvas.viewport(), event)
    (menu,) = [one for one in proposing.findChildren(QMenu) if one.isVisible()]
    assert [action.text() for action in menu.actions()][:2] == ["Accept proposal", "Reject proposal"]
    menu.close()


def test_hidden_ones_can_neither_be_seen_nor_accepted(proposing: LabelPage) -> None:
    key(proposing, Qt.Key.Key_P)
    assert shown(proposing) == []
    QTest.mouseClick(proposing.canvas.viewport(), LEFT, NONE, at(proposing, 75, 40))
    key(proposing, Qt.Key.Key_Tab)
    key(proposing, Qt.Key.Key_Q)
    assert labels(proposing) == []
    assert not proposing.proposal_bar.slider.isVisible()
    key(proposing, Qt.Key.Key_P)
    assert shown(proposing) == [0.9, 0.8, 0.7]


def test_the_slider_shows_more_and_keys_move_it(proposing: LabelPage) -> None:
    slider = proposing.proposal_bar.slider
    slider.setFocus()
    QTest.keyClick(slider, Qt.Key.Key_Home)
    assert shown(proposing) == [0.9, 0.8, 0.7, 0.1]
    QTest.keyClick(slider, Qt.Key.Key_End)
    assert shown(proposing) == []
    assert proposing.proposal_bar.count.text() == "Nothing proposed"


def test_a_class_that_is_deleted_is_not_proposed(proposing: LabelPage, project: Project) -> None:
    proposing.context.document.edit(delete_class, project.classes()[1].id, delete_boxes=True)
    assert shown(proposing) == [0.9, 0.7]


def test_a_verdict_of_review_takes_it_from_the_image(proposing: LabelPage, project: Project) -> None:
    key(proposing, Qt.Key.Key_Tab)
    key(proposing, Qt.Key.Key_X)
    (said,) = read_verdicts(project)
    proposing.context.document.undo()
    proposing.context.document.edit(add_verdicts, [said])
    assert shown(proposing) == [0.8, 0.7]


def everywhere(qtbot: QtBot, page: LabelPage) -> EverywhereDialog:
    page.context.actions["label.accept_everywhere"].trigger()
    qtbot.waitUntil(lambda: bool(page.findChildren(EverywhereDialog)), timeout=5000)
    (dialog,) = page.findChildren(EverywhereDialog)
    return dialog


def test_everywhere_asks_with_counts_and_samples_and_is_one_step(
    qtbot: QtBot, proposing: LabelPage, project: Project
) -> None:
    third = project.image_ids()[2]
    dialog = everywhere(qtbot, proposing)
    assert dialog.accept_button.text() == "Accept 3 boxes on 1 image"
    dialog.slider.setFocus()
    QTest.keyClick(dialog.slider, Qt.Key.Key_Home)
    assert dialog.accept_button.text() == "Accept 4 boxes on 1 image"
    dialog.list.setFocus()
    QTest.keyClick(dialog.list, Qt.Key.Key_Home)
    QTest.keyClick(dialog.list, Qt.Key.Key_Space)  # no cells, of which there are two
    assert dialog.accept_button.text() == "Accept 2 boxes on 1 image"
    QTest.mouseClick(dialog.accept_button, LEFT)
    qtbot.waitUntil(lambda: len(labels(proposing)) == 2, timeout=5000)
    assert sorted(box.score or 0 for box in labels(proposing)) == [0.1, 0.8]
    assert project.image(third).status is Status.IN_PROGRESS
    qtbot.waitUntil(
        lambda: said(proposing).startswith("2 proposals are labels now, on 1 image"), timeout=5000
    )
    proposing.activateWindow()
    QTest.qWaitForWindowActive(proposing)
    key(proposing, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert labels(proposing) == []


def test_everywhere_with_nothing_proposed_says_so(
    qtbot: QtBot, proposing: LabelPage, project: Project
) -> None:
    proposing.context.document.edit(set_status, project.image_ids(), Status.VERIFIED)
    proposing.context.actions["label.accept_everywhere"].trigger()
    qtbot.waitUntil(lambda: said(proposing).startswith("Nothing is proposed"), timeout=5000)
    assert proposing.findChildren(EverywhereDialog) == []
