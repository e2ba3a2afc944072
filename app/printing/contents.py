"""The page of a report, as it is written for browsers, turned into blocks for paper."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from xml.etree.ElementTree import Element

from app.printing.blocks import Block, Columns, Definitions, Flowing, Key, Stack, Tile
from app.printing.drawings import Picture, Plot
from app.printing.inline import text_block
from app.printing.matrix import Count, Matrix
from app.printing.style import BODY, HEADING, MUTED, SMALL, TEXT, TITLE, WARNING, pt
from app.printing.tables import Cell, ShareBar, narrow_rows, table_rows
from app.printing.text import Run

_SECTION, _PART, _LINE = pt(15), pt(7), pt(2)
_GAP, _TILE_GAP = pt(16), pt(4)
_PLOTS, _CROPS = 4, 6
_SHARE = re.compile(r"--share:([\d.]+)")
_LOOKS = {
    "h1": Run(text="", size=TITLE, bold=True),
    "h2": Run(text="", size=HEADING, bold=True),
    "h3": Run(text="", size=BODY, color=MUTED),
    "p": Run(text=""),
    "muted": Run(text="", size=SMALL, color=MUTED),
    "note": Run(text="", color=WARNING),
}
_SPACES = {"section": _SECTION, "div pair": _SECTION, "div tiles": pt(10), "h3": pt(9), "footer": _SECTION}


def contents(main: Element, *, width: float) -> list[list[Flowing]]:
    """The sections of the main part of a report on pages of that width, as blocks. What is folded away on
    screen is left out, as it is in print from a browser."""
    sections = (_spaced(part, width) for part in main)
    return [section for section in sections if section]


def _inside(element: Element, width: float) -> list[Flowing]:
    """What is in an element, one below the other."""
    flow: list[Flowing] = []
    for part in element:
        if flow and part.attrib.get("class") == "key":
            flow[-1] = replace(flow[-1], with_next=True)
        flow += _spaced(part, width)
    return flow


def _spaced(part: Element, width: float) -> list[Flowing]:
    """The blocks of one element, with the space that it has above it."""
    kind = part.attrib.get("class", "")
    blocks = _blocks(part, width)
    space = _SPACES.get(f"{part.tag} {kind}".strip(), _SPACES.get(part.tag, _PART))
    return [replace(blocks[0], space=space), *blocks[1:]] if blocks else []


def _blocks(part: Element, width: float) -> list[Flowing]:
    match part.tag, part.attrib.get("class", ""):
        case ("h1" | "h2" | "h3") as tag, _:
            return [Flowing(block=text_block(part, _LOOKS[tag]), with_next=True)]
        case "p", "key":
            return [Flowing(block=Key([text_block(entry, _LOOKS["muted"]) for entry in part]))]
        case "p", kind:
            return [Flowing(block=text_block(part, _LOOKS[kind or "p"]))]
        case "footer", _:
            return [Flowing(block=text_block(part, _LOOKS["muted"]))]
        case "div", "tiles":
            tiles = [_tile(tile) for tile in part]
            return [Flowing(block=Columns(tiles, count=len(tiles), gap=_TILE_GAP))]
        case "div", "pair":
            half = (width - _GAP) / 2
            sides = [Stack(_inside(side, half)) for side in part]
            return [Flowing(block=Columns(sides, count=2, gap=_GAP))]
        case "div", "plots":
            return _grid([_class_plot(plot) for plot in part], count=_PLOTS, below=True)
        case "div", "crops":
            return _grid([_crop(crop) for crop in part], count=_CROPS)
        case "svg", _:
            return [Flowing(block=Plot(part))]
        case "dl", _:
            return [Flowing(block=_definitions(part))]
        case "table", "matrix":
            return [Flowing(block=_matrix(part))]
        case "table", kind:
            return _table(part, kind, width)
        case "details", _:
            return []
        case _:
            return _inside(part, width)


def _tile(tile: Element) -> Tile:
    number, name = tile
    return Tile(text_block(number, Run(text="", size=TITLE, bold=True)), text_block(name, _LOOKS["muted"]))


def _class_plot(plot: Element) -> Block:
    title, drawing = plot
    return Stack([Flowing(block=text_block(title, _LOOKS["p"])), Flowing(block=Plot(drawing), space=_LINE)])


def _crop(figure: Element) -> Block:
    picture, caption = figure
    title, reason, file = caption
    lines = [
        text_block(title, Run(text="", bold=True)),
        text_block(reason, Run(text="", size=SMALL, color=TEXT)),
        text_block(file, _LOOKS["muted"], elided=True),
    ]
    return Stack(
        [Flowing(block=Picture(*picture), space=0.0), *(Flowing(block=line, space=_LINE) for line in lines)]
    )


def _grid(blocks: Sequence[Block], *, count: int, below: bool = False) -> list[Flowing]:
    rows = [blocks[start : start + count] for start in range(0, len(blocks), count)]
    columns = [Columns(row, count=count, gap=_GAP / 2, below=below) for row in rows]
    return [Flowing(block=row, space=_PART) for row in columns]


def _definitions(element: Element) -> Definitions:
    pairs = list(pairwise(element))[::2]
    return Definitions(
        [(text_block(name, _LOOKS["h3"]), text_block(value, _LOOKS["p"])) for name, value in pairs]
    )


def _table(element: Element, kind: str, width: float) -> list[Flowing]:
    """``kind`` "words" is text in every column, "wide" leaves the room to the second, else all but the first
    are numbers, of which "counts" are so short that two rows stand side by side."""
    lefts = {"words": 99, "wide": 2}.get(kind, 1)
    head: list[Cell] = []
    rows: list[list[Cell]] = []
    for line in element:
        looks = [
            _LOOKS["muted"] if one.tag == "th" or (kind == "wide" and place == 1) else _LOOKS["p"]
            for place, one in enumerate(line)
        ]
        cells = [
            _cell(one, looks[place], right=place >= lefts, elided=kind == "counts" and place == 0)
            for place, one in enumerate(line)
        ]
        if line[0].tag == "th":
            head = cells
        else:
            rows.append(cells)
    if kind == "counts":
        return narrow_rows(head, rows, width=width, gap=_GAP)
    return table_rows(head, rows, width=width, roomy=1 if kind == "wide" else None)


def _cell(element: Element, look: Run, *, right: bool, elided: bool) -> Cell:
    drawing = element.find("svg")
    if drawing is None:
        return text_block(element, look, right=right, elided=elided)
    whole, part = drawing
    return ShareBar(float(part.attrib["width"]) / float(whole.attrib["width"]))


def _matrix(element: Element) -> Matrix:
    head, *rows = element
    corner, *names = (cell.text or "" for cell in head)
    return Matrix(corner, names, [[_count(cell) for cell in row.findall("td")] for row in rows])


def _count(cell: Element) -> Count:
    found = _SHARE.search(cell.attrib["style"])
    return Count(
        text=cell.text or "",
        share=float(found[1]) if found else 0.0,
        agrees="right" in cell.attrib["class"].split(),
    )
