"""The runs: tick to compare, Enter to show, context menu for the rest."""

from __future__ import annotations

from PySide6.QtCore import (
    QAbstractItemModel,
    QEvent,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QPointF,
    QRect,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QFont, QMouseEvent, QPainter, QPen
from PySide6.QtWidgets import (
    QAbstractItemView,
    QLabel,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from app.plots.curve_style import paint_sample, run_style
from app.services.theme import SMALL_TEXT, Theme
from app.train.run_model import COMPARED_ROLE, RUN_ROLE, RunModel, format_ap, format_duration, state_text
from app.widgets.painting import paint_row
from detcore.project.runs import RunInfo, RunState

ROW_HEIGHT = 48
TICK = 16
LEFT = 12
TEXT_LEFT = LEFT + TICK + 10
RIGHT = 12
STATE_COLORS = {
    RunState.RUNNING: "accent",
    RunState.COMPLETED: "success",
    RunState.INTERRUPTED: "warning",
    RunState.FAILED: "danger",
}
STATE_ICONS = {
    RunState.NEW: "circle-outline",
    RunState.RUNNING: "play-circle-outline",
    RunState.COMPLETED: "check-circle-outline",
    RunState.STOPPED: "stop-circle-outline",
    RunState.INTERRUPTED: "alert-outline",
    RunState.FAILED: "alert-circle-outline",
    RunState.IMPORTED: "import",
}


class RunDelegate(QStyledItemDelegate):
    """Two lines: name and best AP; state, how long and how far. The tick wears the run's line."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        state: QStyle.StateFlag = option.state  # type: ignore[attr-defined]
        run: RunInfo = index.data(RUN_ROLE)
        painter.save()
        area = paint_row(painter, option, self._theme, edge=True)
        self._paint_tick(painter, area, index.data(COMPARED_ROLE))
        first = QRect(area.left() + TEXT_LEFT, area.top() + 5, area.width() - TEXT_LEFT - RIGHT, 20)
        self._paint_title(painter, first, run)
        selected = bool(state & QStyle.StateFlag.State_Selected)
        self._paint_state(painter, first.translated(0, 19), run, selected=selected)
        painter.restore()

    def _paint_tick(self, painter: QPainter, area: QRect, place: int) -> None:
        tokens = self._theme.tokens
        box = tick_area(area)
        painter.setPen(QPen(QColor(tokens.line_strong), 1))
        painter.setBrush(QColor(tokens.field))
        painter.drawRoundedRect(box, 3, 3)
        if place < 0:
            return
        self._theme.icon("check-bold", color=tokens.accent).paint(painter, box.adjusted(2, 2, -2, -2))
        line = area.top() + 33.5
        paint_sample(
            painter, run_style(tokens, place), QPointF(box.left(), line), QPointF(box.right() + 1, line)
        )

    def _paint_title(self, painter: QPainter, area: QRect, run: RunInfo) -> None:
        tokens = self._theme.tokens
        align = Qt.AlignmentFlag.AlignVCenter
        value = format_ap(run.best_ap) if run.imported is None else ""
        bold = QFont(painter.font())
        bold.setWeight(QFont.Weight.DemiBold)
        painter.setFont(bold)
        painter.setPen(QColor(tokens.text))
        metrics = painter.fontMetrics()
        width = metrics.horizontalAdvance(value)
        painter.drawText(area, align | Qt.AlignmentFlag.AlignRight, value)
        room = area.width() - width - 12
        painter.drawText(area, align, metrics.elidedText(run.name, Qt.TextElideMode.ElideMiddle, room))

    def _paint_state(self, painter: QPainter, area: QRect, run: RunInfo, *, selected: bool) -> None:
        tokens = self._theme.tokens
        align = Qt.AlignmentFlag.AlignVCenter
        small = QFont(painter.font())
        small.setWeight(QFont.Weight.Normal)
        small.setPixelSize(SMALL_TEXT)
        painter.setFont(small)
        color = getattr(tokens, STATE_COLORS.get(run.state, "text_muted"))
        icon = QRect(area.left(), area.top() + 3, 14, 14)
        self._theme.icon(STATE_ICONS[run.state], color=color).paint(painter, icon)
        metrics = painter.fontMetrics()
        done = _done_text(run)
        painter.setPen(QColor(tokens.text if selected else tokens.text_muted))
        painter.drawText(area, align | Qt.AlignmentFlag.AlignRight, done)
        text = area.adjusted(18, 0, -metrics.horizontalAdvance(done) - 8, 0)
        if not selected and run.state in (RunState.FAILED, RunState.INTERRUPTED):
            painter.setPen(QColor(color))
        elided = metrics.elidedText(state_text(run), Qt.TextElideMode.ElideRight, text.width())
        painter.drawText(text, align, elided)

    def editorEvent(
        self,
        event: QEvent,
        model: QAbstractItemModel,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> bool:
        if isinstance(event, QMouseEvent):
            return False  # RunListView ticks; the place that the style would tick in is another
        return super().editorEvent(event, model, option, index)  # type: ignore[arg-type]

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(160, ROW_HEIGHT)


class RunListView(QListView):
    """A list in which a click on the tick ticks, and does not show the run."""

    def _tick_at(self, event: QMouseEvent) -> bool:
        """Tick the run whose tick was hit; False when none was."""
        position = event.position().toPoint()
        index = self.indexAt(position)
        in_column = position.x() < TEXT_LEFT - 2
        if event.button() != Qt.MouseButton.LeftButton or not index.isValid() or not in_column:
            return False
        ticked = index.data(COMPARED_ROLE) >= 0
        state = Qt.CheckState.Unchecked if ticked else Qt.CheckState.Checked
        return self.model().setData(index, state, Qt.ItemDataRole.CheckStateRole)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if not self._tick_at(event):
            super().mousePressEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if not self._tick_at(event):
            super().mouseDoubleClickEvent(event)


class RunList(QWidget):
    """The list with its empty state.

    Signals:
        run_selected(str): show this run; "" when none is selected.
        run_activated(str): double-click or Enter.
        menu_requested(str, QPoint): run name and global position.
    """

    run_selected = Signal(str)
    run_activated = Signal(str)
    menu_requested = Signal(str, QPoint)

    def __init__(self, model: RunModel, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._model = model
        self._selected = ""
        self._awaited = ""
        self.view = RunListView(uniformItemSizes=True)
        self.view.setMouseTracking(True)
        self.view.setItemDelegate(RunDelegate(theme, self.view))
        self.view.setModel(model)
        self.view.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.view.setAccessibleName("Runs")
        self._empty = QLabel(
            "No runs yet.\n\nEvery training becomes a run here: its curves, its best AP and its detections "
            "stay until you discard it.",
            wordWrap=True,
        )
        self._empty.setProperty("role", "muted")
        self._empty.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._empty.setContentsMargins(12, 8, 12, 8)
        self._hint = QLabel("Tick a run to compare its curves", wordWrap=True)
        self._hint.setProperty("role", "small")
        self._hint.setContentsMargins(12, 6, 12, 8)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._empty, 1)
        layout.addWidget(self.view, 1)
        layout.addWidget(self._hint)
        self.view.selectionModel().currentChanged.connect(self._current_changed)
        self.view.activated.connect(lambda index: self.run_activated.emit(index.data()))
        self.view.customContextMenuRequested.connect(self._ask_menu)
        model.modelReset.connect(self._refresh)
        self._refresh()

    @property
    def selected(self) -> str:
        """The name of the run that is shown; "" when there is none."""
        return self._selected

    def select(self, name: str) -> None:
        """Show a run as the selected one."""
        index = (
            self._model.index(self._model.row_of(name)) if self._model.row_of(name) >= 0 else QModelIndex()
        )
        flag = QItemSelectionModel.SelectionFlag.ClearAndSelect
        self.view.selectionModel().setCurrentIndex(index, flag)

    def select_next(self, name: str) -> None:
        """Show a run that is about to appear in the list."""
        if self._model.row_of(name) >= 0:
            self.select(name)
        else:
            self._awaited = name

    def _refresh(self) -> None:
        """After a reset: keep the run that was shown, or show the newest."""
        runs = self._model.runs
        self._empty.setVisible(not runs)
        self.view.setVisible(bool(runs))
        self._hint.setVisible(len(runs) > 1)
        if self._model.row_of(self._selected) < 0 and self._selected:
            self._selected = ""
            if not runs:
                self.run_selected.emit("")
        if self._awaited and self._model.row_of(self._awaited) >= 0:
            self.select(self._awaited)
            self._awaited = ""
        elif runs:
            self.select(self._selected or runs[0].name)

    def _current_changed(self, index: QModelIndex) -> None:
        name = index.data() if index.isValid() else ""
        if name and name != self._selected:
            self._selected = name
            self.run_selected.emit(name)

    def _ask_menu(self, position: QPoint) -> None:
        index = self.view.indexAt(position)
        if index.isValid():
            self.menu_requested.emit(index.data(), self.view.viewport().mapToGlobal(position))


def _done_text(run: RunInfo) -> str:
    """How far a run is, or how long it took; "" of one that was trained elsewhere, if at all."""
    if run.imported is not None:
        return ""
    return f"{run.fraction:.0%}" if run.state is RunState.RUNNING else format_duration(run.seconds)


def tick_area(row: QRect) -> QRect:
    """Where the tick of a row is."""
    return QRect(row.left() + LEFT, row.top() + 8, TICK, TICK)
