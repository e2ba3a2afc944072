"""What can be read from an open project, from any thread, while another thread writes."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from detcore.errors import ProjectError
from detcore.project import box_rows, class_rows, image_paths, image_rows, journal
from detcore.project.database import Database
from detcore.project.image_rows import ImageList
from detcore.project.new_ids import NewIds
from detcore.types import Box, GroundTruth, Image, IntArray, ObjectClass, Status
from detcore.untrusted_json import parse_json


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """Counts of a project. ``classes`` are boxes by class name, in the order of the classes; ``splits`` are
    images by split, without those that have none (``without_split``)."""

    images: int
    boxes: int
    classes: Mapping[str, int]
    splits: Mapping[str, int]
    without_split: int
    statuses: Mapping[Status, int]
    images_with_boxes: int


class ProjectReader:
    """The reading half of ``Project``.

    ``folder`` is the project's own, absolute; ``name`` is that folder's without ``.reticle``;
    ``new_ids`` gives out ids for rows to come.
    """

    def __init__(self, folder: Path, database: Database) -> None:
        self.folder = folder
        self.database = database
        self._image_root = _image_root(folder, database)
        self.new_ids = NewIds(database)

    @property
    def name(self) -> str:
        return self.folder.name.removesuffix(".reticle")

    @property
    def image_root(self) -> Path:
        """The folder that relative image paths start from; need not exist."""
        return self._image_root

    def look_for_image_root(self) -> None:
        """Take the root as it is by now, where another process may have said that the images are elsewhere."""
        self._image_root = _image_root(self.folder, self.database)

    @property
    def runs_folder(self) -> Path:
        return self.folder / "runs"

    @property
    def undo_text(self) -> str | None:
        """The name of the edit that undo would take back, such as "Move box"."""
        with self.database.read() as connection:
            return journal.undo_text(connection)

    @property
    def redo_text(self) -> str | None:
        with self.database.read() as connection:
            return journal.redo_text(connection)

    def image_ids(self) -> list[int]:
        """In the order of the list, which is that of being added."""
        with self.database.read() as connection:
            return image_rows.all_ids(connection)

    def image_ids_by_path(self) -> dict[str, int]:
        """The id of each stored path."""
        with self.database.read() as connection:
            return image_rows.ids_by_path(connection)

    def image(self, image_id: int) -> Image:
        """Raises ProjectError when there is no such image (any more)."""
        return self.images([image_id])[0]

    def images(self, ids: Sequence[int] | None = None) -> list[Image]:
        """All in the order of the list, or those asked for in the order of asking.

        Raises:
            ProjectError: one does not exist (any more).
        """
        with self.database.read() as connection:
            found = [image_rows.decode(row) for row in image_rows.rows(connection, ids)]
        if ids is None:
            return found
        by_id = {image.id: image for image in found}
        missing = [image_id for image_id in ids if image_id not in by_id]
        if missing:
            raise ProjectError(f"image {missing[0]} is not in the project any more", path=self.folder)
        return [by_id[image_id] for image_id in ids]

    def image_path(self, image: Image) -> Path:
        """The absolute path of the file; whether it exists is not looked at.

        Raises:
            ProjectError: the stored path leaves the image root, as no import writes it.
        """
        return Path(image_paths.locate(self._image_root, [image.path])[0])

    def stored_path(self, path: Path) -> str:
        """How ``Image.path`` is to name a file: relative to the root, or absolute when outside of it."""
        return image_paths.stored_path(self._image_root, path)

    def image_list(self) -> ImageList:
        """All images as columns, for lists of 100,000 rows."""
        with self.database.read() as connection:
            return image_rows.read_list(connection)

    def classes(self) -> list[ObjectClass]:
        """By position."""
        with self.database.read() as connection:
            return [class_rows.decode(row) for row in class_rows.rows(connection)]

    def boxes(self, image_id: int) -> list[Box]:
        """The boxes of an image, by id."""
        return self.all_boxes([image_id])

    def class_counts(self) -> dict[int, dict[int, int]]:
        """How many boxes of each class, by image id; images without boxes are not in it."""
        with self.database.read() as connection:
            return box_rows.class_counts(connection)

    def box_count(self, image_id: int | None = None) -> int:
        """The number of boxes of an image, or of all, without reading them."""
        where, values = ("", ()) if image_id is None else (" WHERE image_id = ?", (image_id,))
        with self.database.read() as connection:
            return int(connection.execute(f"SELECT count(*) FROM box{where}", values).fetchone()[0])

    def all_boxes(self, image_ids: Sequence[int] | None = None) -> list[Box]:
        """The boxes of some images or of all, by image and id."""
        with self.database.read() as connection:
            return [box_rows.decode(row) for row in box_rows.rows_of_images(connection, image_ids)]

    def each_box(self) -> Iterator[Box]:
        """All boxes, by image and id, one after the other."""
        with self.database.read() as connection:
            yield from map(box_rows.decode, box_rows.rows_in_turn(connection))

    def ground_truth(self, image_ids: Sequence[int] | None = None) -> GroundTruth:
        """The boxes of some images or of all as columns, by image and id."""
        with self.database.read() as connection:
            return box_rows.ground_truth(connection, image_ids)

    def statistics(self) -> Statistics:
        with self.database.read() as connection:
            statuses = dict(connection.execute("SELECT status, count(*) FROM image GROUP BY status"))
            splits = dict(connection.execute("SELECT split, count(*) FROM image GROUP BY split"))
            classes = class_counts(self)
            (with_boxes,) = connection.execute("SELECT count(DISTINCT image_id) FROM box").fetchone()
        return Statistics(
            images=sum(statuses.values()),
            boxes=sum(classes.values()),
            classes=classes,
            splits={name: count for name, count in splits.items() if name is not None},
            without_split=splits.get(None, 0),
            statuses={status: statuses.get(status.value, 0) for status in Status},
            images_with_boxes=with_boxes,
        )

    def get_setting(self, key: str, default: Any = None) -> Any:
        """A value that ``set_setting`` stored; ``default`` where there is none, or one of another kind than the
        default is."""
        with self.database.read() as connection:
            found = connection.execute("SELECT value FROM setting WHERE key = ?", (key,)).fetchone()
        try:
            value = default if found is None else parse_json(found[0])
        except ValueError:
            return default
        return value if default is None or isinstance(value, type(default)) else default


def class_counts(project: ProjectReader) -> dict[str, int]:
    """The boxes of each class by its name, in the order of the classes; quicker than all of
    ``statistics``."""
    with project.database.read() as connection:
        counts = dict(connection.execute("SELECT class_id, count(*) FROM box GROUP BY class_id"))
        return {row[1]: counts.get(row[0], 0) for row in class_rows.rows(connection)}


def images_with_box(
    project: ProjectReader, image_ids: Sequence[int] | None = None, *, class_id: int = 0, flag: str = ""
) -> IntArray:
    """Ids of the images, of all or of some, that have a box of a class (0: any) with a flag ("": any), such as
    "crowd"; of all it looks at every box."""
    with project.database.read() as connection:
        return box_rows.images_with(connection, image_ids, class_id=class_id, flag=flag)


def _image_root(folder: Path, database: Database) -> Path:
    """The root where it was last, or where it is now if it was moved together with the project."""
    with database.read() as connection:
        meta: dict[str, str] = dict(connection.execute("SELECT key, value FROM meta"))
    root = Path(meta["image_root"])
    if not root.is_dir() and "image_root_from_project" in meta:
        moved = Path(os.path.normpath(folder / meta["image_root_from_project"]))
        if moved.is_dir():
            return moved
    return root
