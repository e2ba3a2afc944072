"""Supervisely: a project with ``meta.json`` and folders of images, ``img``, and of JSON files, ``ann``."""

from __future__ import annotations

import base64
import io
import zlib
from pathlib import Path
from typing import Any, cast

from PIL import Image as PillowImage

from detcore.boxes import Xyxy
from detcore.formats.base import MARKER, Dataset, DatasetBox, DatasetImage, Problem, Progress, step
from detcore.formats.common.collect import Gathering
from detcore.formats.common.geometry import Frame
from detcore.formats.common.json_files import (
    Json,
    as_object,
    json_files,
    objects,
    pixel_size,
    points,
    refuse_without,
    take_flags,
    without,
)
from detcore.formats.common.shapes import Point, Shape, fitted
from detcore.formats.common.text import split_of_folder
from detcore.formats.losses import Capabilities
from detcore.formats.sniffing import Sample, Sniffed, json_head
from detcore.formats.spec import FormatSpec
from detcore.images.decoding import EXTENSIONS, UNREADABLE

_LONGEST_MASK = 1 << 24
"""Bytes of a mask as PNG; one of a whole image at 100 megapixels needs less."""
_LARGEST_MASK = 1 << 28
"""Pixels of a mask."""
_KINDS = {"polygon": "polygon", "line": "line", "polyline": "line", "point": "points"}


def read_supervisely(
    source: Path, *, image_folder: Path | None, progress: Progress
) -> tuple[Dataset, list[Problem]]:
    """See :class:`detcore.formats.spec.Reader`."""
    found = Gathering(source, image_folder, progress)
    files = json_files(found)
    _read_classes(found, files)
    count = 0
    for done, path in enumerate(files):
        step(progress, done, len(files))
        if path.name in ("meta.json", "key_id_map.json"):
            continue
        content: Any = found.json(path)
        if isinstance(content, dict) and isinstance(cast(Json, content).get("objects"), list):
            _File(path, cast(Json, content), found).read()
            count += 1
        elif content is not None:
            found.problem(path, "no labels of Supervisely (no list of objects): passed over")
    if not count:
        raise refuse_without(found, "Supervisely")
    for folder in sorted({path.parent.parent / "img" for path in files if path.parent.name == "ann"}):
        found.add_unlabelled(folder)
    step(progress, len(files), len(files))
    return found.dataset(), found.problems


def sniff_supervisely(sample: Sample) -> Sniffed | None:
    """Whether the JSON file, or the first ones of a folder, hold objects of Supervisely or a project's classes."""
    return sample.surest((".json",), _sniff_file)


def _sniff_file(path: Path) -> Sniffed | None:
    head = None if path.name == MARKER else json_head(path)
    if head is None or head.is_list:
        return None
    keys = head.keys
    if "classTitle" in keys.get("objects", set()):
        return Sniffed(confidence=0.95, why="objects with a classTitle")
    if {"size", "objects", "tags"} <= keys.keys() and {"width", "height"} <= keys["size"]:
        return Sniffed(confidence=0.9, why="objects, tags and the size of an image")
    if path.name == "meta.json" and {"title", "shape"} <= keys.get("classes", set()):
        return Sniffed(confidence=0.9, why="the classes of a project")
    return None


SUPERVISELY = FormatSpec(
    name="supervisely",
    title="Supervisely",
    kind="JSON",
    text="A project folder: meta.json, and folders img and ann.",
    suffixes=(".json",),
    sniff=sniff_supervisely,
    reader=read_supervisely,
    capabilities=Capabilities(
        difficult=True,
        truncated=True,
        occluded=True,
        crowd=True,
        verified_empty=True,
        splits=True,
        sizes=True,
        shapes=frozenset({"polygon", "line", "points"}),
    ),
)


def _read_classes(found: Gathering, files: list[Path]) -> None:
    """The classes of the project in their order, with what else is said of them."""
    home = found.folder
    known = [path for path in files if path.name == "meta.json"]
    beside = [folder / "meta.json" for folder in (home, home.parent, home.parent.parent)]
    for path in known or [path for path in beside if path.is_file()][:1]:
        content = as_object(found.json(path))
        for entry in objects(
            content.get("classes"), "classes", lambda text, path=path: found.problem(path, text)
        ):
            title = entry.get("title")
            if isinstance(title, str) and title.strip():
                found.classes.add(title.strip(), None, {"supervisely": without(entry, "title")})


class _File:
    """The labels of one image."""

    def __init__(self, path: Path, content: Json, found: Gathering) -> None:
        self._path = path
        self._content = content
        self._found = found

    def read(self) -> None:
        image = self._find()
        if image is None:
            return
        size = as_object(self._content.get("size"))
        frame = self._found.frame(self._path, image, pixel_size(size.get("width"), size.get("height")))
        items = objects(self._content["objects"], "objects", self._report)
        boxes = [box for item in items if (box := self._box(item, frame)) is not None]
        tags = _tags(self._content)
        split = self._found.folder_split(self._path) or split_of_folder(tuple(tags))
        kept = without(self._content, "objects", "size")
        self._found.add(
            DatasetImage(
                path=image,
                name="",
                width=frame.width,
                height=frame.height,
                split=split,
                verified=not items,
                boxes=boxes,
                extra={"supervisely": kept} if any(kept.values()) else {},
            ),
            self._path,
        )

    def _report(self, message: str) -> None:
        self._found.problem(self._path, message)

    def _find(self) -> Path | None:
        """The image: the file is called like it, in old projects without its extension."""
        folder, name = self._path.parent, self._path.stem
        homes = [folder.parent / "img", folder]
        if Path(name).suffix.lower() not in EXTENSIONS:
            for home in homes:
                image = self._found.finder.by_stem(home, name)
                if image is not None:
                    return image
            name += ".jpg"
        own = folder.parent.name if folder.name == "ann" else ""
        written = f"{own}/{name}" if own else name
        return self._found.finder.by_name(homes[0], name) or self._found.named(
            self._path, written, homes[1:], expected=homes[0].parent if own else folder
        )

    def _box(self, item: Json, frame: Frame) -> DatasetBox | None:
        title = item.get("classTitle")
        name = title.strip() if isinstance(title, str) else ""
        if not name:
            self._report(f"object {item.get('id')!r} without a classTitle: left out")
            return None
        try:
            outline = _outline(item)
        except ValueError as error:
            self._report(f"object {item.get('id')!r} ({name}): {error}: left out")
            return None
        box, extra, message = fitted(outline, frame)
        if message is not None:
            self._report(f"object {item.get('id')!r} ({name}): {message}")
        if box is None:
            return None
        flags = take_flags({tag: _tag_value(value) for tag, value in _tags(item).items()})
        kept = without(item, "classTitle", "points", "bitmap", "geometryType")
        return DatasetBox(
            label=self._found.classes.add(name),
            x1=box[0],
            y1=box[1],
            x2=box[2],
            y2=box[3],
            extra={**extra, "supervisely": kept} if any(kept.values()) else extra,
            **flags,
        )


def _tags(entry: Json) -> dict[str, Any]:
    raw: Any = entry.get("tags")
    items = [as_object(item) for item in cast("list[Any]", raw)] if isinstance(raw, list) else []
    return {str(item["name"]): item.get("value") for item in items if "name" in item}


def _tag_value(value: Any) -> Any:
    return True if value is None else value  # a tag without a value says so by being there


def _outline(item: Json) -> Shape | Xyxy:
    """What an object draws.

    Raises:
        ValueError: it draws nothing that can be read; the reason.
    """
    kind = str(item.get("geometryType", "bitmap" if "bitmap" in item else "rectangle"))
    if kind in ("bitmap", "alpha_mask"):
        return _mask_bounds(as_object(item.get("bitmap")))
    if kind == "graph":
        nodes = [as_object(node).get("loc") for node in as_object(item.get("nodes")).values()]
        keypoints = points(nodes)
        if not keypoints:
            raise ValueError("a graph without nodes")
        return Shape(kind="points", parts=(keypoints,))
    places = as_object(item.get("points"))
    exterior = points(places.get("exterior"))
    if not exterior:
        raise ValueError(f"a {kind[:40]} without points")
    holes: Any = places.get("interior")
    inner: list[tuple[Point, ...]] = []
    for part in cast("list[Any]", holes) if isinstance(holes, list) else []:
        hole = points(part)
        if hole:
            inner.append(hole)
    if kind == "rectangle":
        return Shape(kind="points", parts=(exterior,)).bounds
    if kind not in _KINDS:
        raise ValueError(f"a {kind[:40]} is none of the outlines that are read")
    return Shape(kind=cast(Any, _KINDS[kind]), parts=(exterior, *inner))


def _mask_bounds(bitmap: Json) -> Xyxy:
    """The edges of what a mask marks: a PNG, packed by zlib and written in base64, at its origin.

    Raises:
        ValueError: it is no such mask, or larger than any image.
    """
    origin = points([bitmap.get("origin")])
    data = bitmap.get("data")
    if not origin or not isinstance(data, str):
        raise ValueError("a mask without its data or its origin")
    unpacker = zlib.decompressobj()
    try:
        png = unpacker.decompress(base64.b64decode(data[: 2 * _LONGEST_MASK]), _LONGEST_MASK)
        with PillowImage.open(io.BytesIO(png), formats=["PNG"]) as mask:
            if mask.width * mask.height > _LARGEST_MASK:
                raise ValueError("it is larger than any image")
            marked = mask.convert("RGBA").getchannel("A") if mask.has_transparency_data else mask.convert("L")
            inside = marked.getbbox()
    except (zlib.error, *UNREADABLE) as error:
        raise ValueError(f"a mask that cannot be read ({error})") from error
    if inside is None:
        raise ValueError("a mask that marks nothing")
    x, y = origin[0]
    return x + inside[0], y + inside[1], x + inside[2], y + inside[3]
