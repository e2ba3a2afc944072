"""What a detector learns from while images are verified one by one, and what it is judged by."""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator
from contextlib import closing

from detcore.data.batches import TrainBatch, TrainStream
from detcore.data.samples import Split, make_samples
from detcore.jobs.config import TrainConfig
from detcore.jobs.settings.augmentation import Augmentation
from detcore.project.snapshot import Snapshot

_EVERY = 5
"""So many images are verified for each one that judges."""


class Roles:
    """Which of the verified images judge: those of the validation split, and every fifth of those without a split. What was
    ever learnt from judges no more; the test split is left alone."""

    def __init__(self, before: Snapshot | None, *, known: Collection[int] = ()) -> None:
        """``before`` is what these weights have learnt from and were judged by up to now; images that are ``known`` were
        learnt by them before, or by the weights that they began with."""
        images = () if before is None else before.images
        self._splits = {image.id: image.split or "train" for image in images}
        self._learnt = {*known, *(image_id for image_id, split in self._splits.items() if split == "train")}

    @property
    def learnt(self) -> frozenset[int]:
        """Ids of all images that were ever learnt from, with those that were divided last."""
        return frozenset(self._learnt)

    def divided(self, verified: Snapshot) -> Snapshot:
        """The verified images with a split each, ``train`` or ``val``; without those that are to judge by now and were
        learnt from once."""
        splits: dict[int, str] = {}
        for image in verified.images:
            split = image.split or self._split(image.id)
            if split == "train":
                self._learnt.add(image.id)
            if split == "train" or (split == "val" and image.id not in self._learnt):
                splits[image.id] = split
        return verified.only(splits).divided(splits)

    def _split(self, image_id: int) -> str:
        """Of an image that the user has put into none: as it was before."""
        if image_id not in self._splits:
            judges = len(self._splits) % _EVERY == _EVERY - 1
            self._splits[image_id] = "val" if judges else "train"
        return "train" if image_id in self._learnt else self._splits[image_id]


def split_of(divided: Snapshot, config: TrainConfig) -> Split:
    """The samples to learn from, and those to judge by, which are not held out of the former where there are none."""
    judging = [image for image in divided.labelled_images if image.split == "val"]
    return Split(
        train=make_samples(divided, divided.training_images, difficult=config.learning.difficult_boxes),
        val=make_samples(divided, judging),
    )


def is_startable(split: Split) -> bool:
    """Whether there is a box to learn from."""
    return any(len(sample.labels) for sample in split.train)


class LiveStream:
    """A stream of training images whose images may become others while it is drawn from."""

    def __init__(self, stream: TrainStream) -> None:
        self._stream = stream

    def renew(self, stream: TrainStream) -> None:
        """Draw from these from the next batch on."""
        self._stream = stream

    def batches(
        self,
        *,
        start: int,
        batch_size: int,
        plan: Callable[[int], Augmentation],
        scale: Callable[[int], float] = lambda _number: 1.0,
        threads: int = 1,
    ) -> Generator[TrainBatch, None, None]:
        """As ``TrainStream.batches``."""
        at = start
        while True:
            stream = self._stream
            drawn = stream.batches(start=at, batch_size=batch_size, plan=plan, scale=scale, threads=threads)
            with closing(drawn):
                for batch in drawn:
                    at = batch.drawn
                    yield batch
                    if self._stream is not stream:
                        break
