"""What there is to choose about a detector, a format or a training: a dataclass whose fields say how a form and the
command line show them, and which values they take."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

from detcore.errors import ConfigError
from detcore.untrusted_json import fits

_OPTION = "option"
_KINDS = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}

_LONGEST_FILE = 1 << 20
"""Bytes."""

Value = bool | int | float | str
V = TypeVar("V", bound=Value | None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One thing to choose about a detector, a format or a training.

    Numbers lie from ``low`` to ``high``, with ``above`` beyond ``low``; a text is one of ``choices`` (value to
    title), or any where there are none. ``auto``: ``None`` is allowed and lets something else decide.
    ``file`` is the suffix of files whose text is the value; users choose the file, and give its path on the command line.
    ``advanced``: most users leave it alone. ``group`` is the heading that a form folds it under; ``unit`` stands behind
    a number, and one of ``%`` is a share that a form shows times a hundred. ``only_for``: the values of other options beside
    which this one matters, by their names; forms hide it beside others, flags are taken and left unused.
    """

    name: str
    default: Value | None
    kind: type[Value]
    label: str
    help: str = ""
    low: float = -math.inf
    high: float = math.inf
    above: bool = False
    step: float = 1.0
    choices: Mapping[str, str] = field(default_factory=dict[str, str])
    file: str = ""
    auto: bool = False
    advanced: bool = False
    group: str = ""
    unit: str = ""
    only_for: Mapping[str, Collection[Value]] = field(default_factory=dict[str, Collection[Value]])

    @property
    def allowed(self) -> str:
        """The values there are, for messages."""
        if self.choices:
            return " or ".join(self.choices)
        parts: list[str] = []
        if self.low > -math.inf:
            parts.append(f"more than {self.low:g}" if self.above else f"at least {self.low:g}")
        if self.high < math.inf:
            parts.append(f"at most {self.high:g}")
        if len(parts) == 2 and not self.above:
            return f"{_KINDS[self.kind]} from {self.low:g} to {self.high:g}"
        return _KINDS[self.kind] + (f" of {' and '.join(parts)}" if parts else "")

    def fault(self, value: object) -> str:
        """What is wrong with a value, as the end of a sentence; "" where it is allowed. A whole number is a
        number, too."""
        if value is None and self.auto:
            return ""
        if not fits(value, self.kind.__name__):
            return f"expected {self._expected(value)}"
        if isinstance(value, str):
            fine = not self.choices or value in self.choices
        else:
            number = cast("float", value)
            fine = self.low <= number <= self.high and not (self.above and number == self.low)
        return "" if fine else f"it must be {self.allowed}"

    def accepts(self, value: object) -> bool:
        """Whether a value is one of those that are allowed."""
        return not self.fault(value)

    def parse(self, word: str) -> Value:
        """The value that a word of the command line means. Raises ValueError for what is none, and ConfigError for a file
        that cannot be read."""
        if self.file and word:
            return read_option_file(Path(word))
        if self.kind is bool:
            return {"true": True, "false": False}.get(word.lower(), word)
        return self.kind(word)

    def _expected(self, value: object) -> str:
        if self.kind in (int, float) and type(value) is int:
            return "a smaller number"
        if self.kind is float and type(value) is float:
            return "a finite number"
        return _KINDS[self.kind]


def read_option_file(path: Path) -> str:
    """The text of a file that is the value of an option. Raises ConfigError where it is none."""
    try:
        with path.open("rb") as file:
            content = file.read(_LONGEST_FILE + 1)
        if len(content) > _LONGEST_FILE:
            raise ConfigError("the file is too long for a text", path=path)
        return content.decode("utf-8")
    except OSError as error:
        raise ConfigError(f"cannot read the file ({error.strerror})", path=path) from error
    except UnicodeDecodeError as error:
        raise ConfigError("the file is no text", path=path) from error


def option(
    default: V,
    *,
    label: str,
    help: str = "",
    low: float = -math.inf,
    high: float = math.inf,
    above: bool = False,
    step: float = 1.0,
    choices: Mapping[str, str] | None = None,
    file: str = "",
    auto: type[Value] | None = None,
    advanced: bool = False,
    group: str = "",
    unit: str = "",
    only_for: Mapping[str, Collection[Value]] | None = None,
) -> V:
    """A field of a dataclass of options; the arguments are those of ``Option``, but ``auto`` is the kind of value
    that there is beside ``None``."""
    told = {
        "kind": type(default) if auto is None else auto,
        "label": label,
        "help": help,
        "low": low,
        "high": high,
        "above": above,
        "step": step,
        "choices": dict(choices or {}),
        "file": file,
        "auto": auto is not None,
        "advanced": advanced,
        "group": group,
        "unit": unit,
        "only_for": dict(only_for or {}),
    }
    return field(default=default, metadata={_OPTION: told})


def check_options(section: object, place: str) -> None:
    """Raises ConfigError for a field of a dataclass of options whose value is not allowed, naming it in ``place``."""
    for item in options_of(type(section)):
        value = getattr(section, item.name)
        fault = item.fault(value)
        if fault:
            raise ConfigError(f"{place}.{item.name} is {value!r}, {fault}")


@dataclass(frozen=True, slots=True)
class NoOptions:
    """Where there is nothing to choose."""


@cache
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
        fault = made.fault(made.default)
        if fault:
            raise ValueError(f"{kind.__name__}: {item.name} is {made.default!r}, {fault}")
        found.append(made)
    _check_conditions(kind, found)
    return tuple(found)


def _check_conditions(kind: type[Any], options: Sequence[Option]) -> None:
    """Raises ValueError for a condition that no value of a neighbour can meet."""
    named = {item.name: item for item in options}
    for item in options:
        for name, values in item.only_for.items():
            if name in named and not all(named[name].accepts(value) for value in values):
                raise ValueError(f"{kind.__name__}: {item.name} is only for {name} {values!r}")
