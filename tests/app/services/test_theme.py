"""Contrast of the tokens by WCAG 2.2 (relative luminance; 1.4.3 texts 4.5:1, 1.4.11 lines 3:1)."""

from __future__ import annotations

import pytest

from app.services.theme import DARK, LIGHT, Tokens

SURFACES = ("window", "panel", "raised", "field", "hover", "selection")
TEXTS = ("text", "text_muted", "accent_text", "danger", "warning", "success", "tp", "fp", "fn")


def _luminance(color: str) -> float:
    channels = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(first: str, second: str) -> float:
    darker, lighter = sorted((_luminance(first), _luminance(second)))
    return (lighter + 0.05) / (darker + 0.05)


def test_black_on_white_has_the_contrast_that_wcag_names() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21.0)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("tokens", [LIGHT, DARK], ids=lambda tokens: tokens.name)
@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("surface", SURFACES)
def test_every_text_can_be_read_on_every_surface(tokens: Tokens, text: str, surface: str) -> None:
    assert contrast(getattr(tokens, text), getattr(tokens, surface)) >= 4.5


@pytest.mark.parametrize("tokens", [LIGHT, DARK], ids=lambda tokens: tokens.name)
@pytest.mark.parametrize("fill", ["accent", "accent_hover"])
def test_the_text_of_filled_buttons_can_be_read(tokens: Tokens, fill: str) -> None:
    assert contrast(tokens.on_accent, getattr(tokens, fill)) >= 4.5


@pytest.mark.parametrize("tokens", [LIGHT, DARK], ids=lambda tokens: tokens.name)
def test_lines_that_mean_something_are_seen(tokens: Tokens) -> None:
    for surface in SURFACES:
        assert contrast(tokens.line_strong, getattr(tokens, surface)) >= 3
    for surface in ("window", "panel", "field"):
        assert contrast(tokens.accent, getattr(tokens, surface)) >= 3
