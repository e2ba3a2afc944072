"""Import into a project and export out of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage

from detcore.errors import Cancelled, ConfigError, FormatError
from detcore.exchange import export_dataset, import_dataset
from detcore.formats.base import ExportOptions
from detcore.project import edits
from detcore.project.project import Project
from detcore.types import Box, Image, Origin, Status

EDGES = ("xmin", "ymin", "xmax", "ymax")


def save_image(path: Path, size: tuple[int, int] = (100, 80)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    PillowImage.fromarray(np.full((size[1], size[0], 3), 90, np.uint8)).save(path)
    return path


def write_voc(path: Path, *boxes: tuple[str, int, int, int, int], attributes: str = "") -> None:
    """An annotation and its image beside it."""
    objects = ""
    for name, *edges in boxes:
        bounds = "".join(f"<{key}>{edge}</{key}>" for key, edge in zip(EDGES, edges, strict=True))
        objects += f"<object><name>{name}</name><pose>Left</pose><bndbox>{bounds}</bndbox></object>"
    save_image(path.with_suffix(".jpg"))
    path.write_text(f"<annotation{attributes}>{objects}</annotation>")


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Two labelled images in splits, an empty one, a verified one and one without annotation."""
    root = tmp_path / "images"
    write_voc(root / "train/a.xml", ("cat", 1, 2, 30, 40), ("dog", 5, 6, 70, 80))
    write_voc(root / "val/b.xml", ("cat", 10, 20, 30, 40))
    write_voc(root / "val/empty.xml")
    write_voc(root / "checked.xml", ("dog", 1, 1, 9, 9), attributes=' verified="yes"')
    save_image(root / "new.jpg")
    return root


@pytest.fixture
def project(tmp_path: Path, images: Path) -> Iterator[Project]:
    with Project.create(tmp_path / "p.reticle", image_root=images) as project:
        yield project


def by_path(project: Project) -> dict[str, Image]:
    return {image.path: image for image in project.images()}


def digests(folder: Path) -> dict[str, str]:
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*.*")}


def test_import_brings_images_boxes_classes_splits_sizes_and_extra(project: Project, images: Path):
    report = import_dataset(project, "voc", images)
    assert (report.images, report.boxes, report.matched) == (5, 4, 0)
    assert report.classes == ("dog", "cat")
    assert report.splits == {"train": 1, "val": 2, "": 2}
    found = by_path(project)
    assert found.keys() == {"train/a.jpg", "val/b.jpg", "val/empty.jpg", "checked.jpg", "new.jpg"}
    assert {path: image.split for path, image in found.items() if image.split} == {
        "train/a.jpg": "train",
        "val/b.jpg": "val",
        "val/empty.jpg": "val",
    }
    assert all((image.width, image.height) == (100, 80) for image in found.values())
    boxes = project.boxes(found["train/a.jpg"].id)
    assert [box.xyxy for box in boxes] == [(1, 2, 30, 40), (5, 6, 70, 80)]
    assert {box.origin for box in boxes} == {Origin.IMPORT}
    assert boxes[0].extra["voc"]["nodes"] == [{"tag": "pose", "text": "Left"}]
    colors = [item.color for item in project.classes()]
    assert len(set(colors)) == 2


def test_annotated_images_count_as_labelled_and_empty_ones_as_verified(project: Project, images: Path):
    import_dataset(project, "voc", images)
    assert {path: image.status for path, image in by_path(project).items()} == {
        "train/a.jpg": Status.IN_PROGRESS,
        "val/b.jpg": Status.IN_PROGRESS,
        "val/empty.jpg": Status.VERIFIED,
        "checked.jpg": Status.VERIFIED,
        "new.jpg": Status.UNSEEN,
    }


def test_an_import_is_one_edit_that_undo_takes_back(project: Project, images: Path):
    import_dataset(project, "voc", images)
    assert project.undo_text == "Import images"
    project.undo()
    statistics = project.statistics()
    assert (statistics.images, statistics.boxes, project.classes()) == (0, 0, [])
    project.redo()
    assert project.statistics().boxes == 4


def test_importing_twice_doubles_nothing_and_the_report_says_so(project: Project, images: Path):
    import_dataset(project, "voc", images)
    before = project.all_boxes()
    report = import_dataset(project, "voc", images)
    assert (report.images, report.boxes, report.matched) == (0, 0, 5)
    assert report.unchanged == 4
    assert "same boxes" in report.notes[0]
    assert project.all_boxes() == before
    assert project.undo_text == "Import images"
    project.undo()
    assert project.statistics().images == 0  # the second import left no step to undo


def test_two_equal_boxes_of_one_image_are_both_kept_and_not_doubled(project: Project, images: Path):
    write_voc(images / "train/a.xml", ("cat", 1, 2, 30, 40), ("cat", 1, 2, 30, 40))
    assert import_dataset(project, "voc", images / "train").boxes == 2
    assert import_dataset(project, "voc", images / "train").boxes == 0


def test_images_that_are_there_already_get_what_they_lack(project: Project, images: Path):
    project.edit(edits.add_images, [Image(id=0, path="train/a.jpg"), Image(id=0, path="new.jpg")])
    ids = {path: image.id for path, image in by_path(project).items()}
    report = import_dataset(project, "voc", images)
    assert (report.images, report.matched) == (3, 2)
    image = by_path(project)["train/a.jpg"]
    assert image.id == ids["train/a.jpg"]
    assert (image.width, image.split, image.status) == (100, "train", Status.IN_PROGRESS)
    assert len(project.boxes(image.id)) == 2


def test_work_done_since_the_first_import_stays(project: Project, images: Path):
    import_dataset(project, "voc", images)
    image = by_path(project)["val/b.jpg"]
    (box,) = project.boxes(image.id)
    cat = box.class_id
    project.edit(edits.update_boxes, [replace(box, x1=11.0)])
    project.edit(edits.set_status, [image.id], Status.VERIFIED)
    project.edit(edits.set_split, {image.id: "test"})
    report = import_dataset(project, "voc", images)
    assert report.boxes == 1  # the box as it was is a box that the image has not
    again = by_path(project)["val/b.jpg"]
    assert again.split == "test"
    assert again.status is Status.IN_PROGRESS  # for it has to be looked at again
    assert {item.x1 for item in project.boxes(image.id)} == {10.0, 11.0}
    assert {item.class_id for item in project.boxes(image.id)} == {cat}


def test_classes_are_matched_by_name(project: Project, images: Path):
    project.edit(edits.add_class, "cat", color="#112233")
    (cat,) = project.classes()
    report = import_dataset(project, "voc", images)
    assert report.classes == ("dog",)
    assert [item.name for item in project.classes()] == ["cat", "dog"]
    assert project.classes()[0] == cat


def test_cancelling_an_import_changes_nothing(project: Project, images: Path):
    with pytest.raises(Cancelled):
        import_dataset(project, "voc", images, progress=lambda done, total: done < 2)
    assert project.statistics().images == 0
    assert project.undo_text is None


def test_problems_are_reported_by_file_and_the_rest_is_imported(project: Project, images: Path):
    (images / "broken.xml").write_text("<annotation><object>")
    write_voc(images / "outside.xml", ("cat", 50, 50, 500, 500))
    report = import_dataset(project, "voc", images)
    assert report.boxes == 5
    assert {problem.path.name for problem in report.problems} >= {"broken.xml", "outside.xml"}


def test_annotations_elsewhere_find_the_images_of_the_project(project: Project, images: Path, tmp_path: Path):
    labels = tmp_path / "labels"
    labels.mkdir()
    (labels / "classes.txt").write_text("cat\n")
    (labels / "b.txt").write_text("0 0.5 0.5 0.5 0.5\n")
    report = import_dataset(project, "yolo", labels)
    assert report.boxes == 1
    assert by_path(project)["val/b.jpg"].status is Status.IN_PROGRESS


def test_unknown_formats_are_refused(project: Project, images: Path, tmp_path: Path):
    with pytest.raises(ConfigError, match="voc, coco, yolo"):
        import_dataset(project, "nothing", images)
    with pytest.raises(ConfigError):
        export_dataset(project, "nothing", tmp_path / "out")


@pytest.mark.parametrize("name", ["voc", "coco", "yolo"])
def test_export_and_import_into_a_new_project_give_the_same_boxes(
    name: str, project: Project, images: Path, tmp_path: Path
):
    before = digests(images)
    import_dataset(project, "voc", images)
    report = export_dataset(project, name, tmp_path / "out")
    assert (report.image_count, report.box_count) == (4, 4)
    assert "1 image that nobody has looked at is left out." in report.notes
    with Project.create(tmp_path / "q.reticle", image_root=tmp_path / "out") as other:
        import_dataset(other, name, tmp_path / "out")
        expected = {path: found for path, found in contents(project).items() if path != "new.jpg"}
        assert contents(other) == expected
    assert digests(images) == before


def contents(project: Project) -> dict[str, object]:
    """Boxes, status and split by file name."""
    names = {item.id: item.name for item in project.classes()}
    return {
        Path(image.path).name: (
            image.status,
            image.split,
            sorted(
                (names[box.class_id], *(round(edge, 5) for edge in box.xyxy))
                for box in project.boxes(image.id)
            ),
        )
        for image in project.images()
    }


def test_unseen_images_are_exported_on_request_only(project: Project, images: Path, tmp_path: Path):
    import_dataset(project, "voc", images)
    unseen = by_path(project)["new.jpg"].id
    report = export_dataset(project, "coco", tmp_path / "out", options=ExportOptions(include_unseen=True))
    assert report.image_count == 5
    project.edit(edits.set_status, [unseen], Status.IN_PROGRESS)
    report = export_dataset(project, "coco", tmp_path / "out")
    assert report.image_count == 4
    assert any("1 image in progress without a box" in note for note in report.notes)
    project.edit(edits.set_status, [unseen], Status.VERIFIED)
    assert export_dataset(project, "coco", tmp_path / "out").image_count == 5


def test_only_the_splits_asked_for_are_exported(project: Project, images: Path, tmp_path: Path):
    import_dataset(project, "voc", images)
    assert export_dataset(project, "yolo", tmp_path / "a", splits=["val"]).images == {"val": 2}
    assert export_dataset(project, "yolo", tmp_path / "b", splits=["train", None]).images == {
        "train": 1,
        "": 1,
    }
    with pytest.raises(FormatError, match="no labelled images"):
        export_dataset(project, "yolo", tmp_path / "c", splits=["test"])
    assert not (tmp_path / "c").exists()


def test_an_export_cannot_go_into_the_project_or_the_images(project: Project, images: Path):
    import_dataset(project, "voc", images)
    for out in (project.folder, project.folder / "out", images / "out"):
        with pytest.raises(FormatError):
            export_dataset(project, "voc", out)


def test_images_outside_of_the_root_are_imported_and_exported(project: Project, tmp_path: Path):
    write_voc(tmp_path / "far/x.xml", ("cat", 1, 2, 3, 4))
    import_dataset(project, "voc", tmp_path / "far")
    export_dataset(project, "voc", tmp_path / "out", options=ExportOptions(outside=True))
    assert (tmp_path / "out/VOCdevkit/VOC2012/JPEGImages/x.jpg").is_file()


def test_what_coco_says_of_the_whole_and_of_each_part_comes_back(
    project: Project, images: Path, tmp_path: Path
):
    content = {
        "info": {"year": 2014},
        "licenses": [{"id": 4, "name": "free"}],
        "images": [
            {"id": 9, "file_name": "a.jpg", "width": 100, "height": 80, "license": 4, "flickr_url": "u"}
        ],
        "categories": [{"id": 18, "name": "dog", "supercategory": "animal"}],
        "annotations": [
            {
                "id": 7,
                "image_id": 9,
                "category_id": 18,
                "bbox": [0.1, 0.2, 30.3, 40.4],
                "area": 11.5,
                "iscrowd": 1,
                "segmentation": {"size": [80, 100], "counts": [0, 8000]},
            }
        ],
    }
    source = tmp_path / "coco/instances_train.json"
    source.parent.mkdir()
    source.write_text(json.dumps(content))
    import_dataset(project, "coco", source)
    (box,) = project.all_boxes()
    assert project.ground_truth().areas.tolist() == [11.5]
    export_dataset(project, "coco", tmp_path / "out")
    found = json.loads((tmp_path / "out/annotations/instances_train.json").read_text())
    assert {key: found[key] for key in content if key != "annotations"} == {
        key: content[key] for key in content if key != "annotations"
    }
    (entry,) = found["annotations"]
    assert {key: entry[key] for key in content["annotations"][0]} == content["annotations"][0]
    project.edit(edits.update_boxes, [replace(box, x2=20.0)])
    report = export_dataset(project, "coco", tmp_path / "out")
    found = json.loads((tmp_path / "out/annotations/instances_train.json").read_text())
    assert found["annotations"][0]["segmentation"] == []
    assert found["annotations"][0]["area"] == pytest.approx(19.9 * 40.4)
    assert any("changed since the import" in loss for loss in report.losses)


def test_class_ids_of_the_source_survive_a_new_class(project: Project, images: Path, tmp_path: Path):
    labels = tmp_path / "labels"
    labels.mkdir()
    (labels / "classes.txt").write_text("zebra\nape\n")
    (labels / "a.txt").write_text("1 0.5 0.5 0.5 0.5\n")
    import_dataset(project, "yolo", labels)
    project.edit(edits.add_class, "ant")
    image = by_path(project)["train/a.jpg"]
    ant = next(item for item in project.classes() if item.name == "ant")
    project.edit(edits.add_boxes, [Box(id=0, image_id=image.id, class_id=ant.id, x1=1, y1=1, x2=9, y2=9)])
    project.edit(edits.reorder_classes, [item.id for item in reversed(project.classes())])
    export_dataset(project, "yolo", tmp_path / "out")
    assert (tmp_path / "out/classes.txt").read_text() == "zebra\nape\nant\n"
    lines = (tmp_path / "out/labels/train/a.txt").read_text().splitlines()
    assert [line.split()[0] for line in lines] == ["1", "2"]


@pytest.mark.data
def test_bccd_comes_in_with_its_official_splits(real_data: Path, tmp_path: Path):
    root = real_data / "bccd/BCCD"
    with Project.create(tmp_path / "bccd.reticle", image_root=root) as project:
        report = import_dataset(project, "voc", root)
        assert (report.images, report.boxes) == (364, 4886)
        assert {problem.path.name for problem in report.problems} == {
            "BloodImage_00338.xml",
            "BloodImage_00343.xml",
        }
        statistics = project.statistics()
        assert (statistics.images, statistics.boxes) == (364, 4886)
        assert statistics.splits == {"train": 205, "val": 87, "test": 72}


@pytest.mark.data
def test_the_same_annotations_in_five_formats_are_one_set_of_boxes(real_data: Path, tmp_path: Path):
    home = real_data / "padilla_review/data/database"
    with Project.create(tmp_path / "p.reticle", image_root=home / "images") as project:
        assert import_dataset(project, "voc", home / "gts/pascalvoc_format").boxes == 273
        for name, folder in (
            ("voc", "imagenet_format"),
            ("coco", "coco_format_v1"),
            ("coco", "coco_format_v2"),
            ("yolo", "yolo_format"),
        ):
            report = import_dataset(project, name, home / "gts" / folder)
            assert (report.boxes, report.matched) == (0, 100)
        assert project.statistics().boxes == 273
