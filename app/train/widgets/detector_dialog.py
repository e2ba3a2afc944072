"""All detectors in one list, to find one and choose it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QFont, QPainter
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from app.services.theme import BASE_TEXT, SMALL_TEXT, Theme
from app.train.detector_choice import DetectorChoice, detector_choices, figures_text
from app.widgets.fitted_dialog import FittedDialog
from app.widgets.list_keys import ListKeys
from app.widgets.painting import paint_row
from detcore.zoo.catalogue import detectors

CHOICE_ROLE = Qt.ItemDataRole.UserRole
ROW_HEIGHT, HEAD_HEIGHT = 46, 30
LINE, MARGIN, GAP = 20, 12, 16
_DETAIL_LINES = 4
_NONE_FOUND = "No detector has these words."


class DetectorDelegate(QStyledItemDelegate):
    """Two lines: title, size and licence; when to use it, or what is missing. The head of a group is one line."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        choice: DetectorChoice | None = index.data(CHOICE_ROLE)
        painter.save()
        if choice is None:
            self._paint_head(painter, option, index.data())
        else:
            self._paint_choice(painter, option, choice)
        painter.restore()

    def _paint_head(self, painter: QPainter, option: QStyleOptionViewItem, title: str) -> None:
        area: QRect = option.rect  # type: ignore[attr-defined]
        painter.setFont(_font(painter, small=True, bold=True))
        painter.setPen(self._theme.color("text_muted"))
        line = QRect(area.left() + MARGIN, area.bottom() - LINE - 1, area.width() - 2 * MARGIN, LINE)
        painter.drawText(line, Qt.AlignmentFlag.AlignVCenter, title)

    def _paint_choice(self, painter: QPainter, option: QStyleOptionViewItem, choice: DetectorChoice) -> None:
        area = paint_row(painter, option, self._theme, edge=True)
        state: QStyle.StateFlag = option.state  # type: ignore[attr-defined]
        selected = bool(state & QStyle.StateFlag.State_Selected)
        align, right = Qt.AlignmentFlag.AlignVCenter, Qt.AlignmentFlag.AlignRight
        first = QRect(area.left() + MARGIN, area.top() + 4, area.width() - 2 * MARGIN, LINE)
        second = first.translated(0, LINE - 2)
        muted = self._theme.color("text" if selected else "text_muted")
        painter.setFont(_font(painter, small=True))
        painter.setPen(muted)
        figures = f"{choice.size} · {choice.spec.licence}"
        taken = painter.fontMetrics().horizontalAdvance(figures) + GAP
        painter.drawText(first, align | right, figures)
        text = choice.missing or choice.spec.text
        elided = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, second.width())
        painter.drawText(second, align, elided)
        painter.setFont(_font(painter, bold=not choice.missing))
        painter.setPen(muted if choice.missing else self._theme.color("text"))
        room = first.width() - taken
        title = painter.fontMetrics().elidedText(choice.spec.title, Qt.TextElideMode.ElideRight, room)
        painter.drawText(first, align, title)

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(200, HEAD_HEIGHT if index.data(CHOICE_ROLE) is None else ROW_HEIGHT)


class DetectorDialog(FittedDialog):
    """Type to find, up and down to walk, Enter to choose. What cannot be trained here says what to install."""

    def __init__(
        self, choices: Sequence[DetectorChoice], model: str, theme: Theme, parent: QWidget | None = None
    ) -> None:
        """``model`` is the id of the one chosen until now."""
        super().__init__(parent)
        self.setWindowTitle("Choose a detector")
        self.resize(560, 580)
        self._choices, self._model = choices, model
        self.field = QLineEdit(placeholderText="Find a detector", clearButtonEnabled=True)
        self.field.setAccessibleName("Find a detector")
        self.list = QListWidget()
        self.list.setAccessibleName("Detectors")
        self.list.setMouseTracking(True)
        self.list.setItemDelegate(DetectorDelegate(theme, self.list))
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.figures = QLabel(wordWrap=True)
        self.figures.setProperty("role", "small")
        self.text = QLabel(wordWrap=True)
        self.text.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.text.setMinimumHeight(_DETAIL_LINES * self.text.fontMetrics().lineSpacing())
        buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel
        )
        self.ok = buttons.button(QDialogButtonBox.StandardButton.Ok)
        self.ok.setText("Choose")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 16, 16, 16)
        layout.setSpacing(8)
        layout.addWidget(self.field)
        layout.addWidget(self.list, 1)
        layout.addWidget(self.figures)
        layout.addWidget(self.text)
        layout.addWidget(buttons)
        ListKeys(self.field, self.list)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        self.list.itemDoubleClicked.connect(lambda _item: self.ok.click())
        self.list.currentItemChanged.connect(lambda _now, _before: self._show_current())
        self.field.textChanged.connect(self._fill)
        self._fill()
        self.field.setFocus()

    @property
    def choice(self) -> DetectorChoice | None:
        """The row that is current."""
        item = self.list.currentItem()
        return None if item is None else item.data(CHOICE_ROLE)

    def _fill(self) -> None:
        """List what holds all the words of the field, in its groups."""
        words = self.field.text().lower().split()
        self.list.clear()
        group, current = "", None
        for choice in self._choices:
            if not choice.holds(words):
                continue
            if choice.group != group:
                group = choice.group
                head = QListWidgetItem(group, self.list)
                head.setFlags(Qt.ItemFlag.NoItemFlags)
            item = QListWidgetItem(choice.spec.title, self.list)
            item.setData(CHOICE_ROLE, choice)
            item.setData(Qt.ItemDataRole.AccessibleTextRole, str(choice))
            if current is None or choice.spec.id == self._model:
                current = item
        if current is not None:
            self.list.setCurrentItem(current)
        self._show_current()

    def _show_current(self) -> None:
        choice = self.choice
        self.ok.setEnabled(choice is not None and not choice.missing)
        self.figures.setText("" if choice is None else figures_text(choice.spec))
        if choice is None:
            self.text.setText(_NONE_FOUND)
        else:
            self.text.setText(f"{choice.missing}\n{choice.spec.text}" if choice.missing else choice.spec.text)


def _font(painter: QPainter, *, small: bool = False, bold: bool = False) -> QFont:
    font = QFont(painter.font())
    font.setWeight(QFont.Weight.DemiBold if bold else QFont.Weight.Normal)
    font.setPixelSize(SMALL_TEXT if small else BASE_TEXT)
    return font


def ask_detector(parent: QWidget, model: str, theme: Theme) -> str | None:
    """Show the dialog; the id of the detector chosen, ``None`` when it was cancelled."""
    dialog = DetectorDialog(detector_choices(detectors().values()), model, theme, parent)
    try:
        accepted = dialog.exec() == QDialog.DialogCode.Accepted
        return dialog.choice.spec.id if accepted and dialog.choice is not None else None
    finally:
        dialog.deleteLater()
