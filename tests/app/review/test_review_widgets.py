"""The widgets of the Review page on their own, with real mouse and key events."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, QSize, Qt
from PySide6.QtGui import QColor, QImage
from PySide6.QtTest import QAbstractItemModelTester, QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from app.plots.plot_painting import point_in
from app.review.models.class_metrics_model import ClassMetricsModel, ClassRow, Column
from app.review.models.error_model import ErrorModel
from app.review.models.score_curve import ScoreCurve
from app.review.plots.confidence_plot import ConfidencePlot
from app.review.plots.confusion_matrix import ConfusionMatrix
from app.review.plots.pr_plot import PrPlot
from app.review.widgets.class_table import ClassTable
from app.review.widgets.image_bar import OverlayLegend
from app.review.widgets.metric_tiles import MetricTiles
from app.review.widgets.threshold_slider import ThresholdSlider
from app.services.theme import Theme
from app.widgets.crops import crop_rect
from detcore.curation.judged_items import JudgedItems
from detcore.evaluation.error_links import ErrorLinks
from detcore.evaluation.live import LiveEvaluation
from detcore.evaluation.thresholds import OperatingPoint
from detcore.project.image_rows import ImageList
from detcore.project.runs import RunFolder
from detcore.project.scope import Scope, image_sets, trained_images
from detcore.review.filter import ErrorFilter, SortOrder
from detcore.review.kinds import ErrorKind
from detcore.review.query import ErrorSource, find_items
from detcore.types import Box, Detections, ObjectClass
from tests.columns import ground_truth

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def theme(qapp: QApplication) -> Theme:
    return Theme(qapp, "light")


@pytest.fixture
def show(qtbot: QtBot) -> Callable[[QWidget, int, int], None]:
    def show_widget(widget: QWidget, width: int, height: int) -> None:
        qtbot.addWidget(widget)
        widget.resize(width, height)
        widget.show()
        qtbot.waitExposed(widget)

    return show_widget


def curve(class_id: int | None = None) -> ScoreCurve:
    """Five detections: hit, hit, miss, hit, miss, of four labels."""
    return ScoreCurve(
        class_id=class_id,
        name="cell",
        color=QColor("#aa3377"),
        scores=np.array([0.9, 0.8, 0.6, 0.5, 0.2]),
        precision=np.array([1.0, 1.0, 2 / 3, 3 / 4, 3 / 5]),
        recall=np.array([0.25, 0.5, 0.5, 0.75, 0.75]),
    )


def test_the_slider_follows_the_mouse_and_tells(theme: Theme, qtbot: QtBot, show: Callable) -> None:
    slider = ThresholdSlider(theme)
    show(slider, 400, 52)
    seen: list[float] = []
    slider.value_changed.connect(seen.append)
    QTest.mousePress(slider, LEFT, pos=QPoint(round(slider.x_of(0.25)), 40))
    for value in (0.3, 0.55, 0.7):
        QTest.mouseMove(slider, QPoint(round(slider.x_of(value)), 40))
    QTest.mouseRelease(slider, LEFT, pos=QPoint(round(slider.x_of(0.7)), 40))
    assert seen == pytest.approx([0.25, 0.3, 0.55, 0.7], abs=0.002)
    QTest.mouseMove(slider, QPoint(20, 40))
    assert slider.value() == pytest.approx(0.7, abs=0.002)


def test_the_slider_listens_to_keys_and_stays_between_0_and_1(theme: Theme, show: Callable) -> None:
    slider = ThresholdSlider(theme)
    show(slider, 400, 52)
    expected = {
        Qt.Key.Key_Right: 0.51,
        Qt.Key.Key_Left: 0.5,
        Qt.Key.Key_PageUp: 0.6,
        Qt.Key.Key_End: 1.0,
        Qt.Key.Key_Home: 0.0,
    }
    for key, value in expected.items():
        QTest.keyClick(slider, key)
        assert slider.value() == pytest.approx(value)
    QTest.keyClick(slider, Qt.Key.Key_Left)
    assert slider.value() == 0.0


def test_setting_the_value_from_outside_sends_no_signal(theme: Theme, qtbot: QtBot) -> None:
    slider = ThresholdSlider(theme)
    qtbot.addWidget(slider)
    with qtbot.assertNotEmitted(slider.value_changed):
        slider.set_value(0.123456)
    assert slider.value() == 0.123456


def test_tiles_show_the_ratios_that_follow_from_the_counts(
    theme: Theme, qtbot: QtBot, show: Callable
) -> None:
    tiles = MetricTiles(theme)
    show(tiles, 480, 50)
    tiles.set_counts(found=30, false=10, missed=20)
    shown = {name: tile.text() for name, tile in tiles.tiles.items()}
    assert shown == {"tp": "30", "fp": "10", "fn": "20", "precision": "0.75", "recall": "0.60", "f1": "0.67"}
    with qtbot.waitSignal(tiles.opened) as opened:
        QTest.mouseClick(tiles.tiles["recall"], LEFT)
    assert opened.args == ["recall"]
    with qtbot.waitSignal(tiles.opened) as opened:
        QTest.keyClick(tiles.tiles["fn"], Qt.Key.Key_Return)
    assert opened.args == ["fn"]


def test_a_ratio_of_nothing_is_a_dash(theme: Theme, qtbot: QtBot) -> None:
    tiles = MetricTiles(theme)
    qtbot.addWidget(tiles)
    tiles.set_counts(found=0, false=0, missed=4)
    assert (tiles.tiles["precision"].text(), tiles.tiles["recall"].text()) == ("–", "0.00")


@pytest.mark.parametrize(("threshold", "row"), [(0.95, -1), (0.9, 0), (0.85, 0), (0.5, 3), (0.0, 4)])
def test_the_point_at_a_threshold_counts_equal_scores(threshold: float, row: int) -> None:
    assert curve().row_at(threshold) == row


def test_hovering_the_pr_curve_tells_and_a_click_chooses(theme: Theme, qtbot: QtBot, show: Callable) -> None:
    plot = PrPlot(theme)
    show(plot, 500, 240)
    plot.set_curves([curve(1)], chosen=1)
    plot.set_threshold(0.5)
    assert [(mark.x, mark.y) for mark in plot.marks] == [(0.75, 0.75)]
    at = point_in(plot.area(), 0.5, 1.0).toPoint()
    QTest.mouseMove(plot, at)
    qtbot.waitUntil(lambda: len(plot.readout) > 0)
    assert list(plot.readout) == ["cell", "Threshold 0.800", "Precision 1.000", "Recall 0.500", "F1 0.667"]
    with qtbot.waitSignal(plot.point_chosen) as chosen:
        QTest.mouseClick(plot, LEFT, pos=at)
    assert chosen.args == [1, 0.8]


def test_quiet_curves_are_passed_over(theme: Theme, show: Callable) -> None:
    plot = PrPlot(theme)
    show(plot, 500, 240)
    plot.set_curves([curve(1), curve(2)], chosen=2)
    line, _ = plot.nearest(QPointF(point_in(plot.area(), 0.5, 1.0)))
    assert line == 1


def test_few_curves_have_their_names_beside_them_so_that_colour_is_not_all_that_tells_them_apart(
    theme: Theme, show: Callable
) -> None:
    plot = PrPlot(theme)
    show(plot, 500, 240)
    plot.set_curves([curve(None), curve(1), curve(2)], chosen=None)
    assert [line.name for line in plot.lines] == ["", "cell", "cell"]
    plot.set_curves([curve(None), *(curve(number) for number in range(1, 8))], chosen=None)
    assert {line.name for line in plot.lines} == {""}


def test_the_best_f1_is_marked_over_confidence(theme: Theme, qtbot: QtBot, show: Callable) -> None:
    plot = ConfidencePlot(theme)
    show(plot, 500, 240)
    plot.set_curve(curve())
    # 2 * 0.75 * 0.75 / 1.5
    assert plot.best_threshold() == 0.5
    assert plot.marks[0].y == pytest.approx(0.75)
    with qtbot.waitSignal(plot.threshold_chosen) as chosen:
        QTest.mouseClick(plot, LEFT, pos=point_in(plot.area(), 0.5, 0.75).toPoint())
    assert chosen.args == [0.5]
    plot.set_curve(None)
    assert plot.best_threshold() is None


def test_cells_of_the_matrix_are_links(theme: Theme, qtbot: QtBot, show: Callable) -> None:
    matrix = ConfusionMatrix(theme)
    matrix.set_counts(["cell", "blob"], np.array([[5, 1, 2], [0, 7, 3], [4, 1, 0]]))
    show(matrix, 500, 160)
    with qtbot.waitSignal(matrix.cell_chosen) as chosen:
        QTest.mouseClick(matrix, LEFT, pos=matrix.cell_rect(0, 1).center().toPoint())
    assert chosen.args == [0, 1]
    with qtbot.waitSignal(matrix.cell_chosen) as chosen:
        QTest.mouseClick(matrix, LEFT, pos=matrix.cell_rect(0, 1).center().toPoint())
    assert chosen.args == [-1, -1]
    with qtbot.assertNotEmitted(matrix.cell_chosen):
        QTest.mouseClick(matrix, LEFT, pos=matrix.cell_rect(2, 2).center().toPoint())
    QTest.keyClick(matrix, Qt.Key.Key_Down)
    with qtbot.waitSignal(matrix.cell_chosen) as chosen:
        QTest.keyClick(matrix, Qt.Key.Key_Return)
    assert chosen.args == [1, 1]
    assert matrix.describe(0, 1) == "1 label of cell taken for blob"


def test_a_narrow_class_table_keeps_names_rather_than_curves(
    theme: Theme, qtbot: QtBot, show: Callable
) -> None:
    model = ClassMetricsModel()
    table = ClassTable(model, theme)
    # counts 3 × 42, curve 44, best 46: of 310 pixels 94 are left for the name, of 268 52
    show(table, 310, 200)
    assert not table.isColumnHidden(Column.CURVE)
    table.resize(268, 200)
    assert table.isColumnHidden(Column.CURVE)
    assert table.columnWidth(Column.CLASS) >= 90
    table.resize(310, 200)
    assert not table.isColumnHidden(Column.CURVE)


def test_all_classes_together_have_a_short_name_where_there_is_no_room_for_the_long_one(
    theme: Theme, qtbot: QtBot, show: Callable
) -> None:
    pictures: list[QImage] = []
    for name in ("All classes", "All"):
        model = ClassMetricsModel()
        row = ClassRow(
            class_id=None,
            name=name,
            color=None,
            ap=0.5,
            labels=4,
            counts=(3, 2, 1),
            curve=curve(None),
            best=None,
        )
        model.set_rows([row])
        table = ClassTable(model, theme)
        show(table, 205, 200)
        assert table.columnWidth(Column.CLASS) < 90
        cell = table.visualRect(model.index(0, Column.CLASS))
        pictures.append(table.viewport().grab(cell).toImage())
    assert pictures[0] == pictures[1]


def test_the_class_table_tells_classes_from_counts(theme: Theme, qtbot: QtBot, show: Callable) -> None:
    model = ClassMetricsModel()
    QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    rows = [
        ClassRow(
            class_id=class_id,
            name=name,
            color=color,
            ap=0.5,
            labels=4,
            counts=(3, 2, 1),
            curve=curve(class_id),
            best=OperatingPoint(threshold=0.5, tp=3, fp=1, fn=1, fppi=0.25),
        )
        for class_id, name, color in ((None, "All classes", None), (7, "cell", "#aa3377"))
    ]
    model.set_rows(rows)
    table = ClassTable(model, theme)
    show(table, 280, 200)
    cell = table.visualRect(model.index(1, Column.CLASS)).center()
    with qtbot.waitSignal(table.class_chosen) as chosen:
        QTest.mouseClick(table.viewport(), LEFT, pos=cell)
    assert chosen.args == [7]
    with qtbot.waitSignal(table.class_chosen) as chosen:
        QTest.keyClick(table, Qt.Key.Key_Up)
    assert chosen.args == [None]
    count = table.visualRect(model.index(1, Column.FN)).center()
    with qtbot.waitSignal(table.count_opened) as opened:
        QTest.mouseClick(table.viewport(), LEFT, pos=count)
    assert opened.args == [7, ErrorKind.FN]
    best = model.index(1, Column.BEST)
    assert (best.data(), "0.750" in best.data(Qt.ItemDataRole.ToolTipRole)) == ("0.50", True)
    with qtbot.waitSignal(table.threshold_chosen) as chosen:
        QTest.mouseClick(table.viewport(), LEFT, pos=table.visualRect(best).center())
    assert chosen.args == [0.5]
    # a verdict changes a class or two: the others are not painted again
    changed: list[tuple[int, int, int, int]] = []
    model.dataChanged.connect(lambda a, b: changed.append((a.row(), a.column(), b.row(), b.column())))
    shown = table.viewport().grab().toImage()
    model.set_rows([rows[0], replace(rows[1], counts=(3, 2, 0))])
    assert changed == [(1, Column.TP, 1, Column.FN)]
    assert table.viewport().grab().toImage() != shown
    model.set_rows(rows[:1])
    assert model.rowCount() == 1


def test_the_queue_model_keeps_the_rules_of_item_models(tmp_path: object) -> None:
    gt = ground_truth([Box(id=9, image_id=1, class_id=3, x1=0, y1=0, x2=10, y2=10)])
    dets = Detections(
        image_ids=np.array([1]),
        labels=np.array([3]),
        boxes=np.array([[50.0, 50.0, 60.0, 60.0]]),
        scores=np.array([0.7]),
    )
    model = ErrorModel()
    QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    evaluation = LiveEvaluation(gt, dets, class_ids=[3])
    classes = {3: ObjectClass(id=3, name="cell", color="#aa3377")}
    source = ErrorSource(
        fingerprint="",
        evaluation=evaluation,
        links=ErrorLinks(evaluation),
        judged=JudgedItems(evaluation, "run", np.arange(1), []),
        run_rows=np.arange(1),
    )
    model.set_source(source, classes, {1: tmp_path})  # type: ignore[dict-item]
    model.set_rows(find_items(source, ErrorFilter(), SortOrder.CONFIDENCE, 0.5).at(0.5))
    assert model.rows.keys.tolist() == [-1, 9]
    assert model.entry(0).score == 0.7
    assert model.entry(1).score is None
    assert (model.row_of(9), model.row_of(4)) == (1, -1)


def test_the_legend_hides_a_kind_on_click(theme: Theme, qtbot: QtBot, show: Callable) -> None:
    legend = OverlayLegend(theme)
    show(legend, 300, 30)
    with qtbot.waitSignal(legend.kinds_chosen) as chosen:
        QTest.mouseClick(legend.entries[ErrorKind.TP], LEFT)
    assert chosen.args == [frozenset({ErrorKind.FP, ErrorKind.FN})]


@pytest.mark.parametrize("box", [(0, 0, 10, 10), (90, 70, 100, 80), (0, 0, 100, 80), (40, 30, 44, 33)])
def test_a_crop_holds_its_box_and_stays_in_the_image(box: tuple[float, float, float, float]) -> None:
    rect = crop_rect(box, QSize(100, 80))
    assert rect.left() >= 0
    assert rect.top() >= 0
    assert rect.left() <= box[0]
    assert rect.left() + rect.width() >= box[2]
    assert rect.top() <= box[1]
    assert rect.top() + rect.height() >= box[3]


def images_of(splits: list[int], counts: list[int], statuses: list[int]) -> ImageList:
    return ImageList(
        ids=np.arange(1, len(splits) + 1),
        paths=[f"{number}.jpg" for number in range(len(splits))],
        statuses=np.array(statuses, np.uint8),
        splits=np.array(splits, np.int16),
        split_names=("train", "val", "test"),
        box_counts=np.array(counts),
    )


def test_only_labelled_images_that_the_run_has_seen_take_part(tmp_path: Path) -> None:
    # image 1 and 2 train, 3 val, 4 test, 5 without split; 2 has no labels, 4 is verified as empty
    images = images_of([0, 0, 1, 2, -1], [3, 0, 2, 0, 1], [0, 0, 0, 2, 0])
    sets = image_sets(images, {1, 2, 3, 4}, trained_images(RunFolder(tmp_path), images))
    assert {scope: ids.tolist() for scope, ids in sets.items()} == {
        Scope.HELD_OUT: [3, 4],
        Scope.VAL: [3],
        Scope.TEST: [4],
        Scope.TRAIN: [1],
        Scope.ALL: [1, 3, 4],
    }


def test_a_run_trained_on_everything_has_no_held_out_images(tmp_path: Path) -> None:
    images = images_of([-1, -1], [1, 1], [0, 0])
    sets = image_sets(images, {1, 2}, trained_images(RunFolder(tmp_path), images))
    assert list(sets) == [Scope.ALL]
