"""Class colours: twenty that stay apart for the colour-blind as well, then generated ones."""

from __future__ import annotations

import colorsys
from collections.abc import Collection

# The seven of Okabe and Ito (2008), "Color Universal Design". The others were searched for: among colours
# that are neither grey nor very dark or light, those whose smallest CIELAB distance to all others is
# greatest, as seen with normal vision and with each kind of dichromacy (Machado et al. 2009). It is 16, that
# of Okabe and Ito's own.
PALETTE = (
    *("#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7"),
    *("#8700f0", "#782d0f", "#c3f0c3", "#69ff87", "#9678ff", "#e1004b", "#4b2db4"),
    *("#780f78", "#87c378", "#a50f69", "#ffb4d2", "#4b693c", "#c3a54b"),
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
