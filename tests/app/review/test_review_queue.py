"""A queue dealt with by keyboard alone: every verdict, pairs, undo, what has been judged stays away."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.plots.plot_painting import point_in
from app.review.page import ReviewPage
from app.services.context import AppContext
from detcore.evaluation.coco import evaluate_coco
from detcore.evaluation.error_costs import find_error_costs
from detcore.project.project import Project
from detcore.project.runs import RunFolder, create_run, save_detections
from detcore.project.scope import Scope
from detcore.project.verdict_rows import VerdictKind
from detcore.project.verdicts import read_verdicts
from detcore.review.entries import ErrorEntry
from detcore.review.filter import SortOrder
from detcore.review.kinds import COUNTED, ErrorKind, ItemType
from detcore.review.sizes import size_aps
from detcore.types import Box, Detections
from tests.app.review.reloading import show_scope
from tests.app.review.review_driving import (
    choose_type,
    click_row,
    drag_slider,
    keys,
    made_up_detections,
    press,
    shift_click_row,
    undo,
)

Wanted = Callable[[ErrorEntry], bool]


@pytest.fixture(autouse=True)
def many_items(everything: ReviewPage) -> None:
    """Of every type of error there is some."""


def go_to(page: ReviewPage, wanted: Wanted) -> ErrorEntry:
    """Choose the first item of some sort."""
    row = next(row for row in range(page.queue.count) if wanted(page.errors.entry(row)))
    click_row(page, row)
    return current(page)


def current(page: ReviewPage) -> ErrorEntry:
    entry = page.queue.current
    assert entry is not None
    return entry


def is_type(item_type: ItemType) -> Wanted:
    return lambda entry: entry.type is item_type


def is_pair(item_type: ItemType) -> Wanted:
    """A missed label with the detection that was meant for it."""
    return lambda entry: (
        entry.type is item_type and entry.partner is not None and entry.partner.kind is ErrorKind.FN
    )


def box_of(project: Project, box_id: int) -> Box:
    return next(box for box in project.all_boxes() if box.id == box_id)


def state(project: Project) -> list[Box]:
    return project.all_boxes()


def test_take_class_gives_the_label_the_class_of_the_prediction(page: ReviewPage, labelled: Project) -> None:
    before, order = state(labelled), keys(page)
    pair = go_to(page, is_pair(ItemType.CLASS))
    assert pair.label is not None
    press(page, Qt.Key.Key_C)
    assert box_of(labelled, pair.label.key).class_id == pair.class_id
    assert pair.key not in keys(page)
    assert pair.label.key not in keys(page)
    (given,) = read_verdicts(labelled)
    assert (given.kind, given.box_id, given.detection_row) == (
        VerdictKind.CLASS,
        pair.label.key,
        pair.run_row,
    )
    assert given.threshold == page.live.threshold
    undo(page)
    assert state(labelled) == before
    assert (keys(page), current(page).key) == (order, pair.key)
    assert read_verdicts(labelled) == []


def test_take_box_gives_the_label_the_box_of_the_prediction(page: ReviewPage, labelled: Project) -> None:
    pair = go_to(page, is_pair(ItemType.CLASS))
    assert pair.label is not None
    press(page, Qt.Key.Key_B)
    changed = box_of(labelled, pair.label.key)
    assert changed.xyxy == pytest.approx(pair.xyxy)
    assert changed.class_id == pair.label.class_id
    assert pair.key not in keys(page)


def test_deleting_the_label_of_a_pair_leaves_its_prediction_to_be_judged(
    page: ReviewPage, labelled: Project
) -> None:
    pair = go_to(page, is_pair(ItemType.CLASS))
    assert pair.label is not None
    press(page, Qt.Key.Key_X)
    assert pair.label.key not in {box.id for box in labelled.all_boxes()}
    assert current(page).key == pair.key
    assert current(page).type is not ItemType.CLASS
    press(page, Qt.Key.Key_Y)
    assert pair.key not in keys(page)
    assert [item.kind for item in read_verdicts(labelled)] == [VerdictKind.DELETE, VerdictKind.ACCEPT]


@pytest.mark.parametrize(
    ("key", "kind"), [(Qt.Key.Key_M, VerdictKind.MODEL_WRONG), (Qt.Key.Key_Question, VerdictKind.AMBIGUOUS)]
)
@pytest.mark.parametrize("item_type", [ItemType.CLASS, ItemType.BACKGROUND])
def test_what_changes_no_label_is_kept_and_never_comes_back(
    page: ReviewPage, labelled: Project, key: Qt.Key, kind: VerdictKind, item_type: ItemType
) -> None:
    before, counts = state(labelled), [page.header.tiles.tiles[name].text() for name in ("tp", "fp", "fn")]
    order = keys(page)
    item = go_to(page, is_type(item_type))
    place = order.index(item.key)
    press(page, key)
    assert state(labelled) == before
    assert [page.header.tiles.tiles[name].text() for name in ("tp", "fp", "fn")] == counts
    assert [given.kind for given in read_verdicts(labelled)] == [kind]
    assert keys(page) == [other for other in order if other != item.key]
    assert current(page).key == order[place + 1]
    undo(page)
    assert (keys(page), current(page).key) == (order, item.key)


def test_difficult_objects_no_longer_count(page: ReviewPage, labelled: Project) -> None:
    missed = go_to(page, is_type(ItemType.MISSED))
    press(page, Qt.Key.Key_I)
    assert box_of(labelled, missed.key).difficult
    assert missed.key not in keys(page)
    false = go_to(page, is_type(ItemType.BACKGROUND))
    known = {box.id for box in labelled.all_boxes()}
    press(page, Qt.Key.Key_I)
    (added,) = [box for box in labelled.all_boxes() if box.id not in known]
    assert (added.difficult, added.class_id) == (True, false.class_id)
    assert false.key not in keys(page)
    undo(page)
    undo(page)
    assert {box.id for box in labelled.all_boxes()} == known
    assert current(page).key == missed.key


def test_judged_items_come_up_again_when_asked_for(page: ReviewPage, labelled: Project) -> None:
    order = keys(page)
    item = go_to(page, is_type(ItemType.BACKGROUND))
    press(page, Qt.Key.Key_M)
    assert page.queue_panel.done.text() == "1 judged today · 1 in all"
    press(page, Qt.Key.Key_J)
    assert keys(page) == order
    click_row(page, order.index(item.key))
    assert current(page).verdict is not None
    assert "Model is wrong" in page.image.details.text()
    press(page, Qt.Key.Key_R)
    assert read_verdicts(labelled) == []
    press(page, Qt.Key.Key_J)
    assert keys(page) == order
    assert not page.queue_panel.done.isVisible()


def test_a_verdict_on_a_selection_is_one_step(page: ReviewPage, labelled: Project) -> None:
    order = keys(page)
    click_row(page, 1)
    shift_click_row(page, 4)
    press(page, Qt.Key.Key_M)
    assert keys(page) == [order[0], *order[5:]]
    assert current(page).key == order[5]
    assert len(read_verdicts(labelled)) == 4
    undo(page)
    assert (keys(page), current(page).key) == (order, order[1])


def test_one_label_takes_one_class(page: ReviewPage, labelled: Project) -> None:
    choose_type(page, ItemType.CLASS)
    click_row(page, 0)
    shift_click_row(page, page.queue.count - 1)
    entries = list(page.queue.chosen())
    press(page, Qt.Key.Key_C)
    given = read_verdicts(labelled)
    meant = [entry.label.key for entry in entries if entry.label is not None]
    assert sorted(item.box_id or 0 for item in given) == sorted(set(meant))


def test_the_image_filter_lists_one_image(page: ReviewPage) -> None:
    order = keys(page)
    item = go_to(page, is_type(ItemType.BACKGROUND))
    press(page, Qt.Key.Key_O)
    assert {page.errors.entry(row).image_id for row in range(page.queue.count)} == {item.image_id}
    assert current(page).key == item.key
    press(page, Qt.Key.Key_O)
    assert keys(page) == order


def test_a_number_opens_judged_boxes_as_well(page: ReviewPage) -> None:
    tile = page.header.tiles.tiles["fp"]
    for _ in range(4):
        go_to(page, lambda entry: entry.is_detection)
        press(page, Qt.Key.Key_M)
    choose_type(page, ItemType.BACKGROUND)
    QTest.mouseClick(tile, Qt.MouseButton.LeftButton)
    assert page.queue.count == int(tile.text())
    assert page.errors.rows.judged.sum() >= 4
    assert page.queue_panel.type.currentData() is None


def test_after_training_again_what_was_judged_stays_away(
    page: ReviewPage, context: AppContext, labelled: Project, qtbot: QtBot
) -> None:
    judged = [page.errors.entry(row) for row in range(5)]
    click_row(page, 0)
    for _ in judged:
        press(page, Qt.Key.Key_M)
    remaining = page.queue.count
    old = made_up_detections(labelled)
    order = np.random.default_rng(0).permutation(len(old))
    moved = Detections(
        image_ids=old.image_ids, labels=old.labels, boxes=old.boxes + 0.5, scores=old.scores
    ).take(order)
    run = create_run(labelled, "reticle-s")
    save_detections(run, moved, image_ids=labelled.image_ids())
    context.document.runs_changed.emit()
    qtbot.waitUntil(lambda: page.choice.run.count() == 2)
    row = next(row for row in range(2) if page.choice.run.itemText(row).startswith(run.name))
    page.choice.run.setCurrentIndex(row)
    page.choice.run.activated.emit(row)
    qtbot.waitUntil(lambda: page.live.review is not None and page.live.review.run.name == run.name)
    show_scope(page, Scope.ALL, qtbot)
    drag_slider(page, 0.1, qtbot)
    assert page.queue.count == remaining
    press(page, Qt.Key.Key_J)
    assert page.queue.count == remaining + len(judged)
    listed = [page.errors.entry(row) for row in range(page.queue.count)]
    assert sum(entry.verdict is not None for entry in listed) == len(judged)


def test_fifty_items_are_dealt_with_by_keyboard_alone(
    page: ReviewPage, labelled: Project, run: RunFolder, qtbot: QtBot
) -> None:
    drag_slider(page, 0.0, qtbot)
    before, total = state(labelled), page.queue.count
    dealt_with: list[int] = []
    slowest = 0.0
    while len(dealt_with) < 50 and page.queue.count:
        item = current(page)
        actions = {
            Qt.Key.Key_C: "review.take_class",
            Qt.Key.Key_B: "review.take_box",
            Qt.Key.Key_Y: "review.accept",
            Qt.Key.Key_X: "review.delete",
            Qt.Key.Key_I: "review.difficult",
            Qt.Key.Key_M: "review.model_wrong",
        }
        possible = [key for key, name in actions.items() if page.context.actions[name].isEnabled()]
        started = time.perf_counter()
        press(page, possible[len(dealt_with) % len(possible)])
        slowest = max(slowest, time.perf_counter() - started)
        dealt_with.append(item.key)
        if page.queue.count:
            assert page.queue.current is not None
            assert page.queue.current.image_id == page.image.image_id
    given = read_verdicts(labelled)
    assert len(given) == len(dealt_with) >= min(50, total)
    assert {item.run for item in given} == {run.name}
    # the aim is 50 ms; this only catches what a person would feel as waiting
    assert slowest < 1.0
    for _ in dealt_with:
        undo(page)
    assert state(labelled) == before
    assert page.queue.count == total


def test_the_costliest_errors_come_first_and_say_what_they_cost(page: ReviewPage, qtbot: QtBot) -> None:
    box = page.queue_panel.order
    box.setCurrentText(SortOrder.COST.value)
    with qtbot.waitSignal(page.live.costs_found):
        box.activated.emit(box.currentIndex())
    review = page.live.review
    assert review is not None
    evaluation = review.evaluation
    expected = find_error_costs(
        evaluation.gt, evaluation.dets, evaluation.image_ids, evaluation.class_ids, iou_threshold=0.5
    )
    costs = [page.errors.entry(row).cost or 0.0 for row in range(page.queue.count)]
    assert costs == sorted(costs, reverse=True)
    assert costs[0] > 0
    false = [entry for row in range(page.queue.count) if (entry := page.errors.entry(row)).is_detection]
    assert [entry.cost for entry in false] == [float(expected.det_ap[-entry.key - 1]) for entry in false]
    assert current(page).cost == costs[0]
    qtbot.waitUntil(lambda: f"Costs {costs[0]:.4f} AP50" in page.image.details.text())


def test_the_calibration_holds_each_detection_once(page: ReviewPage, qtbot: QtBot) -> None:
    page.figures.tabs.setCurrentWidget(page.figures.calibration)
    found = page.figures.calibration._found
    assert found is not None
    counts = page.live.review.evaluation.counts(0.0)  # type: ignore[union-attr]
    assert found.counts.sum() == counts.tp + counts.fp
    assert np.nansum(found.precision * found.counts) == pytest.approx(counts.tp)
    line = page.figures.calibration.lines[1]
    at = point_in(page.figures.calibration.area(), float(line.x[-1]), float(line.y[-1])).toPoint()
    QTest.mouseMove(page.figures.calibration, at)
    qtbot.waitUntil(lambda: len(page.figures.calibration.readout) == 4)
    QTest.mouseClick(page.figures.calibration, Qt.MouseButton.LeftButton, pos=at)
    highest = found.edges[:-1][found.counts > 0].max()
    qtbot.waitUntil(lambda: page.live.threshold == pytest.approx(highest))


def test_every_count_by_size_opens_its_boxes(page: ReviewPage, qtbot: QtBot) -> None:
    table, random = page.sizes.table, np.random.default_rng(2)
    page.figures.tabs.setCurrentWidget(table)
    qtbot.waitUntil(lambda: all(row.ap is not None for row in table.rows.rows))
    class_ids = page.live.review.evaluation.class_ids.tolist()  # type: ignore[union-attr]
    for threshold, class_id in zip(random.uniform(0.05, 0.8, 4), (None, *class_ids), strict=True):
        drag_slider(page, float(threshold), qtbot)
        page.queue.set_filter(page.queue.filter.widened().with_class(class_id))
        counts = page.live.review.evaluation.counts(page.live.threshold, class_id)  # type: ignore[union-attr]
        rows = table.rows.rows
        assert rows[0].counts == (counts.tp, counts.fp, counts.fn)
        assert tuple(sum(row.counts[kind] for row in rows[1:]) for kind in COUNTED) == rows[0].counts
        for size in range(4):
            for kind in COUNTED:
                index = table.rows.index(size, 4 + kind)
                center = table.visualRect(index).center()
                QTest.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=center)
                assert page.queue.count == int(index.data())
                listed = [page.errors.entry(row) for row in range(page.queue.count)]
                assert all(entry.kind is kind and class_id in (None, entry.class_id) for entry in listed)


def test_the_aps_by_size_are_those_of_coco(page: ReviewPage) -> None:
    evaluation = page.live.review.evaluation  # type: ignore[union-attr]
    expected = evaluate_coco(evaluation.gt, evaluation.dets, evaluation.image_ids, evaluation.class_ids)
    means, at_this_iou = size_aps(evaluation)
    for place in range(4):
        assert at_this_iou[place] == pytest.approx(expected.precision[place, 0].mean(axis=1))
    stats = [expected.stats[name] for name in ("AP", "APs", "APm", "APl")]
    assert [np.mean(row[row > -1]) if (row > -1).any() else -1.0 for row in means] == pytest.approx(stats)


def test_end_and_home_walk_to_the_ends_of_the_whole_list(page: ReviewPage) -> None:
    everything = keys(page)
    press(page, Qt.Key.Key_End)
    assert current(page).key == everything[-1]
    press(page, Qt.Key.Key_Home)
    assert current(page).key == everything[0]
    press(page, Qt.Key.Key_Down)
    assert current(page).key == everything[1]


def test_select_all_selects_every_item_that_is_listed(page: ReviewPage) -> None:
    QTest.keyClick(page.queue_panel.list, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    assert page.queue_panel.list.selected_keys() == keys(page)
