"""Whether a label is around nothing, from what is answered at its place and beside it."""

from __future__ import annotations

import numpy as np

from detcore.evaluation.spurious import _odds_of_labels, _Places
from detcore.types import FloatArray

LOUD, WEAK, SILENT = 3.0, -3.0, -7.0
"""Log odds of what is answered at a place."""
SURE, NOTHING = -0.5, -7.0
"""Log odds of what is answered beside it."""


def places(same: FloatArray, near: FloatArray) -> _Places:
    count = len(same)
    return _Places(
        same=same,
        other=np.full(count, SILENT),
        near=near,
        label=np.zeros(count, np.int64),
        usual=np.zeros(count),
    )


def test_an_answer_beside_a_label_speaks_for_it_where_nothing_is_answered_at_it() -> None:
    """Places around nothing that touch an object have answers both at them and beside them, which weak labels
    have not: over all places together an answer beside a place would speak against a label."""
    same = np.concatenate([np.full(560, LOUD), np.full(400, WEAK), np.full(40, SILENT)])
    near = np.concatenate([np.full(980, NOTHING), np.full(20, SURE)])
    touching = np.arange(1000) % 10 < 2
    strange = places(np.where(touching, WEAK, SILENT), np.where(touching, SURE, NOTHING))
    odds, _ = _odds_of_labels(places(same, near), strange, np.ones(1000, np.bool_), classes=1)
    loud, alone, beside = odds[0], odds[960], odds[980]
    assert loud > beside > alone + 1.0
