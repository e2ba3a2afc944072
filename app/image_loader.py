"""Decoded images, ready before they are asked for."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage

from app.canvas.image_levels import ImageLevels
from app.tasks import Tasks
from detcore.errors import ReticleError
from detcore.images import read_image

CACHE_BYTES = 512 * 2**20


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

    Signals:
        loaded(object, object): the ``Path`` asked for and its ``ImageLevels``.
        failed(object, str): the ``Path`` and why it cannot be shown.
    """

    loaded = Signal(object, object)
    failed = Signal(object, str)

    def __init__(self, tasks: Tasks, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._tasks = tasks
        self._cache: OrderedDict[Path, ImageLevels] = OrderedDict()
        self._pending: set[Path] = set()
        self._wanted: Path | None = None

    def request(self, path: Path, neighbours: Sequence[Path] = ()) -> ImageLevels | None:
        """The image if it is at hand, else ``None`` and ``loaded`` (or ``failed``) will follow.

        Answers for a path that is no longer the latest one asked for are not announced.
        """
        self._wanted = path
        image = self._cache.get(path)
        if image is not None:
            self._cache.move_to_end(path)
        else:
            self._fetch(path)
        for neighbour in neighbours:
            self._fetch(neighbour)
        return image

    def clear(self) -> None:
        self._cache.clear()
        self._wanted = None

    def _fetch(self, path: Path) -> None:
        if path in self._cache or path in self._pending:
            return
        self._pending.add(path)
        self._tasks.run(
            lambda: load(path),
            done=lambda image: self._keep(path, image),
            failed=lambda error: self._give_up(path, error),
        )

    def _keep(self, path: Path, image: ImageLevels) -> None:
        self._pending.discard(path)
        self._cache[path] = image
        used = sum(item.bytes_used for item in self._cache.values())
        while used > CACHE_BYTES and len(self._cache) > 1:
            _, oldest = self._cache.popitem(last=False)
            used -= oldest.bytes_used
        if path == self._wanted:
            self.loaded.emit(path, image)

    def _give_up(self, path: Path, error: Exception) -> None:
        self._pending.discard(path)
        if not isinstance(error, ReticleError):
            raise error
        if path == self._wanted:
            self.failed.emit(path, str(error))
