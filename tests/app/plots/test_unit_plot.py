"""A plot of very many lines is drawn bit by bit, and in the end shows what it would have shown at once."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPoint
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.plots.curve_style import CurveStyle
from app.plots.plot_painting import PlotLine, point_in
from app.plots.unit_plot import UnitPlot
from app.services.theme import Theme

LINES = 40
SOON = 3000


@pytest.fixture
def make_plot(qtbot: QtBot, qapp: QApplication) -> Callable[[], UnitPlot]:
    theme = Theme(qapp, "light")

    def make() -> UnitPlot:
        plot = UnitPlot(theme, x_title="x", y_title="y")
        qtbot.addWidget(plot)
        plot.resize(400, 300)
        plot.show()
        qtbot.waitExposed(plot)
        return plot

    return make


def level_lines(y: float, count: int = LINES) -> list[PlotLine]:
    """Level ones, one on the other."""
    line = PlotLine(
        style=CurveStyle(QColor("red"), width=3.0), x=np.linspace(0.0, 1.0, 500), y=np.full(500, y)
    )
    return [line] * count


def picture(plot: UnitPlot) -> QImage:
    return plot.grab().toImage()


def is_drawn(plot: UnitPlot, y: float) -> bool:
    at: QPoint = point_in(plot.area(), 0.5, y).toPoint()
    return picture(plot).pixelColor(at) == QColor("red")


def draw(plot: UnitPlot, y: float, qtbot: QtBot) -> None:
    plot.set_lines(level_lines(y))
    qtbot.waitUntil(lambda: is_drawn(plot, y), timeout=SOON)


def test_the_old_lines_are_seen_until_the_new_ones_are_drawn(
    make_plot: Callable[[], UnitPlot], qtbot: QtBot
) -> None:
    plot, other = make_plot(), make_plot()
    draw(plot, 0.2, qtbot)
    plot.set_lines(level_lines(0.7))
    assert is_drawn(plot, 0.2)
    qtbot.waitUntil(lambda: is_drawn(plot, 0.7), timeout=SOON)
    draw(other, 0.7, qtbot)
    assert picture(plot) == picture(other)


def test_few_lines_are_drawn_at_once(make_plot: Callable[[], UnitPlot], qtbot: QtBot) -> None:
    plot = make_plot()
    draw(plot, 0.2, qtbot)
    plot.set_lines(level_lines(0.7, count=3))
    assert is_drawn(plot, 0.7)
    assert not is_drawn(plot, 0.2)


def test_of_two_changes_in_a_row_the_last_is_seen_and_the_first_is_let_go(
    make_plot: Callable[[], UnitPlot], qtbot: QtBot, qtlog: Any
) -> None:
    plot = make_plot()
    draw(plot, 0.2, qtbot)
    plot.set_lines(level_lines(0.5, count=4000))
    qtbot.wait(1)
    plot.set_lines(level_lines(0.7))
    gc.collect()
    qtbot.waitUntil(lambda: is_drawn(plot, 0.7), timeout=SOON)
    qtbot.wait(50)
    assert is_drawn(plot, 0.7)
    assert not is_drawn(plot, 0.5)
    # Qt complains of pictures that go while a painter is at work on them
    assert [record.message for record in qtlog.records if "paint" in record.message.lower()] == []


def test_a_plot_of_another_size_is_drawn_at_once(make_plot: Callable[[], UnitPlot], qtbot: QtBot) -> None:
    plot, other = make_plot(), make_plot()
    draw(plot, 0.2, qtbot)
    plot.set_lines(level_lines(0.7))
    for each in (plot, other):
        each.resize(500, 320)
    other.set_lines(level_lines(0.7))
    assert is_drawn(plot, 0.7)
    assert picture(plot) == picture(other)


def test_a_finer_screen_gets_a_finer_picture(make_plot: Callable[[], UnitPlot], qtbot: QtBot) -> None:
    plot = make_plot()
    draw(plot, 0.2, qtbot)
    plot.devicePixelRatioF = lambda: 2.0  # type: ignore[method-assign]
    plot.update()
    qtbot.waitUntil(lambda: plot._picture.pixmap.devicePixelRatio() == 2.0, timeout=SOON)
    assert plot._picture.pixmap.size() == plot.size() * 2
