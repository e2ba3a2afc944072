"""Bad input behaves in one way in all formats: it is read, or refused with a sentence; nothing else happens."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from detcore.errors import FormatError
from detcore.formats import all_formats, recognise
from detcore.formats.base import Dataset
from detcore.formats.common.windows_names import fits_windows
from detcore.images.pointers import POINTER_TEXT
from tests.detcore.formats.reader_samples import BOX, label_files, make_sample, sampled_formats
from tests.detcore.formats.test_one_rule_for_all_readers import SIZE

FORMATS = sampled_formats()
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"
_NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?![\w.])")


def test_every_format_that_is_read_has_a_sample():
    readable = {name for name, spec in all_formats().items() if spec.reader is not None}
    assert set(FORMATS) == readable


def read(name: str, folder: Path) -> tuple[Dataset | None, str]:
    """The dataset, if there is one, and all that was said of it. No other error than a refusal passes."""
    try:
        dataset, problems = all_formats()[name].read(folder)
    except FormatError as error:
        return None, str(error)
    for image in dataset.images:
        for box in image.boxes:
            assert 0 <= box.x1 < box.x2 <= (image.width or sys.maxsize)
            assert 0 <= box.y1 < box.y2 <= (image.height or sys.maxsize)
    return dataset, "\n".join(map(str, problems))


def as_text(path: Path) -> str | None:
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError:
        return None


@pytest.mark.parametrize("name", FORMATS)
def test_the_sample_is_recognised_and_read(name: str, tmp_path: Path):
    folder = make_sample(name, tmp_path / "set")
    assert name in [spec.name for spec, _ in recognise(folder).like]
    dataset, _ = read(name, folder)
    assert dataset is not None
    (boxes,) = [image.boxes for image in dataset.images if image.boxes]
    assert boxes[0].xyxy == pytest.approx(BOX, abs=0.01)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("change", ["utf-8-sig", "utf-16", "crlf"])
def test_byte_order_marks_wide_characters_and_line_ends_change_nothing(
    name: str, change: str, tmp_path: Path
):
    folder = make_sample(name, tmp_path / "set")
    before, _ = read(name, folder)
    for path in label_files(folder):
        text = as_text(path)
        if text is not None:
            encoded = text.replace("\n", "\r\n").encode() if change == "crlf" else text.encode(change)
            path.write_bytes(encoded)
    after, _ = read(name, folder)
    assert before is not None
    assert after is not None
    assert [image.boxes for image in after.images] == [image.boxes for image in before.images]
    assert [item.name for item in after.classes] == [item.name for item in before.classes]


CONTENTS: dict[str, bytes] = {
    "empty": b"",
    "zeros": b"\0" * 500,
    "noise": bytes(range(256)) * 4,
    "brackets": b"[" * 2000,
    "braces": b'{"a":' * 2000,
    "nested yaml": b"names: " + b"[" * 1000 + b"]" * 1000,
    "nested xml": b"<annotation>" * 5000,
    "bomb": b'<!DOCTYPE a [<!ENTITY b "c">]><annotation>&b;</annotation>',
    "null": b"null",
    "latin-1": b"\xe4\xf6\xfc 1 2 3 4\n",
    "gbk": "安全帽 0.5 0.5 0.1 0.1\n".encode("gbk"),
}


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("content", CONTENTS)
def test_files_of_anything_are_refused_or_passed_over(name: str, content: str, tmp_path: Path):
    folder = make_sample(name, tmp_path / "set")
    for path in label_files(folder):
        path.write_bytes(CONTENTS[content])
    dataset, _ = read(name, folder)
    assert dataset is None or all(image.path.is_relative_to(tmp_path) for image in dataset.images)
    recognise(folder)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("value", ["NaN", "1e308", "-1e308", "9" * 5000, "-0"])
def test_no_number_does_more_than_cost_what_it_stands_for(name: str, value: str, tmp_path: Path):
    folder = make_sample(name, tmp_path / "set")
    for path in label_files(folder):
        text = as_text(path) or ""
        places = list(_NUMBER.finditer(text))
        for place in places[:: max(1, len(places) // 6)]:
            path.write_text(text[: place.start()] + value + text[place.end() :], "utf-8")
            read(name, folder)
        if text:
            path.write_text(text, "utf-8")


@pytest.mark.parametrize("name", FORMATS)
def test_pointers_of_git_lfs_are_called_so(name: str, tmp_path: Path):
    folder = make_sample(name, tmp_path / "set")
    for path in label_files(folder):
        path.write_text(POINTER)
    dataset, told = read(name, folder)
    assert dataset is None or not dataset.box_count
    assert "git-LFS pointer" in f"{told} {recognise(folder)}"


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "tfrecord"])  # which holds its images
def test_an_image_that_is_a_pointer_of_git_lfs_is_called_so(name: str, tmp_path: Path):
    folder = make_sample(name, tmp_path / "set")
    for path in folder.rglob("*.jpg"):
        path.write_text(POINTER)
    _, told = read(name, folder)
    assert POINTER_TEXT in told


@pytest.mark.parametrize("name", FORMATS)
def test_links_that_lead_in_a_circle_end_nothing(name: str, tmp_path: Path):
    folder = make_sample(name, tmp_path / "set")
    try:
        (folder / "again").symlink_to(folder, target_is_directory=True)
        for suffix in (".txt", ".xml", ".json", ".csv"):
            (folder / f"loop{suffix}").symlink_to(folder / f"loop{suffix}")
    except OSError:
        pytest.skip("no right to make links")
    dataset, _ = read(name, folder)
    assert dataset is not None
    assert dataset.box_count == 1


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("place", ["../a.jpg", "/etc/a.jpg", "~/a.jpg", "C:\\data\\a.jpg"])
def test_a_name_that_leads_elsewhere_makes_no_image_elsewhere(name: str, place: str, tmp_path: Path):
    folder = make_sample(name, tmp_path / "set")
    for path in label_files(folder):
        text = as_text(path)
        if text is not None:
            path.write_text(text.replace("a.jpg", place.replace("\\", "\\\\")), "utf-8")
    dataset, _ = read(name, folder)
    for image in dataset.images if dataset is not None else ():
        assert image.path.is_relative_to(tmp_path)


def _larger(path: Path) -> bool:
    """Say in a file that its image is twice as large, if it says how large it is."""
    text = as_text(path) or ""
    doubled = re.sub(rf"(?<![\d.])({SIZE[0]}|{SIZE[1]})(?![\d.])", lambda found: str(2 * int(found[0])), text)
    path.write_text(doubled, "utf-8")
    return doubled != text


@pytest.mark.parametrize("name", ["coco", "voc"])
def test_boxes_for_another_size_stay_where_they_are_and_are_kept_as_drawn(name: str, tmp_path: Path):
    folder = make_sample(name, tmp_path / "set")
    assert any([_larger(path) for path in label_files(folder)])
    dataset, problems = all_formats()[name].read(folder)
    (image,) = dataset.images
    assert (image.width, image.height) == SIZE
    assert image.boxes[0].xyxy == pytest.approx(BOX)
    drawn = dataset.drawn[image.path]
    assert (drawn.width, drawn.height) == (200, 160)
    assert drawn.boxes[0].xyxy == pytest.approx(BOX)
    assert any("200×160, the image is 100×80" in problem.message for problem in problems)


@pytest.mark.parametrize(
    ("name", "fits"),
    [
        ("a.jpg", True),
        ("photos/a b.jpg", True),
        ("console.jpg", True),
        ("con.jpg", False),
        ("x/AUX/a.jpg", False),
        ("lpt1", False),
        ("a?.jpg", False),
        ("12:30.jpg", False),
        ("a\\b.jpg", False),
        ("folder./a.jpg", False),
        ("a.jpg ", False),
    ],
)
def test_names_that_windows_cannot_hold(name: str, fits: bool):
    assert fits_windows(name) is fits
