"""Label files edited in their place: Reticle changes what somebody changed in it, and leaves every other byte as it is,
so that other programs go on with the same files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from detcore.boxes import Xyxy, fit
from detcore.errors import FormatError
from detcore.formats.common.text import codec_of


@dataclass(frozen=True, slots=True, kw_only=True)
class FileBox:
    """One object of a label file; edges in pixels of the image as shown."""

    name: str
    x1: float
    y1: float
    x2: float
    y2: float
    difficult: bool = False
    truncated: bool = False
    occluded: bool = False

    @property
    def xyxy(self) -> Xyxy:
        return (self.x1, self.y1, self.x2, self.y2)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileLabels:
    """What a label file says: the ``boxes`` in its order, ``None`` for an entry that is none which a project could
    hold; such entries stay as they are."""

    boxes: tuple[FileBox | None, ...] = ()
    verified: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A label file and the image that it belongs to; ``width`` and ``height`` in pixels as shown."""

    file: Path
    image: Path
    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """How a label file is to change: the boxes at some places of it (``None`` takes one out), boxes behind the last
    one, and whether somebody has checked it (``None``: as it says)."""

    changed: Mapping[int, FileBox | None] = field(default_factory=dict[int, "FileBox | None"])
    added: Sequence[FileBox] = ()
    verified: bool | None = None

    def __bool__(self) -> bool:
        return bool(self.changed or self.added or self.verified is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Holds:
    """Which flags the files have a place for; the others stay in the project alone."""

    flags: frozenset[str] = frozenset()
    verified: bool = False


class LabelFiles(Protocol):
    """The label files of a folder."""

    @property
    def holds(self) -> Holds: ...

    @property
    def names(self) -> Mapping[int, str]:
        """The numbers of the classes, where the files have numbers for names."""
        ...

    def path_of(self, image: Path) -> Path:
        """The label file of an image, whether it is there or not."""
        ...

    def read(self, data: bytes, page: Page) -> FileLabels:
        """What a file says.

        Raises:
            FormatError: it is no label file, or one that could not be written back byte for byte.
        """
        ...

    def prepare(self, names: Iterable[str]) -> None:
        """Make the classes of these names known where the folder keeps a list of them. Names are only ever added.

        Raises:
            FormatError: the list cannot be added to.
            OSError: it cannot be written.
        """
        ...

    def edited(self, data: bytes | None, page: Page, wanted: Wanted) -> bytes:
        """The file with these changes and every other byte as it was; without ``data`` a new one.

        Raises:
            FormatError: an entry cannot be changed without losing what Reticle does not know.
        """
        ...


def text_of(data: bytes, file: Path) -> tuple[str, str]:
    """The text of a label file, and the encoding that gives back its bytes.

    Raises:
        FormatError: there is no such encoding.
    """
    codec = codec_of(data)
    if codec is None:
        raise FormatError("its encoding is not one that can be written back", path=file)
    return data.decode(codec), codec


def bytes_of(text: str, codec: str, file: Path) -> bytes:
    """A text in the encoding of its file.

    Raises:
        FormatError: it has a character that the encoding does not.
    """
    try:
        return text.encode(codec)
    except UnicodeEncodeError as error:
        message = f"{error.object[error.start]!r} cannot be written in its encoding ({codec})"
        raise FormatError(message, path=file, hint="Save the file as UTF-8") from error


def shown_edges(box: FileBox, page: Page) -> Xyxy:
    """The edges of a box as the project has them: inside of the image."""
    edges, _ = fit(box.xyxy, width=page.width, height=page.height)
    return box.xyxy if edges is None else edges


def check_numbers(known: Mapping[int, str], names: Mapping[int, str], path: Path) -> None:
    """Whether a list of names still has all that is known under the same numbers.

    Raises:
        FormatError: it has not: labels would change their classes.
    """
    for number, name in known.items():
        if names.get(number) != name:
            now = f"is now {names[number]!r}" if number in names else "is gone"
            raise FormatError(
                f"class {number} was {name!r} and {now}: another program has renumbered the classes",
                path=path,
                hint=f"Put {name!r} back to line {number + 1}",
            )
