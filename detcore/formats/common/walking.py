"""The files below a folder, without those that are no part of a dataset."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from detcore.errors import FormatError
from detcore.formats.base import Progress, no_progress, step
from detcore.images.decoding import natural_key

_OFTEN = 256
_PART = re.compile(r"-\d+-of-\d+$")
_RUN_FILES = ("args.yaml", "results.csv")
_RUN_FOLDERS = ("detect", "segment", "classify", "pose", "obb", "track", "predict", "train/exp", "val/exp")
"""What Ultralytics puts into a folder ``runs``, those of YOLOv5 with ``exp`` in them."""


def files_below(
    source: Path,
    suffixes: Sequence[str],
    *,
    passed_over: set[Path] | None = None,
    progress: Progress = no_progress,
) -> list[Path]:
    """The files with one of these extensions (lower case) at or below ``source``, in natural order.

    Hidden files and folders and Reticle projects are passed over, and so is what a training or a prediction
    of Ultralytics wrote below ``source``: plots and predictions are no dataset. Its folders are added to
    ``passed_over``.

    Raises:
        FormatError: there is no such path.
        Cancelled: ``progress`` returned ``False``.
    """
    if os.path.isfile(source):
        return [source] if suffix_of(source) in suffixes else []
    if not os.path.isdir(source):
        raise FormatError("no such file or folder", path=source)
    found: list[Path] = []
    for seen, path in enumerate(_walk(source, set() if passed_over is None else passed_over)):
        if seen % _OFTEN == 0:
            step(progress, 0, 0)
        if suffix_of(path) in suffixes:
            found.append(Path(path))
    return sorted(found, key=lambda path: natural_key(path.relative_to(source).as_posix()))


def first_files(source: Path, most: int) -> Iterator[Path]:
    """The first files below a folder, lazily, in the order of the disk; the same are passed over."""
    return map(Path, islice(_walk(source, set()), most))


def is_never_walked(folder: Path) -> bool:
    """Whether a folder is the root of a disk, a home or above one: what a file names so is never meant."""
    here, home = Path(os.path.realpath(folder)), Path(os.path.realpath(os.path.expanduser("~")))
    return os.path.ismount(here) or home.is_relative_to(here)


def _walk(source: Path, passed_over: set[Path]) -> Iterator[str]:
    """Lazily, so that whoever needs a few files of a large folder does not wait for it to be listed."""
    pending = [str(source)]
    while pending:
        folders: list[str] = []
        try:
            with os.scandir(pending.pop()) as entries:
                for entry in entries:
                    if entry.name.startswith("."):
                        continue
                    if not _is_folder(entry):
                        yield entry.path
                    elif entry.is_symlink() or entry.name.endswith(".reticle"):
                        continue
                    elif is_written_by_a_run(entry):
                        passed_over.add(Path(entry.path))
                    else:
                        folders.append(entry.path)
        except OSError:
            continue  # a folder that cannot be listed holds nothing that could be read
        pending += reversed(folders)


def is_written_by_a_run(entry: os.DirEntry[str] | Path) -> bool:
    """Whether a folder is what a training or a prediction of Ultralytics wrote."""
    if entry.name == "runs" and any(os.path.isdir(os.path.join(entry, folder)) for folder in _RUN_FOLDERS):
        return True
    return any(os.path.isfile(os.path.join(entry, name)) for name in _RUN_FILES)


def suffix_of(path: str | Path) -> str:
    """The extension of a file in lower case; a part of a file that was cut (``.record-00000-of-00010``) has that of the
    whole."""
    return _PART.sub("", os.path.splitext(path)[1].lower())


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads where one may not look
        return False
