"""Augmented training images with their boxes, while the settings beside change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QDialogButtonBox, QLabel, QPushButton, QStackedWidget, QVBoxLayout, QWidget

from app.services.theme import Theme
from app.widgets.empty_state import EmptyState
from app.widgets.fitted_dialog import FittedDialog

_GAP = 8
_SIZE = QSize(840, 640)
_LEAST = QSize(420, 320)

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewPicture:
    """An image with the boxes to learn, each in a colour, and the areas to ignore; in its pixels."""

    image: QImage
    boxes: tuple[tuple[Box, QColor], ...]
    ignored: tuple[Box, ...]

    @property
    def size(self) -> str:
        return f"{self.image.width()} × {self.image.height()}"


class PreviewGrid(QWidget):
    """Pictures in rows and columns, as large as all have room, with their sizes below."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.pictures: Sequence[PreviewPicture] = ()
        self.setMinimumSize(_LEAST)
        theme.changed.connect(self.update)

    def show_pictures(self, pictures: Sequence[PreviewPicture]) -> None:
        self.pictures = pictures
        sizes = ", ".join(dict.fromkeys(picture.size for picture in pictures))
        self.setAccessibleName(f"{len(pictures)} augmented training images of {sizes} pixels")
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        for picture, cell in zip(self.pictures, self._cells(), strict=True):
            size = picture.image.size().scaled(cell.size().toSize(), Qt.AspectRatioMode.KeepAspectRatio)
            place = QRectF(QPointF(0, 0), size.toSizeF())
            place.moveCenter(cell.center())
            painter.drawImage(place, picture.image)
            self._paint_boxes(painter, picture, place)
            painter.setPen(self._theme.color("text_muted"))
            below = QRectF(cell.left(), place.bottom(), cell.width(), self._line)
            painter.drawText(below, Qt.AlignmentFlag.AlignCenter, picture.size)

    @property
    def _line(self) -> int:
        """The height of what is said below a picture."""
        return self.fontMetrics().height()

    def _paint_boxes(self, painter: QPainter, picture: PreviewPicture, place: QRectF) -> None:
        scale = place.width() / picture.image.width()
        painter.setBrush(Qt.BrushStyle.NoBrush)
        ignored = self._theme.color("text_muted")
        marked = [(box, QPen(ignored, 1.5, Qt.PenStyle.DashLine)) for box in picture.ignored]
        marked += [(box, QPen(color, 2.0)) for box, color in picture.boxes]
        for (x1, y1, x2, y2), pen in marked:
            pen.setJoinStyle(Qt.PenJoinStyle.MiterJoin)
            edges = QRectF(x1 * scale, y1 * scale, (x2 - x1) * scale, (y2 - y1) * scale)
            painter.setPen(pen)
            painter.drawRect(edges.translated(place.topLeft()).adjusted(1, 1, -1, -1))

    def _cells(self) -> list[QRectF]:
        """A place for each, in as many columns as make them largest."""
        count = len(self.pictures)
        if not count:
            return []
        first = self.pictures[0].image
        aspect = first.width() / first.height()

        def cell(columns: int) -> tuple[float, float]:
            rows = -(-count // columns)
            return (
                (self.width() - _GAP * (columns - 1)) / columns,
                (self.height() - _GAP * (rows - 1)) / rows - self._line,
            )

        def shown(columns: int) -> float:
            width, height = cell(columns)
            return min(width, height * aspect)

        columns = max(range(1, count + 1), key=shown)
        width = shown(columns)
        height, rows = width / aspect, -(-count // columns)
        across, down = width + _GAP, height + self._line + _GAP
        left = (self.width() + _GAP - columns * across) / 2
        top = (self.height() + _GAP - rows * down) / 2
        return [
            QRectF(left + (at % columns) * across, top + (at // columns) * down, width, height)
            for at in range(count)
        ]


class PreviewDialog(FittedDialog):
    """Stays beside the page, whose settings can be changed meanwhile.

    Signals:
        another_wanted(): Another batch was pressed.
    """

    another_wanted = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Training images")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.about = QLabel(wordWrap=True)
        self.about.setProperty("role", "muted")
        self.grid = PreviewGrid(theme)
        self.empty = EmptyState(theme)
        self.middle = QStackedWidget()
        self.middle.addWidget(self.grid)
        self.middle.addWidget(self.empty)
        self.another = QPushButton("Another batch")
        self.another.setToolTip("Show the images that a training draws next (Return)")
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.addButton(self.another, QDialogButtonBox.ButtonRole.ActionRole)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 16, 16, 16)
        layout.setSpacing(12)
        layout.addWidget(self.about)
        layout.addWidget(self.middle, 1)
        layout.addWidget(buttons)
        self.resize(_SIZE)
        buttons.button(QDialogButtonBox.StandardButton.Close).setAutoDefault(False)
        self.another.setDefault(True)
        self.another.setFocus()
        self.another.clicked.connect(self.another_wanted)
        buttons.rejected.connect(self.close)
        self.show_empty("image-multiple-outline", "Drawing the first images…", "")

    def show_pictures(self, pictures: Sequence[PreviewPicture], about: str) -> None:
        self.grid.show_pictures(pictures)
        self.middle.setCurrentWidget(self.grid)
        self._say(about)

    def show_empty(self, icon: str, title: str, text: str) -> None:
        self.empty.show_state(icon, title, text)
        self.middle.setCurrentWidget(self.empty)
        self._say("")

    def _say(self, about: str) -> None:
        self.about.setText(about)
        self.about.setVisible(bool(about))
        if bool(about) != self.another.isEnabled():
            self.another.setEnabled(bool(about))
            self.another.setFocus()  # it went to Close while this one could not be pressed
