"""An export appears whole or not at all, costs nobody a file, and leaves the originals alone."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from detcore.errors import Cancelled, FormatError
from detcore.formats import all_formats, detect_format
from detcore.formats.base import Dataset, ExportOptions, Images
from detcore.formats.common.naming import unique_names
from detcore.images.decoding import read_image, read_size
from tests.detcore.formats.format_samples import (
    WITH_IMAGE_FILES,
    WRITABLE,
    box,
    dataset_of,
    hashes,
    save_image,
)

every_format = pytest.mark.parametrize("name", WRITABLE)


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    return dataset_of(tmp_path / "in", {f"{n}.jpg": [box(0, 1, 2, 30, 40)] for n in range(3)})


def beside(out: Path) -> list[str]:
    return sorted(path.name for path in out.parent.iterdir())


@every_format
def test_cancelling_at_any_moment_leaves_nothing_behind(name: str, dataset: Dataset, tmp_path: Path):
    for moment in range(4):
        calls = iter(range(100))
        with pytest.raises(Cancelled):
            all_formats()[name].write(
                dataset, tmp_path / "out", progress=lambda d, t, c=calls, m=moment: next(c) < m
            )
        assert beside(tmp_path / "out") == ["in"]


@every_format
def test_an_earlier_export_survives_a_cancelled_one_and_is_replaced_by_a_finished_one(
    name, dataset, tmp_path
):
    out = tmp_path / "out"
    all_formats()[name].write(dataset, out)
    before = hashes(out)
    smaller = dataclasses.replace(dataset, images=dataset.images[:1])
    with pytest.raises(Cancelled):
        all_formats()[name].write(smaller, out, progress=lambda done, total: done < 1)
    assert hashes(out) == before
    (out / "Thumbs.db").write_bytes(b"litter")
    all_formats()[name].write(smaller, out)
    assert not any("2." in path for path in hashes(out))
    assert beside(out) == ["in", "out"]


@every_format
def test_folders_that_hold_something_else_are_refused_and_untouched(name, dataset, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "thesis.txt").write_text("years of work")
    with pytest.raises(FormatError, match="not empty"):
        all_formats()[name].write(dataset, out)
    (out / "thesis.txt").unlink()
    all_formats()[name].write(dataset, out)  # an empty folder will do
    (out / "images").mkdir(exist_ok=True)
    (out / "images/notes.txt").write_text("mine")
    with pytest.raises(FormatError, match=r"images/notes\.txt"):
        all_formats()[name].write(dataset, out)
    assert (out / "images/notes.txt").read_text() == "mine"
    with pytest.raises(FormatError, match="not a folder"):
        all_formats()[name].write(dataset, out / "images/notes.txt")


@every_format
def test_what_somebody_changed_in_an_earlier_export_is_never_overwritten(name, dataset, tmp_path):
    """One file of each kind that the format writes."""
    out = tmp_path / "out"
    all_formats()[name].write(dataset, out)
    kinds = {path.suffix for path in out.rglob("*") if path.is_file() and path.name != "reticle.json"}
    assert len(kinds) > 1
    for kind in sorted(kinds):
        changed = min(path for path in out.rglob(f"*{kind}") if path.name != "reticle.json")
        changed.write_bytes(changed.read_bytes() + b" ")
        before = hashes(out)
        with pytest.raises(FormatError, match=changed.name):
            all_formats()[name].write(dataset, out)
        assert hashes(out) == before
        changed.unlink()  # a file that is gone cannot be lost
        all_formats()[name].write(dataset, out)
        all_formats()[name].write(dataset, out)


@every_format
def test_the_image_folder_and_everything_in_and_around_it_is_refused(name, dataset, tmp_path):
    for out in (tmp_path / "in", tmp_path / "in/out", tmp_path):
        with pytest.raises(FormatError):
            all_formats()[name].write(dataset, out)
    assert sorted(hashes(tmp_path)) == ["in/0.jpg", "in/1.jpg", "in/2.jpg"]


@every_format
def test_an_export_is_never_written_over_the_images_that_are_exported(name, dataset, tmp_path):
    out = tmp_path / "out"
    all_formats()[name].write(dataset, out)
    again, _ = all_formats()[name].read(out)
    with pytest.raises(FormatError):
        all_formats()[name].write(again, out)
    (tmp_path / "link").symlink_to(out, target_is_directory=True)
    with pytest.raises(FormatError):
        all_formats()[name].write(again, tmp_path / "link")
    assert all_formats()[name].read(out)[0].box_count == 3


@every_format
def test_originals_are_never_touched(name, dataset, tmp_path):
    save_image(tmp_path / "in/turned.jpg", orientation=6)
    damaged = tmp_path / "in/damaged.jpg"
    damaged.write_bytes((tmp_path / "in/0.jpg").read_bytes()[:-2])  # without its end marker
    image = dataclasses.replace(dataset.images[0], path=tmp_path / "in/turned.jpg", name="turned.jpg")
    other = dataclasses.replace(dataset.images[0], path=damaged, name="damaged.jpg")
    before = hashes(tmp_path / "in")
    all_formats()[name].write(
        dataclasses.replace(dataset, images=[*dataset.images, image, other]), tmp_path / "out"
    )
    all_formats()[name].read(tmp_path / "out")
    assert hashes(tmp_path / "in") == before


@pytest.mark.parametrize("name", WITH_IMAGE_FILES)
def test_plain_images_are_copied_byte_for_byte(name, dataset, tmp_path):
    all_formats()[name].write(dataset, tmp_path / "out")
    originals = set(hashes(tmp_path / "in").values())
    copies = {digest for path, digest in hashes(tmp_path / "out").items() if path.endswith(".jpg")}
    assert copies == originals


@pytest.mark.parametrize("name", WITH_IMAGE_FILES)
@pytest.mark.parametrize("orientation", range(2, 9))
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif"])
def test_copies_are_upright_for_readers_that_ignore_exif(name, orientation, suffix, tmp_path):
    path = save_image(tmp_path / f"in/a{suffix}", (100, 60), orientation)
    size = read_size(path)
    source = dataset_of(tmp_path / "other", {f"a{suffix}": [box(0, 1, 2, 30, 40)]}, size=size)
    image = dataclasses.replace(source.images[0], path=path)
    source = dataclasses.replace(source, images=[image], image_root=tmp_path / "in")
    report = all_formats()[name].write(source, tmp_path / "out")
    (copy,) = [item for item in (tmp_path / "out").rglob(f"a{suffix}")]
    with Image.open(copy) as plain:
        assert plain.getexif().get(0x0112, 1) == 1
        assert plain.size == size
        pixels = np.asarray(plain.convert("RGB")).astype(int)
    assert np.abs(pixels - read_image(path)).mean() < 6
    assert any("upright" in note for note in report.notes)


@pytest.mark.parametrize("orientation", range(5, 9))
@pytest.mark.parametrize("name", ["voc", "coco"])
def test_boxes_drawn_before_the_exif_rotation_are_turned_with_the_image(name, orientation, tmp_path):
    stored = np.zeros((60, 100, 3), np.uint8)
    stored[10:20, 30:70] = 255  # the object: x 30 to 70, y 10 to 20 of the image as stored
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(stored).save(tmp_path / "a.png", exif=exif)
    if name == "voc":
        edges = "<xmin>30</xmin><ymin>10</ymin><xmax>70</xmax><ymax>20</ymax>"
        text = f"<object><name>x</name><bndbox>{edges}</bndbox></object>"
        size = "<size><width>100</width><height>60</height></size>"
        (tmp_path / "a.xml").write_text(f"<annotation>{size}{text}</annotation>")
    else:
        content = {
            "images": [{"id": 1, "file_name": "a.png", "width": 100, "height": 60}],
            "categories": [{"id": 1, "name": "x"}],
            "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [30, 10, 40, 10]}],
        }
        (tmp_path / "a.json").write_text(json.dumps(content))
    dataset, problems = all_formats()[name].read(tmp_path)
    (image,) = dataset.images
    with Image.open(tmp_path / "a.png") as plain:
        shown = np.asarray(ImageOps.exif_transpose(plain))
    rows, columns = np.nonzero(shown[:, :, 0])
    assert image.boxes[0].xyxy == (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    assert (image.width, image.height) == (60, 100)
    assert "EXIF" in problems[0].message


@every_format
def test_equal_names_in_subfolders_and_kinds_stay_apart(name, tmp_path):
    paths = ["one/a.png", "two/a.png", "two/a.jpg", "A.jpg", "b.jpg"]
    images = {path: [box(number % 2, number + 1, 2, 30, 40)] for number, path in enumerate(paths)}
    source = dataset_of(tmp_path / "in", images)
    all_formats()[name].write(source, tmp_path / "out")
    again, problems = all_formats()[name].read(tmp_path / "out")
    assert sorted(image.boxes[0].x1 for image in again.images) == pytest.approx([1, 2, 3, 4, 5])
    assert len({image.path.stem.lower() for image in again.images}) == 5
    assert "b.jpg" in {image.path.name for image in again.images}
    assert [problem for problem in problems if "val" not in problem.message] == []


def test_names_are_joined_only_where_they_clash():
    assert unique_names(["x/a.jpg", "y/b.jpg"]) == ["a.jpg", "b.jpg"]
    assert unique_names(["x/a.jpg", "y/a.jpg", "b.jpg"]) == ["x__a.jpg", "y__a.jpg", "b.jpg"]
    assert unique_names(["a.jpg", "a.png"]) == ["a_jpg.jpg", "a_png.png"]
    assert unique_names(["a.jpg", "A.JPG"], extensions={".jpg": ".jpg"}) == ["a_jpg_2.jpg", "A_JPG_3.jpg"]
    taken = unique_names(["x/a.jpg", "y/a.jpg", "x__a.jpg"])
    assert len({name.lower() for name in taken}) == 3


@every_format
def test_missing_and_broken_image_files_never_stop_an_export(name, dataset, tmp_path):
    (tmp_path / "in/0.jpg").unlink()
    (tmp_path / "in/1.jpg").write_bytes(b"no image")
    unknown = dataclasses.replace(dataset.images[0], name="lost.jpg", width=None, height=None)
    report = all_formats()[name].write(
        dataclasses.replace(dataset, images=[*dataset.images, unknown]), tmp_path / "out"
    )
    assert report.image_count == 3
    assert report.box_count == 3
    text = " ".join(report.notes)
    assert "could not be found" in text
    assert "2 files could not be read as an image and not copied (first: 1.jpg, lost.jpg)" in text
    assert not any(path.name.startswith("1.") for path in (tmp_path / "out").rglob("*.jpg"))


@every_format
def test_verified_empty_images_are_written(name, tmp_path):
    all_formats()[name].write(
        dataset_of(tmp_path / "in", {"a.jpg": [box(0, 1, 2, 3, 4)], "b.jpg": []}), tmp_path / "out"
    )
    again, _ = all_formats()[name].read(tmp_path / "out")
    assert [(image.path.name, image.verified, len(image.boxes)) for image in again.images] == [
        ("a.jpg", False, 1),
        ("b.jpg", True, 0),
    ]


@every_format
def test_the_report_counts_by_split_and_class_and_names_foreign_fields(name, dataset, tmp_path):
    foreign = {"other": {"mood": "sad"}, "area": 3.0}
    images = [
        dataclasses.replace(
            image,
            split=split,
            boxes=[dataclasses.replace(item, extra=foreign) for item in image.boxes],
        )
        for image, split in zip(dataset.images, ("train", "val", None), strict=True)
    ]
    report = all_formats()[name].write(dataclasses.replace(dataset, images=images), tmp_path / "out")
    assert report.images == {"train": 1, "val": 1, "": 1}
    assert report.boxes == {"train": {"cat": 1}, "val": {"cat": 1}, "": {"cat": 1}}
    assert report.files == len(hashes(tmp_path / "out"))
    assert any("3 boxes carry fields of another format" in loss and "mood" in loss for loss in report.losses)


@every_format
def test_formats_recognise_their_exports(name, dataset, tmp_path):
    all_formats()[name].write(dataset, tmp_path / "out")
    assert detect_format(tmp_path / "out") == name
    assert detect_format(tmp_path / "in") is None


def test_options_are_kept_out_of_the_way_without_copies(dataset, tmp_path):
    for name in WRITABLE:
        item = all_formats()[name]
        report = item.write(dataset, tmp_path / name, ExportOptions(images=Images.REFERENCE))
        assert not list((tmp_path / name).rglob("*.jpg"))
        assert any("not copied" in note for note in report.notes)
        again, _ = item.read(tmp_path / name, image_folder=tmp_path / "in")
        assert again.box_count == 3
        assert {image.path.parent for image in again.images} == {tmp_path / "in"}


@every_format
def test_images_that_changed_their_size_since_are_pointed_out(name, dataset, tmp_path):
    save_image(tmp_path / "in/0.jpg", (50, 50))
    report = all_formats()[name].write(dataset, tmp_path / "out")
    assert any("another size" in note and "0.jpg" in note for note in report.notes)
