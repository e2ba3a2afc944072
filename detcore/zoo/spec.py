"""What a detector says of itself, free of torch: its card, how images come to it, how it is trained, its options.

The window's form, the command line and the checks are made from this; the network is imported when it is built.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal, TypeVar, cast

from detcore.errors import ConfigError

SIDE_STEP = 32
"""Height and width of every batch are multiples of this."""
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
_OPTION = "option"

V = TypeVar("V", bool, int, float, str)
Triple = tuple[float, float, float]
Schedule = Literal["cosine", "steps"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One thing to choose about a detector. Numbers lie from ``low`` to ``high``; a text is one of ``choices``
    (value to title). ``advanced``: most users leave it alone."""

    name: str
    default: bool | int | float | str
    label: str
    help: str
    low: float = -math.inf
    high: float = math.inf
    step: float = 1.0
    choices: Mapping[str, str] = field(default_factory=dict[str, str])
    advanced: bool = False

    @property
    def allowed(self) -> str:
        """The values there are, for messages."""
        if isinstance(self.default, bool):
            return "true or false"
        if isinstance(self.default, str):
            return " or ".join(self.choices)
        kind = "a whole number" if isinstance(self.default, int) else "a number"
        return f"{kind} from {self.low:g} to {self.high:g}"

    def accepts(self, value: object) -> bool:
        """Whether a value is one of those that are allowed. A whole number is a number, too."""
        if isinstance(self.default, bool) or isinstance(value, bool):
            return isinstance(self.default, bool) and isinstance(value, bool)
        if isinstance(self.default, str):
            return isinstance(value, str) and value in self.choices
        if not isinstance(value, int if isinstance(self.default, int) else int | float):
            return False
        return self.low <= value <= self.high  # not so of NaN

    def parse(self, word: str) -> bool | int | float | str:
        """The value that a word of the command line means. Raises ValueError for what is none."""
        if isinstance(self.default, bool):
            return {"true": True, "false": False}.get(word.lower(), word)
        return type(self.default)(word)


def option(
    default: V,
    *,
    label: str,
    help: str,
    low: float = -math.inf,
    high: float = math.inf,
    step: float = 1.0,
    choices: Mapping[str, str] | None = None,
    advanced: bool = False,
) -> V:
    """A field of a dataclass of options; the arguments are those of ``Option``."""
    told = {
        "label": label,
        "help": help,
        "low": low,
        "high": high,
        "step": step,
        "choices": dict(choices or {}),
        "advanced": advanced,
    }
    return field(default=default, metadata={_OPTION: told})


@dataclass(frozen=True, slots=True)
class NoOptions:
    """Of a detector about which there is nothing to choose."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InputRule:
    """How an image comes to the network.

    ``image_size`` is the default of the longer side, in pixels. The network sees RGB values of ``value_range``,
    less ``mean``, divided by ``std``. ``resize`` tells whether it keeps the shape of a frame (``letterbox``) or
    makes a square of it (``stretch``). Height and width must be multiples of ``divisor``.
    """

    image_size: int
    mean: Triple = IMAGENET_MEAN
    std: Triple = IMAGENET_STD
    value_range: tuple[float, float] = (0.0, 1.0)
    resize: Literal["letterbox", "stretch"] = "letterbox"
    divisor: int = SIDE_STEP


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How a detector is trained unless the user says otherwise.

    ``learning_rate`` is for a step of ``batch_size`` images; with ``adamw`` it grows with the root of the batch,
    with ``sgd`` (momentum 0.9) in proportion. ``schedule``: a cosine, or a tenth at 16/26 and at 22/26 of the
    run. ``smallest_batch`` images at a time are the fewest that it can learn from, ``largest_batch`` the most that
    are chosen unasked on a GPU.
    """

    learning_rate: float
    batch_size: int
    optimiser: Literal["adamw", "sgd"] = "adamw"
    weight_decay: float = 0.05
    schedule: Schedule = "cosine"
    smallest_batch: int = 1
    largest_batch: int = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightsInfo:
    """Which weights a training can start from: a ``text`` for the user, the ``source`` of published ones (whose
    they are, names of files) and their ``licence``; "" where there are none."""

    text: str
    source: str = ""
    licence: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectorSpec:
    """One detector.

    ``id`` is what runs and checkpoints name. ``text`` says when to use it; ``parameters`` are in millions, for
    three classes and default options. ``build`` is ``"module:function"``; the function takes
    ``(num_classes, image_size, options)``, the last an instance of ``options``, and gives a
    ``detcore.zoo.base.Detector`` with random weights.

    Raises:
        ValueError: ``input.divisor`` does not divide ``SIDE_STEP``, or a field of ``options`` is no ``option``.
    """

    id: str
    title: str
    text: str
    licence: str
    parameters: float
    input: InputRule
    recipe: Recipe
    weights: WeightsInfo
    build: str
    options: type[Any] = NoOptions

    def __post_init__(self) -> None:
        if SIDE_STEP % self.input.divisor:
            raise ValueError(f"{self.id}: sides of batches are multiples of {SIDE_STEP}")
        for item in fields(self.options):
            if _OPTION not in item.metadata:
                raise ValueError(f"{self.id}: {item.name} is not made by option(…)")

    def option_list(self) -> tuple[Option, ...]:
        """What there is to choose, in the order of the fields."""
        return tuple(
            Option(name=item.name, default=cast("Any", item.default), **item.metadata[_OPTION])
            for item in fields(self.options)
        )

    def read_options(self, chosen: Mapping[str, Any]) -> Any:
        """The options with what was chosen, an instance of ``options``.

        Raises:
            ConfigError: there is no such option, or a value is not allowed; it says what is.
        """
        known = {item.name: item for item in self.option_list()}
        for name, value in chosen.items():
            if name not in known:
                raise self._no_option(name)
            if not known[name].accepts(value):
                raise ConfigError(
                    f"option {name} of {self.id} is {value!r}", hint=f"It must be {known[name].allowed}"
                )
        return self.options(**chosen)

    def parse_options(self, words: Mapping[str, str]) -> dict[str, Any]:
        """The values that words of the command line mean, by name. Raises ConfigError as ``read_options``."""
        known = {item.name: item for item in self.option_list()}
        values: dict[str, Any] = {}
        for name, word in words.items():
            if name not in known:
                raise self._no_option(name)
            try:
                values[name] = known[name].parse(word)
            except ValueError:
                values[name] = word
        self.read_options(values)
        return values

    def _no_option(self, name: str) -> ConfigError:
        names = ", ".join(item.name for item in self.option_list())
        return ConfigError(
            f"{self.id} has no option {name!r}", hint=f"It has {names}" if names else "It has none"
        )
