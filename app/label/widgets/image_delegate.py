"""A row of the list of images."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QBrush, QColor, QPainter, QPen
from PySide6.QtWidgets import QStyledItemDelegate, QStyleOptionViewItem, QWidget

from app.label.models.image_model import (
    COUNT_ROLE,
    PATH_ROLE,
    REASON_ROLE,
    SPLIT_ROLE,
    STATUS_ROLE,
    UNREADABLE_ROLE,
)
from app.services.figures import count_text, counted
from app.services.theme import SMALL_TEXT, Theme
from app.widgets.painting import paint_row, sized_font
from app.widgets.pictures import Thumbnails, paint_covering
from detcore.types import Status

PLAIN_HEIGHT, PICTURE_HEIGHT = 28, 44
PICTURE = QSize(48, 36)
PICTURE_SIDE = 96
"""Pixels of the longer side that is read: enough for screens at 200 %."""
DOT = 10
LEAST_NAME = 80
"""Pixels for the name; where a reason leaves fewer, its figure stands alone."""
BROKEN = 16
"""Pixels of the sign beside an image that cannot be shown."""


class ImageDelegate(QStyledItemDelegate):
    """Status, picture, name elided in the middle, number of boxes, split or why it comes so early.

    With pictures a row has two lines, the first for the name alone.
    """

    def __init__(self, theme: Theme, thumbnails: Thumbnails, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme, self._thumbnails, self._widget = theme, thumbnails, parent
        self.has_pictures = True

    @property
    def row_height(self) -> int:
        return PICTURE_HEIGHT if self.has_pictures else PLAIN_HEIGHT

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        painter.save()
        area = paint_row(painter, option, self._theme)
        dot = QRect(area.left() + 10, area.center().y() - DOT // 2 + 1, DOT, DOT)
        self._paint_status(painter, dot, index.data(STATUS_ROLE))
        left, right = dot.right() + 9, area.right() - 10
        if self.has_pictures:
            picture = QRect(
                left, area.center().y() - PICTURE.height() // 2 + 1, PICTURE.width(), PICTURE.height()
            )
            self._paint_picture(painter, picture, index)
            left = picture.right() + 9
        if index.data(UNREADABLE_ROLE):
            icon = self._theme.icon("alert-outline", color=self._theme.tokens.danger)
            icon.paint(painter, left, area.center().y() - BROKEN // 2 + 1, BROKEN, BROKEN)
            left += BROKEN + 4
        room = QRect(left, area.top(), right - left, area.height())
        if self.has_pictures:
            self._paint_two_lines(painter, room.adjusted(0, 5, 0, -5), index)
        else:
            self._paint_one_line(painter, room, index)
        painter.restore()

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(120, self.row_height)

    def _paint_status(self, painter: QPainter, area: QRect, status: str) -> None:
        """Empty ring, half disc, and a full disc with a tick. No colour: those belong to the classes."""
        color = self._theme.color("text_muted")
        painter.setPen(QPen(color, 1.5))
        painter.setBrush(QBrush(color) if status == Status.VERIFIED else Qt.BrushStyle.NoBrush)
        painter.drawEllipse(area)
        if status == Status.IN_PROGRESS:
            painter.setBrush(QBrush(color))
            painter.drawPie(area, 90 * 16, 180 * 16)
        elif status == Status.VERIFIED:
            painter.setPen(QPen(self._theme.color("panel"), 1.6))
            x, y = area.left(), area.top()
            painter.drawLine(x + 3, y + 5, x + 4, y + 7)
            painter.drawLine(x + 4, y + 7, x + 8, y + 3)

    def _paint_picture(
        self, painter: QPainter, area: QRect, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        path = index.data(PATH_ROLE)
        image = None if path is None else self._thumbnails.request(path, PICTURE_SIDE)
        if image is None:
            painter.fillRect(area, self._theme.color("hover"))
        else:
            paint_covering(painter, area, image)

    def _paint_right(self, painter: QPainter, area: QRect, text: str) -> int:
        """A muted text at the right; returns where what is beside it has to end."""
        if not text:
            return area.right()
        painter.setPen(QColor(self._theme.tokens.text_muted))
        width = painter.fontMetrics().horizontalAdvance(text)
        painter.drawText(
            QRect(area.right() - width, area.top(), width, area.height()), Qt.AlignmentFlag.AlignVCenter, text
        )
        return area.right() - width - 8

    def _paint_name(self, painter: QPainter, area: QRect, name: str, elide: Qt.TextElideMode) -> None:
        painter.setPen(QColor(self._theme.tokens.text))
        shown = painter.fontMetrics().elidedText(name, elide, area.width())
        painter.drawText(area, Qt.AlignmentFlag.AlignVCenter, shown)

    def _paint_two_lines(
        self, painter: QPainter, area: QRect, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        half = area.height() // 2
        upper = QRect(area.left(), area.top(), area.width(), half + 1)
        self._paint_name(painter, upper, index.data(), Qt.TextElideMode.ElideMiddle)
        note = index.data(REASON_ROLE) or index.data(SPLIT_ROLE)
        count = index.data(COUNT_ROLE)
        boxes = counted(count, "box", "boxes") if count else _nothing(index)
        painter.setFont(sized_font(self._widget, SMALL_TEXT))
        painter.setPen(QColor(self._theme.tokens.text_muted))
        lower = QRect(area.left(), area.top() + half + 1, area.width(), half)
        text = " · ".join(part for part in (boxes, note) if part)
        shown = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, lower.width())
        painter.drawText(lower, Qt.AlignmentFlag.AlignVCenter, shown)

    def _paint_one_line(
        self, painter: QPainter, area: QRect, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        metrics = painter.fontMetrics()
        count = index.data(COUNT_ROLE)
        area.setRight(self._paint_right(painter, area, count_text(count) if count else _nothing(index)))
        reason, path = index.data(REASON_ROLE), index.data()
        note = reason or index.data(SPLIT_ROLE)
        if reason and area.width() - metrics.horizontalAdvance(reason) < LEAST_NAME:
            note = reason.rpartition(" ")[2]
        width = metrics.horizontalAdvance(note) if note else 0
        # The name says more: the split is left out where both have no room
        if note and (reason or metrics.horizontalAdvance(path) <= area.width() - width - 8):
            area.setRight(self._paint_right(painter, area, note))
        # Beside a reason there is room for few letters: the last ones tell numbered files apart
        elide = Qt.TextElideMode.ElideLeft if reason else Qt.TextElideMode.ElideMiddle
        self._paint_name(painter, area, path, elide)


def _nothing(index: QModelIndex | QPersistentModelIndex) -> str:
    """That there are no boxes is said only where it has been verified."""
    return "empty" if index.data(STATUS_ROLE) == Status.VERIFIED else ""
