"""Image files: what the header says is what decoding gives, whatever the kind of file."""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFile, ImageOps

from detcore.errors import ImageError
from detcore.images.decoding import ImageHeader, find_images, natural_key, read_header, read_image, read_size


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


XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/></rdf:RDF></x:xmpmeta>'
)


def png(*chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG of these chunks, by the specification."""
    parts = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


IHDR = (b"IHDR", struct.pack(">IIBBBBB", 60, 40, 8, 2, 0, 0, 0))
IDAT = (b"IDAT", zlib.compress((b"\0" + bytes(180)) * 40))
EXIF_6 = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"


@pytest.mark.parametrize("chunks", [[IHDR, (b"eXIf", EXIF_6), IDAT], [IHDR, IDAT, (b"eXIf", EXIF_6)]])
def test_exif_of_a_png_counts_wherever_it_lies(chunks: list[tuple[bytes, bytes]], tmp_path: Path):
    path = tmp_path / "a.png"
    path.write_bytes(png(*chunks, (b"IEND", b"")))
    assert read_header(path) == ImageHeader(width=40, height=60, orientation=6)
    assert read_image(path).shape == (60, 40, 3)


@pytest.mark.parametrize("suffix", [".jpg", ".webp", ".tif", ".png"])
def test_an_orientation_that_only_xmp_tells_turns_neither_pixels_nor_boxes(suffix: str, tmp_path: Path):
    path = tmp_path / f"a{suffix}"
    if suffix == ".png":
        path.write_bytes(png(IHDR, (b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP), IDAT, (b"IEND", b"")))
    else:
        Image.new("RGB", (60, 40)).save(path, xmp=XMP)
    decoded = read_image(path)
    assert read_size(path) == (decoded.shape[1], decoded.shape[0]) == (60, 40)


def test_the_header_of_a_png_is_read_without_decoding_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "a.png"
    Image.new("RGB", (60, 40)).save(path)
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda _: pytest.fail("decoded"))
    assert read_size(path) == (60, 40)


@pytest.mark.parametrize("length", [33, 50, 60])
def test_a_png_cut_short_after_its_header_has_a_size_as_a_jpeg_has(length: int, tmp_path: Path):
    path = tmp_path / "a.png"
    path.write_bytes(png(IHDR, IDAT)[:length])
    assert read_size(path) == (60, 40)
    path.write_bytes(png(IHDR, IDAT)[:20])
    with pytest.raises(ImageError):
        read_size(path)


@pytest.mark.parametrize("exif", [b"", b"MM", b"II*\0\xff\xff\xff\xff", b"MM\0*\0\0\0\x08\xff\xff", b"junk"])
def test_damaged_exif_turns_nothing(exif: bytes, tmp_path: Path):
    path = tmp_path / "a.png"
    path.write_bytes(png(IHDR, (b"eXIf", exif), IDAT, (b"IEND", b"")))
    assert read_header(path).orientation == 1


@pytest.mark.parametrize("suffix", [".tif", ".gif", ".webp", ".png"])
def test_further_pages_and_frames_are_counted(suffix: str, tmp_path: Path):
    pages = [Image.new("RGB", (60, 40), (value, 0, 0)) for value in (0, 99, 200)]
    pages[0].save(tmp_path / f"a{suffix}", save_all=True, append_images=pages[1:])
    pages[0].save(tmp_path / f"b{suffix}")
    assert read_header(tmp_path / f"a{suffix}").frames == 3
    assert read_header(tmp_path / f"b{suffix}").frames == 1


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
        (["a1²3.jpg", "a1²2.jpg"], ["a1²2.jpg", "a1²3.jpg"]),
        (["x.jpg"], ["x.jpg"]),
        ([], []),
    ],
)
def test_images_come_in_natural_order(tmp_path: Path, names: list[str], expected: list[str]):
    for name in names:
        (tmp_path / name).touch()
    assert find_images(tmp_path) == expected


def test_numbers_of_any_length_are_in_order():
    long = "1" * 5000
    names = [f"a{long}2.jpg", f"a{long}1.jpg", "a007.jpg", "a10.jpg", "a.jpg"]
    assert sorted(names, key=natural_key) == [
        "a007.jpg",
        "a10.jpg",
        f"a{long}1.jpg",
        f"a{long}2.jpg",
        "a.jpg",
    ]


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
