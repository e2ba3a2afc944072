"""An image with what another program did to its boxes."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from app.services.theme import Theme
from app.widgets.pictures import THUMBNAIL_SIDE, Thumbnails
from detcore.exchange.in_place.linked import OutsideChange
from detcore.formats.in_place import FileBox

_MARGIN = 12


class ChangePicture(QWidget):
    """Paints the image with the boxes that went (dashed) and those that came."""

    def __init__(self, theme: Theme, thumbnails: Thumbnails, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme, self._thumbnails = theme, thumbnails
        self._change: OutsideChange | None = None
        self.setMinimumSize(320, 240)
        thumbnails.arrived.connect(self.update)
        theme.changed.connect(self.update)

    def show_change(self, change: OutsideChange | None) -> None:
        self._change = change
        told = [] if change is None else [_told(one.before, one.after) for one in change.differences]
        self.setAccessibleName("" if change is None else change.image.name)
        self.setAccessibleDescription("; ".join(told))
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(520, 400)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        tokens = self._theme.tokens
        painter.fillRect(self.rect(), QColor(tokens.surround))
        if self._change is None:
            return
        area = QRectF(self.rect()).adjusted(_MARGIN, _MARGIN, -_MARGIN, -_MARGIN)
        width, height = self._change.size
        scale = min(area.width() / width, area.height() / height)
        place = QRectF(0, 0, width * scale, height * scale)
        place.moveCenter(area.center())
        image = self._thumbnails.request(self._change.image, THUMBNAIL_SIDE)
        if image is not None:
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawImage(place, image)
        for difference in self._change.differences:
            if difference.before is not None:
                self._draw(painter, difference.before, place, scale, tokens.fp, Qt.PenStyle.DashLine)
            if difference.after is not None:
                self._draw(painter, difference.after, place, scale, tokens.tp, Qt.PenStyle.SolidLine)

    def _draw(
        self, painter: QPainter, box: FileBox, place: QRectF, scale: float, color: str, style: Qt.PenStyle
    ) -> None:
        x1, y1, x2, y2 = (edge * scale for edge in box.xyxy)
        outline = QRectF(place.left() + x1, place.top() + y1, x2 - x1, y2 - y1)
        painter.setPen(QPen(QColor("white"), 4))
        painter.drawRect(outline)
        painter.setPen(QPen(QColor(color), 2, style))
        painter.drawRect(outline)


def _told(before: FileBox | None, after: FileBox | None) -> str:
    if before is None and after is not None:
        return f"{after.name} added"
    if after is None and before is not None:
        return f"{before.name} removed"
    return f"{before.name if before else ''} changed"
