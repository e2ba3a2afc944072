"""One small dataset in every format that can be read.

A format that is written too has its sample from its own writer. One that is only read needs a function that annotates
one image, in ``FINDERS`` or here.
"""

from __future__ import annotations

import json
from pathlib import Path

from detcore.formats import all_formats
from detcore.formats.base import MARKER, Dataset, ExportOptions
from detcore.images.decoding import EXTENSIONS
from tests.detcore.formats.format_samples import box, dataset_of, save_image
from tests.detcore.formats.json_samples import sly_object, supervisely
from tests.detcore.formats.test_one_rule_for_all_readers import FINDERS

BOX = (10, 20, 30, 40)


def _supervisely(path: Path, image: str, corners: tuple[float, float, float, float]) -> None:
    x1, y1, x2, y2 = corners
    content = supervisely(sly_object(points={"exterior": [[x1, y1], [x2, y2]], "interior": []}))
    path.with_name(f"{image}.json").write_text(json.dumps(content))


def _mot(path: Path, image: str, corners: tuple[float, float, float, float]) -> None:
    """The image is the first frame of a sequence, whose name is given."""
    x1, y1, x2, y2 = corners
    sequence = path.parent / "x"
    (sequence / "gt").mkdir(parents=True)
    (sequence / "gt/gt.txt").write_text(f"1,7,{x1},{y1},{x2 - x1},{y2 - y1},1,1,1\n")
    (sequence / "img1").mkdir()
    (path.parent / image).rename(sequence / "img1/000001.jpg")


ONLY_READ = {**FINDERS, "supervisely": _supervisely, "mot": _mot}
"""How a format that is only read annotates an image: at a path whose suffix it sets, the name of the image, the box."""


def sampled_formats() -> list[str]:
    """The names of all formats that there is a sample of: all that can be read."""
    return [
        name
        for name, spec in all_formats().items()
        if spec.reader is not None and (spec.writer is not None or name in ONLY_READ)
    ]


def make_sample(format_name: str, folder: Path) -> Path:
    """A folder with one image and one box (10, 20, 30, 40) of a class cat, as others would have written it."""
    spec = all_formats()[format_name]
    if spec.writer is None:
        save_image(folder / "a.jpg")
        ONLY_READ[format_name](folder / "a", "a.jpg", BOX)
        return folder
    dataset: Dataset = dataset_of(folder.with_name("originals"), {"a.jpg": [box(0, *BOX)]}, classes=["cat"])
    spec.write(dataset, folder, ExportOptions())
    (folder / MARKER).unlink(missing_ok=True)
    return folder


def label_files(folder: Path) -> list[Path]:
    """The files of a sample that are no images."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return [path for path in files if path.suffix.lower() not in EXTENSIONS]
