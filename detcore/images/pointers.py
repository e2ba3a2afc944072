"""Small text files that git-LFS leaves in the place of large ones until these are fetched."""

from __future__ import annotations

from pathlib import Path

POINTER_TEXT = "a git-LFS pointer, not the file itself: run `git lfs pull` where it was cloned"
_HEAD = b"version https://git-lfs.github.com/spec/"


def is_pointer(data: bytes) -> bool:
    """Whether the first bytes of a file are those of a pointer."""
    return data.startswith(_HEAD)


def is_pointer_file(path: Path) -> bool:
    """Whether a file is a pointer; one that cannot be read is none."""
    try:
        with path.open("rb") as file:
            return is_pointer(file.read(len(_HEAD)))
    except OSError:
        return False
