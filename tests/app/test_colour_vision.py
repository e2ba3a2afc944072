"""What is told by colour is told to the colour-blind as well, and is seen on what is behind it."""

from __future__ import annotations

import itertools

import pytest
from PySide6.QtGui import QColor

from app.canvas.style import CASING_COLOR
from app.review.models.kind_looks import OVERLAY_COLORS, PEN_STYLES
from app.review.models.overlay import STYLES
from app.services.theme import DARK, LIGHT, Tokens, visible_on
from detcore.project.palette import PALETTE
from detcore.review.kinds import EVERY_KIND, ErrorKind
from tests.colour_vision import SEEN_BY, ciede2000, contrast, difference

CLEARLY_APART = 10.0
"""In CIEDE2000; 1 is just noticeable side by side (Sharma et al. 2005)."""
FIRST_CLASSES = PALETTE[:7]
OVERLAY = tuple(OVERLAY_COLORS[kind].name() for kind in sorted(EVERY_KIND))

themes = pytest.mark.parametrize("tokens", [LIGHT, DARK], ids=lambda tokens: tokens.name)
people = pytest.mark.parametrize("who", SEEN_BY)


def nearest(colors: tuple[str, ...], who: str) -> float:
    return min(difference(one, other, who) for one, other in itertools.combinations(colors, 2))


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        # pairs 1, 7, 13, 17 and 25 of table 1 of Sharma et al. (2005)
        ((50.0, 2.6772, -79.7751), (50.0, 0.0, -82.7485), 2.0425),
        ((50.0, 0.0, 0.0), (50.0, -1.0, 2.0), 2.3669),
        ((50.0, -0.0010, 2.4900), (50.0, 0.0011, -2.4900), 4.7461),
        ((50.0, 2.5, 0.0), (73.0, 25.0, -18.0), 27.1492),
        ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
    ],
)
def test_differences_are_those_of_the_paper(
    one: tuple[float, float, float], other: tuple[float, float, float], expected: float
) -> None:
    assert ciede2000(one, other) == pytest.approx(expected, abs=5e-5)


@people
def test_grey_stays_grey_for(who: str) -> None:
    assert difference("#808080", "#818181", who) < 1.0
    assert contrast("#000000", "#ffffff", who) == pytest.approx(21.0, abs=0.1)


@people
def test_boxes_that_are_found_false_and_missed_differ_clearly_for(who: str) -> None:
    assert nearest(OVERLAY, who) > CLEARLY_APART


@people
@themes
def test_the_numbers_of_found_false_and_missed_differ_clearly_for(tokens: Tokens, who: str) -> None:
    assert nearest((tokens.tp, tokens.fp, tokens.fn), who) > CLEARLY_APART


@people
def test_boxes_stand_out_from_the_dark_casing_around_them_for(who: str) -> None:
    casing = QColor(CASING_COLOR).name()
    for color in OVERLAY:
        assert contrast(color, casing, who) >= 3


@people
@themes
def test_the_marks_of_found_false_and_missed_are_seen_on_every_surface_by(tokens: Tokens, who: str) -> None:
    for color in (tokens.tp, tokens.fp, tokens.fn):
        for surface in (tokens.window, tokens.panel, tokens.raised, tokens.field, tokens.hover):
            assert contrast(color, surface, who) >= 3


@people
def test_the_first_classes_differ_clearly_for(who: str) -> None:
    assert nearest(FIRST_CLASSES, who) > CLEARLY_APART


@themes
def test_the_curve_of_every_class_is_seen_on_the_panel(tokens: Tokens) -> None:
    for color in PALETTE:
        curve = visible_on(QColor(color), QColor(tokens.panel))
        assert contrast(curve.name(), tokens.panel, "everyone") >= 3


@themes
def test_a_colour_that_is_seen_already_stays_as_it_is(tokens: Tokens) -> None:
    green = QColor("#009e73")
    assert visible_on(green, QColor(tokens.panel)) == green


def test_no_two_kinds_have_the_same_line() -> None:
    assert len(set(STYLES.values())) == len(set(PEN_STYLES.values())) == len(ErrorKind)
