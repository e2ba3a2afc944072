"""Class colours stay apart, for the colour-blind too."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pytest

from detcore.project.palette import PALETTE, next_color
from tests.colour_vision import SEEN_BY, lab


def test_there_are_twenty_colours() -> None:
    assert len(set(PALETTE)) == 20


@pytest.mark.parametrize("who", SEEN_BY)
def test_any_two_colours_differ_clearly_for(who: str) -> None:
    # 2.3 is the difference that is just noticeable (Mahy et al. 1994).
    seen = [np.array(lab(color, who)) for color in PALETTE]
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2)) > 5 * 2.3


def test_colours_go_on_after_the_palette_without_repeating() -> None:
    used: list[str] = []
    for _ in range(200):
        color = next_color(used)
        assert re.fullmatch("#[0-9a-f]{6}", color)
        assert color not in used
        used.append(color)
    assert tuple(used[:20]) == PALETTE


def test_a_colour_that_is_free_again_is_taken_first() -> None:
    assert next_color([color.upper() for color in PALETTE if color != PALETTE[3]]) == PALETTE[3]
