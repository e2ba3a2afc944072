"""No image comes into a project whose file is not there, or from outside of the dataset, unless asked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from detcore.cli.main import main
from detcore.errors import FormatError, OutsideImagesError
from detcore.exchange import ImportOptions, find_dataset, import_dataset
from detcore.project.project import Project
from tests.detcore.formats.format_samples import save_image
from tests.detcore.formats.test_one_rule_for_all_readers import annotate

NAMES = ["coco", "voc", "yolo"]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "set"
    folder.mkdir()
    return folder


@pytest.fixture
def project(tmp_path: Path, source: Path) -> Iterator[Project]:
    with Project.create(tmp_path / "p.reticle", image_root=source) as project:
        yield project


def paths_of(project: Project) -> list[str]:
    return [image.path for image in project.images()]


def merge_coco(folder: Path) -> None:
    """The COCO files of several annotations as one, since a dataset has one."""
    whole: dict[str, list[dict]] = {"images": [], "annotations": [], "categories": []}
    for number, path in enumerate(sorted(folder.rglob("*.json")), start=1):
        content = json.loads(path.read_text())
        path.unlink()
        whole["categories"] = content["categories"]
        whole["images"].append(content["images"][0] | {"id": number})
        whole["annotations"].append(content["annotations"][0] | {"id": number, "image_id": number})
    (folder / "all.json").write_text(json.dumps(whole))


def labels_of_two(format_name: str, source: Path, *, second: str = "gone.jpg") -> None:
    """Labels of ``a.jpg``, which is there, and of another image, by a list of both for YOLO."""
    save_image(source / "a.jpg")
    annotate(format_name, source / "a", "a.jpg")
    annotate(format_name, source / Path(second).stem, second)
    if format_name == "coco":
        merge_coco(source)
    if format_name == "yolo":
        (source / "train.txt").write_text(f"a.jpg\n{second}\n")
        (source / "data.yaml").write_text("train: train.txt\nval: train.txt\nnames: [cat]\n")


@pytest.mark.parametrize("format_name", NAMES)
def test_a_missing_image_is_reported_and_does_not_come_in(format_name: str, source: Path, project: Project):
    labels_of_two(format_name, source)
    report = import_dataset(project, format_name, source)
    assert paths_of(project) == ["a.jpg"]
    assert (report.images, report.boxes) == (1, 1)
    messages = [problem.message for problem in report.problems]
    assert any(message.startswith("1 image not there: left out with") for message in messages)
    assert any(
        problem.path.name == "gone.jpg" and problem.message == "image not found"
        for problem in report.problems
    )


@pytest.mark.parametrize("format_name", NAMES)
def test_a_missing_image_comes_in_when_asked(format_name: str, source: Path, project: Project):
    labels_of_two(format_name, source)
    report = import_dataset(project, format_name, source, options=ImportOptions(missing=True))
    assert report.images == 2
    assert {Path(path).name for path in paths_of(project)} == {"a.jpg", "gone.jpg"}


@pytest.mark.parametrize("format_name", NAMES)
def test_labels_whose_images_are_all_missing_are_refused(format_name: str, source: Path, tmp_path: Path):
    labels_of_two(format_name, source)
    (source / "a.jpg").unlink()
    with pytest.raises(FormatError, match="there"):
        find_dataset(format_name, source)
    assert main(["import", str(tmp_path / "new.reticle"), "--format", format_name, str(source)]) == 1
    assert not (tmp_path / "new.reticle").exists()


def test_an_image_of_the_project_has_its_labels_though_its_file_is_not_there(source: Path, project: Project):
    labels_of_two("coco", source)
    import_dataset(project, "coco", source, options=ImportOptions(missing=True))
    assert import_dataset(project, "coco", source).matched == 2


@pytest.mark.parametrize("format_name", NAMES)
def test_labels_of_moved_images_go_to_the_images_and_make_no_others(
    format_name: str, source: Path, project: Project
):
    """Labels beside the place where the images were before somebody sorted them into folders."""
    labels_of_two(format_name, source, second="b.jpg")
    save_image(source / "sorted/later/b.jpg")
    (source / "sorted/a.jpg").unlink(missing_ok=True)
    (source / "a.jpg").rename(source / "sorted/a.jpg")
    report = import_dataset(project, format_name, source)
    assert sorted(paths_of(project)) == ["sorted/a.jpg", "sorted/later/b.jpg"]
    assert report.boxes == 2


OUTSIDE = {
    "yolo folder": ("yolo", "train: ../elsewhere/images"),
    "yolo absolute folder": ("yolo", "train: {elsewhere}/images"),
    "yolo root": ("yolo", "path: {elsewhere}\ntrain: images"),
    "yolo list": ("yolo", "train: list.txt"),
    "yolo list elsewhere": ("yolo", "train: ../elsewhere/list.txt"),
    "yolo home": ("yolo", "train: ~/elsewhere/images"),
    "coco": ("coco", "../elsewhere/images/far.jpg"),
    "coco absolute": ("coco", "{elsewhere}/images/far.jpg"),
    "voc": ("voc", "../elsewhere/images/far.jpg"),
    "voc absolute": ("voc", "{elsewhere}/images/far.jpg"),
}


@pytest.fixture(params=list(OUTSIDE))
def leading_outside(
    request: pytest.FixtureRequest, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> str:
    """A dataset of one image inside and one outside; the format."""
    monkeypatch.setenv("HOME", str(tmp_path))
    format_name, text = OUTSIDE[request.param]
    elsewhere = tmp_path / "elsewhere"
    save_image(elsewhere / "images/far.jpg")
    (elsewhere / "list.txt").write_text("images/far.jpg\n")
    written = text.format(elsewhere=elsewhere)
    if format_name == "yolo":
        labels_of_two("yolo", source, second="b.jpg")
        (source / "list.txt").write_text(f"{elsewhere}/images/far.jpg\n")
        inside = f"{source}/train.txt"
        (source / "data.yaml").write_text(f"{written}\nval: {inside}\nnames: [cat]\n")
    else:
        labels_of_two(format_name, source, second="b.jpg")
        file = next(source.glob("all.json")) if format_name == "coco" else source / "b.xml"
        file.write_text(file.read_text().replace("b.jpg", written))
    return format_name


def test_images_outside_of_the_dataset_are_refused_by_name_and_nothing_changes(
    leading_outside: str, source: Path, project: Project, tmp_path: Path
):
    with pytest.raises(OutsideImagesError) as caught:
        import_dataset(project, leading_outside, source)
    assert caught.value.folders == {tmp_path / "elsewhere/images": 1}
    assert str(tmp_path / "elsewhere/images") in str(caught.value)
    assert "--allow-outside" in str(caught.value)
    assert paths_of(project) == []


def test_images_outside_of_the_dataset_come_in_when_allowed(
    leading_outside: str, source: Path, tmp_path: Path
):
    new = ["import", str(tmp_path / "new.reticle"), "--format", leading_outside, str(source)]
    assert main(new) == 1
    assert not (tmp_path / "new.reticle").exists()
    assert main([*new, "--allow-outside"]) == 0
    with Project.open(tmp_path / "new.reticle", read_only=True) as made:
        assert {Path(path).name for path in paths_of(made)} >= {"a.jpg", "far.jpg"}


@pytest.mark.parametrize("named", ["images", "project"])
def test_folders_that_the_user_named_are_not_outside(named: str, source: Path, tmp_path: Path):
    elsewhere = tmp_path / "elsewhere"
    save_image(elsewhere / "a.jpg")
    annotate("voc", source / "a", "a.jpg")
    with Project.create(tmp_path / "p.reticle", image_root=elsewhere) as project:
        images = elsewhere if named == "images" else None
        assert import_dataset(project, "voc", source, images=images).boxes == 1


@pytest.mark.parametrize(
    ("labels", "images"), [("labels", "images"), ("Annotations", "JPEGImages"), ("xmls", "images")]
)
def test_images_beside_a_folder_of_labels_are_not_outside(labels: str, images: str, source: Path):
    save_image(source / images / "a.jpg")
    annotate("voc", source / labels / "a", "a.jpg")
    assert find_dataset("voc", source / labels).dataset.box_count == 1


def test_the_file_of_an_annotations_folder_reaches_the_images_beside_it(source: Path):
    save_image(source / "images/train/a.jpg")
    annotate("coco", source / "annotations/instances_train", "a.jpg")
    found = find_dataset("coco", source / "annotations/instances_train.json")
    assert found.dataset.box_count == 1
