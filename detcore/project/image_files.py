"""Where the image files of a project are, for many images at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from detcore.project.image_paths import locate
from detcore.project.image_rows import ImageList


class ImageFiles(Mapping[int, Path]):
    """Absolute paths by image id, put together when asked for."""

    def __init__(self, root: Path, images: ImageList) -> None:
        self._root = root
        self._paths = images.paths
        self._order = np.argsort(images.ids)
        self._sorted = images.ids[self._order]

    def __getitem__(self, image_id: int) -> Path:
        place = int(np.searchsorted(self._sorted, image_id))
        if place == len(self._sorted) or self._sorted[place] != image_id:
            raise KeyError(image_id)
        return Path(locate(self._root, [self._paths[int(self._order[place])]])[0])

    def __iter__(self) -> Iterator[int]:
        return iter(self._sorted.tolist())

    def __len__(self) -> int:
        return len(self._sorted)
