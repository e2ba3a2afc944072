"""Images decoded and resized once, kept in memory as long as there is room."""

from __future__ import annotations

import threading
from collections import OrderedDict
from concurrent.futures import Future
from pathlib import Path

import psutil

from detcore.data.letterbox import Fit, fit_frame, fit_scale, resize
from detcore.images.decoding import check_frame, read_image
from detcore.images.tiles import Tile, Tiling
from detcore.types import ImageArray
from detcore.zoo.spec import InputRule

_SHARE_OF_FREE_MEMORY = 0.25


_Resized = tuple[ImageArray, Fit]


class ImageCache:
    """Resized images by path; used from several threads. What several ask for at once is decoded once.

    ``budget`` in bytes, by default a quarter of the memory that is free now, shared by as many ``processes``
    with a cache each; what does not fit is decoded each time it is asked for. Images keep their shape unless the ``rule`` of
    a detector stretches them.

    With a ``tiling`` all images are resized by one scale, so that a tile of it is as long as ``longer_side``, and
    looked at tile by tile. They are large: what was not asked for the longest makes room for others.
    """

    def __init__(
        self,
        *,
        longer_side: int,
        rule: InputRule | None = None,
        tiling: Tiling | None = None,
        budget: int | None = None,
        processes: int = 1,
    ) -> None:
        self.longer_side = longer_side
        self.rule = rule or InputRule(image_size=longer_side)
        self.tiling = tiling
        if budget is None:
            budget = int(psutil.virtual_memory().available * _SHARE_OF_FREE_MEMORY) // processes
        self._budget = budget
        self._lock = threading.Lock()
        self._held: OrderedDict[str, _Resized] = OrderedDict()
        self._under_way: dict[str, Future[_Resized]] = {}
        self._used = 0

    def fit(self, *, width: int, height: int) -> Fit:
        """How an image of that size is resized."""
        if self.tiling is None:
            return fit_frame(width=width, height=height, longer_side=self.longer_side, rule=self.rule)
        return fit_scale(width=width, height=height, scale=self.tiling.scale(self.longer_side))

    def tiles(self, fit: Fit) -> tuple[Tile, ...]:
        """The parts in which a resized image is looked at; without a tiling one, the whole."""
        width, height = fit.new_width, fit.new_height
        if self.tiling is None:
            return (Tile(left=0, top=0, right=width, bottom=height),)
        return self.tiling.cover(width=width, height=height, image_size=self.longer_side)

    def get(self, path: str, *, frame: tuple[int, int] | None = None) -> _Resized:
        """The image resized as ``fit`` says, and how it was; ``frame`` is the (width, height) that its boxes were
        drawn at.

        The array is shared: do not write to it.

        Raises:
            ImageError: the file is missing or broken, or not of the size of ``frame``.
        """
        with self._lock:
            held = self._held.get(path)
            if held is not None:
                self._held.move_to_end(path)
                return held
            others = self._under_way.get(path)
            found = Future[_Resized]() if others is None else others
            self._under_way[path] = found
        if others is None:
            self._decode(path, frame, found)
        return found.result()

    def _decode(self, path: str, frame: tuple[int, int] | None, found: Future[_Resized]) -> None:
        """Read the image, keep it if there is room, and give it, or what went wrong, to all who wait for it."""
        try:
            original = read_image(Path(path))
            height, width = original.shape[:2]
            check_frame(Path(path), (width, height), frame)
            fit = self.fit(width=width, height=height)
            resized = resize(original, fit, smooth=self.rule.smooth), fit
        except BaseException as error:  # noqa: BLE001 - each of them raises it
            with self._lock:
                del self._under_way[path]
            found.set_exception(error)
            return
        with self._lock:
            del self._under_way[path]
            if self._has_room(resized[0].nbytes):
                self._held[path] = resized
                self._used += resized[0].nbytes
        found.set_result(resized)

    def _has_room(self, size: int) -> bool:
        """Whether so many bytes can be held, now that others made way."""
        if self.tiling is not None and size <= self._budget:
            while self._used + size > self._budget:
                _, (image, _) = self._held.popitem(last=False)
                self._used -= image.nbytes
        return self._used + size <= self._budget
