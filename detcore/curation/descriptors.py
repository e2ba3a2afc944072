"""Images boiled down to a few numbers that stay nearly the same when a file is resized or compressed anew."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from detcore.errors import Cancelled, ImageError
from detcore.images.decoding import read_image
from detcore.types import FloatArray, ImageArray, IntArray

Progress = Callable[[int, int], bool]
"""Told (done, total); false cancels."""

GREY_SIDE = 32
FEATURES = 32
_HASH_SIDE = 8
_GRID = 2
_DIRECTIONS = 4
_WORKING_SIDE = 128
_AHEAD = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Descriptors:
    """N images that could be read, in the order given: ``image_ids`` (N,); ``hashes`` (N,) of 64 bits;
    ``grey`` (N, 32, 32) the image made small; ``features`` (N, 32) colours and gradients of its quarters,
    each about 0 to 1. ``problems`` are of the files that could not be read."""

    image_ids: IntArray
    hashes: NDArray[np.uint64]
    grey: NDArray[np.uint8]
    features: FloatArray
    problems: tuple[ImageError, ...] = ()


def describe_files(
    files: Sequence[tuple[int, Path]], *, progress: Progress | None = None, threads: int | None = None
) -> Descriptors:
    """Describe image files, given with their ids.

    Raises:
        Cancelled: ``progress`` returned false.
    """
    found: list[tuple[int, np.uint64, NDArray[np.uint8], FloatArray]] = []
    problems: list[ImageError] = []
    executor = ThreadPoolExecutor(threads or min(8, os.cpu_count() or 1), thread_name_prefix="descriptors")
    try:
        for done, (image_id, outcome) in enumerate(_in_order(executor, files), start=1):
            if isinstance(outcome, ImageError):
                problems.append(outcome)
            else:
                found.append((image_id, *outcome))
            if progress is not None and not progress(done, len(files)):
                raise Cancelled("comparing images was cancelled")
    finally:
        executor.shutdown(wait=True, cancel_futures=True)
    return Descriptors(
        image_ids=np.array([item[0] for item in found], np.int64),
        hashes=np.array([item[1] for item in found], np.uint64),
        grey=np.array([item[2] for item in found], np.uint8).reshape(-1, GREY_SIDE, GREY_SIDE),
        features=np.array([item[3] for item in found], np.float64).reshape(-1, FEATURES),
        problems=tuple(problems),
    )


_Outcome = tuple[np.uint64, NDArray[np.uint8], FloatArray] | ImageError


def _in_order(
    executor: ThreadPoolExecutor, files: Sequence[tuple[int, Path]]
) -> Iterable[tuple[int, _Outcome]]:
    """A few images ahead of the one that is asked for, so that memory stays small."""
    for first in range(0, len(files), _AHEAD):
        some = files[first : first + _AHEAD]
        yield from zip((image_id for image_id, _ in some), executor.map(_read, some), strict=True)


def _read(file: tuple[int, Path]) -> _Outcome:
    try:
        return describe(read_image(file[1]))
    except ImageError as error:
        return error


def describe(image: ImageArray) -> tuple[np.uint64, NDArray[np.uint8], FloatArray]:
    """Hash, grey and features of one image."""
    small = _shrink(image, _WORKING_SIDE)
    grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
    tiny = np.asarray(cv2.resize(grey, (GREY_SIDE, GREY_SIDE), interpolation=cv2.INTER_AREA), np.uint8)
    return perceptual_hash(tiny), tiny, _features(small)


def perceptual_hash(grey: NDArray[np.uint8]) -> np.uint64:
    """Which of the 64 lowest frequencies of a (32, 32) image lie above their median, the first of the rows as
    the lowest bit. The mean brightness takes no part: its bit is that of the one after the last.

    Source: Zauner, Implementation and Benchmarking of Perceptual Image Hash Functions (2010).
    """
    frequencies = cv2.dct(grey.astype(np.float32))[:_HASH_SIDE, : _HASH_SIDE + 1].astype(np.float64)
    kept = frequencies[:, :_HASH_SIDE].copy()
    kept[0, 0] = frequencies[0, _HASH_SIDE]
    bits = (kept > np.median(kept)).ravel()
    return np.packbits(bits, bitorder="little").view("<u8").astype(np.uint64)[0]


def _features(small: ImageArray) -> FloatArray:
    """Of each quarter: mean lightness and the two colour axes, spread of lightness, edges by direction."""
    lab = cv2.cvtColor(small, cv2.COLOR_RGB2LAB).astype(np.float64) / 255.0
    light = lab[:, :, 0].astype(np.float32)
    dx, dy = cv2.Sobel(light, cv2.CV_32F, 1, 0), cv2.Sobel(light, cv2.CV_32F, 0, 1)
    strength: FloatArray = np.hypot(dx, dy).astype(np.float64)
    # opposite gradients are of the same edge
    turns = np.arctan2(dy, dx) / np.pi
    place: IntArray = np.floor(turns * _DIRECTIONS + 0.5).astype(np.int64) % _DIRECTIONS
    rows, columns = small.shape[0] // _GRID, small.shape[1] // _GRID
    values: list[float] = []
    for top in range(0, rows * _GRID, rows):
        for left in range(0, columns * _GRID, columns):
            part = (slice(top, top + rows), slice(left, left + columns))
            values += lab[part].reshape(-1, 3).mean(axis=0).tolist()
            values.append(float(2.0 * lab[part][:, :, 0].std()))
            edges = np.bincount(place[part].ravel(), weights=strength[part].ravel(), minlength=_DIRECTIONS)
            values += (edges / (rows * columns)).tolist()
    return np.array(values, np.float64)


def _shrink(image: ImageArray, side: int) -> ImageArray:
    """A square, so that the same picture in another aspect ratio is the same; small images are enlarged."""
    height, width = image.shape[:2]
    way = cv2.INTER_AREA if min(height, width) >= side else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, (side, side), interpolation=way), np.uint8)
