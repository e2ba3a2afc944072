"""What a file or folder is, is told from what it holds: an extension says little."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from detcore.formats import detect_format, recognise
from detcore.formats.sniffing import json_head
from tests.detcore.formats.format_samples import save_image, thing, write_xml

COCO_IMAGE = {"id": 1, "file_name": "a.jpg", "width": 100, "height": 80}
COCO_BOX = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4]}
CATEGORY = {"id": 1, "name": "cat"}
LABELME = {
    "version": "5.0.1",
    "flags": {},
    "shapes": [{"label": "cat", "points": [[1, 2], [3, 4]], "shape_type": "rectangle"}],
    "imagePath": "a.jpg",
    "imageData": "A" * 100_000,
}
SVG = '<svg xmlns="http://www.w3.org/2000/svg"><rect width="3" height="4"/></svg>'
LABELME_XML = "<annotation><filename>a.jpg</filename><object><name>cat</name><polygon/></object></annotation>"


def save(path: Path, content: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "content",
    [
        {"images": [COCO_IMAGE], "annotations": [COCO_BOX], "categories": [CATEGORY]},
        {"info": {"year": 2017}, "licenses": [{"id": 1}], "categories": [CATEGORY], "images": []},  # CVAT
        {"images": {"0": COCO_IMAGE}, "annotations": {"0": COCO_BOX}},
        {"images": [COCO_IMAGE] * 2000, "annotations": [], "categories": []},  # the rest lies far behind
        {"annotations": [COCO_BOX] * 2000, "images": [COCO_IMAGE]},
        {"categories": [CATEGORY | {"id": number} for number in range(5000)], "images": [COCO_IMAGE]},
    ],
)
def test_json_with_the_lists_of_coco_is_coco(tmp_path: Path, content: Any):
    assert detect_format(save(tmp_path / "a.json", content)) == "coco"


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (LABELME, "labelme"),
        (
            {"imagePath": "a.jpg", "imageData": "A" * 100_000, "shapes": []},
            "labelme",
        ),  # the shapes lie far behind
        ([{"image": "a.jpg", "annotations": []}], "createml"),
        ([{"id": 1, "data": {}, "annotations": []}], "label-studio"),
    ],
)
def test_json_of_other_tools_is_told_by_its_keys(tmp_path: Path, content: Any, name: str):
    assert detect_format(save(tmp_path / "a.json", content)) == name


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ({"name": "reticle", "scripts": {"images": "make"}}, "the keys are name, scripts"),
        ([{"id": 1, "data": {}}], "a list of objects with id, data"),
        ({}, "no keys"),
        ([], "a list"),
        ("nothing", "this is no JSON object"),
    ],
)
def test_other_json_is_told_by_what_it_holds(tmp_path: Path, content: Any, reason: str):
    looks = recognise(save(tmp_path / "a.json", content))
    assert looks.best is None
    assert str(looks) == f"No labels recognised here: choose the format. Not COCO (JSON): {reason}."


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (SVG, "the root element is <svg>, not <annotation>"),
        (LABELME_XML, "an <annotation> whose objects have no <bndbox>"),
        ("<annotation><a/></annotation>", "an <annotation> with neither <object> nor <filename>"),
        ("no XML at all", "this is no XML"),
        (
            '<!DOCTYPE a [<!ENTITY b "c">]><annotation>&b;</annotation>',
            "the file declares entities, which is refused",
        ),
    ],
)
def test_xml_that_is_no_voc_is_told_by_what_it_is(tmp_path: Path, content: str, reason: str):
    for source in (save(tmp_path / "a.xml", content), tmp_path):
        looks = recognise(source)
        assert looks.best is None
        name = " (a.xml)" if source == tmp_path else ""
        assert (
            str(looks)
            == f"No labels recognised here: choose the format. Not Pascal VOC (XML): {reason}{name}."
        )


def test_annotations_with_and_without_objects_are_voc(tmp_path: Path):
    assert detect_format(write_xml(tmp_path / "full/a.xml", thing())) == "voc"
    assert detect_format(write_xml(tmp_path / "empty/a.xml")) == "voc"
    assert detect_format(write_xml(tmp_path / "many/a.xml", *[thing()] * 2000)) == "voc"
    other = tmp_path / "utf16/a.xml"
    other.parent.mkdir()
    other.write_bytes(f"<annotation>{thing()}</annotation>".encode("utf-16"))
    assert detect_format(other) == "voc"


def test_a_folder_is_what_its_first_telling_file_is(tmp_path: Path):
    save(tmp_path / "icons/a.xml", SVG)
    save(tmp_path / "package.json", {"name": "x"})
    write_xml(tmp_path / "set/Annotations/b.xml", thing())
    assert str(recognise(tmp_path)) == "This looks like Pascal VOC (XML)."


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("data.yaml", "train: images/train\nnames: [cat]\n", "yolo"),
        ("data.yaml", '{"train": "images", "names": {"0": "cat"}}', "yolo"),
        ("data.yaml", "names:\n  - cat\n", "yolo"),
        ("data.yaml", "train: x\nnames:\n" + "".join(f"  {n}: name{n}\n" for n in range(20_000)), "yolo"),
        ("compose.yaml", "services:\n  train:\n    image: x\n  names: y\n", None),
        ("broken.yaml", "names\n: [", None),
        ("deep.yaml", "names: " + "[" * 50_000, "yolo"),
        ("list.yaml", "- train\n- names\n", None),
        ("obj.data", "classes = 1\ntrain = train.txt\nnames = obj.names\n", "yolo"),
        ("other.data", "1,2,3\n", None),
    ],
)
def test_a_description_is_yolo_by_its_keys(tmp_path: Path, name: str, content: str, expected: str | None):
    file = save(tmp_path / name, content)
    assert detect_format(file) == expected
    assert detect_format(tmp_path) == expected


@pytest.mark.parametrize(
    ("line", "expected", "reason"),
    [
        ("0 0.5 0.5 0.25 0.25", "yolo", ""),
        ("cat 0.5 0.5 0.25 0.25", "yolo", ""),
        ("0 0.1 0.1 0.2 0.1 0.2 0.2", "yolo", ""),  # an outline
        ("0 0.3 0.3 0.7 0.3 0.7 0.7 0.3 0.7 0.9", "yolo", ""),  # four corners, and how sure it is
        (
            "Car 0.00 0 1.85 387.63 181.54 423.81 203.12 1.67 1.87 3.69 -16.53 2.39 58.49 1.57",
            "kitti",
            "KITTI",
        ),
        ("cat 10 20 30 40", "oidv4", "OIDv4 or Cartucho"),
        ("1 0.92 10 20 30 40", None, "numbers that are no fractions of an image"),
        ("684,8,273,116,0,0,0,0", "visdrone", "VisDrone"),
        ("684,8,273,116,0.9,4,-1,-1", None, "VisDrone (text): these are detections with a confidence"),
        ("cat 0.9 10 20 30 40", None, "Cartucho (text): these are detections with a confidence"),
        ("10 20 30 40 50 60 70 80 plane 0", "dota", "DOTA"),
        ("img/a.jpg 10,20,30,40,0 1,2,3,4,1", "keras-yolo3", "keras-yolo3"),
        ("Read me first", None, ""),
    ],
)
def test_text_files_are_told_by_their_columns_and_are_yolo_when_the_numbers_are_fractions(
    tmp_path: Path, line: str, expected: str | None, reason: str
):
    save_image(tmp_path / "images/a.jpg")
    save(tmp_path / "labels/a.txt", line + "\n")
    assert detect_format(tmp_path) == expected
    assert reason in str(recognise(tmp_path))


@pytest.mark.parametrize(
    "text", ['[{"images" "a.jpg", [{"label": 1}]}]', '{"images" [{"id": 1}]}', '[[{"a": 1}]]']
)
def test_broken_json_looks_like_nothing(tmp_path: Path, text: str):
    assert detect_format(save(tmp_path / "a.json", text)) is None


def test_a_folder_without_labels_looks_like_nothing(tmp_path: Path):
    assert str(recognise(tmp_path)) == "No labels recognised here: choose the format."
    save_image(tmp_path / "a.jpg")
    assert recognise(tmp_path).best is None
    assert recognise(tmp_path / "a.jpg").best is None
    assert recognise(tmp_path / "nowhere").best is None


def test_a_folder_of_two_formats_is_told_so_with_the_reasons_and_the_surer_one_comes_first(tmp_path: Path):
    save(tmp_path / "labels/classes.txt", "cat\n")
    save(tmp_path / "labels/a.txt", "0 0.5 0.5 0.25 0.25\n")
    save(tmp_path / "a.json", {"images": [], "annotations": []})
    looks = recognise(tmp_path)
    assert looks.best is not None
    assert looks.best.name == "coco"
    assert str(looks) == (
        "This looks like COCO (JSON), but also like YOLO (text). COCO (JSON): images and annotations (a.json). "
        "YOLO (text): a class and fractions of an image (a.txt)."
    )


@pytest.mark.parametrize(
    "start", [lambda: '{"images": [' + '{"file_name": "a.jpg"}, ' * 9, lambda: "[" * 1_000_000]
)
def test_a_huge_or_deep_file_is_not_read_whole(tmp_path: Path, start: Callable[[], str]):
    file = save(tmp_path / "a.json", start())
    with file.open("r+b") as opened:
        opened.truncate(300_000_000)  # takes no room on the disk
    tracemalloc.start()
    json_head(file)
    recognise(file)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 10_000_000
