"""A network as boxes and arrows."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
    QPolygonF,
    QTransform,
)
from PySide6.QtWidgets import QToolTip, QWidget

from app.services.figures import count_text, counted
from app.services.theme import SMALL_TEXT, Theme
from app.widgets.painting import faded, sized_font
from detcore.zoo.drawing import IMAGE, Arrow, Box, Drawing, amount_text, draw, shade
from detcore.zoo.outline import Outline, Stage

_TIP = 7.0
_RADIUS = 4.0
_PALE = 0.35
_LEAST_SCALE = 0.75
"""What its text can still be read at."""
_NONE = -2


class OutlineDrawing(QWidget):
    """Paints an outline, smaller where there is little room. A click or the arrow keys pick a stage, whose arrows then stand out; what
    the box below the pointer is made of is in its tooltip.

    Signals:
        picked(int): this stage is picked, by its row; -1 for none.
    """

    picked = Signal(int)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._outline: Outline | None = None
        self._drawing: Drawing | None = None
        self.current = _NONE
        """The stage that is picked, by its row."""
        self._pale = False
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        theme.changed.connect(self.update)

    def show_outline(self, outline: Outline) -> None:
        self._outline, self._drawing = outline, draw(outline)
        self._pale = False
        self.setMinimumSize(self.sizeHint() * _LEAST_SCALE)
        self._pick(_NONE)
        roles = ", ".join(dict.fromkeys(stage.role for stage in outline.stages))
        self.setAccessibleName(f"Drawing of the network: {roles}, {counted(len(outline.stages), 'stage')}")
        self.update()

    def show_outdated(self) -> None:
        """Another one is being made."""
        self._pale = True
        self.update()

    def sizeHint(self) -> QSize:
        drawing = self._drawing
        return QSize() if drawing is None else QSize(round(drawing.width), round(drawing.height))

    def stage_at(self, point: QPointF) -> int | None:
        """The stage whose box is there, ``IMAGE`` for the image."""
        box = self._box_at(point)
        return None if box is None else box.stage

    def place_of(self, stage: int) -> QRectF:
        """Where the box of a stage is, in the widget."""
        boxes = () if self._drawing is None else self._drawing.boxes
        return self._placing.mapRect(next(_area(box) for box in boxes if box.stage == stage))

    @property
    def _placing(self) -> QTransform:
        """From the drawing to the widget, in whose middle it stands."""
        size = self.sizeHint()
        if size.isEmpty():
            return QTransform()
        fitting = min(1.0, self.width() / size.width(), self.height() / size.height())
        scale = max(fitting, _LEAST_SCALE)
        left, top = (
            max(room, 0.0) / 2
            for room in (self.width() - scale * size.width(), self.height() - scale * size.height())
        )
        return QTransform.fromTranslate(left, top).scale(scale, scale)

    def _box_at(self, point: QPointF) -> Box | None:
        boxes = () if self._drawing is None else self._drawing.boxes
        inside = self._placing.inverted()[0].map(point)
        return next((box for box in boxes if _area(box).contains(inside)), None)

    def paintEvent(self, _event: QPaintEvent) -> None:
        drawing = self._drawing
        if drawing is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setOpacity(_PALE if self._pale else 1.0)
        painter.setWorldTransform(self._placing, True)
        for arrow in sorted(drawing.arrows, key=self._stands_out):
            self._paint_arrow(painter, arrow)
        for box in drawing.boxes:
            self._paint_box(painter, box)
        self._paint_headings(painter, drawing)
        if self.hasFocus():
            painter.resetTransform()
            painter.setOpacity(1.0)
            painter.setPen(QPen(self._theme.color("accent_text"), 2.0))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(self.rect().adjusted(1, 1, -1, -1))

    def _stands_out(self, arrow: Arrow) -> bool:
        return self.current in (arrow.source, arrow.target)

    def _paint_arrow(self, painter: QPainter, arrow: Arrow) -> None:
        start, one, two, end = (QPointF(*point) for point in arrow.points)
        strong = self._stands_out(arrow)
        color = self._theme.color("accent_text" if strong else "line_strong")
        path = QPainterPath(start)
        path.cubicTo(one, two, end)
        painter.setPen(QPen(color, 2.0 if strong else 1.25))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPath(path)
        along = end - two
        length = max((along.x() ** 2 + along.y() ** 2) ** 0.5, 1e-6)
        back, side = along * (_TIP / length), QPointF(-along.y(), along.x()) * (0.45 * _TIP / length)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(color)
        painter.drawPolygon(QPolygonF([end, end - back + side, end - back - side]))

    def _paint_box(self, painter: QPainter, box: Box) -> None:
        area, theme = _area(box), self._theme
        current = box.stage == self.current
        painter.setPen(
            QPen(theme.color("accent_text" if current else "line_strong"), 2.0 if current else 1.0)
        )
        painter.setBrush(theme.color("raised"))
        painter.drawRoundedRect(area, _RADIUS, _RADIUS)
        painter.setBrush(faded(theme.color("accent"), shade(box.share)))
        painter.drawRoundedRect(area, _RADIUS, _RADIUS)
        middle, line = area.center().y(), SMALL_TEXT + 3
        painter.setFont(sized_font(self, SMALL_TEXT))
        for text, top in ((box.shape, middle - line), (box.cost, middle)):
            painter.setPen(theme.color("text"))
            painter.drawText(QRectF(area.left(), top, area.width(), line), Qt.AlignmentFlag.AlignCenter, text)

    def _paint_headings(self, painter: QPainter, drawing: Drawing) -> None:
        for heading in drawing.headings:
            for text, top, bold, token in (
                (heading.role, 12, True, "text"),
                (heading.cost, 28, False, "text_muted"),
            ):
                painter.setFont(sized_font(self, SMALL_TEXT, bold=bold))
                painter.setPen(self._theme.color(token))
                painter.drawText(
                    QRectF(heading.x - 100, top, 200, SMALL_TEXT + 4), Qt.AlignmentFlag.AlignCenter, text
                )

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            stage = self.stage_at(event.position())
            self._pick(_NONE if stage is None or stage == IMAGE else stage)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {Qt.Key.Key_Right: 1, Qt.Key.Key_Down: 1, Qt.Key.Key_Left: -1, Qt.Key.Key_Up: -1}
        count = 0 if self._outline is None else len(self._outline.stages)
        if count and event.key() in step:
            now = max(self.current, -1)
            self._pick(min(max(now + step[Qt.Key(event.key())], 0), count - 1))
        else:
            super().keyPressEvent(event)

    def _pick(self, stage: int) -> None:
        self.current = stage
        self.picked.emit(max(stage, -1))
        self.update()

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and self._outline is not None:
            box = self._box_at(QPointF(event.pos()))
            if box is None or box.stage == IMAGE:
                QToolTip.hideText()
            else:
                QToolTip.showText(event.globalPos(), stage_text(self._outline.stages[box.stage]), self)
            return True
        return super().event(event)


def stage_text(stage: Stage) -> str:
    """What a stage is made of."""
    layers = ", ".join(f"{count} × {kind}" for kind, count in stage.layers.items())
    places = (
        f"{stage.rows} × {stage.columns} places" if stage.is_map else f"a list of {count_text(stage.rows)}"
    )
    learnt = (
        counted(stage.parameters, "parameter")
        if stage.parameters
        else "Parameters shared with a stage before it"
    )
    return (
        f"{stage.role}, {places} with {counted(stage.channels, 'number')} each: {layers}. "
        f"{learnt}, {amount_text(stage.macs)} multiply-adds."
    )


def _area(box: Box) -> QRectF:
    return QRectF(box.x, box.y, box.width, box.height)
