"""The classes of a review: AP, a small PR curve, and counts that open their boxes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from PySide6.QtCore import (
    QEvent,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QRect,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import (
    QAction,
    QActionGroup,
    QColor,
    QContextMenuEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QResizeEvent,
)
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QHeaderView,
    QMenu,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from app.review.models.class_metrics_model import COUNT_COLUMNS, ClassMetricsModel, ClassRow, Column
from app.review.models.kind_looks import text_color
from app.review.models.threshold_goal import GOALS
from app.review.plots.small_curves import SmallCurves
from app.services.figures import count_text
from app.services.theme import BASE_TEXT, SMALL_TEXT, Theme
from app.widgets.painting import sized_font
from detcore.review.kinds import ErrorKind

ALL_SHORT = "All"
"""What all classes together are called where there is no room for more."""
_ROW_HEIGHT = 44
_CURVE_WIDTH, _COUNT_WIDTH, _BEST_WIDTH, _LEAST_NAME = 44, 42, 46, 90
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
ORDERS = {
    "Classes as listed": None,
    "Highest threshold first": Qt.SortOrder.DescendingOrder,
    "Lowest threshold first": Qt.SortOrder.AscendingOrder,
}


class GoalMenu(QMenu):
    """One goal and one order are ticked."""

    # The user chose what thresholds are for.
    goal_chosen = Signal(object)
    # The user chose an order: Qt.SortOrder, or None for that of the classes.
    order_chosen = Signal(object)

    def __init__(self, parent: QWidget) -> None:
        super().__init__("Best threshold", parent)
        goals, orders = QActionGroup(self), QActionGroup(self)
        for number, goal in enumerate(GOALS):
            action = self._add(goals, goal.title, ticked=number == 0)
            action.setToolTip(goal.explanation)
            action.triggered.connect(lambda _on, goal=goal: self.goal_chosen.emit(goal))
        for one, next_one in pairwise(range(len(GOALS))):
            if GOALS[one].measure is not GOALS[next_one].measure:
                self.insertSeparator(goals.actions()[next_one])
        self.addSeparator()
        for title, order in ORDERS.items():
            action = self._add(orders, title, ticked=order is None)
            action.triggered.connect(lambda _on, order=order: self.order_chosen.emit(order))
        self.setToolTipsVisible(True)

    def _add(self, group: QActionGroup, title: str, *, ticked: bool) -> QAction:
        action = group.addAction(title)
        action.setCheckable(True)
        action.setChecked(ticked)
        self.addAction(action)
        return action


class ClassRowDelegate(QStyledItemDelegate):
    """Paints the cells of a row."""

    def __init__(self, model: ClassMetricsModel, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._model = model
        self._theme = theme
        self._widget = parent
        self._curves = SmallCurves(theme)
        self.threshold = 0.5

    def _paint_name(self, painter: QPainter, rect: QRect, row: ClassRow) -> None:
        left = rect.left() + 10
        if row.color is not None:
            swatch = QRectF(left, rect.top() + 10, 10, 10)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(row.color))
            painter.drawRoundedRect(swatch, 2, 2)
            left += 16
        width = rect.right() - left - 2
        painter.setFont(sized_font(self._widget, BASE_TEXT, bold=row.class_id is None))
        painter.setPen(self._theme.color("text"))
        metrics = painter.fontMetrics()
        is_long = metrics.horizontalAdvance(row.name) > width
        name = ALL_SHORT if is_long and row.class_id is None else row.name
        name = metrics.elidedText(name, Qt.TextElideMode.ElideRight, width)
        painter.drawText(QRect(left, rect.top() + 5, width, 20), _LEFT, name)
        painter.setFont(sized_font(self._widget, SMALL_TEXT))
        painter.setPen(self._theme.color("text_muted"))
        texts = (f"{row.ap_text} · {count_text(row.labels)}", row.ap_text, row.ap_value)
        metrics = painter.fontMetrics()
        text = next((text for text in texts if metrics.horizontalAdvance(text) <= width), row.ap_value)
        painter.drawText(QRect(left, rect.top() + 24, width, 15), _LEFT, text)

    def _paint_count(
        self, painter: QPainter, rect: QRect, row: ClassRow, kind: ErrorKind, *, hovered: bool
    ) -> None:
        count = row.counts[kind]
        font = sized_font(self._widget, BASE_TEXT, bold=row.class_id is None)
        text = count_text(count)
        painter.setFont(font)
        if painter.fontMetrics().horizontalAdvance(text) > rect.width() - 4:
            font.setPixelSize(SMALL_TEXT)
        painter.setFont(font)
        # a number without its first figure would be another number
        text = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, rect.width() - 4)
        font.setUnderline(hovered and count > 0)
        painter.setFont(font)
        painter.setPen(text_color(self._theme, kind) if count else self._theme.color("text_muted"))
        painter.drawText(rect.adjusted(0, 0, -4, 0), _RIGHT, text)

    def _paint_best(self, painter: QPainter, rect: QRect, row: ClassRow, *, hovered: bool) -> None:
        font = sized_font(self._widget, BASE_TEXT, bold=row.class_id is None)
        font.setUnderline(hovered and row.best is not None)
        painter.setFont(font)
        painter.setPen(self._theme.color("text_muted"))
        painter.drawText(rect.adjusted(0, 0, -6, 0), _RIGHT, row.best_text)

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(_COUNT_WIDTH, _ROW_HEIGHT)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        row = self._model.rows[index.row()]
        state: QStyle.StateFlag = option.state  # type: ignore[attr-defined]
        rect: QRect = option.rect  # type: ignore[attr-defined]
        hovered = bool(state & QStyle.StateFlag.State_MouseOver)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if state & QStyle.StateFlag.State_Selected:
            painter.fillRect(rect, self._theme.color("selection"))
        elif hovered:
            painter.fillRect(rect, self._theme.color("hover"))
        column = Column(index.column())
        if column is Column.CLASS:
            self._paint_name(painter, rect, row)
        elif column is Column.CURVE:
            self._curves.paint(painter, rect, row.curve, self.threshold)
        elif column is Column.BEST:
            self._paint_best(painter, rect, row, hovered=hovered)
        else:
            self._paint_count(painter, rect, row, COUNT_COLUMNS[column], hovered=hovered)
        painter.restore()


class ClassTable(QTableView):
    """A click on a class filters by it; a click on a count opens its boxes."""

    # The user chose a class id, or None for all.
    class_chosen = Signal(object)
    # The user asks for the boxes behind a count: class id or None, ErrorKind.
    count_opened = Signal(object, object)
    # The user wants the threshold at which a class does best.
    threshold_chosen = Signal(float)

    def __init__(self, model: ClassMetricsModel, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows = model
        self.setModel(model)
        self._delegate = ClassRowDelegate(model, theme, self)
        self.setItemDelegate(self._delegate)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setShowGrid(False)
        self.setMouseTracking(True)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTabKeyNavigation(False)
        self.verticalHeader().hide()
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.verticalHeader().setDefaultSectionSize(_ROW_HEIGHT)
        header = self.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header.setSectionResizeMode(Column.CLASS, QHeaderView.ResizeMode.Stretch)
        header.setMinimumSectionSize(24)
        header.setDefaultAlignment(_LEFT)
        header.setHighlightSections(False)
        header.setSectionsClickable(True)
        header.sectionClicked.connect(self._open_menu)
        self.menu = GoalMenu(self)
        self.menu.order_chosen.connect(self._set_order)
        self.setColumnWidth(Column.CURVE, _CURVE_WIDTH)
        for column in COUNT_COLUMNS:
            self.setColumnWidth(column, _COUNT_WIDTH)
        self.setColumnWidth(Column.BEST, _BEST_WIDTH)
        theme.changed.connect(self.viewport().update)

    def show_class(self, class_id: int | None) -> None:
        """Mark the chosen class without a signal."""
        row = self._rows.row_of(class_id)
        if row >= 0 and row != self.currentIndex().row():
            self.setCurrentIndex(self._rows.index(row, Column.CLASS))
        if row >= 0:
            self.selectRow(row)

    def set_threshold(self, threshold: float) -> None:
        """Where the dot on each curve is."""
        if threshold != self._delegate.threshold:
            self._delegate.threshold = threshold
            left = self.columnViewportPosition(Column.CURVE)
            self.viewport().update(left, 0, self.columnWidth(Column.CURVE), self.viewport().height())

    def _make_room(self) -> None:
        """Names go before curves, which the tab below shows larger, and before thresholds that are best."""
        room = self.width() - len(COUNT_COLUMNS) * _COUNT_WIDTH - _LEAST_NAME
        self.setColumnHidden(Column.BEST, room < _BEST_WIDTH)
        self.setColumnHidden(Column.CURVE, room < _BEST_WIDTH + _CURVE_WIDTH)

    def minimumSizeHint(self) -> QSize:
        return QSize(_LEAST_NAME + len(COUNT_COLUMNS) * _COUNT_WIDTH, super().minimumSizeHint().height())

    def _open_menu(self, section: int) -> None:
        if section == Column.BEST:
            header = self.horizontalHeader()
            corner = QPoint(header.sectionViewportPosition(section), header.height())
            self.menu.popup(header.mapToGlobal(corner))

    def _set_order(self, order: Qt.SortOrder | None) -> None:
        row = self.currentIndex().row()
        chosen = self._rows.rows[row].class_id if row >= 0 else None
        self._rows.set_order(order)
        self.show_class(chosen)

    def dataChanged(
        self,
        top_left: QModelIndex | QPersistentModelIndex,
        bottom_right: QModelIndex | QPersistentModelIndex,
        roles: Sequence[int] = (),
    ) -> None:
        # Qt paints the whole table
        self.viewport().update(self.visualRect(top_left).united(self.visualRect(bottom_right)))

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._make_room()
        super().resizeEvent(event)

    def event(self, event: QEvent) -> bool:
        # up and down are for the classes while the table has the focus, not for the page's shortcuts
        overriding = event.type() == QEvent.Type.ShortcutOverride
        if overriding and isinstance(event, QKeyEvent) and event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        before = self.currentIndex().row()
        super().keyPressEvent(event)
        row = self.currentIndex().row()
        if row != before and row >= 0:
            self.class_chosen.emit(self._rows.rows[row].class_id)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        self.menu.popup(event.globalPos())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        index = self.indexAt(event.position().toPoint())
        link = index.isValid() and index.column() >= Column.TP
        self.viewport().setCursor(Qt.CursorShape.PointingHandCursor if link else Qt.CursorShape.ArrowCursor)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        super().mousePressEvent(event)
        index = self.indexAt(event.position().toPoint())
        if event.button() != Qt.MouseButton.LeftButton or not index.isValid():
            return
        row = self._rows.rows[index.row()]
        class_id = row.class_id
        if index.column() == Column.BEST and row.best is not None:
            self.class_chosen.emit(class_id)
            self.threshold_chosen.emit(row.best.threshold)
            return
        kind = COUNT_COLUMNS.get(Column(index.column()))
        if kind is None:
            self.class_chosen.emit(class_id)
        else:
            self.count_opened.emit(class_id, kind)
