"""Finding the images of a project again after their folder was moved or renamed."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from detcore.errors import Cancelled, ProjectError
from detcore.images.decoding import find_images
from detcore.project.edits import update_images
from detcore.project.image_paths import is_absolute, locate, stored_path
from detcore.project.operations import operation
from detcore.project.project import Project
from detcore.project.row_change import Edit
from detcore.types import Changes

Progress = Callable[[int, int], bool]
"""Told (done, total); false ends it."""
_SAMPLE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Located:
    """Where images were found: the ``root`` that their paths start from, and new stored ``paths``, by id, of
    those that lie elsewhere. Of ``total`` images ``found`` are there then, ``missing`` are not; of
    ``ambiguous`` missing ones there are several files of the name."""

    root: Path
    paths: Mapping[int, str]
    total: int
    found: int
    ambiguous: int

    @property
    def missing(self) -> int:
        return self.total - self.found


def find_images_below(project: Project, folder: Path, *, progress: Progress | None = None) -> Located:
    """Look for the images of a project in a folder: it, one above or one below takes the place of the old root
    where that finds more of them, and what is still missing is looked for by the end of its path. What is
    where it was stays.

    Raises:
        ImageError: the folder cannot be read.
        ProjectError: none of the missing images is there.
        Cancelled: ``progress`` returned false.
    """
    folder = Path(os.path.abspath(folder))
    images = project.image_list()
    files = find_images(folder)
    by_name: dict[str, list[str]] = defaultdict(list)
    for file in files:
        by_name[PurePosixPath(file).name].append(file)
    old_root = project.image_root
    places = locate(old_root, images.paths)
    here = [os.path.exists(place) for place in places]
    gone = [path for path, there in zip(images.paths, here, strict=True) if not there]
    root = max(
        (old_root, *_roots(folder, by_name, gone)),
        key=lambda root: sum((root / path).is_file() for path in _some(images.paths)),
    )
    paths: dict[int, str] = {}
    found = ambiguous = 0
    for row, (image_id, path) in enumerate(zip(images.ids.tolist(), images.paths, strict=True)):
        if progress is not None and not progress(row, len(images)):
            raise Cancelled("cancelled")
        if (root / path).is_file():
            found += 1
        elif here[row]:
            found += 1
            paths[image_id] = stored_path(root, Path(places[row]))
        else:
            match = _by_tail(path, by_name.get(PurePosixPath(path).name, []))
            found += len(match) == 1
            ambiguous += len(match) > 1
            if len(match) == 1:
                paths[image_id] = stored_path(root, folder / match[0])
    if gone and found == sum(here):
        raise ProjectError("none of the missing images is there", path=folder, hint=f"Look for {gone[0]}")
    return Located(root=root, paths=paths, total=len(images), found=found, ambiguous=ambiguous)


def use_located(project: Project, located: Located) -> Changes:
    """Let the project read its images from where they were found. The new root is not undoable, as it concerns
    the disk; new paths are."""
    if located.root != project.image_root:
        project.set_image_root(located.root)
    return project.edit(take_paths, located.paths, name="locate_images")


def take_paths(project: Project, paths: Mapping[int, str], *, name: str) -> Edit:
    """New stored paths for images, by id, as the operation ``name``; labels stay with them. Images that are gone by now are passed over,
    and so are paths that another image has: a file is one image."""
    known = project.image_ids_by_path()
    there = set(known.values())
    free = {key: {"path": path} for key, path in paths.items() if key in there and path not in known}
    return update_images(project, free, text=operation(name, count=len(free)))


def _roots(folder: Path, by_name: Mapping[str, Sequence[str]], gone: Sequence[str]) -> list[Path]:
    """Folders that the relative paths of missing images may start from."""
    roots = {folder: None}
    for path in _some([path for path in gone if not is_absolute(path)]):
        parts = PurePosixPath(path).parts
        for length in range(len(parts), 0, -1):
            # the folder is one that the path leads through: what it starts from is above
            if folder.parts[len(folder.parts) - length :] == parts[:length]:
                roots[Path(*folder.parts[: len(folder.parts) - length])] = None
        for file in by_name.get(parts[-1], []):
            if file == path or file.endswith(f"/{path}"):
                roots[folder / file[: len(file) - len(path)]] = None
    return list(roots)


def _some(paths: Sequence[str]) -> Sequence[str]:
    """A sample, evenly spread."""
    return paths[:: max(1, len(paths) // _SAMPLE)]


def _by_tail(path: str, files: Sequence[str]) -> list[str]:
    """The files whose ends agree with that of the path longest."""
    parts = PurePosixPath(path).parts[::-1]

    def length(file: str) -> int:
        pairs = zip(parts, PurePosixPath(file).parts[::-1], strict=False)
        return next(
            (n for n, (a, b) in enumerate(pairs) if a != b), min(len(parts), len(PurePosixPath(file).parts))
        )

    longest = max(map(length, files), default=0)
    return [file for file in files if length(file) == longest]
