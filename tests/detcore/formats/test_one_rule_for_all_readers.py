"""What is odd in the same way in several formats is treated in the same way."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from detcore.evaluation.coco_files import read_coco_files
from detcore.formats import all_formats
from detcore.formats.tfrecord.example import Feature, write_example
from detcore.formats.tfrecord.records import write_record
from tests.detcore.formats.format_samples import save_image
from tests.detcore.formats.json_samples import MAKERS

Corners = tuple[float, float, float, float]
NAMES = ["coco", "voc", "yolo", "cvat", "datumaro", "tfrecord", "csv", "kitti"]
SIZE = (100, 80)
"""Width and height of the images of ``save_image``."""


def _coco(path: Path, image: str, box: Corners) -> None:
    x1, y1, x2, y2 = box
    content = {
        "images": [{"id": 1, "file_name": image, "width": SIZE[0], "height": SIZE[1]}],
        "categories": [{"id": 1, "name": "cat"}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [x1, y1, x2 - x1, y2 - y1]}],
    }
    path.with_suffix(".json").write_text(json.dumps(content))


def _voc(path: Path, image: str, box: Corners) -> None:
    edges = zip(("xmin", "ymin", "xmax", "ymax"), box, strict=True)
    bounds = "".join(f"<{edge}>{value}</{edge}>" for edge, value in edges)
    item = f"<object><name>cat</name><bndbox>{bounds}</bndbox></object>"
    size = f"<size><width>{SIZE[0]}</width><height>{SIZE[1]}</height></size>"
    path.with_suffix(".xml").write_text(f"<annotation><filename>{image}</filename>{size}{item}</annotation>")


def _yolo(path: Path, image: str, box: Corners) -> None:
    x1, y1, x2, y2 = box
    values = ((x1 + x2) / 2 / SIZE[0], (y1 + y2) / 2 / SIZE[1], (x2 - x1) / SIZE[0], (y2 - y1) / SIZE[1])
    path.with_suffix(".txt").write_text(f"0 {' '.join(map(str, values))}\n")
    (path.parent / "classes.txt").write_text("cat\n")


def _cvat(path: Path, image: str, box: Corners) -> None:
    edges = " ".join(
        f'{edge}="{value}"' for edge, value in zip(("xtl", "ytl", "xbr", "ybr"), box, strict=True)
    )
    size = f'width="{SIZE[0]}" height="{SIZE[1]}"'
    text = f'<image name="{image}" {size}><box label="cat" {edges}/></image>'
    path.with_suffix(".xml").write_text(f"<annotations>{text}</annotations>")


def _datumaro(path: Path, image: str, box: Corners) -> None:
    x1, y1, x2, y2 = box
    annotation = {"id": 1, "type": "bbox", "label_id": 0, "bbox": [x1, y1, x2 - x1, y2 - y1]}
    item = {"id": "1", "annotations": [annotation], "image": {"path": image, "size": [SIZE[1], SIZE[0]]}}
    content = {"categories": {"label": {"labels": [{"name": "cat"}]}}, "items": [item]}
    path.with_suffix(".json").write_text(json.dumps(content))


def _tfrecord(path: Path, image: str, box: Corners) -> None:
    shares = [value / SIZE[place % 2] for place, value in enumerate(box)]
    features = {
        f"image/object/bbox/{edge}": Feature(floats=[share])
        for edge, share in zip(("xmin", "ymin", "xmax", "ymax"), shares, strict=True)
    }
    features["image/object/class/text"] = Feature(texts=[b"cat"])
    features["image/filename"] = Feature(texts=[image.encode()])
    with path.with_suffix(".tfrecord").open("wb") as file:
        write_record(file, write_example(features))


TEXTS = {
    "csv": "filename,class,xmin,ymin,xmax,ymax\n{image},cat,{x1},{y1},{x2},{y2}\n",
    "openimages": "ImageID,LabelName,XMin,XMax,YMin,YMax\n{image},cat,{left},{right},{top},{bottom}\n",
    "automl": "UNASSIGNED,gs://x/{image},cat,{left},{top},,,{right},{bottom},,\n",
    "keras-retinanet": "{image},{x1},{y1},{x2},{y2},cat\n",
    "keras-yolo3": "{image} {x1},{y1},{x2},{y2},0\n",
    "kitti": "cat 0 0 -10 {x1} {y1} {x2} {y2} -1 -1 -1 -1000 -1000 -1000 -10\n",
    "oidv4": "cat {x1} {y1} {x2} {y2}\n",
    "dota": "{x1} {y1} {x2} {y1} {x2} {y2} {x1} {y2} cat 0\n",
    "visdrone": "{x1},{y1},{width},{height},1,4,0,0\n",
    "wider-face": "{image}\n1\n{x1} {y1} {width} {height} 0 0 0 0 0 0\n",
}
"""What stands in a file of one box, in tables and rows of text."""


def _text(name: str) -> Callable[[Path, str, Corners], None]:
    def write(path: Path, image: str, box: Corners) -> None:
        (x1, y1, x2, y2), (across, down) = box, SIZE
        numbers = {"x1": x1, "y1": y1, "x2": x2, "y2": y2, "width": x2 - x1, "height": y2 - y1}
        numbers |= {"left": x1 / across, "right": x2 / across, "top": y1 / down, "bottom": y2 / down}
        suffix = ".csv" if name in {"csv", "openimages", "automl", "keras-retinanet"} else ".txt"
        path.with_suffix(suffix).write_text(TEXTS[name].format(image=image, **numbers))

    return write


def _json(name: str) -> Callable[[Path, str, Corners], None]:
    """Writes the usual box of a format of JSON, whatever the corners."""

    def write(path: Path, image: str, box: Corners) -> None:
        whole, item = MAKERS[name]
        path.with_suffix(".json").write_text(json.dumps(whole(item())).replace("a.jpg", image))

    return write


WRITERS: dict[str, Callable[[Path, str, Corners], None]] = {
    "coco": _coco,
    "voc": _voc,
    "yolo": _yolo,
    "cvat": _cvat,
    "datumaro": _datumaro,
    "tfrecord": _tfrecord,
    **{name: _text(name) for name in ("csv", "kitti")},
}
FINDERS = {
    **WRITERS,
    **{name: _text(name) for name in TEXTS},
    **{name: _json(name) for name in ("labelme", "label-studio", "createml", "via", "bdd100k")},
}


def annotate(format_name: str, path: Path, image: str, box: Corners = (10, 20, 30, 40)) -> None:
    """An annotation as ``path`` without its suffix, of one box on the image that is called ``image``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    FINDERS[format_name](path, image, box)


@pytest.mark.parametrize("format_name", NAMES)
@pytest.mark.parametrize("box", [(40, 20, 10, 60), (10, 60, 40, 20), (40, 60, 10, 20)])
def test_a_box_of_negative_size_is_put_in_order_and_reported(format_name: str, box: Corners, tmp_path: Path):
    save_image(tmp_path / "a.jpg")
    annotate(format_name, tmp_path / "a", "a.jpg", box)
    dataset, problems = all_formats()[format_name].read(tmp_path)
    (found,) = dataset.images[0].boxes
    assert found.xyxy == pytest.approx((10, 20, 40, 60))
    assert [problem.message.split(": ")[-2:] for problem in problems] == [
        ["the corners of the box were swapped", "put in order"]
    ]


@pytest.mark.parametrize("format_name", NAMES)
def test_a_box_of_negative_size_that_leaves_the_image_is_put_in_order_and_clipped(
    format_name: str, tmp_path: Path
):
    save_image(tmp_path / "a.jpg")
    annotate(format_name, tmp_path / "a", "a.jpg", (120, 60, 10, 20))
    dataset, problems = all_formats()[format_name].read(tmp_path)
    assert dataset.images[0].boxes[0].xyxy == pytest.approx((10, 20, 100, 60))
    assert "put in order" in problems[0].message
    assert "clipped" in problems[0].message


def test_evaluate_puts_boxes_of_negative_size_in_order_and_says_so(tmp_path: Path):
    annotate("coco", tmp_path / "truth", "a.jpg", (40, 60, 10, 20))
    found = [{"image_id": 1, "category_id": 1, "bbox": [40, 20, -30, 40], "score": 0.5}]
    (tmp_path / "found.json").write_text(json.dumps(found))
    files = read_coco_files(tmp_path / "truth.json", tmp_path / "found.json")
    assert files.gt.boxes.tolist() == files.dets.boxes.tolist() == [[10, 20, 40, 60]]
    assert files.gt.areas.tolist() == files.gt_box_areas.tolist() == files.det_areas.tolist() == [1200]
    negative = [note for note in files.notes if "negative" in note]
    assert negative == [
        "1 annotation of negative size: the edges were put in order",
        "1 detection of negative size: the edges were put in order",
    ]


@pytest.mark.parametrize("format_name", list(FINDERS))
def test_a_name_that_fits_two_images_is_called_ambiguous_and_makes_none(format_name: str, tmp_path: Path):
    for folder in ("cam1", "cam2"):
        save_image(tmp_path / folder / "1.jpg")
    save_image(tmp_path / "cam2/2.jpg")
    annotate(format_name, tmp_path / "labels/1", "1.jpg")
    annotate(format_name, tmp_path / "labels/2", "2.jpg")
    dataset, problems = all_formats()[format_name].read(tmp_path)
    assert [image.path for image in dataset.images if image.boxes] == [tmp_path / "cam2/2.jpg"]
    assert not any(image.missing for image in dataset.images)
    (problem,) = [problem for problem in problems if "ambiguous" in problem.message]
    assert problem.path.stem == "1"
    assert "cam1/1.jpg, cam2/1.jpg" in problem.message


@pytest.mark.parametrize("format_name", list(FINDERS))
def test_folders_in_a_name_tell_two_images_apart(format_name: str, tmp_path: Path):
    for folder in ("cam1", "cam2"):
        save_image(tmp_path / "pictures" / folder / "1.jpg")
        annotate(format_name, tmp_path / "x" / folder / "1", f"{folder}/1.jpg")
    dataset, _ = all_formats()[format_name].read(tmp_path)
    assert [(image.name, len(image.boxes)) for image in dataset.images] == [
        ("cam1/1.jpg", 1),
        ("cam2/1.jpg", 1),
    ]


@pytest.mark.parametrize("format_name", list(FINDERS))
def test_a_name_that_is_elsewhere_once_is_that_image(format_name: str, tmp_path: Path):
    save_image(tmp_path / "moved/here/1.jpg")
    annotate(format_name, tmp_path / "labels/1", "1.jpg")
    dataset, _ = all_formats()[format_name].read(tmp_path)
    assert [(image.path, image.missing) for image in dataset.images] == [
        (tmp_path / "moved/here/1.jpg", False)
    ]
