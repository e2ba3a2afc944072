"""One run in full: where it stands, its curves, its log."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

from app.services.theme import Theme
from app.train.run_history import RunHistory
from app.train.widgets.findings import FindingsBar
from app.train.widgets.inside import InsideView
from app.train.widgets.job_status import JobStatus
from app.train.widgets.metric_plots import MetricPlots
from app.train.widgets.run_log import RunLog
from app.widgets.pictures import Thumbnails
from detcore.project.runs import RunInfo

LEAST_WIDTH, PLOTS_LEAST_HEIGHT = 380, 164


class RunView(QWidget):
    """Status, what is wrong if anything is, plots, and folded what goes on inside and the log.

    The plots scroll where what is unfolded leaves them too little room.
    """

    def __init__(
        self, theme: Theme, thumbnails: Thumbnails, measure: QAction, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._history: RunHistory | None = None
        self._run: RunInfo | None = None
        self._doing = ""
        self.status = JobStatus()
        self.findings = FindingsBar(theme)
        self.plots = MetricPlots(theme)
        self.inside = InsideView(theme, thumbnails, measure)
        self.log = RunLog(theme)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(1)
        column.addWidget(self.status)
        column.addWidget(self.findings)
        column.addWidget(self._scrolling(self.plots), 1)
        column.addWidget(self.inside)
        column.addWidget(self.log)

    def show_run(
        self, run: RunInfo, history: RunHistory, compared: list[tuple[str, RunHistory]], *, doing: str
    ) -> None:
        """Show a run and those to compare; ``doing`` is what its process is at, or ""."""
        self._run, self._history, self._doing = run, history, doing
        self.plots.show_run(history, compared)
        self._show_texts()

    def _scrolling(self, plots: QWidget) -> QScrollArea:
        area = QScrollArea(widgetResizable=True)
        area.setProperty("role", "panel")
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setMinimumSize(LEAST_WIDTH, PLOTS_LEAST_HEIGHT)
        area.setWidget(plots)
        return area

    def shows(self, history: RunHistory | None) -> bool:
        return history is not None and history is self._history

    def refresh(self, run: RunInfo | None) -> None:
        """The history that is shown has news; ``run`` is its row as it is now."""
        self._run = run
        self.plots.refresh()
        self._show_texts()

    def _show_texts(self) -> None:
        if self._run is not None and self._history is not None:
            self.status.show_run(self._run, self._history, doing=self._doing)
            self.findings.show_findings(self._history.diagnosis.findings())
            self.inside.show_history(self._history)
            self.log.show_lines(self._history.log)
