"""What is odd about image files themselves is said once for a dataset, whatever the format."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from detcore.cli.main import main
from detcore.formats import all_formats
from tests.detcore.formats.format_samples import save_image

VOC_BOX = "<object><name>a</name><bndbox><xmin>5</xmin><ymin>6</ymin><xmax>20</xmax><ymax>30</ymax></bndbox></object>"


def label(folder: Path, name: str, size: tuple[int, int] | None, *, boxes: bool = True) -> None:
    """An annotation of ``a.jpg`` in one of the formats, which may name a size."""
    if name == "yolo":
        (folder / "a.txt").write_text("0 .5 .5 .1 .1\n" if boxes else "")
        (folder / "classes.txt").write_text("a\n")
        return
    width, height = size or (0, 0)
    if name == "voc":
        sides = f"<size><width>{width}</width><height>{height}</height></size>" if size else ""
        (folder / "a.xml").write_text(f"<annotation>{sides}{VOC_BOX if boxes else ''}</annotation>")
        return
    sides = {"width": width, "height": height} if size else {}
    box = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [5, 6, 15, 24]}
    content = {
        "images": [{"id": 1, "file_name": "a.jpg", **sides}],
        "categories": [{"id": 1, "name": "a"}],
        "annotations": [box] if boxes else [],
    }
    (folder / "a.json").write_text(json.dumps(content))


def said(folder: Path, name: str) -> list[str]:
    return [problem.message for problem in all_formats()[name].read(folder)[1]]


@pytest.mark.parametrize("name", ["voc", "coco"])
@pytest.mark.parametrize(
    ("stored", "orientation", "declared", "untold"),
    [
        ((40, 30), 6, None, True),
        ((40, 40), 6, (40, 40), True),
        ((40, 30), 3, (40, 30), True),
        ((40, 30), 2, (40, 30), True),
        ((40, 30), 6, (30, 40), False),  # as shown
        ((40, 30), 6, (40, 30), False),  # as stored: turned
        ((40, 30), 1, None, False),
    ],
)
def test_boxes_of_a_turned_image_whose_frame_no_size_tells_are_warned_of(
    tmp_path: Path, name: str, stored, orientation: int, declared, untold: bool
):
    save_image(tmp_path / "a.jpg", stored, orientation)
    label(tmp_path, name, declared)
    warned = ["stored turned (EXIF)" in text and "(a.jpg)" in text for text in said(tmp_path, name)]
    assert any(warned) == untold


@pytest.mark.parametrize("name", ["voc", "coco", "yolo"])
def test_a_turned_image_without_boxes_is_not_warned_of(tmp_path: Path, name: str):
    save_image(tmp_path / "a.jpg", (40, 30), 6)
    label(tmp_path, name, None, boxes=False)
    assert not any("EXIF" in text for text in said(tmp_path, name))


def test_yolo_names_no_size_and_so_never_tells(tmp_path: Path):
    save_image(tmp_path / "a.jpg", (40, 30), 6)
    label(tmp_path, "yolo", None)
    assert any("stored turned (EXIF)" in text for text in said(tmp_path, "yolo"))


@pytest.mark.parametrize("suffix", [".tif", ".gif", ".webp"])
def test_further_pages_and_frames_are_mentioned(
    tmp_path: Path, suffix: str, capsys: pytest.CaptureFixture[str]
):
    pages = [Image.new("RGB", (40, 30), (value, 0, 0)) for value in (0, 99)]
    (tmp_path / "im").mkdir()
    pages[0].save(tmp_path / f"im/a{suffix}", save_all=True, append_images=pages[1:])
    pages[0].save(tmp_path / f"im/b{suffix}")
    assert main(["new", str(tmp_path / "p.reticle"), "--images", str(tmp_path / "im")]) == 0
    assert f"a{suffix} holds further pages or frames: the first is the image." in capsys.readouterr().out
    label(tmp_path / "im", "yolo", None)
    assert any(f"a{suffix} holds further pages or frames" in text for text in said(tmp_path / "im", "yolo"))
