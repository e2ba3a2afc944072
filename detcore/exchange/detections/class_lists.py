"""The names of classes beside detections that have numbers for them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from detcore.exchange.detections.raw import Key
from detcore.formats.base import Problem
from detcore.formats.yolo.names import names_file, read_names, read_yaml

_CONFIGS = ("data.yaml", "data.yml", "dataset.yaml")
_ABOVE = 2
"""Folders above that of the files in which names are looked for."""


def names_around(folder: Path) -> tuple[Mapping[Key, str], list[Problem]]:
    """The names of classes by their numbers, from the nearest data.yaml or list of names in a folder or above it, and what is odd
    about that; none where there is none.

    Raises:
        FormatError: it cannot be read.
    """
    for place in (folder, *list(folder.parents)[:_ABOVE]):
        config = next((place / name for name in _CONFIGS if (place / name).is_file()), None)
        listed = names_file(place)
        if config is not None and (names := read_yaml(config)).names:
            return {**names.names}, [Problem(path=config, message=message) for message in names.messages]
        if listed is not None:
            found = read_names(listed)
            return {**found.names}, [Problem(path=listed, message=message) for message in found.messages]
    return {}, []
