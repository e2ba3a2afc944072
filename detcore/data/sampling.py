"""Which images and boxes are drawn more often than others, for the sake of rare classes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from detcore.data.samples import Sample
from detcore.types import FloatArray, IntArray


def repeat_factors(samples: Sequence[Sample], threshold: float) -> FloatArray:
    """(N,) how often each image is drawn in a pass, of at least 1 (repeat factor sampling, Gupta et al. 2019, LVIS).

    A class that a share f of the images has repeats them max(1, √(threshold / f)) times; an image is repeated for
    its rarest class.
    """
    classes = [np.unique(sample.labels) for sample in samples]
    found: IntArray = np.concatenate([np.zeros(0, np.int64), *classes])
    shares = np.bincount(found) / max(len(samples), 1)
    factors = np.ones(len(samples))
    for row, own in enumerate(classes):
        if len(own):
            factors[row] = max(1.0, float(np.sqrt(threshold / shares[own].min())))
    return factors


class RareBoxes:
    """The boxes of all samples, each class as likely to be chosen as any other: boxes of rare ones come first."""

    def __init__(self, samples: Sequence[Sample]) -> None:
        none = np.zeros(0, np.int64)
        labels: IntArray = np.concatenate([none, *(sample.labels for sample in samples)])
        pairs = [(at, row) for at, sample in enumerate(samples) for row in range(len(sample.labels))]
        self._rows: IntArray = np.array(pairs, np.int64).reshape(-1, 2)
        counts: IntArray = np.bincount(labels, minlength=1)
        self._edges: FloatArray = np.cumsum(1.0 / counts[labels])

    def choose(self, rng: np.random.Generator) -> tuple[int, int] | None:
        """A row of the samples and one of its boxes; ``None`` where there is no box."""
        if not len(self._edges):
            return None
        point = rng.random() * float(self._edges[-1])
        at = int(np.searchsorted(self._edges, np.float64(point), side="right"))
        sample, box = self._rows[min(at, len(self._rows) - 1)].tolist()
        return sample, box
