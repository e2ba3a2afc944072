"""The images that a training draws, one by one: which, and with which random changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from detcore.data.augmentation.augment import Draw, augment, chance
from detcore.data.augmentation.labelled import Labelled, paint_ignored
from detcore.data.augmentation.mixing import cutmix, mixup, mosaic, paste
from detcore.data.cache import ImageCache
from detcore.data.letterbox import round_up
from detcore.data.passes import ImagePasses, Passes, TilePasses
from detcore.data.samples import Sample
from detcore.data.sampling import RareBoxes
from detcore.data.tiles import TileSamples, cut_out, having_objects
from detcore.errors import ImageError
from detcore.jobs.settings.augmentation import Augmentation
from detcore.types import FloatArray, IntArray
from detcore.zoo.spec import SIDE_STEP

ProblemCallback = Callable[[ImageError], None]
_MOST_PASTED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """One image as it is learnt from, and which one most of it is of."""

    labelled: Labelled
    path: str
    image_id: int


class Draws:
    """An endless row of augmented training images, a fresh random order each pass.

    What image number n is, and how it is augmented, follows from ``seed`` and n alone. ``problem`` is told about a
    file that cannot be read, once a file. Used from several threads.

    ``weights`` (N,) of at least 1 say how often each image is drawn in a pass, on average; no image is left
    out of a pass. Without them each is drawn once. ``pass_length`` is the number of images in a pass.

    Of tiles each counts as an image, and a pass has those that ``TilePasses`` says. Those of one image are drawn within
    some hundred others, so that it is decoded once in a pass.

    With ``paint_ignored`` areas to ignore are painted over, for a detector that cannot leave them out of its losses.
    """

    def __init__(
        self,
        samples: Sequence[Sample] | TileSamples,
        cache: ImageCache,
        *,
        seed: int,
        problem: ProblemCallback,
        weights: FloatArray | None = None,
        paint_ignored: bool = False,
    ) -> None:
        if not samples:
            raise ValueError("no samples to draw from")
        if weights is not None and (len(weights) != len(samples) or not (weights >= 1.0).all()):
            raise ValueError("one weight of at least 1 is needed for each sample")
        self.samples = samples
        self._tiled = isinstance(samples, TileSamples)
        self.passes: Passes = (
            TilePasses(samples, weights)
            if isinstance(samples, TileSamples)
            else ImagePasses(len(samples), weights)
        )
        self.pass_length = self.passes.length
        self._paint_ignored = paint_ignored
        self._cache = cache
        self._seed = seed
        self._problem = problem
        self._rare = RareBoxes(having_objects(samples))
        self._broken: set[str] = set()
        self._orders: dict[int, IntArray] = {}
        self._every = np.arange(len(samples))

    def all_broken(self, number: int) -> bool:
        """Whether every file of the pass that image ``number`` is in has been tried, and none can be read."""
        rows: list[int] = self._order(number // self.pass_length).tolist()
        return self._broken.issuperset(self.samples[row].path for row in rows)

    def item(self, number: int, plan: Augmentation, *, scale: float = 1.0) -> Drawn | None:
        """Image number ``number``, or ``None`` where its file cannot be read; in a frame, and itself, so many times as
        large as it would be at prediction."""
        rounds, row = divmod(number, self.pass_length)
        order = self._order(rounds)
        sample = self.samples[int(order[row])]
        rng = np.random.default_rng([self._seed, 2, number])
        whole = self._load(sample)
        if whole is None:
            return None
        # Of tiles most that are in no pass are background, which no mosaic needs.
        others = order if self._tiled else self._every
        item = self._mix(whole, sample, plan, rng, others)
        width, height = (round_up(max(1, round(scale * side)), SIDE_STEP) for side in item.size)
        labelled = augment(item, plan, rng, width=width, height=height, scale=scale)
        painted = paint_ignored(labelled) if self._paint_ignored else labelled
        return Drawn(labelled=painted, path=sample.path, image_id=sample.image_id)

    def _order(self, rounds: int) -> IntArray:
        """(pass_length,) rows of the samples in that pass."""
        order = self._orders.get(rounds)
        if order is None:
            order = self.passes.rows(np.random.default_rng([self._seed, 1, rounds]))
            # Only the newest passes are asked for again. Threads may do this twice, with the same result.
            recent = {number: kept for number, kept in self._orders.items() if number >= rounds - 2}
            self._orders = {**recent, rounds: order}
        return order

    def _mix(
        self, item: Labelled, sample: Sample, plan: Augmentation, rng: np.random.Generator, others: IntArray
    ) -> Labelled:
        """The image with others in it, as far as they can be read: those of the rows ``others``."""
        if plan.mosaic and rng.random() < plan.mosaic:
            rows = others[rng.integers(len(others), size=3)]
            second, third, fourth = (self._load(self.samples[int(row)]) or item for row in rows)
            item = mosaic((item, second, third, fourth), plan, rng)
        mixing = chance(rng, Draw.MIXUP, plan.mixup)
        if mixing is not None and (other := self._another(mixing, sample, others)) is not None:
            item = mixup(item, other, mixing)
        cutting = chance(rng, Draw.CUTMIX, plan.cutmix)
        if cutting is not None and (other := self._another(cutting, sample, others)) is not None:
            item = cutmix(item, other, cutting)
        pasting = chance(rng, Draw.COPY_PASTE, plan.copy_paste)
        if pasting is not None:
            for _ in range(int(pasting.integers(1, _MOST_PASTED + 1))):
                item = self._paste(item, pasting, may_mirror=plan.flip_horizontal)
        return item

    def _paste(self, item: Labelled, rng: np.random.Generator, *, may_mirror: bool) -> Labelled:
        chosen = self._rare.choose(rng)
        source = None if chosen is None else self._load(self.samples[chosen[0]])
        if chosen is None or source is None:
            return item
        return paste(item, source, chosen[1], rng, mirrored=may_mirror and bool(rng.random() < 0.5))

    def _another(self, rng: np.random.Generator, sample: Sample, others: IntArray) -> Labelled | None:
        """Any of these rows; ``None`` where that is the same, whose objects would be there twice, or cannot be read."""
        other = self.samples[int(others[rng.integers(len(others))])]
        same = (other.image_id, other.tile) == (sample.image_id, sample.tile)
        return None if same else self._load(other)

    def _load(self, sample: Sample) -> Labelled | None:
        try:
            image, fit = self._cache.get(sample.path, frame=sample.frame)
        except ImageError as error:
            if sample.path not in self._broken:
                self._broken.add(sample.path)
                self._problem(error)
            return None
        whole = Labelled(
            image=image,
            boxes=fit.to_frame(sample.boxes),
            labels=sample.labels,
            scores=sample.scores,
            ignore=fit.to_frame(sample.ignore),
        )
        return whole if sample.tile is None else cut_out(whole, sample.tile)
