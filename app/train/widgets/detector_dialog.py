"""All detectors in one list, to find one and choose it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QEvent, QModelIndex, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QFont, QHelpEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QProgressBar,
    QPushButton,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QToolTip,
    QVBoxLayout,
    QWidget,
)

from app.services.context import AppContext
from app.services.settings import Settings
from app.services.theme import BASE_TEXT, SMALL_TEXT, Theme
from app.train.detector_choice import DetectorChoice, detector_choices, speed_text
from app.train.widgets.inner_dialog import show_inside
from app.widgets.fitted_dialog import FittedDialog
from app.widgets.list_keys import ListKeys
from app.widgets.painting import paint_row, sized_font
from detcore.weights.cache import default_cache
from detcore.zoo.catalogue import detectors
from detcore.zoo.spec import DetectorSpec

CHOICE_ROLE = Qt.ItemDataRole.UserRole
ROW_HEIGHT, HEAD_HEIGHT = 46, 30
LINE, MARGIN, GAP = 20, 12, 16
_COLUMNS: tuple[tuple[str, int, str], ...] = (
    ("Parameters", 76, "Numbers that it learns"),
    ("Multiply-adds", 84, "For one image of its usual size"),
    (
        "Images/s",
        64,
        "Images that it looks at in a second on this machine, one at a time: Measure here finds out",
    ),
    ("Memory", 64, "About how much a training takes, with as many images a step as it is usually given"),
    ("Weights", 64, "Whether published weights to start from are here, or can be got"),
    ("Licence", 96, "Of its code"),
)
_DETAIL_LINES = 3
_NONE_FOUND = "No detector has these words."


def _cells(area: QRect) -> list[QRect]:
    """Where the figures of a row stand, and before them its title, in the first line of an area."""
    right = area.right() - MARGIN
    found: list[QRect] = []
    for _title, width, _tip in reversed(_COLUMNS):
        found.append(QRect(right - width, area.top() + 4, width, LINE))
        right -= width
    left = area.left() + MARGIN
    return [QRect(left, area.top() + 4, right - GAP - left, LINE), *reversed(found)]


class ColumnHeads(QWidget):
    """What the figures of the rows below are."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.room = 0
        """What the list has beside its rows."""
        self.setFixedHeight(LINE + 6)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setFont(sized_font(self, SMALL_TEXT))
        painter.setPen(self._theme.color("text_muted"))
        for (title, _width, _tip), cell in zip(_COLUMNS, self._cells(), strict=True):
            painter.drawText(cell, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, title)

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            cells = zip(_COLUMNS, self._cells(), strict=True)
            tip = next((column[2] for column, cell in cells if cell.contains(event.pos())), "")
            QToolTip.showText(event.globalPos(), tip, self)
            return True
        return super().event(event)

    def _cells(self) -> list[QRect]:
        return _cells(self.rect().adjusted(0, 0, -self.room, 0))[1:]


class DetectorDelegate(QStyledItemDelegate):
    """Two lines: title and figures; when to use it, or what is missing. The head of a group is one line."""

    def __init__(self, theme: Theme, settings: Settings, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme, self._settings = theme, settings

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
        painter.setFont(self._font(option, small=True, bold=True))
        painter.setPen(self._theme.color("text_muted"))
        line = QRect(area.left() + MARGIN, area.bottom() - LINE - 1, area.width() - 2 * MARGIN, LINE)
        painter.drawText(line, Qt.AlignmentFlag.AlignVCenter, title)

    def _paint_choice(self, painter: QPainter, option: QStyleOptionViewItem, choice: DetectorChoice) -> None:
        area = paint_row(painter, option, self._theme, edge=True)
        state: QStyle.StateFlag = option.state  # type: ignore[attr-defined]
        selected = bool(state & QStyle.StateFlag.State_Selected)
        align, right = Qt.AlignmentFlag.AlignVCenter, Qt.AlignmentFlag.AlignRight
        first, *cells = _cells(area)
        muted = self._theme.color("text" if selected else "text_muted")
        painter.setFont(self._font(option, small=True))
        painter.setPen(muted)
        speed = speed_text(self._settings.speed(choice.spec.id))
        figures = (choice.size, choice.arithmetic, speed, choice.memory, choice.weights, choice.spec.licence)
        for text, cell in zip(figures, cells, strict=True):
            shown = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, cell.width() - 4)
            painter.drawText(cell, align | right, shown)
        second = QRect(first.left(), first.top() + LINE - 2, area.width() - 2 * MARGIN, LINE)
        text = choice.missing or choice.spec.text
        elided = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, second.width())
        painter.drawText(second, align, elided)
        painter.setFont(self._font(option, bold=not choice.missing))
        painter.setPen(muted if choice.missing else self._theme.color("text"))
        metrics = painter.fontMetrics()
        title = metrics.elidedText(choice.spec.title, Qt.TextElideMode.ElideRight, first.width())
        painter.drawText(first, align, title)
        taken = metrics.horizontalAdvance(title) + 8
        painter.setFont(self._font(option, small=True))
        painter.setPen(muted)
        family = painter.fontMetrics().elidedText(
            choice.family, Qt.TextElideMode.ElideRight, first.width() - taken
        )
        painter.drawText(first.adjusted(taken, 0, 0, 0), align, family)

    @staticmethod
    def _font(option: QStyleOptionViewItem, *, small: bool = False, bold: bool = False) -> QFont:
        widget: QWidget = option.widget  # type: ignore[attr-defined]
        return sized_font(widget, SMALL_TEXT if small else BASE_TEXT, bold=bold)

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(200, HEAD_HEIGHT if index.data(CHOICE_ROLE) is None else ROW_HEIGHT)


class DetectorDialog(FittedDialog):
    """Type to find, up and down to walk, Enter to choose. What cannot be trained here says what to install; how fast it looks at
    images is measured when the user asks for it, and kept for this machine."""

    def __init__(
        self,
        choices: Sequence[DetectorChoice],
        model: str,
        context: AppContext,
        parent: QWidget | None = None,
    ) -> None:
        """``model`` is the id of the one chosen until now."""
        super().__init__(parent)
        self.setWindowTitle("Choose a detector")
        self.resize(900, 620)
        self._choices, self._model, self._context = choices, model, context
        self._measured: tuple[int, DetectorSpec] | None = None
        self.field = QLineEdit(placeholderText="Find a detector", clearButtonEnabled=True)
        self.field.setAccessibleName("Find a detector")
        self.heads = ColumnHeads(context.theme)
        self.list = QListWidget()
        self.list.setAccessibleName("Detectors")
        self.list.setMouseTracking(True)
        self.list.setItemDelegate(DetectorDelegate(context.theme, context.settings, self.list))
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)  # heads stand over figures
        self.heads.room = self.list.verticalScrollBar().sizeHint().width() + self.list.frameWidth()
        self.text = QLabel(wordWrap=True)
        self.text.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.text.setMinimumHeight(_DETAIL_LINES * self.text.fontMetrics().lineSpacing())
        self.measure = QPushButton("&Measure here")
        self.measure.setToolTip(
            "See how many images a second it looks at on this machine (Alt+M). Takes some seconds; nothing else should run meanwhile"
        )
        self.inside = QPushButton("&How it works…")
        self.inside.setToolTip("A drawing of its parts, what they cost, the paper and the code (Alt+H)")
        self.busy = QProgressBar(maximum=0)
        self.busy.setTextVisible(False)
        self.busy.setFixedWidth(120)
        self.busy.hide()
        self.said = QLabel(wordWrap=True)
        self.said.setProperty("role", "small")
        buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel
        )
        self.ok = buttons.button(QDialogButtonBox.StandardButton.Ok)
        self.ok.setText("Choose")
        foot = QHBoxLayout()
        foot.setSpacing(8)
        foot.addWidget(self.measure)
        foot.addWidget(self.inside)
        foot.addWidget(self.busy)
        foot.addWidget(self.said, 1)
        foot.addWidget(buttons)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 16, 16, 16)
        layout.setSpacing(8)
        layout.addWidget(self.field)
        rows = QVBoxLayout()
        rows.setSpacing(0)
        rows.addWidget(self.heads)
        rows.addWidget(self.list, 1)
        layout.addLayout(rows, 1)
        layout.addWidget(self.text)
        layout.addLayout(foot)
        ListKeys(self.field, self.list)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        self.measure.clicked.connect(self._measure_or_stop)
        self.inside.clicked.connect(self._show_inside)
        context.jobs.described.connect(self._take)
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

    def done(self, result: int) -> None:
        self._stop()
        self._context.jobs.described.disconnect(self._take)
        super().done(result)

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
        trainable = choice is not None and not choice.missing
        self.ok.setEnabled(trainable)
        self.inside.setEnabled(choice is not None)
        self._show_measuring()
        if choice is None:
            self.text.setText(_NONE_FOUND)
        else:
            self.text.setText(f"{choice.missing}\n{choice.spec.text}" if choice.missing else choice.spec.text)

    def _show_inside(self) -> None:
        if self.choice is not None:
            self._stop()
            show_inside(self, self.choice.spec.id, {}, self._context.jobs, self._context.theme, usable=False)

    def _measure_or_stop(self) -> None:
        if self._measured is not None:
            self._stop()
        elif self.choice is not None:
            spec = self.choice.spec
            number = self._context.jobs.describe(spec.id, {}, classes=spec.classes, measure=True)
            self._measured = number, spec
            self.said.setText(f"Measuring {spec.title}…")
            self._show_measuring()

    def _stop(self) -> None:
        if self._measured is not None:
            self._measured = None
            self._context.jobs.end_describing()
            self.said.clear()
            self._show_measuring()

    def _take(self, number: int, result: dict[str, Any], fault: str) -> None:
        if self._measured is None or self._measured[0] != number:
            return
        spec = self._measured[1]
        self._measured = None
        if fault:
            self.said.setText(f"{spec.title} could not be measured: {fault}")
        else:
            speed = float(result["images_a_second"])
            self._context.settings.set_speed(spec.id, speed)
            self.said.setText(f"{spec.title}: {speed_text(speed)} images a second")
        self._show_measuring()
        self.list.viewport().update()

    def _show_measuring(self) -> None:
        busy, choice = self._measured is not None, self.choice
        self.busy.setVisible(busy)
        self.measure.setText("Stop &measuring" if busy else "&Measure here")
        self.measure.setEnabled(busy or (choice is not None and not choice.missing))


def ask_detector(parent: QWidget, model: str, context: AppContext) -> str | None:
    """Show the dialog; the id of the detector chosen, ``None`` when it was cancelled."""
    choices = detector_choices(detectors().values(), default_cache())
    dialog = DetectorDialog(choices, model, context, parent)
    try:
        accepted = dialog.exec() == QDialog.DialogCode.Accepted
        return dialog.choice.spec.id if accepted and dialog.choice is not None else None
    finally:
        dialog.deleteLater()
