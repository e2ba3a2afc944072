"""What an export copies: images, and none from outside of the project's folder unless that is asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from detcore.cli.main import main
from detcore.errors import OutsideImagesError
from detcore.exchange import export_dataset
from detcore.formats import all_formats
from detcore.formats.base import ExportOptions, Images
from detcore.project.edits import add_rows
from detcore.project.project import Project
from detcore.types import Box, Image, ObjectClass, Origin, Status
from tests.detcore.formats.format_samples import WRITABLE, box, dataset_of, hashes, save_image

SECRET = b"-----BEGIN OPENSSH PRIVATE KEY-----\nnobody's business\n"
OUTSIDE = ExportOptions(outside=True)
every_format = pytest.mark.parametrize("name", WRITABLE)


def project_naming(tmp_path: Path, *paths: Path) -> Path:
    """A project as anybody may have written it, with a box on each of these files and on an image of its own."""
    save_image(tmp_path / "images/own.jpg")
    folder = tmp_path / "p.reticle"
    with Project.create(folder, image_root=tmp_path / "images") as project:
        names = ["own.jpg", *map(str, paths)]
        sizes = {"width": 100, "height": 80, "status": Status.VERIFIED}
        images = [Image(id=place, path=name, **sizes) for place, name in enumerate(names, start=1)]
        boxes = [
            Box(id=0, image_id=image.id, class_id=1, x1=1, y1=2, x2=30, y2=40, origin=Origin.HUMAN)
            for image in images
        ]
        thing = ObjectClass(id=1, name="thing", color="#123456", position=0)
        project.edit(lambda p: add_rows(p, text="x", classes=[thing], images=images, boxes=boxes))
    return folder


@every_format
def test_files_outside_of_the_project_are_copied_by_nobody_unasked(name: str, tmp_path: Path):
    photo, key = save_image(tmp_path / "home/photo.jpg"), tmp_path / "home/.ssh/id_rsa"
    key.parent.mkdir()
    key.write_bytes(SECRET)
    with Project.open(project_naming(tmp_path, photo, key)) as project:
        with pytest.raises(OutsideImagesError, match="2 images outside") as caught:
            export_dataset(project, name, tmp_path / "out")
        assert dict(caught.value.folders) == {photo.parent: 1, key.parent: 1}
        assert not (tmp_path / "out").exists()
        labels_alone = export_dataset(
            project, name, tmp_path / "a", options=ExportOptions(images=Images.REFERENCE)
        )
        assert labels_alone.image_count == 3
        report = export_dataset(project, name, tmp_path / "b", options=OUTSIDE)
    copied = {path.read_bytes() for path in (tmp_path / "b").rglob("*") if path.is_file()}
    assert any(photo.read_bytes() in content for content in copied)  # a file of its own, or part of one
    assert not any(b"PRIVATE KEY" in content for content in copied)
    assert any("1 file could not be read as an image and not copied" in note for note in report.notes)


@every_format
def test_a_project_whose_images_are_its_own_is_exported_unasked(name: str, tmp_path: Path):
    gone = tmp_path / "elsewhere/gone.jpg"  # nothing that could be copied
    with Project.open(project_naming(tmp_path, gone)) as project:
        report = export_dataset(project, name, tmp_path / "out")
    assert report.image_count == 2


def test_the_command_refuses_them_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    folder = project_naming(tmp_path, save_image(tmp_path / "home/photo.jpg"))
    command = ["export", str(folder), "--format", "yolo", "--out", str(tmp_path / "out")]
    assert main(command) == 1
    said = capsys.readouterr().err
    assert str(tmp_path / "home") in said
    assert "--allow-outside" in said
    assert main([*command, "--allow-outside"]) == 0
    assert (tmp_path / "out/images/train/photo.jpg").is_file()


@pytest.mark.parametrize(("name", "label"), [("voc", "a.b.xml"), ("yolo", "a.b.txt")])
def test_labels_of_files_without_or_with_odd_endings_are_called_after_them(
    name: str, label: str, tmp_path: Path
):
    content = save_image(tmp_path / "in/a.b.jpg").read_bytes()
    source = dataset_of(tmp_path / "in", {"a.b.jpg": [box(0, 1, 2, 3, 4)]})
    (tmp_path / "in/plain").write_bytes(content)
    (tmp_path / "in/.hidden").write_bytes(content)
    (one,) = source.images
    more = [
        type(one)(path=tmp_path / "in" / name, name=name, width=100, height=80, boxes=one.boxes)
        for name in ("plain", ".hidden")
    ]
    dataset = type(source)(classes=source.classes, images=[one, *more], image_root=source.image_root)
    all_formats()[name].write(dataset, tmp_path / "out")
    suffix = label.rpartition(".")[2]
    found = {Path(path).name for path in hashes(tmp_path / "out") if path.endswith(f".{suffix}")}
    assert {label, f"plain.{suffix}", f".hidden.{suffix}"} <= found
    assert f".{suffix}" not in found


@every_format
def test_a_turned_image_that_does_not_decode_is_not_copied(name: str, tmp_path: Path):
    source = dataset_of(tmp_path / "in", {"a.jpg": [box(0, 1, 2, 3, 4)]}, size=(80, 100))
    path = save_image(tmp_path / "in/a.jpg", (100, 80), orientation=6)
    path.write_bytes(path.read_bytes()[:900])
    report = all_formats()[name].write(source, tmp_path / "out")
    assert not list((tmp_path / "out").rglob("a.jpg"))
    assert any("not copied (first: a.jpg)" in note for note in report.notes)
    assert (
        all_formats()[name].write(source, tmp_path / "out").image_count == 1
    )  # and the marker lists no such file
