"""What an export of ours notes beside text files about images and boxes, because a line of text cannot say it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from detcore.formats.base import DatasetBox, DatasetImage
from detcore.formats.losses import BOX_FLAGS


def image_mark(image: DatasetImage, lines: Sequence[str]) -> dict[str, Any]:
    """What the text files cannot say; boxes are recognised by their line."""
    mark: dict[str, Any] = {"source": image.name, "verified": image.verified, "split": image.split}
    boxes = [
        {"line": line, **{flag: True for flag in BOX_FLAGS if getattr(box, flag)}}
        for box, line in zip(image.boxes, lines, strict=True)
        if any(getattr(box, flag) for flag in BOX_FLAGS)
    ]
    if boxes:
        mark["boxes"] = boxes
    return mark


class NotedFlags:
    """The flags that a mark notes of the boxes of one image."""

    def __init__(self, mark: Mapping[str, Any]) -> None:
        self._left: list[dict[str, Any]] = [dict(item) for item in mark.get("boxes", [])]

    def given_to(self, box: DatasetBox, line: str) -> DatasetBox:
        """The box of a line with the flags that are noted of it; of equal lines each has its own."""
        noted = next((item for item in self._left if item.get("line") == line), None)
        if noted is None:
            return box
        self._left.remove(noted)
        return replace(
            box,
            difficult=bool(noted.get("difficult")),
            truncated=bool(noted.get("truncated")),
            occluded=bool(noted.get("occluded")),
            crowd=bool(noted.get("crowd")),
        )
