"""Differences in words, numbers and bars."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor
from pytestqt.qtbot import QtBot

from app.review.models.comparison_rows import ComparisonRow, IntervalRow, signed_text
from app.review.plots.interval_plot import IntervalPlot
from app.review.widgets.compare_panel import ChangeCount, ComparePanel
from app.review.widgets.comparison_table import ComparisonTable
from app.services.context import AppContext
from detcore.evaluation.bootstrap import Interval
from detcore.wording import ap_name


def row(low: float, value: float, high: float, name: str = "AP") -> IntervalRow:
    return IntervalRow(name=name, difference=Interval(value=value, low=low, high=high, samples=np.zeros(1)))


@pytest.mark.parametrize(
    ("low", "value", "high", "words"),
    [
        (0.01, 0.02, 0.03, "better"),
        (-0.03, -0.02, -0.01, "worse"),
        (-0.01, 0.02, 0.05, "no clear difference"),
        (0.0, 0.0, 0.0, "no clear difference"),
        (0.0, 0.02, 0.05, "no clear difference"),
        (np.nan, np.nan, np.nan, "no clear difference"),
    ],
)
def test_a_difference_counts_only_where_its_whole_interval_is_on_one_side(
    low: float, value: float, high: float, words: str
) -> None:
    assert row(low, value, high).verdict == words


def test_differences_have_a_sign_even_where_there_is_none() -> None:
    texts = [signed_text(value) for value in (0.0214, -0.0214, 0.0, -0.0001, float("nan"))]
    assert texts == ["+0.021", "−0.021", "±0.000", "±0.000", "–"]
    assert (ap_name(0.5), ap_name(0.95)) == ("AP50", "AP95")


def test_bars_lie_to_scale_around_zero(context: AppContext, qtbot: QtBot) -> None:
    plot = IntervalPlot(context.theme)
    qtbot.addWidget(plot)
    plot.set_rows([row(0.02, 0.04, 0.06), row(-0.03, -0.01, 0.01, "AP50")])
    plot.resize(300, plot.sizeHint().height())
    plot.show()
    assert plot.x_of(0.0) == 150
    assert plot.x_of(0.06) - 150 == pytest.approx(2 * (plot.x_of(0.03) - 150))
    assert plot.x_of(0.06) < 300
    image = plot.grab().toImage()
    # the first row's point, and its bar to either side
    y = round(18 + 15 + 10)
    assert image.pixelColor(QPoint(round(plot.x_of(0.04)), y)) == context.theme.color("success")
    outside = image.pixelColor(QPoint(round(plot.x_of(-0.04)), y))
    for value in (0.025, 0.055):
        assert image.pixelColor(QPoint(round(plot.x_of(value)), y)) != outside
    assert image.pixelColor(QPoint(round(plot.x_of(0.064)), y)) == outside


def test_figures_and_names_of_runs_have_room(context: AppContext, qtbot: QtBot) -> None:
    table = ComparisonTable(context.theme)
    qtbot.addWidget(table)
    cells = ("12,345", "12,345", "12,345")
    figures = [ComparisonRow(name="Missed", tip="", cells=cells, by_labels="−0.123", by_model="+12,345")]
    table.set_rows(figures, ("002-reticle-s", "002-reticle-s", "003-a-model-with-a-long-name"))
    table.resize(table.minimumWidth(), table.height())
    table.show()
    for column in range(6):
        assert table.sizeHintForColumn(column) <= table.columnWidth(column)
    heads = [table.rows.headerData(column, Qt.Orientation.Horizontal) for column in (1, 3, 5)]
    assert heads[:2] == ["Old labels\n002-reticle-s", "New labels\n002-reticle-s"]
    assert heads[2].startswith("New labels\n003-")
    assert "…" in heads[2]


def test_a_bar_without_objects_is_not_painted(context: AppContext, qtbot: QtBot) -> None:
    plot = IntervalPlot(context.theme)
    qtbot.addWidget(plot)
    plot.set_rows([row(np.nan, np.nan, np.nan)])
    plot.resize(300, plot.sizeHint().height())
    image = plot.grab().toImage()
    colors = {QColor(image.pixel(x, 43)).name() for x in range(20, 140)}
    assert len(colors) == 1


@pytest.mark.parametrize("width", [640, 804, 1139, 1140])
def test_links_with_large_counts_are_not_cut_also_while_runs_are_compared(
    context: AppContext, qtbot: QtBot, width: int
) -> None:
    panel = ComparePanel(context.theme)
    qtbot.addWidget(panel)
    panel.resize(width, 300)
    panel.show_runs(["001-reticle-s"], "001-reticle-s")
    names = ("gained", "lost", "missed differently", "new false positives")
    panel.show_counts([ChangeCount(name=name, count=12345, tip="") for name in names])
    panel.show_busy(50, 100)
    panel.show()
    qtbot.waitUntil(lambda: panel.links.isVisible() and panel.links.width() > 0)
    end = panel.links.mapTo(panel, QPoint(panel.links.width(), 0)).x()
    assert panel.links.width() >= panel.links.sizeHint().width()
    assert end <= width
