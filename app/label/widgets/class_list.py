"""The palette of classes: swatch, name, key, number of boxes."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPoint, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QAction, QColor, QGuiApplication, QKeySequence, QPainter, QShortcut
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QListView,
    QPushButton,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from app.label.models.class_model import CLASS_ROLE, COUNT_ROLE, ClassModel
from app.label.widgets.held_steps import HeldSteps
from app.services.actions import ActionTip
from app.services.figures import count_text
from app.services.theme import SMALL_TEXT, Theme
from app.widgets.painting import RADIUS, SWATCH, paint_key_cap, paint_row, sized_font
from detcore.types import ObjectClass

ROW_HEIGHT = 28
KEY_SIZE = 18


class ClassDelegate(QStyledItemDelegate):
    """Swatch, name, count, key cap."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme, self._widget = theme, parent

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        tokens = self._theme.tokens
        item: ObjectClass = index.data(CLASS_ROLE)
        painter.save()
        area = paint_row(painter, option, self._theme)
        middle = area.center().y()
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(item.color))
        painter.drawRoundedRect(
            QRect(area.left() + 8, middle - SWATCH // 2 + 1, SWATCH, SWATCH), RADIUS, RADIUS
        )
        right = area.right() - 8
        if item.key:
            cap = QRectF(right - KEY_SIZE, middle - KEY_SIZE // 2 + 1, KEY_SIZE, KEY_SIZE)
            font = painter.font()
            painter.setFont(sized_font(self._widget, SMALL_TEXT, bold=True))
            paint_key_cap(painter, cap, str(item.key), self._theme)
            painter.setFont(font)
        right -= KEY_SIZE + 8
        metrics = painter.fontMetrics()
        count = count_text(index.data(COUNT_ROLE))
        width = metrics.horizontalAdvance(count)
        painter.setPen(QColor(tokens.text_muted))
        painter.drawText(
            QRect(right - width, area.top(), width, area.height()), Qt.AlignmentFlag.AlignVCenter, count
        )
        right -= width + 8
        left = area.left() + 8 + SWATCH + 8
        painter.setPen(QColor(tokens.text))
        name = metrics.elidedText(item.name, Qt.TextElideMode.ElideMiddle, right - left)
        painter.drawText(
            QRect(left, area.top(), right - left, area.height()), Qt.AlignmentFlag.AlignVCenter, name
        )
        painter.restore()

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(120, ROW_HEIGHT)


class ClassList(QWidget):
    """Classes to choose from.

    Signals:
        class_chosen(int): the user clicked a class or went to it by key, and let go of that: new boxes get
            it, selected ones are given it.
        edit_requested(int): double-click, Enter or F2: rename, recolour, key.
        menu_requested(int, QPoint): class id and global position.
    """

    class_chosen = Signal(int)
    edit_requested = Signal(int)
    menu_requested = Signal(int, QPoint)

    def __init__(
        self, model: ClassModel, theme: Theme, new_actions: Sequence[QAction], parent: QWidget | None = None
    ) -> None:
        """``new_actions`` make classes; a link below the list stands for each."""
        super().__init__(parent)
        self._model = model
        self.view = QListView()
        self.view.setUniformItemSizes(True)
        self.view.setMouseTracking(True)
        self.view.setItemDelegate(ClassDelegate(theme, self.view))
        self.view.setModel(model)
        self.view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.view.setEditTriggers(QListView.EditTrigger.NoEditTriggers)
        self.view.setDragDropMode(QListView.DragDropMode.DragDrop)
        self.view.setDefaultDropAction(Qt.DropAction.MoveAction)
        self.view.setDropIndicatorShown(True)
        self._empty = QLabel("No classes yet. Draw a box and name it, or add classes here.", wordWrap=True)
        self._empty.setProperty("role", "muted")
        self._empty.setContentsMargins(12, 12, 12, 4)
        self._empty.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.view.setAccessibleName("Classes")
        self.add_buttons = [_link(action) for action in new_actions]
        links = QHBoxLayout()
        links.setSpacing(0)
        for button in self.add_buttons:
            links.addWidget(button)
        links.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 4)
        layout.setSpacing(0)
        layout.addWidget(self._empty, 1)
        layout.addWidget(self.view, 1)
        layout.addLayout(links)
        self._current = 0
        self._showing = False
        self.view.clicked.connect(lambda index: self.class_chosen.emit(index.data(CLASS_ROLE).id))
        self.view.activated.connect(lambda index: self.edit_requested.emit(index.data(CLASS_ROLE).id))
        self.view.selectionModel().currentChanged.connect(self._go_to)
        self._steps = HeldSteps(self.view)
        self._steps.meant.connect(lambda class_id: self.class_chosen.emit(class_id))
        for key, step in ((Qt.Key.Key_Up, -1), (Qt.Key.Key_Down, 1)):
            move = QShortcut(QKeySequence(Qt.Modifier.ALT | key), self.view)
            move.setContext(Qt.ShortcutContext.WidgetShortcut)
            move.setAutoRepeat(False)
            move.activated.connect(lambda step=step: self._move_current(step))
        rename = QShortcut(QKeySequence(Qt.Key.Key_F2), self.view)
        rename.setAutoRepeat(False)
        rename.setContext(Qt.ShortcutContext.WidgetShortcut)
        rename.activated.connect(self._edit_current)
        self.view.customContextMenuRequested.connect(self._ask_menu)
        model.modelReset.connect(self._refresh)
        self._refresh()

    def show_class(self, class_id: int) -> None:
        """Mark the class that a new box gets."""
        self._current = class_id
        row = self._model.row_of(class_id)
        self._showing = True
        self.view.setCurrentIndex(self._model.index(row) if row >= 0 else QModelIndex())
        self._showing = False

    def _refresh(self) -> None:
        empty = self._model.rowCount() == 0
        self._empty.setVisible(empty)
        self.view.setVisible(not empty)
        self.show_class(self._current)

    def _go_to(self, current: QModelIndex) -> None:
        if current.isValid() and self.view.hasFocus() and not self._showing and not self._pressed():
            self._steps.step_to(current.data(CLASS_ROLE).id)

    @staticmethod
    def _pressed() -> bool:
        """The mouse is down: its click will tell."""
        return QGuiApplication.mouseButtons() != Qt.MouseButton.NoButton

    def _move_current(self, step: int) -> None:
        ids = [item.id for item in self._model.classes]
        row = self.view.currentIndex().row()
        if row >= 0 and 0 <= row + step < len(ids):
            ids.insert(row + step, ids.pop(row))
            self._model.order_wanted.emit(ids)

    def _edit_current(self) -> None:
        index = self.view.currentIndex()
        if index.isValid():
            self.edit_requested.emit(index.data(CLASS_ROLE).id)

    def _ask_menu(self, position: QPoint) -> None:
        index = self.view.indexAt(position)
        if index.isValid():
            self.menu_requested.emit(index.data(CLASS_ROLE).id, self.view.viewport().mapToGlobal(position))


def _link(action: QAction) -> QPushButton:
    """A button that looks like a link and does what an action does."""
    button = QPushButton(action.iconText())
    ActionTip(action, button)
    button.setProperty("role", "link")
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    button.setEnabled(action.isEnabled())
    button.clicked.connect(action.trigger)
    action.enabledChanged.connect(button.setEnabled)
    return button
