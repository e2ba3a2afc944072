"""A button for a verdict: its key, and what it says."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QAction, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from app.services.actions import key_text
from app.services.figures import counted
from app.services.theme import SMALL_TEXT, Theme
from app.widgets.painting import paint_key_cap, sized_font

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
