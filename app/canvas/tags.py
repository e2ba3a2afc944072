"""Name tags: which of them have room, and painting them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPixmap

from app.canvas import style
from app.canvas.display import DisplayBoxes
from app.canvas.projection import PixelRects, Projection
from detcore.types import FloatArray, IntArray

CELL = 8
"""Tags are kept apart on a grid of cells of so many logical pixels."""
CACHE_LIMIT = 4096
TRIED_EVERYWHERE = 300
"""So many tags, of the largest boxes, may go elsewhere than to their usual place. Trying is what costs."""


@dataclass(frozen=True)
class TagLayout:
    """Placed tags: ``ids`` (N) of their boxes, ``rects`` (N, 4) in device pixels, texts and 0xRRGGBB colours."""

    ids: IntArray
    rects: PixelRects
    texts: Sequence[str]
    colors: Sequence[int]

    @classmethod
    def empty(cls) -> TagLayout:
        return cls(np.zeros(0, np.int64), np.zeros((0, 4), np.int32), (), ())


class TagPainter:
    """Paints tags and knows how wide they are. Pictures of tags are kept: they recur a lot."""

    def __init__(self) -> None:
        self._ratio = 0.0
        self._texts: dict[str, tuple[str, int]] = {}
        self._pictures: dict[tuple[str, int], QPixmap] = {}

    def widths(self, texts: Sequence[str], projection: Projection) -> IntArray:
        """The width of each tag in device pixels."""
        padding = 2 * projection.px(style.TAG_PADDING)
        return np.array([self._fitted(text, projection)[1] + padding for text in texts], np.int64)

    def paint(self, painter: QPainter, layout: TagLayout, projection: Projection) -> None:
        """Paint tags; the painter's coordinates must be device pixels."""
        for (x, y, _, _), text, color in zip(layout.rects.tolist(), layout.texts, layout.colors, strict=True):
            painter.drawPixmap(x, y, self._picture(text, color, projection))

    def _fitted(self, text: str, projection: Projection) -> tuple[str, int]:
        """The text as it is shown, shortened in its middle, and its width."""
        self._forget_if_stale(projection)
        if text not in self._texts:
            metrics = QFontMetrics(tag_font(projection.ratio))
            line = " ".join(text.split())
            shown = metrics.elidedText(line, Qt.TextElideMode.ElideMiddle, projection.px(style.TAG_MAX_WIDTH))
            self._texts[text] = (shown, metrics.horizontalAdvance(shown))
        return self._texts[text]

    def _picture(self, text: str, color: int, projection: Projection) -> QPixmap:
        shown, advance = self._fitted(text, projection)
        picture = self._pictures.get((text, color))
        if picture is None:
            padding = projection.px(style.TAG_PADDING)
            picture = QPixmap(advance + 2 * padding, projection.px(style.TAG_HEIGHT))
            background = QColor.fromRgb(color)
            picture.fill(background)
            inner = QPainter(picture)
            inner.setFont(tag_font(projection.ratio))
            inner.setPen(style.text_color_on(background))
            area = picture.rect().adjusted(padding, 0, 0, 0)
            inner.drawText(area, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, shown)
            inner.end()
            self._pictures[text, color] = picture
        return picture

    def _forget_if_stale(self, projection: Projection) -> None:
        full = max(len(self._texts), len(self._pictures)) > CACHE_LIMIT
        if full or projection.ratio != self._ratio:
            self._ratio = projection.ratio
            self._texts.clear()
            self._pictures.clear()


def tag_font(ratio: float) -> QFont:
    font = QFont()
    font.setPixelSize(max(1, round(style.TAG_FONT_PIXELS * ratio)))
    font.setWeight(QFont.Weight.Medium)
    return font


def place(device_boxes: FloatArray, widths: IntArray, projection: Projection, *, line: int) -> PixelRects:
    """(N, 4) where the tag of each box goes: above it, or inside at its top where there is no room above.

    A box whose top or left edge is out of view has its tag at the edge of the view, and one near the right edge
    has it where it is seen whole. ``line`` is the width of the box's outline in device pixels, as all lengths here.
    """
    height, half = projection.px(style.TAG_HEIGHT), line // 2
    edges = np.rint(np.clip(device_boxes, -1e6, 1e6)).astype(np.int64)
    begin = edges[:, 0] - half
    whole = np.where(begin < projection.width, np.minimum(begin, projection.width - widths), begin)
    x = np.maximum(whole, 0)
    above = edges[:, 1] - half - height
    inside = np.maximum(edges[:, 1] + line - half, 0)
    lowest_inside = np.maximum(edges[:, 3] - half - height, above)
    y = np.where(above >= 0, above, np.minimum(inside, lowest_inside))
    return np.stack([x, y, x + widths, y + height], axis=1).astype(np.int32)


def places(device_boxes: FloatArray, widths: IntArray, projection: Projection, *, line: int) -> PixelRects:
    """(4, N, 4) where the tag of each box may go, the best first: where ``place`` says, at the right end of
    the upper edge, below the box, and inside at its top. Arguments as of ``place``."""
    usual = place(device_boxes, widths, projection, line=line)
    half = line // 2
    edges = np.rint(np.clip(device_boxes, -1e6, 1e6)).astype(np.int32)
    right, below, inside = usual.copy(), usual.copy(), usual.copy()
    right[:, [0, 2]] += (edges[:, 2] + half - usual[:, 2])[:, None]
    below[:, [1, 3]] += (edges[:, 3] + half - usual[:, 1])[:, None]
    inside[:, [1, 3]] += (edges[:, 1] + line - half - usual[:, 1])[:, None]
    return np.stack([usual, right, below, inside])


def layout(
    boxes: DisplayBoxes,
    rows: IntArray,
    device_boxes: FloatArray,
    projection: Projection,
    tag_painter: TagPainter,
) -> TagLayout:
    """Tags for as many of the rows as have room, large boxes first; where a tag would cover another
    it goes elsewhere at its box. ``device_boxes`` belong to ``rows``."""
    sides = device_boxes[:, 2:4] - device_boxes[:, 0:2]
    large = np.flatnonzero(sides.min(axis=1, initial=np.inf) >= style.TAG_MIN_BOX_SIDE * projection.ratio)
    order = large[np.argsort(-sides[large].prod(axis=1), kind="stable")]
    if len(order) > TRIED_EVERYWHERE:
        order = order[_first_of_each_place(device_boxes[order], projection)]
    named = [at for at, row in zip(order.tolist(), rows[order].tolist(), strict=True) if boxes.names[row]]
    order = np.array(named, np.int64)
    texts = [boxes.names[int(row)] for row in rows[order]]
    widths = tag_painter.widths(texts, projection)
    options = places(device_boxes[order], widths, projection, line=projection.px(style.LINE_WIDTH))
    kept, rects = arranged(options, projection, most=style.TAG_LIMIT)
    named_rows = rows[order[kept]]
    return TagLayout(
        boxes.ids[named_rows],
        rects,
        [texts[at] for at in kept.tolist()],
        boxes.colors[named_rows].tolist(),
    )


def _first_of_each_place(device_boxes: FloatArray, projection: Projection) -> IntArray:
    """Of boxes whose tags would surely cover each other only the first: spares looking at thousands."""
    cell = np.array([projection.px(2 * style.TAG_HEIGHT), projection.px(style.TAG_HEIGHT)])
    places = np.floor(np.clip(device_boxes[:, 0:2], 0, None) / cell).astype(np.int64)
    _, first = np.unique(places[:, 1] * 1_000_000 + places[:, 0], return_index=True)
    return np.sort(first)


def clear_of(options: PixelRects, placed: TagLayout, box_id: int) -> PixelRects:
    """Where (4) the tag of one box goes above others: where it is placed already, else the first of its
    options (K, 4) that covers none of those placed, without one the first of all."""
    for rect in placed.rects[placed.ids == box_id]:
        return rect
    for option in options:
        apart = (option[:2] >= placed.rects[:, 2:]) | (placed.rects[:, :2] >= option[2:])
        if apart.any(axis=1).all():
            return option
    return options[0]


def arranged(options: PixelRects, projection: Projection, *, most: int) -> tuple[IntArray, PixelRects]:
    """Of each row of (K, N, 4) the first rectangle in view that covers none of those chosen before it.

    Returns the rows that have one, at ``most`` so many, and their rectangles.
    """
    cell = projection.px(CELL)
    # Each row of cells is one integer with a bit for each cell that is taken
    taken = [0] * (projection.height // cell + 2)
    cells = np.concatenate([options[..., :2] // cell, (options[..., 2:] - 1) // cell + 1], axis=-1)
    seen = (options[..., 0] < projection.width) & (options[..., 1] < projection.height)
    seen &= options[..., 3] > 0
    seen[1:] &= (options[1:, :, :2] >= 0).all(axis=-1)
    seen[1:] &= (options[1:, :, 2:] <= (projection.width, projection.height)).all(axis=-1)
    kept: list[tuple[int, int]] = []
    for row in np.flatnonzero(seen.any(axis=0)).tolist():
        tried = cells[:, row] if row < TRIED_EVERYWHERE else cells[:1, row]
        for option, (left, top, right, bottom) in enumerate(tried.tolist()):
            if not seen[option, row]:
                continue
            bits = ((1 << (right - left)) - 1) << left
            lines = range(max(top, 0), min(bottom, len(taken)))
            if any(taken[line] & bits for line in lines):
                continue
            for line in lines:
                taken[line] |= bits
            kept.append((option, row))
            break
        if len(kept) == most:
            break
    chosen = np.array(kept, np.int64).reshape(-1, 2)
    return chosen[:, 1], options[chosen[:, 0], chosen[:, 1]]
