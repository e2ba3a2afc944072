"""An export as one zip, which appears complete or not at all."""

from __future__ import annotations

import hashlib
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from detcore.atomic import put_in_place
from detcore.errors import FormatError, disk_error
from detcore.formats.base import MARKER, ExportReport, Progress, step
from detcore.formats.common.staging import (
    clear_leftovers,
    listed_files,
    make_beside,
    parse_marker,
    written_marks,
)
from detcore.images.decoding import EXTENSIONS

SUFFIX = ".zip"
_TIME = (1980, 1, 1, 0, 0, 0)
"""The earliest that a zip can hold: the same export is the same file, byte for byte."""
_PIECE = 1 << 20
_LARGEST_MARKER = 1 << 30
"""Bytes."""
_MODE = 0o100644 << 16
_UNIX = 3


def zip_named(out: Path) -> Path:
    """The file that a zip is written to."""
    return out if out.suffix.lower() == SUFFIX else out.with_name(out.name + SUFFIX)


def packed(out: Path, write: Callable[[Path], ExportReport], progress: Progress) -> ExportReport:
    """Write an export to a folder that nobody sees, and pack that as the zip ``out``, whose entries lie at its top.

    ``write`` writes to the folder that it is given.

    Raises:
        FormatError: ``out`` is something else than an earlier export, or cannot be written.
        Cancelled: ``progress`` returned ``False``; nothing was written.
    """
    if out.parent.is_dir():
        clear_leftovers(out)
    _check_target(out)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        work = make_beside(out, ".partial")
    except OSError as error:
        raise _unwritten(error, out) from error
    try:
        report = write(work / out.stem)
        _pack(work / out.stem, work / out.name, progress)
        put_in_place(work / out.name, out)
    except FormatError as error:
        if error.path is None or not Path(error.path).is_relative_to(work):
            raise
        raise FormatError(error.message, path=out, hint=error.hint) from error
    except OSError as error:
        raise _unwritten(error, out) from error
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return replace(report, out=out)


def _unwritten(error: OSError, out: Path) -> FormatError:
    problem = disk_error(error)
    return FormatError(f"cannot be written ({problem.message})", path=out, hint=problem.hint)


def _pack(folder: Path, file: Path, progress: Progress) -> None:
    """All files of a folder in the order of their names; images are packed as they are."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    with zipfile.ZipFile(file, "x") as archive:
        for done, path in enumerate(paths):
            step(progress, done, len(paths))
            info = zipfile.ZipInfo(path.relative_to(folder).as_posix(), _TIME)
            info.create_system, info.external_attr = _UNIX, _MODE
            info.file_size = path.stat().st_size
            is_image = path.suffix.lower() in EXTENSIONS
            info.compress_type = zipfile.ZIP_STORED if is_image else zipfile.ZIP_DEFLATED
            with path.open("rb") as source, archive.open(info, "w") as target:
                shutil.copyfileobj(source, target, _PIECE)
    step(progress, len(paths), len(paths))


def _check_target(out: Path) -> None:
    """Raises FormatError where something is in the place that no export wrote, or that was changed since."""
    hint = "Choose another name"
    if not out.exists() and not out.is_symlink():
        return
    if out.is_symlink() or not out.is_file() or not zipfile.is_zipfile(out):
        raise FormatError("is there already and no earlier export", path=out, hint=hint)
    try:
        with zipfile.ZipFile(out) as archive:
            marker = _marker_in(archive)
            if marker is None:
                raise FormatError("is there already and no earlier export", path=out, hint=hint)
            _check_entries(archive, listed_files(marker), written_marks(marker), out)
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError) as error:
        raise FormatError("is there already and cannot be read", path=out, hint=hint) from error


def _marker_in(archive: zipfile.ZipFile) -> dict[str, object] | None:
    """What an export of ours notes about itself; ``None`` where there is no such file, or one of a size that none has."""
    info = next((item for item in archive.infolist() if item.filename == MARKER), None)
    if info is None or info.file_size > _LARGEST_MARKER:
        return None
    return parse_marker(archive.read(info))


def _digest_in(archive: zipfile.ZipFile, item: zipfile.ZipInfo) -> str:
    """The SHA-256 of an entry that may say anything of its size."""
    digest = hashlib.sha256()
    with archive.open(item) as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
    return digest.hexdigest()


def _check_entries(archive: zipfile.ZipFile, known: set[str], marks: dict[str, object], out: Path) -> None:
    for item in archive.infolist():
        if item.filename not in known:
            raise FormatError(
                f"holds {item.filename}, which no export wrote", path=out, hint="Choose another name"
            )
        mark = marks.get(item.filename)
        changed = isinstance(mark, int) and mark != item.file_size
        changed |= isinstance(mark, str) and mark != _digest_in(archive, item)
        if changed:
            message = f"{item.filename} was changed after the export that wrote it"
            raise FormatError(message, path=out, hint="Import the change first, or choose another name")
