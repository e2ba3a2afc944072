"""Import into a project: nothing twice, and all or nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from detcore.errors import ProjectError
from detcore.exchange import import_dataset
from detcore.project import journal
from detcore.project.edits import add_images
from detcore.project.project import Project
from detcore.types import Image as StoredImage


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """One labelled image in a folder of images."""
    root = tmp_path / "images"
    (root / "train").mkdir(parents=True)
    Image.new("RGB", (100, 80)).save(root / "train/a.jpg")
    edges = "<xmin>1</xmin><ymin>2</ymin><xmax>30</xmax><ymax>40</ymax>"
    item = f"<object><name>cat</name><bndbox>{edges}</bndbox></object>"
    (root / "train/a.xml").write_text(f"<annotation>{item}</annotation>")
    return root


@pytest.fixture
def project(tmp_path: Path, images: Path) -> Iterator[Project]:
    with Project.create(tmp_path / "p.reticle", image_root=images) as project:
        yield project


def test_the_same_labels_bring_no_second_box_to_an_image_whose_file_has_another_size_by_now(
    project: Project, images: Path
):
    import_dataset(project, "voc", images)
    before = project.all_boxes()
    Image.new("RGB", (20, 16)).save(images / "train/a.jpg")
    report = import_dataset(project, "voc", images)
    assert project.all_boxes() == before
    assert project.images()[0].size == (100, 80)
    assert (report.boxes, report.boxed) == (0, 0)
    told = [problem for problem in report.problems if "no boxes added" in problem.message]
    assert [problem.path.name for problem in told] == ["a.jpg"]
    assert "20×16 now" in told[0].message
    assert "100×80" in told[0].message


def test_an_image_for_which_no_box_comes_is_none_whose_boxes_were_left_out(project: Project, images: Path):
    import_dataset(project, "voc", images)
    Image.new("RGB", (20, 16)).save(images / "train/a.jpg")
    (images / "train/a.xml").write_text("<annotation></annotation>")
    report = import_dataset(project, "voc", images)
    assert not [problem for problem in report.problems if "no boxes added" in problem.message]
    assert project.images()[0].size == (100, 80)


def test_boxes_come_at_the_size_of_the_file_where_none_were_drawn_at_another(project: Project, images: Path):
    import_dataset(project, "voc", images)
    project.undo()
    project.edit(add_images, [StoredImage(id=0, path="train/a.jpg", width=100, height=80)])
    Image.new("RGB", (20, 60)).save(images / "train/a.jpg")
    import_dataset(project, "voc", images)
    assert project.images()[0].size == (20, 60)
    assert [box.xyxy for box in project.all_boxes()] == [(1, 2, 20, 40)]


def test_a_folder_reached_through_a_link_brings_no_image_twice(
    project: Project, images: Path, tmp_path: Path
):
    import_dataset(project, "voc", images)
    (tmp_path / "link").symlink_to(images, target_is_directory=True)
    report = import_dataset(project, "voc", tmp_path / "link")
    assert (report.images, report.boxes, report.matched) == (0, 0, 1)


def test_one_file_under_two_names_in_a_dataset_is_imported_once(
    project: Project, images: Path, tmp_path: Path
):
    project.set_image_root(images / "train")
    outside = tmp_path / "labels"
    (outside / "a").mkdir(parents=True)
    for name in ("one", "two"):
        (outside / name).symlink_to(images / "train", target_is_directory=True)
    (outside / "data.yaml").write_text("train: one\nval: two\nnames: [cat]\n")
    (images / "train/a.txt").write_text("0 .5 .5 .1 .1\n")
    report = import_dataset(project, "yolo", outside)
    assert [image.path for image in project.images()] == ["a.jpg"]
    assert (report.images, report.boxes) == (1, 1)
    assert any("under another name" in problem.message for problem in report.problems)


def test_undo_of_an_import_forgets_what_the_dataset_said_of_its_whole(project: Project, images: Path):
    (images / "a.jpg").write_bytes((images / "train/a.jpg").read_bytes())
    parts = {"one": {"info": {"year": 2007}}, "two": {"licenses": [{"id": 1}]}}
    for name, part in parts.items():
        content = {**part, "images": [{"id": 1, "file_name": "a.jpg"}], "annotations": []}
        (images / f"{name}.json").write_text(json.dumps(content))

    def known() -> list[str]:
        return sorted(project.get_setting("dataset_extra", {}).get("coco", {}))

    import_dataset(project, "coco", images / "one.json")
    assert known() == ["info"]
    import_dataset(project, "coco", images / "two.json")
    assert known() == ["info", "licenses"]
    changes = import_dataset(project, "coco", images / "two.json").changes
    assert not changes
    project.undo()
    assert known() == ["info"]
    project.undo()
    assert project.get_setting("dataset_extra") is None
    assert project.statistics().images == 0
    project.redo()
    assert known() == ["info"]
    assert project.statistics().images == 1
    project.redo()
    assert known() == ["info", "licenses"]


def test_an_import_that_fails_in_the_end_leaves_no_setting(
    project: Project, images: Path, monkeypatch: pytest.MonkeyPatch
):
    """What a dataset says of its whole is written together with its labels or not at all."""
    (images / "a.jpg").write_bytes((images / "train/a.jpg").read_bytes())
    (images / "all.json").write_text(
        json.dumps({"info": {"year": 2020}, "images": [{"id": 1, "file_name": "a.jpg"}], "annotations": []})
    )

    def fail(*_: object) -> None:
        raise ProjectError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(journal, "record", fail)
        with pytest.raises(ProjectError, match="disk full"):
            import_dataset(project, "coco", images / "all.json")
    assert project.get_setting("dataset_extra") is None
    import_dataset(project, "coco", images / "all.json")
    assert project.get_setting("dataset_extra")["coco"]["info"] == {"year": 2020}
