"""The class names of a YOLO dataset: ``data.yaml``, ``obj.names``, ``classes.txt``."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import yaml

from detcore.errors import FormatError
from detcore.formats.text import decode, read_bytes
from detcore.untrusted_json import parse_json

NAME_FILES = ("classes.txt", "obj.names", "predefined_classes.txt", "_darknet.labels", "classes.names")
_USED_KEYS = frozenset({"path", "train", "val", "valid", "test", "names", "nc", "download"})


@dataclass(frozen=True, slots=True, kw_only=True)
class YoloConfig:
    """A ``data.yaml`` or ``obj.data``. ``splits`` holds paths as written: folders of images or lists of
    them."""

    path: Path
    base: Path
    splits: dict[str, list[str]]
    names: dict[int, str]
    keypoints: bool = False
    extra: dict[str, Any] = field(default_factory=dict[str, Any])
    messages: tuple[str, ...] = ()


def read_yaml(path: Path) -> YoloConfig:
    """A ``data.yaml``. Names are the text that was written: ``yes``, ``on`` and ``1.0`` stay what they are.

    Raises:
        FormatError: not YAML, or not a mapping.
    """
    text = decode(read_bytes(path))[0]
    try:
        events = cast("Iterable[Any]", yaml.parse(text))  # pyright: ignore[reportUnknownMemberType]
        if any(isinstance(event, yaml.AliasEvent) for event in events):
            raise FormatError("aliases in the YAML are refused", path=path)
        # BaseLoader makes text of every scalar and builds no other objects, so it is safe as well.
        written: Any = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506
        typed: Any = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        raise FormatError(f"broken YAML ({error.problem})", path=path, line=line) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise FormatError(f"broken YAML ({error})", path=path) from error
    if not isinstance(written, dict) or not isinstance(typed, dict):
        raise FormatError("not a data set description", path=path)
    content = cast("dict[str, Any]", written)
    names, messages = _names_of(content.get("names"))
    count = str(content.get("nc", len(names)))
    if count.isdecimal() and int(count) != len(names):
        messages.append(f"nc is {count}, but there are {len(names)} names")
    splits = {
        split: _texts(content[key])
        for key, split in (("train", "train"), ("val", "val"), ("valid", "val"), ("test", "test"))
        if key in content and _texts(content[key])
    }
    extra = {str(key): value for key, value in cast("dict[Any, Any]", typed).items() if key not in _USED_KEYS}
    return YoloConfig(
        path=path,
        base=_base(path, content.get("path")),
        splits=splits,
        names=names,
        keypoints="kpt_shape" in content,
        extra=parse_json(json.dumps(extra, default=str)),
        messages=tuple(messages),
    )


def _base(path: Path, root: Any) -> Path:
    """The folder that the paths of the file start from: ``path`` where it exists, else that of the file."""
    if isinstance(root, str) and root:
        folder = path.parent / Path(root).expanduser()
        if folder.is_dir():
            return folder
    return path.parent


def _texts(value: Any) -> list[str]:
    items: list[Any] = cast("list[Any]", value) if isinstance(value, list) else [value]
    return [item for item in items if isinstance(item, str) and item]


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
        if not isinstance(name, str) or not name.strip() or not str(key).strip().isdecimal():
            messages.append(f"class {key!r} has no usable name")
            continue
        names[int(key)] = name.strip()
    return names, messages


def read_darknet(path: Path) -> YoloConfig:
    """An ``obj.data`` of darknet: ``key = value`` lines.

    Raises:
        FormatError: the file or the file of names cannot be read.
    """
    values: dict[str, str] = {}
    for text in decode(read_bytes(path))[0].splitlines():
        key, equals, value = text.partition("=")
        if equals and not text.lstrip().startswith("#"):
            values[key.strip().lower()] = value.strip()
    splits = {
        split: [values[key]]
        for key, split in (("train", "train"), ("valid", "val"), ("val", "val"), ("test", "test"))
        if values.get(key)
    }
    names: dict[int, str] = {}
    messages: list[str] = []
    if "names" in values:
        written = Path(values["names"].replace("\\", "/"))
        found = [folder for folder in (path.parent / written, path.parent / written.name) if folder.is_file()]
        if found:
            names = read_names(found[0])
        else:
            messages.append(f"the file of names, {values['names']}, is missing")
    return YoloConfig(path=path, base=path.parent, splits=splits, names=names, messages=tuple(messages))


def read_names(path: Path) -> dict[int, str]:
    """One name a line, without the spaces around it; the line number is the id. Empty lines have no name.

    Raises:
        FormatError: the file cannot be read.
    """
    lines = decode(read_bytes(path))[0].splitlines()
    return {number: text.strip() for number, text in enumerate(lines) if text.strip()}


def names_file(folder: Path) -> Path | None:
    """The file of class names in a folder."""
    for name in NAME_FILES:
        if (folder / name).is_file():
            return folder / name
    return next(iter(sorted(folder.glob("*.names"))), None)
