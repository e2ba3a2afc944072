"""Decoded images, ready before they are asked for."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage

from app.canvas.image_levels import ImageLevels
from app.services.tasks import Task, Tasks
from app.services.timing import Debouncer
from detcore.errors import ReticleError
from detcore.images.decoding import read_image

CACHE_BYTES = 512 * 2**20
AHEAD_AT_ONCE = 2
"""Neighbours that are decoded at a time; the image that is asked for is never kept waiting by them alone."""
AT_ONCE = 3
_AHEAD_MS = 10


def load(path: Path) -> ImageLevels:
    """Read a file with the halvings that a view asks for; safe off the GUI thread. Raises ImageError."""
    return ImageLevels.prepared(decode(path))


def decode(path: Path) -> QImage:
    """Read a file as a 32-bit QImage, orientation applied; safe off the GUI thread. Raises ImageError."""
    pixels = np.ascontiguousarray(read_image(path))
    height, width = pixels.shape[:2]
    view = QImage(pixels.data, width, height, 3 * width, QImage.Format.Format_RGB888)
    return view.convertToFormat(QImage.Format.Format_RGB32)


Stamp = tuple[int, int]


def stamp_of(path: Path) -> Stamp | None:
    """When a file was changed last and how long it is, by which another one of its name shows; ``None``
    without a file. Safe off the GUI thread."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


@dataclass(frozen=True)
class _Kept:
    """An image and the stamp of its file when it was read."""

    stamp: Stamp | None
    levels: ImageLevels


def _raise(error: Exception) -> None:
    raise error


class ImageLoader(QObject):
    """Decodes images in the pool, keeps the latest ones, fetches the neighbours ahead. One that is at hand is
    given at once, and again should its file turn out to be another by now.

    Few are decoded at a time and none that nobody waits for any more: a person who holds the key for the
    next image sees the one where they let go at once, not after all that they passed.

    Signals:
        loaded(object, object): the ``Path`` asked for and its ``ImageLevels``.
        failed(object, object): the ``Path`` and the ``ReticleError`` for which it cannot be shown.
        tried(object, str): any ``Path`` that was decoded, or why it could not be; "" when all is well.
        replaced(object): the file at that ``Path`` is another than the one that was read before.
    """

    loaded = Signal(object, object)
    failed = Signal(object, object)
    tried = Signal(object, str)
    replaced = Signal(object)

    def __init__(self, tasks: Tasks, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._tasks = tasks
        self._cache: OrderedDict[Path, _Kept] = OrderedDict()
        self._running: dict[Path, Task] = {}
        self._waiting: list[Path] = []
        self._wanted: dict[object, Path] = {}
        self._latest: Path | None = None
        self._ahead = Debouncer(self, self._look_again, pause_ms=_AHEAD_MS)

    def request(
        self, path: Path, neighbours: Sequence[Path] = (), *, by: object = None
    ) -> ImageLevels | None:
        """The image if it is at hand, else ``None`` and ``loaded`` (or ``failed``) will follow.

        Answers for a path that is no longer the latest one that somebody asks for are not announced. ``by`` is who does:
        what another page waits for stays.
        """
        self._wanted[by] = self._latest = path
        kept = self._cache.get(path)
        others = [other for other in self._waiting if self._is_wanted(other)]
        self._waiting = list(dict.fromkeys((path, *others, *neighbours)))
        if kept is None:
            self._fill()
            return None
        self._cache.move_to_end(path)
        # the image that is there is shown before threads begin to compete with the window
        self._ahead.ask()
        return kept.levels

    def clear(self) -> None:
        """Forget everything; what is being decoded is thrown away."""
        self._cache.clear()
        self._running.clear()
        self._waiting.clear()
        self._wanted.clear()
        self._latest = None

    def _is_wanted(self, path: Path) -> bool:
        return path in self._wanted.values()

    def _look_again(self) -> None:
        """Ask the disk whether the image that was at hand is still the one there; fetch the neighbours."""
        path, kept = self._latest, self._cache.get(self._latest) if self._latest else None
        if path is not None and kept is not None:
            self._tasks.run(
                lambda: stamp_of(path),
                done=lambda stamp: self._compare(path, kept, stamp),
                failed=_raise,
            )
        self._fill()

    def _compare(self, path: Path, kept: _Kept, stamp: Stamp | None) -> None:
        if stamp == kept.stamp or self._cache.get(path) is not kept:
            return
        del self._cache[path]
        self.replaced.emit(path)
        if self._is_wanted(path):
            self._waiting.insert(0, path)
            self._fill()

    def _fill(self) -> None:
        """Begin what waits, the image that is asked for first."""
        self._waiting = [
            path for path in self._waiting if path not in self._cache and path not in self._running
        ]
        while self._waiting:
            limit = AT_ONCE if self._is_wanted(self._waiting[0]) else AHEAD_AT_ONCE
            if len(self._running) >= limit:
                return
            self._fetch(self._waiting.pop(0))

    def _fetch(self, path: Path) -> None:
        task = self._tasks.run(
            lambda: _Kept(stamp_of(path), load(path)),
            done=lambda kept: self._keep(path, task, kept),
            failed=lambda error: self._give_up(path, task, error),
        )
        self._running[path] = task

    def _keep(self, path: Path, task: Task, kept: _Kept) -> None:
        if self._running.get(path) is not task:
            return
        del self._running[path]
        self._cache[path] = kept
        used = sum(item.levels.bytes_used for item in self._cache.values())
        while used > CACHE_BYTES and len(self._cache) > 1:
            _, oldest = self._cache.popitem(last=False)
            used -= oldest.levels.bytes_used
        self._fill()
        self.tried.emit(path, "")
        if self._is_wanted(path):
            self.loaded.emit(path, kept.levels)

    def _give_up(self, path: Path, task: Task, error: Exception) -> None:
        if self._running.get(path) is not task:
            return
        del self._running[path]
        if not isinstance(error, ReticleError):
            raise error
        self._fill()
        self.tried.emit(path, str(error))
        if self._is_wanted(path):
            self.failed.emit(path, error)
