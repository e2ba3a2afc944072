"""How often a training draws each of its images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from detcore.curation.emphasis import Emphasis
from detcore.data.samples import Sample
from detcore.data.sampling import repeat_factors
from detcore.data.tiles import TileSamples, weights_of_tiles
from detcore.jobs.settings.learning import Learning
from detcore.types import FloatArray
from detcore.wording import counted


def draw_weights(
    samples: Sequence[Sample],
    learning: Learning,
    *,
    emphasis: Path,
    say: Callable[[str], None],
    tiles: TileSamples | None = None,
) -> FloatArray | None:
    """(N,) how often each image is drawn in a pass, of at least 1, or each of the ``tiles`` of them; ``None`` when all are
    alike.

    What is rare and what an earlier run got wrong, which the file ``emphasis`` holds, multiply. Each is told. Errors
    count in the tiles that they are in; for a rare class all tiles of its images are drawn more often.

    Raises:
        ConfigError: the errors of an earlier run are wanted, and not there.
    """
    weights: FloatArray | None = None
    if learning.hard_negatives or learning.oversample:
        errors = Emphasis.load(emphasis)
        weights = errors.weights(
            [sample.image_id for sample in samples] if tiles is None else tiles.image_ids.tolist(),
            hard_negatives=learning.hard_negatives,
            oversample=learning.oversample,
            parts=None if tiles is None else tiles.places(),
        )
        say(
            f"{_more_often(weights, 'image' if tiles is None else 'tile')} drawn more often, for {errors.run} had "
            f"{counted(errors.false_positives, 'false positive')} on background and {counted(errors.misses, 'miss', 'misses')}."
            + ("" if tiles is None else " Those of them without objects, which take turns, come sooner.")
        )
    if learning.class_balance:
        factors = repeat_factors(samples, learning.class_balance)
        say(f"{_more_often(factors, 'image')} drawn more often for the sake of rare classes.")
        if tiles is not None:
            factors = weights_of_tiles(factors, samples, tiles)
        weights = factors if weights is None else weights * factors
    return weights


def _more_often(weights: FloatArray, what: str) -> str:
    return f"{int((weights > 1.0).sum()):,} of {counted(len(weights), what)}"
