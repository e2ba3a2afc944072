"""Which project belongs to a path that a person opens."""

from __future__ import annotations

import os
from pathlib import Path

from detcore.errors import ProjectError
from detcore.images.decoding import find_images
from detcore.project.imports import Progress, unwatched
from detcore.project.project import Project

SUFFIX = ".reticle"


def is_project(path: Path) -> bool:
    """Whether the path is a project folder (by its name and its database)."""
    return path.suffix == SUFFIX and (path / "project.db").is_file()


def project_folder_for(image_folder: Path) -> Path:
    """Where the project of an image folder lives or will live: beside it, or in ``~/Reticle`` when that is
    read-only. Folders of one name from several places are told apart there by a number.

    Raises:
        ProjectError: a project of that name cannot be read.
    """
    folder = image_folder.resolve()
    name = folder.name or "images"
    if os.access(folder.parent, os.W_OK):
        return folder.parent / f"{name}{SUFFIX}"
    home = Path.home() / "Reticle"
    candidates = (home / f"{name}{ending}{SUFFIX}" for ending in ("", *(f"-{n}" for n in range(2, 1000))))
    for candidate in candidates:
        if not candidate.exists() or (is_project(candidate) and _image_root(candidate) == folder):
            return candidate
    raise ProjectError("there are too many projects of this name", path=home / f"{name}{SUFFIX}")


def _image_root(project_folder: Path) -> Path:
    with Project.open(project_folder, read_only=True) as project:
        return project.image_root.resolve()


def named_as_project(path: Path) -> Path:
    """The path with ``.reticle`` at its end, by which projects are recognised; of an existing one as it
    is."""
    if path.suffix == SUFFIX or (path / "project.db").is_file():
        return path
    return path.with_name(path.name + SUFFIX)


def create_from_images(folder: Path, image_folder: Path) -> Project:
    """Make a project at ``folder`` of all images below ``image_folder``, which stay where they are.

    Raises:
        ProjectError: there is no image, or the project cannot be made.
        ImageError: the image folder cannot be read.
    """
    paths = find_images(image_folder)
    if not paths:
        raise ProjectError(
            "no images in the folder",
            path=image_folder,
            hint="Choose a folder with JPEG, PNG, TIFF or WebP files in it",
        )
    return Project.create(folder, image_root=image_folder, image_paths=paths)


def open_path(path: Path, *, progress: Progress = unwatched) -> Project:
    """Open a project, or the project of an image folder, made now if there is none yet. ``progress`` watches
    the end of an import that a dead process has left.

    Raises:
        ProjectError and its kinds; ImageError when the folder cannot be read.
    """
    if not path.exists():
        raise ProjectError("no such file or folder", path=path)
    if path.is_file() and path.name == "project.db":
        path = path.parent
    if not path.is_dir():
        raise ProjectError(
            "neither a project nor a folder of images", path=path, hint=f"Give a folder, or NAME{SUFFIX}"
        )
    if path.suffix == SUFFIX:
        return Project.open(path, progress=progress)
    folder = project_folder_for(path)
    if is_project(folder):
        return Project.open(folder, progress=progress)
    return create_from_images(folder, path)
