"""What is said of a label that is probably wrong."""

from __future__ import annotations

from collections.abc import Mapping

from app.services.figures import ratio_text
from detcore.evaluation.label_errors import LabelError
from detcore.review.suspicions import Suspicion

LABEL_ERROR_TEXTS: Mapping[LabelError, str] = {
    LabelError.MISSING: "no label",
    LabelError.SPURIOUS: "nothing there",
    LabelError.SWAPPED: "wrong class",
    LabelError.LOCATION: "badly placed",
    LabelError.DUPLICATE: "labelled twice",
}
LABEL_ERROR_TITLES: Mapping[LabelError, str] = {
    LabelError.MISSING: "No label",
    LabelError.SPURIOUS: "Nothing there",
    LabelError.SWAPPED: "Wrong class",
    LabelError.LOCATION: "Badly placed label",
    LabelError.DUPLICATE: "Labelled twice",
}
"""Where a row says it alone."""


def suspicion_text(suspicion: Suspicion) -> str:
    """Such as "Label error 0.93: no label"."""
    return f"Label error {ratio_text(suspicion.score)}: {LABEL_ERROR_TEXTS[suspicion.kind]}"
