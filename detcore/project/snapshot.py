"""The frozen list of images and boxes that a worker trains and predicts on."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from detcore.atomic import atomic_write
from detcore.errors import ProjectError
from detcore.project import image_paths, roles
from detcore.project.columns import read_columns
from detcore.project.reading import ProjectReader
from detcore.types import GroundTruth, ObjectClass, Status
from detcore.untrusted_json import fits, parse_json

_FORMAT = 1
_COLUMNS = ("ids", "image_ids", "labels", "boxes", "areas", "crowd", "difficult")


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotImage:
    """``path`` is absolute; sizes are ``None`` for a file that has not been opened yet."""

    id: int
    path: str
    width: int | None
    height: int | None
    split: str | None
    status: Status


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """A project at one moment: classes by position, images in the order of the list, their boxes by image.

    ``ground_truth`` holds boxes of these images only.
    """

    classes: tuple[ObjectClass, ...]
    images: tuple[SnapshotImage, ...]
    ground_truth: GroundTruth

    @cached_property
    def labelled_images(self) -> tuple[SnapshotImage, ...]:
        """Images that say something to a detector, as ``roles`` has it."""
        ids = np.array([image.id for image in self.images], np.int64)
        verified = np.array([image.status == Status.VERIFIED for image in self.images], np.bool_)
        mask = roles.labelled(np.isin(ids, self.ground_truth.image_ids).astype(np.int64), verified)
        return tuple(image for image, is_labelled in zip(self.images, mask, strict=True) if is_labelled)

    @property
    def training_images(self) -> tuple[SnapshotImage, ...]:
        """The labelled images that a training learns from."""
        return tuple(image for image in self.labelled_images if roles.is_learnt_from(image.split))

    @cached_property
    def frames(self) -> Mapping[int, tuple[int, int]]:
        """By image id the (width, height) that the boxes of an image were drawn at, of those that have boxes
        and a known size. A file of another size is not the image that was labelled."""
        with_boxes = set(self.ground_truth.image_ids.tolist())
        return {
            image.id: (image.width, image.height)
            for image in self.images
            if image.id in with_boxes and image.width is not None and image.height is not None
        }

    def labelled(self) -> Snapshot:
        """The labelled images and their boxes."""
        return self.only(image.id for image in self.labelled_images)

    def divided(self, splits: Mapping[int, str]) -> Snapshot:
        """The same images with these splits, by image id; those of others stay."""
        images = tuple(replace(image, split=splits.get(image.id, image.split)) for image in self.images)
        return Snapshot(classes=self.classes, images=images, ground_truth=self.ground_truth)

    def only(self, image_ids: Iterable[int]) -> Snapshot:
        """Some of the images, and their boxes."""
        wanted = set(image_ids)
        rows = np.isin(self.ground_truth.image_ids, np.fromiter(wanted, np.int64, len(wanted)))
        return Snapshot(
            classes=self.classes,
            images=tuple(image for image in self.images if image.id in wanted),
            ground_truth=self.ground_truth.take(rows),
        )

    def save(self, path: Path) -> None:
        """Write an npz that needs no pickle to read, all of it or nothing."""
        record = {
            "format": _FORMAT,
            "classes": [{**asdict(item), "extra": dict(item.extra)} for item in self.classes],
            "images": [[i.id, i.path, i.width, i.height, i.split, i.status.value] for i in self.images],
        }
        text = np.frombuffer(json.dumps(record).encode("ascii"), dtype=np.uint8)
        with atomic_write(path) as temporary:
            np.savez_compressed(
                temporary,
                allow_pickle=False,
                record=text,
                **{name: getattr(self.ground_truth, name) for name in _COLUMNS},
            )

    @classmethod
    def load(cls, path: Path) -> Snapshot:
        """Read what ``save`` wrote.

        Raises:
            ProjectError: the file is missing, or is no snapshot.
        """
        kinds = {name: "i" for name in ("ids", "image_ids", "labels")} | {"boxes": "f", "areas": "f"}
        columns = read_columns(path, {"record": "u", **kinds, "crowd": "b", "difficult": "b"})
        try:
            record = parse_json(columns.pop("record").tobytes())
            ground_truth = GroundTruth(**columns)
            if ground_truth.boxes.shape != (len(ground_truth), 4):
                raise ValueError("boxes of a wrong shape")
            return cls(
                classes=tuple(_class(item) for item in record["classes"]),
                images=tuple(_image(*row) for row in record["images"]),
                ground_truth=ground_truth,
            )
        except (ValueError, KeyError, TypeError) as error:
            raise ProjectError(f"not a snapshot of a project ({error})", path=path) from error


def _image(image_id: Any, path: Any, width: Any, height: Any, split: Any, status: Any) -> SnapshotImage:
    """Raises ValueError for values of a wrong kind."""
    if not (
        fits(image_id, "int")
        and type(path) is str
        and fits(width, "int | None")
        and fits(height, "int | None")
        and (split is None or type(split) is str)
    ):
        raise ValueError(f"image {image_id!r:.40} is described wrongly")
    return SnapshotImage(
        id=image_id, path=path, width=width, height=height, split=split, status=Status(status)
    )


def _class(record: Any) -> ObjectClass:
    """Raises ValueError for values of a wrong kind."""
    if not (
        fits(record, "dict[str, Any]") and fits(record.get("id"), "int") and fits(record.get("name"), "str")
    ):
        raise ValueError(f"a class is described wrongly: {record!r:.60}")
    return ObjectClass(**record)


def take_snapshot(
    project: ProjectReader,
    *,
    status: Status | None = None,
    boxes: Callable[[Sequence[int] | None], GroundTruth] | None = None,
) -> Snapshot:
    """The project as it is now, or of its images those of a status.

    ``boxes`` gives those of images, or of all, by image and id, where somebody knows them without reading them all.

    Raises:
        ProjectError: a stored image path leaves the image root.
    """
    with project.database.read() as connection:
        where, values = ("", ()) if status is None else (" WHERE status = ?", (status.value,))
        query = f"SELECT id, path, width, height, split, status FROM image{where} ORDER BY id"
        rows = connection.execute(query, values).fetchall()
        classes = tuple(project.classes())
        read = project.ground_truth if boxes is None else boxes
        ground_truth = read(None if status is None else [row[0] for row in rows])
    paths = image_paths.locate(project.image_root, [row[1] for row in rows])
    statuses = {status.value: status for status in Status}
    images = tuple(
        SnapshotImage(
            id=row[0], path=path, width=row[2], height=row[3], split=row[4], status=statuses[row[5]]
        )
        for row, path in zip(rows, paths, strict=True)
    )
    return Snapshot(classes=classes, images=images, ground_truth=ground_truth)
