"""What there is to choose about a detector or a format: a dataclass whose fields say how a form and the command line
show them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar, cast

_OPTION = "option"

V = TypeVar("V", bound=bool | int | float | str)


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One thing to choose about a detector or a format. Numbers lie from ``low`` to ``high``; a text is one of ``choices``
    (value to title). ``advanced``: most users leave it alone."""

    name: str
    default: bool | int | float | str
    label: str
    help: str = ""
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
    help: str = "",
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
    """Where there is nothing to choose."""


def options_of(kind: type[Any]) -> tuple[Option, ...]:
    """The fields of a dataclass of options, in their order.

    Raises:
        ValueError: one is not made by ``option``, or its default is none of the values that it can have.
    """
    found: list[Option] = []
    for item in fields(kind):
        if _OPTION not in item.metadata:
            raise ValueError(f"{kind.__name__}: {item.name} is not made by option(…)")
        made = Option(name=item.name, default=cast("Any", item.default), **item.metadata[_OPTION])
        if not made.accepts(made.default):
            raise ValueError(f"{kind.__name__}: {item.name} is {made.default!r}, not {made.allowed}")
        found.append(made)
    return tuple(found)
