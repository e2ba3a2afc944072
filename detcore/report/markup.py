"""HTML and SVG as text in which nothing that comes from data can be taken for markup."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

_EMPTY = frozenset({"img", "meta", "rect", "line", "path", "circle"})


class Markup(str):
    """Text that is markup already."""

    __slots__ = ()


Part = Markup | str | int


def tag(element: str, /, *children: Part, **attributes: str | float | None) -> Markup:
    """An element. Children that are not ``Markup`` are escaped; so are attributes, of which those that are
    ``None`` are left out. ``class_`` stands for ``class``, ``stroke_width`` for ``stroke-width``."""
    shown = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escape(_text(value), quote=True)}"'
        for name, value in attributes.items()
        if value is not None
    )
    if element in _EMPTY and not children:
        return Markup(f"<{element}{shown}/>")
    return Markup(f"<{element}{shown}>{join(children)}</{element}>")


def join(parts: Iterable[Part]) -> Markup:
    return Markup("".join(part if isinstance(part, Markup) else escape(str(part)) for part in parts))


def _text(value: str | float) -> str:
    """Numbers with at most two places, which is finer than a pixel."""
    if isinstance(value, str):
        return value
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
