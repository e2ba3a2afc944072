"""The form in which files hold the settings of a training, and earlier and later ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from detcore.errors import ConfigError
from detcore.jobs.settings.sections import PLACES, SECTIONS
from detcore.options import options_of
from detcore.untrusted_json import fits

VERSION = 2
"""Of the form. 1, that of Reticle 0.1, has all settings side by side and no ``version``."""
_BESIDE = {"detector": "str", "options": "dict[str, Any]"}


def read_form(record: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a ``TrainConfig`` that a file holds, in any version. Raises ConfigError as
    ``TrainConfig.from_json``."""
    version = record.get("version", 1)
    if not fits(version, "int"):
        raise ConfigError(f"version is {version!r}, expected a whole number")
    later = version > VERSION
    values: dict[str, Any] = {"version": max(version, VERSION)}
    for name, value in (record if version >= VERSION else _nested(record)).items():
        if name in SECTIONS:
            values[name] = _read_section(name, value, later=later)
        elif name in _BESIDE and fits(value, _BESIDE[name]):
            values[name] = value
        elif name in _BESIDE and not later:
            expected = "an object" if name == "options" else "a text"
            raise ConfigError(f"{name} is {value!r}, expected {expected}")
        elif name != "version" and not later:
            raise _unknown(name)
    return values


def _read_section(name: str, record: object, *, later: bool) -> Any:
    """One section; in the file of a ``later`` version what is not known or allowed here is passed over."""
    kind = SECTIONS[name]
    if not isinstance(record, dict):
        if later:
            return kind()
        raise ConfigError(f"{name} is {record!r}, expected an object")
    known = {item.name: item for item in options_of(kind)}
    values = cast("dict[str, Any]", record)
    if later:
        values = {key: value for key, value in values.items() if key in known and known[key].accepts(value)}
    for key in values:
        if key not in known:
            raise _unknown(f"{name}.{key}")
    try:
        return kind(**values)
    except ConfigError:
        if later:
            return kind()
        raise


def _nested(record: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of version 1, which lie side by side, in their sections."""
    sections: dict[str, dict[str, Any]] = {name: {} for name in SECTIONS}
    beside: dict[str, Any] = {}
    for name, value in record.items():
        if name in PLACES:
            sections[PLACES[name]][name] = value
        elif name in ("model", "options"):
            beside["detector" if name == "model" else name] = value
        elif name != "version":
            raise _unknown(name)
    return {**beside, **sections}


def _unknown(name: str) -> ConfigError:
    return ConfigError(f"there is no training setting {name!r}")
