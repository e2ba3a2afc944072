"""What a file of detections says, before anybody knows which images and classes of a project it speaks of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np

from detcore.formats.base import Problem, Progress
from detcore.types import FloatArray, IntArray

Key = int | str
"""What a file calls an image or a class: an id, or a name."""

T = TypeVar("T", bound=Key)


@dataclass(frozen=True, slots=True, kw_only=True)
class RawDetections:
    """N detections as columns. ``images`` and ``classes`` are what the file names, and ``image_rows`` and ``class_rows`` (N,) the
    places in them; ``boxes`` (N, 4) are edges in pixels, or shares of the image where they are ``in_shares``; ``scores`` (N,) are
    as written. Each stands in one of the ``files``, ``file_rows`` (N,) are the places in them, at a line, or as an entry, ``lines``
    (N,), counted from 1; ``lines_are`` names the entries, "" for lines. ``names_all``: the images are all that were looked at,
    also those where nothing was found. ``by_person``: labels, whose scores are all 1."""

    images: Sequence[Key]
    classes: Sequence[Key]
    image_rows: IntArray
    class_rows: IntArray
    boxes: FloatArray
    scores: FloatArray
    files: Sequence[Path]
    file_rows: IntArray
    lines: IntArray
    lines_are: str = ""
    in_shares: bool = False
    names_all: bool = False
    by_person: bool = False
    problems: Sequence[Problem] = ()
    notes: Sequence[str] = ()

    def __len__(self) -> int:
        return len(self.scores)

    def problem(self, row: int, message: str) -> Problem:
        """A problem of one detection, with its place."""
        path, line = self.files[int(self.file_rows[row])], int(self.lines[row])
        if self.lines_are:
            return Problem(path=path, message=f"{self.lines_are} {line}: {message}")
        return Problem(path=path, message=message, line=line)


class DetectionReader(Protocol):
    """Reads a file or folder; ``image_folder`` is where the images of the project are. What is odd becomes a problem, and its detection is left out; reading goes on.

    Raises:
        FormatError: there is nothing of the format at ``source``.
        Cancelled: ``progress`` returned ``False``.
    """

    def __call__(self, source: Path, *, image_folder: Path | None, progress: Progress) -> RawDetections: ...


class Rows:
    """Detections gathered one by one."""

    def __init__(self, lines_are: str = "") -> None:
        self.problems: list[Problem] = []
        self._lines_are = lines_are
        self._images, self._classes = dict[Key, int](), dict[Key, int]()
        self._files = dict[Path, int]()
        self._places: list[tuple[int, int, int, int]] = []
        self._numbers: list[tuple[float, float, float, float, float]] = []

    def __len__(self) -> int:
        return len(self._numbers)

    def see(self, image: Key) -> int:
        """An image that was looked at; what is found there may follow. Returns its place."""
        return self._images.setdefault(image, len(self._images))

    def add(
        self,
        image: Key,
        label: Key,
        box: tuple[float, float, float, float],
        score: float,
        path: Path,
        line: int,
    ) -> None:
        place = self._classes.setdefault(label, len(self._classes))
        file = self._files.setdefault(path, len(self._files))
        self._places.append((self.see(image), place, file, line))
        self._numbers.append((*box, score))

    def refuse(self, path: Path, line: int, message: str) -> None:
        """Report a line or entry that is left out."""
        if self._lines_are:
            self.problems.append(Problem(path=path, message=f"{self._lines_are} {line}: {message}"))
        else:
            self.problems.append(Problem(path=path, message=message, line=line))

    def raw(
        self,
        *,
        name_of: Callable[[Key], Key] = lambda key: key,
        in_shares: bool = False,
        names_all: bool = False,
        by_person: bool = False,
        notes: Sequence[str] = (),
    ) -> RawDetections:
        """All of them; ``name_of`` says what a class of the file is called."""
        places = np.array(self._places, np.int64).reshape(-1, 4)
        numbers = np.array(self._numbers, np.float64).reshape(-1, 5)
        return RawDetections(
            images=list(self._images),
            classes=[name_of(key) for key in self._classes],
            image_rows=places[:, 0],
            class_rows=places[:, 1],
            file_rows=places[:, 2],
            lines=places[:, 3],
            boxes=numbers[:, :4],
            scores=numbers[:, 4],
            files=list(self._files),
            lines_are=self._lines_are,
            in_shares=in_shares,
            names_all=names_all,
            by_person=by_person,
            problems=self.problems,
            notes=notes,
        )


def distinct(keys: Sequence[T]) -> tuple[list[T], IntArray]:
    """The keys without repetition, in the order in which they were met, and (N,) the place of each in them."""
    places: dict[T, int] = {}
    rows = [places.setdefault(key, len(places)) for key in keys]
    return list(places), np.array(rows, np.int64)


def as_number(value: Any) -> float | None:
    """A number of JSON; ``None`` for anything else. It may be infinite, or none (nan)."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
