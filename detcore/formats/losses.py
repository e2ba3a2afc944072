"""Sentences about what a format cannot hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from detcore.formats.base import Dataset, DatasetImage
from detcore.types import Extra
from detcore.wording import counted


def foreign_fields(dataset: Dataset, format_name: str, title: str) -> list[str]:
    """Losses for whatever ``extra`` keeps on behalf of other formats."""
    sentences: list[str] = []
    groups = (
        ("image", "images", (image.extra for image in dataset.images)),
        ("box", "boxes", (box.extra for image in dataset.images for box in image.boxes)),
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


def _foreign_keys(extras: Iterable[Extra], format_name: str) -> Counter[str]:
    counts: Counter[str] = Counter()
    for extra in extras:
        for key, value in extra.items():
            if key == format_name:
                continue
            if key == "area" and format_name != "coco":
                counts["coco area"] += 1
            elif isinstance(value, dict):
                counts.update(f"{key} {field}" for field in value)  # pyright: ignore[reportUnknownVariableType]
            elif key != "area":
                counts[key] += 1
    return counts


def flag_loss(dataset: Dataset, title: str, flags: tuple[str, ...]) -> list[str]:
    """One loss for each box flag that the files themselves have no place for."""
    sentences: list[str] = []
    for flag in flags:
        number = sum(bool(getattr(box, flag)) for image in dataset.images for box in image.boxes)
        if number:
            boxes = counted(number, "box", "boxes")
            sentences.append(f"{title} has no field for “{flag}”: {boxes} marked so only in reticle.json.")
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
