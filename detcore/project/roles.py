"""What an image is to a detector: labelled or not, learnt from or held out. One rule for the window, the
command line, splits, curation and training."""

from __future__ import annotations

from detcore.types import BoolArray, IntArray

HELD_OUT = ("val", "test")
"""The splits that no training learns from."""


def labelled(box_counts: IntArray, verified: BoolArray) -> BoolArray:
    """(N,) whether each image says something to a detector: it has boxes, or is verified to have none.

    An image without boxes that nobody has verified is not known to be empty.
    """
    return (box_counts > 0) | verified


def is_learnt_from(split: str | None) -> bool:
    """Whether a training learns from the labelled images of a split; those of none count as ``train``."""
    return split not in HELD_OUT
