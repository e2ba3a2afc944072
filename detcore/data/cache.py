"""Images decoded and resized once, kept in memory as long as there is room."""

from __future__ import annotations

import threading
from pathlib import Path

import psutil

from detcore.data.letterbox import Fit, fit_size, resize
from detcore.images.decoding import check_frame, read_image
from detcore.types import ImageArray

_SHARE_OF_FREE_MEMORY = 0.25


class ImageCache:
    """Resized images by path; used from several threads.

    ``budget`` in bytes, by default a quarter of the memory that is free now, shared by as many ``processes``
    with a cache each; what does not fit is decoded each time it is asked for.
    """

    def __init__(self, *, longer_side: int, budget: int | None = None, processes: int = 1) -> None:
        self.longer_side = longer_side
        if budget is None:
            budget = int(psutil.virtual_memory().available * _SHARE_OF_FREE_MEMORY) // processes
        self._budget = budget
        self._lock = threading.Lock()
        self._held: dict[str, tuple[ImageArray, Fit]] = {}
        self._used = 0

    def get(self, path: str, *, frame: tuple[int, int] | None = None) -> tuple[ImageArray, Fit]:
        """The image with its longer side at ``longer_side``, and how it was fitted; ``frame`` is the (width,
        height) that its boxes were drawn at.

        The array is shared: do not write to it.

        Raises:
            ImageError: the file is missing or broken, or not of the size of ``frame``.
        """
        with self._lock:
            held = self._held.get(path)
        if held is not None:
            return held
        original = read_image(Path(path))
        height, width = original.shape[:2]
        check_frame(Path(path), (width, height), frame)
        fit = fit_size(width=width, height=height, longer_side=self.longer_side)
        image = resize(original, fit)
        with self._lock:
            if path not in self._held and self._used + image.nbytes <= self._budget:
                self._held[path] = (image, fit)
                self._used += image.nbytes
        return image, fit
