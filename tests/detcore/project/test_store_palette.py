"""Class colours stay apart, for the colour-blind too."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pytest

from detcore.project.palette import PALETTE, next_color

# Machado, Oliveira, Fernandes (2009), severity 1.0, on linear RGB.
SEEN_BY = {
    "everyone": np.eye(3),
    "protanopes": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopes": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopes": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
RGB_TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)


def lab(color: str, matrix: np.ndarray) -> np.ndarray:
    """CIELAB (D65) of a colour as someone sees it."""
    srgb = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    xyz = RGB_TO_XYZ @ np.clip(matrix @ linear, 0, 1) / np.array([0.95047, 1.0, 1.08883])
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def test_there_are_twenty_colours() -> None:
    assert len(set(PALETTE)) == 20


@pytest.mark.parametrize("who", SEEN_BY)
def test_any_two_colours_differ_clearly_for(who: str) -> None:
    # 2.3 is the difference that is just noticeable (Mahy et al. 1994).
    seen = [lab(color, SEEN_BY[who]) for color in PALETTE]
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
