"""Whatever is exported lies in the image that is exported."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
from PIL import Image as PillowImage

from detcore.errors import FormatError
from detcore.exchange import export_dataset
from detcore.formats.base import ExportOptions, Images
from detcore.formats.voc.writing import VocOptions
from detcore.project.edits import add_boxes, add_class, add_images, delete_boxes
from detcore.project.project import Project
from detcore.types import Box, Image

FORMATS = ("coco", "voc", "yolo")


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """An image of 100×80 as labelled, one labelled at 200×160 that is 100×80 by now, and one that was labelled
    before its size was known, with a box across its lower right corner and one outside of it."""
    root = tmp_path / "images"
    root.mkdir()
    for name in ("good.jpg", "halved.jpg", "unknown.jpg"):
        PillowImage.new("RGB", (100, 80)).save(root / name)
    with Project.create(tmp_path / "p.reticle", image_root=root) as project:
        sizes: dict[str, tuple[int | None, int | None]] = {
            "good.jpg": (100, 80),
            "halved.jpg": (200, 160),
            "unknown.jpg": (None, None),
        }
        project.edit(
            add_images,
            [Image(id=0, path=name, width=width, height=height) for name, (width, height) in sizes.items()],
        )
        project.edit(add_class, "cell")
        corners = ((1, 10, 10, 40, 40), (2, 100, 80, 190, 150), (3, 90, 70, 110, 95), (3, 120, 90, 130, 99))
        project.edit(
            add_boxes,
            [Box(id=0, image_id=i, class_id=1, x1=a, y1=b, x2=c, y2=d) for i, a, b, c, d in corners],
        )
        yield project


def written(out: Path, name: str) -> dict[str, list[tuple[float, ...]]]:
    """Edges of the boxes by the name of their image."""
    found: dict[str, list[tuple[float, ...]]] = {}
    if name == "coco":
        content = json.loads((out / "annotations/instances_default.json").read_text())
        names = {image["id"]: image["file_name"] for image in content["images"]}
        for item in content["annotations"]:
            x, y, width, height = item["bbox"]
            found.setdefault(names[item["image_id"]], []).append((x, y, x + width, y + height))
    elif name == "voc":
        for file in sorted(out.rglob("Annotations/*.xml")):
            for box in ElementTree.parse(file).iter("bndbox"):
                edges = tuple(float(box.findtext(key, "")) for key in ("xmin", "ymin", "xmax", "ymax"))
                found.setdefault(f"{file.stem}.jpg", []).append(edges)
    else:
        for file in sorted(out.glob("labels/train/*.txt")):
            for line in file.read_text().splitlines() if file.name != "classes.txt" else []:
                _, x, y, width, height = map(float, line.split())
                edges = (
                    (x - width / 2) * 100,
                    (y - height / 2) * 80,
                    (x + width / 2) * 100,
                    (y + height / 2) * 80,
                )
                found.setdefault(f"{file.stem}.jpg", []).append(edges)
    return found


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("copy", [True, False])
def test_boxes_are_written_inside_their_images_and_what_does_not_fit_is_named(
    project: Project, tmp_path: Path, name: str, copy: bool
) -> None:
    own = VocOptions(coordinates="float") if name == "voc" else None
    options = ExportOptions(own=own, images=Images.COPY if copy else Images.REFERENCE)
    report = export_dataset(project, name, tmp_path / "out", options=options)
    boxes = written(tmp_path / "out", name)
    assert sorted(boxes) == ["good.jpg", "unknown.jpg"]
    assert boxes["good.jpg"] == [pytest.approx((10, 10, 40, 40), abs=1e-5)]
    assert boxes["unknown.jpg"] == [pytest.approx((90, 70, 100, 80), abs=1e-5)]
    notes = " ".join(report.notes)
    assert "1 image of another size now than when labelled is left out: halved.jpg." in notes
    assert "1 box reached out of the image: clipped." in notes
    assert "1 box outside of the image left out." in notes


def test_an_export_of_nothing_but_such_images_says_why(project: Project, tmp_path: Path) -> None:
    others = [box.id for box in project.all_boxes() if box.image_id != 2]
    project.edit(delete_boxes, others)
    with pytest.raises(FormatError, match=r"halved\.jpg"):
        export_dataset(project, "yolo", tmp_path / "out")
    assert not (tmp_path / "out").exists()
