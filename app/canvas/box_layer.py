"""One item that paints all boxes, and one for what changes with each movement of the pointer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from PySide6.QtCore import QPoint, QRect, QRectF
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from app.canvas import painting, style, tags
from app.canvas.display import DisplayBoxes, LineStyle
from app.canvas.handles import Xyxy
from app.canvas.paint_cache import PaintCache
from app.canvas.projection import EVERYWHERE, Projection, use_device_pixels
from app.canvas.stage import Stage
from app.canvas.tags import TagLayout, TagPainter
from detcore.types import FloatArray, IntArray

SURE_TAGS = 8
MANY = 50
"""A larger selection is kept as a picture while only the pointer moves."""


def _in_view(device_boxes: FloatArray, projection: Projection) -> IntArray:
    return projection.visible(device_boxes, margin=projection.px(style.TAG_HEIGHT + 4))


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
        self.placed = TagLayout.empty()
        """The tags of the picture that was painted last."""

    def forget(self) -> None:
        """Paint the boxes anew when the view is painted next."""
        self._version += 1

    def shows(self, boxes: DisplayBoxes, projection: Projection) -> bool:
        """Whether the picture that was painted last would be the same with other boxes."""
        before = self._stage.boxes
        rows, others = (_in_view(projection.to_device(each.boxes), projection) for each in (before, boxes))
        return self._cache.holds(projection, self._version) and before.has_same(rows, boxes, others)

    def _paint_boxes(self, painter: QPainter, projection: Projection) -> None:
        boxes = self._stage.boxes
        device_boxes = projection.to_device(boxes.boxes)
        shown = _in_view(device_boxes, projection)
        if len(self._stage.preview_ids):
            shown = shown[~np.isin(boxes.ids[shown], self._stage.preview_ids)]
        painting.paint_boxes(painter, boxes, shown, projection)
        self.placed = TagLayout.empty()
        if self.names_visible:
            self.placed = tags.layout(boxes, shown, device_boxes[shown], projection, self._tag_painter)
            self._tag_painter.paint(painter, self.placed, projection)

    def boundingRect(self) -> QRectF:
        return EVERYWHERE

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        if widget is not None and self._stage.boxes_visible and len(self._stage.boxes):
            self._cache.draw(
                painter, Projection.of(painter.worldTransform(), widget), self._version, self._paint_boxes
            )


class Overlay(QGraphicsItem):
    """Selection, hover, what is being dragged or drawn, crosshair and size read-out."""

    def __init__(self, stage: Stage, layer: BoxLayer) -> None:
        super().__init__()
        self.setFlag(QGraphicsItem.GraphicsItemFlag.ItemUsesExtendedStyleOption)
        self._stage, self._layer = stage, layer
        self._tag_painter = TagPainter()
        self._cache = PaintCache()
        self.names_visible = True
        self.pointer: QPoint | None = None
        """Where the mouse is, in logical pixels of the view; ``None`` when it is elsewhere."""
        self.has_crosshair = False

    def _paint(self, painter: QPainter, projection: Projection) -> None:
        stage = self._stage
        if stage.boxes_visible:
            self._paint_hovered(painter, projection)
            if len(stage.selection) > MANY:
                key = (stage.boxes, stage.selection, stage.preview_count, self.names_visible)
                self._cache.draw(painter, projection, key, self._paint_selected)
            else:
                self._paint_selected(painter, projection)
            self._paint_handles(painter, projection)
            self._paint_ghosts(painter, projection)
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

    def _paint_hovered(self, painter: QPainter, projection: Projection) -> None:
        stage = self._stage
        if not stage.hovered_id or stage.hovered_id in stage.selection or stage.draft is not None:
            return
        boxes = stage.shown([stage.hovered_id])
        light = [style.lightened(QColor.fromRgb(color)).rgb() for color in boxes.colors.tolist()]
        painting.paint_highlights(
            painter,
            replace(boxes, colors=np.array(light, np.uint32)),
            projection,
            line=style.LINE_WIDTH,
            fill_alpha=style.HOVER_FILL_ALPHA,
        )
        self._paint_tags(painter, boxes, projection)

    def _paint_selected(self, painter: QPainter, projection: Projection) -> None:
        boxes = self._stage.shown(self._stage.selection | frozenset(self._stage.preview_ids.tolist()))
        boxes = boxes.take(_in_view(projection.to_device(boxes.boxes), projection))
        painting.paint_highlights(
            painter,
            boxes,
            projection,
            line=style.SELECTED_LINE_WIDTH,
            fill_alpha=style.SELECTED_FILL_ALPHA,
            halo=style.SELECTED_HALO,
        )
        self._paint_tags(painter, boxes, projection)

    def _paint_tags(self, painter: QPainter, boxes: DisplayBoxes, projection: Projection) -> None:
        """Few boxes have their tags for sure, of many those that have room. A tag stays where the layer
        beneath has it, else it keeps clear of those there."""
        if not self.names_visible:
            return
        rows = np.arange(len(boxes), dtype=np.int64)
        device_boxes = projection.to_device(boxes.boxes)
        if len(boxes) > SURE_TAGS:
            placed = tags.layout(boxes, rows, device_boxes, projection, self._tag_painter)
        else:
            named = np.array([row for row in rows.tolist() if boxes.names[row]], np.int64)
            texts = [boxes.names[int(row)] for row in named]
            widths = self._tag_painter.widths(texts, projection)
            line = projection.px(style.SELECTED_LINE_WIDTH)
            options = tags.places(device_boxes[named], widths, projection, line=line)
            at_rest = self._stage.draft is None and not len(self._stage.preview_ids)
            rects = [
                tags.clear_of(options[:, at], self._layer.placed, box_id) if at_rest else options[0, at]
                for at, box_id in enumerate(boxes.ids[named].tolist())
            ]
            rects = np.array(rects, np.int32).reshape(-1, 4)
            placed = TagLayout(boxes.ids[named], rects, texts, boxes.colors[named].tolist())
        self._tag_painter.paint(painter, placed, projection)

    def _paint_handles(self, painter: QPainter, projection: Projection) -> None:
        box_id = self._stage.resizable()
        if box_id is not None:
            boxes = self._stage.shown([box_id])
            painting.paint_handles(painter, boxes, projection)

    def _paint_ghosts(self, painter: QPainter, projection: Projection) -> None:
        ghosts = self._stage.ghosts
        if not len(ghosts):
            return
        painting.paint_highlights(painter, ghosts, projection, line=style.SELECTED_LINE_WIDTH, fill_alpha=0)
        (x1, y1, x2, y2), *_ = projection.to_device(ghosts.boxes).round().astype(int).tolist()
        center = QPoint((x1 + x2) // 2, (y1 + y2) // 2)
        painting.paint_readout(painter, ghosts.names[0], QPoint(x2, y2), center, projection)

    def _paint_draft(self, painter: QPainter, projection: Projection) -> None:
        draft = self._stage.draft
        if draft is None or draft.box[2] <= draft.box[0] or draft.box[3] <= draft.box[1]:
            return
        rectangle = DisplayBoxes.one(draft.box, draft.color.rgb(), LineStyle.SOLID, draft.name)
        painting.paint_highlights(
            painter, rectangle, projection, line=style.LINE_WIDTH, fill_alpha=style.SELECTED_FILL_ALPHA
        )
        self._paint_tags(painter, rectangle, projection)
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

    def boundingRect(self) -> QRectF:
        return EVERYWHERE

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        if widget is None:
            return
        projection = Projection.of(painter.worldTransform(), widget)
        painter.save()
        use_device_pixels(painter, projection.ratio)
        self._paint(painter, projection)
        painter.restore()
