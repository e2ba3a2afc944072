"""What can be chosen about an export: how the images come into it, and which boxes."""

from __future__ import annotations

import errno
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image as PillowImage

from detcore.cli.main import main
from detcore.errors import Cancelled, ConfigError, FormatError
from detcore.exchange import export_dataset
from detcore.formats import all_formats
from detcore.formats.base import DatasetImage, ExportOptions, ExportReport, Images
from detcore.project.edits import add_rows, update_boxes
from detcore.project.project import Project
from detcore.project.verdict_rows import Verdict, VerdictKind
from detcore.project.verdicts import add_verdicts
from detcore.types import Box, Image, ObjectClass, Origin, Status
from tests.detcore.formats.format_samples import WITH_IMAGE_FILES, WRITABLE, hashes, save_image

every_writer = pytest.mark.parametrize("name", WRITABLE)
WHOLE, TURNED = "whole.jpg", "turned.jpg"


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """``whole.jpg`` (verified) with an imported cat and an imported dog, ``turned.jpg`` (in progress), which EXIF turns by
    a quarter, with a drawn dog, and ``empty.jpg`` (verified)."""
    root = tmp_path / "images"
    for name, orientation in ((WHOLE, None), (TURNED, 6), ("empty.jpg", None)):
        save_image(root / name, (100, 80), orientation)
    seen, begun = Status.VERIFIED, Status.IN_PROGRESS
    images = [
        Image(id=1, path=WHOLE, width=100, height=80, status=seen),
        Image(id=2, path=TURNED, width=80, height=100, status=begun),
        Image(id=3, path="empty.jpg", width=100, height=80, status=seen),
    ]
    classes = [
        ObjectClass(id=1, name="cat", color="#123456", position=0, source_id=0),
        ObjectClass(id=2, name="dog", color="#654321", position=1, source_id=1),
    ]
    edges = {"x1": 10, "y1": 20, "x2": 30, "y2": 50}
    boxes = [
        Box(id=1, image_id=1, class_id=1, origin=Origin.IMPORT, **edges),
        Box(id=2, image_id=1, class_id=2, origin=Origin.IMPORT, **edges),
        Box(id=3, image_id=2, class_id=2, origin=Origin.HUMAN, **edges),
    ]
    with Project.create(tmp_path / "p.reticle", image_root=root) as project:
        project.edit(lambda p: add_rows(p, text="x", classes=classes, images=images, boxes=boxes))
        yield project


def images_in(out: Path) -> dict[str, Path]:
    return {path.name: path for path in out.rglob("*.jpg")}


@pytest.mark.parametrize("name", WITH_IMAGE_FILES)
@pytest.mark.skipif(os.name == "nt", reason="symbolic links need a right there")
@pytest.mark.parametrize("kind", [Images.HARD_LINK, Images.SYM_LINK])
def test_images_are_linked_but_for_those_that_exif_turns(
    name: str, kind: Images, project: Project, tmp_path: Path
):
    before = hashes(project.image_root)
    report = export_dataset(project, name, tmp_path / "out", options=ExportOptions(images=kind))
    found = images_in(tmp_path / "out")
    assert found[WHOLE].samefile(project.image_root / WHOLE)
    assert found[WHOLE].is_symlink() == (kind is Images.SYM_LINK)
    with PillowImage.open(found[TURNED]) as copy:
        assert copy.size == (80, 100)
        assert copy.getexif().get(0x0112, 1) == 1
    assert any("1 image copied instead of linked" in note for note in report.notes)
    assert hashes(project.image_root) == before
    again = export_dataset(project, name, tmp_path / "out")
    assert again.image_count == report.image_count
    assert hashes(project.image_root) == before


def test_across_file_systems_hard_links_are_copies_which_is_said(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def refuse(*_: object) -> None:
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))

    monkeypatch.setattr(os, "link", refuse)
    options = ExportOptions(images=Images.HARD_LINK)
    report = export_dataset(project, "voc", tmp_path / "out", options=options)
    copy = images_in(tmp_path / "out")[WHOLE]
    assert copy.read_bytes() == (project.image_root / WHOLE).read_bytes()
    assert not copy.samefile(project.image_root / WHOLE)
    assert any("2 images copied, as there can be no hard link" in note for note in report.notes)


def test_without_the_right_to_make_symbolic_links_nothing_is_written_and_what_to_do_is_said(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, "A required privilege is not held by the client")

    monkeypatch.setattr(Path, "symlink_to", refuse)
    options = ExportOptions(images=Images.SYM_LINK)
    with pytest.raises(FormatError, match="symbolic links cannot be made") as caught:
        export_dataset(project, "coco", tmp_path / "out", options=options)
    assert "hard links or copies" in (caught.value.hint or "").lower()
    assert not (tmp_path / "out").exists()


ZIPPED = ExportOptions(images=Images.ZIP)


@every_writer
def test_a_zip_holds_what_the_folder_would_and_is_the_same_each_time(
    name: str, project: Project, tmp_path: Path
):
    export_dataset(project, name, tmp_path / "out")
    report = export_dataset(project, name, tmp_path / "a/out", options=ZIPPED)
    assert report.out == tmp_path / "a/out.zip"
    assert [path.name for path in report.out.parent.iterdir()] == ["out.zip"]
    with zipfile.ZipFile(report.out) as archive:
        assert archive.namelist() == sorted(archive.namelist())
        archive.extractall(tmp_path / "unpacked")
    assert hashes(tmp_path / "unpacked") == hashes(tmp_path / "out")
    again = export_dataset(project, name, tmp_path / "b/out.zip", options=ZIPPED)
    assert again.out.read_bytes() == report.out.read_bytes()


@every_writer
def test_a_zip_that_cannot_be_finished_leaves_the_earlier_one(
    name: str, project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    out = tmp_path / "x/out.zip"
    export_dataset(project, name, out, options=ZIPPED)
    before = out.read_bytes()
    for moment in (0, 2, 5):
        calls = iter(range(100))
        with pytest.raises(Cancelled):
            export_dataset(
                project,
                name,
                out,
                options=ZIPPED,
                progress=lambda _d, _t, c=calls, m=moment: next(c) < m,
            )
    with monkeypatch.context() as patched:
        patched.setattr("detcore.atomic.os.fsync", _full)
        with pytest.raises(FormatError, match=os.strerror(errno.ENOSPC)) as caught:
            export_dataset(project, name, out, options=ZIPPED)
        assert str(out) in str(caught.value)
    assert out.read_bytes() == before
    assert [path.name for path in out.parent.iterdir()] == ["out.zip"]


def test_what_a_killed_export_left_beside_a_zip_goes_with_the_next_one(project: Project, tmp_path: Path):
    nobody = 2**22 + 1  # more than Linux gives out
    left = tmp_path / "x" / f".out.zip.{nobody}-abc.partial"
    left.mkdir(parents=True)
    (left / "half.zip").write_bytes(b"PK")
    export_dataset(project, "coco", tmp_path / "x/out.zip", options=ZIPPED)
    assert [path.name for path in left.parent.iterdir()] == ["out.zip"]


def _full(_descriptor: int) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_zip_of_somebody_else_or_changed_by_somebody_is_never_replaced(project: Project, tmp_path: Path):
    out = tmp_path / "out.zip"
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("thesis.txt", "years of work")
    before = out.read_bytes()
    with pytest.raises(FormatError, match="no earlier export"):
        export_dataset(project, "voc", out, options=ZIPPED)
    assert out.read_bytes() == before
    out.unlink()
    export_dataset(project, "voc", out, options=ZIPPED)
    with zipfile.ZipFile(out, "a") as archive:
        archive.writestr("thesis.txt", "years of work")
    with pytest.raises(FormatError, match=r"holds thesis\.txt"):
        export_dataset(project, "voc", out, options=ZIPPED)


def names_and_boxes(report: ExportReport) -> tuple[list[str], dict[str, int]]:
    read, _ = all_formats()["voc"].read(report.out)
    boxes: dict[str, int] = {}
    for image in read.images:
        for box in image.boxes:
            name = read.classes[box.label].name
            boxes[name] = boxes.get(name, 0) + 1
    return sorted(image.name for image in read.images), boxes


def only(**choice: object) -> ExportOptions:
    return ExportOptions(**choice)  # pyright: ignore[reportArgumentType]


def test_classes_that_are_left_out_take_their_boxes_and_are_no_class_of_the_export(
    project: Project, tmp_path: Path
):
    report = export_dataset(project, "voc", tmp_path / "out", options=only(classes=frozenset({"cat"})))
    # turned.jpg has only a dog and is not verified: nobody has said that no cat is on it.
    assert names_and_boxes(report) == (["empty.jpg", WHOLE], {"cat": 1})
    assert any("2 boxes of classes that were not chosen" in note for note in report.notes)
    assert any("1 image left out" in note for note in report.notes)
    with pytest.raises(ConfigError, match="no class 'bird'"):
        export_dataset(project, "voc", tmp_path / "x", options=only(classes=frozenset({"bird"})))


@pytest.mark.parametrize("keep", [True, False])
def test_a_verified_image_that_loses_all_its_boxes_is_empty_or_left_out_as_chosen(
    keep: bool, project: Project, tmp_path: Path
):
    box = project.boxes(1)[1]
    project.edit(update_boxes, [Box(**{**_fields(box), "class_id": 1})])
    options = only(classes=frozenset({"dog"}), keep_emptied=keep)
    report = export_dataset(project, "voc", tmp_path / "out", options=options)
    emptied = [WHOLE] if keep else []
    assert names_and_boxes(report) == (sorted(["empty.jpg", TURNED, *emptied]), {"dog": 1})


def _fields(box: Box) -> dict[str, object]:
    return {name: getattr(box, name) for name in Box.__slots__}


def test_only_images_of_the_chosen_statuses_are_written(project: Project, tmp_path: Path):
    report = export_dataset(project, "voc", tmp_path / "out", options=only(statuses={Status.IN_PROGRESS}))
    assert names_and_boxes(report) == ([TURNED], {"dog": 1})


def test_touched_boxes_are_those_that_were_drawn_changed_or_judged(project: Project, tmp_path: Path):
    touched = only(touched=True)
    report = export_dataset(project, "voc", tmp_path / "a", options=touched)
    # whole.jpg has boxes that nobody touched: written as empty it would say that nothing is there.
    assert names_and_boxes(report) == (["empty.jpg", TURNED], {"dog": 1})
    cat, dog = project.boxes(1)
    project.edit(update_boxes, [Box(**{**_fields(cat), "x2": 40.0})])
    assert names_and_boxes(export_dataset(project, "voc", tmp_path / "b", options=touched))[1] == {
        "cat": 1,
        "dog": 1,
    }
    verdict = Verdict(
        id=0, image_id=1, run="r", kind=VerdictKind.MODEL_WRONG, class_id=2, box_id=dog.id, x1=1, y1=1, x2=2, y2=2
    )  # fmt: skip
    project.edit(add_verdicts, [verdict])
    assert names_and_boxes(export_dataset(project, "voc", tmp_path / "c", options=touched))[1] == {
        "cat": 1,
        "dog": 2,
    }


def test_classes_that_get_another_number_are_named_with_both(project: Project, tmp_path: Path):
    report = export_dataset(project, "yolo", tmp_path / "out", options=only(classes=frozenset({"dog"})))
    assert any("dog 1 → 0" in note for note in report.notes)


def test_the_command_takes_the_choices(project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    command = ["export", str(project.folder), "--format", "voc", "--out", str(tmp_path / "out.zip")]
    project.close()
    assert main([*command, "--class", "dog", "--status", "in_progress", "--touched"]) == 0
    said = capsys.readouterr().out
    assert "read again as torchvision does: 1 image and 1 box, all that was written." in said
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        assert "VOCdevkit/VOC2012/JPEGImages/turned.jpg" in archive.namelist()
        assert "torchvision: 1 image and 1 box" in archive.read("EXPORT.txt").decode()


def test_an_image_is_copied_where_nothing_else_is_said():
    assert DatasetImage(path=Path("a"), name="a").placed is Images.COPY
    assert ExportOptions().images is Images.COPY
