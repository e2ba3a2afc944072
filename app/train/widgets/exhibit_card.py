"""Small pictures of images with their boxes, to be opened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton

from app.services.theme import Theme
from app.widgets.pictures import THUMBNAIL_SIDE, Thumbnails

CARD = QSize(104, 78)


@dataclass(frozen=True, kw_only=True)
class Exhibit:
    """An image of a batch: where its file is, its size, and its boxes (x1, y1, x2, y2) with their colours."""

    image_id: int
    path: Path
    name: str
    size: tuple[int, int] | None
    boxes: Sequence[tuple[QRectF, str]]


class ExhibitCard(QAbstractButton):
    """A button with the picture of an image."""

    def __init__(self, exhibit: Exhibit, thumbnails: Thumbnails, theme: Theme) -> None:
        super().__init__()
        self._exhibit, self._thumbnails, self._theme = exhibit, thumbnails, theme
        self.setFixedSize(CARD)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setToolTip(f"{exhibit.name}\nClick to open it on the Label page")
        self.setAccessibleName(f"Open {exhibit.name} on the Label page")
        thumbnails.arrived.connect(self.update)

    def sizeHint(self) -> QSize:
        return CARD

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        tokens = self._theme.tokens
        painter.fillRect(self.rect(), QColor(tokens.field))
        image = self._thumbnails.request(self._exhibit.path, THUMBNAIL_SIDE)
        if image is not None:
            size = image.size().scaled(self.size(), Qt.AspectRatioMode.KeepAspectRatio)
            target = QRect(0, 0, size.width(), size.height())
            target.moveCenter(self.rect().center())
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawImage(target, image)
            self._paint_boxes(painter, target)
        if self.hasFocus() or self.underMouse():
            painter.setPen(QPen(QColor(tokens.accent_text if self.hasFocus() else tokens.line_strong), 2))
            painter.drawRect(self.rect().adjusted(1, 1, -1, -1))

    def _paint_boxes(self, painter: QPainter, target: QRect) -> None:
        if self._exhibit.size is None:
            return
        scale = target.width() / max(self._exhibit.size[0], 1)
        for box, colour in self._exhibit.boxes:
            edges = QRectF(box.x() * scale, box.y() * scale, box.width() * scale, box.height() * scale)
            painter.setPen(QPen(QColor(colour), 1.5))
            painter.drawRect(edges.translated(target.topLeft()))
