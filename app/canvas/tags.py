"""Name tags: which of them have room, and painting them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter

from app.canvas import style
from app.canvas.display import DisplayBoxes
from app.canvas.projection import Projection
from detcore.types import FloatArray, IntArray

CELL = 8
"""Tags are kept apart on a grid of cells of so many device pixels."""


@dataclass(frozen=True, kw_only=True)
class Tag:
    """A placed name: its rectangle in device pixels and what it says."""

    x: int
    y: int
    width: int
    height: int
    text: str
    color: int


def tag_font(ratio: float) -> QFont:
    font = QFont()
    font.setPixelSize(max(1, round(style.TAG_FONT_PIXELS * ratio)))
    font.setWeight(QFont.Weight.Medium)
    return font


@lru_cache(maxsize=4096)
def _fitted(text: str, pixel_size: int, max_width: int) -> tuple[str, int]:
    """The text, shortened in its middle to a width, and the width that it then takes."""
    font = QFont()
    font.setPixelSize(pixel_size)
    font.setWeight(QFont.Weight.Medium)
    metrics = QFontMetrics(font)
    shown = metrics.elidedText(text.replace("\n", " "), Qt.TextElideMode.ElideMiddle, max_width)
    return shown, metrics.horizontalAdvance(shown)


def place(
    device_box: Sequence[float], text: str, color: int, projection: Projection, *, line: int
) -> Tag | None:
    """Where the tag of a box goes: above it, or inside at its top where there is no room above.

    A box whose top is out of view has its tag at the edge of the view. ``None`` without a text.
    """
    if not text:
        return None
    font_pixels = max(1, round(style.TAG_FONT_PIXELS * projection.ratio))
    padding, height = projection.px(style.TAG_PADDING), projection.px(style.TAG_HEIGHT)
    shown, advance = _fitted(text, font_pixels, projection.px(style.TAG_MAX_WIDTH))
    x1, y1, _, y2 = (round(min(max(edge, -1e6), 1e6)) for edge in device_box)
    half = line // 2
    x, y = max(x1 - half, 0), y1 - half - height
    if y < 0:
        y = min(max(y1 + line - half, 0), max(y2 - half - height, y1 - half - height))
    return Tag(x=x, y=y, width=advance + 2 * padding, height=height, text=shown, color=color)


class TagSpace:
    """Which parts of the view have a tag already."""

    def __init__(self, projection: Projection) -> None:
        self._taken = np.zeros((projection.height // CELL + 2, projection.width // CELL + 2), np.bool_)

    def take(self, tag: Tag) -> bool:
        """Whether there was room; if so there is none any more. A tag wholly out of view has no room."""
        rows = slice(max(tag.y // CELL, 0), max((tag.y + tag.height - 1) // CELL + 1, 0))
        columns = slice(max(tag.x // CELL, 0), max((tag.x + tag.width - 1) // CELL + 1, 0))
        part = self._taken[rows, columns]
        if part.size == 0 or part.any():
            return False
        part[:] = True
        return True


def layout(
    boxes: DisplayBoxes, rows: IntArray, device_boxes: FloatArray, projection: Projection
) -> list[Tag]:
    """Tags for as many of the rows as have room, large boxes first. ``device_boxes`` belong to ``rows``."""
    sides = device_boxes[:, 2:4] - device_boxes[:, 0:2]
    large = np.flatnonzero(sides.min(axis=1, initial=np.inf) >= style.TAG_MIN_BOX_SIDE * projection.ratio)
    order = large[np.argsort(-sides[large].prod(axis=1), kind="stable")]
    line = projection.px(style.LINE_WIDTH)
    space = TagSpace(projection)
    tags: list[Tag] = []
    for place_in_order in order[: 4 * style.TAG_LIMIT].tolist():
        row = int(rows[place_in_order])
        tag = place(
            device_boxes[place_in_order].tolist(),
            boxes.names[row],
            int(boxes.colors[row]),
            projection,
            line=line,
        )
        if tag is not None and space.take(tag):
            tags.append(tag)
            if len(tags) == style.TAG_LIMIT:
                break
    return tags


def paint(painter: QPainter, tags: Sequence[Tag], projection: Projection) -> None:
    """Paint tags; the painter's coordinates must be device pixels."""
    painter.setFont(tag_font(projection.ratio))
    padding = projection.px(style.TAG_PADDING)
    for tag in tags:
        color = QColor.fromRgb(tag.color)
        rect = QRect(tag.x, tag.y, tag.width, tag.height)
        painter.fillRect(rect, color)
        painter.setPen(style.text_color_on(color))
        text_rect = rect.adjusted(padding, 0, 0, 0)
        painter.drawText(text_rect, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, tag.text)
