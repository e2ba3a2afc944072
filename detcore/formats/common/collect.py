"""What the readers of all formats share while they gather a dataset."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from detcore.boxes import LARGEST, Xyxy, fit
from detcore.errors import FormatError
from detcore.formats.base import (
    UNLABELLED,
    Dataset,
    DatasetBox,
    DatasetClass,
    DatasetImage,
    DrawnBoxes,
    ImagesInside,
    Problem,
    Progress,
    no_progress,
)
from detcore.formats.box_columns import BoxRows, edges_of
from detcore.formats.common.cleaning import Cleaner
from detcore.formats.common.geometry import Frame, frame_of, read_frame
from detcore.formats.common.locate import (
    ImageFinder,
    common_root,
    dataset_folders,
    plain_folder,
    relative_name,
)
from detcore.formats.common.text import decode, foreign_parts, read_bytes, split_of_folder
from detcore.formats.common.walking import files_below
from detcore.images.decoding import EXTENSIONS, ImageHeader, frames_text, natural_keys
from detcore.untrusted_json import parse_json
from detcore.wording import counted

LARGEST_ID = 2**63 - 1
"""The greatest id that a project holds."""

_SHOWN = 5


class ClassTable:
    """The classes of a dataset in the making: one entry a name, in the order they were met."""

    def __init__(self) -> None:
        self._classes: list[DatasetClass] = []
        self._by_name: dict[str, int] = {}

    def add(self, name: str, source_id: int | None = None, extra: Mapping[str, Any] | None = None) -> int:
        """Index of the class ``name``, which is made when it is new."""
        # JSON can hold half characters, which no file can, and names of several lines, which no list can.
        name = " ".join(name.encode("utf-8", "replace").decode().splitlines())
        index = self._by_name.get(name)
        if index is None:
            index = len(self._classes)
            self._classes.append(DatasetClass(name=name, source_id=source_id, extra=dict(extra or {})))
            self._by_name[name] = index
        return index

    def by_name(self, name: str) -> int | None:
        return self._by_name.get(name)

    def placeholder(self, source_id: int) -> int:
        """A class for boxes whose id no list of names explains, so that they are not lost."""
        name = f"class_{source_id}"
        while name in self._by_name and self._classes[self._by_name[name]].source_id != source_id:
            name += "_"
        return self.add(name, source_id)

    def classes(self) -> tuple[DatasetClass, ...]:
        return tuple(self._classes)


class Gathering:
    """Images and problems met so far, and the finder that resolves image names."""

    def __init__(self, source: Path, image_folder: Path | None, progress: Progress = no_progress) -> None:
        self.source = source
        self.folder = source if source.is_dir() else source.parent
        self.finder = ImageFinder([self.folder, *([image_folder] if image_folder else [])], self.files)
        self.classes = ClassTable()
        self.problems: list[Problem] = []
        self.extra: dict[str, Any] = {}
        self.hint = ""
        self.inside: ImagesInside | None = None
        self._progress = progress
        self._images: dict[str, DatasetImage] = {}
        self._missing: set[str] = set()
        self._passed_over: set[Path] = set()
        self._untold: set[Path] = set()
        self._framed: set[Path] = set()
        self._holding: dict[tuple[tuple[Path, ...], tuple[str, ...]], list[Path]] = {}
        self._resized: dict[str, tuple[Path, tuple[int, int]]] = {}
        self._spellings: dict[Path, Path] = {}

    def files(self, folder: Path, suffixes: Sequence[str]) -> list[Path]:
        """See :func:`detcore.formats.common.walking.files_below`; what is passed over is reported in the end."""
        return files_below(folder, suffixes, passed_over=self._passed_over, progress=self._progress)

    def problem(self, path: Path, message: str, line: int | None = None) -> None:
        self.problems.append(Problem(path=path, message=message, line=line))

    def elsewhere(self, folder: Path, written: str) -> list[Path]:
        """Where an image may be that is not where the dataset would have it: the one that has its name, or the
        file at the very path that was ``written`` in a file of ``folder``. Of several of its name each may be
        meant."""
        parts = foreign_parts(written)
        inside = self.finder.anywhere(parts)
        # A folder that agrees says that the dataset was moved; a name alone does not outweigh a file that is there.
        if len(inside) == 1 and inside[0].parts[-2:][-len(parts) :] == parts[-2:]:
            return inside
        is_bare = parts == (written,) and not written.startswith(".")
        if is_bare and self.finder.by_name(folder, written) is None:
            return inside
        exact = os.path.join(folder, written.replace("\\", "/"))
        if os.path.splitext(exact)[1].lower() in EXTENSIONS and os.path.isfile(exact):
            return [plain_folder(Path(exact).parent) / Path(exact).name]
        return inside

    def text(self, path: Path) -> str | None:
        """The text in a file; ``None`` where it cannot be read. What is odd about it is reported."""
        try:
            text, complaint = decode(read_bytes(path))
        except FormatError as error:
            text, complaint = None, error.message
        if complaint is not None:
            self.problem(path, complaint)
        return text

    def json(self, path: Path) -> Any:
        """The value in a JSON file; ``None`` where there is none or it cannot be read, which is reported."""
        try:
            value: Any = parse_json(decode(read_bytes(path))[0])
        except FormatError as error:
            self.problem(path, error.message)
        except json.JSONDecodeError as error:
            self.problem(path, f"broken JSON ({error.msg})", error.lineno)
        except ValueError as error:
            self.problem(path, f"broken JSON ({error})")
        else:
            if value is None:
                self.problem(path, "it holds nothing")
            return value
        return None

    def named(
        self,
        annotation: Path,
        written: str,
        homes: Sequence[Path],
        *,
        expected: Path,
        line: int | None = None,
    ) -> Path | None:
        """The image that is called ``written`` in a file of annotations: in the first of the folders ``homes`` that
        has it, else the one below the dataset that has its name, else where it should be, below the folder
        ``expected``. ``None`` where the name fits several or is none, which is reported."""
        *folders, name = foreign_parts(written) or ("",)
        if not name:
            self.problem(annotation, "an image without a file name: left out", line)
            return None
        if (
            not written.isascii() and written.encode("utf-8", "replace").decode() != written
        ):  # JSON can hold halves of characters
            self.problem(annotation, "an image whose file name is no text: left out", line)
            return None
        for folder in self._with_images(tuple(homes), tuple(folders)):
            path = self.finder.by_name(folder, name)
            if path is not None:
                return path
        candidates = self.elsewhere(annotation.parent, written)
        if len(candidates) > 1:
            self.ambiguous(annotation, "/".join((*folders, name)), candidates, line)
            return None
        if candidates and not self.claims(candidates[0]):
            return candidates[0]
        return expected.joinpath(*folders, name)

    def _with_images(self, homes: tuple[Path, ...], folders: tuple[str, ...]) -> list[Path]:
        """Those ``folders`` below the homes that hold any image."""
        found = self._holding.get((homes, folders))
        if found is None:
            places = [home.joinpath(*folders) for home in homes]
            found = [place for place in places if self.finder.images_in(place)]
            self._holding[homes, folders] = found
        return found

    def ambiguous(self, path: Path, name: str, candidates: Sequence[Path], line: int | None = None) -> None:
        """Report an image name that fits several files: no image is taken for it."""
        shown = ", ".join(sorted(relative_name(candidate, self.folder) for candidate in candidates)[:_SHOWN])
        more = f" and {len(candidates) - _SHOWN:,} more" if len(candidates) > _SHOWN else ""
        self.problem(path, f"{name} is ambiguous: {shown}{more}: left out", line)

    def class_id(self, path: Path, source_id: int) -> int | None:
        """The number of a class if it can be kept, else ``None`` and a problem."""
        if abs(source_id) <= LARGEST_ID:
            return source_id
        self.problem(path, "a class has an id beyond all measure, which is not kept")
        return None

    def frame(
        self,
        annotation: Path,
        image: Path,
        declared: tuple[int, int] | None,
        *,
        fractions: bool = False,
        inside: ImageHeader | None = None,
    ) -> Frame:
        """The pixels that the boxes of ``annotation`` refer to; what is odd about them is reported. Boxes that are
        ``fractions`` of the image refer to those of the file, whatever size is ``declared``. ``inside`` is the header of
        an image that is not where it should be, but inside of another file."""
        if declared is not None and max(declared) > LARGEST:
            self.problem(annotation, "the size that it names is that of no image: passed over")
            declared = None
        is_there = inside is not None or os.path.isfile(image)
        if not is_there:
            self._missing.add(_key(image))
        if inside is None:
            frame, message, readable = read_frame(image if is_there else None, declared=declared)
        else:
            (frame, message), readable = frame_of(inside, declared), True
        if message is not None:
            self.problem(annotation if readable else image, message)
        if not frame.told:
            self._untold.add(self._plain(image))
        if frame.frames > 1:
            self._framed.add(self._plain(image))
        if frame.file_size is None:
            return frame
        if fractions:
            return replace(frame, width=frame.file_size[0], height=frame.file_size[1], file_size=None)
        self._resized[_key(self._plain(image))] = (annotation, frame.file_size)
        return frame

    def is_missing(self, image: Path) -> bool:
        """Whether ``frame`` found no file there."""
        return _key(image) in self._missing

    def clipped(self, annotation: Path, corners: Xyxy, frame: Frame, line: int | None = None) -> Xyxy | None:
        """The part of a box, as a file of annotations has it, inside of its image as shown; ``None`` where nothing is
        left. What had to be changed is reported."""
        box, message = fit(frame.turn(corners), width=frame.width, height=frame.height)
        if message is not None:
            self.problem(annotation, message, line)
        return box

    def claims(self, path: Path) -> bool:
        """Whether an image was added already."""
        return _key(self._plain(path)) in self._images

    def add(self, image: DatasetImage, annotation: Path) -> None:
        """Take an image in. A second annotation of one image is reported and left out."""
        path = self._plain(image.path)
        if _key(path) in self._images:
            self.problem(annotation, f"the image {path.name} has another annotation already: left out")
            return
        missing = image.missing or self.is_missing(image.path)
        if path is not image.path or missing != image.missing:
            image = replace(image, path=path, missing=missing)
        self._images[_key(path)] = image

    def _plain(self, path: Path) -> Path:
        """A path without ``..``, so that no file counts twice."""
        if ".." not in str(path):
            return path
        folder = self._spellings.get(path.parent)
        if folder is None:
            folder = self._spellings[path.parent] = plain_folder(path.parent)
        return folder / path.name

    def folder_split(self, path: Path) -> str | None:
        """The split that a folder between the source and the file is named after."""
        try:
            parts = path.parent.relative_to(self.folder).parts
        except ValueError:
            return None
        return split_of_folder(parts)

    def add_unlabelled(self, folder: Path, splits: Mapping[str, str] | None = None) -> None:
        """The images of a folder that no annotation belongs to; ``splits`` by stem."""
        added = 0
        for name in self.finder.images_in(folder):
            path = self._plain(folder / name)
            if _key(path) in self._images:
                continue
            frame = self.frame(path, path, None)
            split = (splits or {}).get(path.stem) or self.folder_split(path)
            self._images[_key(path)] = DatasetImage(
                path=path, name="", width=frame.width, height=frame.height, split=split, labelled=False
            )
            added += 1
        if added:
            self.problem(folder, f"{counted(added, 'image')} without annotation: {UNLABELLED}")

    def add_unlabelled_beside(self) -> None:
        """The images that no annotation belongs to, of all folders that hold one which was added."""
        for folder in dict.fromkeys(image.path.parent for image in self._images.values()):
            self.add_unlabelled(folder)

    def dataset(self) -> Dataset:
        """All that was gathered; images are named below the deepest folder that holds them.

        Raises:
            FormatError: no image is left; it lists the first reasons.
        """
        if not self._images:
            reasons = [str(problem) for problem in self.problems[:_SHOWN]]
            more = len(self.problems) - len(reasons)
            reasons += [f"and {counted(more, 'more problem')}"] if more else []
            raise FormatError(
                "no image of the dataset can be used" + (f" ({'; '.join(reasons)})" if reasons else ""),
                path=self.source,
            )
        root = common_root([image.path for image in self._images.values()], self.folder)
        cleaner = Cleaner()
        images: list[DatasetImage] = []
        drawn: dict[Path, DrawnBoxes] = {}
        for image in self._images.values():
            boxes = image.boxes
            if not isinstance(boxes, BoxRows):  # whose fields are clean
                boxes = [replace(box, extra=cleaner.fields(box.extra)) if box.extra else box for box in boxes]
            name = relative_name(image.path, root)
            image = replace(image, name=name, boxes=boxes, extra=cleaner.fields(image.extra))
            if self._resized and _key(image.path) in self._resized:
                drawn[image.path], image = self._put_into_file(image)
            images.append(image)
        drawn.update(self._fractions(images))
        classes = [replace(item, extra=cleaner.fields(item.extra)) for item in self.classes.classes()]
        extra = cleaner.fields(self.extra)
        for reason in sorted(cleaner.reasons):
            self.problem(self.source, f"fields that Reticle only keeps hold {reason}")
        self._report_files(images)
        if self._passed_over:
            names = ", ".join(sorted(relative_name(folder, self.folder) for folder in self._passed_over))
            folders = counted(len(self._passed_over), "folder")
            self.problem(self.folder, f"{folders} of trainings and predictions passed over: {names}")
        keys = natural_keys([image.name for image in images])
        images = [images[at] for at in sorted(range(len(images)), key=keys.__getitem__)]
        return Dataset(
            classes=classes,
            images=images,
            image_root=root,
            extra=extra,
            folders=dataset_folders(self.folder),
            hint=self.hint,
            inside=self.inside,
            drawn=drawn,
        )

    def _put_into_file(self, image: DatasetImage) -> tuple[DrawnBoxes, DatasetImage]:
        """The boxes of an image as they were drawn, and the image of the size that the file has, with what of the
        boxes is inside."""
        annotation, (width, height) = self._resized[_key(image.path)]
        inside: list[DatasetBox] = []
        clipped = 0
        for box in image.boxes:
            edges, odd = fit(box.xyxy, width=width, height=height)
            if edges is not None:
                clipped += odd is not None
                inside.append(replace(box, x1=edges[0], y1=edges[1], x2=edges[2], y2=edges[3]))
        outside = len(image.boxes) - len(inside)
        for number, fate in ((clipped, "clipped"), (outside, "left out")):
            if number:
                boxes = counted(number, "box", "boxes")
                self.problem(annotation, f"{boxes} reach out of the smaller {image.path.name}: {fate}")
        drawn = DrawnBoxes(width=image.width or width, height=image.height or height, boxes=image.boxes)
        return drawn, replace(image, width=width, height=height, boxes=inside)

    def _fractions(self, images: Sequence[DatasetImage]) -> dict[Path, DrawnBoxes]:
        """The boxes of all images as those of images of one pixel, where they can be nothing but fractions."""
        boxed = [image for image in images if image.boxes]
        if any(max(edges) > 1 for image in boxed for edges in edges_of(image.boxes)):
            return {}
        sized = [image for image in boxed if image.width is not None and image.height is not None]
        if not any(edge % 1 for image in sized for edges in edges_of(image.boxes) for edge in edges):
            return {}
        self.problem(self.source, "all boxes lie between 0 and 1, as fractions of the image: read as pixels")
        return {image.path: DrawnBoxes(width=1, height=1, boxes=image.boxes) for image in sized}

    def _report_files(self, images: Sequence[DatasetImage]) -> None:
        """What is odd about the image files themselves, one line for all of them."""
        framed = [image.name for image in images if image.path in self._framed]
        if framed:
            self.problem(self.folder, frames_text(framed))
        untold = [image.name for image in images if image.path in self._untold and image.boxes]
        if untold:
            files = counted(len(untold), "image is", "images are")
            names = ", ".join(untold[:_SHOWN]) + (", …" if len(untold) > _SHOWN else "")
            self.problem(
                self.folder,
                f"{files} stored turned (EXIF), and no size tells whether the boxes were drawn before or after "
                f"turning: taken for after, so look whether they fit ({names})",
            )


def _key(path: Path) -> str:
    """What is the same for all names of a path; a ``Path`` as a key takes several times as long."""
    return os.path.normcase(path)
