"""What came into the folder of a project's images since it was made, or last looked at."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from detcore.errors import Cancelled
from detcore.images.decoding import find_images
from detcore.project.edits import Edit, add_images
from detcore.project.fingerprints import Files, Progress, fingerprint, look_at_files
from detcore.project.locating import take_paths
from detcore.project.project import Project
from detcore.project.removals import removed_paths
from detcore.types import Image


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderNews:
    """Files that the project does not have, as stored paths.

    ``new`` are new to it. ``renamed`` hold what an image held whose own file is gone, by its id; where
    several images or files hold the same and no name tells them apart, they are ``ambiguous``. ``removed``
    were taken out of the project.
    """

    new: tuple[str, ...]
    renamed: Mapping[int, str]
    ambiguous: tuple[str, ...]
    removed: tuple[str, ...]


def look_for_news(project: Project, *, progress: Progress | None = None) -> FolderNews:
    """Look through the folder; takes as long as the disk. Nothing is changed but what is known of files.

    A file that the project has by an absolute path or in another spelling is not news.

    Raises:
        ImageError: the folder cannot be read.
        Cancelled: ``progress`` returned false.
    """
    root = project.image_root
    paths = find_images(root)
    files = look_at_files(project, progress=progress)
    known = {_same(root / path) for path in project.image_ids_by_path()}
    unknown = [path for path in paths if _same(root / path) not in known]
    renamed, ambiguous = _known_by_content(project, files, unknown, progress)
    taken = {*renamed.values(), *ambiguous}
    out = removed_paths(project)
    rest = [path for path in unknown if path not in taken]
    return FolderNews(
        new=tuple(path for path in rest if path not in out),
        renamed=renamed,
        ambiguous=tuple(ambiguous),
        removed=tuple(path for path in rest if path in out),
    )


def add_unknown(project: Project, paths: tuple[str, ...]) -> Edit:
    """Images for those of the files that the project does not have by now."""
    root = project.image_root
    known = {_same(root / path) for path in project.image_ids_by_path()}
    return add_images(project, [Image(id=0, path=path) for path in paths if _same(root / path) not in known])


def rejoin(project: Project, renamed: Mapping[int, str]) -> Edit:
    """Let images have the names that their files have now; labels stay with them."""
    return take_paths(project, renamed, name="rejoin_images")


def _known_by_content(
    project: Project, files: Files, unknown: list[str], progress: Progress | None
) -> tuple[dict[int, str], list[str]]:
    """Images whose files are gone by what they held, and the files that hold it now: those that belong
    together, and files of which nobody can tell."""
    gone: dict[tuple[int, str], list[Image]] = defaultdict(list)
    for image in project.images(files.missing) if files.missing else ():
        if image.path in files.known:
            gone[files.known[image.path].content].append(image)
    sizes = {size for size, _ in gone}
    holders: dict[tuple[int, str], list[str]] = defaultdict(list)
    for done, path in enumerate(unknown if gone else ()):
        if progress is not None and not progress(done, len(unknown)):
            raise Cancelled("cancelled")
        place = project.image_root / path
        found = fingerprint(place) if _size(place) in sizes else None
        if found is not None and found.content in gone:
            holders[found.content].append(path)
    renamed: dict[int, str] = {}
    ambiguous: list[str] = []
    for content, paths in holders.items():
        pairs = _pairs(gone[content], paths)
        renamed |= pairs
        if len(pairs) < len(gone[content]):
            ambiguous += [path for path in paths if path not in pairs.values()]
    return renamed, ambiguous


def _pairs(images: list[Image], paths: list[str]) -> dict[int, str]:
    """Which image is which file, by id: the only one, or the only one of its name in another folder."""
    if len(images) == len(paths) == 1:
        return {images[0].id: paths[0]}
    names = [PurePosixPath(path).name for path in paths]
    own = [PurePosixPath(image.path).name for image in images]
    return {
        image.id: paths[names.index(name)]
        for image, name in zip(images, own, strict=True)
        if names.count(name) == own.count(name) == 1
    }


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1


def _same(path: os.PathLike[str]) -> str:
    return os.path.normcase(os.path.normpath(path))
