"""Small datasets as other tools write them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from detcore.formats import all_formats
from detcore.formats.base import Dataset, DatasetBox, DatasetClass, DatasetImage

WRITABLE = [name for name, spec in all_formats().items() if spec.writer]
WITH_IMAGE_FILES = [name for name in WRITABLE if name != "tfrecord"]
"""Those whose images lie beside the labels, not among them."""
BOUNDS = "<bndbox><xmin>10</xmin><ymin>20</ymin><xmax>30</xmax><ymax>40</ymax></bndbox>"


def save_image(path: Path, size: tuple[int, int] = (100, 80), orientation: int | None = None) -> Path:
    """A noisy image file; ``size`` is (width, height) as stored."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(0).integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)
    exif = Image.Exif()
    if orientation is not None:
        exif[0x0112] = orientation
    Image.fromarray(pixels).save(path, exif=exif)
    return path


def hashes(folder: Path) -> dict[str, str]:
    """Content of every file below a folder."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def dataset_of(
    root: Path,
    images: dict[str, Sequence[DatasetBox]],
    *,
    classes: Sequence[str] = ("cat", "dog"),
    size: tuple[int, int] = (100, 80),
    split: str | None = "train",
) -> Dataset:
    """A dataset of existing image files with these boxes."""
    for name in images:
        save_image(root / name, size)
    return Dataset(
        classes=[DatasetClass(name=name) for name in classes],
        images=[
            DatasetImage(
                path=root / name,
                name=name,
                width=size[0],
                height=size[1],
                split=split,
                verified=not boxes,
                boxes=boxes,
            )
            for name, boxes in images.items()
        ],
        image_root=root,
    )


def box(label: int, x1: float, y1: float, x2: float, y2: float, **fields: object) -> DatasetBox:
    return DatasetBox(label=label, x1=x1, y1=y1, x2=x2, y2=y2, **fields)  # type: ignore[arg-type]


def thing(name: str = "cat", inner: str = BOUNDS) -> str:
    """One object of a VOC file."""
    return f"<object><name>{name}</name>{inner}</object>"


def write_xml(path: Path, *objects: str, head: str = "", attributes: str = "") -> Path:
    """A VOC file with these objects for an image of 100 by 80."""
    path.parent.mkdir(parents=True, exist_ok=True)
    size = "<size><width>100</width><height>80</height><depth>3</depth></size>"
    filename = "" if "<filename>" in head else f"<filename>{path.stem}.jpg</filename>"
    path.write_text(f"<annotation{attributes}>{filename}{head}{size}{''.join(objects)}</annotation>", "utf-8")
    return path
