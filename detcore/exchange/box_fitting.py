"""Boxes that are written lie in their images, and the images are those on which they were drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from detcore.boxes import fit
from detcore.errors import ImageError
from detcore.formats.base import DatasetBox, DatasetImage, Progress, step
from detcore.images.decoding import read_size
from detcore.wording import counted

_MOST_NAMES = 5


class BoxFitter:
    """Fits boxes to the files as they are, and keeps count of what did not fit."""

    def __init__(self) -> None:
        self._resized: list[str] = []
        self._clipped = self._outside = 0

    def fit_all(self, images: Sequence[DatasetImage], progress: Progress) -> list[DatasetImage]:
        """The images without those whose files have another size than their boxes were drawn at, each with the
        part of its boxes that is inside. A file that is not there, or cannot be read, is taken to have the size
        that is known.

        Raises:
            Cancelled: ``progress`` returned ``False``.
        """
        fitted: list[DatasetImage] = []
        for image in images:
            step(progress, 0, len(images))
            found = self._fit(image) if image.boxes else image
            if found is not None:
                fitted.append(found)
        return fitted

    def notes(self) -> list[str]:
        """Sentences about what did not fit."""
        notes: list[str] = []
        if self._resized:
            names = ", ".join(self._resized[:_MOST_NAMES]) + (", …" if self._resized[_MOST_NAMES:] else "")
            verb = "is" if len(self._resized) == 1 else "are"
            notes.append(
                f"{counted(len(self._resized), 'image')} of another size now than when labelled {verb} left out: {names}. "
                "On the Label page, or by the command `sizes`, the boxes can be scaled."
            )
        if self._clipped:
            notes.append(f"{counted(self._clipped, 'box', 'boxes')} reached out of the image: clipped.")
        if self._outside:
            notes.append(f"{counted(self._outside, 'box', 'boxes')} outside of the image left out.")
        return notes

    def _fit(self, image: DatasetImage) -> DatasetImage | None:
        size = None if image.width is None or image.height is None else (image.width, image.height)
        try:
            found = read_size(image.path)
        except ImageError:
            found = size
        if found is None:
            return image
        if size is not None and size != found:
            self._resized.append(image.name)
            return None
        boxes = [self._inside(box, found) for box in image.boxes]
        return replace(
            image, width=found[0], height=found[1], boxes=[box for box in boxes if box is not None]
        )

    def _inside(self, box: DatasetBox, size: tuple[int, int]) -> DatasetBox | None:
        edges, _ = fit(box.xyxy, width=size[0], height=size[1])
        if edges is None:
            self._outside += 1
            return None
        if edges == box.xyxy:
            return box
        self._clipped += 1
        return replace(box, x1=edges[0], y1=edges[1], x2=edges[2], y2=edges[3])
