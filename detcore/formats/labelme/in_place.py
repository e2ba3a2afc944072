"""LabelMe's JSON files edited in their place."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

from detcore.boxes import Xyxy, fit
from detcore.errors import FormatError
from detcore.formats.common.json_spans import Span, elements, members, root_of
from detcore.formats.common.shapes import Shape
from detcore.formats.in_place import FileBox, FileLabels, Holds, Page, Wanted, bytes_of, shown_edges, text_of
from detcore.formats.labelme.drawing import kind_of, outline_of
from detcore.formats.labelme.writing import VERSION
from detcore.untrusted_json import parse_json

_CORNERS = (2, 4)
"""Points of a rectangle: two that face each other, or all."""

_Edit = tuple[int, int, str]
"""Text to stand for that between two places."""


class LabelMeFiles:
    """The JSON files beside the images. Flags and outlines stay as they are."""

    holds = Holds()
    names: Mapping[int, str] = MappingProxyType({})

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path_of(self, image: Path) -> Path:
        return image.with_suffix(".json")

    def prepare(self, names: Iterable[str]) -> None:
        """Names stand in each file: there is no list."""

    def read(self, data: bytes, page: Page) -> FileLabels:
        return FileLabels(boxes=tuple(_box(shape, page) for shape in _File.parse(data, page).shapes))

    def edited(self, data: bytes | None, page: Page, wanted: Wanted) -> bytes:
        file = _File.parse(_new_file(page) if data is None else data, page)
        edits: list[_Edit] = []
        for place, box in wanted.changed.items():
            if box is not None:
                edits += file.changes(place, _box(file.shapes[place], page), box)
        removed = {place for place, box in wanted.changed.items() if box is None}
        edits += file.cut(removed)
        if wanted.added:
            edits.append(
                file.appended([_shape(box) for box in wanted.added], left=len(file.shapes) - len(removed))
            )
        return file.with_edits(edits)


class _File:
    """A JSON file as text, with the places of its shapes."""

    def __init__(self, text: str, codec: str, page: Page, shapes: Sequence[Any], start: int) -> None:
        self.shapes = shapes
        self._text = text
        self._codec = codec
        self._page = page
        self._start = start
        self._places = elements(text, start)

    @classmethod
    def parse(cls, data: bytes, page: Page) -> _File:
        whole, codec = text_of(data, page.file)
        text = whole.removeprefix("\ufeff")
        try:
            content: Any = parse_json(text)
        except json.JSONDecodeError as error:
            raise FormatError(f"broken JSON ({error.msg})", path=page.file, line=error.lineno) from error
        except ValueError as error:
            raise FormatError(f"broken JSON ({error})", path=page.file) from error
        shapes: Any = cast("dict[str, Any]", content).get("shapes") if isinstance(content, dict) else None
        if not isinstance(shapes, list):
            raise FormatError("no labels of LabelMe (no list of shapes)", path=page.file)
        skipped = len(whole) - len(text)
        places = dict(members(whole, root_of(text) + skipped))
        return cls(whole, codec, page, cast("list[Any]", shapes), places["shapes"][0])

    def changes(self, place: int, old: FileBox | None, new: FileBox) -> Iterator[_Edit]:
        """What differs in one shape, and nothing else."""
        if old is None:
            raise FormatError(
                "a shape that Reticle cannot read cannot be changed in its place", path=self._page.file
            )
        fields = dict(members(self._text, self._places[place][0]))
        if new.name != old.name:
            yield (*fields["label"], json.dumps(new.name, ensure_ascii=False))
        shown = shown_edges(old, self._page)
        if new.xyxy != shown:
            yield from self._moved(self.shapes[place], fields["points"], old, shown, new)

    def _moved(self, shape: Any, span: Span, old: FileBox, shown: Xyxy, new: FileBox) -> Iterator[_Edit]:
        """Other numbers for the edges that are not where they are ``shown``."""
        points = elements(self._text, span[0])
        is_box = kind_of(shape) == "rectangle" and not isinstance(outline_of(shape), Shape)
        if not is_box or len(points) not in _CORNERS:
            message = "an outline would be lost if its box were moved in its place"
            raise FormatError(message, path=self._page.file)
        middle = ((old.x1 + old.x2) / 2, (old.y1 + old.y2) / 2)
        was, now = (shown[:2], shown[2:]), (new.xyxy[:2], new.xyxy[2:])
        for point in points:
            for axis, (start, end) in enumerate(elements(self._text, point[0])[:2]):
                side = int(float(self._text[start:end]) > middle[axis])
                if was[side][axis] != now[side][axis]:
                    yield start, end, _number(now[side][axis], like=self._text[start:end])

    def cut(self, places: set[int]) -> Iterator[_Edit]:
        """Shapes with the comma and the blanks that part them from those that stay."""
        left = [place for place in range(len(self._places)) if place not in places]
        for place in sorted(places):
            start, end = self._places[place]
            if any(other < place for other in left):
                yield self._places[place - 1][1], end, ""
            elif left and place < len(self._places) - 1:
                yield start, self._places[place + 1][0], ""
            elif place == 0:
                yield self._start + 1, self._places[-1][1], ""

    def appended(self, shapes: Sequence[Mapping[str, Any]], *, left: int) -> _Edit:
        """Shapes behind the last one, indented as the file is."""
        found = re.search(r"\n([ \t]+)\S", self._text)
        unit = found[1] if found is not None else ""
        place = self._places[-1][1] if self._places and left else self._start + 1
        if not unit:
            texts = [json.dumps(shape, ensure_ascii=False) for shape in shapes]
            return place, place, (", " if left else "") + ", ".join(texts)
        newline = "\r\n" if "\r\n" in self._text else "\n"
        lines = [
            json.dumps(shape, ensure_ascii=False, indent=unit).replace("\n", newline + 2 * unit)
            for shape in shapes
        ]
        parts = ("," if left else "") + ",".join(f"{newline}{2 * unit}{line}" for line in lines)
        rest = self._text[place:].lstrip(" \t\r\n")
        tail = newline + unit if not left and rest.startswith("]") and not self._breaks_after(place) else ""
        return place, place, parts + tail

    def _breaks_after(self, place: int) -> bool:
        """Whether the bracket that ends the list stands on a line of its own."""
        rest = self._text[place:]
        return "\n" in rest[: len(rest) - len(rest.lstrip())]

    def with_edits(self, edits: Sequence[_Edit]) -> bytes:
        text = self._text
        for start, end, new in sorted(edits, key=lambda edit: (-edit[0], -edit[1])):
            text = text[:start] + new + text[end:]
        return bytes_of(text, self._codec, self._page.file)


def _box(shape: Any, page: Page) -> FileBox | None:
    """The shape as the reader of the format takes it, with its very numbers."""
    if not isinstance(shape, dict):
        return None
    fields = cast("dict[str, Any]", shape)
    name, outline = fields.get("label"), outline_of(fields)
    if not isinstance(name, str) or not name.strip() or outline is None:
        return None
    bounds: Xyxy = outline.bounds if isinstance(outline, Shape) else outline
    if fit(bounds, width=page.width, height=page.height)[0] is None:
        return None
    x1, y1, x2, y2 = bounds
    return FileBox(name=name.strip(), x1=x1, y1=y1, x2=x2, y2=y2)


def _number(value: float, *, like: str) -> str:
    """The shortest text of a number; without a fraction where it has none and the old one had none either."""
    whole = value == int(value) and not set(like) & set(".eE")
    return str(int(value)) if whole else repr(float(value))


def _shape(box: FileBox) -> dict[str, Any]:
    return {
        "label": box.name,
        "points": [[box.x1, box.y1], [box.x2, box.y2]],
        "group_id": None,
        "description": "",
        "shape_type": "rectangle",
        "flags": {},
        "mask": None,
    }


def _new_file(page: Page) -> bytes:
    """The labels of an image without a shape, as LabelMe writes them."""
    content: dict[str, Any] = {
        "version": VERSION,
        "flags": {},
        "shapes": [],
        "imagePath": page.image.name,
        "imageData": None,
        "imageHeight": page.height,
        "imageWidth": page.width,
    }
    return (json.dumps(content, ensure_ascii=False, indent=2) + "\n").encode()
