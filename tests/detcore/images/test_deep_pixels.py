"""Images of more than 8 bit a sample are seen over the range that they use."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from detcore.images.decoding import read_image, read_size

KINDS = [".png", ".tif", ".pgm", ".jp2"]


def write(path: Path, pixels: np.ndarray) -> Path:
    assert cv2.imwrite(str(path), pixels)
    return path


@pytest.mark.parametrize("suffix", KINDS)
def test_12_bit_in_a_file_of_16_is_as_bright_as_in_one_of_8(suffix: str, tmp_path: Path):
    grey = np.tile(np.arange(256, dtype=np.uint16), (64, 1))
    path = write(tmp_path / f"a{suffix}", grey * 16)
    # 255 · 16 = 4080 is white, as the brightest value that is used
    assert read_image(path).shape == (64, 256, 3)
    assert np.abs(read_image(path)[..., 1].astype(int) - grey).max() <= 1


def test_the_channels_of_a_colour_image_share_one_range(tmp_path: Path):
    pixels = np.zeros((10, 10, 3), np.uint16)
    pixels[:5] = (0, 1000, 2000)  # blue, green, red
    pixels[5:] = (500, 500, 500)
    image = read_image(write(tmp_path / "a.png", pixels))
    assert image[0, 0].tolist() == [255, 128, 0]
    assert image[9, 9].tolist() == [64, 64, 64]


def test_a_range_far_from_zero_is_spread(tmp_path: Path):
    """A thermal camera: hundredths of a kelvin around 300 K."""
    pixels = np.tile(np.array([[29_000, 30_000, 31_000]], np.uint16), (20, 1))
    assert read_image(write(tmp_path / "a.png", pixels))[0, :, 0].tolist() == [0, 128, 255]


def test_an_image_that_uses_most_of_16_bit_is_as_it_was_meant(tmp_path: Path):
    pixels = np.tile(np.array([[257 * 20, 257 * 128, 257 * 230]], np.uint16), (20, 1))
    assert read_image(write(tmp_path / "a.png", pixels))[0, :, 0].tolist() == [20, 128, 230]


@pytest.mark.parametrize(("value", "expected"), [(0, 0), (65_535, 255), (257 * 40, 40)])
def test_an_image_of_one_value_keeps_it(value: int, expected: int, tmp_path: Path):
    path = write(tmp_path / "a.png", np.full((10, 10), value, np.uint16))
    assert np.unique(read_image(path)).tolist() == [expected]


def test_a_hot_pixel_does_not_make_the_rest_black(tmp_path: Path):
    pixels = np.tile(np.linspace(0, 4095, 200).astype(np.uint16), (200, 1))
    pixels[7, 7] = 65_535
    image = read_image(write(tmp_path / "a.png", pixels))
    assert image[0, 0, 0] == 0
    assert image[0, -1, 0] == 255
    assert image[7, 7, 0] == 255


def test_transparency_does_not_count(tmp_path: Path):
    pixels = np.zeros((10, 10, 4), np.uint16)
    pixels[..., 3] = 65_535
    pixels[:5, :, :3] = 4095
    image = read_image(write(tmp_path / "a.png", pixels))
    assert image[0, 0].tolist() == [255, 255, 255]
    assert image[9, 9].tolist() == [0, 0, 0]


def test_orientation_is_applied(tmp_path: Path):
    exif = Image.Exif()
    exif[0x0112] = 6
    pixels = np.zeros((40, 60), np.uint16)
    pixels[:10] = 4095
    path = tmp_path / "a.png"
    Image.fromarray(pixels).save(path, exif=exif)
    image = read_image(path)
    assert (image.shape[1], image.shape[0]) == read_size(path) == (40, 60)
    assert image[30, 35, 0] == 255
    assert image[30, 5, 0] == 0


def test_whole_numbers_with_a_sign_are_spread(tmp_path: Path):
    pixels = np.tile(np.array([[-1000, 0, 1000]], np.int16), (20, 1))
    assert read_image(write(tmp_path / "a.tif", pixels))[0, :, 0].tolist() == [0, 128, 255]
