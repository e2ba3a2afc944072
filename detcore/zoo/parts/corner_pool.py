"""Corner pooling (CornerNet, Law and Deng 2018): what a corner of a box must know lies along its edges, where there is nothing of the object
at the corner itself."""

from __future__ import annotations

from torch import Tensor


def rightward(features: Tensor) -> Tensor:
    """At each place of (…, rows, columns) the largest value from there to the right end of the row: for left edges."""
    return features.flip(-1).cummax(dim=-1).values.flip(-1)


def downward(features: Tensor) -> Tensor:
    """The largest value from there to the lower end of the column: for upper edges."""
    return features.flip(-2).cummax(dim=-2).values.flip(-2)


def leftward(features: Tensor) -> Tensor:
    """The largest value from the left end of the row up to there: for right edges."""
    return features.cummax(dim=-1).values


def upward(features: Tensor) -> Tensor:
    """The largest value from the upper end of the column up to there: for lower edges."""
    return features.cummax(dim=-2).values
