"""The cards of detectors: options are checked by them, plug-ins come in beside the built-in ones."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from detcore.errors import ConfigError
from detcore.zoo import catalogue
from detcore.zoo.spec import DetectorSpec, InputRule, NoOptions, Recipe, WeightsInfo, option
from tests.conftest import InstallPlugIn


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    depth: int = option(2, label="Depth", help="How many layers", low=1, high=5)
    radius: float = option(1.5, label="Radius", help="How far", low=0.5, high=4, step=0.5, advanced=True)
    backbone: str = option("small", label="Backbone", help="What sees", choices={"small": "S", "large": "L"})
    frozen: bool = option(False, label="Frozen", help="Whether it stays")


def spec(options: type[Any] = Choices, divisor: int = 32) -> DetectorSpec:
    return DetectorSpec(
        id="mine",
        title="Mine",
        text="For tests.",
        licence="MIT",
        parameters=0.1,
        input=InputRule(image_size=64, divisor=divisor),
        recipe=Recipe(learning_rate=0.1, batch_size=2),
        weights=WeightsInfo(text="None."),
        build="nowhere:build",
        options=options,
    )


def test_what_is_not_chosen_has_its_default() -> None:
    assert spec().read_options({"depth": 3, "radius": 2}) == Choices(depth=3, radius=2)


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        ({"wings": 2}, "mine has no option 'wings'. It has depth, radius, backbone, frozen."),
        ({"depth": 6}, "option depth of mine is 6. It must be a whole number from 1 to 5."),
        ({"depth": 2.5}, "option depth of mine is 2.5. It must be a whole number from 1 to 5."),
        ({"depth": True}, "option depth of mine is True. It must be a whole number from 1 to 5."),
        ({"radius": float("nan")}, "option radius of mine is nan. It must be a number from 0.5 to 4."),
        ({"backbone": "huge"}, "option backbone of mine is 'huge'. It must be small or large."),
        ({"frozen": 1}, "option frozen of mine is 1. It must be true or false."),
    ],
)
def test_wrong_options_are_told_with_what_is_allowed(chosen: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        spec().read_options(chosen)
    assert str(caught.value) == words


def test_of_a_detector_without_options_it_is_said_that_it_has_none() -> None:
    with pytest.raises(ConfigError, match=r"no option 'depth'\. It has none"):
        spec(NoOptions).read_options({"depth": 1})


def test_words_of_the_command_line_become_values() -> None:
    words = {"depth": "3", "radius": "2", "backbone": "large", "frozen": "True"}
    assert spec().parse_options(words) == {"depth": 3, "radius": 2.0, "backbone": "large", "frozen": True}


@pytest.mark.parametrize(
    "words", [{"depth": "three"}, {"frozen": "perhaps"}, {"radius": "x"}, {"wings": "1"}]
)
def test_senseless_words_are_refused(words: dict[str, str]) -> None:
    with pytest.raises(ConfigError):
        spec().parse_options(words)


def test_a_card_whose_network_no_batch_would_suit_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="multiples of 32"):
        spec(divisor=48)


def test_options_are_made_by_option_or_the_card_is_a_mistake() -> None:
    @dataclass
    class Plain:
        depth: int = 2

    with pytest.raises(ValueError, match="depth is not made by option"):
        spec(Plain)


@pytest.fixture
def install(install_plug_in: InstallPlugIn) -> Iterator[InstallPlugIn]:
    """Installs a module, with its code, whose ``SPEC`` is a detector's card."""
    catalogue.detectors.cache_clear()
    yield partial(install_plug_in, "reticle.detectors")
    catalogue.detectors.cache_clear()


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("broken", "raise RuntimeError('broken')", "RuntimeError('broken')"),
        ("number", "SPEC = 3", "no DetectorSpec"),
        ("twin", "from detcore.zoo.specs.reticle import S as SPEC", "there is one of that id already"),
        ("empty", "", "AttributeError"),
    ],
)
def test_a_plug_in_that_does_not_fit_is_logged_and_left_out(
    install: InstallPlugIn, caplog: pytest.LogCaptureFixture, name: str, text: str, words: str
) -> None:
    install(f"detector_{name}", text)
    with caplog.at_level(logging.WARNING):
        found = catalogue.detectors()
    assert catalogue.DEFAULT_MODEL in found
    assert not any(model.startswith("detector_") for model in found)
    assert words in caplog.text


def test_a_detector_that_is_not_installed_is_named() -> None:
    with pytest.raises(ConfigError, match=r"'yolo9000' is not installed.*reticle-s"):
        catalogue.find_detector("yolo9000")
