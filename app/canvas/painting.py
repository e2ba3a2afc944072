"""What the canvas paints over an image, piece by piece. The painter's coordinates are device pixels."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPoint, QRect, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QFont, QImage, QPainter

from app.canvas import frames, style
from app.canvas.display import DisplayBoxes, LineStyle
from app.canvas.handles import Xyxy, handle_points
from app.canvas.projection import PixelRects, Projection
from app.canvas.tags import tag_font
from detcore.types import IntArray


def paint_boxes(painter: QPainter, boxes: DisplayBoxes, rows: IntArray, projection: Projection) -> None:
    """Outlines of many boxes, with hatching: all dark casings first, then one pass for each colour.

    To be painted on a transparent picture: casings take the place of what is there, which is fast
    and does not add up to black where many boxes cross.
    """
    edges = frames.snapped(projection.to_device(boxes.boxes[rows]))
    _paint_hatching(painter, boxes, rows, edges, projection)
    outlines = [
        (color, outline_rects(edges[places], LineStyle(line_style), projection, line=style.LINE_WIDTH))
        for color, line_style, places in _by_look(boxes, rows)
    ]
    casing = projection.px(style.CASING_WIDTH)
    painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_Source)
    for _, rects in outlines:
        frames.fill(painter, frames.grown(rects, casing), style.CASING_COLOR)
    painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_SourceOver)
    for color, rects in outlines:
        frames.fill(painter, rects, QColor.fromRgb(color))


def _by_look(boxes: DisplayBoxes, rows: IntArray) -> list[tuple[int, int, IntArray]]:
    """(colour, line style, places in ``rows``) of the rows that look alike."""
    looks = boxes.colors[rows].astype(np.int64) << 8 | boxes.styles[rows]
    order = np.argsort(looks, kind="stable")
    values, starts = np.unique(looks[order], return_index=True)
    groups = np.split(order, starts[1:])
    return [(value >> 8, value & 0xFF, group) for value, group in zip(values.tolist(), groups, strict=False)]


_DASHES = [(style.DASH_LENGTH, style.DASH_GAP)]
_BROKEN = {
    LineStyle.DASHED: _DASHES,
    LineStyle.THIN_DASHED: _DASHES,
    LineStyle.DOTTED: [(style.DOT_LENGTH, style.DOT_GAP)],
    LineStyle.DASH_DOTTED: [
        (style.DASH_LENGTH, style.DOT_LENGTH + 2 * style.DOT_GAP),
        (style.DOT_LENGTH, style.DASH_LENGTH + 2 * style.DOT_GAP),
    ],
}
"""Lengths of dashes and gaps; of a second sort lie between those of the first."""


def outline_rects(
    edges: PixelRects, line_style: LineStyle, projection: Projection, *, line: int
) -> PixelRects:
    """The outlines of boxes as rectangles to fill; ``line`` is the usual width in logical pixels."""
    thickness = projection.px(line - style.THINNER if line_style is LineStyle.THIN_DASHED else line)
    if line_style is LineStyle.SOLID:
        near = frames.clamped(edges, width=projection.width, height=projection.height)
        return frames.solid_frames(near, thickness)
    lines = [
        frames.dashed_frames(
            edges,
            thickness,
            dash=projection.px(dash),
            gap=projection.px(gap),
            width=projection.width,
            height=projection.height,
            between=number > 0,
        )
        for number, (dash, gap) in enumerate(_BROKEN[line_style])
    ]
    return np.concatenate(lines)


def _paint_hatching(
    painter: QPainter, boxes: DisplayBoxes, rows: IntArray, edges: PixelRects, projection: Projection
) -> None:
    hatched = boxes.hatched[rows]
    if not hatched.any():
        return
    near = frames.clamped(edges[hatched], width=projection.width, height=projection.height)
    colors = boxes.colors[rows][hatched]
    for color in np.unique(colors).tolist():
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(_hatch_brush(color, projection))
        # With the origin on the image the lines do not swim while it is dragged
        painter.setBrushOrigin(round(projection.dx), round(projection.dy))
        painter.drawRects([_rect(edge) for edge in near[colors == color]])


def _hatch_brush(color: int, projection: Projection) -> QBrush:
    """Thin diagonals like Qt's BDiagPattern, which does not grow with the scaling of the screen."""
    period = projection.px(style.HATCH_PERIOD)
    down, across = np.indices((period, period))
    on_line = (down + across) % period < projection.px(1)
    pixels = np.zeros((period, period), np.uint32)
    pixels[on_line] = (color & 0xFFFFFF) | style.HATCH_ALPHA << 24
    tile = QImage(pixels.tobytes(), period, period, 4 * period, QImage.Format.Format_ARGB32)
    return QBrush(tile.convertToFormat(QImage.Format.Format_ARGB32_Premultiplied))


def paint_highlights(
    painter: QPainter,
    boxes: DisplayBoxes,
    projection: Projection,
    *,
    line: int,
    fill_alpha: int,
    halo: QColor | None = None,
) -> None:
    """Boxes that stand out: selected, under the pointer or being drawn, with a light fill.

    ``halo`` is the colour of one more line between outline and casing.
    """
    edges = frames.snapped(projection.to_device(boxes.boxes))
    near = frames.clamped(edges, width=projection.width, height=projection.height)
    casing = projection.px(style.CASING_WIDTH)
    for color, line_style, places in _by_look(boxes, np.arange(len(boxes), dtype=np.int64)):
        solid, shade = QColor.fromRgb(color), QColor.fromRgb(color)
        shade.setAlpha(fill_alpha)
        frames.fill(painter, near[places], shade)
        rects = outline_rects(edges[places], LineStyle(line_style), projection, line=line)
        outer = casing if halo is None else 2 * casing
        frames.fill(painter, frames.grown(rects, outer), style.CASING_COLOR)
        if halo is not None:
            frames.fill(painter, frames.grown(rects, casing), halo)
        frames.fill(painter, rects, solid)


def paint_handles(painter: QPainter, boxes: DisplayBoxes, projection: Projection) -> None:
    """White squares with an edge in the colour of the one box."""
    x1, y1, x2, y2 = (projection.to_device(boxes.boxes)[0] / projection.ratio).tolist()
    points = handle_points((x1, y1, x2, y2))
    color = QColor.fromRgb(int(boxes.colors[0]))
    centres = np.rint(np.array(list(points.values())) * projection.ratio).astype(np.int32)
    half = projection.px(style.HANDLE_SIZE) // 2
    squares = np.concatenate([centres - half, centres + half], axis=1).astype(np.int32)
    one = projection.px(1)
    frames.fill(painter, frames.grown(squares, one), style.CASING_COLOR)
    frames.fill(painter, squares, color)
    frames.fill(painter, frames.grown(squares, -projection.px(1.5)), QColor(255, 255, 255))


def paint_band(painter: QPainter, band: Xyxy, projection: Projection) -> None:
    """The rectangle in which boxes are being selected."""
    rectangle = DisplayBoxes.one(band, style.BAND_COLOR.rgb(), LineStyle.DASHED)
    paint_highlights(painter, rectangle, projection, line=1, fill_alpha=style.SELECTED_FILL_ALPHA)


def paint_crosshair(painter: QPainter, at: QPoint, image: QRect, projection: Projection) -> None:
    """Lines through the pointer over the whole image, light beside dark so that one of them is seen."""
    one = projection.px(1)
    for offset, color in ((0, style.CROSSHAIR_LIGHT), (one, style.CROSSHAIR_DARK)):
        lines = []
        if image.top() <= at.y() <= image.bottom() + 1:
            lines.append([image.left(), at.y() + offset, image.right() + 1, at.y() + offset + one])
        if image.left() <= at.x() <= image.right() + 1:
            lines.append([at.x() + offset, image.top(), at.x() + offset + one, image.bottom() + 1])
        frames.fill(painter, np.array(lines, np.int32).reshape(-1, 4), color)


def paint_readout(painter: QPainter, text: str, at: QPoint, away: QPoint, projection: Projection) -> None:
    """A size beside a point, on the side that does not lie towards ``away``; always wholly in view."""
    painter.setFont(tag_font(projection.ratio))
    metrics = painter.fontMetrics()
    width = metrics.horizontalAdvance(text) + 2 * projection.px(8)
    height = metrics.height() + 2 * projection.px(3)
    offset = projection.px(style.READOUT_OFFSET)
    x = at.x() - offset - width if at.x() < away.x() else at.x() + offset
    y = at.y() - offset - height if at.y() < away.y() else at.y() + offset
    x, y = min(max(x, 0), projection.width - width), min(max(y, 0), projection.height - height)
    rect = QRectF(x, y, width, height)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(style.READOUT_BACKGROUND)
    painter.drawRoundedRect(rect, projection.px(4), projection.px(4))
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    painter.setPen(style.READOUT_TEXT)
    painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, text)


def paint_placeholder(painter: QPainter, view: QRect, title: str, text: str, *, surround: QColor) -> None:
    """A title over a line or two of text, a little above the middle; in logical pixels."""
    ink = style.text_color_on(surround)
    font = QFont()
    painter.save()
    for words, pixels, alpha, top in ((title, 20, 235, -64), (text, 13, 190, -28)):
        font.setPixelSize(pixels)
        painter.setFont(font)
        ink.setAlpha(alpha)
        painter.setPen(ink)
        area = QRect(view.left() + 24, view.center().y() + top, view.width() - 48, 64)
        painter.drawText(
            area, Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop | Qt.TextFlag.TextWordWrap, words
        )
    painter.restore()


def size_text(box: Xyxy) -> str:
    """Width and height in whole image pixels."""
    return f"{round(box[2] - box[0])} × {round(box[3] - box[1])}"


def _rect(edges: np.ndarray) -> QRect:
    x1, y1, x2, y2 = edges.tolist()
    return QRect(x1, y1, x2 - x1, y2 - y1)
