"""Batches of tensors for training and for detection."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from detcore.data.cache import ImageCache
from detcore.data.draws import Drawn, Draws, ProblemCallback
from detcore.data.letterbox import PAD_VALUE, Fit, round_up
from detcore.data.samples import Sample
from detcore.data.tensors import to_tensor
from detcore.data.tiles import TileSamples
from detcore.errors import ImageError
from detcore.images.tiles import Tile
from detcore.jobs.settings.augmentation import Augmentation
from detcore.types import FloatArray, ImageArray
from detcore.zoo.spec import SIDE_STEP

AHEAD = 3
"""So many batches are in the making at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainBatch:
    """``images`` (B, 3, H, W) uint8; for each image its ``boxes`` (N, 4) in pixels of the frame,
    ``labels`` (N,), ``scores`` (N,), ``ignore`` areas (M, 4), path and image id. ``drawn`` images have been drawn from the
    stream up to and with this batch."""

    images: Tensor
    boxes: list[Tensor]
    labels: list[Tensor]
    scores: list[Tensor]
    ignore: list[Tensor]
    paths: list[str]
    image_ids: list[int]
    drawn: int


class Batches(Protocol):
    """An endless row of batches."""

    def batches(
        self,
        *,
        start: int,
        batch_size: int,
        plan: Callable[[int], Augmentation],
        scale: Callable[[int], float] = ...,
        threads: int = 1,
    ) -> Generator[TrainBatch, None, None]:
        """As ``TrainStream.batches``."""
        ...


class TrainStream:
    """An endless stream of augmented training images, a fresh random order each pass.

    What image number n of the stream is, and how it is augmented, follows from ``seed`` and n alone:
    a stream that starts at n goes on exactly where another stopped, whatever the batch size and the
    number of threads; ``Draws`` has them. A file that cannot be read is left out of its batch, which has
    ``smallest_batch`` images all the same: fewer wait for the next.
    Of ``world_size`` processes each takes every ``world_size``-th image. ``pass_length`` is the number of
    images in a pass, which ``passes`` makes.
    """

    def __init__(
        self,
        samples: Sequence[Sample] | TileSamples,
        cache: ImageCache,
        *,
        seed: int,
        problem: ProblemCallback,
        rank: int = 0,
        world_size: int = 1,
        weights: FloatArray | None = None,
        smallest_batch: int = 1,
        paint_ignored: bool = False,
    ) -> None:
        self._draws = Draws(
            samples, cache, seed=seed, problem=problem, weights=weights, paint_ignored=paint_ignored
        )
        self.passes = self._draws.passes
        self.pass_length = self._draws.pass_length
        self._rank = rank
        self._world_size = world_size
        self._smallest_batch = smallest_batch

    def batches(
        self,
        *,
        start: int,
        batch_size: int,
        plan: Callable[[int], Augmentation],
        scale: Callable[[int], float] = lambda _number: 1.0,
        threads: int = 1,
    ) -> Generator[TrainBatch, None, None]:
        """Batches from image number ``start`` on; ``batch_size`` is that of one process. ``plan`` says how to draw the
        batch that begins with an image number, ``scale`` how many times as large as at prediction.

        The generator's threads end when it is closed.

        Raises:
            ImageError: none of the files of a pass can be read.
        """
        stride = batch_size * self._world_size
        pending: deque[tuple[int, list[Future[Drawn | None]]]] = deque()
        executor = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="images")
        try:
            at = start
            items: list[Drawn] = []
            while True:
                while len(pending) < AHEAD:
                    numbers = range(at + self._rank, at + stride, self._world_size)
                    draw = partial(self._draws.item, plan=plan(at), scale=scale(at))
                    pending.append((at, [executor.submit(draw, number) for number in numbers]))
                    at += stride
                first, futures = pending.popleft()
                items += [item for item in (future.result() for future in futures) if item is not None]
                if len(items) >= self._smallest_batch:
                    yield collate(items, first + stride)
                    items = []
                elif not items and self._draws.all_broken(first):
                    raise ImageError(
                        "none of the training images can be read",
                        path=self._draws.samples[0].path,
                        hint="Check the image folder of the project",
                    )
        finally:
            executor.shutdown(wait=True, cancel_futures=True)


def collate(items: Sequence[Drawn], drawn: int) -> TrainBatch:
    """One batch; frames of unlike size are filled up with grey to the largest one."""
    labelled = [item.labelled for item in items]
    return TrainBatch(
        images=stack([one.image for one in labelled]),
        boxes=[to_tensor(one.boxes) for one in labelled],
        labels=[to_tensor(one.labels) for one in labelled],
        scores=[to_tensor(one.scores) for one in labelled],
        ignore=[to_tensor(one.ignore) for one in labelled],
        paths=[item.path for item in items],
        image_ids=[item.image_id for item in items],
        drawn=drawn,
    )


def stack(images: Sequence[ImageArray]) -> Tensor:
    """(B, 3, H, W) uint8 with H and W multiples of 32, images in the top left corner."""
    height = round_up(max(image.shape[0] for image in images), SIDE_STEP)
    width = round_up(max(image.shape[1] for image in images), SIDE_STEP)
    frames = np.full((len(images), height, width, 3), PAD_VALUE, np.uint8)
    for frame, image in zip(frames, images, strict=True):
        frame[: image.shape[0], : image.shape[1]] = image
    # Channels last in memory already, which is what the fast convolutions want.
    return to_tensor(frames).permute(0, 3, 1, 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectBatch:
    """``images`` (B, 3, H, W) uint8, and for each its sample, how that was fitted and which part of it this is;
    ``done`` samples have been read to their end so far, broken ones included."""

    images: Tensor
    samples: list[Sample]
    fits: list[Fit]
    tiles: list[Tile]
    done: int


def detect_batches(
    samples: Sequence[Sample], cache: ImageCache, *, batch_size: int, problem: ProblemCallback
) -> Iterator[DetectBatch]:
    """Each sample once, in order, without augmentation; files that cannot be read are told and left out. Of a cache
    with a tiling the tiles of each image follow one another, and no batch holds those of two."""
    at_once = batch_size if cache.tiling is None else 1
    for first in range(0, len(samples), at_once):
        parts: list[tuple[ImageArray, Sample, Fit, Tile]] = []
        for sample in samples[first : first + at_once]:
            try:
                image, fit = cache.get(sample.path, frame=sample.frame)
            except ImageError as error:
                problem(error)
                continue
            parts += [
                (image[tile.top : tile.bottom, tile.left : tile.right], sample, fit, tile)
                for tile in cache.tiles(fit)
            ]
        for start in range(0, max(1, len(parts)), batch_size):
            chosen = parts[start : start + batch_size]
            ended = start + batch_size >= len(parts)
            yield DetectBatch(
                images=stack([image for image, _, _, _ in chosen])
                if chosen
                else torch.zeros(0, 3, SIDE_STEP, SIDE_STEP),
                samples=[sample for _, sample, _, _ in chosen],
                fits=[fit for _, _, fit, _ in chosen],
                tiles=[tile for _, _, _, tile in chosen],
                done=min(first + at_once, len(samples)) if ended else first,
            )
