"""One item that paints all boxes, and one for what changes with each movement of the pointer."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPoint, QRect, QRectF
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from app.canvas import painting, style, tags
from app.canvas.display import LineStyle
from app.canvas.handles import Xyxy
from app.canvas.paint_cache import PaintCache
from app.canvas.projection import Projection, use_device_pixels
from app.canvas.stage import Stage
from app.canvas.tags import TagLayout, TagPainter

EVERYWHERE = QRectF(-1e7, -1e7, 2e7, 2e7)
"""Tags and lines reach beyond the boxes; what is out of view is left out by the painters."""


class BoxLayer(QGraphicsItem):
    """The boxes at rest, with their names. Those being dragged are left to the overlay."""

    def __init__(self, stage: Stage) -> None:
        super().__init__()
        self.setFlag(QGraphicsItem.GraphicsItemFlag.ItemUsesExtendedStyleOption)
        self._stage = stage
        self._cache = PaintCache()
        self._tag_painter = TagPainter()
        self._version = 0
        self.names_visible = True

    def refresh(self) -> None:
        """Paint anew."""
        self._version += 1
        self.update()

    def _paint_boxes(self, painter: QPainter, projection: Projection) -> None:
        boxes = self._stage.boxes
        device_boxes = projection.to_device(boxes.boxes)
        shown = projection.visible(device_boxes, margin=projection.px(style.TAG_HEIGHT + 4))
        if len(self._stage.preview_ids):
            shown = shown[~np.isin(boxes.ids[shown], self._stage.preview_ids)]
        painting.paint_boxes(painter, boxes, shown, projection)
        if self.names_visible:
            placed = tags.layout(boxes, shown, device_boxes[shown], projection, self._tag_painter)
            self._tag_painter.paint(painter, placed, projection)

    def boundingRect(self) -> QRectF:  # noqa: N802 - Qt's name
        return EVERYWHERE

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        if widget is not None and self._stage.boxes_visible and len(self._stage.boxes):
            self._cache.draw(painter, Projection.of(painter, widget), self._version, self._paint_boxes)


class Overlay(QGraphicsItem):
    """Selection, hover, what is being dragged or drawn, crosshair and size read-out."""

    def __init__(self, stage: Stage) -> None:
        super().__init__()
        self.setFlag(QGraphicsItem.GraphicsItemFlag.ItemUsesExtendedStyleOption)
        self._stage = stage
        self._tag_painter = TagPainter()
        self.names_visible = True
        self.pointer: QPoint | None = None
        """Where the mouse is, in logical pixels of the view; ``None`` when it is elsewhere."""
        self.has_crosshair = False

    def _paint(self, painter: QPainter, projection: Projection) -> None:
        stage = self._stage
        if stage.boxes_visible:
            if stage.hovered_id not in stage.selection and stage.draft is None:
                self._paint_box(painter, stage.hovered_id, projection, hovered=True)
            for box_id in stage.selection | frozenset(stage.preview_ids.tolist()):
                self._paint_box(painter, box_id, projection, hovered=False)
            self._paint_handles(painter, projection)
        if stage.band is not None:
            painting.paint_band(painter, stage.band, projection)
        if self.has_crosshair and self.pointer is not None:
            image = QRect(
                round(projection.dx),
                round(projection.dy),
                round(stage.image_size[0] * projection.scale),
                round(stage.image_size[1] * projection.scale),
            )
            painting.paint_crosshair(painter, self._in_device(self.pointer, projection), image, projection)
        if stage.draft is not None:
            self._paint_draft(painter, projection)
        elif len(stage.preview_ids) == 1:
            self._paint_readout(painter, stage.geometry(int(stage.preview_ids[0])), projection)

    def _paint_box(self, painter: QPainter, box_id: int, projection: Projection, *, hovered: bool) -> None:
        row, box = self._stage.boxes.row_of(box_id), self._stage.geometry(box_id)
        if (
            row is None
            or box is None
            or len(projection.visible(projection.to_device(np.array([box])), margin=40)) == 0
        ):
            return
        color = QColor.fromRgb(int(self._stage.boxes.colors[row]))
        painting.paint_highlight(
            painter,
            box,
            style.lightened(color) if hovered else color,
            LineStyle(int(self._stage.boxes.styles[row])),
            projection,
            line=style.LINE_WIDTH if hovered else style.SELECTED_LINE_WIDTH,
            fill_alpha=style.HOVER_FILL_ALPHA if hovered else style.SELECTED_FILL_ALPHA,
            halo=None if hovered else style.SELECTED_HALO,
        )
        self._paint_tag(painter, box, self._stage.boxes.names[row], color, projection)

    def _paint_tag(
        self, painter: QPainter, box: Xyxy, name: str, color: QColor, projection: Projection
    ) -> None:
        if not (self.names_visible and name):
            return
        rects = tags.place(
            projection.to_device(np.array([box])),
            self._tag_painter.widths([name], projection),
            projection,
            line=projection.px(style.SELECTED_LINE_WIDTH),
        )
        self._tag_painter.paint(painter, TagLayout(rects, [name], [color.rgb()]), projection)

    def _paint_handles(self, painter: QPainter, projection: Projection) -> None:
        box_id = self._stage.resizable()
        box = None if box_id is None else self._stage.geometry(box_id)
        row = None if box_id is None else self._stage.boxes.row_of(box_id)
        if box is not None and row is not None:
            color = QColor.fromRgb(int(self._stage.boxes.colors[row]))
            painting.paint_handles(painter, box, color, projection)

    def _paint_draft(self, painter: QPainter, projection: Projection) -> None:
        draft = self._stage.draft
        if draft is None or draft.box[2] <= draft.box[0] or draft.box[3] <= draft.box[1]:
            return
        painting.paint_highlight(
            painter,
            draft.box,
            draft.color,
            LineStyle.SOLID,
            projection,
            line=style.LINE_WIDTH,
            fill_alpha=style.SELECTED_FILL_ALPHA,
        )
        self._paint_tag(painter, draft.box, draft.name, draft.color, projection)
        self._paint_readout(painter, draft.box, projection)

    def _paint_readout(self, painter: QPainter, box: Xyxy | None, projection: Projection) -> None:
        """The size beside the pointer, or at the lower right corner when keys move the box."""
        if box is None:
            return
        x1, y1, x2, y2 = projection.to_device(np.array([box]))[0].tolist()
        center = QPoint(round((x1 + x2) / 2), round((y1 + y2) / 2))
        at = (
            QPoint(round(x2), round(y2))
            if self.pointer is None
            else self._in_device(self.pointer, projection)
        )
        painting.paint_readout(painter, painting.size_text(box), at, center, projection)

    @staticmethod
    def _in_device(point: QPoint, projection: Projection) -> QPoint:
        return QPoint(round(point.x() * projection.ratio), round(point.y() * projection.ratio))

    def boundingRect(self) -> QRectF:  # noqa: N802 - Qt's name
        return EVERYWHERE

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        if widget is None:
            return
        projection = Projection.of(painter, widget)
        painter.save()
        use_device_pixels(painter, projection.ratio)
        self._paint(painter, projection)
        painter.restore()
