"""Decoded images, ready before they are asked for."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QImage

from app.canvas.image_levels import ImageLevels
from app.tasks import Task, Tasks
from detcore.errors import ReticleError
from detcore.images import read_image

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


class ImageLoader(QObject):
    """Decodes images in the pool, keeps the latest ones, fetches the neighbours ahead.

    Few are decoded at a time and none that nobody waits for any more: a person who holds the key for the
    next image sees the one where they let go at once, not after all that they passed.

    Signals:
        loaded(object, object): the ``Path`` asked for and its ``ImageLevels``.
        failed(object, str): the ``Path`` and why it cannot be shown.
        tried(object, str): any ``Path`` that was decoded, or why it could not be; "" when all is well.
    """

    loaded = Signal(object, object)
    failed = Signal(object, str)
    tried = Signal(object, str)

    def __init__(self, tasks: Tasks, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._tasks = tasks
        self._cache: OrderedDict[Path, ImageLevels] = OrderedDict()
        self._running: dict[Path, Task] = {}
        self._waiting: list[Path] = []
        self._wanted: Path | None = None
        self._ahead = QTimer(self, singleShot=True, interval=_AHEAD_MS)
        self._ahead.timeout.connect(self._fill)

    def request(self, path: Path, neighbours: Sequence[Path] = ()) -> ImageLevels | None:
        """The image if it is at hand, else ``None`` and ``loaded`` (or ``failed``) will follow.

        Answers for a path that is no longer the latest one asked for are not announced.
        """
        self._wanted = path
        image = self._cache.get(path)
        if image is not None:
            self._cache.move_to_end(path)
        self._waiting = list(dict.fromkeys((path, *neighbours)))
        if image is None:
            self._fill()
        else:
            # the image that is there is shown before threads begin to compete with the window
            self._ahead.start()
        return image

    def clear(self) -> None:
        """Forget everything; what is being decoded is thrown away."""
        self._cache.clear()
        self._running.clear()
        self._waiting.clear()
        self._wanted = None

    def _fill(self) -> None:
        """Begin what waits, the image that is asked for first."""
        self._waiting = [
            path for path in self._waiting if path not in self._cache and path not in self._running
        ]
        while self._waiting:
            limit = AT_ONCE if self._waiting[0] == self._wanted else AHEAD_AT_ONCE
            if len(self._running) >= limit:
                return
            self._fetch(self._waiting.pop(0))

    def _fetch(self, path: Path) -> None:
        task = self._tasks.run(
            lambda: load(path),
            done=lambda image: self._keep(path, task, image),
            failed=lambda error: self._give_up(path, task, error),
        )
        self._running[path] = task

    def _keep(self, path: Path, task: Task, image: ImageLevels) -> None:
        if self._running.get(path) is not task:
            return
        del self._running[path]
        self._cache[path] = image
        used = sum(item.bytes_used for item in self._cache.values())
        while used > CACHE_BYTES and len(self._cache) > 1:
            _, oldest = self._cache.popitem(last=False)
            used -= oldest.bytes_used
        self._fill()
        self.tried.emit(path, "")
        if path == self._wanted:
            self.loaded.emit(path, image)

    def _give_up(self, path: Path, task: Task, error: Exception) -> None:
        if self._running.get(path) is not task:
            return
        del self._running[path]
        if not isinstance(error, ReticleError):
            raise error
        self._fill()
        self.tried.emit(path, str(error))
        if path == self._wanted:
            self.failed.emit(path, str(error))
