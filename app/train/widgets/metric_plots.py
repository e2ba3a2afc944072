"""The plots of a run above one another: losses, AP, learning rate, over the same steps."""

from __future__ import annotations

from itertools import cycle

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QSplitter, QVBoxLayout, QWidget

from app.plots.curve_items import Curve
from app.plots.curve_style import CurveStyle, metric_style, run_style
from app.plots.metric_plot import MetricPlot, round_end
from app.services.theme import Theme
from app.train.run_history import TOTAL, RunHistory, Series

TURN_MS = 170
"""The plots take turns of this length: drawn all at once they would hold up the window for longer than a
frame."""
MARGIN = 0.01
"""The part of the steps that is left free at either end."""
MAIN_METRICS = ("AP", "AP50", "AP75")
"""These are shown from the start, the others when the user asks."""


class MetricPlots(QWidget):
    """Draws one run in full and the main curves of those it is compared with.

    Redraws twice a second, however often it is told of news.
    """

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._theme = theme
        self._run: RunHistory | None = None
        self._compared: list[tuple[str, RunHistory]] = []
        self._following = True
        self.losses = MetricPlot("Losses", "Losses appear here while a run trains", theme)
        self.metrics = MetricPlot("Validation", "Average precision appears after each validation", theme)
        self.learning_rate = MetricPlot("Learning rate", "The learning rate appears here", theme)
        self._waiting: set[MetricPlot] = set()
        self._turns = cycle(self._plots())
        self._timer = QTimer(self, interval=TURN_MS)
        self._timer.timeout.connect(self._draw_next)
        self.metrics.set_limits(-0.02, 1.05)
        splitter = QSplitter(Qt.Orientation.Vertical, childrenCollapsible=False, handleWidth=1)
        for stretch, plot in ((5, self.losses), (5, self.metrics), (3, self.learning_rate)):
            splitter.addWidget(plot)
            splitter.setStretchFactor(splitter.count() - 1, stretch)
            plot.cursor_moved.connect(self._move_cursor)
            plot.fit_requested.connect(self.fit)
            plot.zoomed.connect(self._zoom)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(splitter)
        self.show_learning_rate(False)
        theme.changed.connect(self.refresh)

    def show_run(self, run: RunHistory | None, compared: list[tuple[str, RunHistory]]) -> None:
        """Show another run, and those to compare by name."""
        if run is not self._run:
            self._following = True
        self._run, self._compared = run, compared
        for plot in self._plots():
            self._draw(plot)

    def refresh(self) -> None:
        """There is news of what is shown; it is drawn soon."""
        self._waiting.update(self._plots())
        if not self._timer.isActive():
            self._timer.start()

    def fit(self) -> None:
        """Show all steps, those to come as well."""
        self._following = True
        self._show_all_steps()

    def show_learning_rate(self, visible: bool) -> None:
        self.learning_rate.setVisible(visible)
        self._draw(self.learning_rate)
        self.learning_rate.show_step_axis(True)
        self.metrics.show_step_axis(not visible)
        self.losses.show_step_axis(False)

    def set_logarithmic(self, logarithmic: bool) -> None:
        """Show the losses on a logarithmic axis."""
        self.losses.set_logarithmic(logarithmic)

    def set_smooth(self, smooth: bool) -> None:
        self.losses.set_smooth(smooth)

    def _plots(self) -> tuple[MetricPlot, ...]:
        return (self.losses, self.metrics, self.learning_rate)

    def _zoom(self, low: float, high: float) -> None:
        self._following = False
        for plot in self._plots():
            plot.show_steps(low, high)

    def _show_all_steps(self) -> None:
        if self._following:
            end = round_end(max(plot.last_x() for plot in self._plots()))
            for plot in self._plots():
                plot.show_steps(-MARGIN * end, (1 + MARGIN) * end)

    def _move_cursor(self, x: float | None) -> None:
        for plot in self._plots():
            plot.set_cursor(x)

    def _draw_next(self) -> None:
        plot = next(self._turns)
        if plot in self._waiting:
            self._waiting.remove(plot)
            self._draw(plot)
        if not self._waiting:
            self._timer.stop()

    def _draw(self, plot: MetricPlot) -> None:
        if plot is self.losses:
            plot.set_curves(self._loss_curves())
        elif plot is self.metrics:
            plot.set_curves(self._metric_curves())
        elif not plot.isHidden():
            plot.set_curves(self._rate_curves())
        self._show_all_steps()

    def _others(self) -> list[tuple[str, RunHistory, CurveStyle]]:
        tokens = self._theme.tokens
        return [(name, history, run_style(tokens, row)) for row, (name, history) in enumerate(self._compared)]

    def _loss_curves(self) -> list[Curve]:
        losses = _main_first(self._run.losses) if self._run else []
        return [self._metric(name, series, row, noisy=True) for row, (name, series) in enumerate(losses)] + [
            _compared(name, history, _main(history.losses), style, noisy=True)
            for name, history, style in self._others()
        ]

    def _metric_curves(self) -> list[Curve]:
        run = self._run or RunHistory()
        return [
            self._metric(
                name,
                series,
                row,
                best=run.best if name == MAIN_METRICS[0] else None,
                shown=name in MAIN_METRICS,
            )
            for row, (name, series) in enumerate(run.metrics.items())
        ] + [
            _compared(name, history, history.metrics.get("AP", Series()), style, best=history.best)
            for name, history, style in self._others()
        ]

    def _rate_curves(self) -> list[Curve]:
        rate = [self._metric("rate", self._run.learning_rate, 0)] if self._run else []
        return rate + [
            _compared(name, history, history.learning_rate, style) for name, history, style in self._others()
        ]

    def _metric(
        self,
        name: str,
        series: Series,
        number: int,
        *,
        best: tuple[int, float] | None = None,
        noisy: bool = False,
        shown: bool = True,
    ) -> Curve:
        return Curve(
            key=name,
            name=name,
            x=series.x,
            y=series.y,
            style=metric_style(self._theme.tokens, number),
            of=self._run,
            best=best,
            noisy=noisy,
            shown=shown,
        )


def _compared(
    run_name: str,
    history: RunHistory,
    series: Series,
    style: CurveStyle,
    *,
    best: tuple[int, float] | None = None,
    noisy: bool = False,
) -> Curve:
    return Curve(
        key=f"run {run_name}",
        name=run_name,
        x=series.x,
        y=series.y,
        style=style,
        of=history,
        best=best,
        noisy=noisy,
    )


def _main_first(losses: dict[str, Series]) -> list[tuple[str, Series]]:
    """The total loss, then its parts."""
    return sorted(losses.items(), key=lambda item: item[0] != TOTAL)


def _main(losses: dict[str, Series]) -> Series:
    return _main_first(losses)[0][1] if losses else Series()
