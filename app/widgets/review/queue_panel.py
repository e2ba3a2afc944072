"""The queue with its filters above it: kinds, sort order, what it is narrowed to, n of m."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.models.error_kind import EVERY_KIND, TIPS, ErrorKind
from app.models.error_model import ErrorModel
from app.models.error_query import SortOrder
from app.models.figures import count_text
from app.theme import Theme
from app.widgets.review.crops import Crops
from app.widgets.review.error_list import ErrorList

_KIND_NAMES = {ErrorKind.FN: "Missed", ErrorKind.FP: "False", ErrorKind.TP: "Found"}


class QueuePanel(QWidget):
    """Composes the list and its controls; what the list holds is decided elsewhere."""

    # The kinds to list: a frozenset of ErrorKind.
    kinds_chosen = Signal(object)
    # Another SortOrder.
    order_chosen = Signal(object)
    # The person gives up the class or the cell that the list is narrowed to.
    widened = Signal()

    def __init__(self, model: ErrorModel, crops: Crops, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.list = ErrorList(model, crops, theme)
        self.kind_buttons = {kind: self._kind_button(kind) for kind in _KIND_NAMES}
        self.order = QComboBox()
        for order in SortOrder:
            self.order.addItem(order.value, order)
        self.order.setToolTip("Order of the list")
        self.order.activated.connect(lambda _row: self.order_chosen.emit(SortOrder(self.order.currentData())))
        self.progress = QLabel(alignment=Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.progress.setProperty("role", "muted")
        self.narrowed = QPushButton()
        self.narrowed.setObjectName("narrowed")
        self.narrowed.setToolTip("Show all classes again")
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

    def show_narrowed(self, text: str) -> None:
        """Name the class or cell that the list is narrowed to; "" for none."""
        room = self.narrowed.fontMetrics().elidedText(text, Qt.TextElideMode.ElideMiddle, 220)
        self.narrowed.setText(room)
        self.narrowed.setVisible(bool(text))

    def show_progress(self, position: int, total: int) -> None:
        """``position`` counts from 1; 0 when no row is the current one."""
        where = count_text(position) if position else "–"
        self.progress.setText(f"{where} of {count_text(total)}")

    def _kind_button(self, kind: ErrorKind) -> QPushButton:
        button = QPushButton(_KIND_NAMES[kind])
        button.setCheckable(True)
        button.setProperty("role", "segment")
        button.setToolTip(TIPS[kind])
        button.clicked.connect(lambda _checked=False: self.kinds_chosen.emit(self.kinds() or EVERY_KIND))
        return button

    def _compose(self) -> None:
        kinds = QHBoxLayout()
        kinds.setSpacing(4)
        for button in self.kind_buttons.values():
            kinds.addWidget(button, 1)
        sort = QHBoxLayout()
        sort.setSpacing(8)
        sort.addWidget(self.order, 1)
        sort.addWidget(self.progress)
        head = QVBoxLayout()
        head.setContentsMargins(8, 6, 8, 8)
        head.setSpacing(6)
        head.addLayout(kinds)
        head.addLayout(sort)
        head.addWidget(self.narrowed)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addLayout(head)
        whole.addWidget(self.list, 1)
        self.show_narrowed("")

    def _paint_icon(self) -> None:
        self.narrowed.setIcon(self._theme.icon("close"))
