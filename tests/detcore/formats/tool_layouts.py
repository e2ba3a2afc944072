"""One small dataset as tools lay it out: two images, three boxes, two classes, made anew in each layout."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tests.detcore.formats.format_samples import save_image

CLASSES = ("cat", "dog")
SIZE = (100, 80)
BOXES: Mapping[str, tuple[tuple[str, int, int, int, int], ...]] = {
    "a": (("cat", 10, 20, 30, 40), ("dog", 0, 0, 50, 40)),
    "b": (("cat", 50, 40, 100, 80),),
}
"""Whole edges, so that each format holds them exactly; image ``a`` is to train on, ``b`` to validate."""
SPLITS = {"a": "train", "b": "val"}

Layout = Callable[[Path], Path]
"""Writes the dataset into a folder and returns what one would open."""


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _xml(stem: str, *, head: str = "") -> str:
    objects = "".join(
        f"<object><name>{name}</name><pose>Unspecified</pose><truncated>0</truncated><difficult>0</difficult>"
        f"<bndbox><xmin>{x1}</xmin><ymin>{y1}</ymin><xmax>{x2}</xmax><ymax>{y2}</ymax></bndbox></object>"
        for name, x1, y1, x2, y2 in BOXES[stem]
    )
    size = f"<size><width>{SIZE[0]}</width><height>{SIZE[1]}</height><depth>3</depth></size>"
    return f"<annotation>{head}<filename>{stem}.jpg</filename>{size}{objects}</annotation>"


def _rows(stem: str) -> str:
    return "".join(
        f"{CLASSES.index(name)} {(x1 + x2) / 2 / SIZE[0]:.6f} {(y1 + y2) / 2 / SIZE[1]:.6f} "
        f"{(x2 - x1) / SIZE[0]:.6f} {(y2 - y1) / SIZE[1]:.6f}\n"
        for name, x1, y1, x2, y2 in BOXES[stem]
    )


def _coco(*stems: str, first_id: int = 1) -> str:
    images = list(enumerate(stems, start=first_id))
    annotations = [
        {
            "id": place * 10 + number,
            "image_id": place,
            "category_id": CLASSES.index(name) + 1,
            "bbox": [x1, y1, x2 - x1, y2 - y1],
            "area": (x2 - x1) * (y2 - y1),
            "iscrowd": 0,
        }
        for place, stem in images
        for number, (name, x1, y1, x2, y2) in enumerate(BOXES[stem])
    ]
    content = {
        "images": [
            {"id": place, "file_name": f"{stem}.jpg", "width": SIZE[0], "height": SIZE[1]}
            for place, stem in images
        ],
        "categories": [{"id": number, "name": name} for number, name in enumerate(CLASSES, start=1)],
        "annotations": annotations,
    }
    return json.dumps(content)


def _voc_devkit(root: Path) -> Path:
    """The folders of the challenge, with lists a class and those of its other tasks."""
    for stem, split in SPLITS.items():
        save_image(root / f"JPEGImages/{stem}.jpg")
        _write(root / f"Annotations/{stem}.xml", _xml(stem, head="<folder>VOC2012</folder>"))
        for task in ("Main", "Layout", "Segmentation"):
            _write(root / f"ImageSets/{task}/{split}.txt", f"{stem}\n")
        for name in CLASSES:
            has = 1 if any(box[0] == name for box in BOXES[stem]) else -1
            _write(root / f"ImageSets/Main/{name}_{split}.txt", f"{stem} {has:2d}\n")
    return root


def _voc_of_cvat(root: Path) -> Path:
    """One list, which is no split, and the colours of all classes."""
    for stem in BOXES:
        save_image(root / f"JPEGImages/{stem}.jpg")
        _write(root / f"Annotations/{stem}.xml", _xml(stem))
    _write(root / "ImageSets/Main/default.txt", "a\nb\n")
    _write(root / "labelmap.txt", "# label:color_rgb:parts:actions\nbackground:0,0,0::\ncat:128,0,0::\n")
    return root


def _voc_beside_images(root: Path) -> Path:
    """As LabelImg leaves them, with the path of another machine."""
    for stem in BOXES:
        save_image(root / f"{stem}.JPG")
        _write(root / f"{stem}.xml", _xml(stem, head=f"<path>C:\\Users\\me\\pictures\\{stem}.jpg</path>"))
    return root


def _voc_of_roboflow(root: Path) -> Path:
    for stem, split in SPLITS.items():
        folder = root / ("valid" if split == "val" else split)
        save_image(folder / f"{stem}.jpg")
        _write(folder / f"{stem}.xml", _xml(stem))
    return root


def _voc_of_kaggle(root: Path) -> Path:
    for stem in BOXES:
        save_image(root / f"images/{stem}.jpg")
        _write(root / f"annotations/{stem}.xml", _xml(stem))
    return root


def _coco_official(root: Path) -> Path:
    """Boxes among the files of the other tasks, which hold none."""
    for number, (stem, split) in enumerate(SPLITS.items(), start=1):
        save_image(root / f"images/{split}2017/{stem}.jpg")
        boxes = _coco(stem, first_id=number)
        _write(root / f"annotations/instances_{split}2017.json", boxes)
        captions = {**json.loads(boxes), "annotations": [{"id": 1, "image_id": number, "caption": "A cat."}]}
        _write(root / f"annotations/captions_{split}2017.json", json.dumps(captions))
    return root


def _coco_of_mmdetection(root: Path) -> Path:
    for number, (stem, split) in enumerate(SPLITS.items(), start=1):
        save_image(root / f"{split}/{stem}.jpg")
        _write(root / f"annotations/instances_{split}.json", _coco(stem, first_id=number))
    return root


def _coco_of_roboflow(root: Path) -> Path:
    for stem, split in SPLITS.items():
        folder = root / ("valid" if split == "val" else split)
        save_image(folder / f"{stem}.jpg")
        _write(folder / "_annotations.coco.json", _coco(stem))
    return root


def _coco_of_cvat(root: Path) -> Path:
    for stem in BOXES:
        save_image(root / f"images/default/{stem}.jpg")
    _write(root / "annotations/instances_default.json", _coco(*BOXES))
    return root


def _coco_beside_images(root: Path) -> Path:
    for stem in BOXES:
        save_image(root / f"{stem}.jpg")
    _write(root / "annotations.json", _coco(*BOXES, first_id=20180000001))
    return root


def _yolo_of_darknet(root: Path) -> Path:
    for stem in BOXES:
        save_image(root / f"obj_train_data/{stem}.jpg")
        _write(root / f"obj_train_data/{stem}.txt", _rows(stem))
    _write(root / "train.txt", "".join(f"data/obj_train_data/{stem}.jpg\n" for stem in BOXES))
    _write(root / "obj.names", "\n".join(CLASSES) + "\n")
    _write(
        root / "obj.data", "classes = 2\ntrain = data/train.txt\nnames = data/obj.names\nbackup = backup/\n"
    )
    return root


def _yolo_of_ultralytics(root: Path) -> Path:
    for stem, split in SPLITS.items():
        save_image(root / f"images/{split}/{stem}.jpg")
        _write(root / f"labels/{split}/{stem}.txt", _rows(stem))
    _write(root / "data.yaml", "path: .\ntrain: images/train\nval: images/val\nnames:\n  0: cat\n  1: dog\n")
    return root


def _yolo_of_cvat(root: Path) -> Path:
    """Its lists name the images as if they lay in a folder ``data``; there is no file for an image without boxes."""
    for stem, split in SPLITS.items():
        save_image(root / f"images/{split}/{stem}.jpg")
        _write(root / f"labels/{split}/{stem}.txt", _rows(stem))
        _write(root / f"{split}.txt", f"data/images/{split}/{stem}.jpg\n")
    _write(root / "data.yaml", "names:\n  0: cat\n  1: dog\npath: .\ntrain: train.txt\nval: val.txt\n")
    return root


def _cvat_project(root: Path) -> Path:
    labels = "".join(
        f"<label><name>{name}</name><color>#1020{n}0</color></label>" for n, name in enumerate(CLASSES)
    )
    images = ""
    for number, (stem, split) in enumerate(SPLITS.items()):
        subset = "Validation" if split == "val" else "Train"
        save_image(root / f"images/{subset}/{stem}.jpg")
        boxes = "".join(
            f'<box label="{name}" source="manual" occluded="0" xtl="{x1}.00" ytl="{y1}.00" xbr="{x2}.00" ybr="{y2}.00"'
            ' z_order="0"></box>'
            for name, x1, y1, x2, y2 in BOXES[stem]
        )
        images += (
            f'<image id="{number}" name="{stem}.jpg" subset="{subset}" width="{SIZE[0]}" height="{SIZE[1]}">'
        )
        images += f"{boxes}</image>"
    meta = f"<meta><project><labels>{labels}</labels></project></meta>"
    _write(root / "annotations.xml", f"<annotations><version>1.1</version>{meta}{images}</annotations>")
    return root


def _datumaro_of_cvat(root: Path) -> Path:
    for stem, split in SPLITS.items():
        subset = "Validation" if split == "val" else "Train"
        save_image(root / f"images/{subset}/{stem}.jpg")
        annotations = [
            {
                "id": number,
                "type": "bbox",
                "attributes": {"occluded": False},
                "group": 0,
                "label_id": CLASSES.index(name),
                "z_order": 0,
                "bbox": [x1, y1, x2 - x1, y2 - y1],
            }
            for number, (name, x1, y1, x2, y2) in enumerate(BOXES[stem])
        ]
        item = {"id": stem, "annotations": annotations, "attr": {"frame": 0}}
        item["image"] = {"path": f"{stem}.jpg", "size": [SIZE[1], SIZE[0]]}
        labels = [{"name": name, "parent": "", "attributes": []} for name in CLASSES]
        content = {
            "info": {},
            "categories": {"label": {"labels": labels, "attributes": ["occluded"]}},
            "items": [item],
        }
        _write(root / f"annotations/{subset}.json", json.dumps(content))
    return root


def _fiftyone(root: Path) -> Path:
    samples = []
    for stem, split in SPLITS.items():
        save_image(root / f"data/{stem}.jpg")
        detections = [
            {
                "_cls": "Detection",
                "label": name,
                "bounding_box": [x1 / SIZE[0], y1 / SIZE[1], (x2 - x1) / SIZE[0], (y2 - y1) / SIZE[1]],
            }
            for name, x1, y1, x2, y2 in BOXES[stem]
        ]
        labels = {"_cls": "Detections", "detections": detections}
        tags = ["validation" if split == "val" else split]
        samples.append({"filepath": f"data/{stem}.jpg", "tags": tags, "ground_truth": labels})
    _write(root / "samples.json", json.dumps({"samples": samples}))
    _write(
        root / "metadata.json", json.dumps({"version": "0.21.4", "media_type": "image", "sample_fields": []})
    )
    return root


def _yolo_of_roboflow(root: Path) -> Path:
    """Its ``data.yaml`` names folders as if it lay one deeper."""
    for stem, split in SPLITS.items():
        folder = root / ("valid" if split == "val" else split)
        save_image(folder / f"images/{stem}.jpg")
        _write(folder / f"labels/{stem}.txt", _rows(stem))
    _write(
        root / "data.yaml", "train: ../train/images\nval: ../valid/images\n\nnc: 2\nnames: ['cat', 'dog']\n"
    )
    return root


def _yolo_in_capitals(root: Path) -> Path:
    for stem in BOXES:
        save_image(root / f"Images/{stem}.jpg")
        _write(root / f"Annotations/{stem}.txt", _rows(stem))
    _write(root / "obj.names", "\n".join(CLASSES) + "\n")
    return root


def _yolo_beside_images(root: Path) -> Path:
    """As LabelImg leaves them."""
    for stem in BOXES:
        save_image(root / f"{stem}.jpg")
        _write(root / f"{stem}.txt", _rows(stem))
    _write(root / "classes.txt", "\n".join(CLASSES) + "\n")
    return root


def _table(*stems: str) -> str:
    """With the headings of TensorFlow's tutorials."""
    rows = [
        f"{stem}.jpg,{SIZE[0]},{SIZE[1]},{','.join(map(str, box))}" for stem in stems for box in BOXES[stem]
    ]
    return "\n".join(["filename,width,height,class,xmin,ymin,xmax,ymax", *rows]) + "\n"


def _csv_of_tensorflow(root: Path) -> Path:
    for stem, split in SPLITS.items():
        save_image(root / f"images/{stem}.jpg")
        _write(root / f"data/{split}_labels.csv", _table(stem))
    return root


def _csv_of_roboflow(root: Path) -> Path:
    for stem, split in SPLITS.items():
        folder = root / ("valid" if split == "val" else split)
        save_image(folder / f"{stem}.jpg")
        _write(folder / "_annotations.csv", _table(stem))
    return root


def _shares(box: Sequence[int]) -> list[str]:
    return [str(edge / side) for edge, side in zip(box, SIZE * 2, strict=True)]


def _openimages(root: Path) -> Path:
    for stem, split in SPLITS.items():
        folder = "validation" if split == "val" else split
        save_image(root / f"images/{folder}/{stem}.jpg")
        lines = ["ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsOccluded,IsTruncated,IsGroupOf"]
        for name, *edges in BOXES[stem]:
            x1, y1, x2, y2 = _shares(edges)
            lines.append(f"{stem},xclick,/m/{CLASSES.index(name)},1,{x1},{x2},{y1},{y2},0,-1,0")
        _write(root / f"annotations/{folder}-annotations-bbox.csv", "\n".join(lines) + "\n")
    names = "".join(f"/m/{number},{name}\n" for number, name in enumerate(CLASSES))
    _write(root / "annotations/class-descriptions-boxable.csv", names)
    return root


def _automl(root: Path) -> Path:
    lines: list[str] = []
    for stem, split in SPLITS.items():
        save_image(root / f"{stem}.jpg")
        for name, *edges in BOXES[stem]:
            x1, y1, x2, y2 = _shares(edges)
            kind = "VALIDATION" if split == "val" else split.upper()
            lines.append(f"{kind},gs://bucket/set/{stem}.jpg,{name},{x1},{y1},,,{x2},{y2},,")
    _write(root / "export.csv", "\n".join(lines) + "\n")
    return root


def _keras_retinanet(root: Path) -> Path:
    for stem in BOXES:
        save_image(root / f"pictures/{stem}.jpg")
    rows = [
        f"pictures/{stem}.jpg,{','.join(map(str, (*edges, name)))}"
        for stem in BOXES
        for name, *edges in BOXES[stem]
    ]
    _write(root / "annotations.csv", "\n".join(rows))
    _write(root / "classes.csv", "".join(f"{name},{number}\n" for number, name in enumerate(CLASSES)))
    return root


def _keras_yolo(root: Path) -> Path:
    for stem, split in SPLITS.items():
        save_image(root / f"{stem}.jpg")
        boxes = [",".join(map(str, (*edges, CLASSES.index(name)))) for name, *edges in BOXES[stem]]
        _write(root / f"{split}.txt", f"/home/me/{stem}.jpg {' '.join(boxes)}\n")
    _write(root / "my_classes.txt", "\n".join(CLASSES))
    return root


def _kitti(root: Path) -> Path:
    for stem, split in SPLITS.items():
        folder = root / ("validation" if split == "val" else "training")
        save_image(folder / f"image_2/{stem}.jpg")
        rows = [
            f"{name} 0.00 0 -1.57 {x1}.00 {y1}.00 {x2}.00 {y2}.00 1.5 1.6 3.9 1.8 1.5 8.4 0.01\n"
            for name, x1, y1, x2, y2 in BOXES[stem]
        ]
        _write(folder / f"label_2/{stem}.txt", "".join(rows))
    return root


def _oidv4(root: Path) -> Path:
    for stem, split in SPLITS.items():
        folder = root / f"Dataset/{'validation' if split == 'val' else split}/cat_dog"
        save_image(folder / f"{stem}.jpg")
        rows = [f"{' '.join(map(str, box))}.0\n" for box in BOXES[stem]]
        _write(folder / f"Label/{stem}.txt", "".join(rows))
    return root


def _cartucho(root: Path) -> Path:
    for stem in BOXES:
        save_image(root / f"input/images-optional/{stem}.jpg")
        rows = [" ".join(map(str, box)) + "\n" for box in BOXES[stem]]
        _write(root / f"input/ground-truth/{stem}.txt", "".join(rows))
    return root


def _dota(root: Path) -> Path:
    for stem, split in SPLITS.items():
        save_image(root / f"{split}/images/{stem}.jpg")
        rows = [
            f"{x1}.0 {y1}.0 {x2}.0 {y1}.0 {x2}.0 {y2}.0 {x1}.0 {y2}.0 {name} 0\n"
            for name, x1, y1, x2, y2 in BOXES[stem]
        ]
        _write(root / f"{split}/labelTxt/{stem}.txt", "imagesource:GoogleEarth\ngsd:0.1\n" + "".join(rows))
    return root


LAYOUTS: Mapping[str, tuple[str, Layout]] = {
    "voc devkit": ("voc", _voc_devkit),
    "voc of CVAT": ("voc", _voc_of_cvat),
    "voc beside images": ("voc", _voc_beside_images),
    "voc of Roboflow": ("voc", _voc_of_roboflow),
    "voc of Kaggle": ("voc", _voc_of_kaggle),
    "coco official": ("coco", _coco_official),
    "coco of MMDetection": ("coco", _coco_of_mmdetection),
    "coco of Roboflow": ("coco", _coco_of_roboflow),
    "coco of CVAT": ("coco", _coco_of_cvat),
    "coco beside images": ("coco", _coco_beside_images),
    "yolo of Darknet": ("yolo", _yolo_of_darknet),
    "yolo of Ultralytics": ("yolo", _yolo_of_ultralytics),
    "yolo of CVAT": ("yolo", _yolo_of_cvat),
    "yolo of Roboflow": ("yolo", _yolo_of_roboflow),
    "yolo in capitals": ("yolo", _yolo_in_capitals),
    "yolo beside images": ("yolo", _yolo_beside_images),
    "cvat of a project": ("cvat", _cvat_project),
    "datumaro of CVAT": ("datumaro", _datumaro_of_cvat),
    "fiftyone": ("fiftyone", _fiftyone),
    "csv of TensorFlow": ("csv", _csv_of_tensorflow),
    "csv of Roboflow": ("csv", _csv_of_roboflow),
    "OpenImages": ("openimages", _openimages),
    "AutoML": ("automl", _automl),
    "keras-retinanet": ("keras-retinanet", _keras_retinanet),
    "keras-yolo3": ("keras-yolo3", _keras_yolo),
    "KITTI": ("kitti", _kitti),
    "OIDv4": ("oidv4", _oidv4),
    "Cartucho": ("oidv4", _cartucho),
    "DOTA": ("dota", _dota),
}
WITH_SPLITS = ("voc devkit", "voc of Roboflow", "coco official", "coco of MMDetection", "coco of Roboflow")
WITH_SPLITS += ("yolo of Ultralytics", "yolo of CVAT", "yolo of Roboflow")
WITH_SPLITS += ("cvat of a project", "datumaro of CVAT", "fiftyone")
WITH_SPLITS += (
    "csv of TensorFlow",
    "csv of Roboflow",
    "OpenImages",
    "AutoML",
    "keras-yolo3",
    "KITTI",
    "OIDv4",
    "DOTA",
)
