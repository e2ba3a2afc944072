"""The options of each format as words of ``import`` and ``export``."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from typing import Any

from detcore.cli.console import complain
from detcore.errors import ConfigError
from detcore.formats import all_formats
from detcore.formats.spec import FormatSpec
from detcore.options import Option, Value


def add_format_options(command: argparse.ArgumentParser, *, reading: bool = False) -> None:
    """Add the options of every format that can be written, or read."""
    words: dict[str, str] = {}
    for spec, item in _options(reading):
        word = item.name.replace("_", "-")
        kind = _kind(item)
        kind["dest"], kind["default"] = _place(spec, item), None
        kind["help"] = f"{spec.name.upper()}: {_help(item)}".replace("%", "%%")
        try:
            action = command.add_argument(f"--{word}", **kind)
        except argparse.ArgumentError:  # another format has the word
            action = command.add_argument(f"--{spec.name}-{word}", **kind)
        words[action.dest] = action.option_strings[0]
    command.set_defaults(format_words=words)


def chosen_options(
    arguments: argparse.Namespace, preset: Mapping[str, Value] | None = None, *, reading: bool = False
) -> Any:
    """The options of the chosen format for writing, or reading, before its defaults those of a ``preset``; those of
    another one are told to change nothing.

    Raises:
        ConfigError: a number is out of its range.
    """
    chosen = all_formats()[arguments.format]
    given: dict[str, Any] = dict(preset or {})
    for spec, item in _options(reading):
        value = getattr(arguments, _place(spec, item))
        if value is None:
            continue
        if spec is chosen and not item.accepts(value):
            raise ConfigError(f"{value} is no value for {item.name}", hint=f"It must be {item.allowed}")
        if spec is chosen:
            given[item.name] = value
        else:
            word = arguments.format_words[_place(spec, item)]
            complain(f"note: {word} changes nothing in {chosen.name}: it is for {spec.name}")
    return (chosen.reading if reading else chosen.options)(**given)


def _options(reading: bool) -> Iterator[tuple[FormatSpec, Option]]:
    for spec in all_formats().values():
        if reading and spec.reader:
            yield from ((spec, item) for item in spec.reading_list())
        elif not reading and spec.writer:
            yield from ((spec, item) for item in spec.option_list())


def _place(spec: FormatSpec, item: Option) -> str:
    return f"{spec.name}.{item.name}"


def _kind(item: Option) -> dict[str, Any]:
    if isinstance(item.default, bool):
        return {"action": argparse.BooleanOptionalAction if item.default else "store_true"}
    if item.kind is str:
        return {"choices": list(item.choices)} if item.choices else {"metavar": "TEXT"}
    return {"type": item.kind, "metavar": "N"}


def _help(item: Option) -> str:
    if not item.choices:
        return "; ".join(_small(text) for text in (item.label, item.help) if text)
    default = item.choices[str(item.default)]
    values = [
        f"{value}: {_small(text)}{', the default' if text == default else ''}"
        for value, text in item.choices.items()
    ]
    return f"{_small(item.label)}, {'; '.join(values)}"


def _small(text: str) -> str:
    """A label in the middle of a sentence."""
    return text[:1].lower() + text[1:] if text[1:2].islower() else text
