"""Where the stages of an outline stand in a drawing, and the drawing as SVG; free of torch and Qt.

A column for each role, a row for each size of maps: what a neck does is seen from the arrows between rows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from html import escape

from detcore.zoo.outline import ROLES, Outline, Stage

IMAGE = -1
"""Stands for the image among the boxes."""
_MARGIN, _COLUMN_GAP, _ROW_GAP = 16.0, 40.0, 16.0
_TITLE = 40.0
_LEAST_WIDTH, _WIDER = 72.0, 12.0
_LEAST_HEIGHT, _HIGHER = 34.0, 4.0
_LANE = 12.0
"""How far beside the middle of a column arrows go down, and up."""
_CURVE = 20.0

Point = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A stage, by its row in the outline, or ``IMAGE``; wider with more channels, higher with larger maps. ``share`` is that of the
    multiply-adds."""

    stage: int
    x: float
    y: float
    width: float
    height: float
    shape: str
    cost: str
    share: float

    @property
    def middle(self) -> Point:
        return self.x + self.width / 2, self.y + self.height / 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrow:
    """A Bézier curve of four points from one box (``source``) to another."""

    source: int
    target: int
    points: tuple[Point, Point, Point, Point]


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """What stands over a column, in the middle at ``x``: its role and what the column costs."""

    x: float
    role: str
    cost: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    width: float
    height: float
    headings: tuple[Heading, ...]
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]


def draw(outline: Outline) -> Drawing:
    """The drawing of an outline, in pixels at a text size of 11."""
    stages = outline.stages
    roles = sorted({stage.role for stage in stages}, key=ROLES.index)
    maps = sorted({(stage.rows, stage.columns) for stage in stages if stage.is_map}, reverse=True)
    lists = list(dict.fromkeys((stage.rows, stage.columns) for stage in stages if not stage.is_map))
    size = (outline.height, outline.width)
    sizes = [*maps, *lists]
    heights = {size: _height(*size)} | {place: _height(*place) for place in sizes}
    row_tops: dict[tuple[int, int], float] = {}
    top = _MARGIN + _TITLE
    for place in sizes:
        row_tops[place] = top
        top += heights[place] + _ROW_GAP
    of_image = _width(3)
    widths = [max(_width(stage.channels) for stage in stages if stage.role == role) for role in roles]
    lefts: list[float] = []
    left = _MARGIN + of_image + _COLUMN_GAP
    for width in widths:
        lefts.append(left)
        left += width + _COLUMN_GAP
    first = sizes[0] if sizes else size
    boxes = [
        Box(
            stage=IMAGE,
            x=_MARGIN,
            y=row_tops.get(first, top) + (heights[first] - heights[size]) / 2,
            width=of_image,
            height=heights[size],
            shape=f"3 × {size[0]} × {size[1]}",
            cost="image",
            share=0.0,
        )
    ]
    for row, stage in enumerate(stages):
        column, place = roles.index(stage.role), (stage.rows, stage.columns)
        width = _width(stage.channels)
        boxes.append(
            Box(
                stage=row,
                x=lefts[column] + (widths[column] - width) / 2,
                y=row_tops[place],
                width=width,
                height=heights[place],
                shape=shape_text(stage),
                cost=cost_text(stage.parameters, stage.macs),
                share=stage.macs / outline.macs if outline.macs else 0.0,
            )
        )
    lift = min(0.0, boxes[0].y - _MARGIN - _TITLE)
    boxes = [replace(box, y=box.y - lift) for box in boxes]
    read = {target for _, target in outline.links}
    links = [(IMAGE, row) for row in range(len(stages)) if row not in read] + list(outline.links)
    columns = {IMAGE: -1} | {row: roles.index(stage.role) for row, stage in enumerate(stages)}
    order = {place: row for row, place in enumerate(sizes)}
    at_row = {IMAGE: 0} | {row: order[stage.rows, stage.columns] for row, stage in enumerate(stages)}
    by_stage = {box.stage: box for box in boxes}
    arrows = [
        Arrow(
            source=source,
            target=target,
            points=_path(
                by_stage[source],
                by_stage[target],
                across=columns[target] - columns[source],
                down=at_row[target] - at_row[source],
                free=not any(
                    at_row[row] == at_row[source] and columns[source] < columns[row] < columns[target]
                    for row in columns
                ),
            ),
        )
        for source, target in links
    ]
    headings = [Heading(x=_MARGIN + of_image / 2, role="Image", cost="")]
    for role, width, start in zip(roles, widths, lefts, strict=True):
        own = [stage for stage in stages if stage.role == role]
        cost = cost_text(sum(stage.parameters for stage in own), sum(stage.macs for stage in own))
        headings.append(Heading(x=start + width / 2, role=role, cost=cost))
    return Drawing(
        width=left - _COLUMN_GAP + _MARGIN,
        height=max(box.y + box.height for box in boxes) + _MARGIN,
        headings=tuple(headings),
        boxes=tuple(boxes),
        arrows=tuple(arrows),
    )


def shape_text(stage: Stage) -> str:
    """``64 × 40 × 40``: channels, rows, columns; ``256 × 100`` for a list."""
    sides = (stage.channels, stage.rows, stage.columns) if stage.is_map else (stage.channels, stage.rows)
    return " × ".join(f"{side:,}".replace(",", "\u202f") for side in sides)


def cost_text(parameters: int, macs: int) -> str:
    """``1.2 M · 340 M``: parameters and multiply-adds; what has none of its own shares those of a stage before it."""
    return f"{amount_text(parameters) if parameters else 'shared'} · {amount_text(macs)}"


def amount_text(number: float) -> str:
    """A large number in two or three digits: ``12``, ``3.4 K``, ``340 M``, ``1.2 G``."""
    for unit, least in (("G", 1e9), ("M", 1e6), ("K", 1e3)):
        if number >= 0.9995 * least:
            value = number / least
            return f"{value:.0f} {unit}" if value >= 99.5 else f"{value:.{1 if value >= 9.95 else 2}f} {unit}"
    return f"{number:.0f}"


def svg(outline: Outline, title: str) -> str:
    """The drawing as a picture of its own, on white."""
    drawing = draw(outline)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{drawing.width:.0f}" height="{drawing.height:.0f}" '
        f'viewBox="0 0 {drawing.width:.0f} {drawing.height:.0f}" font-family="sans-serif" font-size="11">',
        f"<title>{escape(title)}</title>",
        '<defs><marker id="tip" markerWidth="8" markerHeight="8" refX="7" refY="4" orient="auto">'
        '<path d="M0 0.5 L7.5 4 L0 7.5 z" fill="#5a626e"/></marker></defs>',
        f'<rect width="{drawing.width:.0f}" height="{drawing.height:.0f}" fill="#ffffff"/>',
    ]
    for arrow in drawing.arrows:
        (x0, y0), (x1, y1), (x2, y2), (x3, y3) = arrow.points
        parts.append(
            f'<path d="M{x0:.1f} {y0:.1f} C{x1:.1f} {y1:.1f} {x2:.1f} {y2:.1f} {x3:.1f} {y3:.1f}" fill="none" '
            'stroke="#5a626e" marker-end="url(#tip)"/>'
        )
    for box in drawing.boxes:
        x, y = box.middle
        parts.append(
            f'<rect x="{box.x:.1f}" y="{box.y:.1f}" width="{box.width:.1f}" height="{box.height:.1f}" rx="4" '
            f'fill="#ffffff" stroke="#7d848e"/>'
            f'<rect x="{box.x:.1f}" y="{box.y:.1f}" width="{box.width:.1f}" height="{box.height:.1f}" rx="4" '
            f'fill="#1f66d1" fill-opacity="{shade(box.share):.2f}"/>'
            f'<text x="{x:.1f}" y="{y - 3:.1f}" text-anchor="middle" fill="#1c2026">{escape(box.shape)}</text>'
            f'<text x="{x:.1f}" y="{y + 11:.1f}" text-anchor="middle" fill="#40464f">{escape(box.cost)}</text>'
        )
    for heading in drawing.headings:
        parts.append(
            f'<text x="{heading.x:.1f}" y="{_MARGIN + 8:.0f}" text-anchor="middle" font-weight="600" fill="#1c2026">'
            f"{escape(heading.role)}</text>"
            f'<text x="{heading.x:.1f}" y="{_MARGIN + 22:.0f}" text-anchor="middle" fill="#5a626e">{escape(heading.cost)}</text>'
        )
    return "\n".join([*parts, "</svg>\n"])


def shade(share: float) -> float:
    """How opaque the colour of a box is that has a share of the arithmetic: text on it stays readable."""
    return 0.32 * math.sqrt(share)


def _width(channels: int) -> float:
    return _LEAST_WIDTH + _WIDER * math.log2(max(channels, 1))


def _height(rows: int, columns: int) -> float:
    return _LEAST_HEIGHT + _HIGHER * math.log2(max(math.sqrt(rows * columns), 1.0))


def _path(
    source: Box, target: Box, *, across: int, down: int, free: bool
) -> tuple[Point, Point, Point, Point]:
    """From one box to another that is so many columns to the right and rows below; ``free`` where no box is between them in their
    row."""
    if across == 0 and abs(down) == 1:
        return _straight(source, target, down=down)
    if across == 0:  # around what is between
        x0, x1 = source.x, target.x
        bulge = min(x0, x1) - _CURVE
        return (
            (x0, source.middle[1]),
            (bulge, source.middle[1]),
            (bulge, target.middle[1]),
            (x1, target.middle[1]),
        )
    forward = across > 0
    x0, x1 = (source.x + source.width, target.x) if forward else (source.x, target.x + target.width)
    y0, y1 = source.middle[1], target.middle[1]
    reach = (x1 - x0) / 2
    over = source.height / 2 + _ROW_GAP if down == 0 and not free else 0.0
    return (x0, y0), (x0 + reach, y0 - 2 * over), (x1 - reach, y1 - 2 * over), (x1, y1)


def _straight(source: Box, target: Box, *, down: int) -> tuple[Point, Point, Point, Point]:
    x = source.middle[0] - math.copysign(_LANE, down)
    y0 = source.y + source.height if down > 0 else source.y
    y1 = target.y if down > 0 else target.y + target.height
    return (x, y0), (x, (2 * y0 + y1) / 3), (x, (y0 + 2 * y1) / 3), (x, y1)
