"""How often a training draws each of its images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from detcore.curation.emphasis import Emphasis
from detcore.data.samples import Sample
from detcore.data.sampling import repeat_factors
from detcore.jobs.settings.learning import Learning
from detcore.types import FloatArray
from detcore.wording import counted


def draw_weights(
    samples: Sequence[Sample], learning: Learning, *, emphasis: Path, say: Callable[[str], None]
) -> FloatArray | None:
    """(N,) how often each image is drawn in a pass, of at least 1; ``None`` when all are alike.

    What is rare and what an earlier run got wrong, which the file ``emphasis`` holds, multiply. Each is told.

    Raises:
        ConfigError: the errors of an earlier run are wanted, and not there.
    """
    weights: FloatArray | None = None
    if learning.hard_negatives or learning.oversample:
        errors = Emphasis.load(emphasis)
        weights = errors.weights(
            [sample.image_id for sample in samples],
            hard_negatives=learning.hard_negatives,
            oversample=learning.oversample,
        )
        say(
            f"{_more_often(weights)} drawn more often, for {errors.run} had "
            f"{counted(errors.false_positives, 'false positive')} on background and {counted(errors.misses, 'miss', 'misses')}."
        )
    if learning.class_balance:
        factors = repeat_factors(samples, learning.class_balance)
        say(f"{_more_often(factors)} drawn more often for the sake of rare classes.")
        weights = factors if weights is None else weights * factors
    return weights


def _more_often(weights: FloatArray) -> str:
    return f"{int((weights > 1.0).sum()):,} of {counted(len(weights), 'image')}"
