"""The form of options shows and gives every value that an option may have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from app.widgets.option_fields import OptionFields
from app.widgets.spin_boxes import Choice, DecimalNumber
from detcore.options import option, options_of


@dataclass(frozen=True)
class Barest:
    """Options of which nothing is told but their names."""

    count: int = option(3, label="Count")
    share: float = option(0.25, label="Share")
    word: str = option("plain", label="Word")


@dataclass(frozen=True)
class Auto:
    """Options that something else may decide."""

    count: int | None = option(None, auto=int, label="Count", low=1, high=9)
    rate: float | None = option(None, auto=float, label="Rate", low=0, above=True, step=0.01)
    word: str | None = option(None, auto=str, label="Word")
    way: str | None = option(None, auto=str, label="Way", choices={"a": "A", "b": "B"})
    fast: bool | None = option(None, auto=bool, label="Fast")


@dataclass(frozen=True)
class Course:
    """Options of which some matter only beside others."""

    way: str | None = option(None, auto=str, label="Way", choices={"a": "A", "b": "B"})
    drop: float = option(0.5, label="Drop", low=0, high=1, only_for={"way": ("a",)})
    patience: int = option(3, label="Patience", low=0, only_for={"way": ("b",)})


def shown(qtbot: QtBot, kind: type[Any], chosen: dict[str, Any]) -> OptionFields:
    form = OptionFields()
    qtbot.addWidget(form)
    form.show_options(options_of(kind), chosen)
    return form


@pytest.mark.parametrize("kind", [Barest, Auto])
def test_what_nobody_touched_is_as_declared(qtbot: QtBot, kind: type[Any]) -> None:
    assert shown(qtbot, kind, {}).values() == {}


@pytest.mark.parametrize(
    ("kind", "chosen"),
    [
        (Barest, {"count": -70_000, "share": -1.125, "word": "other"}),
        (Auto, {"count": 1, "rate": 0.01, "word": "some", "way": "b", "fast": False}),
        (Auto, {"count": 9, "rate": 1000.5, "way": "a", "fast": True}),
    ],
)
def test_what_was_chosen_is_shown_and_given_again(
    qtbot: QtBot, kind: type[Any], chosen: dict[str, Any]
) -> None:
    assert shown(qtbot, kind, chosen).values() == chosen


def test_other_options_take_the_place_of_those_that_are_seen(qtbot: QtBot) -> None:
    form = shown(qtbot, Auto, {})
    qtbot.waitExposed(form)
    form.show_options(options_of(Barest), {})
    assert [label.text() for label in form.findChildren(QLabel)] == ["Count", "Share", "Word"]
    form.show_options([], {})
    assert form.isHidden()
    form.show_options(options_of(Barest), {})
    assert [label.text() for label in form.findChildren(QLabel)] == ["Count", "Share", "Word"]


def test_a_number_above_its_end_cannot_reach_it(qtbot: QtBot) -> None:
    @dataclass(frozen=True)
    class Above:
        rate: float = option(0.1, label="Rate", low=0, above=True, high=1, step=0.1)

    form = shown(qtbot, Above, {})
    form.fields["rate"].setValue(0)  # type: ignore[union-attr]
    (item,) = options_of(Above)
    assert item.accepts(form.values().get("rate", 0.1))


def test_a_share_is_shown_times_a_hundred_and_units_stand_behind_numbers(qtbot: QtBot) -> None:
    @dataclass(frozen=True)
    class Units:
        share: float = option(0.5, label="Share", low=0, high=1, step=0.05, unit="%")
        pause: float | None = option(None, auto=float, label="Pause", low=0, above=True, unit="s")

    form = shown(qtbot, Units, {"share": 0.07, "pause": 30.0})
    share, pause = form.fields["share"], form.fields["pause"]
    assert isinstance(share, DecimalNumber)
    assert isinstance(pause, DecimalNumber)
    assert (share.text(), share.maximum(), share.singleStep(), pause.text()) == ("7 %", 100.0, 5.0, "30 s")
    assert form.values() == {"share": 0.07, "pause": 30.0}
    form.say_auto({"pause": "Auto (20 s)"})
    pause.set_number(None)
    assert pause.text() == "Auto (20 s)"
    assert form.values() == {"share": 0.07}


def test_only_what_matters_beside_the_rest_is_shown_and_what_was_chosen_comes_back(qtbot: QtBot) -> None:
    form = shown(qtbot, Course, {"drop": 0.25})
    form.say_auto({"way": "Auto (A)"}, {"way": "a"})
    form.show()
    seen = lambda: {name for name, field in form.fields.items() if field.isVisible()}  # noqa: E731
    assert seen() == {"way", "drop"}
    way = form.fields["way"]
    assert isinstance(way, Choice)
    way.setFocus()
    qtbot.keyClicks(way, "B")
    assert seen() == {"way", "patience"}
    assert form.values() == {"way": "b"}
    qtbot.keyClick(way, Qt.Key.Key_Up)
    assert seen() == {"way", "drop"}
    assert form.values() == {"way": "a", "drop": 0.25}
