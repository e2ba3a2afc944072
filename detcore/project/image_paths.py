"""Where the images of a project lie. Paths out of a project file are not trusted."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path, PureWindowsPath

from detcore.errors import ProjectError


def is_absolute(path: str) -> bool:
    """Whether a stored path names its place by itself: an import from outside of the root."""
    return path.startswith("/") or (os.name == "nt" and PureWindowsPath(path).is_absolute())


def check_path(path: str) -> None:
    """A stored path is relative to the root and stays inside, or is absolute; without ``..`` either way.

    Raises:
        ProjectError: it is not.
    """
    problem = _problem(path)
    if problem:
        # The path may hold characters that no terminal or log takes.
        shown = path.encode("utf-8", "backslashreplace").decode("utf-8").replace("\0", "\\0")
        raise ProjectError(f"not a usable image path: {problem}", path=shown, hint="Rename or remove it")


def check_paths(paths: Sequence[str]) -> None:
    """``check_path`` for many; quick when none is suspicious."""
    joined = "/\n".join(paths)
    suspicious = ".." in joined or "\\" in joined or ":" in joined or "\0" in joined
    if suspicious or not joined.isascii() or "" in paths:
        for path in paths:
            check_path(path)


def locate(root: Path, paths: Sequence[str]) -> list[str]:
    """The absolute paths of images.

    Raises:
        ProjectError: a stored path leaves the root.
    """
    check_paths(paths)
    start = f"{str(root).rstrip(os.sep)}{os.sep}"
    return [path if is_absolute(path) else start + path.replace("/", os.sep) for path in paths]


def stored_path(root: Path, path: Path) -> str:
    """How to store the place of an image file: relative to the root, or absolute when outside of it."""
    text, start = str(path), f"{root}{os.sep}"
    if os.sep == "/" and text.startswith(start) and ".." not in text:
        return text[len(start) :]
    absolute = Path(os.path.abspath(path))
    if absolute.is_relative_to(root):
        return absolute.relative_to(root).as_posix()
    # Links may lead into the root, and one file must not be two images.
    real, real_root = Path(os.path.realpath(absolute)), Path(os.path.realpath(root))
    return (real.relative_to(real_root) if real.is_relative_to(real_root) else absolute).as_posix()


def _problem(path: str) -> str | None:
    if not path:
        return "it is empty"
    if "\0" in path:
        return "it holds a zero character"
    if not path.isascii() and any("\ud800" <= character <= "\udfff" for character in path):
        return "its name is not valid Unicode"
    # Backslashes part folders on Windows only, but a project may be carried there.
    if ".." in path and ".." in path.replace("\\", "/").split("/"):
        return "it leaves the image folder"
    if os.name == "nt" and not is_absolute(path) and PureWindowsPath(path).drive:
        return "it names a drive"
    return None
