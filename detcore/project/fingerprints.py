"""What the files of a project's images hold, by which they are known again under another name."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from detcore.atomic import atomic_write
from detcore.errors import Cancelled
from detcore.project.image_paths import locate
from detcore.project.project import Project
from detcore.project.run_folder import read_json

Progress = Callable[[int, int], bool]
"""Told (done, total); false ends it."""

_PIECES, _PIECE = 16, 8 * 1024
"""Of a large file so many pieces of so many bytes are read, evenly spread: two compressed images of one length
differ in each, two that are not in most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprint:
    """``size`` in bytes, time of the last change, and a ``digest`` of the content."""

    size: int
    changed: int
    digest: str

    @property
    def content(self) -> tuple[int, str]:
        """What two files with the same content have in common."""
        return self.size, self.digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """The files of a project's images: ``known`` by stored path, those that are gone as they were last seen;
    ``missing`` are ids of images without a file, of ``total``."""

    known: Mapping[str, Fingerprint]
    missing: tuple[int, ...]
    total: int


def look_at_files(project: Project, *, progress: Progress | None = None) -> Files:
    """Find out which files are there, and keep the fingerprints of those that are new or have changed. Reads
    128 KiB of each of these.

    Raises:
        Cancelled: ``progress`` returned false; what was read so far is kept.
    """
    images = project.image_list()
    before = _read(project)
    known: dict[str, Fingerprint] = {}
    missing: list[int] = []
    cancelled = False
    places = locate(project.image_root, images.paths)
    for done, (image_id, path, place) in enumerate(
        zip(images.ids.tolist(), images.paths, places, strict=True)
    ):
        cancelled = cancelled or (progress is not None and not progress(done, len(places)))
        old = before.get(path)
        found = old if cancelled else fingerprint(Path(place), old)
        if found is None:
            missing.append(image_id)
            found = old
        if found is not None:
            known[path] = found
    if known != before and not project.read_only:
        _write(project, known)
    if cancelled:
        raise Cancelled("cancelled")
    return Files(known=known, missing=tuple(missing), total=len(places))


def fingerprint(path: Path, old: Fingerprint | None = None) -> Fingerprint | None:
    """Of a file; ``old`` when it has not changed since, ``None`` when there is none that can be read."""
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            size, changed = status.st_size, status.st_mtime_ns
            if old is not None and (old.size, old.changed) == (size, changed):
                return old
            digest = hashlib.blake2b(digest_size=16)
            if size <= _PIECES * _PIECE:
                digest.update(file.read())
            else:
                for number in range(_PIECES):
                    file.seek(number * (size - _PIECE) // (_PIECES - 1))
                    digest.update(file.read(_PIECE))
    except OSError:
        return None
    return Fingerprint(size=size, changed=changed, digest=digest.hexdigest())


def _file(project: Project) -> Path:
    return project.folder / "cache" / "files.json"


def _read(project: Project) -> dict[str, Fingerprint]:
    """What was kept; nothing of what does not make sense, as anybody may delete the cache."""
    known: dict[str, Fingerprint] = {}
    for path, record in read_json(_file(project)).items():
        match record:
            case [int(size), int(changed), str(digest)]:
                known[path] = Fingerprint(size=size, changed=changed, digest=digest)
            case _:
                continue
    return known


def _write(project: Project, known: Mapping[str, Fingerprint]) -> None:
    record = {path: [item.size, item.changed, item.digest] for path, item in known.items()}
    _file(project).parent.mkdir(exist_ok=True)
    with atomic_write(_file(project)) as path:
        path.write_text(json.dumps(record), encoding="utf-8")
