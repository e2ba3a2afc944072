"""Images inside of records that are to be written to a folder of their own."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from detcore.atomic import atomic_write
from detcore.errors import FormatError, disk_error
from detcore.formats.base import Progress, step
from detcore.formats.common.text import foreign_parts
from detcore.formats.tfrecord.example import read_example
from detcore.formats.tfrecord.features import ENCODED
from detcore.formats.tfrecord.records import Record, read_records
from detcore.images.decoding import EXTENSIONS

_SUFFIXES = (
    (b"\xff\xd8", ".jpg"),
    (b"\x89PNG", ".png"),
    (b"GIF8", ".gif"),
    (b"BM", ".bmp"),
    (b"RIFF", ".webp"),
)


class RecordImages:
    """Where the images of records go below ``folder``. No file there is ever replaced: one with the same content is the
    image, another one makes the image get a number.

    Reading a dataset only finds places for them (:meth:`place`); they are written when the dataset comes into a project.
    See :class:`detcore.formats.base.ImagesInside`.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._records: dict[Path, dict[int, Path]] = {}
        self._taken: dict[str, bytes] = {}
        self._made: list[Path] = []

    def place(self, name: str, data: bytes, file: Path, number: int) -> Path:
        """Where the image of the record of that number goes, which is called ``name``."""
        path = self._folder.joinpath(*foreign_parts(name))
        if path.suffix.lower() not in EXTENSIONS:
            path = path.with_name(
                path.name + next((end for start, end in _SUFFIXES if data.startswith(start)), ".jpg")
            )
        digest = hashlib.sha256(data).digest()
        count, free = 1, path
        while not self._is_free(free, data, digest):
            count += 1
            free = path.with_stem(f"{path.stem}_{count}")
        self._taken[str(free).casefold()] = digest
        self._records.setdefault(file, {})[number] = free
        return free

    def write(self, paths: Collection[Path], progress: Progress) -> None:
        """See :class:`detcore.formats.base.ImagesInside`."""
        try:
            for file, places in self._records.items():
                wanted = {number: path for number, path in places.items() if path in paths}
                for record in read_records(file) if wanted else ():
                    step(progress, len(self._made), len(paths))
                    if record.number in wanted:
                        self._write(wanted[record.number], _image_of(record))
        except BaseException:
            self.undo()
            raise

    def undo(self) -> None:
        """Remove what was written; folders stay."""
        for path in self._made:
            with suppress(OSError):
                path.unlink()
        self._made.clear()

    def _is_free(self, path: Path, data: bytes, digest: bytes) -> bool:
        """Whether the image can be there, or is there already."""
        planned = self._taken.get(str(path).casefold())
        if planned is not None:
            return planned == digest
        return not path.exists() or _holds(path, data)

    def _write(self, path: Path, data: bytes) -> None:
        try:
            if path.exists():
                if _holds(path, data):
                    return
                raise FormatError("another file has come where an image was to be written", path=path)
            path.parent.mkdir(parents=True, exist_ok=True)
            with atomic_write(path) as temporary:
                temporary.write_bytes(data)
        except OSError as error:
            message = f"an image cannot be written ({error.strerror})"
            raise FormatError(message, path=path, hint=disk_error(error).hint) from error
        self._made.append(path)


def _image_of(record: Record) -> bytes:
    """Raises FormatError where there is none, though there was one when the dataset was read."""
    try:
        return read_example(record.data)[ENCODED].texts[0]
    except (ValueError, LookupError) as error:
        raise FormatError(f"record {record.number} is another one than when it was read") from error


def _holds(path: Path, data: bytes) -> bool:
    return path.is_file() and path.stat().st_size == len(data) and path.read_bytes() == data
