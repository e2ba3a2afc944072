"""Class colours: twenty that stay apart for the colour-blind as well, then generated ones."""

from __future__ import annotations

import colorsys
from collections.abc import Collection

# Okabe and Ito (2008), "Color Universal Design", without black; then Paul Tol's "bright", "vibrant" and
# "muted" schemes (SRON technical note, 2021), in an order that keeps neighbours far apart.
PALETTE = (
    *("#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7"),
    *("#44aa99", "#882255", "#ddcc77", "#332288", "#ee3377", "#117733", "#88ccee"),
    *("#aa4499", "#999933", "#cc3311", "#aaaa00", "#bbbbbb", "#661100"),
)
_GOLDEN = 0.618033988749895


def next_color(used: Collection[str]) -> str:
    """The first colour, ``#rrggbb``, that no class has yet."""
    taken = {color.lower() for color in used}
    for color in PALETTE:
        if color not in taken:
            return color
    number = 0
    while True:
        color = _generated(number)
        if color not in taken:
            return color
        number += 1


def _generated(number: int) -> str:
    """Hues by the golden ratio never repeat; three levels of lightness part near ones."""
    hue = (number * _GOLDEN) % 1.0
    lightness = (0.55, 0.72, 0.40)[number % 3]
    channels = colorsys.hls_to_rgb(hue, lightness, 0.65)
    return "#" + "".join(f"{round(channel * 255):02x}" for channel in channels)
