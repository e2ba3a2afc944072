"""Files that are either the old one or the new one, never half of one."""

from __future__ import annotations

import os
import re
import secrets
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

_LEFTOVER = re.compile(r"\..+\.[0-9a-f]{8}\.part(\.[^.]+)?")
_OLD_SECONDS = 3600.0


@contextmanager
def atomic_write(path: Path) -> Generator[Path, None, None]:
    """A temporary path to write to; when the block ends well, the file there takes the place of ``path``.

    The temporary name lies in the same folder and keeps the suffix (``.part`` stands before it), since
    some writers append a suffix that they miss. The content is on the disk before the name changes, so
    a crash or a full disk leaves the old file as it was. When the block raises, the temporary file goes.
    A link stays, and the file that it leads to is replaced. What is no regular file (``/dev/stdout``, a
    pipe) is written straight into.
    """
    if _is_special(path):
        yield path
        return
    path = Path(os.path.realpath(path))
    temporary = path.with_name(f".{path.stem}.{secrets.token_hex(4)}.part{path.suffix}")
    try:
        yield temporary
        put_in_place(temporary, path)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        # A full disk does not say of which file it is, and the temporary name says nothing to anybody.
        if isinstance(error, OSError) and error.errno and error.filename in (None, str(temporary), temporary):
            error.filename = str(path)
        raise


def put_in_place(temporary: Path, path: Path) -> None:
    """Let a file that is written to its end take the place of another in its folder, once its content is on the disk."""
    with temporary.open("rb+") as file:
        os.fsync(file.fileno())
    os.replace(temporary, path)
    sync_folder(path.parent)


def remove_leftovers(folder: Path, *, seconds: float = _OLD_SECONDS) -> None:
    """Delete the temporary files of ``atomic_write`` in this folder that nobody has written to for so many seconds: their
    processes died. What cannot be deleted stays."""
    before = time.time() - seconds
    with suppress(OSError):
        for path in folder.iterdir():
            ours = _LEFTOVER.fullmatch(path.name) and path.is_file() and not path.is_symlink()
            if ours and path.stat().st_mtime < before:
                path.unlink()


def _is_special(path: Path) -> bool:
    """Whether a name stands for a device, a pipe or an open file, none of which can be replaced."""
    in_devices = os.name != "nt" and path.absolute().parent in {Path("/dev"), Path("/dev/fd")}
    return in_devices or (path.exists() and not path.is_file())


def sync_folder(folder: Path) -> None:
    """Make names in a folder durable. Windows offers no such call and needs none."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
