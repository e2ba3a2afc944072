"""Whether a file or folder is a YOLO dataset: a description with names, a list of classes, rows that are boxes."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

import yaml

from detcore.formats.common.text import decode
from detcore.formats.sniffing import Sample, Sniffed, read_head, surest
from detcore.formats.yolo.layout import looks_like_labels
from detcore.formats.yolo.names import NAME_FILES
from detcore.formats.yolo.rows import bounds_of, foreign_layout

_DESCRIPTIONS = (".yaml", ".yml", ".data")
_MOST = 20
"""Descriptions of a folder that are looked at."""
_DEEPEST = 20
_DOUBTED = 0.3
_SPLITS = frozenset({"train", "val", "valid", "test"})


def sniff_yolo(sample: Sample) -> Sniffed | None:
    """A folder is told by a description in it, by a list of classes, or by the first text files below it; where those
    are clearly of something else, the others say little."""
    path = sample.path
    if not sample.is_folder:
        return _sniff_file(path)
    try:
        inside = sorted(os.listdir(path))
    except OSError:
        return None
    descriptions = [path / name for name in inside if name.lower().endswith(_DESCRIPTIONS)]
    described = surest(descriptions[:_MOST], _sniff_file)
    rows = sample.surest((".txt",), _sniff_rows)
    if described is not None and described.confidence > 0:
        if rows is None or rows.confidence > 0:
            return described
        # Other formats are described in the same way, so the rows count for more.
        return Sniffed(confidence=min(described.confidence, 0.3), why=f"{described.why}, but {rows.why}")
    names = next((name for name in inside if name.lower() in NAME_FILES), None)
    has_rows = rows is not None and rows.confidence > 0
    if described is not None and described.confidence > 0:
        if rows is None or has_rows:
            return described
        return Sniffed(confidence=_DOUBTED, why=f"{described.why}, but {rows.why}")
    names = next((name for name in inside if name.lower() in NAME_FILES), None)
    if names is not None:
        return Sniffed(confidence=0.8 if has_rows else 0.3, why=f"{names}, a list of classes")
    return rows or described


def _sniff_file(path: Path) -> Sniffed | None:
    suffix = path.suffix.lower()
    if suffix not in _DESCRIPTIONS:
        return None
    head = decode(read_head(path))[0]
    keys = _darknet_keys(head) if suffix == ".data" else _yaml_keys(head)
    splits = keys & _SPLITS
    if "names" in keys and splits:
        return Sniffed(confidence=0.95, why=f"names and {', '.join(sorted(splits))}")
    if "names" in keys:
        return Sniffed(confidence=0.7, why="names of classes")
    if splits:
        return Sniffed(confidence=0.4, why=f"{', '.join(sorted(splits))}, but no names of classes")
    return Sniffed(confidence=0.0, why="neither names of classes nor train, val or test")


def _yaml_keys(text: str) -> set[str]:
    """The keys at the top of a YAML text that may be cut short."""
    keys: set[str] = set()
    depth, at_key = 0, True
    try:
        for event in cast("Iterable[Any]", yaml.parse(text)):  # pyright: ignore[reportUnknownMemberType]
            if isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
                at_key = depth == 1 or at_key
            elif isinstance(event, yaml.CollectionStartEvent):
                depth += 1
                if depth > _DEEPEST or (depth == 1 and isinstance(event, yaml.SequenceStartEvent)):
                    break
                at_key = depth == 1
            elif isinstance(event, yaml.ScalarEvent | yaml.AliasEvent) and depth == 1:
                if at_key and isinstance(event, yaml.ScalarEvent):
                    keys.add(str(event.value))
                at_key = not at_key
    except (yaml.YAMLError, ValueError):
        pass  # cut short, or no YAML from here on
    return keys


def _darknet_keys(text: str) -> set[str]:
    pairs = [line.partition("=") for line in text.splitlines()]
    return {key.strip().lower() for key, equals, _ in pairs if equals}


def _sniff_rows(path: Path) -> Sniffed | None:
    """By the first line; an empty file says nothing."""
    lines = decode(read_head(path))[0].splitlines()
    line = next((line.strip() for line in lines if line.strip()), None)
    if line is None or path.name.lower() in NAME_FILES:
        return None
    if looks_like_labels(path) and _is_row(line):
        return Sniffed(confidence=0.6, why="a class and fractions of an image")
    layout = foreign_layout(line)
    if layout is not None:
        return Sniffed(confidence=0.0, why=f"this looks like {layout}")
    if looks_like_labels(path):
        return Sniffed(confidence=0.0, why="numbers that are no fractions of an image")
    return None


def _is_row(line: str) -> bool:
    try:
        values = [float(column) for column in line.split()[1:]]
    except ValueError:
        return False
    return bounds_of(values, 0)[0] is not None
