"""Darknet's `.cfg` files: sections of ``key=value`` lines, one a layer, after a ``[net]`` that tells how to train.

Free of torch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from detcore.errors import ConfigError

_NET = ("net", "network")
_COMMENTS = ("#", ";")


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """What stands behind a key, and in which line."""

    text: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One ``[kind]`` with its values. Of a key that stands there several times the first counts, as in darknet;
    the others are ``repeated``. ``path`` and ``line`` are for messages."""

    kind: str
    line: int
    values: Mapping[str, Value]
    repeated: Sequence[tuple[str, Value]] = ()
    path: Path = field(default_factory=Path)

    def whole(self, key: str, default: int | None = None, *, low: int | None = None) -> int:
        """A whole number. Raises ConfigError: it is none or less than ``low``, or it is missing without a default."""
        found = self.wholes(key, None if default is None else (default,), low=low)
        if len(found) != 1:
            raise self.fault(key, "one number is expected")
        return found[0]

    def number(self, key: str, default: float | None = None) -> float:
        """A number. Raises ConfigError as ``whole``."""
        found = self.numbers(key, None if default is None else (default,))
        if len(found) != 1:
            raise self.fault(key, "one number is expected")
        return found[0]

    def flag(self, key: str, *, default: bool = False) -> bool:
        """Whether a number is there that is not 0. Raises ConfigError as ``whole``."""
        return self.number(key, float(default)) != 0

    def text(self, key: str, default: str) -> str:
        """What stands behind the key, as it is."""
        return self.values[key].text if key in self.values else default

    def wholes(
        self, key: str, default: Sequence[int] | None = None, *, low: int | None = None
    ) -> tuple[int, ...]:
        """Whole numbers between commas. Raises ConfigError as ``whole``."""
        numbers = self.numbers(key, default)
        if any(number != int(number) for number in numbers):
            raise self.fault(key, "whole numbers are expected")
        if low is not None and any(number < low for number in numbers):
            raise self.fault(key, f"at least {low} is expected")
        return tuple(int(number) for number in numbers)

    def numbers(self, key: str, default: Sequence[float] | None = None) -> tuple[float, ...]:
        """Numbers between commas; a comma at the end is allowed. Raises ConfigError as ``whole``."""
        if key not in self.values:
            if default is None:
                raise ConfigError(
                    f"[{self.kind}] has no {key}", path=self.path, line=self.line, hint=f"Add {key}=…"
                )
            return tuple(default)
        words = [word.strip() for word in self.values[key].text.split(",")]
        try:
            found = tuple(float(word) for word in words if word)
        except ValueError:
            raise self.fault(key, "numbers are expected") from None
        if any(not abs(number) < 1e18 for number in found):
            raise self.fault(key, "a finite number is expected")
        return found

    def fault(self, key: str, what: str) -> ConfigError:
        """What to raise for a value that cannot be."""
        value = self.values.get(key)
        said = f"{key}={value.text}" if value else key
        return ConfigError(
            f"[{self.kind}] {said}: {what}", path=self.path, line=value.line if value else self.line
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Cfg:
    """A whole file: ``net`` and the ``layers`` in their order."""

    net: Section
    layers: tuple[Section, ...]
    path: Path


def read_cfg(path: Path) -> Cfg:
    """A `.cfg` file.

    Raises:
        ConfigError: it cannot be read, or is none; it says which line.
    """
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise ConfigError(f"it cannot be read ({error.strerror})", path=path) from error
    return parse_cfg(text, path)


def parse_cfg(text: str, path: Path = Path("network.cfg")) -> Cfg:
    """The text of a `.cfg` file; ``path`` is for messages. Raises ConfigError as ``read_cfg``."""
    sections: list[Section] = []
    values: dict[str, Value] = {}
    repeated: list[tuple[str, Value]] = []
    for number, raw in enumerate(text.splitlines(), start=1):
        line = _bare(raw)
        if not line:
            continue
        if line.startswith("["):
            if not line.endswith("]"):
                raise ConfigError(
                    f"{line!r} is no heading", path=path, line=number, hint="A heading ends with ]"
                )
            values, repeated = {}, []
            kind = line[1:-1].strip()
            sections.append(Section(kind=kind, line=number, values=values, repeated=repeated, path=path))
            continue
        key, equals, value = line.partition("=")
        if not equals or not sections:
            hint = "A network begins with [net]" if not sections else "Lines are key=value"
            raise ConfigError(f"{line!r} makes no sense here", path=path, line=number, hint=hint)
        name, found = key.strip(), Value(text=value.strip(), line=number)
        if name in values:
            repeated.append((name, found))
        else:
            values[name] = found
    if not sections or sections[0].kind not in _NET:
        raise ConfigError("it is no network of darknet", path=path, line=1, hint="It must begin with [net]")
    if len(sections) == 1:
        raise ConfigError("it has no layers", path=path, line=sections[0].line)
    return Cfg(net=sections[0], layers=tuple(sections[1:]), path=path)


def _bare(line: str) -> str:
    """A line without its comment."""
    for mark in _COMMENTS:
        line = line.partition(mark)[0]
    return line.strip()
