"""Image files: what the header says is what decoding gives, whatever the kind of file."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from detcore.errors import ImageError
from detcore.images import find_images, read_header, read_image, read_size


def save(path: Path, orientation: int) -> Path:
    """60 × 40 as stored, white in one corner."""
    pixels = np.zeros((40, 60, 3), np.uint8)
    pixels[:16, :24] = 255
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(pixels).save(path, exif=exif)
    return path


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif"])
def test_the_size_of_the_header_is_that_of_the_decoded_image(suffix: str, orientation: int, tmp_path: Path):
    path = save(tmp_path / f"a{suffix}", orientation)
    decoded = read_image(path)
    assert read_size(path) == (decoded.shape[1], decoded.shape[0])
    assert read_size(path) == ((40, 60) if orientation >= 5 else (60, 40))
    assert read_header(path).orientation == orientation
    with Image.open(path) as image:
        shown = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    assert np.abs(decoded.astype(int) - shown).mean() < 6


@pytest.mark.parametrize("suffix", [".gif", ".bmp", ".jp2", ".ppm"])
def test_kinds_without_exif_are_as_stored(suffix: str, tmp_path: Path):
    path = tmp_path / f"a{suffix}"
    Image.new("RGB", (60, 40)).save(path)
    assert read_size(path) == (60, 40)
    assert read_image(path).shape == (40, 60, 3)


@pytest.mark.parametrize(
    ("values", "expected"),
    [([0.0, 0.5, 1.0], [0, 128, 255]), ([0.0, 64.0, 255.0], [0, 64, 255]), ([-2.0, 0.0, 2.0], [0, 128, 255])],
)
def test_floating_point_tiffs_are_shown_over_their_range(values, expected, tmp_path: Path):
    path = tmp_path / "a.tif"
    Image.fromarray(np.array([values], np.float32)).save(path)
    assert read_image(path)[0, :, 0].tolist() == expected


def test_a_floating_point_tiff_with_gaps_and_without_range_is_read(tmp_path: Path):
    path = tmp_path / "a.tif"
    Image.fromarray(np.array([[np.nan, 0.25, np.inf]], np.float32)).save(path)
    assert read_image(path)[0, :, 0].tolist() == [0, 64, 255]
    Image.fromarray(np.full((2, 2), 1000, np.float32)).save(path)
    assert read_image(path).shape == (2, 2, 3)


def test_the_size_of_very_large_images_is_read(tmp_path: Path):
    """20,000 × 20,000 pixels, more than Pillow takes by itself."""
    path = tmp_path / "large.png"
    Image.new("1", (20_000, 20_000)).save(path)
    assert read_size(path) == (20_000, 20_000)


def test_sizes_beyond_all_measure_are_refused(tmp_path: Path):
    path = tmp_path / "bomb.pgm"
    path.write_bytes(b"P5 99999 99999 255\n")
    with pytest.raises(ImageError):
        read_size(path)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["b.jpg", "C.jpg", "a.jpg"], ["a.jpg", "b.jpg", "C.jpg"]),
        (["img10.jpg", "img9.jpg", "img2.jpg"], ["img2.jpg", "img9.jpg", "img10.jpg"]),
        (["IMG_03.jpg", "IMG_01.jpg"], ["IMG_01.jpg", "IMG_03.jpg"]),
        (["Ö1.jpg", "o2.jpg", "ö0.jpg"], ["o2.jpg", "ö0.jpg", "Ö1.jpg"]),
        (["x.jpg"], ["x.jpg"]),
        ([], []),
    ],
)
def test_images_come_in_natural_order(tmp_path: Path, names: list[str], expected: list[str]):
    for name in names:
        (tmp_path / name).touch()
    assert find_images(tmp_path) == expected


def test_a_folder_below_that_cannot_be_read_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    for name in ("a.jpg", "open/b.jpg", "locked/c.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    scandir = os.scandir

    def refuse_locked(path: str):
        if path.endswith("locked"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse_locked)
    assert find_images(tmp_path) == ["a.jpg", "open/b.jpg"]
    assert "locked" in caplog.text
    with pytest.raises(ImageError, match="Permission denied"):
        find_images(tmp_path / "locked")
