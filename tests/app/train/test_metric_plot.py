"""Plots of runs: what they show, what the cursor reads, what the user can do with them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QPoint, QPointF, Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.plots.curve_items import visible_points
from app.plots.curve_legend import format_value
from app.plots.metric_plot import nearest, round_end, round_range, smoothed
from app.services.theme import Theme
from app.train.run_history import CAPACITY, RunHistory, Series
from app.train.widgets.metric_plots import TURN_MS, MetricPlots
from detcore.jobs.events import Event, Started, Step, Validation
from detcore.types import FloatArray


def step(number: int, losses: dict[str, float] | None = None) -> Step:
    return Step(
        step=number,
        epoch=number / 10,
        time=number / 2,
        fraction=number / 100,
        remaining=50.0,
        learning_rate=0.001 * number,
        losses=losses if losses is not None else {"class": 3.0 * number, "box": 1.0 * number},
        images_per_second=20.0,
    )


def validation(number: int, ap: float, *, best: bool = False) -> Validation:
    return Validation(
        step=number,
        epoch=1.0,
        time=1.0,
        metrics={"AP": ap, "AP50": 2 * ap, "APs": 0.1},
        per_class={},
        best=best,
    )


def history(steps: int = 100) -> RunHistory:
    events: list[Event] = [step(number) for number in range(1, steps + 1)]
    return RunHistory([*events, validation(50, 0.2, best=True), validation(100, 0.1)])


@pytest.fixture
def plots(qapp: QApplication, qtbot: QtBot) -> MetricPlots:
    plots = MetricPlots(Theme(qapp, "light"))
    qtbot.addWidget(plots)
    plots.resize(800, 700)
    plots.show()
    qtbot.waitExposed(plots)
    return plots


def drawn_points(plots: MetricPlots) -> FloatArray:
    """Steps and values (2, N) of the class loss as it is drawn."""
    x, y = plots.losses._items["class"].line.getData()
    assert x is not None
    assert y is not None
    return np.stack([x, y])


def test_the_sum_of_the_losses_comes_first_then_its_parts(plots: MetricPlots) -> None:
    plots.show_run(history(), [])
    assert list(plots.losses.legend.entries) == ["total", "class", "box"]
    assert plots.losses.legend.entries["total"].value_text == "400"


def high_history() -> RunHistory:
    """As many steps as ``history()``, losses ten times as high, the same best AP but another last one."""
    events: list[Event] = [step(n, {"class": 30.0 * n, "box": 10.0 * n}) for n in range(1, 101)]
    return RunHistory([*events, validation(50, 0.2, best=True), validation(100, 0.15)])


def test_another_run_with_as_many_steps_is_drawn(plots: MetricPlots) -> None:
    plots.show_learning_rate(True)
    plots.show_run(history(), [])
    plots.show_run(high_history(), [])
    assert plots.losses.legend.entries["total"].value_text == "4000"
    assert drawn_points(plots)[1].max() == 3000
    assert plots.losses.plot.getViewBox().viewRange()[1][1] >= 4000
    assert plots.metrics.legend.entries["AP"].value_text == "0.150"


def test_a_compared_run_that_was_trained_afresh_is_drawn_again(plots: MetricPlots) -> None:
    plots.show_run(history(), [("002-reticle-s", history())])
    plots.show_run(history(), [("002-reticle-s", high_history())])
    assert plots.losses.legend.entries["run 002-reticle-s"].value_text == "4000"
    assert plots.metrics.legend.entries["run 002-reticle-s"].value_text == "0.150"


def test_a_run_without_curves_leaves_none_of_the_one_before(plots: MetricPlots) -> None:
    plots.show_run(history(), [])
    plots.show_run(RunHistory(), [])
    assert not plots.losses.legend.entries
    assert not plots.losses._items


def test_the_mouse_reads_all_curves_of_all_plots_at_its_step(qtbot: QtBot, plots: MetricPlots) -> None:
    plots.set_smooth(False)
    plots.show_run(history(), [])
    QTest.qWait(50)
    box = plots.losses.plot.getViewBox()
    scene_point = box.mapViewToScene(QPointF(50.0, 200.0))
    spot = plots.losses.view.mapFromScene(scene_point)

    def read() -> str:
        QTest.mouseMove(plots.losses.view.viewport(), spot + QPoint(-20, 0))
        QTest.mouseMove(plots.losses.view.viewport(), spot)
        return plots.losses.legend.entries["class"].value_text

    qtbot.waitUntil(lambda: read() == "150", timeout=5000)
    assert plots.losses.legend.entries["box"].value_text == "50"
    assert plots.metrics.legend.entries["AP"].value_text == "0.200"


def test_without_the_mouse_the_latest_values_are_read(plots: MetricPlots) -> None:
    plots.set_smooth(False)
    plots.show_run(history(), [])
    assert plots.losses.legend.entries["class"].value_text == "300"
    assert plots.metrics.legend.entries["AP"].value_text == "0.100"


def test_a_click_on_a_legend_entry_hides_its_curve_and_another_shows_it(
    qtbot: QtBot, plots: MetricPlots
) -> None:
    plots.show_run(history(), [])
    QTest.qWait(50)
    entry = plots.losses.legend.entries["class"]
    line = plots.losses._items["class"].line
    qtbot.mouseClick(entry, Qt.MouseButton.LeftButton)
    assert not line.isVisible()
    entry.setFocus()
    qtbot.keyClick(entry, Qt.Key.Key_Space)
    assert line.isVisible()


def test_rare_metrics_are_offered_but_not_drawn(plots: MetricPlots) -> None:
    plots.show_run(history(), [])
    entries = plots.metrics.legend.entries
    assert [entries[name].isChecked() for name in ("AP", "AP50", "APs")] == [True, True, False]


def test_all_plots_show_the_same_steps_also_those_of_a_longer_run(plots: MetricPlots) -> None:
    plots.show_run(history(100), [("002-reticle-s", history(400))])
    ranges = [plot.plot.getViewBox().viewRange()[0] for plot in (plots.losses, plots.metrics)]
    assert ranges[0] == pytest.approx(ranges[1])
    assert ranges[0][1] >= 400


def test_a_wheel_zoom_stays_while_training_goes_on_and_a_double_click_ends_it(
    qtbot: QtBot, plots: MetricPlots
) -> None:
    run = history(100)
    plots.show_run(run, [])
    QTest.qWait(50)
    plots.losses.plot.getViewBox().scaleBy(x=0.5)
    plots.losses.plot.getViewBox().sigRangeChangedManually.emit([True, False])
    zoomed = plots.losses.plot.getViewBox().viewRange()[0]
    run.add(step(101))
    plots.refresh()
    QTest.qWait(200)
    assert plots.losses.plot.getViewBox().viewRange()[0] == pytest.approx(zoomed)
    plots.losses.fit_requested.emit()
    assert plots.losses.plot.getViewBox().viewRange()[0][1] >= 101


def test_much_news_is_drawn_at_most_twice_a_second(
    plots: MetricPlots, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = history(10)
    plots.show_run(run, [])
    drawn: list[str] = []
    for name in ("losses", "metrics"):
        plot = getattr(plots, name)
        draw = plot.set_curves
        monkeypatch.setattr(
            plot, "set_curves", lambda curves, name=name, draw=draw: (drawn.append(name), draw(curves))
        )
    turns = plots._timer
    turns.setInterval(60_000)  # the test takes the turns by hand
    for number in range(6):
        for news in range(10):
            run.add(step(11 + 10 * number + news))
            plots.refresh()
        turns.timeout.emit()
    # three plots take turns of a sixth of a second: a second has six turns
    assert TURN_MS >= 1000 / 6
    assert sorted(drawn) == ["losses", "losses", "metrics", "metrics"]
    for _ in range(3):
        turns.timeout.emit()
    assert plots.losses.last_x() == 70
    assert not turns.isActive()


def test_a_new_value_is_painted_once(qtbot: QtBot, plots: MetricPlots) -> None:
    run = history(100)
    plots.show_run(run, [])
    QTest.qWait(50)
    painted: list[int] = []
    grid = plots.losses._grid
    paint = grid.paint
    grid.paint = lambda painter, *rest: (painted.append(1), paint(painter, *rest))  # type: ignore[method-assign]
    run.add(step(101, {"class": 900.0, "box": 90.0}))
    plots.show_run(run, [])
    QTest.qWait(100)
    assert 1 <= len(painted) <= 2


def test_a_resized_plot_draws_as_much_of_a_long_run_as_fits_once_the_width_stands_still(
    qtbot: QtBot, plots: MetricPlots, monkeypatch: pytest.MonkeyPatch
) -> None:
    plots.set_smooth(False)
    plots.resize(300, 700)
    plots.show_run(history(10_000), [])
    QTest.qWait(100)
    (rest,) = plots.losses._resized.findChildren(QTimer)
    few = len(drawn_points(plots)[0])
    rest.setInterval(60_000)
    drawn: list[int] = []
    show = plots.losses._items["class"].show
    monkeypatch.setattr(plots.losses._items["class"], "show", lambda *args: (drawn.append(1), show(*args)))
    for width in range(400, 1201, 200):
        plots.resize(width, 700)
        QApplication.processEvents()
    assert not drawn
    rest.setInterval(0)
    qtbot.waitUntil(lambda: len(drawn_points(plots)[0]) > 3 * few)
    assert len(drawn) == 1
    plots.resize(1200, 600)
    QApplication.processEvents()
    assert not rest.isActive()


@given(st.integers(1, 3000), st.integers(1, 400))
def test_what_is_left_of_a_long_curve_keeps_its_ends_and_its_extremes(count: int, columns: int) -> None:
    x = np.arange(count, dtype=float)
    y = np.random.default_rng(count).normal(size=count)
    points = visible_points(x, y, 0.0, float(count), columns)
    assert points[[0, -1], 0].tolist() == [0.0, count - 1.0]
    assert (points[:, 1].min(), points[:, 1].max()) == (y.min(), y.max())
    assert np.all(np.diff(points[:, 0]) > 0)
    assert len(points) <= max(4 * columns, 2 * count // max(count // columns, 1) + columns + 2)


def test_a_part_of_a_curve_reaches_one_point_beyond_either_edge() -> None:
    x = np.arange(10.0)
    assert visible_points(x, x, 3.5, 5.5, 100)[:, 0].tolist() == [3, 4, 5, 6]


@pytest.mark.parametrize(("last", "end"), [(0, 1), (1, 1), (7, 8), (85, 100), (101, 150), (4100, 6000)])
def test_the_step_axis_ends_at_a_round_number(last: float, end: float) -> None:
    assert round_end(last) == end


@pytest.mark.parametrize(
    ("values", "limits"),
    [
        ([], (0, 1)),
        ([float("nan")], (0, 1)),
        ([0.1, 3.2], (0, 3.5)),
        ([-1.2, 1.2], (-1.5, 1.5)),
        ([5, 5], (5, 5.5)),
        ([0, 0.0025], (0, 0.003)),
        ([0.91, 0.93], (0.91, 0.935)),
    ],
)
def test_the_values_lie_between_round_limits(values: list[float], limits: tuple[float, float]) -> None:
    assert round_range(np.array(values)) == pytest.approx(limits)


def test_the_learning_rate_and_the_logarithmic_axis_can_be_shown(plots: MetricPlots) -> None:
    plots.show_run(history(), [])
    assert not plots.learning_rate.isVisible()
    plots.show_learning_rate(True)
    assert plots.learning_rate.isVisible()
    plots.set_logarithmic(True)
    low, high = plots.losses.plot.getViewBox().viewRange()[1]
    assert high < 10  # log10 of 400
    axis = plots.losses.plot.getAxis("left")
    ((_spacing, ticks),) = axis.logTickValues(-0.4, 1.1, 300, [])
    assert axis.logTickStrings(ticks, 1.0, 1.0) == ["0.5", "1", "2", "5", "10"]
    ((_spacing, ticks),) = axis.logTickValues(-2.0, 2.0, 300, [])
    assert axis.logTickStrings(ticks, 1.0, 1.0) == ["0.01", "0.1", "1", "10", "100"]


def test_values_that_are_no_numbers_leave_a_gap(plots: MetricPlots) -> None:
    events: list[Event] = [step(n, {"total": float("nan") if n == 5 else 1.0}) for n in range(1, 10)]
    plots.show_run(RunHistory(events), [])
    assert plots.losses.legend.entries["total"].value_text == "1"


def test_a_run_that_went_back_to_a_checkpoint_forgets_what_came_after_it() -> None:
    run = history(100)
    run.add(Started(time=0.0, step=60, device="cpu", device_name="CPU", batch_size=8))
    run.add(step(61))
    assert run.losses["class"].x.tolist() == list(range(1, 62))
    assert run.metrics["AP"].x.tolist() == [50]


def test_the_best_ap_is_the_one_that_the_worker_called_best() -> None:
    assert history().best == (50, 0.2)


def test_a_long_run_keeps_its_beginning_in_bounded_memory() -> None:
    series = Series()
    for number in range(2 * CAPACITY + 10):
        series.append(number, 1.0)
    assert len(series) <= CAPACITY
    assert series.x[0] < 4
    assert series.x[-1] == 2 * CAPACITY + 9
    assert np.all(np.diff(series.x) > 0)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=400))
def test_a_smoothed_curve_stays_within_the_measured_values(values: list[float]) -> None:
    y = np.array(values)
    result = smoothed(y)
    assert len(result) == len(y)
    assert result.min() >= y.min() - 1e-3
    assert result.max() <= y.max() + 1e-3


@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=60, unique=True), st.floats(-10, 11_000))
def test_the_nearest_step_is_the_nearest(steps: list[int], at: float) -> None:
    x = np.array(sorted(steps), dtype=float)
    assert abs(x[nearest(x, at)] - at) == pytest.approx(np.abs(x - at).min())


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (float("nan"), "–"),
        (0.0, "0.000"),
        (0.4236, "0.424"),
        (12.3456, "12.35"),
        (2e-4, "2.0e-04"),
    ],
)
def test_values_are_written_short(value: float | None, text: str) -> None:
    assert format_value(value) == text


def test_the_hint_of_an_empty_plot_is_crossed_by_no_line_and_stays_within_its_axes(
    plots: MetricPlots,
) -> None:
    for plot in (plots.losses, plots.metrics):
        assert plot._empty.isVisible()
        assert not plot._grid.isVisible()
        needed = plot._empty.heightForWidth(plot._empty.width())
        assert needed <= plot._empty.height()
        assert plot._empty.x() >= plot.plot.getAxis("left").width()


def test_what_an_axis_is_of_is_written_in_the_colour_of_texts(plots: MetricPlots) -> None:
    plots.show_run(history(), [])
    axis = plots.metrics.plot.getAxis("bottom")
    assert "Step" in axis.label.toPlainText()
    assert plots._theme.tokens.text_muted in axis.label.toHtml()
