"""Two runs compared: which other one, what was gained and lost, figures, and whether that is more than
chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QCheckBox,
    QComboBox,
    QFrame,
    QGraphicsOpacityEffect,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app.review.models.comparison_rows import ComparisonRow, IntervalRow
from app.review.plots.interval_plot import IntervalPlot
from app.review.widgets.comparison_table import ComparisonTable
from app.review.widgets.linked_text import Caution
from app.services.figures import count_text
from app.services.theme import Theme
from app.widgets.empty_state import EmptyState

_RUN_WIDTH = 190
_ROW, _COLUMN = QBoxLayout.Direction.LeftToRight, QBoxLayout.Direction.TopToBottom
_HEAD_IN_A_ROW, _FIGURES_IN_A_ROW = 1140, 750
_FAINT = 0.45
"""How much is seen of figures that do not hold any more."""


@dataclass(frozen=True, kw_only=True)
class ChangeCount:
    """A count that opens its boxes: ``name`` and what it means."""

    name: str
    count: int
    tip: str


class ComparePanel(QWidget):
    """Shows what it is given; what is compared is decided elsewhere."""

    # It has come into sight.
    shown = Signal()
    # The user wants to compare with another run: its name.
    run_chosen = Signal(str)
    # The user asks for the boxes behind a count: its name.
    count_opened = Signal(str)
    # The user does not want to wait, or wants to after all.
    stop_asked = Signal()
    start_asked = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.run = QComboBox()
        self.run.setFixedWidth(_RUN_WIDTH)
        self.run.setAccessibleName("Compare with")
        self.run.setToolTip("The run that is the old model here")
        self.run.activated.connect(lambda _row: self.run_chosen.emit(self.run.currentData()))
        self.at_slider = QCheckBox("Both at the slider")
        self.at_slider.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.at_slider.setToolTip(
            "Count both models at the slider's threshold; else each counts where its own F1 is highest"
        )
        self.links = QWidget()
        self._links = QHBoxLayout(self.links)
        self._links.setContentsMargins(0, 0, 0, 0)
        self._links.setSpacing(0)
        self.status = QLabel()
        self.status.setProperty("role", "muted")
        self.wait = QPushButton()
        self.wait.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.wait.clicked.connect(self._press)
        self._is_busy = False
        self.caution = Caution(theme)
        self.table = ComparisonTable(theme)
        self.plot = IntervalPlot(theme)
        self.note = QLabel()
        self.note.setProperty("role", "small")
        self.note.setWordWrap(True)
        self.note.setContentsMargins(4, 0, 4, 0)
        self.empty = EmptyState(theme)
        self._figures = QWidget()
        self._faint = QGraphicsOpacityEffect(self, opacity=_FAINT)
        self._faint.setEnabled(False)
        self._figures.setGraphicsEffect(self._faint)
        self._stack = QStackedWidget()
        self._head, self._body = QBoxLayout(_ROW), QBoxLayout(_ROW)
        self._compose()

    def show_empty(self, icon: str, title: str, text: str) -> None:
        """Say why there is nothing to compare."""
        self.empty.show_state(icon, title, text)
        self._stack.setCurrentWidget(self.empty)

    def show_runs(self, names: Sequence[str], chosen: str) -> None:
        """The runs to choose from."""
        self._stack.setCurrentIndex(0)
        if [self.run.itemData(row) for row in range(self.run.count())] != list(names):
            self.run.clear()
            for name in names:
                self.run.addItem(name, name)
        self.run.setCurrentIndex(self.run.findData(chosen))

    def show_busy(self, done: int, total: int) -> None:
        """How far the comparison is; figures of before stay, faint, and open nothing."""
        share = f" {100 * done // total} %" if total else ""
        self._show_wait(f"Comparing…{share}", "Cancel", busy=True)

    def show_stopped(self, text: str, *, can_start: bool = True) -> None:
        """Nothing is to be expected, at least until the user asks for it; figures of before stay as they do
        while there is hope."""
        self._show_wait(text, "Compare", busy=False)
        self.wait.setVisible(can_start)

    def show_current(self) -> None:
        """The figures are those that were waited for."""
        self.status.hide()
        self.wait.hide()
        self._mark_old(False)

    def show_figures(
        self,
        rows: Sequence[ComparisonRow],
        models: tuple[str, str, str],
        intervals: Sequence[IntervalRow],
        note: str,
    ) -> None:
        self._figures.show()
        self.table.set_rows(rows, models)
        self.plot.set_rows(intervals)
        self.note.setText(note)

    def show_caution(self, text: str) -> None:
        """Say, before all figures, why the two are not alike, in rich text; "" where they are."""
        self.caution.show_text(text)

    def show_counts(self, counts: Sequence[ChangeCount]) -> None:
        """Links to what was gained and lost; none while they are not known."""
        while self._links.count():
            item = self._links.takeAt(0)
            widget = None if item is None else item.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        for place, change in enumerate(counts):
            if place:
                self._links.addWidget(_muted("·"))
            self._links.addWidget(self._link(change))

    def forget(self) -> None:
        """Figures of other runs or images say nothing about these."""
        self._figures.hide()
        self.show_caution("")
        self.show_counts([])

    def _link(self, change: ChangeCount) -> QPushButton:
        link = QPushButton(f"{change.name} {count_text(change.count)}")
        link.setObjectName(change.name)
        link.setProperty("role", "link")
        link.setToolTip(change.tip)
        link.setEnabled(change.count > 0)
        link.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        link.setCursor(Qt.CursorShape.PointingHandCursor)
        link.clicked.connect(lambda: self.count_opened.emit(change.name))
        return link

    def _show_wait(self, text: str, button: str, *, busy: bool) -> None:
        self._is_busy = busy
        self.status.setText(text)
        self.wait.setText(button)
        self.status.show()
        self.wait.show()
        self._mark_old(True)

    def _mark_old(self, old: bool) -> None:
        self.links.setEnabled(not old)
        self.links.setVisible(self._is_busy or not old)
        self._faint.setEnabled(old)

    def _press(self) -> None:
        (self.stop_asked if self._is_busy else self.start_asked).emit()

    def _compose(self) -> None:
        choice = QHBoxLayout()
        # links bring such a margin of their own
        choice.setContentsMargins(12, 0, 0, 0)
        choice.setSpacing(8)
        for widget in (_muted("Compare with"), self.run, self.status, self.wait):
            choice.addWidget(widget)
        choice.addWidget(self.caution, 1)
        choice.addStretch()
        self._head.setContentsMargins(0, 4, 8, 0)
        self._head.setSpacing(0)
        self._head.addLayout(choice)
        self._head.addWidget(self.links, 0, Qt.AlignmentFlag.AlignLeft)
        self._head.addStretch(1)
        self._body.setSpacing(8)
        self._body.addWidget(self.table, 3, Qt.AlignmentFlag.AlignTop)
        self._body.addWidget(self.plot, 2, Qt.AlignmentFlag.AlignTop)
        figures = QVBoxLayout(self._figures)
        figures.setContentsMargins(8, 0, 8, 4)
        figures.setSpacing(2)
        figures.addLayout(self._body)
        below = QHBoxLayout()
        below.addWidget(self.note, 1)
        below.addWidget(self.at_slider, 0, Qt.AlignmentFlag.AlignTop)
        figures.addLayout(below)
        content = QWidget()
        content.setProperty("role", "panel")
        column = QVBoxLayout(content)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(self._head)
        column.addWidget(self._figures)
        column.addStretch(1)
        area = QScrollArea()
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        area.setWidgetResizable(True)
        area.setWidget(content)
        self._stack.addWidget(area)
        self._stack.addWidget(self.empty)
        self.forget()
        self.status.hide()
        self.wait.hide()
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self._stack)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._head.setDirection(_ROW if event.size().width() >= _HEAD_IN_A_ROW else _COLUMN)
        self._body.setDirection(_ROW if event.size().width() >= _FIGURES_IN_A_ROW else _COLUMN)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.shown.emit()


def _muted(text: str) -> QLabel:
    label = QLabel(text)
    label.setProperty("role", "muted")
    return label
