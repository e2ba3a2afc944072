"""Batches of tensors for training and for detection."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from detcore.data.augment import Labelled, augment, mosaic
from detcore.data.cache import ImageCache
from detcore.data.letterbox import PAD_VALUE, Fit, round_up
from detcore.data.samples import Sample
from detcore.data.tensors import to_tensor
from detcore.errors import ImageError
from detcore.jobs.config import Augmentation
from detcore.types import FloatArray, ImageArray, IntArray
from detcore.zoo.spec import SIDE_STEP

ProblemCallback = Callable[[ImageError], None]
AHEAD = 3
"""So many batches are in the making at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainBatch:
    """``images`` (B, 3, H, W) uint8; for each image its ``boxes`` (N, 4) in pixels of the frame,
    ``labels`` (N,), ``ignore`` areas (M, 4) and path. ``drawn`` images have been drawn from the stream
    up to and with this batch."""

    images: Tensor
    boxes: list[Tensor]
    labels: list[Tensor]
    ignore: list[Tensor]
    paths: list[str]
    drawn: int


class TrainStream:
    """An endless stream of augmented training images, a fresh random order each pass.

    What image number n of the stream is, and how it is augmented, follows from ``seed`` and n alone:
    a stream that starts at n goes on exactly where another stopped, whatever the batch size and the
    number of threads. ``problem`` is told about a file that cannot be read, once a file; the image is
    left out of its batch, which has ``smallest_batch`` images all the same: fewer wait for the next.
    Of ``world_size`` processes each takes every ``world_size``-th image.

    ``weights`` (N,) of at least 1 say how often each image is drawn in a pass, on average; no image is left
    out of a pass. Without them each is drawn once. ``pass_length`` is the number of images in a pass.
    """

    def __init__(
        self,
        samples: Sequence[Sample],
        cache: ImageCache,
        *,
        seed: int,
        problem: ProblemCallback,
        rank: int = 0,
        world_size: int = 1,
        weights: FloatArray | None = None,
        smallest_batch: int = 1,
    ) -> None:
        if not samples:
            raise ValueError("no samples to draw from")
        if weights is not None and (len(weights) != len(samples) or not (weights >= 1.0).all()):
            raise ValueError("one weight of at least 1 is needed for each sample")
        self._weights = weights
        self.pass_length = len(samples) if weights is None else math.ceil(float(weights.sum()))
        self._samples = samples
        self._cache = cache
        self._seed = seed
        self._problem = problem
        self._rank = rank
        self._world_size = world_size
        self._smallest_batch = smallest_batch
        self._broken: set[str] = set()
        self._orders: dict[int, IntArray] = {}

    def batches(
        self, *, start: int, batch_size: int, plan: Callable[[int], Augmentation], threads: int = 1
    ) -> Generator[TrainBatch, None, None]:
        """Batches from image number ``start`` on; ``batch_size`` is that of one process. ``plan`` says how to draw the
        batch that begins with an image number.

        The generator's threads end when it is closed.

        Raises:
            ImageError: none of the files can be read.
        """
        stride = batch_size * self._world_size
        pending: deque[tuple[int, list[Future[tuple[Labelled, str] | None]]]] = deque()
        executor = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="images")
        try:
            at = start
            items: list[tuple[Labelled, str]] = []
            while True:
                while len(pending) < AHEAD:
                    numbers = range(at + self._rank, at + stride, self._world_size)
                    chosen = plan(at)
                    pending.append((at + stride, [executor.submit(self._item, n, chosen) for n in numbers]))
                    at += stride
                drawn, futures = pending.popleft()
                items += [item for item in (future.result() for future in futures) if item is not None]
                if len(items) >= self._smallest_batch:
                    yield collate([item for item, _ in items], [path for _, path in items], drawn)
                    items = []
                elif not items and len(self._broken) >= len({sample.path for sample in self._samples}):
                    raise ImageError(
                        "none of the training images can be read",
                        path=self._samples[0].path,
                        hint="Check the image folder of the project",
                    )
        finally:
            executor.shutdown(wait=True, cancel_futures=True)

    def _sample(self, number: int) -> Sample:
        rounds, row = divmod(number, self.pass_length)
        order = self._orders.get(rounds)
        if order is None:
            order = self._order(np.random.default_rng([self._seed, 1, rounds]))
            # Only the newest passes are asked for again. Threads may do this twice, with the same result.
            recent = {number: kept for number, kept in self._orders.items() if number >= rounds - 2}
            self._orders = {**recent, rounds: order}
        return self._samples[int(order[row])]

    def _order(self, rng: np.random.Generator) -> IntArray:
        """(pass_length,) rows of the samples. Of weights a systematic sample, which draws each image as often
        as its weight says, rounded up or down."""
        if self._weights is None:
            return rng.permutation(len(self._samples))
        edges: FloatArray = np.cumsum(self._weights)
        step = float(edges[-1]) / self.pass_length
        points: FloatArray = np.arange(self.pass_length, dtype=np.float64) * step + rng.random() * step
        rows: IntArray = np.searchsorted(edges, points, side="right")
        return rng.permutation(np.minimum(rows, len(edges) - 1))

    def _item(self, number: int, plan: Augmentation) -> tuple[Labelled, str] | None:
        sample = self._sample(number)
        rng = np.random.default_rng([self._seed, 2, number])
        try:
            item = self._load(sample)
        except ImageError as error:
            self._tell(error, sample)
            return None
        if plan.mosaic and rng.random() < plan.mosaic:
            second, third, fourth = (
                self._partner(int(row), item) for row in rng.integers(len(self._samples), size=3)
            )
            item = mosaic((item, second, third, fourth), plan, rng)
        height, width = item.image.shape[:2]
        return (
            augment(item, plan, rng, width=round_up(width, SIDE_STEP), height=round_up(height, SIDE_STEP)),
            sample.path,
        )

    def _partner(self, row: int, item: Labelled) -> Labelled:
        """Another image for a mosaic about ``item``, which stands in for one that cannot be read."""
        sample = self._samples[row]
        try:
            return self._load(sample)
        except ImageError as error:
            self._tell(error, sample)
            return item

    def _tell(self, error: ImageError, sample: Sample) -> None:
        if error.path not in self._broken:
            self._broken.add(error.path or sample.path)
            self._problem(error)

    def _load(self, sample: Sample) -> Labelled:
        image, fit = self._cache.get(sample.path, frame=sample.frame)
        return Labelled(
            image=image,
            boxes=fit.to_frame(sample.boxes),
            labels=sample.labels,
            ignore=fit.to_frame(sample.ignore),
        )


def collate(items: Sequence[Labelled], paths: list[str], drawn: int) -> TrainBatch:
    """One batch; frames of unlike size are filled up with grey to the largest one."""
    return TrainBatch(
        images=stack([item.image for item in items]),
        boxes=[to_tensor(item.boxes) for item in items],
        labels=[to_tensor(item.labels) for item in items],
        ignore=[to_tensor(item.ignore) for item in items],
        paths=paths,
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
    """``images`` (B, 3, H, W) uint8, and for each its sample and how it was fitted; ``done`` samples
    have been read so far, broken ones included."""

    images: Tensor
    samples: list[Sample]
    fits: list[Fit]
    done: int


def detect_batches(
    samples: Sequence[Sample], cache: ImageCache, *, batch_size: int, problem: ProblemCallback
) -> Iterator[DetectBatch]:
    """Each sample once, in order, without augmentation; files that cannot be read are told and left out."""
    for first in range(0, len(samples), batch_size):
        loaded: list[tuple[ImageArray, Sample, Fit]] = []
        for sample in samples[first : first + batch_size]:
            try:
                image, fit = cache.get(sample.path, frame=sample.frame)
            except ImageError as error:
                problem(error)
                continue
            loaded.append((image, sample, fit))
        done = min(first + batch_size, len(samples))
        images = (
            stack([image for image, _, _ in loaded]) if loaded else torch.zeros(0, 3, SIDE_STEP, SIDE_STEP)
        )
        yield DetectBatch(
            images=images,
            samples=[sample for _, sample, _ in loaded],
            fits=[fit for _, _, fit in loaded],
            done=done,
        )
