"""The Review page, driven with mouse and keys over detections that are made up."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.context import AppContext
from app.image_loader import ImageLoader
from app.models.class_metrics_model import COUNT_COLUMNS, Column
from app.models.error_kind import EVERY_KIND, ErrorKind
from app.models.error_query import SortOrder
from app.models.review_scope import Scope
from app.pages.review import ReviewPage
from detcore.project.edits import add_boxes, set_split, set_status
from detcore.project.project import Project
from detcore.project.runs import RunFolder, create_run, save_detections
from detcore.types import Box, Detections, Origin, Status

ROW_HEIGHT = 56


def made_up_detections(project: Project, *, seed: int = 1) -> Detections:
    """Two labels of three found at various scores, and three boxes of nothing on each image."""
    random = np.random.default_rng(seed)
    class_ids = [item.id for item in project.classes()]
    rows: list[tuple[int, int, tuple[float, ...], float]] = []
    for image_id in project.image_ids():
        for box in project.boxes(image_id):
            if random.random() < 0.67:
                shift = random.normal(0, 1, 4)
                xyxy = tuple(float(edge + move) for edge, move in zip(box.xyxy, shift, strict=True))
                wrong = random.random() < 0.25
                label = class_ids[0] if wrong else box.class_id
                rows.append((image_id, label, xyxy, float(random.uniform(0.2, 1.0))))
        for _ in range(3):
            x, y = random.uniform(0, 100), random.uniform(0, 80)
            label = int(random.choice(class_ids))
            rows.append((image_id, label, (x, y, x + 30, y + 20), float(random.uniform(0.05, 0.9))))
    return Detections(
        image_ids=np.array([row[0] for row in rows]),
        labels=np.array([row[1] for row in rows]),
        boxes=np.array([row[2] for row in rows]),
        scores=np.array([row[3] for row in rows]),
    )


@pytest.fixture
def labelled(project: Project) -> Project:
    """Boxes on all six images; the last three are the validation split."""
    random = np.random.default_rng(7)
    class_ids = [item.id for item in project.classes()]
    images = project.image_ids()
    boxes = [
        Box(
            id=0,
            image_id=image_id,
            class_id=class_ids[number % 3],
            x1=10 + 35 * number,
            y1=20 + float(random.uniform(0, 30)),
            x2=40 + 35 * number,
            y2=80,
        )
        for image_id in images
        for number in range(4)
    ]
    project.apply(add_boxes(project, boxes))
    project.apply(set_split(project, {image_id: "train" for image_id in images[:3]}))
    project.apply(set_split(project, {image_id: "val" for image_id in images[3:]}))
    return project


@pytest.fixture
def run(labelled: Project) -> RunFolder:
    run = create_run(labelled, "reticle-s")
    save_detections(run, made_up_detections(labelled), image_ids=labelled.image_ids())
    return run


@pytest.fixture
def window(context: AppContext, qtbot: QtBot) -> Iterator[ReviewPage]:
    """The page in a window of its own, with nothing open."""
    page = ReviewPage(context, ImageLoader(context.tasks))
    context.actions.bind("global.undo", context.document.undo)
    frame = QWidget()
    qtbot.addWidget(frame)
    context.actions.install(frame)
    page.setParent(frame)
    page.resize(1390, 840)
    frame.resize(1390, 840)
    page.show()
    frame.show()
    context.actions.show_scope("review")
    frame.activateWindow()
    QTest.qWaitForWindowActive(frame)
    yield page
    page.live.close()


@pytest.fixture
def page(
    window: ReviewPage, context: AppContext, run: RunFolder, labelled: Project, qtbot: QtBot
) -> ReviewPage:
    """The page with the run open over the validation images."""
    context.document.open(labelled)
    window.entered()
    qtbot.waitUntil(lambda: window.live.review is not None and window.image._ready)
    return window


def keys(page: ReviewPage) -> list[int]:
    return page.errors.rows.keys.tolist()


def drag_slider(page: ReviewPage, to: float, qtbot: QtBot) -> None:
    """Press on the handle, pull it in steps, let go."""
    slider = page.header.slider
    y = slider.height() - 9
    start = slider.x_of(slider.value())
    QTest.mousePress(slider, Qt.MouseButton.LeftButton, pos=QPoint(round(start), y))
    for part in (0.3, 0.7, 1.0):
        x = start + (slider.x_of(to) - start) * part
        QTest.mouseMove(slider, QPoint(round(x), y))
        qtbot.wait(5)
    QTest.mouseRelease(slider, Qt.MouseButton.LeftButton, pos=QPoint(round(slider.x_of(to)), y))
    qtbot.wait(40)


def click_row(page: ReviewPage, row: int) -> None:
    view = page.queue_panel.list
    rect = view.visualRect(page.errors.index(row))
    QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=rect.center())


def press(page: ReviewPage, key: Qt.Key) -> None:
    QTest.keyClick(page.queue_panel.list, key)


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


def test_space_and_arrows_walk_through_the_queue(page: ReviewPage) -> None:
    order = keys(page)
    click_row(page, 0)
    seen = [page.queue.current.key]  # type: ignore[union-attr]
    for key in (Qt.Key.Key_Space, Qt.Key.Key_Down, Qt.Key.Key_Space):
        press(page, key)
        seen.append(page.queue.current.key)  # type: ignore[union-attr]
    assert seen == order[:4]
    press(page, Qt.Key.Key_Up)
    assert page.queue.current.key == order[2]  # type: ignore[union-attr]
    assert page.queue_panel.progress.text() == f"3 of {len(order)}"
    assert page.queue_panel.list.selected_keys() == [order[2]]


def test_accepting_a_prediction_adds_a_label_and_goes_on(
    page: ReviewPage, labelled: Project, run: RunFolder, qtbot: QtBot
) -> None:
    QTest.mouseClick(page.header.tiles.tiles["fp"], Qt.MouseButton.LeftButton)
    order = keys(page)
    click_row(page, 1)
    entry = page.queue.current
    assert entry is not None
    before = page.live.review.evaluation.curve().ap  # type: ignore[union-attr]
    labels = {box.id for box in labelled.boxes(entry.image_id)}
    press(page, Qt.Key.Key_A)
    added = [box for box in labelled.boxes(entry.image_id) if box.id not in labels]
    assert len(added) == 1
    assert added[0].xyxy == pytest.approx(entry.xyxy)
    assert (added[0].origin, added[0].run, added[0].class_id) == (Origin.MODEL, run.name, entry.class_id)
    assert added[0].score == pytest.approx(entry.score)
    assert entry.key not in keys(page)
    assert page.queue.current is not None
    assert page.queue.current.key == order[2]
    qtbot.waitUntil(lambda: page.live.review.evaluation.curve().ap != before)  # type: ignore[union-attr]
    QTest.keyClick(page, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert keys(page) == order
    assert page.queue.current.key == entry.key
    assert {box.id for box in labelled.boxes(entry.image_id)} == labels
    assert page.live.review.evaluation.curve().ap == before  # type: ignore[union-attr]


def test_deleting_a_missed_label_takes_it_off_the_list_and_undo_brings_it_back(
    page: ReviewPage, labelled: Project, qtbot: QtBot
) -> None:
    drag_slider(page, 0.8, qtbot)
    QTest.mouseClick(page.header.tiles.tiles["fn"], Qt.MouseButton.LeftButton)
    order = keys(page)
    click_row(page, 0)
    dealt_with: list[int] = []
    for _ in range(3):
        current = page.queue.current
        assert current is not None
        following = keys(page)[keys(page).index(current.key) + 1]
        press(page, Qt.Key.Key_D)
        dealt_with.append(current.key)
        assert current.key not in {box.id for box in labelled.all_boxes()}
        assert page.queue.current.key == following  # type: ignore[union-attr]
        assert set(keys(page)) == set(order) - set(dealt_with)
    for expected in reversed(dealt_with):
        QTest.keyClick(page, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
        assert page.queue.current.key == expected  # type: ignore[union-attr]
    assert keys(page) == order


def test_a_verdict_on_a_selection_is_one_edit(page: ReviewPage, labelled: Project) -> None:
    QTest.mouseClick(page.header.tiles.tiles["fp"], Qt.MouseButton.LeftButton)
    order, before = keys(page), labelled.statistics().boxes
    click_row(page, 0)
    rect = page.queue_panel.list.visualRect(page.errors.index(2))
    QTest.mouseClick(
        page.queue_panel.list.viewport(),
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.ShiftModifier,
        rect.center(),
    )
    assert page.queue_panel.list.selected_keys() == order[:3]
    press(page, Qt.Key.Key_A)
    assert labelled.statistics().boxes == before + 3
    QTest.keyClick(page, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert labelled.statistics().boxes == before


def test_actions_that_make_no_sense_are_disabled(page: ReviewPage, context: AppContext) -> None:
    QTest.mouseClick(page.header.tiles.tiles["fn"], Qt.MouseButton.LeftButton)
    click_row(page, 0)
    assert not context.actions["review.accept"].isEnabled()
    assert context.actions["review.delete"].isEnabled()
    QTest.mouseClick(page.header.tiles.tiles["fp"], Qt.MouseButton.LeftButton)
    click_row(page, 0)
    assert context.actions["review.accept"].isEnabled()
    assert not context.actions["review.delete"].isEnabled()


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


def test_a_click_on_the_pr_curve_sets_the_threshold_of_that_point(page: ReviewPage, qtbot: QtBot) -> None:
    plot = page.figures.pr_plot
    curve = page.figures._curves[None]
    row = len(curve.scores) // 2
    at = plot.position_of(float(curve.recall[row]), float(curve.precision[row])).toPoint()
    QTest.mouseMove(plot, at)
    qtbot.waitUntil(lambda: len(plot.readout) == 5)
    QTest.mouseClick(plot, Qt.MouseButton.LeftButton, pos=at)
    line, index = plot.nearest(QPointF(at))
    chosen = page.figures.pr_plot._curves[line]
    qtbot.waitUntil(lambda: page.header.slider.value() == chosen.scores[index])
    counts = page.live.review.evaluation.counts(page.live.threshold, chosen.class_id)  # type: ignore[union-attr]
    assert counts.precision == pytest.approx(chosen.precision[index])
    assert counts.recall == pytest.approx(chosen.recall[index])


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
    page.queue.set_filter(page.queue.filter.with_kinds(EVERY_KIND))
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


def test_without_runs_the_page_sends_to_train(
    window: ReviewPage, context: AppContext, labelled: Project, qtbot: QtBot
) -> None:
    context.document.open(labelled)
    window.entered()
    qtbot.waitUntil(lambda: window.empty.title.text() == "Train a detector first")
    with qtbot.waitSignal(window.request_page) as asked:
        QTest.mouseClick(window.empty.button, Qt.MouseButton.LeftButton)
    assert asked.args == ["train"]
    assert all(panel.isHidden() for panel in window.panels())


def test_without_detections_the_page_offers_to_predict(
    window: ReviewPage,
    context: AppContext,
    labelled: Project,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = create_run(labelled, "reticle-s")
    run.last.write_bytes(b"weights")
    run.events.write_text('{"event": "started"}\n')
    run.pid.write_text("{}")
    asked: list[object] = []
    monkeypatch.setattr(context.jobs, "predict", lambda path, _snapshot: asked.append(path))
    context.document.open(labelled)
    window.entered()
    qtbot.waitUntil(lambda: window.empty.button.text() == "Predict with this run")
    QTest.mouseClick(window.empty.button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: asked == [run.path])


def test_without_labels_there_is_nothing_to_compare(
    window: ReviewPage, context: AppContext, project: Project, qtbot: QtBot
) -> None:
    run = create_run(project, "reticle-s")
    unlabelled = project.image_ids()[4:]
    dets = made_up_detections(project)
    save_detections(run, dets.take(np.isin(dets.image_ids, unlabelled)), image_ids=unlabelled)
    context.document.open(project)
    window.entered()
    qtbot.waitUntil(lambda: window.empty.title.text() == "No labels to compare with")
    project.apply(set_status(project, unlabelled[:1], Status.VERIFIED))


def test_an_edit_elsewhere_moves_the_numbers(page: ReviewPage, context: AppContext, qtbot: QtBot) -> None:
    project = context.document.project
    image_id = project.image_ids()[4]
    before = page.figures.classes.rows[0].labels
    box = Box(id=0, image_id=image_id, class_id=project.classes()[2].id, x1=1, y1=1, x2=9, y2=9)
    context.document.apply(add_boxes(project, [box]))
    qtbot.waitUntil(lambda: page.figures.classes.rows[0].labels == before + 1)
    assert page.figures.classes.rows[Column.CLASS].name == "All classes"
