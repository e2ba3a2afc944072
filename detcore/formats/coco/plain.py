"""The annotations of a COCO file that say what nearly all say, as columns: so they are read in a fraction of the
time. Whatever looks different in any way is left to the careful reader."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from detcore.foreign_ids import IdTable
from detcore.formats.box_columns import BoxColumns, BoxRows
from detcore.formats.common.cleaning import is_clean
from detcore.types import FloatArray, IntArray

_REQUIRED = frozenset({"id", "image_id", "category_id", "bbox"})
_KNOWN = _REQUIRED | {"area", "iscrowd", "segmentation"}
_CLOSE = 1e-9
"""By how much of itself an area may differ from that of the box and be the same."""
_CHUNK = 256
_ENCODE = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainAnnotations:
    """The boxes of annotations as ``columns``, image by image, each image's in the order of the file, and as they
    are written, which need not be inside of the image. ``ends`` (images + 1) say where those of an image begin.
    ``odd`` are annotations for the careful reader: all of the images at the places ``of_odd``, and of none."""

    columns: BoxColumns
    ends: Sequence[int]
    odd: Sequence[Any]
    of_odd: frozenset[int]

    def boxes(self, place: int) -> BoxRows:
        """Those of the image at a place."""
        return BoxRows(self.columns, self.ends[place], self.ends[place + 1])


def read_plain(
    annotations: Sequence[Any], places: IdTable[int], labels: IdTable[int], images: int
) -> PlainAnnotations:
    """The annotations of so many ``images``, whose places are told by their ids, as labels by those of categories.
    A chunk of annotations with an odd one is odd as a whole."""
    chunks = [annotations[start : start + _CHUNK] for start in range(0, len(annotations), _CHUNK)]
    read = [_read_chunk(chunk, places.exact, labels.exact) for chunk in chunks]
    strange = [chunk for chunk, found in zip(chunks, read, strict=True) if found is None]
    of_odd = frozenset(
        place
        for chunk in strange
        for entry in chunk
        if isinstance(entry, dict)
        and (place := places.find(cast("dict[str, Any]", entry).get("image_id"))) is not None
    )
    odd = (
        [
            entry
            for chunk, found in zip(chunks, read, strict=True)
            for entry, place in zip(chunk, found.places if found else [None] * len(chunk), strict=True)
            if place is None or place in of_odd
        ]
        if strange
        else []
    )
    rows = _joined([found for found in read if found is not None])
    del read, chunks
    of_rows = np.array(rows.places, np.int64)
    order = np.argsort(of_rows, kind="stable")
    if of_odd:
        order = order[~np.isin(of_rows[order], list(of_odd))]
    ends = np.searchsorted(of_rows[order], np.arange(images + 1))
    return PlainAnnotations(columns=rows.taken(order), ends=ends.tolist(), odd=odd, of_odd=of_odd)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rows:
    """Annotations as columns, N rows; ``places`` are those of their images."""

    places: list[int]
    labels: list[int]
    edges: FloatArray
    crowd: list[int]
    extras: list[str]

    def taken(self, order: IntArray) -> BoxColumns:
        """The boxes of these rows."""
        if np.array_equal(order, np.arange(len(self.places))):
            return BoxColumns(labels=self.labels, edges=self.edges, crowd=self.crowd, extras=self.extras)
        rows = order.tolist()
        return BoxColumns(
            labels=[self.labels[row] for row in rows],
            edges=self.edges[order],
            crowd=[self.crowd[row] for row in rows],
            extras=[self.extras[row] for row in rows],
        )


def _joined(parts: Sequence[_Rows]) -> _Rows:
    return _Rows(
        places=[place for part in parts for place in part.places],
        labels=[label for part in parts for label in part.labels],
        edges=np.concatenate([np.zeros((0, 4)), *(part.edges for part in parts)]),
        crowd=[flag for part in parts for flag in part.crowd],
        extras=[extra for part in parts for extra in part.extras],
    )


def _read_chunk(
    entries: Sequence[Any], places: Mapping[int | str, int], labels: Mapping[int | str, int]
) -> _Rows | None:
    """``None`` where the careful reader would have something to say or to think about."""
    if not all(type(entry) is dict and _REQUIRED <= entry.keys() <= _KNOWN for entry in entries):
        return None
    image_ids, categories, ids, boxes = (
        [entry[key] for entry in entries] for key in ("image_id", "category_id", "id", "bbox")
    )
    crowd = [entry.get("iscrowd", 0) for entry in entries]
    if not _are(int, image_ids, categories, ids, crowd) or not set(crowd) <= {0, 1}:
        return None
    found = [places.get(key) for key in image_ids]
    known = [labels.get(key) for key in categories]
    edges = _edges(boxes)
    if edges is None or None in found or None in known:
        return None
    extras = _extras(entries, ids, edges)
    if extras is None:
        return None
    return _Rows(
        places=cast("list[int]", found),
        labels=cast("list[int]", known),
        edges=edges,
        crowd=crowd,
        extras=extras,
    )


def _are(kind: type, *columns: Sequence[Any]) -> bool:
    return all(set(map(type, column)) == {kind} for column in columns)


def _edges(boxes: Sequence[Any]) -> FloatArray | None:
    """(N, 4) edges of boxes with an area."""
    if not _are(list, boxes) or set(map(len, boxes)) != {4}:
        return None
    numbers = [number for box in boxes for number in box]
    if not set(map(type, numbers)) <= {int, float}:
        return None
    try:
        values = np.array(numbers, np.float64).reshape(-1, 4)
    except OverflowError:
        return None
    edges = np.concatenate([values[:, :2], values[:, :2] + values[:, 2:]], axis=1)
    if not np.isfinite(edges).all() or not (edges[:, :2] < edges[:, 2:]).all():
        return None
    return edges


def _extras(entries: Sequence[Mapping[str, Any]], ids: Sequence[int], edges: FloatArray) -> list[str] | None:
    """What is kept of each, as JSON: its id, an area that is not that of the box, and an outline; with either of
    these the box itself."""
    areas = _own_areas([entry.get("area") for entry in entries], edges)
    if areas is None:
        return None
    extras = [f'{{"coco":{{"id":{own}}}}}' for own in ids]
    for row, (entry, area) in enumerate(zip(entries, areas, strict=True)):
        outline = entry.get("segmentation")
        if not outline and area is None:
            continue
        kept: dict[str, Any] = {"id": ids[row]}
        if outline:
            kept["segmentation"] = outline
        kept["bbox"] = entry["bbox"]
        extra = {"coco": kept} if area is None else {"area": area, "coco": kept}
        try:
            extras[row] = _ENCODE(extra)
        except (ValueError, RecursionError):
            return None
        if not is_clean(extras[row]):
            return None
    return extras


def _own_areas(areas: Sequence[Any], edges: FloatArray) -> Iterator[float | None] | None:
    """The area of each that has one of its own."""
    if not set(map(type, areas)) <= {int, float, type(None)}:
        return None
    try:
        numbers = np.array([np.nan if area is None else area for area in areas], np.float64)
    except OverflowError:
        return None
    of_boxes = (edges[:, 2] - edges[:, 0]) * (edges[:, 3] - edges[:, 1])
    is_own = (numbers >= 0) & np.isfinite(numbers)
    is_own &= np.abs(numbers - of_boxes) > _CLOSE * np.maximum(numbers, of_boxes)
    return (number if own else None for number, own in zip(numbers.tolist(), is_own.tolist(), strict=True))
