"""A report as one HTML page that needs nothing else: for the browser, for the printer, for an e-mail."""

from __future__ import annotations

import base64
from pathlib import Path

from detcore.report import blocks
from detcore.report.markup import Markup, join, tag

_STYLE = Path(__file__).with_name("report.css")
_SIDE = 1000.0


def html_page(page: blocks.Page) -> Markup:
    """The page without what stands before its first element."""
    style = Markup(_STYLE.read_text(encoding="utf-8"))
    notes = (tag("p", note.text, class_=note.look or None) for note in page.notes)
    return tag(
        "html",
        tag(
            "head",
            tag("meta", charset="utf-8"),
            tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
            tag("title", page.title),
            tag("style", style),
        ),
        tag(
            "body",
            tag("svg", _PATTERNS, class_="patterns", aria_hidden="true"),
            tag(
                "main",
                tag("header", tag("h1", page.title), *notes),
                *(_part(part) for part in page.parts),
                tag("footer", page.footer),
            ),
        ),
        lang="en",
    )


def html_block(block: blocks.Block) -> Markup:
    """One block of a section."""
    match block:
        case blocks.Heading(text):
            return tag("h3", text)
        case blocks.Paragraph(text, look):
            return tag("p", text, class_=look or None)
        case blocks.Key(entries):
            return tag("p", *(tag("span", _line(entry)) for entry in entries), class_="key")
        case blocks.Definitions(entries):
            return tag("dl", *(join((tag("dt", name), tag("dd", value))) for name, value in entries.items()))
        case blocks.Folded(title, inside):
            return tag("details", tag("summary", title), html_block(inside))
        case blocks.Table():
            return _table(block)
        case blocks.Matrix():
            return _matrix(block)
        case blocks.LargePlot(plot, note):
            return tag("div", _plot(plot), html_block(note), class_="large")
        case blocks.SmallPlots(plots):
            shown = (tag("div", tag("h3", _line(title)), _plot(plot)) for title, plot in plots)
            return tag("div", *shown, class_="plots")
        case blocks.Crops(crops):
            return tag("div", *(_crop(crop) for crop in crops), class_="crops")


def _part(part: blocks.Tiles | blocks.Section | blocks.Pair) -> Markup:
    match part:
        case blocks.Tiles(numbers):
            tiles = (
                tag("div", tag("b", number), tag("span", _line(name)), class_="tile")
                for number, name in numbers
            )
            return tag("div", *tiles, class_="tiles")
        case blocks.Pair(left, right):
            return tag("div", _part(left), _part(right), class_="pair")
        case blocks.Section(title, inside):
            return tag("section", tag("h2", title), *(html_block(block) for block in inside))


def _line(line: blocks.Line) -> Markup:
    small = (tag("small", f" {line.small}"),) if line.small else ()
    match line.sign:
        case blocks.Swatch(color):
            sign = (tag("span", class_="swatch", style=f"background:{color}"),)
        case blocks.Mark(kind):
            sign = (tag("span", class_=f"mark {kind}"),)
        case blocks.Bar(kind):
            bar = tag("rect", x=0, y=0, width=14, height=10, class_=f"bar-{kind}")
            sign = (tag("svg", bar, width="14", height="10", viewBox="0 0 14 10", aria_hidden="true"),)
        case None:
            sign = ()
    return join((*sign, line.text, *small))


def _table(table: blocks.Table) -> Markup:
    lines = [tag("tr", *(tag("td", _cell(cell)) for cell in row)) for row in table.rows]
    if table.head:
        lines.insert(0, tag("tr", *(tag("th", name) for name in table.head)))
    return tag("div", tag("table", *lines, class_=table.kind), class_="scroll")


def _cell(cell: str | blocks.Line | blocks.Share) -> Markup | str:
    if isinstance(cell, str):
        return cell
    if isinstance(cell, blocks.Line):
        return _line(cell)
    if cell.value < 0:
        return ""
    return tag(
        "svg",
        tag("rect", x=0, y=0, width=100, height=8, class_="bar-rest"),
        tag("rect", x=0, y=0, width=100.0 * min(cell.value, 1.0), height=8, class_="bar"),
        viewBox="0 0 100 8",
        class_="share",
        aria_hidden="true",
    )


def _matrix(matrix: blocks.Matrix) -> Markup:
    rows = [tag("tr", tag("th", matrix.corner), *(tag("th", name) for name in matrix.names))]
    rows += [
        tag("tr", tag("th", name, class_="name"), *(_count(count) for count in counts))
        for name, counts in zip(matrix.names, matrix.rows, strict=True)
    ]
    return tag("div", tag("table", *rows, class_="matrix"), class_="scroll")


def _count(count: blocks.Count) -> Markup:
    kind = "cell right" if count.agrees else "cell" if count.share else "none"
    return tag("td", count.text, class_=kind, style=f"--share:{count.share:.3f}")


def _plot(plot: blocks.Plot) -> Markup:
    bars = (
        tag("rect", x=bar.x, y=bar.y, width=bar.width, height=bar.height, class_=f"bar-{bar.kind}")
        for bar in plot.bars
    )
    return tag(
        "svg",
        plot.below,
        *bars,
        plot.above,
        viewBox=f"0 0 {plot.width:g} {plot.height:g}",
        role="img",
        aria_label=plot.label,
        class_="plot",
    )


def _crop(crop: blocks.Crop) -> Markup:
    place = f"width:{100 * crop.filled[0]:.2f}%;height:{100 * crop.filled[1]:.2f}%"
    source = "data:image/jpeg;base64," + base64.b64encode(crop.jpeg).decode("ascii")
    boxes = join(_box(box) for box in crop.boxes)
    return tag(
        "figure",
        tag(
            "div",
            tag("img", src=source, alt=crop.alt, style=place),
            tag("svg", boxes, viewBox=f"0 0 {_SIDE:g} {_SIDE:g}", aria_hidden="true"),
            class_="picture",
        ),
        tag(
            "figcaption",
            tag("b", crop.title),
            tag("span", crop.text),
            tag("small", crop.file_name, title=crop.path),
        ),
        class_="crop",
    )


def _box(box: blocks.CropBox) -> Markup:
    """With a dark casing below it."""
    x1, y1, x2, y2 = (edge * _SIDE for edge in box.edges)
    place = {"x": x1, "y": y1, "width": x2 - x1, "height": y2 - y1}
    size = "box main" if box.main else "box"
    return join(tag("rect", class_=f"{size} {kind}", **place) for kind in ("casing", box.kind))


def _stripes(name: str, step: int, class_: str) -> Markup:
    line = tag("path", d=f"M0,0 L0,{step}", class_=class_)
    units, turned = "userSpaceOnUse", "rotate(45)"
    return tag("pattern", line, id=name, width=step, height=step, patternUnits=units, patternTransform=turned)


_PATTERNS = tag("defs", _stripes("stripes", 5, "stripe"), _stripes("hatch", 70, "hatch"))
"""Stripes for what is false, hatching for what is missed."""
