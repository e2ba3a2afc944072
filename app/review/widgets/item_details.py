"""The box that is looked at: what it is, in words, and the verdicts that it can be given."""

from __future__ import annotations

from collections.abc import Collection

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QAction, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QGridLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from app.review.models.kind_looks import TYPE_TITLES, text_color
from app.review.texts import VERDICT_TITLES, cost_text, pair_text, suspicion_text
from app.services.actions import key_text
from app.services.figures import count_text, counted, ratio_text
from app.services.theme import SMALL_TEXT, Theme
from app.widgets.painting import paint_key_cap, sized_font
from detcore.review.entries import ErrorEntry
from detcore.review.verdicts import MOST_AT_ONCE

_HEIGHT, _CAP = 28, 18
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter


class VerdictButton(QAbstractButton):
    """Follows an action and triggers it; the key stands in front, where the eye learns it."""

    def __init__(self, action: QAction, text: str, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._action, self._theme = action, theme
        self._count = 1
        self.setText(text)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.clicked.connect(action.trigger)
        action.changed.connect(self._follow)
        theme.changed.connect(self.update)
        self._follow()

    @property
    def key_text(self) -> str:
        """The key that does the same, "" for none."""
        return key_text(self._action)

    def set_count(self, count: int) -> None:
        """To how many items it applies, where it makes sense."""
        if count != self._count:
            self._count = count
            self._follow()

    def _follow(self) -> None:
        self.setEnabled(self._action.isEnabled())
        all_of_them = f"<br>Of {counted(self._count, 'selected item')}, for those where it makes sense"
        self.setToolTip(self._action.toolTip() + (all_of_them if self._count > 1 else ""))
        self.setAccessibleName(self._action.text())
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(96, _HEIGHT)

    def minimumSizeHint(self) -> QSize:
        return QSize(84, _HEIGHT)

    def paintEvent(self, event: QPaintEvent) -> None:
        color = self._theme.color
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        frame = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        enabled = self.isEnabled()
        ground = "selection" if self.isDown() else "hover" if self.underMouse() else "raised"
        painter.setPen(QPen(color("line_strong" if enabled else "line"), 1))
        painter.setBrush(color(ground if enabled else "panel"))
        painter.drawRoundedRect(frame, 4, 4)
        font = sized_font(self, SMALL_TEXT, bold=True)
        painter.setFont(font)
        key = self.key_text
        cap = QRectF(5, (self.height() - _CAP) / 2, _CAP, _CAP)
        if len(key) != 1:
            cap.setWidth(painter.fontMetrics().horizontalAdvance(key) + 8 if key else 0)
        if key:
            paint_key_cap(painter, cap, key, self._theme, enabled=enabled)
        room = QRectF(cap.right() + 6, 0, self.width() - cap.right() - 8, self.height())
        for size in (SMALL_TEXT, SMALL_TEXT - 1):
            painter.setFont(sized_font(self, size))
            if painter.fontMetrics().horizontalAdvance(self.text()) <= room.width():
                break
        text = painter.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, int(room.width()))
        painter.drawText(room, _LEFT, text)


class ItemDetails(QWidget):
    """Text above buttons, one for each action handed in with what its button says. Verdicts are for all
    selected items, what ``moves`` names is not."""

    def __init__(
        self,
        theme: Theme,
        actions: dict[str, QAction],
        *,
        moves: Collection[str] = (),
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self._entry: ErrorEntry | None = None
        self._other = ""
        self._text = QLabel()
        self._text.setTextFormat(Qt.TextFormat.RichText)
        self._text.setWordWrap(True)
        self._text.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        self.selected = QLabel()
        self.selected.setWordWrap(True)
        self.selected.hide()
        column = QVBoxLayout(self)
        column.setContentsMargins(10, 8, 10, 8)
        column.setSpacing(4)
        column.addWidget(self._text)
        column.addSpacing(6)
        grid = QGridLayout()
        grid.setSpacing(4)
        buttons = {text: VerdictButton(action, text, theme) for text, action in actions.items()}
        for place, button in enumerate(buttons.values()):
            grid.addWidget(button, place // 2, place % 2)
        self._verdicts = [button for text, button in buttons.items() if text not in moves]
        column.addWidget(self.selected)
        column.addLayout(grid)
        theme.changed.connect(self._write)
        self._write()

    def show_entry(self, entry: ErrorEntry | None, other: str) -> None:
        """``other`` says which label or detection it lies on, "" for none."""
        self._entry, self._other = entry, other
        self._write()

    def show_selected(self, count: int) -> None:
        """Say that a verdict is for so many items; nothing below two."""
        what = (
            "A verdict is for all of them."
            if count <= MOST_AT_ONCE
            else f"A verdict is for at most {count_text(MOST_AT_ONCE)}: select fewer, or narrow the list."
        )
        self.selected.setText(f"<b>{counted(count, 'item')} selected.</b> {what}")
        self.selected.setVisible(count > 1)
        for button in self._verdicts:
            button.set_count(count)

    def text(self) -> str:
        return self._text.text()

    def _write(self) -> None:
        entry = self._entry
        muted = self._theme.tokens.text_muted
        if entry is None:
            self._text.setText(
                f'<span style="color:{muted}">Choose a box in the list or on the image.</span>'
            )
            return
        color = text_color(self._theme, entry.kind).name()
        width, height = entry.xyxy[2] - entry.xyxy[0], entry.xyxy[3] - entry.xyxy[1]
        rows = [
            f'<span style="color:{color}; font-weight:600">{TYPE_TITLES[entry.type]}</span>',
            f"<b>{_escape(pair_text(entry))}</b>",
            _confidence(entry),
            f"{width:.0f} × {height:.0f} px",
        ]
        if self._other:
            rows.append(_escape(self._other))
        if entry.cost:
            rows.append(f"Costs {cost_text(entry)}")
        if entry.suspicion is not None:
            rows.append(suspicion_text(entry.suspicion))
        if entry.verdict is not None:
            rows.append(f"✓ {VERDICT_TITLES[entry.verdict.kind]}, {_escape(entry.verdict.run)}")
        self._text.setText(
            rows[0]
            + "<br>"
            + rows[1]
            + "".join(f'<br><span style="color:{muted}">{row}</span>' for row in rows[2:])
        )


def _confidence(entry: ErrorEntry) -> str:
    if entry.is_detection:
        return f"Confidence {ratio_text(entry.score or 0.0, digits=3)}"
    if entry.score is None:
        return "Not found at any threshold"
    return f"Found from {ratio_text(entry.score, digits=3)} down"


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")
