"""What every dataset format reads into and writes from.

A :class:`Dataset` lies between files and a project: boxes are continuous edges in pixels of the image
as a viewer shows it (EXIF orientation applied), classes are a list that boxes index, and ``extra``
holds what Reticle does not use, filed under the name of the format it came from.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

from detcore.errors import Cancelled
from detcore.types import Extra, Status

Progress = Callable[[int, int], bool]
"""``progress(done, total)``; returns ``False`` to cancel."""

MARKER = "reticle.json"
"""Name of the file at the top of every export: the sign that it is ours, and what no format can hold."""


REPORT = "EXPORT.txt"
"""Name of the file at the top of an export that tells people what was written, and what readers find in it."""


def no_progress(done: int, total: int) -> bool:
    """The progress of a caller that neither watches nor cancels."""
    return True


def step(progress: Progress, done: int, total: int) -> None:
    """Report progress.

    Raises:
        Cancelled: the caller asked to stop.
    """
    if not progress(done, total):
        raise Cancelled("cancelled")


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One oddity met while reading. ``line`` counts from 1; ``None`` where the file has no lines to name."""

    path: Path
    message: str
    line: int | None = None

    def __str__(self) -> str:
        where = str(self.path) if self.line is None else f"{self.path}:{self.line}"
        return f"{where}: {self.message}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetClass:
    """A class of a dataset; ``source_id`` is the number it has in the files."""

    name: str
    source_id: int | None = None
    extra: Extra = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetBox:
    """One object. ``label`` indexes :attr:`Dataset.classes`; edges satisfy ``0 <= x1 < x2 <= width``."""

    label: int
    x1: float
    y1: float
    x2: float
    y2: float
    difficult: bool = False
    truncated: bool = False
    occluded: bool = False
    crowd: bool = False
    extra: Extra = field(default_factory=dict[str, Any])

    @property
    def xyxy(self) -> tuple[float, float, float, float]:
        return (self.x1, self.y1, self.x2, self.y2)


class Images(StrEnum):
    """How the images come into an export. One that EXIF turns, or that is to be another kind of file, is a copy
    instead of a link."""

    COPY = "copy"
    HARD_LINK = "hardlink"
    SYM_LINK = "symlink"
    REFERENCE = "reference"
    ZIP = "zip"


IMAGES_TEXT = {
    Images.COPY: "Copied, turned upright",
    Images.HARD_LINK: "Hard links: no room needed, the same files",
    Images.SYM_LINK: "Symbolic links to the originals",
    Images.REFERENCE: "Left where they are: labels only",
    Images.ZIP: "Copied, and all packed into a zip",
}
"""What each of them means, for forms and help."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetImage:
    """One image. ``path`` is absolute; ``name`` is posix, relative to the image root. An image that is
    ``missing`` was found nowhere: its path is where it should be. ``placed`` is how its file comes into an export.

    ``labelled``: an annotation (even an empty one) belongs to it. ``verified``: its source says that a
    person has checked it, which includes every annotation that lists no object.
    """

    path: Path
    name: str
    width: int | None = None
    height: int | None = None
    split: str | None = None
    labelled: bool = True
    verified: bool = False
    missing: bool = False
    placed: Images = Images.COPY
    boxes: Sequence[DatasetBox] = ()
    extra: Extra = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnBoxes:
    """The boxes of an image in pixels of the size (``width``, ``height``) that its labels were made for, where the
    file has another one."""

    width: int
    height: int
    boxes: Sequence[DatasetBox]


class ImagesInside(Protocol):
    """Images that lie inside of other files and are to come out when their dataset comes into a project."""

    def write(self, paths: Collection[Path], progress: Progress) -> None:
        """Put those of the images that have these paths where their paths say; others are not its own.

        Raises:
            FormatError: one cannot be written; then none stays.
            Cancelled: ``progress`` returned ``False``; then none stays.
        """
        ...

    def undo(self) -> None:
        """Remove what was written."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """Images, their boxes and the classes. ``image_root`` is the folder that all image names start from;
    ``folders`` are those that belong to the dataset by where it was read from. ``hint`` is what to do where images are
    missing, if that is not to name their folder. ``drawn`` are the boxes, by the path of the image, that were made for
    another size than the file has: in ``images`` they lie at the same pixels, as far as they are inside. ``inside`` are
    images that are not there yet because they have to come out of other files first."""

    classes: Sequence[DatasetClass]
    images: Sequence[DatasetImage]
    image_root: Path
    extra: Extra = field(default_factory=dict[str, Any])
    folders: tuple[Path, ...] = ()
    hint: str = ""
    drawn: Mapping[Path, DrawnBoxes] = field(default_factory=dict[Path, DrawnBoxes])
    inside: ImagesInside | None = None

    @property
    def box_count(self) -> int:
        return sum(len(image.boxes) for image in self.images)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportOptions:
    """What to write and how, in every format; ``own`` are the options of the format itself, ``None`` its defaults.

    ``include_unseen``: images that nobody has looked at are exported as if they were empty. ``outside``: images
    outside of the project's folder of images are copied, too. ``classes`` and ``statuses`` are those to be written,
    ``None`` all. ``touched``: only boxes that a person drew, changed or judged. ``keep_emptied``: a verified image all of
    whose boxes are of classes left out is written as empty; others without a box left are never written.
    """

    images: Images = Images.COPY
    include_unseen: bool = False
    outside: bool = False
    classes: frozenset[str] | None = None
    statuses: frozenset[Status] | None = None
    touched: bool = False
    keep_emptied: bool = True
    own: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderOutcome:
    """What a reader finds in an export when it keeps to its rules; ``faults`` say in sentences what it stumbles on.
    ``skipped`` is why it was not asked."""

    reader: str
    images: int = 0
    boxes: int = 0
    faults: tuple[str, ...] = ()
    skipped: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportReport:
    """What was written. ``losses`` says in sentences what the format cannot hold, ``notes`` what else to
    know.

    ``boxes`` counts by split, then class name; images without a split are counted under ``""``. ``proof`` is what
    readers found in the files afterwards, where they were asked.
    """

    out: Path
    files: int
    images: dict[str, int]
    boxes: dict[str, dict[str, int]]
    losses: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    proof: tuple[ReaderOutcome, ...] = ()

    @property
    def image_count(self) -> int:
        return sum(self.images.values())

    @property
    def box_count(self) -> int:
        return sum(sum(counts.values()) for counts in self.boxes.values())


def count_images(images: Sequence[DatasetImage]) -> dict[str, int]:
    """Images by split, ``""`` for none."""
    return dict(Counter(image.split or "" for image in images))


def count_boxes(dataset: Dataset, images: Sequence[DatasetImage]) -> dict[str, dict[str, int]]:
    """Boxes by split (``""`` for none) and class name."""
    counts: dict[str, Counter[str]] = {}
    for image in images:
        counter = counts.setdefault(image.split or "", Counter())
        counter.update(dataset.classes[box.label].name for box in image.boxes)
    return {split: dict(counter) for split, counter in counts.items()}


UNLABELLED = "not yet looked at, unless the project says more"
"""What an image counts as that a dataset has no labels of: they may be in the project before."""
