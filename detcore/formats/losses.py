"""What a format can hold, and sentences about what it cannot."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from detcore.formats.base import Dataset, DatasetBox, DatasetClass, DatasetImage, ExportReport
from detcore.formats.common.shapes import SHAPE, shape_of
from detcore.types import Extra
from detcore.wording import counted

BOX_FLAGS = ("difficult", "truncated", "occluded", "crowd")


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What the files of a format can hold, so that every reader of the format finds it."""

    difficult: bool = False
    truncated: bool = False
    occluded: bool = False
    crowd: bool = False
    verified: bool = False  # that somebody has checked an image with boxes
    verified_empty: bool = False  # an image without boxes, told from one without labels
    splits: bool = False
    sizes: bool = False  # width and height of each image
    shapes: frozenset[str] = (
        frozenset()
    )  # kinds of outlines beside the boxes: polygon, rotated, line, points, ellipse
    class_ids: bool = False  # a number of each class besides its name
    kept_beside: bool = False  # what has no field lies in reticle.json, where Reticle finds it again


def foreign_fields(dataset: Dataset, format_name: str, title: str, holds: Capabilities) -> list[str]:
    """Losses for whatever ``extra`` keeps on behalf of other formats."""
    sentences: list[str] = []
    groups = (
        ("image", "images", (image.extra for image in dataset.images)),
        ("box", "boxes", (_not_drawn(box, holds) for image in dataset.images for box in image.boxes)),
        ("class", "classes", (item.extra for item in dataset.classes)),
    )
    for noun, plural, extras in groups:
        keys = _foreign_keys(extras, format_name)
        if keys:
            names = ", ".join(sorted(keys)[:8])
            most = max(keys.values())
            verb = "carries" if most == 1 else "carry"
            sentences.append(
                f"{counted(most, noun, plural)} {verb} fields of another format that {title} cannot hold ({names})."
            )
    return sentences


def _not_drawn(box: DatasetBox, holds: Capabilities) -> Extra:
    """The ``extra`` without the polygons of COCO where the format has a place for them."""
    kept: Any = box.extra.get("coco")
    if (
        "polygon" not in holds.shapes
        or not isinstance(kept, dict)
        or "segmentation" not in kept
        or shape_of(box) is None
    ):
        return box.extra
    fields = cast("dict[str, Any]", kept)
    return {
        **box.extra,
        "coco": {key: value for key, value in fields.items() if key not in {"segmentation", "bbox"}},
    }


def _foreign_keys(extras: Iterable[Extra], format_name: str) -> Counter[str]:
    counts: Counter[str] = Counter()
    for extra in extras:
        for key, value in extra.items():
            if key in {format_name, SHAPE}:
                continue
            if key == "area" and format_name != "coco":
                counts["coco area"] += 1
            elif isinstance(value, dict):
                counts.update(f"{key} {field}" for field in value)  # pyright: ignore[reportUnknownVariableType]
            elif key != "area":
                counts[key] += 1
    return counts


def told_losses(dataset: Dataset, report: ExportReport, title: str, holds: Capabilities) -> list[str]:
    """One loss for each thing that the dataset has and the files have no place for."""
    fate = ["marked so only in reticle.json"] * 2 if holds.kept_beside else ["loses that", "lose that"]

    def no_field(what: str, count: int, noun: str, plural: str | None = None) -> str:
        items = counted(count, noun, plural)
        return f"{title} has no field for “{what}”: {items} {fate[count != 1]}."

    sentences: list[str] = []
    for flag in BOX_FLAGS:
        if getattr(holds, flag):
            continue
        count = sum(bool(getattr(box, flag)) for image in dataset.images for box in image.boxes)
        if count:
            sentences.append(no_field(flag, count, "box", "boxes"))
    sentences += _lost_shapes(dataset, title, holds)
    verified = sum(image.verified and bool(image.boxes) for image in dataset.images)
    if verified and not holds.verified:
        sentences.append(no_field("verified", verified, "image"))
    empty = sum(not image.boxes for image in dataset.images)
    if empty and not holds.verified_empty:
        sentences.append(
            f"{title} has no place for images without boxes: {counted(empty, 'image')} left out."
        )
    divided = sum(count for split, count in report.images.items() if split)
    if divided and not holds.splits:
        sentences.append(f"{title} knows no splits: {counted(divided, 'image')} written without.")
    return sentences


def _lost_shapes(dataset: Dataset, title: str, holds: Capabilities) -> list[str]:
    """Outlines that the format has no place for, and those that fit their box no more."""
    without_place: Counter[str] = Counter()
    outdated = 0
    for image in dataset.images:
        for box in image.boxes:
            if SHAPE not in box.extra:
                continue
            shape = shape_of(box)
            if shape is None:
                outdated += 1
            elif shape.kind not in holds.shapes:
                without_place[shape.kind] += 1
    sentences = [
        f"{title} has no place for outlines of the kind “{kind}”: {counted(count, 'box', 'boxes')} written without."
        for kind, count in sorted(without_place.items())
    ]
    if outdated:
        boxes = counted(outdated, "box was", "boxes were")
        sentences.append(f"{boxes} changed after the outline was drawn: written without it.")
    return sentences


def repeated_boxes(images: Iterable[DatasetImage]) -> list[str]:
    """One note on boxes that are in their image twice, with the same class and edges."""
    repeated = 0
    for image in images:
        repeated += len(image.boxes) - len({(box.label, box.xyxy) for box in image.boxes})
    return (
        [f"{counted(repeated, 'box', 'boxes')} identical to another one: Ultralytics drops them."]
        if repeated
        else []
    )


def renumbered_classes(classes: Sequence[DatasetClass], numbers: Sequence[int], reason: str) -> list[str]:
    """One note on the classes whose ids are others than in the files that they came from, each with both; ``reason`` says
    what ids of the format must be."""
    moved = [
        f"{item.name} {item.source_id} → {number}"
        for item, number in zip(classes, numbers, strict=True)
        if item.source_id is not None and item.source_id != number
    ]
    what = counted(len(moved), "class", "classes")
    return [f"{what} got another id, as {reason}: {', '.join(moved)}."] if moved else []
