"""The Sizes tab: counts that follow at once, and APs that are found when they are wanted and no more often."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.review import sizes
from app.review.page import ReviewPage
from app.services.context import AppContext
from detcore.evaluation.live import LiveEvaluation
from detcore.project.edits import delete_boxes
from detcore.project.project import Project
from detcore.review.sizes import size_aps
from detcore.types import FloatArray
from tests.app.review.review_driving import drag_slider, press


class Held:
    """Finds APs when it is let, and counts how often."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.go.set()
        self.asked = 0

    def find(self, evaluation: LiveEvaluation) -> FloatArray:
        self.asked += 1
        assert self.go.wait(20)
        return size_aps(evaluation)


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[Held]:
    held = Held()
    monkeypatch.setattr(sizes, "size_aps", held.find)
    yield held
    held.go.set()


def evaluation_of(page: ReviewPage) -> LiveEvaluation:
    assert page.live.review is not None
    return page.live.review.evaluation


def see_sizes(page: ReviewPage, qtbot: QtBot) -> None:
    page.figures.tabs.setCurrentWidget(page.sizes.table)
    qtbot.waitUntil(lambda: knows_aps(page))


def knows_aps(page: ReviewPage) -> bool:
    rows = page.sizes.table.rows.rows
    return len(rows) == 4 and all(row.ap is not None and row.ap_at is not None for row in rows)


def shows_aps_of_now(page: ReviewPage) -> bool:
    """Of all objects and all classes, at the IoU that is chosen."""
    evaluation = evaluation_of(page)
    of_all = size_aps(evaluation)[1, 0]
    return page.sizes.table.rows.rows[0].ap_at == pytest.approx(of_all[of_all > -1].mean())


def shows_counts_of_now(page: ReviewPage) -> bool:
    counts = evaluation_of(page).counts(page.live.threshold, page.queue.filter.class_id)
    return page.sizes.table.rows.rows[0].counts == (counts.tp, counts.fp, counts.fn)


def list_false_positives(page: ReviewPage) -> None:
    QTest.mouseClick(page.header.tiles.tiles["fp"], Qt.MouseButton.LeftButton)


def test_a_quick_series_of_verdicts_asks_for_aps_once_it_is_over_and_the_old_ones_stay(
    page: ReviewPage, held: Held, qtbot: QtBot
) -> None:
    settled: list[bool] = []
    page.live.curves_changed.connect(lambda: settled.append(True))
    see_sizes(page, qtbot)
    list_false_positives(page)
    before = [row.ap for row in page.sizes.table.rows.rows]
    for _ in range(5):
        press(page, Qt.Key.Key_Y)
        qtbot.waitUntil(lambda: shows_counts_of_now(page))
        assert knows_aps(page)
        if not settled:
            assert [row.ap for row in page.sizes.table.rows.rows] == before
        assert held.asked <= 1 + len(settled)
    qtbot.waitUntil(lambda: shows_aps_of_now(page))
    assert held.asked <= 1 + len(settled)
    assert [row.ap for row in page.sizes.table.rows.rows] != before


def test_threshold_and_class_ask_for_no_aps(page: ReviewPage, held: Held, qtbot: QtBot) -> None:
    see_sizes(page, qtbot)
    for class_id in (None, *evaluation_of(page).class_ids.tolist()):
        page.queue.set_filter(page.queue.filter.widened().with_class(class_id))
        for threshold in (0.2, 0.7):
            drag_slider(page, threshold, qtbot)
            qtbot.waitUntil(lambda: shows_counts_of_now(page))
    assert held.asked == 1


def test_aps_are_found_when_the_tab_is_first_seen_and_not_before(
    page: ReviewPage, held: Held, qtbot: QtBot
) -> None:
    list_false_positives(page)
    with qtbot.waitSignal(page.live.curves_changed):
        press(page, Qt.Key.Key_Y)
    assert held.asked == 0
    see_sizes(page, qtbot)
    assert held.asked == 1
    assert shows_aps_of_now(page)
    page.figures.tabs.setCurrentWidget(page.figures.pr_plot)
    with qtbot.waitSignal(page.live.curves_changed):
        press(page, Qt.Key.Key_Y)
    assert held.asked == 1
    page.figures.tabs.setCurrentWidget(page.sizes.table)
    assert knows_aps(page)
    qtbot.waitUntil(lambda: shows_aps_of_now(page))
    assert held.asked == 2


def test_an_edit_while_aps_are_found_leads_to_those_of_the_new_labels(
    page: ReviewPage, held: Held, qtbot: QtBot
) -> None:
    held.go.clear()
    page.figures.tabs.setCurrentWidget(page.sizes.table)
    list_false_positives(page)
    with qtbot.waitSignal(page.live.curves_changed):
        press(page, Qt.Key.Key_Y)
    assert held.asked == 1
    assert shows_counts_of_now(page)
    assert page.sizes.table.rows.index(0, 2).data() == "…"
    held.go.set()
    qtbot.waitUntil(lambda: knows_aps(page) and shows_aps_of_now(page))


def test_aps_of_another_iou_are_unknown_until_they_are_found(
    page: ReviewPage, held: Held, qtbot: QtBot
) -> None:
    see_sizes(page, qtbot)
    held.go.clear()
    with qtbot.waitSignal(page.live.loaded):
        page.live.set_iou_threshold(0.75)
    assert {row.ap_at for row in page.sizes.table.rows.rows} == {None}
    assert shows_counts_of_now(page)
    held.go.set()
    qtbot.waitUntil(lambda: knows_aps(page))
    assert shows_aps_of_now(page)
    assert held.asked == 2


def test_labels_that_changed_while_the_page_was_away_are_counted_when_it_comes_back(
    page: ReviewPage, context: AppContext, labelled: Project, held: Held, qtbot: QtBot
) -> None:
    see_sizes(page, qtbot)
    image_id = int(evaluation_of(page).image_ids[0])
    page.hide()
    with qtbot.waitSignal(page.live.curves_changed):
        lost = [box.id for box in labelled.boxes(image_id)[:2]]
        context.document.edit(delete_boxes, lost)
    assert not shows_counts_of_now(page)
    assert held.asked == 1
    page.show()
    assert shows_counts_of_now(page)
    qtbot.waitUntil(lambda: shows_aps_of_now(page))
    assert held.asked == 2
