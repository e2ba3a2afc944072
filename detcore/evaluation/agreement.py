"""How far two people agree who have labelled the same images.

Everything is counted in the confusion matrix of one's labels and the other's, which comes from the match table: boxes of one class
that overlap enough are the same object, and of what is left boxes of different classes are the same place. Neither of the two is
taken to be right. Difficult boxes and crowds of the first count for nobody, as in all figures.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from detcore.types import IntArray


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassAgreement:
    """One class: how many boxes each of the two has of it, and how many of those are the same object."""

    class_id: int
    first: int
    second: int
    agreed: int

    @property
    def f1(self) -> float:
        """Twice what both have, by all that they have; nan where neither has any."""
        return _f1(self.agreed, self.first, self.second)


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Two people: ``first`` and ``second`` are their boxes, ``matched`` those that lie on the same place, of which they call
    ``agreed`` the same. ``kappa`` is Cohen's of the classes of matched boxes (1960): how much of the agreement that chance would not
    bring is there, 1 for all, 0 for none; nan where nothing is matched, or only one class ever is."""

    first: int
    second: int
    matched: int
    agreed: int
    kappa: float
    classes: tuple[ClassAgreement, ...]

    @property
    def f1(self) -> float:
        """Of all classes together: twice what both have, by all that they have; nan without boxes."""
        return _f1(self.agreed, self.first, self.second)


def agreement(matrix: IntArray, class_ids: Sequence[int]) -> Agreement:
    """Of a (K + 1, K + 1) confusion matrix, rows the first's classes, columns the second's, the last of each is no box there;
    ``class_ids`` (K,) are those of its rows."""
    pairs = matrix[:-1, :-1]
    first, second = matrix[:-1].sum(axis=1), matrix[:, :-1].sum(axis=0)
    agreed = np.diagonal(pairs)
    return Agreement(
        first=int(first.sum()),
        second=int(second.sum()),
        matched=int(pairs.sum()),
        agreed=int(agreed.sum()),
        kappa=cohens_kappa(pairs),
        classes=tuple(
            ClassAgreement(class_id=class_id, first=one, second=other, agreed=both)
            for class_id, one, other, both in zip(
                class_ids, first.tolist(), second.tolist(), agreed.tolist(), strict=True
            )
        ),
    )


def cohens_kappa(pairs: IntArray) -> float:
    """Cohen's kappa of a (K, K) table of what two people call the same things: (observed - by chance) / (1 - by chance); nan where
    chance explains everything."""
    total = int(pairs.sum())
    if not total:
        return math.nan
    observed = int(np.trace(pairs)) * total
    by_chance = int((pairs.sum(axis=0) * pairs.sum(axis=1)).sum())
    # whole numbers, so that 1 is told from nearly 1
    return (observed - by_chance) / (total**2 - by_chance) if total**2 != by_chance else math.nan


def _f1(agreed: int, first: int, second: int) -> float:
    return 2 * agreed / (first + second) if first + second else math.nan
