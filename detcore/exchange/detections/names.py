"""Which images and classes of a project a file of detections speaks of."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, cast
from urllib.parse import unquote

from detcore.errors import FormatError
from detcore.exchange.detections.raw import Key
from detcore.foreign_ids import IdTable, number_of
from detcore.formats.base import DatasetClass
from detcore.formats.common.text import decode, foreign_parts, read_bytes
from detcore.formats.yolo.writing import class_numbers
from detcore.images.decoding import EXTENSIONS
from detcore.project.reading import ProjectReader
from detcore.types import ObjectClass
from detcore.untrusted_json import parse_json
from detcore.wording import counted

_UPLOADED = re.compile(r"[0-9a-f]{8}-(?=.)")
"""What Label Studio puts before the names of files that were uploaded to it."""
_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class CocoNames:
    """What the ids of a COCO file stand for: names of images, and of classes."""

    path: Path
    images: IdTable[str]
    classes: IdTable[str]


def read_coco_names(path: Path) -> CocoNames:
    """The images and categories of a COCO file.

    Raises:
        FormatError: it is none.
    """
    try:
        data: Any = parse_json(decode(read_bytes(path))[0])
    except json.JSONDecodeError as error:
        raise FormatError(f"broken JSON ({error.msg})", path=path, line=error.lineno) from error
    except ValueError as error:
        raise FormatError(f"broken JSON ({error})", path=path) from error
    if not isinstance(data, dict) or "images" not in data:
        raise FormatError("no COCO file: it has no list of images", path=path)
    content = cast("dict[str, Any]", data)
    return CocoNames(
        path=path,
        images=_table(content.get("images"), "file_name"),
        classes=_table(content.get("categories"), "name"),
    )


def _table(entries: Any, key: str) -> IdTable[str]:
    table = IdTable[str]()
    for entry in cast("list[Any]", entries) if isinstance(entries, list) else []:
        if isinstance(entry, dict):
            fields = cast("dict[str, Any]", entry)
            table.add(fields.get("id"), str(fields.get(key, "")))
    return table


class ImageNames:
    """The images of a project by what others may call them."""

    def __init__(self, project: ProjectReader) -> None:
        self._project = project
        images = project.image_list()
        self._by_path = dict(zip(images.paths, images.ids.tolist(), strict=True))
        self._by_name: dict[str, list[str]] = {}
        self._by_stem: dict[str, list[str]] = {}
        for path in images.paths:
            name = PurePosixPath(path)
            self._by_name.setdefault(_key(name.name), []).append(path)
            self._by_stem.setdefault(_key(name.stem), []).append(path)

    def find(self, name: str) -> list[int]:
        """Ids of the images whose paths end in a name, or in as much of it as any does; more than one where it is ambiguous.
        A name without the extension of an image is that of any image, and the extension may be another one."""
        stored = (
            self._by_path.get(self._project.stored_path(Path(name))) if Path(name).is_absolute() else None
        )
        if stored is not None:
            return [stored]
        for spelling in dict.fromkeys((name, unquote(name), _without_upload(name))):
            found = self._ending_in(foreign_parts(spelling))
            if found:
                return found
        return []

    def _ending_in(self, parts: Sequence[str]) -> list[int]:
        if not parts:
            return []
        last = PurePosixPath(parts[-1])
        has_extension = last.suffix.lower() in EXTENSIONS
        candidates = self._by_name.get(_key(last.name), [])
        if not candidates:
            candidates = self._by_stem.get(_key(last.stem if has_extension else last.name), [])
        above = [_key(part) for part in parts[:-1]]
        for length in range(len(above), 0, -1):
            wanted = above[-length:]
            matches = [path for path in candidates if _folders(path)[-length:] == wanted]
            if matches:
                candidates = matches
                break
        return [self._by_path[path] for path in candidates]

    def by_coco_id(self) -> tuple[IdTable[int], set[Key]]:
        """The images by the ids that they had in the COCO files which they came from, and the ids that several have."""
        table, repeated = IdTable[int](), set[Key]()
        for image in self._project.images():
            kept: Any = image.extra.get("coco")
            key: Any = cast("dict[str, Any]", kept).get("id") if isinstance(kept, dict) else None
            if isinstance(key, int | str) and not table.add(key, image.id):
                repeated.add(key)
        return table, repeated

    def by_stem(self) -> IdTable[int]:
        """The images by their names without extension, as Ultralytics makes ids of them."""
        table = IdTable[int]()
        for paths in self._by_stem.values():
            if len(paths) == 1:
                table.add(PurePosixPath(paths[0]).stem, self._by_path[paths[0]])
        return table


def find_by_id(
    keys: Sequence[Key], names: ImageNames, coco: CocoNames | None, source: Path
) -> tuple[list[list[int]], str]:
    """Ids of the images that the ids of another program stand for, none where the project has none, several where it is
    ambiguous; and a sentence that says by what they were told. Ids may be names as well.

    Raises:
        FormatError: ids stand for several images of the project.
    """
    if coco is not None:
        written = [coco.images.find(key) for key in keys]
        return [
            names.find(str(key) if name is None else name) for key, name in zip(keys, written, strict=True)
        ], f"Ids stand for what they do in {coco.path.name}."
    by_id, repeated = names.by_coco_id()
    of_ids = [by_id.find(key) for key in keys]
    stems = names.by_stem()
    of_stems = [stems.find(key) for key in keys]
    if sum(item is not None for item in of_stems) > sum(item is not None for item in of_ids):
        found, note = of_stems, "Ids of images are their names without extension."
    else:
        found = of_ids
        note = "Ids of images are those of the COCO files that they came from." if any(of_ids) else ""
        unclear = [str(key) for key in keys if key in repeated]
        if unclear:
            raise FormatError(
                f"the image {counted(len(unclear), 'id stands', 'ids stand')} for several images of the project: "
                f"{_some(unclear)}",
                path=source,
                hint="Name the COCO file of the images that were looked at",
            )
    ids = [
        [image] if image is not None else names.find(str(key)) for key, image in zip(keys, found, strict=True)
    ]
    return ids, note


def class_names(
    keys: Sequence[Key],
    classes: Sequence[ObjectClass],
    coco: CocoNames | None,
    source: Path,
    *,
    by_ids: bool,
) -> tuple[list[str], str]:
    """The name of each class that a file names, ``class_N`` for a number that nothing explains; and a sentence that says by
    what numbers were told, "" where there are none. They are ``by_ids`` of COCO's categories, or count from zero as in YOLO.

    Raises:
        FormatError: nothing says what the numbers stand for.
    """
    present = {item.name for item in classes}
    numbers = {number for key in keys if str(key) not in present and (number := number_of(key)) is not None}
    if coco is not None:
        known = {key: name for key in keys if (name := coco.classes.find(key))}
        note = f"Classes are called as in {coco.path.name}." if known else ""
        return [known.get(key) or _called(key) for key in keys], note
    told = _numbering(classes, by_ids=by_ids)
    if numbers and by_ids and not numbers & told.keys():
        raise FormatError(
            f"nothing says what the category ids stand for ({_some(map(str, sorted(numbers)))})",
            path=source,
            hint="Name the COCO file that has these categories",
        )
    by_number = [str(key) if str(key) in present else told.get(number_of(key), _called(key)) for key in keys]
    known = [f"{number} {told[number]}" for number in sorted(numbers) if number in told]
    return by_number, f"Numbers of classes are those of the project: {_some(known)}." if known else ""


def _numbering(classes: Sequence[ObjectClass], *, by_ids: bool) -> Mapping[int | None, str]:
    """The names of the project's classes by the ids that they had in what was imported, or by the numbers that an export to
    YOLO gives them."""
    if by_ids:
        return {item.source_id: item.name for item in classes if item.source_id is not None}
    numbers = class_numbers([DatasetClass(name=item.name, source_id=item.source_id) for item in classes])
    return {number: item.name for number, item in zip(numbers, classes, strict=True)}


def _called(key: Key) -> str:
    """A class by its name, or by its number alone."""
    number = number_of(key)
    return f"class_{number}" if number is not None else " ".join(str(key).split())


def _some(words: Iterable[str]) -> str:
    shown = list(words)
    return ", ".join(shown[:_SHOWN]) + (", …" if len(shown) > _SHOWN else "")


def _key(name: str) -> str:
    """A name for comparison: macOS composes accents otherwise than the rest, and case may differ."""
    return unicodedata.normalize("NFC", name).lower()


def _folders(path: str) -> list[str]:
    return [_key(part) for part in path.split("/")[:-1]]


def _without_upload(name: str) -> str:
    head, slash, last = name.rpartition("/")
    return f"{head}{slash}{_UPLOADED.sub('', last, count=1)}"
