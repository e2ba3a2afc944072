"""The list of images with search and status filter."""

from __future__ import annotations

from enum import IntEnum

from PySide6.QtCore import QItemSelectionModel, QModelIndex, QPersistentModelIndex, QRect, QSize, Qt, Signal
from PySide6.QtGui import QBrush, QColor, QPainter, QPen, QResizeEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QComboBox,
    QHeaderView,
    QLabel,
    QLineEdit,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from app.models.figures import count_text
from app.models.image_model import (
    COUNT_ROLE,
    REASON_ROLE,
    SPLIT_ROLE,
    STATUS_ROLE,
    UNREADABLE_ROLE,
    ImageModel,
)
from app.theme import Theme
from app.widgets.painting import paint_row
from detcore.types import Status

ROW_HEIGHT = 28
DOT = 10
LEAST_NAME = 80
"""Pixels for the name; where a reason leaves fewer, its figure stands alone."""
ROOM_FOR_TWO = 230
"""Pixels of the list's width from which on filter and order stand beside each other."""
BROKEN = 16
"""Pixels of the sign beside an image that cannot be shown."""
UNREADABLE = "Cannot be shown"
FILTERS: tuple[tuple[str, Status | None], ...] = (
    ("All images", None),
    ("Not seen yet", Status.UNSEEN),
    ("In progress", Status.IN_PROGRESS),
    ("Verified", Status.VERIFIED),
    (UNREADABLE, None),
)


class ListOrder(IntEnum):
    """In which order the images are listed."""

    AS_LISTED = 0
    TO_LABEL_NEXT = 1
    BY_TWO_RUNS = 2


ORDERS: tuple[tuple[str, ListOrder, str], ...] = (
    ("As listed", ListOrder.AS_LISTED, "In the order in which the images were added"),
    (
        "To label next",
        ListOrder.TO_LABEL_NEXT,
        "Unlabelled images first, those on top from which a model would learn most: the newest run is unsure "
        "about them, and they look unlike the others",
    ),
    (
        "Runs differ",
        ListOrder.BY_TWO_RUNS,
        "As to label next, but on those on top the two newest runs also find different things",
    ),
)


class ImageDelegate(QStyledItemDelegate):
    """Status dot, name elided in the middle, split or why it comes so early, number of boxes."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme

    def _paint_dot(self, painter: QPainter, area: QRect, status: str) -> None:
        """Empty ring, half and full disc: told apart without colour."""
        tokens = self._theme.tokens
        color = QColor(tokens.success if status == Status.VERIFIED else tokens.text_muted)
        painter.setPen(QPen(color, 1.5))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if status == Status.VERIFIED:
            painter.setBrush(QBrush(color))
        painter.drawEllipse(area)
        if status == Status.IN_PROGRESS:
            painter.setBrush(QBrush(color))
            painter.drawPie(area, 90 * 16, 180 * 16)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        tokens = self._theme.tokens
        painter.save()
        area = paint_row(painter, option, self._theme)
        dot = QRect(area.left() + 10, area.center().y() - DOT // 2 + 1, DOT, DOT)
        self._paint_dot(painter, dot, index.data(STATUS_ROLE))
        right = area.right() - 10
        metrics = painter.fontMetrics()
        text = _count_text(index)
        painter.setPen(QColor(tokens.text_muted))
        if text:
            width = metrics.horizontalAdvance(text)
            painter.drawText(
                QRect(right - width, area.top(), width, area.height()), Qt.AlignmentFlag.AlignVCenter, text
            )
            right -= width + 8
        left = dot.right() + 9
        if index.data(UNREADABLE_ROLE):
            icon = self._theme.icon("alert-outline", color=tokens.danger)
            icon.paint(painter, left, area.center().y() - BROKEN // 2 + 1, BROKEN, BROKEN)
            left += BROKEN + 4
        reason, path = index.data(REASON_ROLE), index.data()
        note = reason or index.data(SPLIT_ROLE)
        if reason and right - left - metrics.horizontalAdvance(reason) < LEAST_NAME:
            note = reason.rpartition(" ")[2]
        width = metrics.horizontalAdvance(note) if note else 0
        # The name says more: the split is left out where both have no room
        if note and (reason or metrics.horizontalAdvance(path) <= right - width - 8 - left):
            painter.drawText(
                QRect(right - width, area.top(), width, area.height()), Qt.AlignmentFlag.AlignVCenter, note
            )
            right -= width + 8
        painter.setPen(QColor(tokens.text))
        # Beside a reason there is room for few letters: the last ones tell numbered files apart
        elide = Qt.TextElideMode.ElideLeft if reason else Qt.TextElideMode.ElideMiddle
        name = metrics.elidedText(path, elide, right - left)
        painter.drawText(
            QRect(left, area.top(), right - left, area.height()), Qt.AlignmentFlag.AlignVCenter, name
        )
        painter.restore()

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:  # noqa: N802
        return QSize(120, ROW_HEIGHT)


def _count_text(index: QModelIndex | QPersistentModelIndex) -> str:
    """How many boxes there are; that there are none only where that has been verified."""
    count = index.data(COUNT_ROLE)
    if count:
        return count_text(count)
    return "empty" if index.data(STATUS_ROLE) == Status.VERIFIED else ""


class ImageList(QWidget):
    """Search field, status filter, order and the images.

    Signals:
        image_chosen(int): the person went to an image by mouse or arrows.
        order_chosen(int): the person chose a ``ListOrder``, perhaps the one that was chosen already.
    """

    image_chosen = Signal(int)
    order_chosen = Signal(int)

    def __init__(self, model: ImageModel, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self._image_id = 0
        self.setMinimumWidth(200)
        self.search = QLineEdit(placeholderText="Find an image", clearButtonEnabled=True)
        self.filter = QComboBox()
        self.search.setAccessibleName("Find an image")
        self.filter.setAccessibleName("Which images to list")
        for text, _ in FILTERS:
            self.filter.addItem(text)
        self.filter.setItemData(
            self.filter.findText(UNREADABLE),
            "Of the images that were looked at, those whose files are missing or broken",
            Qt.ItemDataRole.ToolTipRole,
        )
        self.order = QComboBox()
        self.order.setAccessibleName("In which order to list the images")
        for row, (text, _, tip) in enumerate(ORDERS):
            self.order.addItem(text)
            self.order.setItemData(row, tip, Qt.ItemDataRole.ToolTipRole)
        # A table lays out rows of one height without asking the model, a list view asks for each of 100,000.
        self.view = QTableView()
        self.view.setMouseTracking(True)
        self.view.setAccessibleName("Images")
        self.view.setShowGrid(False)
        self.view.setTabKeyNavigation(False)
        self.view.setSelectionBehavior(QTableView.SelectionBehavior.SelectRows)
        self.view.setSelectionMode(QTableView.SelectionMode.SingleSelection)
        self.view.setEditTriggers(QTableView.EditTrigger.NoEditTriggers)
        self.view.horizontalHeader().hide()
        self.view.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.view.verticalHeader().hide()
        self.view.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.view.verticalHeader().setDefaultSectionSize(ROW_HEIGHT)
        self.view.setItemDelegate(ImageDelegate(theme, self.view))
        self.view.setModel(model)
        self.view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._empty = QLabel(alignment=Qt.AlignmentFlag.AlignCenter, wordWrap=True)
        self._empty.setProperty("role", "muted")
        self._empty.setContentsMargins(16, 24, 16, 24)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        head = QVBoxLayout()
        head.setContentsMargins(8, 4, 8, 8)
        head.setSpacing(4)
        head.addWidget(self.search)
        self._choices = choices = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        choices.setSpacing(4)
        for box, share in ((self.filter, 9), (self.order, 11)):
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            choices.addWidget(box, share)
        head.addLayout(choices)
        layout.addLayout(head)
        layout.addWidget(self._empty)
        layout.addWidget(self.view, 1)
        self.search.textChanged.connect(self._apply_filter)
        self.search.returnPressed.connect(self._open_first)
        self.filter.currentIndexChanged.connect(self._apply_filter)
        self.order.activated.connect(lambda row: self.order_chosen.emit(ORDERS[row][1]))
        self.view.selectionModel().currentChanged.connect(self._choose)
        model.modelReset.connect(self._follow_reset)
        self.show_order(ListOrder.AS_LISTED)
        self._show_empty_state()

    def show_image(self, image_id: int) -> None:
        """Mark an image as current without saying that the person chose it."""
        self._image_id = image_id
        row = self._model.row_of(image_id)
        selection = self.view.selectionModel()
        blocked = selection.blockSignals(True)
        if row >= 0:
            index = self._model.index(row)
            selection.setCurrentIndex(index, QItemSelectionModel.SelectionFlag.ClearAndSelect)
            self.view.scrollTo(index)
        else:
            selection.clear()
        selection.blockSignals(blocked)
        self.view.viewport().update()

    def clear_filter(self) -> None:
        """Show all images again."""
        self.search.clear()
        self.filter.setCurrentIndex(0)

    def show_order(self, order: ListOrder) -> None:
        """Say which order is shown, or being found."""
        row = next(row for row, (_, item, _) in enumerate(ORDERS) if item is order)
        self.order.setCurrentIndex(row)
        self.order.setToolTip(ORDERS[row][2])

    def current_row(self) -> int:
        return self.view.currentIndex().row()

    def _apply_filter(self) -> None:
        text, status = FILTERS[self.filter.currentIndex()]
        self._model.set_filter(search=self.search.text(), status=status, unreadable=text == UNREADABLE)

    def _open_first(self) -> None:
        if self._model.rowCount():
            self.image_chosen.emit(self._model.image_id(0))
            self.view.setFocus()

    def _choose(self, current: QModelIndex) -> None:
        if current.isValid():
            self.image_chosen.emit(self._model.image_id(current.row()))

    def _follow_reset(self) -> None:
        self._show_empty_state()
        self.show_image(self._image_id)

    def _show_empty_state(self) -> None:
        empty = self._model.rowCount() == 0
        self._empty.setVisible(empty)
        if self._model.total:
            self._empty.setText("No image matches. Clear the search or choose All images.")
        else:
            self._empty.setText("The images of the project are listed here. Open a folder to begin.")

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        super().resizeEvent(event)
        beside = event.size().width() >= ROOM_FOR_TWO
        direction = QBoxLayout.Direction
        self._choices.setDirection(direction.LeftToRight if beside else direction.TopToBottom)
