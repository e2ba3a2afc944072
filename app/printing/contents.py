"""The parts of a report turned into blocks for paper."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import Qt

from app.printing.blocks import Block, Columns, Definitions, Flowing, Key, Stack, Tile
from app.printing.drawings import Drawing, Picture
from app.printing.matrix import MatrixBlock
from app.printing.signs import Sign, bar, mark, swatch
from app.printing.style import BODY, HEADING, MUTED, SMALL, TITLE, WARNING, pt
from app.printing.tables import Cell, ShareBar, narrow_rows, table_rows
from app.printing.text import Run, Text
from detcore.report import blocks

_SECTION, _PART, _LINE = pt(15), pt(7), pt(2)
_ABOVE_TILES, _ABOVE_HEADING = pt(10), pt(9)
_GAP, _TILE_GAP = pt(16), pt(4)
_PLOTS, _CROPS = 4, 6
_PLAIN = Run(text="")
_MUTED = Run(text="", size=SMALL, color=MUTED)
_NUMBER = Run(text="", size=TITLE, bold=True)
_QUIET = Run(text="", size=BODY, color=MUTED)
_LOOKS = {"": _PLAIN, "muted": _MUTED, "note": Run(text="", color=WARNING)}


def contents(page: blocks.Page, *, width: float) -> list[list[Flowing]]:
    """The sections of a report on pages of that width. What is folded away on screen is left out, as it is in
    print from a browser."""
    head = [Flowing(block=_text(page.title, _NUMBER), with_next=True)]
    head += [flowing for note in page.notes for flowing in _spaced(note, width)]
    foot = [Flowing(block=_text(page.footer, _MUTED), space=_SECTION)]
    return [head, *(_part(part, width) for part in page.parts), foot]


def _part(part: blocks.Tiles | blocks.Section | blocks.Pair, width: float) -> list[Flowing]:
    match part:
        case blocks.Tiles(numbers):
            tiles = [Tile(_text(number, _NUMBER), _line(name, _MUTED)) for number, name in numbers]
            return [Flowing(block=Columns(tiles, count=len(tiles), gap=_TILE_GAP), space=_ABOVE_TILES)]
        case blocks.Pair(left, right):
            sides = [Stack(_part(side, (width - _GAP) / 2)) for side in (left, right)]
            return [Flowing(block=Columns(sides, count=2, gap=_GAP), space=_SECTION)]
        case blocks.Section(title, inside):
            heading = _text(title, Run(text="", size=HEADING, bold=True))
            flow = [Flowing(block=heading, space=_SECTION, with_next=True)]
            for block in inside:
                if isinstance(block, blocks.Key):
                    flow[-1] = replace(flow[-1], with_next=True)
                flow += _spaced(block, width)
            return flow


def _spaced(block: blocks.Block, width: float) -> list[Flowing]:
    """What a block becomes, with the space that it has above it."""
    flow = _flow(block, width)
    space = _ABOVE_HEADING if isinstance(block, blocks.Heading) else _PART
    return [replace(flow[0], space=space), *flow[1:]] if flow else []


def _flow(block: blocks.Block, width: float) -> list[Flowing]:
    match block:
        case blocks.Heading(text):
            return [Flowing(block=_text(text, _QUIET), with_next=True)]
        case blocks.Paragraph(text, look):
            return [Flowing(block=_text(text, _LOOKS[look]))]
        case blocks.Key(entries):
            return [Flowing(block=Key([_line(entry, _MUTED) for entry in entries]))]
        case blocks.Definitions(entries):
            pairs = [(_text(name, _QUIET), _text(value, _PLAIN)) for name, value in entries.items()]
            return [Flowing(block=Definitions(pairs))]
        case blocks.Folded():
            return []
        case blocks.Table():
            return _table(block, width)
        case blocks.Matrix():
            return [Flowing(block=MatrixBlock(block))]
        case blocks.LargePlot(plot, note):
            together = isinstance(note, blocks.Key)
            return [Flowing(block=Drawing(plot), with_next=together), *_spaced(note, width)]
        case blocks.SmallPlots(plots):
            return _grid([_small_plot(title, plot) for title, plot in plots], count=_PLOTS, below=True)
        case blocks.Crops(crops):
            return _grid([_crop(crop) for crop in crops], count=_CROPS)


def _text(text: str, look: Run) -> Text:
    return Text([replace(look, text=text)])


def _line(line: blocks.Line, look: Run, *, right: bool = False, elided: bool = False) -> Text:
    """``look`` is that of what is not small."""
    runs = [replace(look, text=line.text)]
    runs += [replace(_MUTED, text=f" {line.small}")] if line.small else []
    align = Qt.AlignmentFlag.AlignRight if right else Qt.AlignmentFlag.AlignLeft
    return Text(runs, sign=_sign(line.sign), align=align, elided=elided)


def _sign(sign: blocks.Swatch | blocks.Mark | blocks.Bar | None) -> Sign | None:
    match sign:
        case blocks.Swatch(color):
            return swatch(color)
        case blocks.Mark(kind):
            return mark(kind)
        case blocks.Bar(kind):
            return bar(kind)
        case None:
            return None


def _small_plot(title: blocks.Line, plot: blocks.Plot) -> Block:
    return Stack([Flowing(block=_line(title, _PLAIN)), Flowing(block=Drawing(plot), space=_LINE)])


def _crop(crop: blocks.Crop) -> Block:
    lines = [
        _text(crop.title, Run(text="", bold=True)),
        _text(crop.text, Run(text="", size=SMALL)),
        _line(blocks.Line(text=crop.file_name), _MUTED, elided=True),
    ]
    return Stack([Flowing(block=Picture(crop)), *(Flowing(block=line, space=_LINE) for line in lines)])


def _grid(parts: Sequence[Block], *, count: int, below: bool = False) -> list[Flowing]:
    rows = [parts[start : start + count] for start in range(0, len(parts), count)]
    columns = [Columns(row, count=count, gap=_GAP / 2, below=below) for row in rows]
    return [Flowing(block=row, space=_PART) for row in columns]


def _table(table: blocks.Table, width: float) -> list[Flowing]:
    kind = table.kind
    lefts = {"words": 99, "wide": 2}.get(kind or "", 1)

    def cells(row: Sequence[str | blocks.Line | blocks.Share], look: Run) -> list[Cell]:
        looks = [_MUTED if kind == "wide" and place == 1 else look for place in range(len(row))]
        return [
            _cell(cell, looks[place], right=place >= lefts, elided=kind == "counts" and place == 0)
            for place, cell in enumerate(row)
        ]

    head, rows = cells(table.head, _MUTED), [cells(row, _PLAIN) for row in table.rows]
    if kind == "counts":
        return narrow_rows(head, rows, width=width, gap=_GAP)
    return table_rows(head, rows, width=width, roomy=1 if kind == "wide" else None)


def _cell(cell: str | blocks.Line | blocks.Share, look: Run, *, right: bool, elided: bool) -> Cell:
    if isinstance(cell, blocks.Share):
        return ShareBar(min(cell.value, 1.0)) if cell.value >= 0 else _text("", look)
    line = blocks.Line(text=cell) if isinstance(cell, str) else cell
    return _line(line, look, right=right, elided=elided)
