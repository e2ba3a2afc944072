"""The groups as rows with small pictures, and the images of one group side by side."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPen
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from app.duplicates.duplicate_groups import ITEM_ROLE, DuplicateGroup, ItemModel, Twin
from app.services.theme import BASE_TEXT, SMALL_TEXT, Theme
from app.widgets.painting import paint_row, sized_font
from app.widgets.pictures import THUMBNAIL_SIDE, Thumbnails, paint_covering, paint_inside

_ROW_HEIGHT, _SMALL = 64, 48
_ICON = 16
_CARD = QSize(324, 286)
_PICTURE_HEIGHT = 222
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter

Index = QModelIndex | QPersistentModelIndex


class GroupDelegate(QStyledItemDelegate):
    """The first two pictures, in which splits the group lies, and how much alike its images are."""

    def __init__(self, theme: Theme, thumbnails: Thumbnails, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme, self._thumbnails, self._widget = theme, thumbnails, parent

    def _paint_text(self, painter: QPainter, area: QRect, group: DuplicateGroup) -> None:
        top, bottom = QRect(area), QRect(area)
        top.setHeight(24)
        bottom.setTop(area.top() + 24)
        if group.leaks:
            color = self._theme.color("warning")
            icon = self._theme.icon("alert-outline", color=color.name())
            icon.paint(painter, top.left(), top.center().y() - _ICON // 2 + 1, _ICON, _ICON)
            top.setLeft(top.left() + _ICON + 4)
            painter.setPen(color)
        else:
            painter.setPen(self._theme.color("text"))
        painter.setFont(sized_font(self._widget, BASE_TEXT, bold=group.leaks))
        elide = Qt.TextElideMode.ElideRight
        painter.drawText(top, _LEFT, painter.fontMetrics().elidedText(group.place, elide, top.width()))
        painter.setFont(sized_font(self._widget, SMALL_TEXT))
        painter.setPen(self._theme.color("text_muted"))
        painter.drawText(bottom, _LEFT, painter.fontMetrics().elidedText(group.text, elide, bottom.width()))

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(240, _ROW_HEIGHT)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        group: DuplicateGroup = index.data(ITEM_ROLE)
        painter.save()
        area = paint_row(painter, option, self._theme, edge=True)
        left = area.left() + 12
        for twin in group.twins[:2]:
            picture = QRect(left, area.top() + (_ROW_HEIGHT - _SMALL) // 2, _SMALL, _SMALL)
            painter.fillRect(picture, self._theme.color("surround"))
            image = self._thumbnails.request(twin.path, THUMBNAIL_SIDE)
            if image is not None:
                paint_covering(painter, picture, image)
            left += _SMALL + 2
        text = QRect(left + 10, area.top() + 10, area.right() - left - 18, _ROW_HEIGHT - 20)
        self._paint_text(painter, text, group)
        painter.restore()


class TwinDelegate(QStyledItemDelegate):
    """The picture over its name, split and number of boxes."""

    def __init__(self, theme: Theme, thumbnails: Thumbnails, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme, self._thumbnails, self._widget = theme, thumbnails, parent

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return _CARD

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        twin: Twin = index.data(ITEM_ROLE)
        area: QRect = option.rect.adjusted(4, 4, -4, -4)  # type: ignore[attr-defined]
        state: QStyle.StateFlag = option.state  # type: ignore[attr-defined]
        chosen = bool(state & QStyle.StateFlag.State_Selected)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        hovered = bool(state & QStyle.StateFlag.State_MouseOver)
        fill = "selection" if chosen else "hover" if hovered else "panel"
        painter.setPen(QPen(self._theme.color("accent_text" if chosen else "line"), 2 if chosen else 1))
        painter.setBrush(self._theme.color(fill))
        painter.drawRoundedRect(area.adjusted(1, 1, -1, -1), 4, 4)
        inside = area.adjusted(8, 8, -8, -8)
        picture = QRect(inside.left(), inside.top(), inside.width(), _PICTURE_HEIGHT)
        painter.fillRect(picture, self._theme.color("surround"))
        image = self._thumbnails.request(twin.path, THUMBNAIL_SIDE)
        if image is not None:
            paint_inside(painter, picture, image)
        name = QRect(inside.left(), picture.bottom() + 5, inside.width(), 18)
        painter.setFont(sized_font(self._widget, BASE_TEXT))
        painter.setPen(self._theme.color("text"))
        metrics = painter.fontMetrics()
        elided = metrics.elidedText(twin.image.path, Qt.TextElideMode.ElideMiddle, name.width())
        painter.drawText(name, _LEFT, elided)
        painter.setFont(sized_font(self._widget, SMALL_TEXT))
        painter.setPen(self._theme.color("text_muted"))
        painter.drawText(name.translated(0, 18), _LEFT, twin.text)
        painter.restore()


class GroupList(QListView):
    """All groups, one under the other."""

    def __init__(
        self, model: ItemModel[DuplicateGroup], theme: Theme, thumbnails: Thumbnails, parent: QWidget
    ) -> None:
        super().__init__(parent)
        self.setAccessibleName("Groups of images that look the same")
        self.setModel(model)
        self.setItemDelegate(GroupDelegate(theme, thumbnails, self))
        self.setUniformItemSizes(True)
        _prepare(self, theme, thumbnails)


class TwinList(QListView):
    """The images of one group, as large as two of them fit beside each other.

    Signals:
        removal_asked(): Delete was pressed.
    """

    removal_asked = Signal()

    def __init__(self, model: ItemModel[Twin], theme: Theme, thumbnails: Thumbnails, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAccessibleName("Images of the group")
        self.setModel(model)
        self.setItemDelegate(TwinDelegate(theme, thumbnails, self))
        self.setViewMode(QListView.ViewMode.IconMode)
        self.setMovement(QListView.Movement.Static)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setGridSize(_CARD)
        self.setViewportMargins(8, 8, 8, 0)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        _prepare(self, theme, thumbnails)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace) and self.currentIndex().isValid():
            self.removal_asked.emit()
            return
        super().keyPressEvent(event)


def _prepare(view: QListView, theme: Theme, thumbnails: Thumbnails) -> None:
    view.setFrameShape(QFrame.Shape.NoFrame)
    view.setMouseTracking(True)
    view.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
    view.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
    view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    view.verticalScrollBar().setSingleStep(_ROW_HEIGHT)
    thumbnails.arrived.connect(view.viewport().update)
    theme.changed.connect(view.viewport().update)
