"""The class names of a YOLO dataset: ``data.yaml``, ``obj.names``, ``classes.txt``."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import yaml

from detcore.errors import FormatError
from detcore.formats.common.text import decode, foreign_parts, read_bytes, tails
from detcore.wording import counted

NAME_FILES = ("classes.txt", "obj.names", "predefined_classes.txt", "_darknet.labels", "classes.names")
_USED_KEYS = frozenset({"path", "train", "val", "valid", "test", "names", "nc", "download"})


_DEEPEST = 50
_MOST_DIGITS = 1000
_LONGEST_NAME = 255
_LARGEST = 4_000_000
"""Bytes of a YAML file that may be read: a description with 10,000 names has a tenth of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class YoloConfig:
    """A ``data.yaml`` or ``obj.data``. ``splits`` holds paths as written: folders of images or lists of
    them. ``keypoints`` is how many numbers of keypoints follow each box, 0 if their number cannot be told,
    ``None`` without any."""

    path: Path
    base: Path
    splits: dict[str, list[str]]
    names: dict[int, str]
    keypoints: int | None = None
    extra: dict[str, Any] = field(default_factory=dict[str, Any])
    messages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NameList:
    """The class names of a file by id, and what is odd about the file."""

    path: Path
    names: dict[int, str]
    messages: tuple[str, ...] = ()


def read_yaml(path: Path) -> YoloConfig:
    """A ``data.yaml``. Names are the text that was written: ``yes``, ``on`` and ``1.0`` stay what they are.

    Raises:
        FormatError: not YAML, or not a mapping.
    """
    data = read_bytes(path)
    if len(data) > _LARGEST:
        raise FormatError("too large for a description of a data set", path=path)
    text, complaint = decode(data)
    try:
        is_tagged = _check(text, path)
        # BaseLoader makes text of every scalar and builds no other objects, so it is safe as well.
        written: Any = yaml.load(text, Loader=yaml.BaseLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        raise FormatError(f"broken YAML ({error.problem})", path=path, line=line) from error
    except (yaml.YAMLError, ValueError) as error:
        raise FormatError(f"broken YAML ({error})", path=path) from error
    if not isinstance(written, dict):
        raise FormatError("not a data set description", path=path)
    content = cast("dict[str, Any]", written)
    names, messages = _names_of(content.get("names"))
    if complaint is not None:
        messages.append(complaint)
    root = content.get("path")
    if isinstance(root, str) and any(len(part) > _LONGEST_NAME for part in foreign_parts(root)):
        messages.append("“path” is longer than any file name: passed over")
    count = str(content.get("nc", len(names)))
    if _is_number(count) and int(count) != len(names):
        messages.append(f"nc is {count}, but {counted(len(names), 'name is', 'names are')} given")
    splits = {
        split: _texts(content[key])
        for key, split in (("train", "train"), ("val", "val"), ("valid", "val"), ("test", "test"))
        if key in content and _texts(content[key])
    }
    typed = None if is_tagged else _typed(text)
    if typed is None:
        messages.append("tags, or values that YAML does not know: the fields that are only kept are text")
    extra = {str(key): value for key, value in (typed or content).items() if str(key) not in _USED_KEYS}
    return YoloConfig(
        path=path,
        base=_base(path, root),
        splits=splits,
        names=names,
        keypoints=_keypoints(content["kpt_shape"]) if "kpt_shape" in content else None,
        extra=extra,
        messages=tuple(messages),
    )


def _check(text: str, path: Path) -> bool:
    """Whether tags say of what kind values are. Looks at the text piece by piece, since PyYAML takes the longer
    for each bracket the more are open.

    Raises:
        FormatError: there are aliases, or too many levels.
    """
    depth = 0
    is_tagged = False
    for event in cast("Iterable[Any]", yaml.parse(text)):  # pyright: ignore[reportUnknownMemberType]
        if isinstance(event, yaml.AliasEvent):
            raise FormatError("aliases in the YAML are refused", path=path)
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            line = event.start_mark.line + 1
            raise FormatError("the YAML is nested too deeply", path=path, line=line)
        is_tagged = is_tagged or getattr(event, "tag", None) not in {None, "!"}
    return is_tagged


def _typed(text: str) -> dict[Any, Any] | None:
    """The content with numbers and dates as such; ``None`` where a value is not what it looks like."""
    try:
        typed: Any = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError):  # a date such as 2024-99-99
        return None
    return cast("dict[Any, Any]", typed) if isinstance(typed, dict) else None


def _base(path: Path, root: Any) -> Path:
    """The folder that the paths of the file start from: ``path`` where it exists, or the end of it does
    beside the file; else that of the file."""
    if not isinstance(root, str) or not root:
        return path.parent
    written = path.parent / os.path.expanduser(root.replace("\\", "/"))
    moved = (path.parent.joinpath(*tail) for tail in tails(foreign_parts(root)))
    return next((folder for folder in (written, *moved) if os.path.isdir(folder)), path.parent)


def _texts(value: Any) -> list[str]:
    items: list[Any] = cast("list[Any]", value) if isinstance(value, list) else [value]
    return [item for item in items if isinstance(item, str) and item]


def _is_number(text: str) -> bool:
    return text.isdecimal() and len(text) <= _MOST_DIGITS


def _keypoints(shape: Any) -> int:
    sides = _texts(shape)
    return int(sides[0]) * int(sides[1]) if len(sides) == 2 and all(map(_is_number, sides)) else 0


def _names_of(value: Any) -> tuple[dict[int, str], list[str]]:
    names: dict[int, str] = {}
    messages: list[str] = []
    if isinstance(value, list):
        pairs: Iterable[tuple[Any, Any]] = enumerate(cast("list[Any]", value))
    elif isinstance(value, dict):
        pairs = cast("dict[Any, Any]", value).items()
    else:
        return {}, [] if value is None else ["names is neither a list nor a mapping"]
    for key, name in pairs:
        number = str(key).strip()
        if not isinstance(name, str) or not name.strip() or not number.isdecimal():
            messages.append(f"class {number[:60]!r} has no usable name")
        elif len(number) > _MOST_DIGITS:
            messages.append("a class has an id beyond all measure: left out")
        else:
            names[int(number)] = name.strip()
    return names, messages


def read_darknet(path: Path) -> YoloConfig:
    """An ``obj.data`` of darknet: ``key = value`` lines.

    Raises:
        FormatError: the file or the file of names cannot be read.
    """
    values: dict[str, str] = {}
    content, complaint = decode(read_bytes(path))
    for text in content.splitlines():
        key, equals, value = text.partition("=")
        if equals and not text.lstrip().startswith("#"):
            values[key.strip().lower()] = value.strip()
    splits = {
        split: [values[key]]
        for key, split in (("train", "train"), ("valid", "val"), ("val", "val"), ("test", "test"))
        if values.get(key)
    }
    names: dict[int, str] = {}
    messages: list[str] = [] if complaint is None else [complaint]
    if "names" in values:
        parts = foreign_parts(values["names"])
        places = (path.parent.joinpath(*tail) for tail in tails(parts))
        found = next((place for place in places if os.path.isfile(place)), None)
        if found is None:
            messages.append(f"the file of names, {values['names'][:100]}, is missing")
        else:
            listed = read_names(found)
            names = listed.names
            messages += [f"{found.name}: {message}" for message in listed.messages]
    return YoloConfig(path=path, base=path.parent, splits=splits, names=names, messages=tuple(messages))


def read_names(path: Path) -> NameList:
    """One name a line, without the spaces around it; the line number is the id. Empty lines have no name.

    Raises:
        FormatError: the file cannot be read.
    """
    text, complaint = decode(read_bytes(path))
    lines = text.splitlines()
    names = {number: line.strip() for number, line in enumerate(lines) if line.strip()}
    messages = [] if complaint is None else [complaint]
    if names and len(names) <= max(names):
        messages.append("an empty line: the ids of the names after it count it")
    return NameList(path=path, names=names, messages=tuple(messages))


def read_class_list(path: Path) -> list[str]:
    """The class names of any file that lists them, in their order: a ``data.yaml``, or one name a line.

    Raises:
        FormatError: the file cannot be read, or holds no names.
    """
    is_yaml = path.suffix.lower() in {".yaml", ".yml"}
    names = read_yaml(path).names if is_yaml else read_names(path).names
    if not names:
        raise FormatError(
            "no class names in this file", path=path, hint="Write one name a line, or choose a data.yaml"
        )
    return list(dict.fromkeys(names[number] for number in sorted(names)))


def names_file(folder: Path) -> Path | None:
    """The file of class names in a folder."""
    for name in NAME_FILES:
        if os.path.isfile(folder / name):
            return folder / name
    return next(iter(sorted(folder.glob("*.names"))), None)
