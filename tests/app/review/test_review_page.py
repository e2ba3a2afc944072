"""The Review page follows the threshold, and every number opens its boxes."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QStackedWidget, QWidget
from pytestqt.qtbot import QtBot

from app.plots.plot_painting import point_in
from app.review.models.class_metrics_model import COUNT_COLUMNS, Column
from app.review.page import ReviewPage
from app.services.context import AppContext
from app.services.image_loader import ImageLoader
from detcore.project.edits import add_boxes
from detcore.project.project import Project
from detcore.project.scope import Scope
from detcore.review.filter import SortOrder
from detcore.review.kinds import EVERY_KIND, ErrorKind
from detcore.types import Box
from tests.app.review.review_driving import click_row, drag_slider, keys


def test_the_page_opens_on_the_images_the_run_was_not_trained_on(page: ReviewPage, labelled: Project) -> None:
    review = page.live.review
    assert review is not None
    assert review.scope is Scope.HELD_OUT
    assert review.evaluation.image_ids.tolist() == labelled.image_ids()[3:]
    assert not page.header.note.isVisible()
    assert page.queue.count > 0
    assert page.queue.current is not None
    assert all(panel.isVisible() for panel in page.panels())


def test_a_closed_panel_stays_closed(window: ReviewPage, context: AppContext) -> None:
    window.save_layout()
    assert context.settings.layout("review") is None
    window._set_ready(True)
    window.panels()[0].close()
    window.save_layout()
    window._set_ready(False)
    window.restore_layout()
    assert all(panel.isHidden() for panel in window.panels())
    window._set_ready(True)
    assert [panel.isHidden() for panel in window.panels()] == [True, False, False]


def test_a_note_says_when_the_model_was_trained_on_the_images(page: ReviewPage, qtbot: QtBot) -> None:
    page.choice.scope.setCurrentIndex(page.choice.scope.findData(Scope.TRAIN))
    page.choice.scope.activated.emit(page.choice.scope.currentIndex())
    qtbot.waitUntil(lambda: page.live.review is not None and page.live.review.scope is Scope.TRAIN)
    assert page.header.note.isVisible()
    assert "training" in page.header.note.text()


def test_every_number_opens_as_many_boxes_as_it_says(page: ReviewPage, qtbot: QtBot) -> None:
    random = np.random.default_rng(3)
    tiles = page.header.tiles.tiles
    for threshold in [0.0, 1.0, *random.uniform(0.05, 0.95, 4)]:
        drag_slider(page, float(threshold), qtbot)
        numbers = {name: int(tiles[name].text()) for name in ("tp", "fp", "fn")}
        for name, expected in (
            ("tp", numbers["tp"]),
            ("fp", numbers["fp"]),
            ("fn", numbers["fn"]),
            ("precision", numbers["tp"] + numbers["fp"]),
            ("recall", numbers["tp"] + numbers["fn"]),
            ("f1", sum(numbers.values())),
        ):
            QTest.mouseClick(tiles[name], Qt.MouseButton.LeftButton)
            assert page.queue.count == expected, (name, threshold)
            assert len(set(keys(page))) == expected
            assert tiles[name].isChecked()


def test_a_count_of_a_class_opens_its_boxes(page: ReviewPage, qtbot: QtBot) -> None:
    table, model = page.figures.table, page.figures.classes
    for row in range(model.rowCount()):
        for column, kind in COUNT_COLUMNS.items():
            rect = table.visualRect(model.index(row, column))
            QTest.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=rect.center())
            expected = model.rows[row]
            assert page.queue.count == expected.counts[kind]
            for place in range(page.queue.count):
                entry = page.errors.entry(place)
                assert entry.kind is kind
                assert expected.class_id in (None, entry.class_id)


def test_a_cell_of_the_matrix_opens_exactly_its_pairs(page: ReviewPage, qtbot: QtBot) -> None:
    page.figures.tabs.setCurrentIndex(2)
    qtbot.wait(20)
    drag_slider(page, 0.2, qtbot)
    matrix = page.figures.matrix
    size = len(matrix.counts)
    assert size == 4
    ids = [*page.live.review.evaluation.class_ids.tolist(), None]  # type: ignore[union-attr]
    for row in range(size):
        for column in range(size):
            if row == column == size - 1:
                continue
            center = matrix.cell_rect(row, column).center().toPoint()
            QTest.mouseClick(matrix, Qt.MouseButton.LeftButton, pos=center)
            assert page.queue.count == matrix.counts[row, column]
            entries = [page.errors.entry(place) for place in range(page.queue.count)]
            shown = ids[row] if column == size - 1 else ids[column]
            assert all(entry.class_id == shown for entry in entries)
            assert all(entry.is_detection == (column < size - 1) for entry in entries)
            QTest.mouseClick(matrix, Qt.MouseButton.LeftButton, pos=center)
    assert page.queue.filter.cell is None


def test_the_matrix_holds_every_label_and_detection_once(page: ReviewPage, qtbot: QtBot) -> None:
    page.figures.tabs.setCurrentIndex(2)
    drag_slider(page, 0.35, qtbot)
    counts, rows = page.figures.matrix.counts, page.figures.classes.rows
    for number, row in enumerate(sorted(rows[1:], key=lambda row: row.class_id or 0)):
        assert counts[number].sum() == row.labels
        assert counts[:, number].sum() == row.counts[ErrorKind.TP] + row.counts[ErrorKind.FP]


def test_the_image_stays_when_the_slider_takes_its_box_off_the_list(page: ReviewPage, qtbot: QtBot) -> None:
    QTest.mouseClick(page.header.tiles.tiles["fp"], Qt.MouseButton.LeftButton)
    click_row(page, page.queue.count - 1)
    entry, image_id = page.queue.current, page.image.image_id
    assert entry is not None
    drag_slider(page, 0.88, qtbot)
    assert entry.key not in keys(page)
    assert page.image.image_id == image_id
    assert page.queue_panel.progress.text().startswith("–")
    drag_slider(page, 0.1, qtbot)
    assert page.queue_panel.list.selected_keys() == [entry.key]


def test_overlays_follow_the_slider(page: ReviewPage, qtbot: QtBot) -> None:
    review = page.live.review
    assert review is not None
    for threshold in (0.15, 0.55, 0.9):
        drag_slider(page, threshold, qtbot)
        at = page.live.threshold
        assert at == pytest.approx(threshold, abs=0.01)
        view = review.evaluation.image_view(page.image.image_id, at)
        on_canvas = page.image.canvas._stage.boxes
        assert (on_canvas.ids < 0).sum() == len(view.det_rows)
        assert (on_canvas.ids > 0).sum() == (view.gt_state == 0).sum()


def test_a_click_on_the_pr_curve_sets_the_threshold_of_that_point_and_opens_what_is_there(
    page: ReviewPage, qtbot: QtBot
) -> None:
    plot = page.figures.pr_plot
    curve = page.figures._curves[None]
    row = len(curve.scores) // 2
    at = point_in(plot.area(), float(curve.recall[row]), float(curve.precision[row])).toPoint()
    QTest.mouseMove(plot, at)
    qtbot.waitUntil(lambda: len(plot.readout) == 5)
    QTest.mouseClick(plot, Qt.MouseButton.LeftButton, pos=at)
    line, index = plot.nearest(QPointF(at))
    chosen = page.figures.pr_plot._curves[line]
    qtbot.waitUntil(lambda: page.header.slider.value() == chosen.scores[index])
    counts = page.live.review.evaluation.counts(page.live.threshold, chosen.class_id)  # type: ignore[union-attr]
    assert counts.precision == pytest.approx(chosen.precision[index])
    assert counts.recall == pytest.approx(chosen.recall[index])
    assert page.queue.count == counts.tp + counts.fp
    current = page.queue.current
    assert current is not None
    assert current.score == chosen.scores[index]


def test_a_point_at_which_nothing_is_found_any_more_opens_an_empty_list(
    page: ReviewPage, qtbot: QtBot
) -> None:
    with qtbot.waitSignal(page.live.threshold_changed):
        page.figures.point_chosen.emit(None, 1.0)
    assert page.queue.count == 0


def test_verdicts_in_quick_succession_do_not_hold_the_curves_up(
    page: ReviewPage, context: AppContext, qtbot: QtBot
) -> None:
    project = context.document.project
    drawn: list[int] = []
    page.live.curves_changed.connect(lambda: drawn.append(len(project.boxes(image_id))))
    image_id = project.image_ids()[4]
    for number in range(8):
        box = Box(id=0, image_id=image_id, class_id=project.classes()[2].id, x1=1 + number, y1=1, x2=19, y2=9)
        context.document.edit(add_boxes, [box])
        qtbot.wait(400)
    # two seconds after the first edit, while they came every 0.4 s
    assert drawn
    qtbot.waitUntil(lambda: drawn[-1] == 12)


def test_a_stricter_iou_matches_again(page: ReviewPage, qtbot: QtBot) -> None:
    before = page.live.review
    assert before is not None
    found = before.evaluation.counts(0.0).tp
    page.choice.iou.setCurrentIndex(9)
    page.choice.iou.activated.emit(9)
    qtbot.waitUntil(lambda: page.live.review is not before)
    assert page.live.review.evaluation.iou_threshold == pytest.approx(0.95)  # type: ignore[union-attr]
    assert page.live.review.evaluation.counts(0.0).tp < found  # type: ignore[union-attr]


def test_a_click_on_a_box_of_the_image_makes_it_the_current_one(page: ReviewPage) -> None:
    QTest.mouseClick(page.header.tiles.tiles["f1"], Qt.MouseButton.LeftButton)
    shown = page.image.canvas._stage.boxes
    other = next(int(key) for key in shown.ids if key < 0 and key != page.queue.current.key)  # type: ignore[union-attr]
    page.image.canvas.selection_changed.emit(frozenset({other}))
    assert page.queue.current.key == other  # type: ignore[union-attr]
    assert page.queue_panel.list.selected_keys() == [other]


@pytest.mark.parametrize("order", list(SortOrder))
def test_every_order_lists_the_same_boxes(page: ReviewPage, order: SortOrder) -> None:
    page.queue.set_filter(page.queue.filter.counted(EVERY_KIND))
    before = sorted(keys(page))
    page.queue_panel.order.setCurrentText(order.value)
    page.queue_panel.order.activated.emit(page.queue_panel.order.currentIndex())
    assert sorted(keys(page)) == before
    entries = [page.errors.entry(row) for row in range(page.queue.count)]
    areas = [(e.xyxy[2] - e.xyxy[0]) * (e.xyxy[3] - e.xyxy[1]) for e in entries]
    expected = {
        SortOrder.LARGE: areas == sorted(areas, reverse=True),
        SortOrder.SMALL: areas == sorted(areas),
        SortOrder.IMAGE: [e.image_id for e in entries] == sorted(e.image_id for e in entries),
        SortOrder.CONFIDENCE: [e.score or 0 for e in entries]
        == sorted((e.score or 0 for e in entries), reverse=True),
        SortOrder.UNSURE: [e.score or 0 for e in entries] == sorted(e.score or 0 for e in entries),
    }
    assert expected.get(order, True)


def test_an_edit_elsewhere_moves_the_numbers(page: ReviewPage, context: AppContext, qtbot: QtBot) -> None:
    project = context.document.project
    image_id = project.image_ids()[4]
    before = page.figures.classes.rows[0].labels
    box = Box(id=0, image_id=image_id, class_id=project.classes()[2].id, x1=1, y1=1, x2=9, y2=9)
    context.document.edit(add_boxes, [box])
    qtbot.waitUntil(lambda: page.figures.classes.rows[0].labels == before + 1)
    assert page.figures.classes.rows[Column.CLASS].name == "All classes"


def test_panels_come_back_as_wide_as_they_were(context: AppContext, qtbot: QtBot) -> None:
    widths: list[list[int]] = []
    for wanted in (380, None):
        page, stack = ReviewPage(context, ImageLoader(context.tasks)), QStackedWidget()
        stack.addWidget(QWidget())
        stack.addWidget(page)
        qtbot.addWidget(stack)
        stack.resize(1390, 840)
        stack.show()
        page._set_ready(True)
        stack.setCurrentWidget(page)
        qtbot.waitUntil(page.isVisible)
        qtbot.wait(20)
        if wanted is not None:
            page.resizeDocks([page.panels()[0]], [wanted], Qt.Orientation.Horizontal)
            qtbot.wait(20)
        widths.append([panel.width() for panel in page.panels()])
        page.save_layout()
        page.live.close()
    assert widths[0][0] == 380
    assert widths[0] == widths[1]
