"""The queue with its filters above it: kinds, type, sort order, what it is narrowed to, n of m."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction, QResizeEvent, QStandardItemModel
from PySide6.QtWidgets import (
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.review.models.error_model import ErrorModel
from app.review.models.kind_looks import TIPS, TYPE_ICONS, TYPE_TIPS, TYPE_TITLES
from app.review.widgets.error_list import ErrorList
from app.review.widgets.linked_text import Caution
from app.services.figures import count_text
from app.services.theme import ANY_LENGTH, Theme
from app.widgets.crops import Crops
from detcore.review.filter import BY_LABELS, ORDER_TIPS, SortOrder
from detcore.review.kinds import EVERY_KIND, ErrorKind, ItemType

_KIND_NAMES = {ErrorKind.FN: "Missed", ErrorKind.FP: "False", ErrorKind.TP: "Found"}
_KIND_TIPS = {
    **TIPS,
    ErrorKind.TP: f"{TIPS[ErrorKind.TP]}.\nIn the order “{SortOrder.LABEL_ERRORS.value}” they are listed too, "
    "but only those whose labels may be wrong.",
}

_MARGIN, _GAP, _TOGGLE_WIDTH = 8, 4, 98
_NARROWED_SHARE, _NARROWED_LEAST = 0.6, 120


class QueuePanel(QWidget):
    """Composes the list and its controls; what the list holds is decided elsewhere."""

    # The kinds to list: a frozenset of ErrorKind.
    kinds_chosen = Signal(object)
    # An ItemType, or None for all.
    type_chosen = Signal(object)
    # Another SortOrder.
    order_chosen = Signal(object)
    # The user gives up what the list is narrowed to.
    widened = Signal()
    # How many rows a verdict is for; 0 when what is looked at is not among them.
    selected = Signal(int)

    def __init__(
        self,
        model: ErrorModel,
        crops: Crops,
        theme: Theme,
        toggles: Mapping[str, QAction],
        parent: QWidget | None = None,
    ) -> None:
        """``toggles`` are two checkable actions that say what is listed, by what their buttons say."""
        super().__init__(parent)
        self._theme = theme
        self._place = (0, 0)
        self.list = ErrorList(model, crops, theme)
        self.list.selection_changed.connect(self._show_place)
        self.kind_buttons = {kind: self._kind_button(kind) for kind in _KIND_NAMES}
        self.type = QComboBox()
        self.type.addItem("All types", None)
        for item_type in ItemType:
            if item_type not in (ItemType.FOUND, ItemType.UNJUDGED):
                self.type.addItem(TYPE_TITLES[item_type], item_type)
                self.type.setItemData(
                    self.type.count() - 1, TYPE_TIPS[item_type], Qt.ItemDataRole.ToolTipRole
                )
        self.type.setToolTip("Types of errors to list")
        self.type.setAccessibleName("Type")
        self.type.activated.connect(lambda _row: self.type_chosen.emit(self.type.currentData()))
        self.order = QComboBox()
        for order in SortOrder:
            self.order.addItem(order.value, order)
            self.order.setItemData(self.order.count() - 1, ORDER_TIPS.get(order), Qt.ItemDataRole.ToolTipRole)
        self.order.setToolTip("Order of the list")
        self.order.activated.connect(lambda _row: self.order_chosen.emit(SortOrder(self.order.currentData())))
        for box in (self.type, self.order):
            box.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.toggles = [_toggle(text, action) for text, action in toggles.items()]
        self.caution = Caution(theme)
        self.caution.setContentsMargins(10, 0, 8, 8)
        self.done = QLabel()
        self.done.setProperty("role", "small")
        self.done.setContentsMargins(10, 5, 10, 6)
        self.progress = QLabel(alignment=Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.progress.setProperty("role", "muted")
        self.narrowed = QPushButton()
        self.narrowed.setObjectName("narrowed")
        self.narrowed.setToolTip("List everything again")
        self.narrowed.clicked.connect(self.widened)
        self._compose()
        theme.changed.connect(self._paint_icon)
        self._paint_icon()

    def kinds(self) -> frozenset[ErrorKind]:
        return frozenset(kind for kind, button in self.kind_buttons.items() if button.isChecked())

    def show_kinds(self, kinds: frozenset[ErrorKind], *, decided: bool) -> None:
        """Mark the kinds that the list holds; ``decided`` is False while a matrix cell decides instead."""
        for kind, button in self.kind_buttons.items():
            button.setChecked(decided and kind in kinds)

    def show_judging(self, *, possible: bool) -> None:
        """Where nothing is right or wrong no kind or type can be asked for, nor an order that is of labels."""
        for button in self.kind_buttons.values():
            button.setVisible(possible)
        self.type.setEnabled(possible)
        model = self.order.model()
        assert isinstance(model, QStandardItemModel)
        for row in range(model.rowCount()):
            is_of_labels = SortOrder(self.order.itemData(row)) in BY_LABELS
            model.item(row).setEnabled(possible or not is_of_labels)

    def show_narrowed(self, text: str) -> None:
        """Name what the list is narrowed to; "" for nothing."""
        room = max(round(_NARROWED_SHARE * self.width()), _NARROWED_LEAST)
        self.narrowed.setText(
            self.narrowed.fontMetrics().elidedText(text, Qt.TextElideMode.ElideMiddle, room)
        )
        self.narrowed.setVisible(bool(text))

    def show_progress(self, position: int, total: int) -> None:
        """``position`` counts from 1; 0 when no row is the current one."""
        self._place = (position, total)
        self._show_place()

    def show_order(self, order: SortOrder) -> None:
        self.order.setCurrentIndex(self.order.findData(order))

    def show_type(self, item_type: ItemType | None) -> None:
        self.type.setCurrentIndex(0 if item_type is None else self.type.findData(item_type))

    def show_done(self, today: int, total: int) -> None:
        """How many verdicts have been given."""
        text = f"{count_text(today)} judged today · {count_text(total)} in all" if total else ""
        self.done.setText(text)
        self.done.setVisible(bool(text))

    def _show_place(self) -> None:
        position, total = self._place
        # what is looked at outside the list is judged alone
        selected = len(self.list.selected_rows()) if position else 0
        where = (
            f"{count_text(selected)} selected" if selected > 1 else count_text(position) if position else "–"
        )
        self.progress.setText(f"{where} of {count_text(total)}")
        self.selected.emit(selected)

    def _kind_button(self, kind: ErrorKind) -> QPushButton:
        button = QPushButton(_KIND_NAMES[kind])
        button.setCheckable(True)
        button.setProperty("role", "segment")
        button.setToolTip(_KIND_TIPS[kind])
        button.clicked.connect(lambda _checked=False: self.kinds_chosen.emit(self.kinds() or EVERY_KIND))
        return button

    def _compose(self) -> None:
        kinds = QHBoxLayout()
        kinds.setSpacing(4)
        for button in self.kind_buttons.values():
            kinds.addWidget(button, 1)
        self._choices = QGridLayout()
        self._choices.setHorizontalSpacing(_GAP)
        self._choices.setVerticalSpacing(6)
        self._choices.setColumnStretch(0, 1)
        self._arrange(has_room=True)
        place = QHBoxLayout()
        place.setSpacing(8)
        place.addWidget(self.narrowed)
        place.addStretch(1)
        place.addWidget(self.progress)
        head = QVBoxLayout()
        head.setContentsMargins(_MARGIN, 6, _MARGIN, 8)
        head.setSpacing(6)
        head.addLayout(kinds)
        head.addLayout(self._choices)
        head.addLayout(place)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addLayout(head)
        whole.addWidget(self.caution)
        whole.addWidget(self.list, 1)
        whole.addWidget(self.done)
        self.show_narrowed("")
        self.show_done(0, 0)

    def _arrange(self, *, has_room: bool) -> None:
        """Without room the toggles have a line of their own, so that no order is cut short."""
        self._has_room = has_room
        choices = self._choices
        choices.setColumnStretch(1, 0 if has_room else 1)
        for row, (box, button) in enumerate(zip((self.type, self.order), self.toggles, strict=True)):
            choices.addWidget(box, row, 0, 1, 1 if has_room else 2)
            choices.addWidget(button, *((row, 1) if has_room else (2, row)))
            button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            button.setMinimumWidth(_TOGGLE_WIDTH)
            button.setMaximumWidth(_TOGGLE_WIDTH if has_room else ANY_LENGTH)

    def _paint_icon(self) -> None:
        self.narrowed.setIcon(self._theme.icon("close"))
        for row in range(1, self.type.count()):
            self.type.setItemIcon(row, self._theme.icon(TYPE_ICONS[ItemType(self.type.itemData(row))]))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        beside = event.size().width() - 2 * _MARGIN - _GAP - _TOGGLE_WIDTH
        has_room = beside >= self.order.sizeHint().width()
        if has_room != self._has_room:
            self._arrange(has_room=has_room)


def _toggle(text: str, action: QAction) -> QToolButton:
    action.setIconText(text)
    button = QToolButton()
    button.setDefaultAction(action)
    button.setProperty("role", "button")
    button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
    button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    return button
