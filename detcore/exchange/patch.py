"""The cleaning of a dataset as a patch: what was changed since the import, as JSON, to be played on the original files.

Only what was changed is written; every other byte of the files stays as it is.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path, PurePosixPath
from typing import Any, cast

from detcore.atomic import atomic_write
from detcore.boxes import fit
from detcore.errors import FormatError, ReticleError, disk_error
from detcore.formats.base import DatasetImage, Problem
from detcore.formats.coco.patching import JsonText
from detcore.formats.in_place import FileBox, LabelFiles, Page, Wanted
from detcore.formats.spec import FormatSpec
from detcore.images.decoding import read_header
from detcore.project.cleaning import FLAGS, BoxChange, BoxState, counts_of
from detcore.untrusted_json import parse_json

VERSION = 1
_MARK = "reticle_diff"
_NEAR = 0.51
"""Pixels: as far as rounding to whole ones moves an edge."""
_COCO = "coco"

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class PatchedBox:
    """One change to play: the box in the files before, or ``None``, and after it, or ``None``."""

    image: str
    before: FileBox | None
    after: FileBox | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PatchReport:
    """What a patch did to the files in ``folder``: changes played, changes that the files had already, files that are
    others now, and what could not be played."""

    folder: Path
    played: int
    already: int
    files: int
    problems: tuple[Problem, ...]


def diff_json(changes: Sequence[BoxChange]) -> Json:
    """The changes as plain data, with counts of each kind."""
    return {
        _MARK: VERSION,
        "counts": counts_of(changes),
        "changes": [
            {
                "image": change.image,
                "width": change.width,
                "height": change.height,
                "kinds": list(change.kinds),
                "before": _state_json(change.before),
                "after": _state_json(change.after),
                "origin": change.origin,
                "run": change.run,
                "score": change.score,
                "operation": change.operation,
                "time": change.time,
                "verdict": change.verdict or None,
                "verdict_run": change.verdict_run or None,
            }
            for change in changes
        ],
    }


def _state_json(state: BoxState | None) -> Json | None:
    if state is None:
        return None
    return {"class": state.name, "box": list(state.xyxy), "flags": sorted(state.flags)}


def read_patch(path: Path) -> list[PatchedBox]:
    """The changes in a file that ``diff_json`` made.

    Raises:
        FormatError: it is none.
    """
    try:
        data: Any = parse_json(path.read_bytes())
    except OSError as error:
        raise FormatError(f"cannot be read ({error.strerror})", path=path) from error
    except ValueError as error:
        raise FormatError(f"is no JSON ({error})", path=path) from error
    if not isinstance(data, dict) or data.get(_MARK) != VERSION or not isinstance(data.get("changes"), list):  # pyright: ignore[reportUnknownMemberType]
        raise FormatError(
            "is no diff of Reticle",
            path=path,
            hint="Make one with: python main.py diff P.reticle --json FILE",
        )
    return [_change(item, number, path) for number, item in enumerate(cast("list[Any]", data["changes"]))]


def _change(item: Any, number: int, path: Path) -> PatchedBox:
    try:
        image, before, after = item["image"], _box(item["before"]), _box(item["after"])
        if not isinstance(image, str) or (before is None and after is None):
            raise ValueError("no image or no box")
    except (KeyError, TypeError, ValueError) as error:
        raise FormatError(f"change {number + 1} is none ({error})", path=path) from error
    return PatchedBox(image=image, before=before, after=after)


def _box(item: Any) -> FileBox | None:
    if item is None:
        return None
    edges = [float(edge) for edge in item["box"]]
    if (
        len(edges) != 4
        or not all(map(math.isfinite, edges))
        or not (edges[0] < edges[2] and edges[1] < edges[3])
    ):
        raise ValueError("a box that is none")
    if not isinstance(item["class"], str) or not item["class"]:
        raise ValueError("a class without a name")
    given = {str(flag) for flag in item["flags"]}
    flags = {flag: flag in given for flag in FLAGS if flag != "crowd"}
    x1, y1, x2, y2 = edges
    return FileBox(name=item["class"], x1=x1, y1=y1, x2=x2, y2=y2, **flags)


def apply_patch(
    changes: Sequence[PatchedBox], spec: FormatSpec, source: Path, out: Path | None
) -> PatchReport:
    """Play a patch on the label files of ``source``, or on a copy of it at ``out``, which must be new.

    Changes whose box is not in the files are left out and reported, and so are those of images that are not there.

    Raises:
        FormatError: files of this format cannot be patched, ``source`` is none, or ``out`` is there already or cannot be
            written.
    """
    if spec.open is None and spec.name != _COCO:
        raise FormatError(
            f"{spec.title} cannot be patched", path=source, hint="Export the project in that format instead"
        )
    folder = source.absolute() if out is None else _copied(source.absolute(), out.absolute())
    dataset, _ = spec.read(folder)
    images = _Images(dataset.images)
    found: dict[Path, tuple[DatasetImage, list[PatchedBox]]] = {}
    problems: list[Problem] = []
    for change in changes:
        image = images.called(change.image)
        if image is None:
            problems.append(
                Problem(path=Path(change.image), message="no such image here, or several: left out")
            )
        else:
            found.setdefault(image.path, (image, []))[1].append(change)
    try:
        if spec.open is None:
            played, already, files = _patch_coco(folder, found, problems)
        else:
            played, already, files = _patch_files(spec.open(folder), found.values(), problems)
    except OSError as error:
        problem = disk_error(error, path=folder)
        raise FormatError(problem.message, path=problem.path, hint=problem.hint) from error
    return PatchReport(folder=folder, played=played, already=already, files=files, problems=tuple(problems))


def _copied(source: Path, out: Path) -> Path:
    """A copy of the folder that appears whole or not at all."""
    if out.exists():
        raise FormatError("is there already", path=out, hint="Name a new folder")
    if out.is_relative_to(source):
        raise FormatError("a copy cannot lie in the folder itself", path=out, hint="Name a folder beside it")
    partial = out.with_name(f".{out.name}.partial")
    try:
        shutil.rmtree(partial, ignore_errors=True)
        shutil.copytree(source, partial, symlinks=True)
        partial.rename(out)
    except OSError as error:
        problem = disk_error(error, path=out)
        raise FormatError(f"cannot be written ({problem.message})", path=out, hint=problem.hint) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return out


class _Images:
    """Images by the ends of their paths: a project may call ``train/a.jpg`` what the dataset calls ``images/train/a.jpg``."""

    def __init__(self, images: Iterable[DatasetImage]) -> None:
        self._by_name: dict[str, list[DatasetImage]] = {}
        for image in images:
            self._by_name.setdefault(image.path.name, []).append(image)

    def called(self, name: str) -> DatasetImage | None:
        """The image whose path shares the longest end with ``name``; ``None`` where none or several do."""
        wanted = PurePosixPath(name).parts[::-1]
        best: list[DatasetImage] = []
        longest = 0
        for image in self._by_name.get(wanted[0], []) if wanted else ():
            parts = image.path.parts[::-1]
            shared = next(
                (n for n, (a, b) in enumerate(zip(parts, wanted, strict=False)) if a != b),
                min(len(parts), len(wanted)),
            )
            if shared > longest:
                best, longest = [], shared
            if shared == longest:
                best.append(image)
        return best[0] if len(best) == 1 else None


def _patch_files(
    files: LabelFiles, found: Iterable[tuple[DatasetImage, list[PatchedBox]]], problems: list[Problem]
) -> tuple[int, int, int]:
    played = already = written = 0
    for image, changes in found:
        if image.width is None or image.height is None:
            problems.append(Problem(path=image.path, message="the size of the image is not known: left out"))
            continue
        page = Page(file=files.path_of(image.path), image=image.path, width=image.width, height=image.height)
        try:
            data = page.file.read_bytes() if page.file.is_file() else None
            boxes = files.read(data, page).boxes if data is not None else ()
            matched = match(changes, boxes, page.file, problems)
            wanted = Wanted(changed=matched.changed, added=matched.added)
            already += matched.already
            if not wanted:
                continue
            kept = [box for box in (*matched.changed.values(), *matched.added) if box is not None]
            files.prepare({box.name for box in kept})
            content = files.edited(data, page, wanted)
        except ReticleError as error:
            problems.append(Problem(path=page.file, message=f"{error.message}: left as it is"))
            continue
        played += len(matched.changed) + len(matched.added)
        if content != data:
            page.file.parent.mkdir(parents=True, exist_ok=True)
            with atomic_write(page.file) as temporary:
                temporary.write_bytes(content)
            written += 1
    return played, already, written


def _patch_coco(
    folder: Path, found: Mapping[Path, tuple[DatasetImage, list[PatchedBox]]], problems: list[Problem]
) -> tuple[int, int, int]:
    played = already = written = 0
    left = dict(found)
    files = _coco_files(folder)
    ids = count(
        1
        + max(
            (_number(item.get("id")) for _, text in files for item in text.entries("annotations")), default=0
        )
    )
    for path, text in files:
        entries = _entries_by_name(text)
        here = {key: entry for key in left if (entry := _entry_of(key, entries)) is not None}
        mine = [(*left.pop(key), entry) for key, entry in here.items()]
        patch = _CocoPatch(path, text, ids, problems)
        for image, changes, entry in mine:
            patch.play(image, changes, entry)
        content = patch.content()
        played, already = played + patch.played, already + patch.already
        if content != text.text:
            with atomic_write(path) as temporary:
                temporary.write_bytes(content.encode())
            written += 1
    problems += [Problem(path=path, message="no file of annotations names it: left out") for path in left]
    return played, already, written


def _coco_files(folder: Path) -> list[tuple[Path, JsonText]]:
    """The files of annotations below a folder, in UTF-8."""
    files: list[tuple[Path, JsonText]] = []
    for path in sorted(folder.rglob("*.json")):
        try:
            text = JsonText(path.read_bytes().decode())
            is_one = bool(text.entries("images")) and bool(text.entries("categories"))
        except ValueError:
            continue
        files += [(path, text)] if is_one else []
    return files


def _entries_by_name(text: JsonText) -> dict[str, list[tuple[tuple[str, ...], Json]]]:
    """The images of a file with the parts of their paths, by the last of these."""
    named: dict[str, list[tuple[tuple[str, ...], Json]]] = {}
    for entry in text.entries("images"):
        parts = PurePosixPath(str(entry.get("file_name", ""))).parts
        if parts:
            named.setdefault(parts[-1], []).append((parts, entry))
    return named


def _entry_of(image: Path, named: Mapping[str, list[tuple[tuple[str, ...], Json]]]) -> Json | None:
    """The entry of an image by its file name, which may have folders."""
    for parts, entry in named.get(image.name, []):
        if image.parts[-len(parts) :] == parts:
            return entry
    return None


def _number(value: Any) -> int:
    return value if type(value) is int else 0


class _CocoPatch:
    """The changes of one COCO file."""

    def __init__(self, path: Path, text: JsonText, ids: Iterator[int], problems: list[Problem]) -> None:
        self.played = 0
        self.already = 0
        self._path = path
        self._text = text
        self._ids = ids
        self._problems = problems
        self._names: dict[Any, str] = {
            item.get("id"): str(item.get("name", "")).strip() for item in text.entries("categories")
        }
        self._new_names: list[Json] = []
        self._changed: dict[int, Json | None] = {}
        self._added: list[Json] = []
        self._annotations = text.entries("annotations")

    def play(self, image: DatasetImage, changes: list[PatchedBox], entry: Json) -> None:
        """The changes of one image, whose entry is given."""
        if read_header(image.path).orientation != 1:
            message = "EXIF turns the image, and COCO's boxes lie on it as stored: left out"
            self._problems.append(Problem(path=image.path, message=message))
            return
        places = [
            place for place, item in enumerate(self._annotations) if item.get("image_id") == entry.get("id")
        ]
        boxes = [self._box(self._annotations[place], image) for place in places]
        matched = match(changes, boxes, self._path, self._problems)
        for row, box in matched.changed.items():
            old = self._annotations[places[row]]
            self._changed[places[row]] = None if box is None else self._values(old, boxes[row], box)
        for box in matched.added:
            x1, y1, x2, y2 = box.xyxy
            bbox = [x1, y1, x2 - x1, y2 - y1]
            new: Json = {
                "id": next(self._ids),
                "image_id": entry.get("id"),
                "category_id": self._category(box.name),
            }
            self._added.append(
                {**new, "bbox": bbox, "area": bbox[2] * bbox[3], "segmentation": [], "iscrowd": 0}
            )
        self.played += len(matched.changed) + len(matched.added)
        self.already += matched.already

    def content(self) -> str:
        """The file with the changes."""
        text = self._text
        if self._changed or self._added:
            text = text.edited("annotations", self._changed, self._added)
        return text.edited("categories", {}, self._new_names).text if self._new_names else text.text

    def _box(self, item: Json, image: DatasetImage) -> FileBox | None:
        bbox: Any = item.get("bbox")
        name = self._names.get(item.get("category_id"))
        if not isinstance(bbox, list) or len(cast("list[Any]", bbox)) != 4 or not name:
            return None
        try:
            x, y, w, h = (float(value) for value in cast("list[Any]", bbox))
        except (TypeError, ValueError):
            return None
        edges, _ = fit((x, y, x + w, y + h), width=image.width, height=image.height)
        return (
            None if edges is None else FileBox(name=name, x1=edges[0], y1=edges[1], x2=edges[2], y2=edges[3])
        )

    def _values(self, old: Json, before: FileBox | None, after: FileBox) -> Json:
        """The members of an annotation that change; a moved box has no outline any more."""
        values: Json = {}
        if before is None or before.name != after.name:
            values["category_id"] = self._category(after.name)
        if before is None or before.xyxy != after.xyxy:
            x1, y1, x2, y2 = after.xyxy
            bbox: list[float] = [x1, y1, x2 - x1, y2 - y1]
            if all(type(value) is int for value in old["bbox"]) and all(
                value == int(value) for value in bbox
            ):
                bbox = [int(value) for value in bbox]
            values["bbox"] = bbox
            if "area" in old:
                values["area"] = bbox[2] * bbox[3]
            if old.get("segmentation"):
                values["segmentation"] = []
        return values

    def _category(self, name: str) -> int:
        for key, known in self._names.items():
            if known == name:
                return key
        key = 1 + max(map(_number, self._names), default=0)
        self._names[key] = name
        self._new_names.append({"id": key, "name": name, "supercategory": ""})
        return key


@dataclass(slots=True)
class Matched:
    """Which entries of a file are to change, by place (``None``: to go), and what is to be added."""

    changed: dict[int, FileBox | None]
    added: list[FileBox]
    already: int = 0


def match(
    changes: Iterable[PatchedBox], boxes: Sequence[FileBox | None], file: Path, problems: list[Problem]
) -> Matched:
    """Find the boxes that the changes are of: of one class, with edges no farther away than rounding moves them."""
    found = Matched({}, [])
    free = {place for place, box in enumerate(boxes) if box is not None}
    for change in changes:
        place = _nearest(change.before, boxes, free)
        if place is not None:
            free.discard(place)
            found.changed[place] = change.after
        elif change.after is not None and _nearest(change.after, boxes, free) is not None:
            found.already += 1
        elif change.before is None and change.after is not None:
            found.added.append(change.after)
        elif change.after is None:
            found.already += 1
        else:
            what = f"the box of {change.before.name!r} that was changed" if change.before else "a box"
            problems.append(Problem(path=file, message=f"{what} is not here: left out"))
    return found


def _nearest(wanted: FileBox | None, boxes: Sequence[FileBox | None], free: set[int]) -> int | None:
    if wanted is None:
        return None
    distances = {
        place: max(abs(a - b) for a, b in zip(box.xyxy, wanted.xyxy, strict=True))
        for place in free
        if (box := boxes[place]) is not None and box.name == wanted.name
    }
    place = min(distances, key=lambda key: distances[key], default=None)
    return place if place is not None and distances[place] <= _NEAR else None
