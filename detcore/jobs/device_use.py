"""Who learns on a device of this machine: files in a folder of the user that are locked as long as somebody does.

The learner beside the window makes room for every training, of whichever project and program; trainings do not wait for
one another. Free of torch.
"""

from __future__ import annotations

import os
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from detcore.weights.cache import user_cache

FOLDER_VARIABLE = "RETICLE_DEVICES"
"""The environment variable that names another folder."""
_LOOK_SECONDS = 1.0


@contextmanager
def training_on(device: str) -> Generator[None, None, None]:
    """Let learners know that something is trained on a device, such as ``cuda:0``, while the block lasts; the system
    forgets it when the process dies. Where the folder cannot be written to nobody is told."""
    path = _folder() / f"{_name(device)}.{os.getpid()}.training"
    lock = _held(path)
    try:
        yield
    finally:
        if lock is not None:
            lock.release()
            with suppress(OSError):
                path.unlink(missing_ok=True)


def is_trained_on(device: str) -> bool:
    """Whether something is trained there."""
    with suppress(OSError):
        return any(_is_held(path) for path in _folder().glob(f"{_name(device)}.*.training"))
    return False


class LearnerTurn:
    """Whether it is a learner's turn on its ``device``: nothing is trained there, and no other learner has begun before."""

    def __init__(self, device: str) -> None:
        self._device = device
        self._path = _folder() / f"{_name(device)}.learner"
        self._lock: FileLock | None = None
        self._is_mine, self._looked = True, -_LOOK_SECONDS

    def is_mine(self) -> bool:
        """As it was found within the last second."""
        now = time.monotonic()
        if now - self._looked >= _LOOK_SECONDS:
            self._looked = now
            self._lock = self._lock or _held(self._path)
            mine = self._lock is not None or not _is_held(self._path)
            self._is_mine = mine and not is_trained_on(self._device)
        return self._is_mine

    def end(self) -> None:
        """Leave the device to others."""
        lock, self._lock = self._lock, None
        if lock is not None:
            lock.release()


def _folder() -> Path:
    named = os.environ.get(FOLDER_VARIABLE)
    return Path(named) if named else user_cache() / "reticle" / "devices"


def _name(device: str) -> str:
    return device.replace(":", "-")


def _held(path: Path) -> FileLock | None:
    """A lock of that file, held; ``None`` where another has it, or the file cannot be made."""
    lock = FileLock(path, timeout=0, thread_local=False)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except (Timeout, OSError, NotImplementedError):
        return None
    return lock


def _is_held(path: Path) -> bool:
    """Whether somebody holds a lock of that file. What a process has left that died is only a file."""
    if not path.exists():
        return False
    lock = FileLock(path, timeout=0, thread_local=False)
    try:
        lock.acquire()
    except Timeout:
        return True
    except (OSError, NotImplementedError):
        return False
    lock.release()
    return False
