"""Text inside an element of a page: its runs, and the sign before it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from xml.etree.ElementTree import Element

from PySide6.QtCore import Qt

from app.printing.signs import Sign, bar, mark, swatch
from app.printing.style import MUTED, SMALL
from app.printing.text import Run, Text

_BACKGROUND = "background:"


def text_block(element: Element, look: Run, *, right: bool = False, elided: bool = False) -> Text:
    """The text of an element; ``look`` is that of what no inner element changes."""
    align = Qt.AlignmentFlag.AlignRight if right else Qt.AlignmentFlag.AlignLeft
    return Text(list(_runs(element, look)), sign=_sign(element), align=align, elided=elided)


def _runs(element: Element, look: Run) -> Iterator[Run]:
    yield replace(look, text=element.text or "")
    for inner in element:
        if inner.tag == "b":
            yield from _runs(inner, replace(look, bold=True))
        elif inner.tag == "small":
            yield from _runs(inner, replace(look, size=SMALL, color=MUTED))
        elif inner.tag == "span":
            yield from _runs(inner, look)
        yield replace(look, text=inner.tail or "")


def _sign(element: Element) -> Sign | None:
    """That of the first inner element that is one."""
    for inner in element:
        looks = inner.attrib.get("class", "").split()
        if looks == ["swatch"]:
            return swatch(inner.attrib["style"].removeprefix(_BACKGROUND))
        if looks[:1] == ["mark"]:
            return mark(looks[1])
        if inner.tag == "svg":
            return bar(inner[0].attrib["class"].removeprefix("bar-"))
    return None
