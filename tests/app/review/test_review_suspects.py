"""Likely label errors: everything that the command ``audit`` lists, objects that are found as well."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.review.page import ReviewPage
from app.review.verdicts import VERDICT_ACTIONS
from app.review.widgets.error_list import row_texts
from app.services.context import AppContext
from detcore.evaluation.label_errors import LabelError, rank_label_errors
from detcore.project.edits import add_boxes, delete_boxes, update_boxes
from detcore.project.project import Project
from detcore.project.runs import RunFolder, create_run, save_detections
from detcore.project.snapshot import take_snapshot
from detcore.project.verdict_rows import VerdictKind
from detcore.project.verdicts import read_verdicts
from detcore.review.entries import ErrorEntry
from detcore.review.filter import SortOrder
from detcore.review.kinds import ERRORS, EVERY_KIND, ErrorKind, ItemType
from detcore.review.suspicions import Suspicion
from detcore.review.verdicts import is_offered
from detcore.types import Box, Detections
from tests.app.review.review_driving import choose_order, click_row, keys, press, undo


def detections_of_truth(project: Project, *, seed: int = 3) -> Detections:
    """Every object nearly in its place; the second one of each image twice; and faint things that are not there."""
    random = np.random.default_rng(seed)
    some_class = project.classes()[0].id
    rows: list[tuple[int, int, tuple[float, ...], float]] = []
    for image_id in project.image_ids():
        for number, box in enumerate(project.boxes(image_id)):
            for _ in range(1 + (number == 1)):
                noise = random.normal(0, 0.5, 4)
                xyxy = tuple(float(edge + move) for edge, move in zip(box.xyxy, noise, strict=True))
                rows.append((image_id, box.class_id, xyxy, float(random.uniform(0.7, 0.95))))
        for number in range(3):
            x = 10.0 + 45 * number
            rows.append((image_id, some_class, (x, 95.0, x + 30, 115.0), float(random.uniform(0.05, 0.4))))
    return Detections(
        image_ids=np.array([row[0] for row in rows]),
        labels=np.array([row[1] for row in rows]),
        boxes=np.array([row[2] for row in rows]),
        scores=np.array([row[3] for row in rows]),
    )


def moved(box: Box, by: float) -> Box:
    return replace(box, x1=box.x1 + by, x2=box.x2 + by)


@pytest.fixture
def truth(labelled: Project) -> dict[str, Box]:
    """What the labels should be, by what is wrong with them now. Moved by 8 of its 30 pixels a label still has an
    IoU of about 22 / 38 with its object, moved by 17 one of about 13 / 47."""
    third, fourth, fifth = (labelled.boxes(image_id) for image_id in labelled.image_ids()[3:])
    return {"off": third[0], "missing": third[2], "swapped": fourth[1], "far off": fifth[2]}


@pytest.fixture
def run(labelled: Project, truth: dict[str, Box]) -> RunFolder:
    run = create_run(labelled, "reticle-s")
    take_snapshot(labelled).save(run.snapshot)
    save_detections(run, detections_of_truth(labelled), image_ids=labelled.image_ids())
    swapped = truth["swapped"]
    other = next(item.id for item in labelled.classes() if item.id != swapped.class_id)
    wrong = [moved(truth["off"], 8), moved(truth["far off"], 17), replace(swapped, class_id=other)]
    labelled.edit(update_boxes, wrong)
    labelled.edit(delete_boxes, [truth["missing"].id])
    nothing = Box(id=0, image_id=swapped.image_id, class_id=other, x1=120, y1=2, x2=150, y2=14)
    labelled.edit(add_boxes, [nothing])
    return run


@pytest.fixture
def suspects(page: ReviewPage, qtbot: QtBot) -> ReviewPage:
    """Every detection counts, and the list is ordered by label errors."""
    page.live.set_threshold(0.0)
    qtbot.waitUntil(lambda: page.errors.rows.threshold == 0.0)
    with qtbot.waitSignal(page.order.found):
        choose_order(page, SortOrder.LABEL_ERRORS)
    page.queue_panel.list.setFocus()
    return page


def listed(page: ReviewPage) -> list[ErrorEntry]:
    return [page.errors.entry(row) for row in range(page.queue.count)]


def of_label(page: ReviewPage, label_id: int) -> list[ErrorEntry]:
    """The items that tell of a label."""
    return [
        entry
        for entry in listed(page)
        if entry.label and entry.label.key == label_id and entry.suspicion is not None
    ]


def look_at(page: ReviewPage, label_id: int) -> ErrorEntry:
    (entry,) = of_label(page, label_id)
    click_row(page, page.errors.row_of(entry.key))
    assert page.queue.current == entry
    return entry


def enabled(page: ReviewPage) -> set[VerdictKind]:
    actions = page.context.actions
    return {kind for kind, name in VERDICT_ACTIONS.items() if actions[name].isEnabled()}


def checked(page: ReviewPage) -> set[ErrorKind]:
    return {kind for kind, button in page.queue_panel.kind_buttons.items() if button.isChecked()}


def click_kind(page: ReviewPage, kind: ErrorKind) -> None:
    QTest.mouseClick(page.queue_panel.kind_buttons[kind], Qt.MouseButton.LeftButton)


def test_the_list_holds_what_audit_lists_and_each_label_once(suspects: ReviewPage) -> None:
    review = suspects.live.review
    assert review is not None
    evaluation = review.evaluation
    errors = rank_label_errors(
        evaluation.gt, evaluation.dets, image_ids=evaluation.image_ids, class_ids=evaluation.class_ids
    )
    labels: dict[int, float] = {}
    unlabelled: dict[int, float] = {}
    for gt_row, det_row, score in zip(errors.gt_rows, errors.det_rows, errors.scores, strict=True):
        if gt_row >= 0:
            labels.setdefault(int(evaluation.gt.ids[gt_row]), float(score))
        else:
            unlabelled[-int(det_row) - 1] = float(score)
    told = [entry for entry in listed(suspects) if entry.suspicion is not None]
    about_labels = [
        (entry.label.key, entry.suspicion.score)
        for entry in told
        if entry.label and entry.suspicion and entry.suspicion.kind is not LabelError.MISSING
    ]
    assert sorted(about_labels) == sorted(labels.items())
    own = {
        entry.key: entry.suspicion.score
        for entry in told
        if entry.suspicion and entry.suspicion.kind is LabelError.MISSING
    }
    assert own.items() <= unlabelled.items()
    assert unlabelled.keys() <= {entry.key for entry in told}
    assert any(entry.kind is ErrorKind.TP for entry in told)
    scores = [entry.suspicion.score if entry.suspicion else 0.0 for entry in listed(suspects)]
    assert scores == sorted(scores, reverse=True)


def test_a_label_of_another_class_is_one_item_however_many_detections_say_so(
    suspects: ReviewPage, truth: dict[str, Box]
) -> None:
    swapped = truth["swapped"]
    claimants = [
        entry for entry in listed(suspects) if entry.label is not None and entry.label.key == swapped.id
    ]
    assert [entry.type for entry in claimants] == [ItemType.CLASS, ItemType.CLASS]
    (told,) = of_label(suspects, swapped.id)
    assert told == claimants[0]
    # the other one is a false positive like any other
    assert claimants[1].suspicion is None
    look_at(suspects, swapped.id)
    press(suspects, Qt.Key.Key_M)
    assert swapped.id not in {entry.label.key for entry in listed(suspects) if entry.label}


def test_a_found_object_with_a_badly_placed_label_can_be_mended(
    suspects: ReviewPage, labelled: Project, truth: dict[str, Box], qtbot: QtBot
) -> None:
    right = truth["off"]
    entry = look_at(suspects, right.id)
    assert (entry.kind, entry.type) == (ErrorKind.TP, ItemType.FOUND)
    assert entry.suspicion is not None
    assert entry.suspicion.kind is LabelError.LOCATION
    assert row_texts(entry, SortOrder.LABEL_ERRORS)[0] == "Badly placed label"
    text = suspects.image.details.text()
    assert "Found" in text
    assert "IoU with the label 0.5" in text
    assert "badly placed" in text
    # both boxes are on the picture
    assert entry.keys <= set(suspects.image.canvas._stage.boxes.ids.tolist())
    assert enabled(suspects) == {
        VerdictKind.BOX,
        VerdictKind.MODEL_WRONG,
        VerdictKind.AMBIGUOUS,
        VerdictKind.IGNORE,
    }
    before, order = labelled.all_boxes(), keys(suspects)
    press(suspects, Qt.Key.Key_B)
    mended = next(box for box in labelled.all_boxes() if box.id == right.id)
    assert mended.xyxy == pytest.approx(right.xyxy, abs=2)
    assert entry.key not in keys(suspects)
    (given,) = read_verdicts(labelled)
    assert (given.kind, given.box_id, given.detection_row) == (VerdictKind.BOX, right.id, entry.run_row)
    undo(suspects)
    assert labelled.all_boxes() == before
    qtbot.waitUntil(lambda: keys(suspects) == order)
    assert suspects.queue.current == entry


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        (Qt.Key.Key_M, VerdictKind.MODEL_WRONG),
        (Qt.Key.Key_Question, VerdictKind.AMBIGUOUS),
        (Qt.Key.Key_I, VerdictKind.IGNORE),
    ],
)
def test_a_found_object_that_was_judged_stays_away_with_the_next_run_as_well(
    suspects: ReviewPage,
    context: AppContext,
    labelled: Project,
    truth: dict[str, Box],
    qtbot: QtBot,
    key: Qt.Key,
    kind: VerdictKind,
) -> None:
    label_id = truth["off"].id
    look_at(suspects, label_id)
    press(suspects, key)
    (given,) = read_verdicts(labelled)
    assert (given.kind, given.box_id) == (kind, label_id)
    assert of_label(suspects, label_id) == []
    # the next run has its detection elsewhere, and sees another class as well
    again = create_run(labelled, "reticle-s")
    take_snapshot(labelled).save(again.snapshot)
    save_detections(again, detections_of_truth(labelled, seed=8), image_ids=labelled.image_ids())
    with qtbot.waitSignal(suspects.order.found):
        context.view.show_run(again.name)
    suspects.live.set_threshold(0.0)
    qtbot.waitUntil(lambda: suspects.errors.rows.threshold == 0.0)
    assert of_label(suspects, label_id) == []
    press(suspects, Qt.Key.Key_J)
    if kind is not VerdictKind.IGNORE:
        assert len(of_label(suspects, label_id)) == 1


@pytest.mark.parametrize("kind", list(LabelError))
def test_a_found_label_can_be_deleted_where_it_seems_to_be_one_too_many(
    suspects: ReviewPage, truth: dict[str, Box], kind: LabelError
) -> None:
    entry = look_at(suspects, truth["off"].id)
    doubted = replace(entry, suspicion=Suspicion(kind=kind, score=0.9))
    too_many = kind in (LabelError.SPURIOUS, LabelError.DUPLICATE)
    assert is_offered(VerdictKind.DELETE, doubted) is too_many
    assert is_offered(VerdictKind.BOX, doubted)
    assert not is_offered(VerdictKind.ACCEPT, doubted)


def test_nothing_is_offered_for_what_is_found_and_not_suspected(page: ReviewPage) -> None:
    QTest.mouseClick(page.header.tiles.tiles["tp"], Qt.MouseButton.LeftButton)
    click_row(page, 0)
    assert page.queue.current is not None
    assert page.queue.current.label is not None
    assert enabled(page) == set()


def test_the_kinds_say_what_that_order_lists(suspects: ReviewPage) -> None:
    panel, order = suspects.queue_panel, keys(suspects)
    assert checked(suspects) == set(EVERY_KIND)
    assert SortOrder.LABEL_ERRORS.value in panel.kind_buttons[ErrorKind.TP].toolTip()
    click_kind(suspects, ErrorKind.TP)
    assert checked(suspects) == set(ERRORS)
    assert {entry.kind for entry in listed(suspects)} == set(ERRORS)
    click_kind(suspects, ErrorKind.TP)
    assert keys(suspects) == order
    for kind in ERRORS:
        click_kind(suspects, kind)
    assert {entry.kind for entry in listed(suspects)} == {ErrorKind.TP}
    assert all(entry.suspicion is not None for entry in listed(suspects))
    for kind in ERRORS:
        click_kind(suspects, kind)
    assert keys(suspects) == order
    choose_order(suspects, SortOrder.WORST)
    assert checked(suspects) == set(ERRORS)
    assert {entry.kind for entry in listed(suspects)} == set(ERRORS)
    choose_order(suspects, SortOrder.LABEL_ERRORS)
    assert keys(suspects) == order
    # a number opens all that it counts
    tile = suspects.header.tiles.tiles["tp"]
    QTest.mouseClick(tile, Qt.MouseButton.LeftButton)
    assert suspects.queue.count == int(tile.text())


def test_a_label_with_nothing_near_it_above_the_threshold_is_told_of_what_is_below(
    suspects: ReviewPage, truth: dict[str, Box], qtbot: QtBot
) -> None:
    far = truth["far off"]
    pair = look_at(suspects, far.id)
    assert (pair.type, pair.is_detection) == (ItemType.LOCATION, True)
    suspects.live.set_threshold(0.99)
    qtbot.waitUntil(lambda: suspects.errors.rows.threshold == 0.99)
    entry = look_at(suspects, far.id)
    assert entry.suspicion is not None
    assert entry.suspicion.kind is LabelError.LOCATION
    assert entry.partner is None
    text = suspects.image.details.text()
    assert "No detection nearby" not in text
    assert f"Detection below the threshold: {pair.class_name} {pair.score:.2f}, IoU 0.2" in text
    assert "badly placed" in text


def test_the_cross_brings_back_the_kinds_that_were_listed_before(page: ReviewPage) -> None:
    table, classes = page.figures.table, page.figures.classes
    before = keys(page)
    for row, kind in ((1, ErrorKind.TP), (2, ErrorKind.FP), (2, ErrorKind.TP)):
        place = table.visualRect(classes.index(row, 2 + kind)).center()
        QTest.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=place)
        assert checked(page) == {kind}
    QTest.mouseClick(page.queue_panel.narrowed, Qt.MouseButton.LeftButton)
    assert checked(page) == set(ERRORS)
    assert keys(page) == before
    click_kind(page, ErrorKind.FP)
    QTest.mouseClick(page.header.tiles.tiles["tp"], Qt.MouseButton.LeftButton)
    place = table.visualRect(classes.index(1, 0)).center()
    QTest.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=place)
    QTest.mouseClick(page.queue_panel.narrowed, Qt.MouseButton.LeftButton)
    assert checked(page) == {ErrorKind.FN}
